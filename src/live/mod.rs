//! one call while it lasts: admission, stream driver, hub of live events.

pub mod hub;

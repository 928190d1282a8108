//! Numbers → people: whose call that was.

pub mod phone;

//! one call once it is over: durable jobs.

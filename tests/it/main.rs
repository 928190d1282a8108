//! The only integration binary: one file per capability.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fuzz_corpus;
mod stream;
mod tidy;

//! The only integration binary: one file per capability.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fuzz_corpus;
mod harness;
mod http;
mod recording;
mod stream;
mod tidy;

//! The only integration binary: one file per capability.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod analyze;
mod browser;
mod crash;
mod evening;
mod files;
mod fuzz_corpus;
mod gateway;
mod harness;
mod http;
mod import;
mod language_model;
mod live_words;
mod load;
mod models;
mod recording;
mod replay;
mod returning;
mod speech;
mod stream;
mod tidy;
mod webhooks;
mod twilio;
mod worker;

//! The suite that both databases pass.

mod boot;
mod call_log;
mod calls;
mod jobs;
mod opening;
mod pen;
mod traces;
mod transcripts;

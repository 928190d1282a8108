//! The suite that both databases pass.

mod boot;
mod calls;
mod deliveries;
mod jobs;
mod opening;
mod pen;
mod queue;
mod traces;
mod transcripts;

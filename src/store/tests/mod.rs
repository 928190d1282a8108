//! The suite that both databases pass.

mod boot;
mod calls;
mod deliveries;
mod jobs;
mod leads;
mod opening;
mod pen;
mod queue;
mod recorded;
mod traces;
mod transcripts;

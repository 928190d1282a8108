//! The suite that both databases pass.

mod boot;
mod calls;
mod jobs;
mod leads;
mod opening;
mod pen;
mod recorded;
mod traces;
mod transcripts;

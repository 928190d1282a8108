//! The suite that both databases pass.

mod boot;
mod call_log;
mod calls;
mod deliveries;
mod files;
mod forget;
mod jobs;
mod leads;
mod opening;
mod pen;
mod people;
mod queue;
mod recorded;
mod provider_recordings;
mod traces;
mod transcripts;

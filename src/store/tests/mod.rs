//! The suite that both databases pass.

mod boot;
mod calls;
mod forget;
mod jobs;
mod opening;
mod pen;
mod provider_recordings;
mod traces;
mod transcripts;

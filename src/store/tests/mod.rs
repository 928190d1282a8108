//! The suite that both databases pass.

mod accounts;
mod audit;
mod boot;
mod browse;
mod call_log;
mod calls;
mod deliveries;
mod files;
mod forget;
mod history;
mod jobs;
mod leads;
mod links;
mod opening;
mod pen;
mod people;
mod queue;
mod recorded;
mod provider_recordings;
mod traces;
mod transcripts;

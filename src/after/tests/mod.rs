//! Jobs on both databases, with a hearing that says what it is told and a clock moved by hand.

mod alerting;
mod analysing;
mod announcing;
mod archiving;
mod chain;
mod delivering;
mod fake_target;
mod downloading;
mod fetching;
mod linking;
mod purging;
mod scenario;
mod stopping;
mod transcribing;
mod twilio;
mod understanding;

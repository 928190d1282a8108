//! Jobs on both databases, with a hearing that says what it is told and a clock moved by hand.

mod analysing;
mod archiving;
mod purging;
mod scenario;
mod stopping;
mod transcribing;
mod understanding;

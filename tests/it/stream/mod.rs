//! The media stream from its messages to timed audio: `reference` faults 1 to 26 as far as they lie in
//! `wire` and `call`, captures, and properties of the timeline.

mod captures;
mod faults;
mod properties;
pub(crate) mod scenario;

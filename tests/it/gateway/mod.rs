//! Streams on real sockets, from the upgrade to the final text: cases of the faults met in the wild that
//! only the whole server can show. The others are `call`'s (`tests/it/stream`).

pub(crate) mod peer;
pub(crate) mod server;

mod admission;
mod frames;
mod meaning;
mod microphone;
mod recording;
pub(crate) mod story;

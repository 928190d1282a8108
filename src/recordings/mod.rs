//! Samples → files: a WAV for each track of each stream, valid at every moment, and a JSON sidecar.
//!
//! [`Recorder`] owns one thread that sweeps all open [`Tape`]s every 0.4 s: it takes what a tape has
//! gathered, appends it with one write, then corrects the header with another. A `kill -9` therefore
//! leaves a valid file that lacks less than a second, and [`recover`] finishes it at the next start.
//!
//! Nothing here can end a call: a tape that cannot be written says so once in the log, in its
//! [`Status`], in its sidecar and in the counters, and takes further audio without effect.

pub mod archive;
mod folder;
pub mod import;
mod name;
mod options;
mod part;
pub mod probe;
mod recorder;
mod recover;
mod reel;
mod repair;
pub mod retention;
mod sidecar;
mod tape;
pub mod usage;

pub use options::Options;
pub use recorder::Recorder;
pub use recover::{Recovered, recover};
pub use sidecar::{Gap, Mark, Part, Sidecar, State};
pub use tape::{Spec, Status, Summary, Tape};

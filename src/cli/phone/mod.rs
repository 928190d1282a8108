//! What behaves as Twilio does towards a media door: `replay` and the load generator are built on it.
//!
//! | file | |
//! |---|---|
//! | [`source`], `decimate` | a file as a phone would say it |
//! | [`pace`] | which frame goes out when, and what the line does to it |
//! | [`client`], [`socket`] | one stream: upgrade, `start`, media, `stop` |
//! | [`playback`] | audio and marks that the server sends back |
//! | [`Flags`] | what all of them are told on the command line |
//! | [`meter`] | how late frames left, over many streams |
//! | [`api`], `sse` | the server's HTTP side, found from its media door; its events |

pub mod api;
pub mod client;
mod decimate;
mod flags;
pub mod meter;
pub mod pace;
pub mod playback;
pub mod socket;
pub mod source;
pub(in crate::cli) mod sse;

pub use client::{Call, Client, Failure, Sent};
pub use flags::Flags;
pub use meter::Meter;
pub use pace::{Line, Speed};
pub use socket::Door;
pub use source::{Choice, Source};

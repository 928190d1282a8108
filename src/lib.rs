//! callscribe: phone calls in, transcripts out.
//!
//! The rooms stand in the order in which audio flows, and a room imports only from rooms above it
//! (`tests/it/tidy.rs` reads this list and fails on an import that points down). A type lives in the
//! room that produces it.
//!
//! | room | in → out |
//! |---|---|
//! | [`ids`], [`time`], [`tasks`], [`lifecycle`] | names of things; clocks and media time; named tasks and threads; drain and stop |
//! | [`wire`] | bytes → messages: Twilio's media-stream frames and webhooks, TwiML, signatures |
//! | [`call`] | messages → timed audio: the sans-IO state of one stream |
//! | [`audio`] | timed audio → samples: mu-law, resampling, decoding of files, levels |
//! | [`recordings`] | samples → files: WAV that survives `kill -9`, sidecar, recovery, retention |
//! | [`speech`] | samples → words: models, engine, voice activity, live windows, the final pass |
//! | [`analysis`] | recordings → findings: levels, noise, dropouts, who talks when; pictures of them |
//! | [`transcript`] | words → transcript: segments, merging of tracks, what is served, txt/srt/vtt/json |
//! | [`insight`] | transcript → meaning: service and city, summary, by rules on the box or a language model |
//! | [`people`] | numbers → people: phone numbers in one form, customers and bookings as a business brings them |
//! | [`store`] | all of it → rows, on SQLite or PostgreSQL behind the same verbs |
//! | [`webhooks`] | events → requests: what other systems are told, signed |
//! | [`live`] | one call while it lasts: admission, stream driver, hub of live events |
//! | [`after`] | one call once it is over: durable jobs |
//! | [`http`] | the doors: router, API, pages |
//! | [`telemetry`], [`config`], [`cli`] | the process around it |
//!
//! Deliberately absent: a crate-wide error type, a `util`, a prelude, re-exports at the root.

pub mod ids;
pub mod time;
pub mod tasks;
pub mod lifecycle;
pub mod wire;
pub mod call;
pub mod audio;
pub mod recordings;
pub mod speech;
pub mod analysis;
pub mod transcript;
pub mod insight;
pub mod people;
pub mod store;
pub mod webhooks;
pub mod live;
pub mod after;
pub mod http;
pub mod telemetry;
pub mod config;
pub mod cli;

//! messages → timed audio: the sans-IO state of one stream.
//!
//! A driver feeds [`Stream::handle`] with what arrives and with the time, then drains
//! [`Stream::poll`]. No clock, no socket, no file is touched here. One mu-law byte is one sample at
//! 8 kHz, so order, gaps and repeats are settled without decoding.
//!
//! Decisions that someone could disagree with:
//! - **The timestamp places audio**, never `chunk`, never arrival. `sequenceNumber` only tells a repeat
//!   from a late frame: senders exist that number every frame 1. A frame whose timestamp is missing
//!   or garbled follows the last one of its track.
//! - **5 ms of slack.** A frame that begins within 5 ms of where its track ends is joined to it, so
//!   that timestamps rounded to milliseconds and payloads of odd length make no clicks. Past that the
//!   difference is filled or trimmed at once: drift never exceeds the slack.
//! - **Reordering waits** until `reorder_window_ms` of audio has come after a hole, 16 frames are held,
//!   or `reorder_wait_ms` has passed on the clock. Then the hole is filled with silence (0xFF); what
//!   arrives for it later is dropped and counted.
//! - **A gap is believed only if it could have happened.** Believed: up to `max_gap_fill_ms` beyond the
//!   end of the stream plus the time since audio last came, and in all no more silence than audio
//!   received plus time passed plus `max_gap_fill_ms`. So a stall of ten minutes is filled, whereas a
//!   timestamp that leaps three hours writes nothing. A lone leap costs its frame; a second frame that
//!   agrees with it (or with a clock set back) means that the sender's clock changed: from then on
//!   timestamps are shifted so that audio goes on where it was, and the call says so
//!   ([`Anomaly::ClockJump`]). Stream time is what was emitted: it always equals the time in the WAV.
//! - **Both tracks end together.** A track that lags 30 s behind the other (or was declared and never
//!   spoke) is padded to within 20 s of it, at the end both to the same sample: the WAVs line up.
//! - **Silence is virtual**: emitted in pieces of at most [`SILENCE_PIECE`] bytes of one static block.

mod clock;
mod counters;
mod info;
mod lane;
pub mod microphone;
mod options;
mod output;
mod seen;
mod stream;
mod timeline;
#[doc(hidden)]
pub mod probe;

pub use counters::{Anomaly, Counters};
pub use info::{Direction, StreamInfo};
pub use options::Options;
pub use output::{CloseCode, EndReason, Output, Refusal, SILENCE_PIECE};
pub use stream::{Input, Stream};

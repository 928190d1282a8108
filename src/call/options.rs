use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How patient and how trusting a stream is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Time to the `start` message, in milliseconds; then the socket is closed with 1008.
    pub start_timeout_ms: u64,
    /// Time without any well-formed message, in milliseconds; then the socket is closed with 1008.
    pub idle_timeout_ms: u64,
    /// Longest message, in bytes; a longer one closes the socket with 1009 before it is parsed.
    pub max_frame_bytes: usize,
    /// How much later audio may arrive before the hole in front of it is filled, in milliseconds of
    /// media time.
    pub reorder_window_ms: u64,
    /// How long a frame is held for the one before it, in milliseconds on the clock.
    pub reorder_wait_ms: u64,
    /// How far a gap may reach beyond what the clock explains, in milliseconds of silence.
    pub max_gap_fill_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            start_timeout_ms: 5_000,
            idle_timeout_ms: 30_000,
            max_frame_bytes: 64 * 1024,
            reorder_window_ms: 120,
            reorder_wait_ms: 250,
            max_gap_fill_ms: 60_000,
        }
    }
}

impl Options {
    /// Time to the first message that counts.
    #[must_use]
    pub const fn start_timeout(&self) -> Duration {
        Duration::from_millis(self.start_timeout_ms)
    }

    pub(super) const fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    pub(super) const fn reorder_wait(&self) -> Duration {
        Duration::from_millis(self.reorder_wait_ms)
    }
}

//! Silences: stretches in which no frame of 20 ms is active, as [`crate::audio::level`] has it.

use super::{Envelope, Span};
use crate::time::MediaTime;

/// Shorter ones are pauses in speech.
const SHORTEST: MediaTime = MediaTime::from_ms(500);
/// More are counted, not listed: two hours of a busy line have fewer.
const MOST: usize = 10_000;

#[derive(Debug, Clone, Default)]
pub(super) struct Silences {
    listed: Vec<Span>,
    unlisted: u64,
    open: Option<MediaTime>,
}

impl Silences {
    /// Takes the frame that ends at `end`.
    pub(super) fn push(&mut self, start: MediaTime, frame: &Envelope) {
        if !frame.is_active() {
            self.open.get_or_insert(start);
        } else {
            self.close(start);
        }
    }

    pub(super) fn finish(mut self, end: MediaTime) -> (Vec<Span>, u64) {
        self.close(end);
        (self.listed, self.unlisted)
    }

    fn close(&mut self, end: MediaTime) {
        let Some(start) = self.open.take() else {
            return;
        };
        if end.saturating_sub(start) < SHORTEST {
        } else if self.listed.len() < MOST {
            self.listed.push(Span { start, end });
        } else {
            self.unlisted += 1;
        }
    }
}

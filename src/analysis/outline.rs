//! A track's level by frames of 20 ms: its envelope in columns, and where it is silent.

use super::{Columns, Envelope, quiet::Silences};
use crate::time::MediaTime;

/// 20 ms at 16 kHz.
pub(super) const FRAME: usize = 320;

/// Takes 16 kHz audio piece by piece.
pub(super) struct Outline {
    envelope: Columns<Envelope>,
    silences: Silences,
    frame: Vec<i16>,
    frames: u64,
}

impl Outline {
    /// Of at most so many columns.
    pub(super) fn new(columns: usize) -> Self {
        Self {
            envelope: Columns::new(columns),
            silences: Silences::default(),
            frame: Vec::with_capacity(FRAME),
            frames: 0,
        }
    }

    pub(super) fn push(&mut self, samples: &[i16]) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(FRAME - self.frame.len()));
            self.frame.extend_from_slice(piece);
            rest = after;
            if self.frame.len() == FRAME {
                self.close_frame();
            }
        }
    }

    /// Where it has come to.
    pub(super) const fn samples(&self) -> u64 {
        self.frames * FRAME as u64 + self.frame.len() as u64
    }

    /// With the end of the last frame, which may be a short one.
    pub(super) fn finish(mut self) -> (Columns<Envelope>, Silences, MediaTime) {
        if !self.frame.is_empty() {
            self.close_frame();
        }
        let end = MediaTime::from_engine_samples(self.frames * FRAME as u64);
        (self.envelope, self.silences, end)
    }

    fn close_frame(&mut self) {
        let frame = Envelope::of(&self.frame);
        let start = MediaTime::from_engine_samples(self.frames * FRAME as u64);
        self.silences.push(start, &frame);
        self.envelope.push(&frame);
        self.frames += 1;
        self.frame.clear();
    }
}

//! Runs of exact zero. Digital silence at the ends of a call is none: only a run with sound on both
//! sides, near enough that a listener hears it break off.

use super::Dropouts;
use crate::time::{ENGINE_RATE, MediaTime};

/// Shorter runs are a quiet wave: mu-law has a zero, and silence between words can reach it.
const SHORTEST: u64 = ENGINE_RATE / 50;
/// Longer ones are muting, a pause in transmission or the cadence of a tone, and belong to the silences.
const LONGEST: u64 = ENGINE_RATE * 2 / 5;
/// Sound before the run is at least this loud somewhere in the last 10 ms; 16-bit scale. Room noise
/// stays under it.
const SOUND: u16 = 400;
const BEFORE: u64 = ENGINE_RATE / 100;

#[derive(Debug, Clone, Default)]
pub(super) struct Finder {
    found: Dropouts,
    zeros: u64,
    /// Samples since one as loud as [`SOUND`], zeros not counted.
    since_sound: Option<u64>,
    /// The run began right after sound.
    broke_off: bool,
}

impl Finder {
    pub(super) fn push(&mut self, samples: &[i16]) {
        for &sample in samples {
            if sample == 0 {
                if self.zeros == 0 {
                    self.broke_off = self.since_sound.is_some_and(|since| since <= BEFORE);
                }
                self.zeros += 1;
            } else {
                if self.zeros > 0 {
                    self.close();
                }
                self.since_sound = if sample.unsigned_abs() >= SOUND {
                    Some(0)
                } else {
                    self.since_sound.map(|since| since + 1)
                };
            }
        }
    }

    pub(super) const fn found(&self) -> Dropouts {
        self.found
    }

    fn close(&mut self) {
        let zeros = std::mem::take(&mut self.zeros);
        if self.broke_off && (SHORTEST..=LONGEST).contains(&zeros) {
            let length = MediaTime::from_engine_samples(zeros);
            self.found.count += 1;
            self.found.total += length;
            self.found.longest = self.found.longest.max(length);
        }
    }
}

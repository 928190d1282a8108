//! Which of the sender's timestamps to believe, and where they lie on the stream's own clock.

/// How far behind its track a frame may be and still be called late, in samples: 30 s.
const MAX_LATENESS: i64 = 30 * 8_000;

/// The sender's clock against the stream's. It stays at zero unless the sender's leaps.
#[derive(Debug, Default)]
pub(super) struct SenderClock {
    /// What to subtract from the sender's time, in samples; the one before it may still be in use on
    /// the other track.
    shifts: [i64; 2],
    /// By track: where, in sender's time, the frame after an implausible one would begin.
    suspect: [Option<i64>; 2],
}

/// What bounds a believable position, in samples of stream time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Horizon {
    /// Where the track's audio ends.
    pub(super) tail: i64,
    /// Where the stream's audio ends, on whichever track.
    pub(super) furthest: i64,
    /// The last position that a gap may reach.
    pub(super) limit: i64,
    /// How closely a second frame must agree with an implausible one.
    pub(super) agreement: i64,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    At(i64),
    /// The sender's clock leapt; the frame stands where the stream ends.
    Jumped(i64),
    Implausible,
}

impl SenderClock {
    /// Where a frame of `len` samples belongs that the sender says begins at `sent`.
    pub(super) fn locate(
        &mut self,
        track: usize,
        sent: i64,
        len: i64,
        horizon: &Horizon,
    ) -> Verdict {
        let believable = |at: &i64| (horizon.tail - MAX_LATENESS..=horizon.limit).contains(at);
        let nearest = self
            .shifts
            .iter()
            .map(|shift| sent - shift)
            .filter(believable)
            .min_by_key(|at| (at - horizon.tail).abs());
        if let Some(at) = nearest {
            self.suspect[track] = None;
            return Verdict::At(at);
        }
        let confirmed = self.suspect[track]
            .replace(sent + len)
            .is_some_and(|expected| (sent - expected).abs() <= horizon.agreement);
        // With nothing received yet there is no clock to contradict.
        if confirmed || horizon.furthest == 0 {
            self.suspect = [None; 2];
            self.shifts = [sent - horizon.furthest, self.shifts[0]];
            return Verdict::Jumped(horizon.furthest);
        }
        Verdict::Implausible
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_is_believed_when_a_second_frame_agrees() {
        let mut clock = SenderClock::default();
        let horizon = Horizon {
            tail: 8_000,
            furthest: 8_000,
            limit: 16_000,
            agreement: 960,
        };
        let mut locate = |track, sent| clock.locate(track, sent, 160, &horizon);
        assert_eq!(locate(0, 8_000), Verdict::At(8_000));
        assert_eq!(locate(0, 16_001), Verdict::Implausible);
        assert_eq!(locate(0, 8_160), Verdict::At(8_160));
        assert_eq!(locate(0, 16_161), Verdict::Implausible, "not in a row");
        assert_eq!(locate(1, 16_321), Verdict::Implausible, "another track");
        assert_eq!(locate(0, 16_321), Verdict::Jumped(8_000));
        assert_eq!(locate(0, 16_481), Verdict::At(8_160), "shifted");
        assert_eq!(
            locate(1, 8_000),
            Verdict::At(8_000),
            "the clock before still holds"
        );
    }

    #[test]
    fn a_clock_set_back_is_believed_too() {
        let mut clock = SenderClock::default();
        let horizon = Horizon {
            tail: 800_000,
            furthest: 800_000,
            limit: 900_000,
            agreement: 960,
        };
        assert_eq!(clock.locate(0, 0, 160, &horizon), Verdict::Implausible);
        assert_eq!(
            clock.locate(0, 160, 160, &horizon),
            Verdict::Jumped(800_000)
        );
    }

    #[test]
    fn the_first_frame_sets_the_clock() {
        let mut clock = SenderClock::default();
        let horizon = Horizon {
            tail: 0,
            furthest: 0,
            limit: 480_000,
            agreement: 960,
        };
        assert_eq!(
            clock.locate(0, 86_400_000, 160, &horizon),
            Verdict::Jumped(0)
        );
        assert_eq!(clock.locate(0, 86_400_160, 160, &horizon), Verdict::At(160));
    }
}

//! When callers begin, how long they think, which connections are cut: pure, and the same for a seed.

use std::{ops::Range, time::Duration};

use super::Args;
use crate::cli::phone::pace::{FRAME_MS, Random};

/// The first and the last second of a call are not cut: there would be nothing to come again for.
const MARGIN: u64 = 1000 / FRAME_MS;
/// How long a cut connection stays away, in milliseconds.
const AWAY_MS: Range<f64> = 200.0..1_200.0;

/// What the callers are to do.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    calls: usize,
    ramp: Duration,
    think: Duration,
    reconnect: f64,
    seed: u64,
}

/// What one caller does of itself.
#[derive(Debug, Clone)]
pub(super) struct Habits {
    random: Random,
    think: Duration,
    reconnect: f64,
}

/// A connection that is cut, in frames of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) at: u64,
    /// Where the call goes on: what was said between is lost.
    pub(super) back: u64,
}

impl Plan {
    pub(super) fn new(args: &Args) -> Self {
        Self {
            calls: args.calls,
            ramp: Duration::from_secs_f64(args.ramp),
            think: Duration::from_secs_f64(args.think),
            reconnect: args.reconnect,
            seed: args.phone.seed,
        }
    }

    /// When a caller begins. Spread over a frame at least: real phones do not speak in step, and a burst
    /// of all frames at once would measure that.
    pub(super) fn begins(&self, n: usize) -> Duration {
        let spread = self.ramp.max(Duration::from_millis(FRAME_MS));
        let calls = u32::try_from(self.calls).unwrap_or(u32::MAX);
        spread * u32::try_from(n).unwrap_or(u32::MAX) / calls
    }

    pub(super) fn habits(&self, n: usize) -> Habits {
        let mut random = Random::new(self.seed);
        // Neighbours in n must not be neighbours in the sequence: each starts at a number of its own.
        let own =
            Random::new(random.bits() ^ (n as u64).wrapping_mul(0xD134_2543_DE82_EF95)).bits();
        Habits {
            random: Random::new(own),
            think: self.think,
            reconnect: self.reconnect,
        }
    }
}

impl Habits {
    /// The pause before the next call.
    pub(super) fn thinks(&mut self) -> Duration {
        self.think.mul_f64(0.5 + self.random.unit())
    }

    /// Whether and where a call of so many frames is cut.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "calls are far shorter than 2^52 frames"
    )]
    pub(super) fn cut(&mut self, frames: u64) -> Option<Cut> {
        // All are drawn each time, so that one call's length does not change what the next does.
        let [cut, place, away] = [(); 3].map(|()| self.random.unit());
        let away = AWAY_MS.start + away * (AWAY_MS.end - AWAY_MS.start);
        let away = (away / FRAME_MS as f64) as u64;
        let room = frames.checked_sub(2 * MARGIN + away)?;
        let at = MARGIN + (place * room as f64) as u64;
        (cut < self.reconnect).then_some(Cut {
            at,
            back: at + away,
        })
    }

    /// What the line of the next connection is drawn from.
    pub(super) const fn seed(&mut self) -> u64 {
        self.random.bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(calls: usize, ramp_ms: u64, seed: u64) -> Plan {
        Plan {
            calls,
            ramp: Duration::from_millis(ramp_ms),
            think: Duration::from_secs(2),
            reconnect: 0.3,
            seed,
        }
    }

    #[test]
    fn calls_begin_spread_over_the_ramp() {
        for (calls, ramp, n, begins_us) in [
            (1, 0, 0, 0),
            (4, 0, 3, 15_000),
            (4, 10, 1, 5_000),
            (10, 5_000, 0, 0),
            (10, 5_000, 9, 4_500_000),
            (100_000, 86_400_000, 99_999, 86_399_136_000),
        ] {
            let begins = plan(calls, ramp, 1).begins(n);
            assert_eq!(begins.as_micros(), begins_us, "{n} of {calls} in {ramp} ms");
        }
    }

    #[test]
    fn thinking_is_drawn_from_the_seed() {
        let thinks = |seed, n| {
            let mut habits = plan(9, 0, seed).habits(n);
            (0..200).map(|_| habits.thinks()).collect::<Vec<_>>()
        };
        assert_eq!(thinks(1, 3), thinks(1, 3));
        for (seed, n) in [(2, 3), (1, 4), (3, 1)] {
            assert_ne!(thinks(1, 3), thinks(seed, n), "{seed} {n}");
        }
        let range = Duration::from_secs(1)..Duration::from_secs(3);
        let times = thinks(1, 3);
        assert!(times.iter().all(|time| range.contains(time)));
        let mean = times.iter().sum::<Duration>() / 200;
        let near = Duration::from_millis(1_900)..Duration::from_millis(2_100);
        assert!(near.contains(&mean), "{mean:?}");
    }

    #[test]
    fn so_many_calls_are_cut_and_none_at_its_ends() {
        let (mut cuts, frames) = (0, 500);
        for n in 0..1_000 {
            if let Some(Cut { at, back }) = plan(1_000, 0, 7).habits(n).cut(frames) {
                cuts += 1;
                assert!(
                    at >= MARGIN && back > at && back + MARGIN <= frames,
                    "{at} {back}"
                );
            }
        }
        assert!((250..350).contains(&cuts), "{cuts}");
        let mut always = plan(1, 0, 7).habits(0);
        always.reconnect = 1.0;
        assert_eq!(always.cut(2 * MARGIN), None, "too short");
        assert!(always.cut(1_000).is_some());
        always.reconnect = 0.0;
        assert_eq!(always.cut(1_000), None);
    }
}

//! How late frames left, over any number of streams at once: counters without locks.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// What streams tell while they send.
#[derive(Debug, Default)]
pub struct Meter {
    /// How late frames left for which the sender alone is to blame.
    pub late: Spread,
    /// How long the server left frames waiting, where that was longer than a frame.
    pub stalls: Spread,
    lost: AtomicU64,
    marks: AtomicU64,
}

impl Meter {
    /// A frame left, so long after it was due.
    pub fn sent(&self, late: Duration) {
        self.late.add(late);
    }

    /// The socket took no frame for so long.
    pub fn stalled(&self, waited: Duration) {
        self.stalls.add(waited);
    }

    /// The line lost a frame on purpose.
    pub fn lost(&self) {
        self.lost.fetch_add(1, Relaxed);
    }

    /// A mark of the server was played and sent back.
    pub fn mark(&self) {
        self.marks.fetch_add(1, Relaxed);
    }

    /// Frames that left.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.late.count()
    }

    /// Frames lost on purpose.
    #[must_use]
    pub fn lost_on_purpose(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    /// Marks sent back.
    #[must_use]
    pub fn marks(&self) -> u64 {
        self.marks.load(Relaxed)
    }
}

/// The width of a step of [`Spread`], in microseconds, where no other is asked for.
const STEP_US: u64 = 250;
/// Steps; all that is longer is in the last.
const STEPS: usize = 4_001;

/// How many durations there were of which length.
#[derive(Debug)]
pub struct Spread {
    step_us: u64,
    steps: Box<[AtomicU64]>,
    most_us: AtomicU64,
}

impl Default for Spread {
    /// Tells a quarter of a millisecond apart, up to a second.
    fn default() -> Self {
        Self::with_step(Duration::from_micros(STEP_US))
    }
}

impl Spread {
    /// Tells such steps apart, 4000 of them.
    #[must_use]
    pub fn with_step(step: Duration) -> Self {
        Self {
            step_us: micros(step).max(1),
            steps: (0..STEPS).map(|_| AtomicU64::new(0)).collect(),
            most_us: AtomicU64::new(0),
        }
    }

    /// Takes one.
    pub fn add(&self, length: Duration) {
        let us = micros(length);
        self.steps[self.step(us)].fetch_add(1, Relaxed);
        self.most_us.fetch_max(us, Relaxed);
    }

    fn step(&self, us: u64) -> usize {
        let step = usize::try_from(us / self.step_us).unwrap_or(STEPS);
        step.min(STEPS - 1)
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.steps.iter().map(|step| step.load(Relaxed)).sum()
    }

    /// The longest.
    #[must_use]
    pub fn most(&self) -> Duration {
        Duration::from_micros(self.most_us.load(Relaxed))
    }

    /// The length that this share of all (0 to 1) does not exceed, up to the width of a step.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "counts are far below 2^52"
    )]
    pub fn quantile(&self, share: f64) -> Duration {
        let wanted = (self.count() as f64 * share).ceil() as u64;
        let mut below = 0;
        for (step, count) in (1_u64..).zip(&self.steps[..STEPS - 1]) {
            below += count.load(Relaxed);
            if below >= wanted {
                return Duration::from_micros(step * self.step_us).min(self.most());
            }
        }
        self.most()
    }

    /// The share (0 to 1) that is as long as this or longer, up to the width of a step.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn share_from(&self, length: Duration) -> f64 {
        let from = self.step(micros(length));
        let long: u64 = self.steps[from..].iter().map(|n| n.load(Relaxed)).sum();
        long as f64 / self.count().max(1) as f64
    }
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        let us = Duration::from_micros;
        // (how many, how long in µs); p50, p99, most in µs; share from 20 ms on
        for (lengths, [p50, p99, most], late) in [
            (&[][..], [0, 0, 0], 0.0),
            (&[(1, 100)], [100, 100, 100], 0.0),
            (&[(100, 0)], [0, 0, 0], 0.0),
            (&[(99, 1_100), (1, 30_000)], [1_250, 1_250, 30_000], 0.01),
            (&[(98, 300), (2, 20_000)], [500, 20_000, 20_000], 0.02),
            (&[(1, 10), (3, 5_000_000)], [5_000_000; 3], 0.75),
        ] {
            let spread = Spread::default();
            let mut all = 0;
            for (count, length) in lengths {
                (0..*count).for_each(|_| spread.add(us(*length)));
                all += count;
            }
            assert_eq!(spread.count(), all);
            let got = [spread.quantile(0.5), spread.quantile(0.99), spread.most()];
            assert_eq!(got, [us(p50), us(p99), us(most)], "{lengths:?}");
            let share = spread.share_from(Duration::from_millis(20));
            assert!((share - late).abs() < 1e-9, "{lengths:?}: {share}");
        }
    }
}

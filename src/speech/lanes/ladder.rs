//! The overload ladder, sans-IO: how long looks wait for a worker says how much may be asked for.
//! Down it goes within seconds; up again only after calm, and the longer after each vain try.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::speech::live::Level;

/// When live text gets worse and better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Waiting, as a share of the time between two looks, over which live text gets worse.
    pub over: f32,
    /// The same, under which it may get better.
    pub under: f32,
    /// Calm before it gets better; s.
    pub calm_s: u32,
    /// The most that vain tries lengthen it to; s.
    pub most_calm_s: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            over: 0.6,
            under: 0.25,
            calm_s: 5,
            most_calm_s: 120,
        }
    }
}

/// The memory of the mean wait.
const MEMORY: Duration = Duration::from_secs(2);
/// Between two changes for the worse, at least: what the first one did must show.
const DWELL: Duration = Duration::from_millis(1500);

#[derive(Debug)]
pub(super) struct Ladder {
    options: Options,
    has_small: bool,
    level: Level,
    /// Mean wait over what the level allows.
    pressure: f32,
    heeded: Instant,
    changed: Instant,
    /// Since when pressure has been low.
    calm_since: Option<Instant>,
    calm: Duration,
    /// The last change was for the better.
    tried: bool,
}

impl Ladder {
    pub(super) fn new(options: Options, has_small: bool, now: Instant) -> Self {
        Self {
            calm: Duration::from_secs(options.calm_s.into()),
            options,
            has_small,
            level: Level::Brisk,
            pressure: 0.0,
            heeded: now,
            changed: now,
            calm_since: None,
            tried: false,
        }
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// Nobody is served any more: what was learnt of those who were says nothing of the next.
    pub(super) fn start_over(&mut self, now: Instant) {
        *self = Self::new(self.options.clone(), self.has_small, now);
    }

    /// Takes the wait of a look that just began, or of the oldest that has not.
    pub(super) fn heed(&mut self, now: Instant, wait: Duration) {
        let allowed = match self.level {
            Level::Brisk => 0.6,
            Level::Normal => 1.0,
            Level::Slow | Level::FinalsOnly | Level::SmallModel | Level::NoText => 2.0,
            Level::Slower => 4.0,
        };
        let passed = (now - self.heeded).clamp(Duration::from_millis(20), MEMORY);
        self.heeded = now;
        let weight = 1.0 - (-passed.as_secs_f32() / MEMORY.as_secs_f32()).exp();
        self.pressure += weight * (wait.as_secs_f32() / allowed - self.pressure);
        let low = self.pressure < self.options.under;
        self.calm_since = low.then(|| self.calm_since.unwrap_or(now));
        if self.pressure > self.options.over && now - self.changed >= DWELL {
            self.worse(now);
        } else if self
            .calm_since
            .is_some_and(|since| now - since >= self.calm)
        {
            self.better(now);
        }
    }

    fn worse(&mut self, now: Instant) {
        let next = self.level.worse();
        let next = next.filter(|level| self.has_small || *level != Level::SmallModel);
        let Some(level) = next
            .or(Some(Level::NoText))
            .filter(|next| *next != self.level)
        else {
            return;
        };
        let most = Duration::from_secs(self.options.most_calm_s.into());
        if self.tried && now - self.changed < self.calm * 3 {
            self.calm = (self.calm * 2).min(most);
        }
        self.tried = false;
        self.change(level, now);
    }

    fn better(&mut self, now: Instant) {
        let next = self.level.better();
        let next = match next {
            Some(Level::SmallModel) if !self.has_small => Some(Level::FinalsOnly),
            next => next,
        };
        let Some(level) = next else {
            // At the top and calm: what was learnt about this load is old.
            self.calm = Duration::from_secs(self.options.calm_s.into());
            return;
        };
        self.tried = true;
        self.change(level, now);
    }

    fn change(&mut self, level: Level, now: Instant) {
        self.level = level;
        self.changed = now;
        self.calm_since = None;
        self.pressure = (self.options.over + self.options.under) / 2.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Clock;

    struct Scenario {
        clock: Clock,
        ladder: Ladder,
        changes: u32,
    }

    impl Scenario {
        fn new(has_small: bool) -> Self {
            let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
            let ladder = Ladder::new(Options::default(), has_small, clock.now());
            Self {
                clock,
                ladder,
                changes: 0,
            }
        }

        /// Looks every 100 ms that each waited as `wait` says, for some seconds.
        fn run(&mut self, seconds: u32, wait: impl Fn(Level) -> u64) -> &mut Self {
            for _ in 0..seconds * 10 {
                self.clock.advance(Duration::from_millis(100));
                let before = self.ladder.level();
                let wait = Duration::from_millis(wait(before));
                self.ladder.heed(self.clock.now(), wait);
                self.changes += u32::from(before != self.ladder.level());
            }
            self
        }
    }

    #[test]
    fn a_quiet_machine_stays_brisk() {
        let mut calls = Scenario::new(true);
        calls.run(600, |_| 50);
        assert_eq!((calls.ladder.level(), calls.changes), (Level::Brisk, 0));
    }

    #[test]
    fn without_end_of_overload_there_is_no_text_within_half_a_minute() {
        for has_small in [false, true] {
            let mut calls = Scenario::new(has_small);
            calls.run(30, |_| 20_000);
            assert_eq!(calls.ladder.level(), Level::NoText);
            assert_eq!(calls.changes, if has_small { 6 } else { 5 }, "rung by rung");
        }
    }

    #[test]
    fn it_climbs_back_rung_by_rung() {
        let mut calls = Scenario::new(false);
        calls.run(30, |_| 20_000).run(60, |_| 0);
        assert_eq!(calls.ladder.level(), Level::Brisk);
        assert_eq!(calls.changes, 10);
    }

    /// Load that one level carries and the one above does not: it settles there, and tries the other
    /// ever more rarely.
    #[test]
    fn it_does_not_flap() {
        for fits in [Level::Normal, Level::Slow, Level::Slower, Level::FinalsOnly] {
            let mut calls = Scenario::new(true);
            let wait = |level: Level| if level >= fits { 100 } else { 6000 };
            calls.run(600, wait);
            let settling = calls.changes;
            assert!(settling < 24, "{fits:?}: {settling} changes in ten minutes");
            calls.changes = 0;
            calls.run(600, wait);
            assert!(
                calls.changes <= 12,
                "{fits:?}: {} changes in ten minutes",
                calls.changes
            );
            assert!((fits.index()).abs_diff(calls.ladder.level().index()) <= 1);
        }
    }

    #[test]
    fn the_next_calls_do_not_pay_for_the_last() {
        let mut calls = Scenario::new(true);
        calls.run(30, |_| 20_000);
        calls.ladder.start_over(calls.clock.now());
        calls.run(10, |_| 50);
        assert_eq!(calls.ladder.level(), Level::Brisk);
    }

    #[test]
    fn one_late_look_changes_nothing() {
        let mut calls = Scenario::new(true);
        calls.run(10, |_| 0);
        calls.clock.advance(Duration::from_millis(50));
        let late = Duration::from_secs(3);
        calls.ladder.heed(calls.clock.now(), late);
        assert_eq!(calls.ladder.level(), Level::Brisk);
    }
}

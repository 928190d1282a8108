//! Clocks and media time. Everything above the drivers takes time as an argument; only drivers hold a
//! [`Clock`], and tests give them one that they advance by hand.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Phone audio: samples, and mu-law bytes, a second on the wire.
pub const WIRE_RATE: u64 = 8_000;
/// Samples a second in recordings and in the speech engine.
pub const ENGINE_RATE: u64 = 16_000;

/// A position or length in a stream's audio, in samples of [`WIRE_RATE`] since the stream's start.
/// In JSON it is seconds, to the millisecond.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = f64, minimum = 0, example = 12.34)]
pub struct MediaTime(pub u64);

impl MediaTime {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms * (WIRE_RATE / 1000))
    }

    /// From a count of samples at [`ENGINE_RATE`].
    #[must_use]
    pub const fn from_engine_samples(samples: u64) -> Self {
        Self(samples / (ENGINE_RATE / WIRE_RATE))
    }

    /// The nearest sample; a negative or absurd number becomes zero.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "float to int saturates; audio is far shorter than 2^52 samples"
    )]
    pub fn from_secs(secs: f64) -> Self {
        Self((secs * WIRE_RATE as f64).round() as u64)
    }

    #[must_use]
    pub const fn as_ms(self) -> u64 {
        self.0 / (WIRE_RATE / 1000)
    }

    #[must_use]
    pub const fn as_duration(self) -> Duration {
        Duration::from_micros(self.0 * (1_000_000 / WIRE_RATE))
    }

    /// In samples of [`ENGINE_RATE`].
    #[must_use]
    pub const fn as_engine_samples(self) -> u64 {
        self.0 * (ENGINE_RATE / WIRE_RATE)
    }

    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "audio is far shorter than 2^52 samples"
    )]
    pub fn as_secs(self) -> f64 {
        self.0 as f64 / WIRE_RATE as f64
    }

    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::ops::Add for MediaTime {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::AddAssign for MediaTime {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl fmt::Display for MediaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}s", self.as_secs())
    }
}

impl Serialize for MediaTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64((self.as_secs() * 1000.0).round() / 1000.0)
    }
}

impl<'de> Deserialize<'de> for MediaTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::from_secs)
    }
}

/// Where drivers read the time.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Manual(Arc<Mutex<Manual>>),
}

struct Manual {
    base: Instant,
    wall: Timestamp,
    passed: Duration,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`Clock::advance`] moves it.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "an Instant can only be made by reading one"
    )]
    pub fn manual(wall: Timestamp) -> Self {
        let manual = Manual {
            base: Instant::now(),
            wall,
            passed: Duration::ZERO,
        };
        Self(Source::Manual(Arc::new(Mutex::new(manual))))
    }

    /// Moves a manual clock; the machine's clock moves by itself.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            manual.lock().unwrap_or_else(PoisonError::into_inner).passed += by;
        }
    }

    /// Monotonic time, for deadlines and intervals.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
    pub fn now(&self) -> Instant {
        match &self.0 {
            Source::System => Instant::now(),
            Source::Manual(manual) => {
                let manual = manual.lock().unwrap_or_else(PoisonError::into_inner);
                manual.base + manual.passed
            }
        }
    }

    /// Wall-clock time, for rows and names.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
    pub fn wall(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp::now(),
            Source::Manual(manual) => {
                let manual = manual.lock().unwrap_or_else(PoisonError::into_inner);
                manual
                    .wall
                    .saturating_add(manual.passed)
                    .unwrap_or(Timestamp::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_time_converts_both_ways() {
        for ms in [0, 1, 20, 999, 3_600_000] {
            let time = MediaTime::from_ms(ms);
            assert_eq!(time.as_ms(), ms);
            assert_eq!(
                MediaTime::from_engine_samples(time.as_engine_samples()),
                time
            );
            let json = serde_json::to_string(&time).unwrap();
            assert_eq!(serde_json::from_str::<MediaTime>(&json).unwrap(), time);
        }
        assert_eq!(MediaTime::from_secs(-1.0), MediaTime::ZERO);
        assert_eq!(MediaTime::from_secs(f64::NAN), MediaTime::ZERO);
    }

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let start = clock.now();
        clock.advance(Duration::from_secs(2));
        assert_eq!(clock.now() - start, Duration::from_secs(2));
        assert_eq!(clock.wall().as_second(), 2);
    }
}

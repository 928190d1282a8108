//! How far a rate could be off by the luck of the texts: the percentile bootstrap (Efron 1979; for word
//! error rates Bisani and Ney 2004). Files or turns are drawn again with replacement, as many as there
//! are, and the rate is taken of each such draw; the middle 95 % of these rates are the interval.

use serde::{Deserialize, Serialize};

use super::Counts;

/// How often texts are drawn again.
pub const RESAMPLES: usize = 1_000;

/// Fewer files or turns give no interval: what is drawn of them is much the same each time, and the interval
/// would look narrower than it is.
pub const FEWEST: usize = 5;

/// The same figures give the same interval each time.
pub const SEED: u64 = 20_240_731;

/// Where 95 % of the draws lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    /// Whether there may be nothing to it: zero is inside.
    #[must_use]
    pub fn holds_zero(&self) -> bool {
        self.low <= 0.0 && self.high >= 0.0
    }
}

/// The interval of the rate over `units`, which are files or turns; none for fewer than [`FEWEST`].
#[must_use]
pub fn interval(units: &[Counts]) -> Option<Interval> {
    draws(units.len(), |picks| {
        picks.iter().map(|n| units[*n]).sum::<Counts>().rate()
    })
}

/// The interval of the second rate less the first over the same units: paired, so that hard texts are
/// hard for both.
#[must_use]
pub fn difference(pairs: &[(Counts, Counts)]) -> Option<Interval> {
    draws(pairs.len(), |picks| {
        let before: Counts = picks.iter().map(|n| pairs[*n].0).sum();
        let after: Counts = picks.iter().map(|n| pairs[*n].1).sum();
        Some(after.rate()? - before.rate()?)
    })
}

fn draws(units: usize, rate: impl Fn(&[usize]) -> Option<f64>) -> Option<Interval> {
    if units < FEWEST {
        return None;
    }
    let mut random = Random(SEED);
    let mut picks = vec![0; units];
    let mut rates = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        picks.fill_with(|| random.below(units));
        rates.extend(rate(&picks));
    }
    rates.sort_by(f64::total_cmp);
    let cut = rates.len() * 25 / 1_000;
    let (low, high) = (rates.get(cut)?, rates.get(rates.len() - 1 - cut)?);
    Some(Interval {
        low: *low,
        high: *high,
    })
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from((u128::from(mixed) * end as u128) >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(words: usize, substituted: usize) -> Counts {
        Counts {
            words,
            substituted,
            ..Counts::default()
        }
    }

    #[test]
    fn intervals_hold_the_rate_and_are_the_same_each_time() {
        for (units, low, high) in [
            (vec![], None, None),
            (vec![unit(10, 1); FEWEST - 1], None, None),
            (vec![unit(0, 0); 5], None, None),
            (vec![unit(10, 2); 5], Some(0.2), Some(0.2)),
        ] {
            let found = interval(&units);
            assert_eq!(found.map(|i| i.low), low, "{units:?}");
            assert_eq!(found.map(|i| i.high), high, "{units:?}");
        }
        let units: Vec<Counts> = (0..40).map(|n| unit(20, n % 5)).collect();
        let found = interval(&units).unwrap();
        assert!(found.low < 0.1 && 0.1 < found.high, "{found:?}");
        assert!(found.high - found.low < 0.06, "{found:?}");
        assert_eq!(interval(&units), Some(found));
    }

    #[test]
    fn differences_are_paired() {
        let hard_and_easy = |more: usize| -> Vec<(Counts, Counts)> {
            (0..30)
                .map(|n| (unit(20, n % 10), unit(20, n % 10 + more)))
                .collect()
        };
        assert!(difference(&hard_and_easy(0)).unwrap().holds_zero());
        let worse = difference(&hard_and_easy(1)).unwrap();
        assert!((worse.low - 0.05).abs() < 1e-9 && (worse.high - 0.05).abs() < 1e-9);
        assert!(!worse.holds_zero());
    }
}

//! A picture's worth of anything that lasts: a bounded number of columns, each the sum of a stretch
//! that doubles when they are full.

use crate::audio::level::ACTIVE_RMS;

/// What two neighbours become when columns merge.
pub trait Merge: Clone {
    fn merge(&mut self, next: &Self);
}

/// At most `most` columns of what was pushed, in order, all of the same length but the last.
#[derive(Debug, Clone)]
pub struct Columns<T> {
    columns: Vec<T>,
    most: usize,
    /// Pushes in a column.
    each: usize,
    /// Pushes in the last one.
    last: usize,
}

impl<T: Merge> Columns<T> {
    /// `most` is at least 2 and even.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let most = most.next_multiple_of(2).max(2);
        Self {
            columns: Vec::new(),
            most,
            each: 1,
            last: 1,
        }
    }

    pub fn push(&mut self, item: &T) {
        match self.columns.last_mut() {
            Some(column) if self.last < self.each => {
                column.merge(item);
                self.last += 1;
            }
            _ => {
                if self.columns.len() == self.most {
                    self.halve();
                }
                self.columns.push(item.clone());
                self.last = 1;
            }
        }
    }

    #[must_use]
    pub fn get(&self) -> &[T] {
        &self.columns
    }

    /// Pushes in each column but the last, which may have fewer.
    #[must_use]
    pub const fn each(&self) -> usize {
        self.each
    }

    fn halve(&mut self) {
        for at in 0..self.columns.len() / 2 {
            let (first, second) = (2 * at, 2 * at + 1);
            let next = self.columns[second].clone();
            self.columns[first].merge(&next);
            self.columns.swap(at, first);
        }
        self.columns.truncate(self.most / 2);
        self.each *= 2;
    }
}

/// How far a wave swings over a stretch, and its power.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Envelope {
    pub lowest: i16,
    pub highest: i16,
    /// Of the 16-bit scale.
    pub squares: f64,
    pub samples: u64,
}

impl Envelope {
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "frames are far shorter than 2^22 samples"
    )]
    pub fn of(samples: &[i16]) -> Self {
        let first = samples.first().copied().unwrap_or(0);
        let (mut lowest, mut highest, mut squares) = (first, first, 0_u64);
        for &sample in samples {
            lowest = lowest.min(sample);
            highest = highest.max(sample);
            let size = u64::from(sample.unsigned_abs());
            squares += size * size;
        }
        Self {
            lowest,
            highest,
            squares: squares as f64,
            samples: samples.len() as u64,
        }
    }

    /// Whether a frame holds sound.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a frame is short")]
    pub fn is_active(&self) -> bool {
        self.squares >= (self.samples * ACTIVE_RMS * ACTIVE_RMS) as f64
    }

    /// Root mean square; dBFS, −100 for silence.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a level needs three digits")]
    pub fn dbfs(&self) -> f64 {
        let mean = self.squares / self.samples.max(1) as f64;
        (10.0 * (mean / f64::from(i16::MAX).powi(2)).log10()).max(-100.0)
    }
}

impl Merge for Envelope {
    fn merge(&mut self, next: &Self) {
        self.lowest = self.lowest.min(next.lowest);
        self.highest = self.highest.max(next.highest);
        self.squares += next.squares;
        self.samples += next.samples;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Sum(u64);

    impl Merge for Sum {
        fn merge(&mut self, next: &Self) {
            self.0 += next.0;
        }
    }

    #[test]
    fn columns_stay_few_and_lose_nothing() {
        for pushes in [0_u64, 1, 7, 8, 9, 16, 17, 1000] {
            let mut columns = Columns::new(8);
            (0..pushes).for_each(|n| columns.push(&Sum(n)));
            let sum: u64 = columns.get().iter().map(|column| column.0).sum();
            assert_eq!(sum, (0..pushes).sum::<u64>(), "{pushes}");
            assert!(columns.get().len() <= 8);
            let whole = columns.each() as u64;
            assert_eq!(
                columns.get().len() as u64,
                pushes.div_ceil(whole),
                "{pushes}"
            );
            if pushes > whole {
                assert_eq!(columns.get()[0].0, (0..whole).sum::<u64>());
            }
        }
    }
}

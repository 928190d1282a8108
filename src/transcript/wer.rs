//! Word error rate: what was said against what was understood, word by word.
//!
//! | file | |
//! |---|---|
//! | [`normalise`], `english`, `numbers` | a text as the words that are compared |
//! | [`align`] | which word became which, with the fewest errors |
//! | [`interval`](mod@interval) | how far a rate could be off by the luck of the texts |

use std::iter::Sum;

use serde::{Deserialize, Serialize};

pub mod align;
mod english;
pub mod interval;
pub mod normalise;
mod numbers;

pub use align::Step;
pub use interval::{Interval, RESAMPLES, SEED, difference, interval};
pub use normalise::words;

/// Errors against a text of so many words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Words that were said, after normalisation.
    pub words: usize,
    pub substituted: usize,
    pub deleted: usize,
    pub inserted: usize,
}

impl Counts {
    #[must_use]
    pub const fn errors(&self) -> usize {
        self.substituted + self.deleted + self.inserted
    }

    /// Errors by words; none where nothing was said.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of words are small")]
    pub fn rate(&self) -> Option<f64> {
        (self.words > 0).then(|| self.errors() as f64 / self.words as f64)
    }

    fn count(&mut self, step: Step) {
        match step {
            Step::Same => self.words += 1,
            Step::Substitute => {
                self.words += 1;
                self.substituted += 1;
            }
            Step::Delete => {
                self.words += 1;
                self.deleted += 1;
            }
            Step::Insert => self.inserted += 1,
        }
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self {
            words: a.words + b.words,
            substituted: a.substituted + b.substituted,
            deleted: a.deleted + b.deleted,
            inserted: a.inserted + b.inserted,
        })
    }
}

/// Compares a text with what was understood of it.
#[must_use]
pub fn compare(said: &str, understood: &str) -> Counts {
    compare_parts([said], understood).into_iter().sum()
}

/// As [`compare`], where it is known in which parts it was said: the counts of each. A word too many
/// belongs to the part of the word before it.
#[must_use]
pub fn compare_parts<'a>(
    parts: impl IntoIterator<Item = &'a str>,
    understood: &str,
) -> Vec<Counts> {
    let parts: Vec<Vec<String>> = parts.into_iter().map(words).collect();
    let said: Vec<&str> = parts.iter().flatten().map(String::as_str).collect();
    let understood = words(understood);
    let understood: Vec<&str> = understood.iter().map(String::as_str).collect();
    let part_of = parts.iter().enumerate();
    let part_of: Vec<usize> = part_of
        .flat_map(|(n, part)| part.iter().map(move |_| n))
        .collect();
    let mut counts = vec![Counts::default(); parts.len()];
    let mut at = 0;
    for step in align::align(&said, &understood) {
        let word = match step {
            Step::Insert => at.max(1) - 1,
            _ => at,
        };
        if let Some(part) = counts.get_mut(part_of.get(word).copied().unwrap_or(0)) {
            part.count(step);
        }
        at += usize::from(step != Step::Insert);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(words: usize, substituted: usize, deleted: usize, inserted: usize) -> Counts {
        Counts {
            words,
            substituted,
            deleted,
            inserted,
        }
    }

    #[test]
    fn errors_are_counted_by_kind() {
        for (said, understood, expected) in [
            ("", "", counts(0, 0, 0, 0)),
            ("", "hello there", counts(0, 0, 0, 2)),
            ("hello there", "", counts(2, 0, 2, 0)),
            ("Hello, there.", "hello there", counts(2, 0, 0, 0)),
            ("a b c d", "a x c d e", counts(4, 1, 0, 1)),
            ("it's twenty-five", "It is 25!", counts(3, 0, 0, 0)),
            ("שָׁלוֹם לכם", "שלום, לכם", counts(2, 0, 0, 0)),
        ] {
            assert_eq!(compare(said, understood), expected, "{said} / {understood}");
        }
        assert_eq!(counts(0, 0, 0, 3).rate(), None);
        assert_eq!(counts(4, 1, 0, 1).rate(), Some(0.5));
    }

    #[test]
    fn errors_belong_to_the_part_they_happen_in() {
        let parts = ["one man", "", "went to mow", "a meadow"];
        let counted = compare_parts(parts, "one man indeed went mow the meadow");
        let expected = [
            counts(2, 0, 0, 1),
            counts(0, 0, 0, 0),
            counts(3, 0, 1, 0),
            counts(2, 1, 0, 0),
        ];
        assert_eq!(counted, expected);
        assert_eq!(compare_parts([], "words"), []);
        assert_eq!(compare_parts(["", "b"], "a b")[1], counts(1, 0, 0, 1));
    }
}

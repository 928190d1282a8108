//! What viewers of live words see, and when: latencies, words shown and not kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    ids::Track,
    speech::{
        Word,
        filter::fold,
        live::{Heard, Listener, Options},
    },
    time::MediaTime,
    transcript::Segment,
};

/// The figures of live words, in seconds of the stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct LiveFigures {
    /// From the end of each word to when it was first seen about where it stands in the end.
    pub(super) shown: Vec<f64>,
    /// From the end of each word to when it was there to stay.
    pub(super) committed: Vec<f64>,
    /// From when an utterance was known to be over to its last word.
    pub(super) ended: Vec<f64>,
    pub(super) words: usize,
    /// Words shown that the next look no longer showed.
    pub(super) unstable: usize,
    /// Utterances whose committed words were changed: there must be none.
    pub(super) retractions: usize,
    /// Tracks that were not settled half a minute after their end.
    pub(super) unsettled: usize,
}

/// The events of a track as they come.
#[derive(Debug, Default)]
pub(super) struct Watch {
    open: BTreeMap<u64, Utterance>,
    done: Vec<(MediaTime, MediaTime, String)>,
    figures: LiveFigures,
    finished: bool,
    /// From the end of an utterance's tail to when it is known to be over.
    endpoint: f64,
}

/// What was seen of an utterance.
#[derive(Debug, Default)]
struct Utterance {
    committed: Vec<Word>,
    committed_at: Vec<f64>,
    /// All words shown, committed and not, and when.
    shown: Vec<(f64, Vec<String>)>,
}

impl Watch {
    pub(super) fn new(options: &Options) -> Self {
        let endpoint = options.endpoint_ms.saturating_sub(options.tail_ms);
        Self {
            endpoint: f64::from(endpoint) / 1000.0,
            ..Self::default()
        }
    }

    pub(super) const fn finished(&self) -> bool {
        self.finished
    }

    pub(super) fn drain(&mut self, listener: &mut Listener, at: f64) {
        while let Some(heard) = listener.poll() {
            self.hear(heard, at);
        }
    }

    fn hear(&mut self, heard: Heard, at: f64) {
        match heard {
            Heard::Partial {
                utterance, words, ..
            } => self.open.entry(utterance).or_default().show(&words, at),
            Heard::Delta { utterance, words } => {
                let open = self.open.entry(utterance).or_default();
                open.committed_at.extend(words.iter().map(|_| at));
                open.committed.extend(words);
                open.show(&[], at);
            }
            Heard::Completed {
                utterance,
                start,
                end,
                text,
                words,
                ..
            } => {
                let open = self.open.remove(&utterance).unwrap_or_default();
                open.count(&words, at, &mut self.figures);
                let late = at - end.as_secs() - self.endpoint;
                self.figures.ended.push(thousandths(late.max(0.0)));
                self.done.push((start, end, text));
            }
            Heard::Degraded { .. } => {}
            Heard::Traced(_) => {}
            Heard::Finished => self.finished = true,
        }
    }

    /// What was said, for merging with other tracks.
    pub(super) fn segments(&self, track: Track) -> impl Iterator<Item = Segment> {
        self.done.iter().map(move |(start, end, text)| Segment {
            track,
            speaker: None,
            start: *start,
            end: *end,
            text: text.clone(),
            words: Vec::new(),
        })
    }

    /// Takes in the figures of another track.
    pub(super) fn add(&mut self, other: Self) {
        let unsettled = usize::from(!other.finished);
        self.figures.add(&other.figures);
        self.figures.unsettled += unsettled;
    }

    pub(super) fn into_figures(self) -> LiveFigures {
        self.figures
    }
}

impl LiveFigures {
    pub(super) fn add(&mut self, other: &Self) {
        self.shown.extend(&other.shown);
        self.committed.extend(&other.committed);
        self.ended.extend(&other.ended);
        self.words += other.words;
        self.unstable += other.unstable;
        self.retractions += other.retractions;
        self.unsettled += other.unsettled;
    }

    /// Words shown and not kept by words in the end.
    #[expect(clippy::cast_precision_loss, reason = "counts of words are small")]
    pub(super) fn unstable_share(&self) -> f64 {
        self.unstable as f64 / self.words.max(1) as f64
    }
}

impl Utterance {
    fn show(&mut self, tail: &[Word], at: f64) {
        let words = self.committed.iter().chain(tail);
        let words = words.map(|word| fold(&word.text)).collect();
        // A delta and its partial are one change.
        self.shown.pop_if(|(before, _)| at - *before < 0.01);
        self.shown.push((at, words));
    }

    fn count(self, words: &[Word], completed: f64, figures: &mut LiveFigures) {
        figures.retractions += usize::from(self.committed != words);
        figures.words += words.len();
        for (n, word) in words.iter().enumerate() {
            let said = fold(&word.text);
            let sees = |(_, words): &&(f64, Vec<String>)| {
                let near = words.iter().take(n + 3).skip(n.saturating_sub(2));
                near.into_iter().any(|shown| *shown == said)
            };
            let at = self.shown.iter().find(sees);
            let at = at.map_or(completed, |(at, _)| *at);
            figures.shown.push(thousandths(at - word.end.as_secs()));
        }
        let committed = words.iter().zip(&self.committed_at);
        let late = committed.map(|(word, at)| thousandths(at - word.end.as_secs()));
        figures.committed.extend(late);
        let changed = self.shown.windows(2);
        figures.unstable += changed
            .map(|pair| pair[0].1.len() - in_common(&pair[0].1, &pair[1].1))
            .sum::<usize>();
    }
}

fn thousandths(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// Length of the longest common subsequence.
fn in_common(a: &[String], b: &[String]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for word in a {
        let mut diagonal = 0;
        for (n, other) in b.iter().enumerate() {
            let above = row[n + 1];
            row[n + 1] = if word == other {
                diagonal + 1
            } else {
                above.max(row[n])
            };
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Word> {
        let texts = text.split_whitespace().zip(1..);
        texts
            .map(|(text, n)| Word {
                text: text.into(),
                start: MediaTime::from_ms(n * 1000 - 500),
                end: MediaTime::from_ms(n * 1000),
                confidence: 1.0,
            })
            .collect()
    }

    #[test]
    fn words_are_timed_from_their_ends_and_changes_are_counted() {
        let mut watch = Watch::new(&Options::default());
        let start = MediaTime::ZERO;
        let partial = |text: &str| Heard::Partial {
            utterance: 0,
            start,
            words: words(text),
        };
        watch.hear(partial("hello"), 1.5);
        watch.hear(partial("Hello, their"), 2.5);
        watch.hear(partial("hello there"), 3.0);
        let delta = Heard::Delta {
            utterance: 0,
            words: words("hello there"),
        };
        watch.hear(delta, 3.25);
        let completed = Heard::Completed {
            utterance: 0,
            start,
            end: MediaTime::from_ms(2300),
            text: "hello there".into(),
            words: words("hello there"),
            language: "en".into(),
        };
        watch.hear(completed, 3.5);
        watch.hear(Heard::Finished, 4.0);
        assert!(watch.finished());
        let mut all = Watch::default();
        all.add(watch);
        let figures = all.into_figures();
        let expected = LiveFigures {
            shown: vec![0.5, 1.0],
            committed: vec![2.25, 1.25],
            ended: vec![0.8],
            words: 2,
            unstable: 1,
            retractions: 0,
            unsettled: 0,
        };
        assert_eq!(figures, expected);
        assert!((figures.unstable_share() - 0.5).abs() < 1e-9);
    }
}

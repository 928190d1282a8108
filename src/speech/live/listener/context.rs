//! What the speaker said before: looks at an utterance begin there, so that a short one is heard in
//! its context. Its words are committed and known; only what follows them is news.

use super::PER_MS;
use crate::{
    speech::{
        Decoded, Word,
        live::{Options, Window, agree::split, turns::Ended},
    },
    time::MediaTime,
};

/// Longer pauses between utterances are shortened to this, in samples: time is dear in a window, and
/// whisper keeps to one sentence over a pause like this.
const PAUSE: u64 = 300 * PER_MS;
/// The engine takes no more than 30 s, in samples.
const LONGEST: u64 = 29_000 * PER_MS;
/// What was said so long ago is another matter, in samples.
const FORGOTTEN: u64 = 30_000 * PER_MS;

/// Words of the context that end later than this before its end, and words after it that end sooner
/// than this after it, are told apart by what they say; others by their times.
const EARLY: MediaTime = MediaTime::from_ms(100);
const LATE: MediaTime = MediaTime::from_ms(300);

/// The newest utterances, pauses shortened.
#[derive(Default)]
pub(super) struct Context {
    audio: Vec<i16>,
    /// Times from the start of `audio`.
    words: Vec<Word>,
    /// Where it ends in the stream.
    end: u64,
}

/// What was put before an utterance.
#[derive(Debug, Clone, Default)]
pub(in crate::speech::live) struct Before {
    pub(in crate::speech::live) words: Vec<Word>,
    /// How much audio.
    pub(in crate::speech::live) length: MediaTime,
}

impl Before {
    pub(super) fn is_none(&self) -> bool {
        self.words.is_empty()
    }

    /// What a window says after what it begins with, by the words and, within the reach of their
    /// errors, by their times; as if it had begun there.
    pub(super) fn news(&self, decoded: Decoded) -> Decoded {
        if self.is_none() {
            return decoded;
        }
        let heard = &decoded.words;
        let until = |time: MediaTime| heard.iter().take_while(|word| word.end <= time).count();
        let least = until(self.length.saturating_sub(EARLY));
        let after = split(&self.words, heard, least..=until(self.length + LATE));
        let words = earlier(&heard[after..], self.length);
        Decoded {
            avg_logprob: sureness(&words),
            words,
            ..decoded
        }
    }
}

impl Context {
    /// Samples in a window that begins with context.
    pub(super) fn most(options: &Options) -> u64 {
        (u64::from(options.context_ms) * PER_MS).min(LONGEST)
    }

    /// Takes an utterance that was heard out, with its words; keeps no more than `most` samples.
    pub(super) fn keep(&mut self, ended: &Ended, words: &[Word], most: u64) {
        self.pause(ended.start);
        let offset = MediaTime::from_engine_samples(self.audio.len() as u64);
        let start = MediaTime::from_engine_samples(ended.start);
        self.words.extend(words.iter().map(|word| Word {
            start: offset + word.start.saturating_sub(start),
            end: offset + word.end.saturating_sub(start),
            ..word.clone()
        }));
        self.audio.extend_from_slice(&ended.audio);
        self.end = ended.end();
        let (from, first) = self.newest(most);
        self.audio.drain(..from);
        let skipped = MediaTime::from_engine_samples(from as u64);
        self.words = earlier(&self.words[first..], skipped);
    }

    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Begins a window with what belongs before an utterance that starts at `start`, at most `most`
    /// samples of it.
    pub(super) fn load(&mut self, window: &mut Window, start: u64, most: u64) -> Before {
        if start > self.end + FORGOTTEN {
            self.forget();
        }
        if self.words.is_empty() || most <= PAUSE {
            return Before::default();
        }
        let (from, first) = self.newest(most - PAUSE);
        if first == self.words.len() {
            return Before::default();
        }
        window.load(&self.audio[from..]);
        window.load_silence(start.saturating_sub(self.end).min(PAUSE));
        let skipped = MediaTime::from_engine_samples(from as u64);
        Before {
            words: earlier(&self.words[first..], skipped),
            length: MediaTime::from_engine_samples(window.samples.len() as u64),
        }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.audio.len()
    }

    /// Where in the audio at most its newest `most` samples begin, after a whole word, and the first
    /// word there.
    fn newest(&self, most: u64) -> (usize, usize) {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let Some(over) = self.audio.len().checked_sub(most).filter(|over| *over > 0) else {
            return (0, 0);
        };
        let ends = self.words.iter().map(|word| sample(word.end));
        match ends.enumerate().find(|(_, end)| *end >= over) {
            Some((last, end)) => (end.min(self.audio.len()), last + 1),
            None => (self.audio.len(), self.words.len()),
        }
    }

    fn pause(&mut self, until: u64) {
        let pause = if self.audio.is_empty() {
            0
        } else {
            until.saturating_sub(self.end).min(PAUSE)
        };
        let length = self.audio.len() + usize::try_from(pause).unwrap_or(0);
        self.audio.resize(length, 0);
    }
}

/// Words as heard from a point so much later.
fn earlier(words: &[Word], by: MediaTime) -> Vec<Word> {
    let moved = |word: &Word| Word {
        start: word.start.saturating_sub(by),
        end: word.end.saturating_sub(by),
        ..word.clone()
    };
    words.iter().map(moved).collect()
}

/// As near as words come to the mean log of their tokens' probabilities.
#[expect(clippy::cast_precision_loss, reason = "a few hundred words at most")]
fn sureness(words: &[Word]) -> f32 {
    let sum: f32 = (words.iter())
        .map(|word| word.confidence.max(f32::EPSILON).ln())
        .sum();
    sum / words.len().max(1) as f32
}

fn sample(time: MediaTime) -> usize {
    usize::try_from(time.as_engine_samples()).unwrap_or(usize::MAX)
}

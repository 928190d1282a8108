//! What the speaker said just before: windows begin there, so that a short utterance is heard in its
//! context. Its words are committed and known; only what follows them is news.

use std::collections::VecDeque;

use super::PER_MS;
use crate::speech::{
    Word,
    live::{Options, Window, turns::Ended},
};

/// Completed utterances of the last seconds.
pub(super) struct Context {
    past: VecDeque<Past>,
    /// A window with its context is no longer than this, in samples.
    most: u64,
    /// Over a longer silence there is no context, in samples.
    gap: u64,
}

struct Past {
    ended: Ended,
    words: Vec<Word>,
}

impl Context {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            past: VecDeque::new(),
            most: u64::from(options.context_ms) * PER_MS,
            gap: u64::from(options.context_gap_ms) * PER_MS,
        }
    }

    pub(super) fn keep(&mut self, ended: Ended, words: Vec<Word>) {
        let end = ended.end();
        self.past.push_back(Past { ended, words });
        while (self.past.front()).is_some_and(|past| past.ended.start + self.most < end) {
            self.past.pop_front();
        }
    }

    pub(super) fn forget(&mut self) {
        self.past.clear();
    }

    /// Lets go of the audio when it is too old for whatever comes.
    pub(super) fn age(&mut self, now: u64) {
        if (self.past.back()).is_some_and(|past| past.ended.end() + self.gap < now) {
            self.forget();
        }
    }

    /// Puts before an utterance of `start..end` what belongs before it; returns what it was.
    pub(super) fn load(&self, window: &mut Window, start: u64, end: u64) -> Before {
        let mut before = Before::none(start);
        let mut first = self.past.len();
        for (n, past) in self.past.iter().enumerate().rev() {
            let near = past.ended.end() + self.gap >= before.from;
            if !near || past.ended.start + self.most < end {
                break;
            }
            (first, before.from) = (n, past.ended.start);
        }
        let mut reached = before.from;
        for past in self.past.range(first..) {
            window.load_silence(past.ended.start.saturating_sub(reached));
            window.load(&past.ended.audio);
            reached = past.ended.end();
            before.words.extend(past.words.iter().cloned());
            before.voiced += past.ended.voice.samples;
        }
        window.load_silence(start.saturating_sub(reached));
        before
    }
}

/// What was put before an utterance.
#[derive(Debug)]
pub(in crate::speech::live) struct Before {
    /// First sample of the window.
    pub(in crate::speech::live) from: u64,
    pub(in crate::speech::live) words: Vec<Word>,
    /// Samples of voice.
    pub(super) voiced: u64,
}

impl Before {
    pub(super) fn none(start: u64) -> Self {
        Self {
            from: start,
            words: Vec::new(),
            voiced: 0,
        }
    }
}

//! One utterance while its words settle.

use super::{
    agree::Agreement,
    turns::{Ended, Voiced},
};
use crate::{
    speech::{Decoded, Word},
    time::MediaTime,
};

/// An utterance, spoken or over, and what is known of its words.
pub(super) struct Talk {
    pub(super) utterance: u64,
    /// First sample.
    pub(super) start: u64,
    pub(super) agreement: Agreement,
    /// Of the newest answer that was believed.
    pub(super) language: String,
    /// Looks that were begun.
    pub(super) looks: u32,
    /// What was voice when the newest look began.
    pub(super) looked_voice: Voiced,
    /// End of the newest window that was answered.
    pub(super) looked_until: u64,
    /// The answer was not to be believed: look again with more context.
    pub(super) again: bool,
    pub(super) failures: u32,
    /// Viewers see words of it that are not committed.
    pub(super) shown: bool,
    /// Set once it is over.
    pub(super) over: Option<Ended>,
}

impl Talk {
    pub(super) fn new(utterance: u64, start: u64) -> Self {
        Self {
            utterance,
            start,
            agreement: Agreement::default(),
            language: String::new(),
            looks: 0,
            looked_voice: Voiced::default(),
            looked_until: 0,
            again: false,
            failures: 0,
            shown: false,
            over: None,
        }
    }

    pub(super) fn start_time(&self) -> MediaTime {
        MediaTime::from_engine_samples(self.start)
    }

    /// Takes a believed answer about the audio up to `until`, after the committed words; returns how many
    /// more it commits, none of them before `settled` and none of the newest `held`.
    pub(super) fn believe(
        &mut self,
        decoded: Decoded,
        until: u64,
        settled: MediaTime,
        held: usize,
    ) -> usize {
        let (start, end) = (self.start_time(), MediaTime::from_engine_samples(until));
        let place = |word: Word| Word {
            start: (start + word.start).min(end),
            end: (start + word.end).min(end),
            ..word
        };
        self.language = decoded.language;
        let words = decoded.words.into_iter().map(place).collect();
        self.agreement.hear(words, settled, held)
    }

    /// The engine failed on the audio up to `until`; too many times and it counts as looked at.
    pub(super) fn fail(&mut self, until: u64, most: u32) {
        self.again = false;
        self.failures += 1;
        if self.over.is_none() || self.failures >= most {
            self.looked_until = until;
        }
    }

    /// The last `count` committed words.
    pub(super) fn newest(&self, count: usize) -> Vec<Word> {
        let committed = self.agreement.committed();
        committed[committed.len() - count..].to_vec()
    }

    /// It is over, and the looks so far have heard all of its voice.
    pub(super) fn is_heard_out(&self, margin: u64) -> bool {
        self.over.as_ref().is_some_and(|over| {
            let all = (over.voice_end + margin).min(over.end());
            !self.again && self.looks > 0 && self.looked_until >= all
        })
    }
}

//! What the speaker said before: looks at an utterance begin there, so that a short one is heard in
//! its context. Its words are committed and known; the engine is held to them and tells what follows.
//! Words from before the window guide it.

use super::PER_MS;
use crate::{
    speech::{
        Word,
        live::{Options, Window, turns::Ended},
        text,
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

/// Tokens that an engine is held to: of the 216 that whisper may say, so many leave room for what follows.
const MOST_SAID: usize = 150;

/// The newest utterances, pauses shortened.
#[derive(Default)]
pub(super) struct Context {
    audio: Vec<i16>,
    /// Times from the start of `audio`.
    words: Vec<Word>,
    /// Where it ends in the stream.
    end: u64,
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
        let (from, first) = self.newest(most, usize::MAX);
        self.audio.drain(..from);
        let skipped = MediaTime::from_engine_samples(from as u64);
        self.words = earlier(&self.words[first..], skipped);
    }

    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Begins a window with what belongs before an utterance that starts at `start`, at most `most`
    /// samples of it, where `committed` is known of the utterance itself, and gives the newest
    /// `prompt_words` before that for a prompt. Returns how much audio it put there.
    pub(super) fn load(
        &mut self,
        window: &mut Window,
        start: u64,
        most: u64,
        committed: &[Word],
        prompt_words: usize,
    ) -> MediaTime {
        if start > self.end + FORGOTTEN {
            self.forget();
        }
        let room = MOST_SAID.saturating_sub(tokens(committed));
        let (from, first) = self.newest(most.saturating_sub(PAUSE), room);
        let (older, known) = self.words.split_at(first);
        let oldest = older.len().saturating_sub(prompt_words);
        window.prompt.push_str(&text(&older[oldest..]));
        if !known.is_empty() {
            window.say(&text(known));
            window.load(&self.audio[from..]);
            window.load_silence(start.saturating_sub(self.end).min(PAUSE));
        }
        MediaTime::from_engine_samples(window.samples.len() as u64)
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.audio.len()
    }

    /// Where in the audio at most its newest `most` samples and `room` tokens begin, after a whole word,
    /// and the first word there.
    fn newest(&self, most: u64, room: usize) -> (usize, usize) {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let over = self.audio.len().saturating_sub(most);
        let mut words = 0..self.words.len();
        let mut from = 0;
        while from < over || tokens(&self.words[words.clone()]) > room {
            let Some(dropped) = words.next() else {
                return (self.audio.len(), self.words.len());
            };
            from = sample(self.words[dropped].end).min(self.audio.len());
        }
        (from, words.start)
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
pub(super) fn earlier(words: &[Word], by: MediaTime) -> Vec<Word> {
    let moved = |word: &Word| Word {
        start: word.start.saturating_sub(by),
        end: word.end.saturating_sub(by),
        ..word.clone()
    };
    words.iter().map(moved).collect()
}

/// About how many tokens words have in whisper's vocabulary, rather more: it has long pieces for Latin
/// letters, syllables for Hebrew or Cyrillic ones, and bytes for the rest.
fn tokens(words: &[Word]) -> usize {
    const TWELFTHS: [usize; 4] = [3, 8, 18, 18];
    let letters = words.iter().flat_map(|word| word.text.chars());
    let twelfths: usize = letters.map(|letter| TWELFTHS[letter.len_utf8() - 1]).sum();
    words.len() / 2 + twelfths / 12
}

fn sample(time: MediaTime) -> usize {
    usize::try_from(time.as_engine_samples()).unwrap_or(usize::MAX)
}

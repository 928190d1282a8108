//! Live words of one track, sans-IO: samples in, wishes for the engine out, its answers in, words out.
//! Stream time is the count of samples; there is no other clock, no thread and no engine here.
//!
//! ```text
//! push(samples) ─ turns ─ utterance ──▶ want() ─ window() ──▶ (a lane decodes)
//!                                                                   │
//! poll() ◀── Partial, Delta, Completed ◀── agreement ◀── answer() ◀─┘
//! ```
//!
//! An utterance is looked at again and again while it is spoken; what two looks agree on is committed
//! ([`agree`]) and never taken back. The last look, at its end or in the silence before, commits the
//! rest. Looks begin with what was said before, as much as there is time for: whisper hears short clips
//! badly. The engine is held to what is committed and goes on from there, so that nothing is to be matched
//! afterwards. Answers that are not to be believed show nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Effort, Request, Word, vad};
use crate::time::MediaTime;

mod agree;
mod ask;
mod level;
mod listener;
mod talk;
#[cfg(test)]
pub(super) mod tests;
mod trace;
mod turns;

pub use level::Level;
pub use listener::Listener;
pub use trace::{AgainError, Step, Trace};

/// How live words are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Speech before the first look at an utterance; ms.
    pub first_ms: u32,
    /// New speech between two looks; ms.
    pub step_ms: u32,
    /// The same while the machine has time to spare; ms.
    pub brisk_step_ms: u32,
    /// Words that end this near to the end of what was heard are not shown yet, unless it is silence:
    /// they change most; ms.
    pub steady_ms: u32,
    /// Audio before the first voice that belongs to an utterance; ms.
    pub preroll_ms: u32,
    /// Silence in which the last look is taken already; dropped if speech goes on; ms.
    pub settle_ms: u32,
    /// Silence that ends an utterance; ms.
    pub endpoint_ms: u32,
    /// Audio after the last voice that belongs to an utterance; ms.
    pub tail_ms: u32,
    /// From this length on `dip_ms` of silence ends an utterance; ms.
    pub dip_after_ms: u32,
    /// See `dip_after_ms`; ms.
    pub dip_ms: u32,
    /// An utterance that reaches this is cut at its quietest point; ms.
    pub longest_ms: u32,
    /// An utterance with less voice than this is a click or a cough; ms.
    pub least_voice_ms: u32,
    /// Voice in an utterance before its detected language is believed; ms.
    pub language_voice_ms: u32,
    /// Time that a look may take, at the pace of the looks before it: what was said before is put in
    /// front of an utterance, as much as that allows, since whisper hears short clips badly. Of looks
    /// that others follow, while there is time to spare; 0: never; ms.
    pub look_ms: u32,
    /// The same of the last look at an utterance; ms.
    pub last_look_ms: u32,
    /// The longest window with what was said before in it; ms.
    pub context_ms: u32,
    /// Words of what was said before the window that guide the engine; 0 for none.
    pub prompt_words: usize,
    /// Words at the end of what was heard that are not committed yet: they change most. More are surer
    /// and later.
    pub held_words: usize,
    /// An utterance whose last look is this late is given up; ms.
    pub latest_ms: u32,
    /// Voice activity.
    pub vad: vad::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            first_ms: 900,
            step_ms: 1000,
            brisk_step_ms: 600,
            steady_ms: 120,
            preroll_ms: 300,
            settle_ms: 350,
            endpoint_ms: 700,
            tail_ms: 300,
            dip_after_ms: 7000,
            dip_ms: 160,
            longest_ms: 12_000,
            least_voice_ms: 120,
            language_voice_ms: 2000,
            look_ms: 500,
            last_look_ms: 1000,
            context_ms: 28_000,
            prompt_words: 40,
            held_words: 2,
            latest_ms: 10_000,
            vad: vad::Options::default(),
        }
    }
}

/// What live listening tells of a track. Times are stream time; utterances are numbered from 0 and
/// follow each other.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// The words after the committed ones of an utterance, as they look now; replaces the last such.
    /// No words: what was shown is withdrawn.
    Partial {
        utterance: u64,
        start: MediaTime,
        words: Vec<Word>,
    },
    /// Words that follow the committed ones and stay.
    Delta { utterance: u64, words: Vec<Word> },
    /// An utterance is over: all its words, the committed ones unchanged.
    Completed {
        utterance: u64,
        start: MediaTime,
        end: MediaTime,
        text: String,
        words: Vec<Word>,
        language: String,
    },
    /// Live text is at this level from here on, worse or better than before.
    Degraded { level: Level },
    /// How all this came to be; once, before the end.
    Traced(Box<Trace>),
    /// Nothing more will come.
    Finished,
}

/// What a track wishes from a lane, the more pressing first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// The last look at an utterance that is over.
    Final,
    /// A look at one in whose silence it may just have ended.
    Settle,
    /// A look at one that goes on.
    Partial,
}

/// A window to be decoded; the buffers are the lane's and used again.
#[derive(Debug, Default)]
pub struct Window {
    /// 16 kHz, −1 to 1.
    pub samples: Vec<f32>,
    /// ISO 639-1; `None`: to be detected.
    pub language: Option<String>,
    /// What was said before it.
    pub prompt: String,
    /// What it is known to begin with.
    pub said: String,
    pub audio_ctx: u32,
    pub max_tokens: u32,
    /// The smaller model will do.
    pub small: bool,
    /// Of the looks of this lane so far.
    pace: ask::Pace,
}

impl Window {
    pub(super) fn load(&mut self, audio: &[i16]) {
        let unit = |&sample: &i16| f32::from(sample) / 32_768.0;
        self.samples.extend(audio.iter().map(unit));
    }

    pub(super) fn load_silence(&mut self, samples: u64) {
        let samples = usize::try_from(samples).unwrap_or(0);
        self.samples.resize(self.samples.len() + samples, 0.0);
    }

    /// More that it is known to begin with.
    pub(super) fn say(&mut self, text: &str) {
        if !self.said.is_empty() && !text.is_empty() {
            self.said.push(' ');
        }
        self.said.push_str(text);
    }

    /// Learns how long the engine took for it.
    pub fn took(&mut self, time: Duration) {
        if !self.small {
            self.pace.took(time, self.audio_ctx);
        }
    }

    /// As the engine wants it.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        Request {
            samples: &self.samples,
            language: self.language.as_deref(),
            prompt: &self.prompt,
            said: &self.said,
            effort: Effort::Live {
                audio_ctx: self.audio_ctx,
                max_tokens: self.max_tokens,
            },
        }
    }
}

//! Samples → words. An [`Engine`] is loaded weights, shared; a [`Session`] is one worker's mutable
//! state. Both are synchronous: named OS threads run them ([`crate::tasks::thread`]) and async code
//! only exchanges messages with those. [`scripted`] is the deterministic twin for tests of all else.

use serde::{Deserialize, Serialize};

use crate::time::MediaTime;

pub mod options;
pub mod models;
pub mod whisper;
pub mod vad;
pub mod filter;
pub mod coverage;
pub mod final_pass;
pub mod live;
pub mod lanes;
pub mod ears;
pub mod scripted;

/// A word as the engine heard it. Times are relative to the audio that it was asked about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Word {
    /// As spoken, with its punctuation, without surrounding spaces.
    pub text: String,
    pub start: MediaTime,
    pub end: MediaTime,
    /// 0 to 1: the mean probability of the word's tokens.
    pub confidence: f32,
}

/// As a reader sees them.
#[must_use]
pub fn text(words: &[Word]) -> String {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    texts.join(" ")
}

/// What a model is, as stored with every transcript that it made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    pub name: String,
    /// Hex, of the weights' file; empty where there is none (the scripted engine).
    pub sha256: String,
    pub multilingual: bool,
}

/// Loaded weights, shared between sessions.
pub trait Engine: Send + Sync {
    /// # Errors
    /// When the engine cannot make another session (memory, mostly).
    fn session(&self) -> Result<Box<dyn Session>, EngineError>;
    fn model(&self) -> &ModelInfo;
}

/// One worker's mutable state; reused from decode to decode.
pub trait Session: Send {
    /// Decodes one window. What a former call heard does not leak into this one.
    ///
    /// # Errors
    /// When the engine failed on this window; the session may be used again.
    fn decode(&mut self, request: &Request<'_>) -> Result<Decoded, EngineError>;
}

/// One window to be decoded: at most 30 s.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// [`crate::time::ENGINE_RATE`], mono, −1 to 1.
    pub samples: &'a [f32],
    /// ISO 639-1; `None` detects it.
    pub language: Option<&'a str>,
    /// What was said before, words apart by spaces; empty for none.
    pub prompt: &'a str,
    /// What the window is known to begin with, words apart by spaces; empty for nothing. The engine is
    /// held to it, and tells what follows.
    pub said: &'a str,
    pub effort: Effort,
}

/// How hard to try.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effort {
    /// Greedy, no timestamps tokens, no fallback, encoder shrunk to `audio_ctx` frames of 20 ms, stops
    /// `max_tokens` after what is known to be said.
    Live { audio_ctx: u32, max_tokens: u32 },
    /// Beam search with timestamps; one try, as [`Self::Live`]: who asks judges and asks again.
    Final { beam: u32, audio_ctx: u32 },
}

/// What a window said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decoded {
    /// After what was known to be said, in order; times relative to the window's start and within it.
    pub words: Vec<Word>,
    /// ISO 639-1 of what was spoken, as asked for or detected.
    pub language: String,
    /// Probability of that language among all, 0 to 1, by this audio.
    pub language_p: f32,
    /// Mean natural log of the tokens' probabilities.
    pub avg_logprob: f32,
    /// Probability of no speech at the start of the transcript, 0 to 1.
    pub no_speech: f32,
    /// The token cap ended it: a loop, most likely.
    pub capped: bool,
}

impl Decoded {
    /// Whether the audio tells its language well enough to settle it for what follows.
    #[must_use]
    pub fn tells_language(&self) -> bool {
        self.language_p >= 0.5
    }
}

/// Why a window could not be decoded, or an engine not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("model {name} is not at {path}: get it with `callscribe models pull {name}`")]
    Missing { name: String, path: String },
    #[error("model {path} cannot be loaded: {why}")]
    Load { path: String, why: String },
    #[error("the engine refuses this window: {0}")]
    BadInput(&'static str),
    #[error("the engine failed: {0}")]
    Failed(String),
}

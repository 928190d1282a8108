//! The pass over a whole recording once the call is over: nobody waits for it, so every window is as
//! full of speech as the model takes, and searched harder than live.
//!
//! Voice activity finds speech; [`packer`] drops the long silences and packs what is left into windows
//! cut at pauses; [`pass`] decodes each with what was said before, and asks again where the text is not
//! to be believed; [`utterances`] and [`coverage`](mod@coverage) tell what was said and what became of
//! every second. Reads forward and holds one window: memory does not grow with the recording's length.

use serde::{Deserialize, Serialize};

use super::{EngineError, Session, Word, coverage::Span, vad};
use crate::{
    audio::source::{self, Source},
    time::MediaTime,
};

mod coverage;
mod packer;
mod pass;
#[cfg(test)]
mod tests;
mod utterances;
mod window;

/// How a recording is transcribed after the call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// ISO 639-1; none detects it, once a track.
    pub language: Option<String>,
    /// Hypotheses kept in the search: 1 to 8. More hear better and cost more.
    pub beam: u32,
    /// After a window this sure of its words the next is searched with one hypothesis: who is easy to
    /// hear stays so. Mean log probability; 0 searches all with the beam.
    pub easy_logprob: f32,
    /// Longest window of packed speech; seconds, 5 to 30.
    pub window_s: f32,
    /// Silence that is kept before speech; milliseconds.
    pub lead_ms: u32,
    /// Silence that is kept after speech; milliseconds.
    pub trail_ms: u32,
    /// Words of what was said before that the next window is given.
    pub prompt_words: usize,
    /// After so long a silence what was said before tells nothing; seconds.
    pub forget_s: f32,
    /// How voice is told from the rest.
    pub voice: vad::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            language: None,
            beam: 5,
            easy_logprob: -0.2,
            window_s: 28.0,
            lead_ms: 250,
            trail_ms: 250,
            prompt_words: 72,
            forget_s: 60.0,
            voice: vad::Options::default(),
        }
    }
}

/// What a track said. Times are the track's own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FinalTrack {
    pub duration: MediaTime,
    /// ISO 639-1; `None` where nothing was understood and none was asked for.
    pub language: Option<String>,
    pub utterances: Vec<Utterance>,
    /// Abutting spans, from zero to the duration.
    pub coverage: Vec<Span>,
    pub stats: Stats,
}

/// A stretch of one speaker's words without a long pause.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    pub start: MediaTime,
    pub end: MediaTime,
    pub text: String,
    pub words: Vec<Word>,
}

/// What the pass cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Windows of packed speech.
    pub windows: u32,
    /// Decodes beyond one a window, of texts not to be believed.
    pub again: u32,
    /// Texts that were not believed in the end.
    pub refused: u32,
}

/// Why a recording has no transcript.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Audio(#[from] source::Error),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Samples read at a time: half a second.
const BLOCK: usize = 8_000;

/// Transcribes one track. `progress` is told how far the audio is understood.
///
/// # Errors
/// When the audio ends in an error, or the engine fails.
pub fn transcribe(
    session: &mut dyn Session,
    source: &mut dyn Source,
    options: &Options,
    mut progress: impl FnMut(MediaTime),
) -> Result<FinalTrack, Error> {
    let mut packer = packer::Packer::new(options);
    let mut pass = pass::Pass::new(session, options);
    let mut block = Vec::new();
    loop {
        block.clear();
        if source.read(&mut block, BLOCK)? == 0 {
            break;
        }
        packer.push(&block);
        while let Some(window) = packer.poll() {
            if let Some(unfinished) = pass.hear(&window, false)? {
                packer.put_back(unfinished);
            }
            progress(window.end());
        }
    }
    if let Some(window) = packer.finish() {
        pass.hear(&window, true)?;
    }
    let (voiced, duration) = packer.heard();
    progress(duration);
    Ok(pass.finish(&voiced, duration))
}

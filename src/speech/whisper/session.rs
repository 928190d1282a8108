//! One worker's state of whisper.cpp, and one window through it.

use std::{collections::HashMap, sync::Arc};

use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperError, WhisperState};

use super::{
    FULL_AUDIO_CTX,
    ends::{self, Ends},
    words::{self, Token},
};
use crate::{
    speech::{Decoded, Effort, EngineError, ModelInfo, Request, Session},
    time::MediaTime,
};

/// The shortest clip that whisper.cpp reads safely, padded with silence: 1 s.
const MIN_SAMPLES: usize = 16_000;
/// The longest window: 30 s.
const MAX_SAMPLES: usize = 30 * MIN_SAMPLES;
/// Samples in one frame of the encoder (20 ms).
const FRAME: usize = 320;
/// The fast matrix kernels of ggml take a length of attention that is a multiple of this; others go row
/// by row: 750 frames cost 30 % more than 752, and 1500 cost 17 % more than 1488.
const TILE: u32 = 16;
/// The most that the decoder takes of what was said before: half of its context, less a marker.
const MAX_PROMPT: usize = 223;
/// The widest beam that whisper.cpp has decoders for.
const MAX_BEAM: u32 = 8;
/// Text tokens that no speech needs, in any language (Hebrew takes three a word): a loop ends here.
const TOKENS_PER_SEC: usize = 16;
const TOKENS_OVER: usize = 24;
/// The language of a window that does not tell: whisper knows it best, and takes what is spoken with an
/// accent, briefly or badly for any other.
const FALLBACK: &str = "en";
/// A language is detected with this probability at least, and so many times that of the fallback.
const DETECTED: f32 = 0.5;
const OVER_FALLBACK: f32 = 3.0;
/// whisper.cpp returns this when it has freed the state by itself.
const STATE_FREED: i32 = -7;

pub(super) struct WhisperSession {
    context: Arc<WhisperContext>,
    /// `None` after whisper.cpp has freed it; the next window makes a new one.
    state: Option<WhisperState>,
    multilingual: bool,
    /// By language and beam: setting a language leaks its name, so that is done once for each.
    params: HashMap<(&'static str, u32), FullParams<'static, 'static>>,
    /// The window, cleaned and padded.
    samples: Vec<f32>,
    /// What was spoken last: tried first where the language is to be detected, which saves time where
    /// it is right and changes nothing where it is not.
    guess: &'static str,
}

impl WhisperSession {
    pub(super) fn new(
        context: Arc<WhisperContext>,
        model: &ModelInfo,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            state: Some(context.create_state().map_err(failed)?),
            context,
            multilingual: model.multilingual,
            params: HashMap::new(),
            samples: Vec::with_capacity(MIN_SAMPLES),
            guess: FALLBACK,
        })
    }
}

impl Session for WhisperSession {
    fn decode(&mut self, request: &Request<'_>) -> Result<Decoded, EngineError> {
        if request.samples.len() > MAX_SAMPLES {
            return Err(EngineError::BadInput("it is longer than 30 s"));
        }
        let asked = request
            .language
            .map(|code| self.language(code))
            .transpose()?;
        self.take(request.samples);
        let mut language = asked.unwrap_or(self.guess);
        let mut ends = self.run(language, request)?;
        let mut start = self.start_of_transcript()?;
        if asked.is_none() && self.multilingual && start.detected() != language {
            language = start.detected();
            ends = self.run(language, request)?;
            start = self.start_of_transcript()?;
        }
        if asked.is_none() {
            self.guess = language;
        }
        self.read(language, &start, &ends, request)
    }
}

/// What the decoder makes of the window before the first token.
struct Start {
    no_speech: f32,
    /// Every language and its probability.
    languages: Vec<(&'static str, f32)>,
}

impl Start {
    /// Probability of a language.
    fn p(&self, language: &str) -> f32 {
        let found = self.languages.iter().find(|(name, _)| *name == language);
        found.map_or(0.0, |(_, p)| *p)
    }

    /// The language that stands out, else [`FALLBACK`].
    fn detected(&self) -> &'static str {
        let likeliest = self.languages.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let needed = (OVER_FALLBACK * self.p(FALLBACK)).max(DETECTED);
        let sure = likeliest.filter(|(_, p)| *p >= needed);
        sure.map_or(FALLBACK, |(language, _)| language)
    }
}

impl WhisperSession {
    fn language(&self, code: &str) -> Result<&'static str, EngineError> {
        let known = code.bytes().all(|b| b.is_ascii_alphabetic());
        let id = known.then(|| whisper_rs::get_lang_id(code)).flatten();
        let language = id
            .and_then(whisper_rs::get_lang_str)
            .ok_or(EngineError::BadInput("its language is unknown"))?;
        if !self.multilingual && language != "en" {
            return Err(EngineError::BadInput("this model knows English only"));
        }
        Ok(language)
    }

    /// Copies the window: finite, and at least a second long.
    fn take(&mut self, samples: &[f32]) {
        let clean = |&s: &f32| {
            if s.is_finite() {
                s.clamp(-1.0, 1.0)
            } else {
                0.0
            }
        };
        self.samples.clear();
        self.samples.extend(samples.iter().map(clean));
        if self.samples.len() < MIN_SAMPLES {
            self.samples.resize(MIN_SAMPLES, 0.0);
        }
    }

    /// Runs encoder and decoder over the window that was taken.
    fn run(&mut self, language: &'static str, request: &Request<'_>) -> Result<Ends, EngineError> {
        let prompt = self.tokens(request.prompt, language)?;
        let newest = prompt.len().saturating_sub(MAX_PROMPT);
        let ends = self.ends(language, request)?;
        let beam = match request.effort {
            Effort::Live { .. } => 1,
            Effort::Final { beam, .. } => beam.clamp(1, MAX_BEAM),
        };
        let cached = self
            .params
            .entry((language, beam))
            .or_insert_with(|| base_params(language, beam));
        let mut params: FullParams<'_, '_> = cached.clone();
        let (Effort::Live { audio_ctx, .. } | Effort::Final { audio_ctx, .. }) = request.effort;
        params.set_audio_ctx(encoder_frames(audio_ctx, self.samples.len()));
        params.set_no_timestamps(matches!(request.effort, Effort::Live { .. }));
        if !prompt.is_empty() {
            params.set_tokens(&prompt[newest..]);
        }
        // A beam draws its hypotheses at random, the first from a generator that is seeded with the state
        // alone: a used one would make the words depend on what was heard before.
        let mut state = match self.state.take().filter(|_| beam == 1) {
            Some(state) => state,
            None => self.context.create_state().map_err(failed)?,
        };
        let outcome = ends.full(&mut state, params, &self.samples);
        if let Err(WhisperError::GenericError(STATE_FREED)) = outcome {
            std::mem::forget(state);
        } else {
            self.state = Some(state);
        }
        outcome.map_err(failed)?;
        Ok(ends)
    }

    fn ends(&self, language: &str, request: &Request<'_>) -> Result<Ends, EngineError> {
        let said = self.tokens(request.said, language)?;
        if said.len() + TOKENS_OVER > ends::MOST {
            return Err(EngineError::BadInput("it is known to begin with too much"));
        }
        let tokens = match request.effort {
            Effort::Live { max_tokens, .. } => usize::try_from(max_tokens).unwrap_or(usize::MAX),
            Effort::Final { .. } => TOKENS_OVER + TOKENS_PER_SEC * self.samples.len() / MIN_SAMPLES,
        };
        Ends::new(said, tokens, &self.context).map_err(failed)
    }

    fn tokens(&self, text: &str, language: &str) -> Result<Vec<i32>, EngineError> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let text = if words::spaced(language) {
            format!(" {text}")
        } else {
            text.replace(' ', "")
        };
        self.context.tokenize(&text, text.len()).map_err(failed)
    }

    fn state(&mut self) -> Result<&mut WhisperState, EngineError> {
        let lost = || EngineError::Failed("its state is gone".into());
        self.state.as_mut().ok_or_else(lost)
    }

    /// One step of the decoder from the start of a transcript, over what the encoder left. whisper.cpp
    /// reports a no-speech probability of its own, from the wrong row of logits.
    fn start_of_transcript(&mut self) -> Result<Start, EngineError> {
        let context = Arc::clone(&self.context);
        // Languages stand between the start and the task tokens; their number differs by model.
        let count = context.token_translate() - context.token_sot() - 1;
        let state = self.state()?;
        state.decode(&[context.token_sot()], 0, 1).map_err(failed)?;
        let logits = state.get_logits().map_err(failed)?;
        let logit = |token: i32| {
            let place = usize::try_from(token).ok();
            place.and_then(|at| logits.get(at)).copied()
        };
        let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = logits.iter().map(|logit| (logit - max).exp()).sum();
        let no_speech = logit(context.token_nosp()).map_or(0.0, |l| (l - max).exp() / total);
        let language = |id: i32| {
            let name = whisper_rs::get_lang_str(id)?;
            Some((name, (logit(context.token_lang(id))? - max).exp()))
        };
        let mut languages: Vec<_> = (0..count).filter_map(language).collect();
        let total: f32 = languages.iter().map(|(_, weight)| weight).sum();
        for (_, weight) in &mut languages {
            *weight /= total;
        }
        Ok(Start {
            no_speech,
            languages,
        })
    }

    fn read(
        &mut self,
        language: &'static str,
        start: &Start,
        ends: &Ends,
        request: &Request<'_>,
    ) -> Result<Decoded, EngineError> {
        let context = Arc::clone(&self.context);
        let eot = context.token_eot();
        let length = MediaTime::from_engine_samples(request.samples.len() as u64);
        let mut tokens = Vec::new();
        let mut all = 0;
        for segment in self.state()?.as_iter() {
            for at in 0..segment.n_tokens() {
                let Some(token) = segment.get_token(at) else {
                    continue;
                };
                let data = token.token_data();
                all += 1;
                if data.id < eot {
                    let bytes = token.to_bytes().map_err(failed)?;
                    tokens.push(Token::new(&data, bytes));
                }
            }
        }
        let spaced = words::spaced(language);
        let tokens = words::after(ends.known(), &tokens, spaced);
        Ok(Decoded {
            avg_logprob: words::avg_logprob(tokens),
            words: words::merge(tokens, length, spaced),
            language: language.to_owned(),
            language_p: if self.multilingual {
                start.p(language)
            } else {
                1.0
            },
            no_speech: start.no_speech,
            capped: ends.ended(all),
        })
    }
}

fn base_params(language: &'static str, beam: u32) -> FullParams<'static, 'static> {
    let strategy = if beam > 1 {
        SamplingStrategy::BeamSearch {
            beam_size: i32::try_from(beam).unwrap_or(1),
            patience: -1.0,
        }
    } else {
        SamplingStrategy::Greedy { best_of: 1 }
    };
    let mut params = FullParams::new(strategy);
    params.set_language(Some(language));
    params.set_n_threads(1);
    params.set_no_context(true);
    params.set_single_segment(true);
    params.set_temperature_inc(0.0);
    params.set_suppress_nst(true);
    params.set_print_progress(false);
    params.set_print_realtime(false);
    params.set_print_timestamps(false);
    params.set_print_special(false);
    params
}

/// Frames for the encoder: as asked for, never fewer than the audio has, in whole tiles where they fit.
fn encoder_frames(asked: u32, samples: usize) -> i32 {
    let audio = u32::try_from(samples.div_ceil(FRAME)).unwrap_or(FULL_AUDIO_CTX);
    let tiled = asked.max(audio).next_multiple_of(TILE);
    let most = FULL_AUDIO_CTX / TILE * TILE;
    let frames = if audio <= most {
        tiled.min(most)
    } else {
        FULL_AUDIO_CTX
    };
    i32::try_from(frames).unwrap_or(0)
}

fn failed(error: WhisperError) -> EngineError {
    EngineError::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_detected_where_it_stands_out() {
        for (languages, detected) in [
            (vec![("en", 0.34), ("cy", 0.21)], "en"),
            (vec![("he", 0.93), ("en", 0.02)], "he"),
            (vec![("zh", 0.64), ("en", 0.31)], "en"),
            (vec![("bn", 0.45), ("en", 0.1)], "en"),
            (vec![("bn", 0.55), ("en", 0.1)], "bn"),
            (vec![], "en"),
        ] {
            let start = Start {
                no_speech: 0.0,
                languages,
            };
            assert_eq!(start.detected(), detected, "{:?}", start.languages);
        }
    }

    #[test]
    fn the_encoder_gets_whole_tiles_that_hold_the_audio() {
        for (asked, seconds, frames) in [
            (0, 1.0, 64),
            (448, 1.0, 448),
            (450, 1.0, 464),
            (100, 10.0, 512),
            (1500, 10.0, 1488),
            (9999, 28.0, 1488),
            (0, 29.76, 1488),
            (0, 29.9, 1500),
            (9999, 30.0, 1500),
        ] {
            let samples = usize::try_from(MediaTime::from_secs(seconds).as_engine_samples());
            assert_eq!(
                encoder_frames(asked, samples.unwrap()),
                frames,
                "{asked} {seconds}"
            );
        }
    }
}

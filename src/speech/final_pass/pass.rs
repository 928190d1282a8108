//! Windows → words: one decode each where the text can be believed, more where it cannot.

use super::{Error, FinalTrack, Options, Stats, coverage, utterances, window::Window};
use crate::{
    speech::{
        Decoded, Effort, Request, Session, Word,
        filter::{self, Suspicion},
        text,
    },
    time::MediaTime,
};

/// Frames of the encoder beyond the audio's own: fewer, and the decoder loops. Short windows need more.
const SPARE_CONTEXT: u32 = 128;
const SHORT_SPARE_CONTEXT: u32 = 256;
const LEAST_CONTEXT: u32 = 448;
/// A window is short under this: s.
const SHORT: f32 = 10.0;
const FULL_CONTEXT: u32 = 1500;
/// With less voice than this a text that is not believed is not asked for again: s.
const WORTH_ANOTHER: f32 = 1.0;
/// A greedy text that is less sure than `easy_logprob` by this is searched again with the beam.
const NOT_EASY: f32 = 0.15;
/// A text that is less sure than this is no help for the next window.
const PROMPT_LOGPROB: f32 = -0.8;
/// Voice without words that is worth a decode of its own: s.
const HOLE: f32 = 1.0;
/// Voiced frames after the last word that show that a text is unfinished (0.4 s), and frames that a word
/// may reach beyond its end (0.2 s).
const LOST: usize = 25;
const SLACK: usize = 12;
/// A pause between words where a sentence may begin.
const PAUSE: MediaTime = MediaTime::from_ms(300);
/// The language is settled by a believed text over so much voice that tells it, or after so much more
/// of whatever it is taken for: s.
const ENOUGH_FOR_LANGUAGE: f32 = 4.0;
const LATEST_FOR_LANGUAGE: f32 = 60.0;

pub(super) struct Pass<'a> {
    session: &'a mut dyn Session,
    options: &'a Options,
    /// As asked for, or as settled.
    language: Option<String>,
    /// As heard last, where it is not settled, and the voice that it was heard over: s.
    guess: Option<String>,
    guessed_s: f32,
    /// The last window was easy to hear.
    easy: bool,
    /// What was said last.
    prompt: Vec<Word>,
    reached: MediaTime,
    words: Vec<Word>,
    stats: Stats,
}

impl<'a> Pass<'a> {
    pub(super) fn new(session: &'a mut dyn Session, options: &'a Options) -> Self {
        Self {
            session,
            options,
            language: options.language.clone(),
            guess: None,
            guessed_s: 0.0,
            easy: false,
            prompt: Vec::new(),
            reached: MediaTime::ZERO,
            words: Vec::new(),
            stats: Stats::default(),
        }
    }

    /// Takes the words of a window. Gives back what of its end is to be heard again, together with what
    /// follows; nothing when nothing follows (`last`).
    pub(super) fn hear(&mut self, window: &Window, last: bool) -> Result<Option<Window>, Error> {
        self.stats.windows += 1;
        let silence = window.start().saturating_sub(self.reached);
        if silence.as_secs() > f64::from(self.options.forget_s) {
            self.prompt.clear();
        }
        self.reached = window.end();
        let prompt = std::mem::take(&mut self.prompt);
        let mut decoded = self.search(window, &text(&prompt))?;
        if let Some(suspicion) = self.judge(&decoded, window) {
            self.easy = false;
            if decoded.no_speech > filter::NO_SPEECH {
                self.refuse(window, suspicion);
            } else {
                self.hear_again(window, suspicion)?;
            }
            return Ok(None);
        }
        let unfinished = unfinished(window, &decoded.words).filter(|_| !last);
        let Some((words, from)) = unfinished else {
            self.remember(prompt, &decoded);
            self.accept(window, &decoded)?;
            return Ok(None);
        };
        // The prompt stays as it was: its newest tokens would be those that are heard again.
        self.prompt = prompt;
        decoded.words.truncate(words);
        self.accept(&window.slice(0..from), &decoded)?;
        Ok(Some(window.slice(from..window.frames.len())))
    }

    pub(super) fn finish(self, voiced: &[std::ops::Range<u64>], duration: MediaTime) -> FinalTrack {
        let coverage = coverage::spans(&self.words, voiced, duration);
        FinalTrack {
            duration,
            language: self.language.or(self.guess),
            utterances: utterances::split(self.words),
            coverage,
            stats: self.stats,
        }
    }

    /// With one hypothesis where the window before was easy to hear, with the beam elsewhere.
    fn search(&mut self, window: &Window, prompt: &str) -> Result<Decoded, Error> {
        let (beam, easy) = (self.options.beam, self.options.easy_logprob);
        let mut decoded = self.decode(window, prompt, if self.easy { 1 } else { beam })?;
        if self.easy && decoded.avg_logprob < easy - NOT_EASY {
            self.stats.again += 1;
            decoded = self.decode(window, prompt, beam)?;
        }
        self.easy = easy < 0.0 && !decoded.words.is_empty() && decoded.avg_logprob >= easy;
        Ok(decoded)
    }

    fn decode(&mut self, window: &Window, prompt: &str, beam: u32) -> Result<Decoded, Error> {
        let audio_ctx = match self.language {
            Some(_) => context(window.seconds()),
            None => FULL_CONTEXT,
        };
        self.ask(window, prompt, Effort::Final { beam, audio_ctx })
    }

    fn ask(&mut self, window: &Window, prompt: &str, effort: Effort) -> Result<Decoded, Error> {
        let request = Request {
            samples: &window.samples,
            language: self.language.as_deref(),
            prompt,
            said: "",
            effort,
        };
        let decoded = self.session.decode(&request)?;
        tracing::trace!(
            at = %window.start(),
            seconds = window.seconds(),
            text = text(&decoded.words),
            words = decoded.words.len(),
            avg_logprob = decoded.avg_logprob,
            language = decoded.language,
            language_p = decoded.language_p,
            ?effort,
            no_speech = decoded.no_speech,
            "window decoded"
        );
        Ok(decoded)
    }

    fn judge(&self, decoded: &Decoded, window: &Window) -> Option<Suspicion> {
        filter::suspect(decoded, window.voice()).or_else(|| filter::untimed(decoded))
    }

    fn refuse(&mut self, window: &Window, suspicion: Suspicion) {
        tracing::debug!(at = %window.start(), why = suspicion.as_str(), "window refused");
        self.stats.refused += 1;
    }

    /// Decodes the halves of a window by themselves, with nothing said before: what made the text go
    /// wrong is most often in one of them, or in the prompt. Greedily, since music and noise come here
    /// too and a loop of five hypotheses costs as much as a minute of speech.
    fn hear_again(&mut self, window: &Window, suspicion: Suspicion) -> Result<(), Error> {
        tracing::debug!(at = %window.start(), why = suspicion.as_str(), "window asked for again");
        if window.voice().seconds < WORTH_ANOTHER {
            self.refuse(window, suspicion);
            return Ok(());
        }
        let effort = Effort::Final {
            beam: 1,
            audio_ctx: FULL_CONTEXT,
        };
        for half in halves(window) {
            self.stats.again += 1;
            let decoded = self.ask(&half, "", effort)?;
            if let Some(suspicion) = self.judge(&decoded, &half) {
                self.refuse(&half, suspicion);
            } else {
                self.settle_language(&decoded, &half);
                self.words.extend(placed(&half, &decoded));
            }
        }
        Ok(())
    }

    /// Takes the words, and asks again about long stretches of voice that gave none.
    fn accept(&mut self, window: &Window, decoded: &Decoded) -> Result<(), Error> {
        self.settle_language(decoded, window);
        let mut words = placed(window, decoded);
        for hole in holes(window, &decoded.words) {
            self.stats.again += 1;
            let decoded = self.decode(&hole, "", self.options.beam)?;
            if self.judge(&decoded, &hole).is_none() {
                words.extend(placed(&hole, &decoded));
            }
        }
        words.sort_by_key(|word| (word.start, word.end));
        self.words.extend(words);
        Ok(())
    }

    fn settle_language(&mut self, decoded: &Decoded, window: &Window) {
        if self.language.is_some() || decoded.words.is_empty() {
            return;
        }
        let voice = window.voice().seconds;
        self.guess = Some(decoded.language.clone());
        self.guessed_s += voice;
        let sure = voice >= ENOUGH_FOR_LANGUAGE && decoded.tells_language();
        if sure || self.guessed_s >= LATEST_FOR_LANGUAGE {
            self.language = self.guess.take();
        }
    }

    fn remember(&mut self, prompt: Vec<Word>, decoded: &Decoded) {
        if decoded.avg_logprob < PROMPT_LOGPROB {
            return;
        }
        self.prompt = prompt;
        self.prompt.extend_from_slice(&decoded.words);
        let oldest = self.prompt.len().saturating_sub(self.options.prompt_words);
        self.prompt.drain(..oldest);
    }
}

/// Frames of the encoder for so much audio.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a window has 30 s at most"
)]
fn context(seconds: f32) -> u32 {
    let audio = (seconds * 50.0).ceil() as u32;
    let spare = if seconds < SHORT {
        SHORT_SPARE_CONTEXT
    } else {
        SPARE_CONTEXT
    };
    (audio + spare).clamp(LEAST_CONTEXT, FULL_CONTEXT)
}

fn placed(window: &Window, decoded: &Decoded) -> Vec<Word> {
    let words = decoded.words.iter();
    words.map(|word| window.place(word)).collect()
}

/// The window cut at its longest pause between a quarter and three quarters; whole where it has none.
fn halves(window: &Window) -> Vec<Window> {
    let count = window.frames.len();
    let middle = count / 4..count * 3 / 4;
    let pauses = window.pauses();
    let inside = pauses.iter().filter(|p| middle.contains(&p.middle()));
    match inside.max_by(|a, b| a.seconds.total_cmp(&b.seconds)) {
        Some(pause) => {
            let cut = pause.middle();
            vec![window.slice(0..cut), window.slice(cut..count)]
        }
        None => vec![window.clone()],
    }
}

/// Where the last sentence begins that the text leaves in the middle: how many words stand before it,
/// and its frame. The decoder gives up on a sentence that the window's end cut, or that it lost.
fn unfinished(window: &Window, words: &[Word]) -> Option<(usize, usize)> {
    let said = window.frame(words.last()?.end);
    let earliest = window.frames.len() / 2;
    if said < earliest || window.voiced_from(said + SLACK) < LOST {
        return None;
    }
    let starts = |&at: &usize| {
        let (before, next) = (&words[at - 1], &words[at]);
        next.start.saturating_sub(before.end) >= PAUSE || before.text.ends_with(['.', '?', '!'])
    };
    let cut = |at: usize| {
        let (before, next) = (
            window.frame(words[at - 1].end),
            window.frame(words[at].start),
        );
        window.quietest(before, next.max(before + 1))
    };
    let sentence = (1..words.len()).rev().find(starts);
    match sentence.map(|at| (at, cut(at))) {
        Some(found) if found.1 >= earliest => Some(found),
        _ => Some((words.len(), said)),
    }
}

/// Long stretches with voice and without words.
fn holes(window: &Window, words: &[Word]) -> Vec<Window> {
    let mut holes = Vec::new();
    let mut from = 0;
    let spans = words
        .iter()
        .map(|word| (window.frame(word.start), window.frame(word.end)));
    for (start, end) in spans.chain([(window.frames.len(), 0)]) {
        let start = start.min(window.frames.len());
        if start > from {
            let hole = window.slice(from..start);
            if hole.voice().seconds >= HOLE {
                holes.push(hole);
            }
        }
        from = from.max(end);
    }
    holes
}

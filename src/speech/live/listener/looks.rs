//! What a track wishes of the engine, and what becomes of the answer.

use std::time::Duration;

use metrics::counter;

use super::{Context, Listener, PER_MS, context::earlier};
use crate::{
    speech::{
        Decoded, EngineError, Word,
        filter::{self, Suspicion},
        live::{Heard, Level, Want, Window, ask, talk::Talk, trace::Step},
        text,
    },
    time::MediaTime,
};

/// Looks at an utterance that is over before a failing engine makes it be given up.
const MOST_FAILURES: u32 = 2;
/// A look that reaches this far past the last voice has heard all of it.
pub(super) const HEARD_ALL: u64 = 100 * PER_MS;
/// While nothing to be believed is heard (music), looks are this much rarer.
const JUNK_PATIENCE: u64 = 4;

/// The look that a lane is busy with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running {
    pub(super) utterance: u64,
    pub(super) end: u64,
    want: Want,
    small: bool,
    again: bool,
    /// The window was cut shorter since.
    pub(super) stale: bool,
}

impl Listener {
    /// What a lane should do for this track now; `None` while one does.
    #[must_use]
    pub fn want(&self) -> Option<Want> {
        if self.running.is_some() || self.level == Level::NoText {
            return None;
        }
        if !self.ended.is_empty() {
            return Some(Want::Final);
        }
        let step = u64::from(self.level.step_ms(&self.options)?) * PER_MS;
        let (talk, open) = (self.open.as_ref()?, self.turns.open()?);
        if talk.again {
            return Some(Want::Partial);
        }
        if open.voice.samples < u64::from(self.options.least_voice_ms) * PER_MS {
            return None;
        }
        let silence = self.turns.now() - open.voice_end;
        let unheard = talk.looked_until < open.voice_end + HEARD_ALL;
        let settle = u64::from(self.options.settle_ms) * PER_MS;
        if silence >= settle && unheard && self.junk == 0 {
            return Some(Want::Settle);
        }
        let first = u64::from(self.options.first_ms) * PER_MS;
        let needed = if talk.looks == 0 { first } else { step };
        let patience = if self.junk > 0 { JUNK_PATIENCE } else { 1 };
        let news = open.voice.samples - talk.looked_voice.samples;
        (news >= needed * patience).then_some(Want::Partial)
    }

    /// Fills the window that [`Self::want`] asks for, with the newest audio, and says what for; `None`
    /// when nothing is wanted any more. [`Self::answer`] must follow.
    pub fn window(&mut self, window: &mut Window) -> Option<Want> {
        let want = self.want()?;
        self.trace.add(Step::Look(window.pace.frame_s()));
        let talk = self.ended.front_mut().or(self.open.as_mut())?;
        let (audio, voice) = match &talk.over {
            Some(over) => (over.audio.as_slice(), over.voice),
            None => {
                let open = self.turns.open()?;
                (self.turns.open_audio(), open.voice)
            }
        };
        let end = talk.start + audio.len() as u64;
        window.samples.clear();
        let time = self.level.look_ms(want, &self.options);
        let longest = window
            .pace
            .longest(want, Duration::from_millis(time.into()));
        let most = Context::most(&self.options).min(longest);
        let room = most.saturating_sub(audio.len() as u64);
        window.prompt.clear();
        window.said.clear();
        let committed = talk.agreement.committed();
        self.before = if talk.again {
            MediaTime::ZERO
        } else {
            let prompt_words = self.options.prompt_words;
            (self.context).load(window, talk.start, room, committed, prompt_words)
        };
        window.say(&text(committed));
        window.load(audio);
        talk.looks += 1;
        talk.looked_voice = voice;
        window.small = self.level >= Level::SmallModel;
        window.language.clone_from(&self.language);
        ask::size(window, want, talk.again, audio.len());
        self.running = Some(Running {
            utterance: talk.utterance,
            end,
            want,
            small: window.small,
            again: talk.again,
            stale: false,
        });
        Some(want)
    }

    /// Takes the engine's answer to the window.
    pub fn answer(&mut self, answer: Result<Decoded, EngineError>) {
        self.trace.add(Step::Answer(answer.is_ok()));
        let Some(running) = self.running.take() else {
            return;
        };
        self.trouble = answer.is_err();
        if let Some(talk) = self.talk_mut(running.utterance).filter(|_| !running.stale) {
            match answer {
                Ok(decoded) => self.weigh(running, decoded),
                Err(_) => talk.fail(running.end, MOST_FAILURES),
            }
        }
        self.tell_level();
        self.complete_heard_out();
        self.check_finished();
    }

    /// Decides whether an answer is believed, asked for again, or nothing.
    fn weigh(&mut self, running: Running, decoded: Decoded) {
        let in_context = self.before > MediaTime::ZERO;
        let decoded = Decoded {
            words: earlier(&decoded.words, self.before),
            ..decoded
        };
        let Some(talk) = self.talk_mut(running.utterance) else {
            return;
        };
        let silent = decoded.words.is_empty();
        let committed = talk.agreement.committed();
        let whole = Decoded {
            words: [committed, &decoded.words].concat(),
            ..decoded.clone()
        };
        let suspicion = filter::suspect(&whole, talk.looked_voice.level()).filter(|_| !silent);
        // Nothing new in its context, or nothing to be believed: it is heard alone before it is lost.
        let alone = in_context && (suspicion.is_some() || silent);
        talk.again = !running.again && (alone || suspicion.is_some_and(Suspicion::is_loop));
        if let Some(suspicion) = suspicion {
            let (reason, again) = (suspicion.as_str(), talk.again.to_string());
            counter!("callscribe_live_suspect_total", "reason" => reason, "again" => again)
                .increment(1);
        }
        if talk.again {
            return;
        }
        talk.looked_until = running.end;
        if suspicion.is_none() && !whole.words.is_empty() {
            self.believe(running, decoded);
        }
    }

    fn believe(&mut self, running: Running, decoded: Decoded) {
        let (settled, held) = (self.settled, self.options.held_words);
        let steady = MediaTime::from_ms(self.options.steady_ms.into());
        let steady = MediaTime::from_engine_samples(running.end).saturating_sub(steady);
        let Some(talk) = self.talk_mut(running.utterance) else {
            return;
        };
        let voiced = talk.looked_voice.samples;
        let tells_language = decoded.tells_language();
        let committed = talk.believe(decoded, running.end, settled, held);
        let tail = talk.agreement.tail().iter();
        let shown = |word: &&Word| running.want != Want::Partial || word.end <= steady;
        let words: Vec<Word> = tail.take_while(shown).cloned().collect();
        let shows = !words.is_empty();
        let partial = (shows || talk.shown).then(|| Heard::Partial {
            utterance: talk.utterance,
            start: talk.start_time(),
            words,
        });
        talk.shown = shows;
        let (utterance, delta) = (talk.utterance, talk.newest(committed));
        let language = talk.language.clone();
        self.tell_committed(utterance, delta);
        self.out.extend(partial);
        let enough = u64::from(self.options.language_voice_ms) * PER_MS;
        let sure = voiced >= enough && tells_language;
        if self.language.is_none() && !running.small && sure {
            self.language = Some(language);
        }
    }

    fn talk_mut(&mut self, utterance: u64) -> Option<&mut Talk> {
        (self.ended.iter_mut())
            .chain(&mut self.open)
            .find(|talk| talk.utterance == utterance)
    }
}

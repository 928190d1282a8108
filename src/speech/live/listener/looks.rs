//! What a track wishes of the engine, and what becomes of the answer.

use super::{Listener, PER_MS};
use crate::speech::{
    Decoded, EngineError,
    live::{Heard, Level, Want, Window, ask, talk::Talk},
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
        if open.voiced < u64::from(self.options.least_voice_ms) * PER_MS {
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
        let news = open.voiced - talk.looked_voice;
        (news >= needed * patience).then_some(Want::Partial)
    }

    /// Fills the window that [`Self::want`] asks for, with the newest audio; `false` when nothing is
    /// wanted any more. [`Self::answer`] must follow.
    pub fn window(&mut self, window: &mut Window) -> bool {
        if self.want().is_none() {
            return false;
        }
        let Some(talk) = self.ended.front_mut().or(self.open.as_mut()) else {
            return false;
        };
        let (audio, voiced) = match &talk.over {
            Some(over) => (over.audio.as_slice(), over.voiced),
            None => {
                let voiced = self.turns.open().map_or(0, |open| open.voiced);
                (self.turns.open_audio(), voiced)
            }
        };
        let end = talk.start + audio.len() as u64;
        window.load(audio);
        talk.looks += 1;
        talk.looked_voice = voiced;
        let forget = u64::from(self.options.forget_ms) * PER_MS;
        window.prompt.clear();
        if !talk.again && talk.start < self.spoke_until + forget {
            window.prompt.extend_from_slice(&self.prompt);
        }
        window.small = self.level >= Level::SmallModel;
        window.language.clone_from(&self.language);
        ask::size(window, talk.again);
        self.running = Some(Running {
            utterance: talk.utterance,
            end,
            small: window.small,
            again: talk.again,
            stale: false,
        });
        true
    }

    /// Takes the engine's answer to the window.
    pub fn answer(&mut self, answer: Result<Decoded, EngineError>) {
        let Some(running) = self.running.take() else {
            return;
        };
        self.trouble = answer.is_err();
        if let Some(talk) = self.talk_mut(running.utterance).filter(|_| !running.stale) {
            match answer {
                Ok(decoded) if ask::loops(&decoded) && !running.again => talk.again = true,
                Ok(decoded) => {
                    talk.again = false;
                    talk.looked_until = running.end;
                    if ask::loops(&decoded) || ask::junk(&decoded) {
                        self.prompt.clear();
                    } else {
                        self.believe(running, decoded);
                    }
                }
                Err(_) => talk.fail(running.end, MOST_FAILURES),
            }
        }
        self.tell_level();
        self.complete_heard_out();
        self.check_finished();
    }

    fn believe(&mut self, running: Running, decoded: Decoded) {
        let settled = self.settled;
        let Some(talk) = self.talk_mut(running.utterance) else {
            return;
        };
        let voiced = talk.looked_voice;
        let committed = talk.believe(decoded, running.end, settled);
        if running.small {
            // Another vocabulary: its tokens mean nothing to the live model.
            talk.tokens.clear();
        }
        let tail = talk.agreement.tail().to_vec();
        let partial = (!tail.is_empty() || talk.shown).then(|| Heard::Partial {
            utterance: talk.utterance,
            start: talk.start_time(),
            words: tail,
        });
        talk.shown = !talk.agreement.tail().is_empty();
        let (utterance, delta) = (talk.utterance, talk.newest(committed));
        let language = talk.language.clone();
        self.tell_committed(utterance, delta);
        self.out.extend(partial);
        let enough = u64::from(self.options.language_voice_ms) * PER_MS;
        if self.language.is_none() && !running.small && voiced >= enough {
            self.language = Some(language);
        }
    }

    fn talk_mut(&mut self, utterance: u64) -> Option<&mut Talk> {
        (self.ended.iter_mut())
            .chain(&mut self.open)
            .find(|talk| talk.utterance == utterance)
    }
}

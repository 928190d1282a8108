//! From audio and answers to events: the life of utterances.

use std::collections::VecDeque;

use super::{
    Heard, Level, Options,
    talk::Talk,
    trace::{Step, Trace},
    turns::Turns,
};
use crate::time::MediaTime;

mod context;
mod endings;
mod looks;

use context::Context;

/// Samples at 16 kHz in a millisecond.
const PER_MS: u64 = 16;

/// Live words of one track.
pub struct Listener {
    options: Options,
    level: Level,
    told: Level,
    turns: Turns,
    open: Option<Talk>,
    /// Over, waiting for the last look; [`endings::MOST_ENDED`] at most.
    ended: VecDeque<Talk>,
    running: Option<looks::Running>,
    context: Context,
    /// How much the running look's window holds of what was said before.
    before: MediaTime,
    next_utterance: u64,
    language: Option<String>,
    /// End of the newest committed word.
    settled: MediaTime,
    /// Utterances in a row that held nothing to be believed.
    junk: u32,
    /// The engine fails, or audio was lost: there is no live text just now.
    trouble: bool,
    skipped: u64,
    finishing: bool,
    finished: bool,
    out: VecDeque<Heard>,
    trace: Trace,
}

impl Listener {
    /// `language` is ISO 639-1, or `None` to detect it once.
    #[must_use]
    pub fn new(options: Options, language: Option<String>) -> Self {
        Self {
            turns: Turns::new(&options),
            trace: Trace::new(&options, language.as_deref()),
            options,
            level: Level::default(),
            told: Level::default(),
            open: None,
            ended: VecDeque::new(),
            running: None,
            context: Context::default(),
            before: MediaTime::ZERO,
            next_utterance: 0,
            language,
            settled: MediaTime::ZERO,
            junk: 0,
            trouble: false,
            skipped: 0,
            finishing: false,
            finished: false,
            out: VecDeque::new(),
        }
    }

    /// The next thing to tell; drain it after every other call.
    pub fn poll(&mut self) -> Option<Heard> {
        self.out.pop_front()
    }

    /// Takes the next samples at 16 kHz.
    pub fn push(&mut self, samples: &[i16]) {
        self.trace.add(Step::Push(samples.len() as u64, 1));
        let settled = self.settled.as_engine_samples();
        let mut over = Vec::new();
        self.turns.push(samples, settled, |ended| over.push(ended));
        for ended in over {
            self.end(ended);
        }
        if let (Some(open), None) = (self.turns.open(), &self.open) {
            self.open = Some(self.new_talk(open.start));
        }
        self.give_up_late();
    }

    /// Steps over samples that were lost on the way.
    pub fn skip(&mut self, samples: u64) {
        self.trace.add(Step::Skip(samples));
        if let Some(ended) = self.turns.skip(samples) {
            self.end(ended);
        }
        self.context.forget();
        self.skipped += samples;
        self.trouble = true;
        self.tell_level();
    }

    /// There is no more audio. [`Heard::Finished`] comes when the last utterance is settled.
    pub fn finish(&mut self) {
        self.trace.add(Step::Finish);
        if let Some(ended) = self.turns.end_now() {
            self.end(ended);
        }
        self.finishing = true;
        self.check_finished();
    }

    /// Settles every utterance that is over with the words it has: there is no time to look again.
    pub fn abandon(&mut self) {
        self.trace.add(Step::Abandon);
        self.running = None;
        while let Some(talk) = self.ended.pop_front() {
            self.give_up(talk);
        }
        self.check_finished();
    }

    /// Sets how much may be asked of the engine.
    pub fn set_level(&mut self, level: Level) {
        if level == self.level {
            return;
        }
        self.trace.add(Step::Level(level));
        self.level = level;
        self.tell_level();
        if level == Level::NoText {
            while self.give_up_oldest() {}
            self.check_finished();
        }
    }

    /// All that happened, so far; begins anew.
    pub fn take_trace(&mut self) -> Trace {
        let fresh = Trace::new(&self.options, None);
        std::mem::replace(&mut self.trace, fresh)
    }

    /// Audio whose words are left to the final pass, since the last call of this.
    pub fn take_skipped(&mut self) -> MediaTime {
        MediaTime::from_engine_samples(std::mem::take(&mut self.skipped))
    }
}

#[cfg(test)]
impl Listener {
    /// Utterances that are over and still held, and samples held in all.
    pub(super) fn held(&self) -> (usize, usize) {
        let ended = self.ended.iter().filter_map(|talk| talk.over.as_ref());
        let audio: usize = ended.map(|over| over.audio.len()).sum();
        (
            self.ended.len(),
            audio + self.turns.held() + self.context.held(),
        )
    }

    pub(super) fn before(&self) -> MediaTime {
        self.before
    }

    /// End of the window that is being looked at, in samples.
    pub(super) fn looking_until(&self) -> u64 {
        self.running.map_or(0, |running| running.end)
    }
}

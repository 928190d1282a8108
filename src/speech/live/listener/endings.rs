//! How utterances end: heard out, given up, or never worth a look.

use super::{Context, Listener, PER_MS, looks::HEARD_ALL};
use crate::{
    speech::{
        Word,
        live::{Heard, Level, talk::Talk, turns::Ended},
        text,
    },
    time::MediaTime,
};

/// Utterances that wait for their last look. One more gives up the oldest: the words it has stand, and
/// the final pass brings the rest.
pub(super) const MOST_ENDED: usize = 3;

impl Listener {
    pub(super) fn new_talk(&mut self, start: u64) -> Talk {
        let utterance = self.next_utterance;
        self.next_utterance += 1;
        Talk::new(utterance, start)
    }

    pub(super) fn end(&mut self, ended: Ended) {
        let open = self.open.take().filter(|talk| talk.start == ended.start);
        let mut talk = match open {
            Some(talk) => talk,
            None => self.new_talk(ended.start),
        };
        let least = u64::from(self.options.least_voice_ms) * PER_MS;
        if talk.looks == 0 && ended.voice.samples < least {
            return;
        }
        if ended.cut {
            // Looks reached past the cut: what they heard there is the next utterance's to say.
            talk.agreement
                .end_at(MediaTime::from_engine_samples(ended.end()));
            talk.looked_until = talk.looked_until.min(ended.start);
            if let Some(running) = &mut self.running {
                running.stale |= running.utterance == talk.utterance;
            }
        }
        talk.over = Some(ended);
        self.ended.push_back(talk);
        self.complete_heard_out();
        if self.level == Level::NoText || self.ended.len() > MOST_ENDED {
            self.give_up_oldest();
        }
    }

    /// Completes utterances in order, for as long as the looks so far have heard all of them.
    pub(super) fn complete_heard_out(&mut self) {
        while let Some(talk) = self.ended.front() {
            let busy = (self.running).is_some_and(|running| running.utterance == talk.utterance);
            if busy || !talk.is_heard_out(HEARD_ALL) {
                return;
            }
            if let Some(talk) = self.ended.pop_front() {
                self.complete(talk);
            }
        }
    }

    /// Gives up utterances whose last look is too late to be of use.
    pub(super) fn give_up_late(&mut self) {
        let latest = u64::from(self.options.latest_ms) * PER_MS;
        while let Some(over) = self.ended.front().and_then(|talk| talk.over.as_ref()) {
            if over.end() + latest > self.turns.now() || !self.give_up_oldest() {
                return;
            }
        }
    }

    /// Gives up the oldest utterance that no lane is busy with; `false` when there is none.
    pub(super) fn give_up_oldest(&mut self) -> bool {
        let busy = self.running.map(|running| running.utterance);
        let idle = |talk: &Talk| Some(talk.utterance) != busy;
        let Some(talk) = (self.ended.iter().position(idle)).and_then(|at| self.ended.remove(at))
        else {
            return false;
        };
        self.give_up(talk);
        true
    }

    pub(super) fn give_up(&mut self, talk: Talk) {
        if let Some(over) = &talk.over {
            self.skipped += over.end().saturating_sub(talk.looked_until.max(over.start));
        }
        self.trouble = true;
        self.tell_level();
        self.complete(talk);
        // What was not heard out is no context: its words are not all known.
        self.context.forget();
    }

    fn complete(&mut self, mut talk: Talk) {
        let count = talk.agreement.settle();
        self.tell_committed(talk.utterance, talk.newest(count));
        let end = talk.over.as_ref().map_or(talk.start, Ended::end);
        let (utterance, start) = (talk.utterance, talk.start_time());
        let words = talk.agreement.into_committed();
        if words.is_empty() {
            self.junk += 1;
            if talk.shown {
                self.out.push_back(Heard::Partial {
                    utterance,
                    start,
                    words,
                });
            }
            return;
        }
        self.junk = 0;
        if let Some(over) = &talk.over {
            let most = Context::most(&self.options);
            self.context.keep(over, &words, most);
        }
        self.out.push_back(Heard::Completed {
            utterance,
            start,
            end: MediaTime::from_engine_samples(end),
            text: text(&words),
            words,
            language: talk.language,
        });
    }

    pub(super) fn tell_committed(&mut self, utterance: u64, words: Vec<Word>) {
        if let Some(last) = words.last() {
            self.settled = last.end;
            self.out.push_back(Heard::Delta { utterance, words });
        }
    }

    /// Says so where live text got worse, or better again.
    pub(super) fn tell_level(&mut self) {
        let level = if self.trouble {
            Level::NoText
        } else {
            self.level
        };
        if level != self.told && (level.is_degraded() || self.told.is_degraded()) {
            let level = level.max(Level::Normal);
            self.told = level;
            self.out.push_back(Heard::Degraded { level });
        }
    }

    pub(super) fn check_finished(&mut self) {
        if self.finishing && !self.finished && self.ended.is_empty() {
            self.finished = true;
            self.out.push_back(Heard::Finished);
        }
    }
}

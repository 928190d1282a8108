//! The last words of every live call, for the list of calls. A place for each call, written over by what
//! is said next: viewers look at it at their own pace, so nothing waits, and nobody who is slow misses
//! more than what has been said since.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

use super::event::{CallEvent, Utterance};
use crate::{
    ids::{CallSid, Track},
    speech::Word,
};

/// Words that are kept of an utterance: what fits a line.
const WORDS: usize = 10;
/// And letters, should a word be long.
const LETTERS: usize = 120;

/// What was said last on a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LastWords {
    pub call: CallSid,
    pub track: Track,
    /// Committed words and, behind them, unsettled ones.
    pub text: String,
}

#[derive(Default)]
pub(super) struct Ticker(Mutex<Board>);

#[derive(Default)]
struct Board {
    /// Counts what was written.
    newest: u64,
    calls: HashMap<CallSid, Place>,
}

struct Place {
    written: u64,
    of: Utterance,
    committed: String,
    shown: String,
}

impl Ticker {
    /// Writes down what an event says, if it is words.
    pub(super) fn note(&self, call: &CallSid, event: &CallEvent) {
        let (of, heard, settled) = match event {
            CallEvent::Partial { of, words, .. } => (of, joined(words), false),
            CallEvent::Delta { of, words } => (of, joined(words), true),
            CallEvent::Completed { of, text, .. } => {
                return self.lock().write(call, *of, |place| {
                    place.committed.clear();
                    place.say(text, true);
                });
            }
            _ => return,
        };
        self.lock()
            .write(call, *of, |place| place.say(&heard, settled));
    }

    pub(super) fn forget(&self, call: &CallSid) {
        self.lock().calls.remove(call);
    }

    pub(super) fn of(&self, call: &CallSid) -> Option<LastWords> {
        let board = self.lock();
        let (call, place) = board.calls.get_key_value(call)?;
        place.told(call)
    }

    /// What was written after `seen`, and how far that goes.
    pub(super) fn since(&self, seen: u64) -> (u64, Vec<LastWords>) {
        let board = self.lock();
        if board.newest == seen {
            return (seen, Vec::new());
        }
        let newer = board.calls.iter().filter(|(_, place)| place.written > seen);
        (
            board.newest,
            newer.filter_map(|(call, place)| place.told(call)).collect(),
        )
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Board {
    fn write(&mut self, call: &CallSid, of: Utterance, say: impl FnOnce(&mut Place)) {
        self.newest += 1;
        let place = self.calls.entry(call.clone()).or_insert_with(|| Place {
            written: 0,
            of,
            committed: String::new(),
            shown: String::new(),
        });
        place.written = self.newest;
        if place.of != of {
            place.of = of;
            place.committed.clear();
        }
        say(place);
    }
}

impl Place {
    fn say(&mut self, heard: &str, settled: bool) {
        let all = format!("{} {heard}", self.committed);
        let line = last_of(&all);
        if settled {
            line.clone_into(&mut self.committed);
        }
        // Words that were withdrawn leave the line as it was: something was said before them.
        if !line.is_empty() {
            line.clone_into(&mut self.shown);
        }
    }

    fn told(&self, call: &CallSid) -> Option<LastWords> {
        let text = self.shown.clone();
        (!text.is_empty()).then(|| LastWords {
            call: call.clone(),
            track: self.of.track,
            text,
        })
    }
}

fn joined(words: &[Word]) -> String {
    crate::speech::text(&words[words.len().saturating_sub(WORDS)..])
}

fn last_of(text: &str) -> &str {
    let text = text.trim();
    let blanks = text.char_indices().rev().filter(|(_, c)| c.is_whitespace());
    let by_words = blanks.map(|(at, _)| at).nth(WORDS - 1).unwrap_or(0);
    let by_letters = text
        .char_indices()
        .rev()
        .nth(LETTERS - 1)
        .map_or(0, |(at, _)| at);
    text[by_words.max(by_letters)..].trim_start()
}

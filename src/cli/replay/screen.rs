use std::{
    io::{IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
};

use super::{NOT_FINAL, report::Outcome, teller::Line};
use crate::ids::CallSid;

/// Transcripts go to stdout, all else to stderr. Words not settled are shown on a terminal only.
#[derive(Clone)]
pub(super) struct Screen {
    /// More than one call is shown: say whose line it is, and no live words.
    many: bool,
    terminal: bool,
    /// Whether unsettled words stand on the last line.
    unsettled: Arc<Mutex<bool>>,
}

impl Screen {
    pub(super) fn new(many: bool) -> Self {
        Self {
            many,
            terminal: std::io::stderr().is_terminal(),
            unsettled: Arc::default(),
        }
    }

    pub(super) fn line(&self, line: &Line) {
        match line {
            _ if self.many => {}
            Line::Unsettled(words) if self.terminal => {
                let tail: Vec<char> = words.chars().collect();
                let shown: String = tail[tail.len().saturating_sub(78)..].iter().collect();
                eprint!("\r\x1b[2K\x1b[2m{shown}\x1b[0m");
                let _ = std::io::stderr().flush();
                *self
                    .unsettled
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = true;
            }
            Line::Unsettled(_) | Line::Committed(_) => {}
            Line::Said(text) => {
                self.clear();
                println!("{text}");
            }
            Line::Note(text) => self.note(text),
        }
    }

    pub(super) fn note(&self, text: &str) {
        self.clear();
        eprintln!("{text}");
    }

    pub(super) fn clear(&self) {
        let mut unsettled = self
            .unsettled
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut *unsettled) {
            eprint!("\r\x1b[2K");
        }
    }

    pub(super) fn outcome(&self, call: &CallSid, outcome: &Outcome) -> u8 {
        for recording in &outcome.recordings {
            self.note(&format!("recording: {recording}"));
        }
        self.note(&format!("{call}: {}", outcome.state));
        print!("{}", outcome.transcript);
        if outcome.state == "failed" {
            NOT_FINAL
        } else {
            0
        }
    }
}

//! The events themselves, as API users get them (JSON, tagged by `type`), and what a log remembers of
//! them for a viewer that starts in the middle.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{CallSid, Track},
    speech::Word,
    store::{CallState, NoteKind},
    time::MediaTime,
};

/// Which utterance an event speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Utterance {
    /// The stream's number in the call, from 1.
    pub stream: u32,
    pub track: Track,
    /// Its number on that track of that stream.
    pub utterance: u64,
}

/// What happened on a call. All times are call time in seconds. Whoever publishes `replaced`, `state`,
/// `note` or `ended` has stored it before: viewers read the store when they hear of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CallEvent {
    /// Words heard but not settled: they follow the committed words of their utterance and are replaced
    /// by the utterance's next `partial`, `delta` or `completed`. No words: what was shown is withdrawn.
    Partial {
        #[serde(flatten)]
        of: Utterance,
        start: MediaTime,
        words: Vec<Word>,
    },
    /// Words now committed: appended to the utterance and never taken back. They clear its partial.
    Delta {
        #[serde(flatten)]
        of: Utterance,
        words: Vec<Word>,
    },
    /// The utterance is over; `text` is all of it.
    Completed {
        #[serde(flatten)]
        of: Utterance,
        start: MediaTime,
        end: MediaTime,
        text: String,
        words: Vec<Word>,
        /// ISO 639-1.
        language: String,
    },
    /// Another version of the transcript is served now: read it anew.
    Replaced {
        version: u32,
        /// Why this version is the one served.
        reason: String,
    },
    /// Live words are behind: 0 is as quick as ever again, the highest level is no live words at all.
    /// The recording and the final transcript are not touched by it.
    Degraded { level: u32, reason: String },
    /// The call's state changed.
    State {
        state: CallState,
        /// A crash or a restart cut the call.
        interrupted: bool,
        /// In plain words, where there is something to say.
        reason: Option<String>,
    },
    /// Something worth a line: a key pressed, a mark, a recording that failed.
    Note {
        track: Option<Track>,
        at: MediaTime,
        #[serde(flatten)]
        kind: NoteKind,
    },
    /// The last event: the call reached `final`, `empty` or `failed`, and nothing more will come.
    Ended { state: CallState },
}

impl CallEvent {
    /// The value of `type` and of the SSE `event:` line.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Partial { .. } => "partial",
            Self::Delta { .. } => "delta",
            Self::Completed { .. } => "completed",
            Self::Replaced { .. } => "replaced",
            Self::Degraded { .. } => "degraded",
            Self::State { .. } => "state",
            Self::Note { .. } => "note",
            Self::Ended { .. } => "ended",
        }
    }
}

/// A call appeared or changed its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename = "call")]
pub struct ListEvent {
    pub call: CallSid,
    pub state: CallState,
    pub interrupted: bool,
}

impl ListEvent {
    pub(super) fn of(call: &CallSid, event: &CallEvent) -> Option<Self> {
        match event {
            CallEvent::State {
                state, interrupted, ..
            } => Some(Self {
                call: call.clone(),
                state: *state,
                interrupted: *interrupted,
            }),
            _ => None,
        }
    }
}

/// A lead appeared or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename = "lead")]
pub struct LeadEvent {
    /// Whose lead it is.
    pub call: CallSid,
    pub news: LeadNews,
}

/// What there is to tell of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeadNews {
    /// Its call rings.
    New,
    /// Read it anew.
    Changed,
}

/// Something that a log keeps.
pub trait Entry: Serialize + Send + Sync + 'static {
    /// What the log remembers beyond the single events.
    type View: Clone + Default + Send;

    fn name(&self) -> &'static str;
    /// Whether a viewer that gets this has no use for `older`.
    fn supersedes(&self, older: &Self) -> bool;
    fn fold(&self, view: &mut Self::View);
}

impl Entry for ListEvent {
    type View = ();

    fn name(&self) -> &'static str {
        "call"
    }

    fn supersedes(&self, older: &Self) -> bool {
        self.call == older.call
    }

    fn fold(&self, (): &mut ()) {}
}

impl Entry for LeadEvent {
    type View = ();

    fn name(&self) -> &'static str {
        "lead"
    }

    fn supersedes(&self, older: &Self) -> bool {
        self.call == older.call
    }

    fn fold(&self, (): &mut ()) {}
}

/// What stands in the hub at one moment and may not be in the store yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CallView {
    /// Utterances still being spoken, oldest first.
    pub open: Vec<OpenUtterance>,
    /// The latest completed utterances, oldest first ([`SETTLED`] at most).
    pub settled: Vec<CallEvent>,
    /// The level of the last `degraded`, if there was one.
    pub degraded: Option<u32>,
}

/// An utterance still being spoken.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct OpenUtterance {
    #[serde(flatten)]
    pub of: Utterance,
    pub start: MediaTime,
    pub committed: Vec<Word>,
    pub partial: Vec<Word>,
}

/// Completed utterances remembered for snapshots: far more than are ever on their way to the store.
pub const SETTLED: usize = 32;
/// Open utterances remembered per call: two tracks speak at a time; streams that broke leave theirs behind
/// until the call's state changes.
const OPEN: usize = 16;

impl Entry for CallEvent {
    type View = CallView;

    fn name(&self) -> &'static str {
        self.name()
    }

    fn supersedes(&self, older: &Self) -> bool {
        let Self::Partial { of: was, .. } = older else {
            return false;
        };
        match self {
            Self::Partial { of, .. } | Self::Delta { of, .. } | Self::Completed { of, .. } => {
                of == was
            }
            _ => false,
        }
    }

    fn fold(&self, view: &mut CallView) {
        match self {
            Self::Partial { of, start, words } => {
                let open = view.open(of, *start);
                open.partial.clone_from(words);
                view.open
                    .retain(|open| !(open.partial.is_empty() && open.committed.is_empty()));
            }
            Self::Delta { of, words } => {
                let start = words.first().map_or(MediaTime::ZERO, |word| word.start);
                let open = view.open(of, start);
                open.partial.clear();
                open.committed.extend_from_slice(words);
            }
            Self::Completed { of, text, .. } => {
                view.open.retain(|open| open.of != *of);
                if text.is_empty() {
                    return;
                }
                if view.settled.len() == SETTLED {
                    view.settled.remove(0);
                }
                view.settled.push(self.clone());
            }
            Self::Replaced { .. } => view.settled.clear(),
            Self::Degraded { level, .. } => view.degraded = Some(*level),
            Self::State { state, .. } if *state != CallState::Live => view.open.clear(),
            Self::State { .. } | Self::Note { .. } => {}
            Self::Ended { .. } => view.open.clear(),
        }
    }
}

impl CallView {
    fn open(&mut self, of: &Utterance, start: MediaTime) -> &mut OpenUtterance {
        if let Some(at) = self.open.iter().position(|open| open.of == *of) {
            return &mut self.open[at];
        }
        if self.open.len() == OPEN {
            self.open.remove(0);
        }
        self.open.push(OpenUtterance {
            of: *of,
            start,
            committed: Vec::new(),
            partial: Vec::new(),
        });
        let last = self.open.len() - 1;
        &mut self.open[last]
    }
}

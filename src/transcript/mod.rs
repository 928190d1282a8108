//! Words → transcript: segments, merging of tracks, what is served, txt/srt/vtt/json.

use serde::{Deserialize, Serialize};

use crate::{
    ids::Track,
    speech::{Word, coverage::CoverageKind},
    time::MediaTime,
};

pub mod changes;
mod coverage;
pub mod formats;
mod merge;
mod serve;
pub mod wer;

pub use coverage::{StreamCoverage, call_coverage};
pub use merge::merge;
pub use serve::{Outcome, Served, Verdict, serve_rule};

/// One stretch of speech of one speaker. Times are call time: since the call's first stream began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Segment {
    pub track: Track,
    /// What the speaker is called, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    pub start: MediaTime,
    pub end: MediaTime,
    pub text: String,
    pub words: Vec<Word>,
}

impl Segment {
    /// The speaker's name, or the track's.
    #[must_use]
    pub fn label(&self) -> &str {
        match (&self.speaker, self.track) {
            (Some(name), _) => name,
            (None, Track::Inbound) => "Inbound",
            (None, Track::Outbound) => "Outbound",
        }
    }

    /// The same, `by` later: from stream time to call time.
    #[must_use]
    pub fn shifted(mut self, by: MediaTime) -> Self {
        self.start += by;
        self.end += by;
        for word in &mut self.words {
            word.start += by;
            word.end += by;
        }
        self
    }
}

/// What became of a stretch of one track. The spans of a track abut and sum to the duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TrackSpan {
    pub track: Track,
    pub start: MediaTime,
    pub end: MediaTime,
    pub kind: CoverageKind,
}

/// A transcript as users get it in JSON, from the API and from the command line alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Document {
    /// Seconds.
    pub duration: MediaTime,
    /// ISO 639-1; null where nothing told.
    pub language: Option<String>,
    /// The engine's name; null where none is known.
    pub model: Option<String>,
    pub segments: Vec<Segment>,
    pub coverage: Vec<TrackSpan>,
}

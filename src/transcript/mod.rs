//! words → transcript: segments, merging of tracks, the rule that replaces live by final, txt/srt/vtt/json.

use serde::{Deserialize, Serialize};

use crate::{ids::Track, speech::Word, time::MediaTime};

/// One stretch of speech of one speaker. Times are call time: since the call's first stream began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    pub track: Track,
    pub start: MediaTime,
    pub end: MediaTime,
    pub text: String,
    pub words: Vec<Word>,
}

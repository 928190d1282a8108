//! What became of every second of a recording: the record that a transcript left nothing out.

use serde::{Deserialize, Serialize};

use crate::time::MediaTime;

/// What became of a stretch of audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CoverageKind {
    /// The transcript holds its words.
    Text,
    /// Nobody spoke.
    Silence,
    /// Sound that gave no text to stand by, or audio that is missing.
    NotUnderstood,
}

/// A stretch of one track. The spans of a track abut, and their sum is its duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub start: MediaTime,
    pub end: MediaTime,
    pub kind: CoverageKind,
}

/// Where a coverage record fails to cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the coverage breaks at {at}: it should go on to {expected}")]
pub struct Hole {
    pub at: MediaTime,
    pub expected: MediaTime,
}

/// Checks that `spans` cover `0..duration` without hole, overlap or empty span.
///
/// # Errors
/// The first place where they do not.
pub fn covers(spans: &[Span], duration: MediaTime) -> Result<(), Hole> {
    let mut reached = MediaTime::ZERO;
    for span in spans {
        if span.start != reached || span.end <= span.start {
            return Err(Hole {
                at: span.start,
                expected: reached,
            });
        }
        reached = span.end;
    }
    if reached == duration {
        Ok(())
    } else {
        Err(Hole {
            at: reached,
            expected: duration,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_abutting_spans_cover() {
        let span = |start, end| Span {
            start: MediaTime(start),
            end: MediaTime(end),
            kind: CoverageKind::Silence,
        };
        for (spans, duration, whole) in [
            (vec![], 0, true),
            (vec![], 1, false),
            (vec![span(0, 5), span(5, 9)], 9, true),
            (vec![span(0, 5), span(6, 9)], 9, false),
            (vec![span(0, 5), span(4, 9)], 9, false),
            (vec![span(0, 5), span(5, 5), span(5, 9)], 9, false),
            (vec![span(1, 9)], 9, false),
            (vec![span(0, 9)], 10, false),
            (vec![span(0, 9)], 8, false),
        ] {
            assert_eq!(
                covers(&spans, MediaTime(duration)).is_ok(),
                whole,
                "{spans:?} over {duration}"
            );
        }
    }
}

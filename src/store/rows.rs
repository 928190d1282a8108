//! How lists inside a row are written: JSON arrays of exact sample counts, because the seconds of the
//! public JSON are rounded.

use serde::{Deserialize, Serialize};

use crate::{
    ids::Track,
    speech::{Word, coverage::CoverageKind},
    time::MediaTime,
    transcript::TrackSpan,
};

#[derive(Serialize, Deserialize)]
struct WordRow(String, u64, u64, f32);

#[derive(Serialize, Deserialize)]
struct SpanRow(Track, u64, u64, CoverageKind);

pub(super) fn words_to_json(words: &[Word]) -> String {
    let rows: Vec<WordRow> = words
        .iter()
        .map(|w| WordRow(w.text.clone(), w.start.0, w.end.0, w.confidence))
        .collect();
    to_json(&rows)
}

pub(super) fn words_from(row: &super::db::Row) -> Result<Vec<Word>, super::Error> {
    let rows: Vec<WordRow> = row.json("words")?;
    Ok(rows
        .into_iter()
        .map(|WordRow(text, start, end, confidence)| Word {
            text,
            start: MediaTime(start),
            end: MediaTime(end),
            confidence,
        })
        .collect())
}

pub(super) fn coverage_to_json(spans: &[TrackSpan]) -> String {
    let rows: Vec<SpanRow> = spans
        .iter()
        .map(|s| SpanRow(s.track, s.start.0, s.end.0, s.kind))
        .collect();
    to_json(&rows)
}

pub(super) fn coverage_from(
    row: &super::db::Row,
    column: &str,
) -> Result<Vec<TrackSpan>, super::Error> {
    let rows: Vec<SpanRow> = row.json(column)?;
    Ok(rows
        .into_iter()
        .map(|SpanRow(track, start, end, kind)| TrackSpan {
            track,
            start: MediaTime(start),
            end: MediaTime(end),
            kind,
        })
        .collect())
}

pub(super) fn gaps_to_json(gaps: &[(MediaTime, MediaTime)]) -> String {
    let rows: Vec<(u64, u64)> = gaps.iter().map(|(at, len)| (at.0, len.0)).collect();
    to_json(&rows)
}

pub(super) fn gaps_from(row: &super::db::Row) -> Result<Vec<(MediaTime, MediaTime)>, super::Error> {
    let rows: Vec<(u64, u64)> = row.json("gaps")?;
    Ok(rows
        .into_iter()
        .map(|(at, len)| (MediaTime(at), MediaTime(len)))
        .collect())
}

/// Of values whose keys are strings, which cannot fail.
pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".into())
}

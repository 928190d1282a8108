//! The live text, as it is committed.

use super::{
    Error, Store, StreamKey,
    db::{Row, Tx, args},
    rows::{words_from, words_to_json},
    search,
};
use crate::{ids::CallSid, transcript::Segment};

/// The version that holds the live text.
pub(super) const LIVE: u32 = 1;

/// An utterance of the live text as far as it is committed; a later one of the same stream, track and
/// number takes its place.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveSegment {
    pub stream: StreamKey,
    /// The utterance's number on its track.
    pub utterance: u64,
    /// In call time.
    pub segment: Segment,
}

impl Store {
    /// Writes committed live text, all or nothing. [`super::Pen`] batches it for the live path.
    ///
    /// # Errors
    /// When the database fails, or a call is not there.
    pub async fn append_segments(&self, batch: &[LiveSegment]) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        // In one order everywhere: two writers that touch the same rows cannot block each other.
        let mut batch: Vec<&LiveSegment> = batch.iter().collect();
        batch.sort_by_key(|live| (&live.stream, live.segment.track, live.utterance));
        let mut tx = self.db.begin().await?;
        for live in batch {
            upsert(&mut tx, live).await?;
        }
        tx.commit().await
    }
}

async fn upsert(tx: &mut Tx, live: &LiveSegment) -> Result<(), Error> {
    let segment = &live.segment;
    tx.run(
        "INSERT INTO segments (call_sid, version, stream, track, number, speaker, start_at, end_at,
            text, words)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (call_sid, version, stream, track, number) DO UPDATE SET
            start_at = excluded.start_at, end_at = excluded.end_at, text = excluded.text,
            words = excluded.words",
        args![
            live.stream.call.as_str(),
            LIVE,
            live.stream.number,
            segment.track.as_str(),
            i64::try_from(live.utterance).unwrap_or(i64::MAX),
            segment.speaker.as_deref(),
            segment.start,
            segment.end,
            &segment.text,
            words_to_json(&segment.words),
        ],
    )
    .await?;
    search::index::add_live(tx, live).await
}

/// The text of a version, in order.
pub(super) const SELECT: &str = "SELECT track, speaker, start_at, end_at, text, words FROM segments
    WHERE call_sid = $1 AND version = $2 ORDER BY start_at, end_at, track, stream, number";

pub(super) fn segment_from(row: &Row) -> Result<Segment, Error> {
    Ok(Segment {
        track: row.parsed("track")?,
        speaker: row.maybe_text("speaker")?,
        start: row.media("start_at")?,
        end: row.media("end_at")?,
        text: row.text("text")?,
        words: words_from(row)?,
    })
}

pub(super) async fn live_text(tx: &mut Tx, call: &CallSid) -> Result<String, Error> {
    let rows = tx.rows(SELECT, args![call.as_str(), LIVE]).await?;
    let texts = rows
        .iter()
        .map(|row| row.text("text"))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(texts.join(" "))
}

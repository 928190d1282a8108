//! A recording of the provider's in our files becomes a recording of its call.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    CallState, Error, RecordingEnd, RecordingOutcome, Store, Stream,
    db::{Tx, args},
    provider_recordings::decide,
    recordings::duration_of,
    rows::to_json,
    streams::{lock_call, settle},
};
use crate::{
    ids::{CallSid, StreamSid, Track},
    time::MediaTime,
};

/// How the stream of a downloaded recording ended.
const DOWNLOADED: &str = "downloaded";

/// A recording of the provider's that lies in our files now.
#[derive(Debug, Clone)]
pub struct Downloaded {
    pub sid: StreamSid,
    pub started_at: Timestamp,
    pub tracks: Vec<(Track, RecordingEnd)>,
}

impl Downloaded {
    /// Of its longest track.
    #[must_use]
    pub fn duration(&self) -> MediaTime {
        let ends = self.tracks.iter().map(|(_, end)| end);
        ends.map(|end| duration_of(&end.parts))
            .max()
            .unwrap_or(MediaTime::ZERO)
    }
}

impl Stream {
    /// It never was a stream: it is a recording of the provider's, fetched after the call.
    #[must_use]
    pub fn is_downloaded(&self) -> bool {
        self.end_reason.as_deref() == Some(DOWNLOADED)
    }
}

impl Store {
    /// A downloaded recording becomes a stream of its call that was over when it came, and the call's final
    /// pass and analysis are queued as at the close of any stream. A call that never had a stream begins
    /// here, as its lead knows it. `false`, and nothing changed, where the recording does not wait any
    /// more: it was used before, or the call was deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recording_used(
        &self,
        downloaded: &Downloaded,
        reason: &str,
        at: Timestamp,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let sid = &downloaded.sid;
        // The call before its recording, as whoever deletes it takes them.
        tx.run(
            "UPDATE calls SET updated_at = $2 WHERE sid =
                (SELECT call_sid FROM provider_recordings WHERE recording_sid = $1)",
            args![sid.as_str(), at],
        )
        .await?;
        let Some(call) = decide(&mut tx, sid, RecordingOutcome::Used, reason, at).await? else {
            return Ok(false);
        };
        let started = ensure_call(&mut tx, &call, downloaded.started_at, at).await?;
        let number = self
            .insert_stream(&mut tx, &call, started, downloaded)
            .await?;
        for (track, end) in &downloaded.tracks {
            insert_recording(&mut tx, &call, number, *track, end, downloaded.started_at).await?;
        }
        let ended_at = downloaded.started_at + length(downloaded.duration());
        let last = tx
            .one(
                "SELECT MAX(closed_at) AS ended_at FROM streams WHERE call_sid = $1",
                args![call.as_str()],
            )
            .await?
            .maybe_time("ended_at")?;
        let ended_at = last.map_or(ended_at, |last| last.max(ended_at));
        settle(&mut tx, &call, ended_at, at).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// A stream that was over when it came.
    pub(super) async fn insert_stream(
        &self,
        tx: &mut Tx,
        call: &CallSid,
        call_started: Timestamp,
        downloaded: &Downloaded,
    ) -> Result<u32, Error> {
        let number = tx
            .one(
                "SELECT COALESCE(MAX(number), 0) + 1 AS number FROM streams WHERE call_sid = $1",
                args![call.as_str()],
            )
            .await?
            .count("number")?;
        let opened = downloaded.started_at;
        let since = opened.as_millisecond() - call_started.as_millisecond();
        let duration = downloaded.duration();
        tx.run(
            "INSERT INTO streams (call_sid, number, sid, node, parameters, position, duration,
                opened_at, closed_at, end_reason, counters)
             VALUES ($1, $2, $3, $4, '{}', $5, $6, $7, $8, $9, 'null')",
            args![
                call.as_str(),
                number,
                downloaded.sid.as_str(),
                &self.node,
                MediaTime::from_ms(u64::try_from(since).unwrap_or(0)),
                duration,
                opened,
                opened + length(duration),
                DOWNLOADED,
            ],
        )
        .await?;
        Ok(number)
    }
}

/// The call's row, made where there is none of what its lead knows; gives when the call started.
async fn ensure_call(
    tx: &mut Tx,
    call: &CallSid,
    started: Timestamp,
    at: Timestamp,
) -> Result<Timestamp, Error> {
    tx.run(
        "INSERT INTO calls (sid, account_sid, direction, from_number, to_number, parameters, state,
            started_at, served_version, served_reason, updated_at)
         SELECT p.call_sid, COALESCE(l.account_sid, p.account_sid),
            CASE WHEN l.direction LIKE 'outbound%' THEN 'outbound' ELSE l.direction END,
            l.from_number, l.to_number, '{}', $2, $3, 1, 'nothing was heard live', $4
         FROM provider_recordings p LEFT JOIN leads l ON l.call_sid = p.call_sid
         WHERE p.call_sid = $1 ORDER BY p.recording_sid LIMIT 1
         ON CONFLICT (sid) DO NOTHING",
        args![call.as_str(), CallState::Finishing.as_str(), started, at],
    )
    .await?;
    lock_call(tx, call, at).await?;
    insert_live_version(tx, call, at).await?;
    tx.one(
        "SELECT started_at FROM calls WHERE sid = $1",
        args![call.as_str()],
    )
    .await?
    .time("started_at")
}

pub(super) async fn insert_live_version(
    tx: &mut Tx,
    call: &CallSid,
    at: Timestamp,
) -> Result<(), Error> {
    tx.run(
        "INSERT INTO versions (call_sid, version, kind, parameters, reason, duration, coverage,
            created_at)
         VALUES ($1, 1, 'live', 'null', 'nothing was heard while the call went on', 0, '[]', $2)
         ON CONFLICT (call_sid, version) DO NOTHING",
        args![call.as_str(), at],
    )
    .await
    .map(drop)
}

pub(super) async fn insert_recording(
    tx: &mut Tx,
    call: &CallSid,
    stream: u32,
    track: Track,
    end: &RecordingEnd,
    opened_at: Timestamp,
) -> Result<(), Error> {
    let duration = duration_of(&end.parts);
    tx.run(
        "INSERT INTO recordings (call_sid, stream, track, speaker, state, parts, duration, detail,
            failed, opened_at, closed_at)
         VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10)",
        args![
            call.as_str(),
            stream,
            track.as_str(),
            if end.failed.is_some() {
                "failed"
            } else {
                "closed"
            },
            to_json(&end.parts),
            duration,
            to_json(&end.detail),
            end.failed.as_deref(),
            opened_at,
            opened_at + length(duration),
        ],
    )
    .await
    .map(drop)
}

fn length(duration: MediaTime) -> Duration {
    Duration::from_millis(duration.as_ms())
}

//! Recordings as they are browsed: all of them, newest first, and those that somebody deletes one by one.

use std::{fmt, str::FromStr};

use jiff::Timestamp;

use super::{
    CallState, Error, Recording, RecordingKey, RecordingState, Store,
    db::{Row, args},
    recordings::recording_from,
};
use crate::ids::{CallSid, Track};

/// Which recordings a page lists; all that are given must hold.
#[derive(Debug, Clone, Default)]
pub struct RecordingFilter {
    /// Began at this moment or later.
    pub since: Option<Timestamp>,
    /// Began before this moment.
    pub until: Option<Timestamp>,
    /// Only those whose files are gone; otherwise only those whose files are there.
    pub deleted: bool,
}

/// Where a page ended: opaque text to whoever pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingCursor {
    opened_ms: i64,
    call: CallSid,
    stream: u32,
    track: Track,
}

impl fmt::Display for RecordingCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            opened_ms,
            call,
            stream,
            track,
        } = self;
        write!(f, "{opened_ms}.{stream}.{track}.{call}")
    }
}

impl FromStr for RecordingCursor {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(4, '.');
        let mut part = || parts.next().ok_or(Error::BadCursor);
        Ok(Self {
            opened_ms: part()?.parse().map_err(|_| Error::BadCursor)?,
            stream: part()?.parse().map_err(|_| Error::BadCursor)?,
            track: part()?.parse().map_err(|_| Error::BadCursor)?,
            call: part()?.parse().map_err(|_| Error::BadCursor)?,
        })
    }
}

/// A recording beside its call.
#[derive(Debug, Clone, PartialEq)]
pub struct Browsed {
    pub recording: Recording,
    pub from: Option<String>,
    pub to: Option<String>,
    pub call_state: CallState,
    /// What the analysis of the call's recordings came to, once it is done.
    pub verdict: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RecordingPage {
    pub recordings: Vec<Browsed>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<RecordingCursor>,
}

impl Store {
    /// At most `limit` recordings after the cursor, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn browse_recordings(
        &self,
        filter: &RecordingFilter,
        after: Option<&RecordingCursor>,
        limit: u32,
    ) -> Result<RecordingPage, Error> {
        let (ms, call, stream, track) = after.map_or((i64::MAX, "", 0, ""), |cursor| {
            let RecordingCursor {
                opened_ms,
                call,
                stream,
                track,
            } = cursor;
            (*opened_ms, call.as_str(), *stream, track.as_str())
        });
        let rows = self
            .db
            .rows(
                "SELECT r.*, calls.from_number, calls.to_number, calls.state AS call_state,
                    analyses.verdict AS call_verdict
                 FROM recordings r JOIN calls ON calls.sid = r.call_sid
                    LEFT JOIN analyses ON analyses.call_sid = r.call_sid
                 WHERE (r.opened_at, r.call_sid, r.stream, r.track) < ($1, $2, $3, $4)
                 AND ($5 IS NULL OR r.opened_at >= $5) AND ($6 IS NULL OR r.opened_at < $6)
                 AND (r.state = 'deleted') = ($7 = 1)
                 ORDER BY r.opened_at DESC, r.call_sid DESC, r.stream DESC, r.track DESC LIMIT $8",
                args![
                    ms,
                    call,
                    stream,
                    track,
                    filter.since,
                    filter.until,
                    i64::from(filter.deleted),
                    i64::from(limit) + 1,
                ],
            )
            .await?;
        let mut recordings = rows
            .iter()
            .map(browsed_from)
            .collect::<Result<Vec<_>, _>>()?;
        let more = recordings.len() > limit as usize;
        recordings.truncate(limit as usize);
        let last = recordings.last().filter(|_| more);
        Ok(RecordingPage {
            next: last.map(|last| cursor(&last.recording)),
            recordings,
        })
    }

    /// How many recordings that began before `before` have files still.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recordings_before(&self, before: Timestamp) -> Result<u32, Error> {
        let row = self
            .db
            .row(
                "SELECT COUNT(*) AS count FROM recordings
                 WHERE state IN ('closed', 'failed') AND opened_at < $1",
                args![before],
            )
            .await?;
        row.map_or(Ok(0), |row| row.count("count"))
    }

    /// Says no as [`Store::delete_recordings`] would.
    ///
    /// # Errors
    /// When the database fails, or a recording is still needed.
    pub async fn may_delete(&self, keys: &[RecordingKey]) -> Result<(), Error> {
        for RecordingKey { stream, .. } in keys {
            let call = self.call(&stream.call).await?;
            refuse_needed(stream.call.as_str(), call.map(|call| call.state))?;
        }
        Ok(())
    }

    /// The files of these recordings are about to be gone: marks those that are closed and gives
    /// them, so that a file that they moved to meanwhile is found. Those of a call that goes on,
    /// or whose transcript is being made, are refused.
    ///
    /// # Errors
    /// When the database fails, or a recording is still needed.
    pub async fn delete_recordings(&self, keys: &[RecordingKey]) -> Result<Vec<Recording>, Error> {
        let mut tx = self.db.begin().await?;
        let mut gone = Vec::new();
        for RecordingKey { stream, track } in keys {
            let call = stream.call.as_str();
            let locked = tx
                .row(
                    "UPDATE calls SET updated_at = updated_at WHERE sid = $1 RETURNING state",
                    args![call],
                )
                .await?;
            let state = locked.map(|row| row.parsed("state")).transpose()?;
            refuse_needed(call, state)?;
            let rows = tx
                .rows(
                    "UPDATE recordings SET state = 'deleted' WHERE call_sid = $1 AND stream = $2
                     AND track = $3 AND state <> 'deleted' AND closed_at IS NOT NULL RETURNING *",
                    args![call, stream.number, track.as_str()],
                )
                .await?;
            for row in &rows {
                gone.push(recording_from(row)?);
            }
        }
        tx.commit().await?;
        Ok(gone)
    }
}

/// A recording of a live call is being written; of a finishing one, the transcript is made from it.
fn refuse_needed(call: &str, state: Option<CallState>) -> Result<(), Error> {
    match state {
        Some(CallState::Live) => Err(Error::Live(call.to_owned())),
        Some(CallState::Finishing) => Err(Error::Refused(format!(
            "the transcript of the call {call} is being made from its recordings: delete them once it is final"
        ))),
        _ => Ok(()),
    }
}

fn cursor(recording: &Recording) -> RecordingCursor {
    let RecordingKey { stream, track } = recording.key.clone();
    RecordingCursor {
        opened_ms: recording.opened_at.as_millisecond(),
        call: stream.call,
        stream: stream.number,
        track,
    }
}

fn browsed_from(row: &Row) -> Result<Browsed, Error> {
    Ok(Browsed {
        recording: recording_from(row)?,
        from: row.maybe_text("from_number")?,
        to: row.maybe_text("to_number")?,
        call_state: row.parsed("call_state")?,
        verdict: row.maybe_text("call_verdict")?,
    })
}

impl Recording {
    /// Its files are there, and nobody writes them.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        matches!(self.state, RecordingState::Closed | RecordingState::Failed)
    }
}

//! What a crash left open is closed at the next start.

use std::path::Path;

use jiff::Timestamp;

use super::{
    Error, NewJob, Note, NoteKind, Recording, RecordingEnd, Store, Stream, TRANSCRIBE,
    db::{Tx, args},
    notes, recordings,
    streams::{lock_call, settle, stream_from},
};
use crate::{ids::CallSid, time::MediaTime};

/// A recording whose file the recovery found and repaired.
#[derive(Debug, Clone)]
pub struct RecoveredRecording {
    /// All its files, in order; the first one's name tells which recording it is.
    pub end: RecordingEnd,
}

/// What [`Store::mark_interrupted`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interrupted {
    /// Calls that this process's former life left open.
    pub calls: Vec<CallSid>,
    /// Calls that waited for a final pass that nobody was going to make.
    pub requeued: Vec<CallSid>,
}

impl Store {
    /// Closes the streams that this node's former process left open, at the length of what was
    /// recovered of them; marks their calls as interrupted and queues their final pass. Nothing is left
    /// to do for a second run, and other nodes' calls are left alone.
    ///
    /// # Errors
    /// When the database fails; what was closed until then stays closed.
    pub async fn mark_interrupted(
        &self,
        recovered: &[RecoveredRecording],
        at: Timestamp,
    ) -> Result<Interrupted, Error> {
        let mut done = Interrupted::default();
        let rows = self
            .db
            .rows(
                "SELECT * FROM streams WHERE node = $1 AND closed_at IS NULL
                 ORDER BY call_sid, number",
                args![&self.node],
            )
            .await?;
        for row in &rows {
            let stream = stream_from(row)?;
            if self.close_interrupted(&stream, recovered, at).await?
                && done.calls.last() != Some(&stream.key.call)
            {
                done.calls.push(stream.key.call);
            }
        }
        self.adopt_forgotten(&mut done, at).await?;
        Ok(done)
    }

    /// Calls that wait for a final pass that nobody is going to make: one whose job was given up in the
    /// moment of the crash is `failed`, another gets a job.
    async fn adopt_forgotten(&self, done: &mut Interrupted, at: Timestamp) -> Result<(), Error> {
        let rows = self
            .db
            .rows(
                "SELECT sid, (SELECT MAX(last_error) FROM jobs WHERE kind = $1 AND job_key = sid
                        AND jobs.state = 'dead') AS dead
                 FROM calls WHERE state = 'finishing' AND NOT EXISTS
                    (SELECT 1 FROM jobs WHERE kind = $1 AND job_key = sid
                        AND jobs.state IN ('queued', 'running'))
                 ORDER BY sid",
                args![TRANSCRIBE],
            )
            .await?;
        for row in &rows {
            let call: CallSid = row.parsed("sid")?;
            if let Some(reason) = row.maybe_text("dead")? {
                self.final_failed(&call, &reason, true, at).await?;
                continue;
            }
            let job = NewJob::transcribe(&call, at);
            if self.enqueue_if_none(&job, at).await? {
                done.requeued.push(call);
            }
        }
        Ok(())
    }

    async fn close_interrupted(
        &self,
        stream: &Stream,
        recovered: &[RecoveredRecording],
        at: Timestamp,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        lock_call(&mut tx, &stream.key.call, at).await?;
        let length = close_recordings(&mut tx, stream, recovered, at).await?;
        let ended_at = stream.opened_at + std::time::Duration::from_millis(length.as_ms());
        let closed = tx
            .run(
                "UPDATE streams SET closed_at = $3, end_reason = 'interrupted', duration = $4
                 WHERE call_sid = $1 AND number = $2 AND closed_at IS NULL",
                args![
                    stream.key.call.as_str(),
                    stream.key.number,
                    ended_at,
                    length
                ],
            )
            .await?;
        if closed == 0 {
            return Ok(false);
        }
        tx.run(
            "UPDATE calls SET interrupted = 1 WHERE sid = $1",
            args![stream.key.call.as_str()],
        )
        .await?;
        let note = Note {
            call: stream.key.call.clone(),
            stream: Some(stream.key.number),
            track: None,
            at: stream.position + length,
            kind: NoteKind::Interrupted,
        };
        notes::insert(&mut tx, &note, at).await?;
        settle(&mut tx, &stream.key.call, ended_at, at).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Closes a stream's open recordings by what was recovered; gives the longest one's length.
async fn close_recordings(
    tx: &mut Tx,
    stream: &Stream,
    recovered: &[RecoveredRecording],
    at: Timestamp,
) -> Result<MediaTime, Error> {
    let rows = tx
        .rows(
            "SELECT * FROM recordings WHERE call_sid = $1 AND stream = $2",
            args![stream.key.call.as_str(), stream.key.number],
        )
        .await?;
    let mut longest = MediaTime::ZERO;
    for row in &rows {
        let recording = recordings::recording_from(row)?;
        if recording.closed_at.is_some() {
            longest = longest.max(recording.duration);
            continue;
        }
        let end = end_of(&recording, recovered);
        longest = longest.max(recordings::duration_of(&end.parts));
        recordings::close(tx, &recording.key, &end, at).await?;
    }
    Ok(longest)
}

fn end_of(recording: &Recording, recovered: &[RecoveredRecording]) -> RecordingEnd {
    let first = |end: &RecordingEnd| end.parts.first().map(|part| part.path.clone());
    let path = recording
        .parts
        .first()
        .map_or(Path::new(""), |part| part.path.as_path());
    recovered
        .iter()
        .map(|found| &found.end)
        .find(|end| first(end).is_some_and(|found| recordings::same_file(&found, path)))
        .cloned()
        .unwrap_or_else(|| RecordingEnd {
            parts: vec![],
            gaps: vec![],
            detail: serde_json::Value::Null,
            failed: Some("its file was not found after the service died".into()),
        })
}

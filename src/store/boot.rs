//! What a crash left open is closed at the next start.

use jiff::Timestamp;

use super::{
    Error, NewJob, Note, NoteKind, Recording, RecordingEnd, RecordingKey, Store, Stream,
    TRANSCRIBE,
    db::args,
    notes, recordings,
    streams::{lock_call, settle, stream_from},
};
use crate::{ids::CallSid, tasks, time::MediaTime};

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
    /// Jobs that it died over; they are due at once.
    pub jobs: u32,
}

impl Store {
    /// Closes the streams that this node's former process left open, at the length of what was
    /// recovered of them; marks their calls as interrupted and queues their final pass; frees the jobs it
    /// held. Nothing is left to do for a second run, and other nodes' calls are left alone.
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
        done.jobs = self.end_own_leases(at).await?;
        Ok(done)
    }

    /// The ends of a stream's open recordings, and the length of the longest one, open or not.
    async fn ends_of(
        &self,
        stream: &Stream,
        recovered: &[RecoveredRecording],
    ) -> Result<(MediaTime, Vec<(RecordingKey, RecordingEnd)>), Error> {
        let mut longest = MediaTime::ZERO;
        let mut ends = Vec::new();
        let all = self.recordings(&stream.key.call).await?;
        for recording in all.into_iter().filter(|r| r.key.stream == stream.key) {
            if recording.closed_at.is_some() {
                longest = longest.max(recording.duration);
                continue;
            }
            let end = end_of(&recording, recovered).await?;
            longest = longest.max(recordings::duration_of(&end.parts));
            ends.push((recording.key, end));
        }
        Ok((longest, ends))
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
        let (length, ends) = self.ends_of(stream, recovered).await?;
        let mut tx = self.db.begin().await?;
        lock_call(&mut tx, &stream.key.call, at).await?;
        for (key, end) in &ends {
            recordings::close(&mut tx, key, end, at).await?;
        }
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

/// What was recovered of a recording, or lies on disk: the recovery tells only of files that it had to
/// finish, and a recording may have been closed a moment before the crash.
async fn end_of(
    recording: &Recording,
    recovered: &[RecoveredRecording],
) -> Result<RecordingEnd, Error> {
    let path = recording.parts.first().map(|part| part.path.clone());
    let path = path.unwrap_or_default();
    let is_its = |end: &&RecordingEnd| {
        let first = end.parts.first();
        first.is_some_and(|part| recordings::same_file(&part.path, &path))
    };
    let found = recovered.iter().map(|found| &found.end).find(is_its);
    let end = match found {
        Some(end) => Some(end.clone()),
        None => tasks::blocking("find recording", move || RecordingEnd::on_disk(&path))
            .await
            .map_err(std::io::Error::other)?,
    };
    Ok(end.unwrap_or_else(|| RecordingEnd {
        parts: vec![],
        gaps: vec![],
        detail: serde_json::Value::Null,
        failed: Some("its file was not found after the service died".into()),
    }))
}

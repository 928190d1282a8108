//! Audio that somebody uploaded: a call of its own, of direction [`FILE`], that was over when it came.

use jiff::Timestamp;

use super::{
    ANALYSE, CallState, Cursor, Downloaded, Error, Store, TRANSCRIBE,
    db::{Row, Tx, args},
    downloaded::{insert_live_version, insert_recording},
    streams::settle,
};
use crate::{ids::CallSid, time::MediaTime};

/// The direction of calls that are files.
pub const FILE: &str = "file";

/// An uploaded file whose audio lies in our recordings now.
#[derive(Debug, Clone)]
pub struct NewFile {
    pub call: CallSid,
    /// As its sender called it.
    pub name: String,
    /// `mp3`, `wav` and the like, by its content.
    pub kind: String,
    pub bytes: u64,
    /// ISO 639-1, where the sender fixed it.
    pub language: Option<String>,
    /// What the tracks' speakers are called.
    pub speakers: [Option<&'static str>; 2],
    pub audio: Downloaded,
}

/// A file, and how far its transcript is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub call: CallSid,
    pub name: String,
    pub kind: String,
    pub bytes: u64,
    pub state: CallState,
    pub duration: MediaTime,
    pub served_version: u32,
    /// Why that version is served, or what the final pass waits for.
    pub served_reason: String,
    pub created_at: Timestamp,
}

impl Store {
    /// Makes the call of a file, with its final pass queued for at once. Repeated, nothing happens.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_file(&self, file: &NewFile, at: Timestamp) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let started = file.audio.started_at;
        if !insert_call(&mut tx, file, at).await? {
            return Ok(());
        }
        insert_live_version(&mut tx, &file.call, at).await?;
        let number = self
            .insert_stream(&mut tx, &file.call, started, &file.audio)
            .await?;
        let [inbound, outbound] = file.speakers;
        tx.run(
            "UPDATE streams SET inbound_speaker = $3, outbound_speaker = $4
             WHERE call_sid = $1 AND number = $2",
            args![file.call.as_str(), number, inbound, outbound],
        )
        .await?;
        for (track, end) in &file.audio.tracks {
            insert_recording(&mut tx, &file.call, number, *track, end, started).await?;
        }
        tx.run(
            "INSERT INTO files (call_sid, file_name, kind, bytes, created_at)
             VALUES ($1, $2, $3, $4, $5)",
            args![
                file.call.as_str(),
                &file.name,
                &file.kind,
                i64::try_from(file.bytes).unwrap_or(i64::MAX),
                at
            ],
        )
        .await?;
        settle(&mut tx, &file.call, at, at).await?;
        // Whoever hung up a moment ago is waited for more than who brought a file.
        tx.run(
            "UPDATE jobs SET priority = -1 WHERE job_key = $1 AND kind IN ($2, $3)",
            args![file.call.as_str(), TRANSCRIBE, ANALYSE],
        )
        .await?;
        tx.commit().await
    }

    /// # Errors
    /// When the database fails.
    pub async fn file(&self, call: &CallSid) -> Result<Option<File>, Error> {
        let row = self
            .db
            .row(
                "SELECT f.*, c.state, c.duration, c.served_version, c.served_reason
                 FROM files f JOIN calls c ON c.sid = f.call_sid WHERE f.call_sid = $1",
                args![call.as_str()],
            )
            .await?;
        row.as_ref().map(file_from).transpose()
    }

    /// At most `limit` files after the cursor, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn files(
        &self,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<(Vec<File>, Option<Cursor>), Error> {
        let (ms, sid) = after.map_or((i64::MAX, ""), |c| (c.started_ms(), c.sid().as_str()));
        let rows = self
            .db
            .rows(
                "SELECT f.*, c.state, c.duration, c.served_version, c.served_reason
                 FROM files f JOIN calls c ON c.sid = f.call_sid
                 WHERE (f.created_at, f.call_sid) < ($1, $2)
                 ORDER BY f.created_at DESC, f.call_sid DESC LIMIT $3",
                args![ms, sid, i64::from(limit) + 1],
            )
            .await?;
        let mut files = rows.iter().map(file_from).collect::<Result<Vec<_>, _>>()?;
        let more = files.len() > limit as usize;
        files.truncate(limit as usize);
        let last = files.last().filter(|_| more);
        let next = last.map(|file| Cursor::at(file.created_at, &file.call));
        Ok((files, next))
    }
}

/// Whether there was no such call before.
async fn insert_call(tx: &mut Tx, file: &NewFile, at: Timestamp) -> Result<bool, Error> {
    let made = tx
        .run(
            "INSERT INTO calls (sid, direction, language, parameters, state, started_at,
                served_version, served_reason, updated_at)
             VALUES ($1, $2, $3, $7, $4, $5, 1, 'nothing was heard live', $6)
             ON CONFLICT (sid) DO NOTHING",
            args![
                file.call.as_str(),
                FILE,
                file.language.as_deref(),
                CallState::Finishing.as_str(),
                file.audio.started_at,
                at,
                serde_json::json!({ "file": file.name }).to_string(),
            ],
        )
        .await?;
    Ok(made > 0)
}

fn file_from(row: &Row) -> Result<File, Error> {
    Ok(File {
        call: row.parsed("call_sid")?,
        name: row.text("file_name")?,
        kind: row.text("kind")?,
        bytes: u64::try_from(row.int("bytes")?).unwrap_or(0),
        state: row.parsed("state")?,
        duration: row.media("duration")?,
        served_version: row.count("served_version")?,
        served_reason: row.text("served_reason")?,
        created_at: row.time("created_at")?,
    })
}

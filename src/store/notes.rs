//! What happened on a call beside the words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Error, Store,
    db::{Row, Tx, args},
    rows::to_json,
};
use crate::{
    ids::{CallSid, Track},
    time::MediaTime,
};

/// Notes kept a call. A peer may send marks without end; what is beyond is dropped and counted.
const NOTES_PER_CALL: i64 = 5_000;

/// Something that happened at a moment of the call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Note {
    pub call: CallSid,
    /// The stream's number in the call, where it happened on one.
    pub stream: Option<u32>,
    pub track: Option<Track>,
    /// Call time.
    pub at: MediaTime,
    #[serde(flatten)]
    pub kind: NoteKind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", content = "detail", rename_all = "snake_case")]
pub enum NoteKind {
    Dtmf {
        digit: String,
    },
    Mark {
        name: String,
    },
    /// Audio that never came; silence stands in its place.
    Gap {
        length: MediaTime,
    },
    /// The recording of this track stopped; the call went on.
    RecordingFailed {
        reason: String,
    },
    /// The live text fell behind, or caught up: the ladder's step, 0 for none.
    Degraded {
        level: u32,
    },
    /// Something out of the ordinary on the wire: its name, and how often by now.
    Anomaly {
        name: String,
        count: u64,
    },
    /// The service died during this stream.
    Interrupted,
    /// A final pass failed.
    FinalFailed {
        reason: String,
    },
    /// The recording has a fault that somebody wants to know of: its kind, and for a person.
    RecordingAlert {
        finding: String,
        text: String,
    },
}

impl NoteKind {
    const fn name(&self) -> &'static str {
        match self {
            Self::Dtmf { .. } => "dtmf",
            Self::Mark { .. } => "mark",
            Self::Gap { .. } => "gap",
            Self::RecordingFailed { .. } => "recording_failed",
            Self::Degraded { .. } => "degraded",
            Self::Anomaly { .. } => "anomaly",
            Self::Interrupted => "interrupted",
            Self::FinalFailed { .. } => "final_failed",
            Self::RecordingAlert { .. } => "recording_alert",
        }
    }
}

impl Store {
    /// Keeps notes, all or none. A `Degraded` one also sets the call's flag.
    ///
    /// # Errors
    /// When the database fails, or a call is not there.
    pub async fn add_notes(&self, notes: &[Note], at: Timestamp) -> Result<(), Error> {
        if notes.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        for note in notes {
            insert(&mut tx, note, at).await?;
        }
        tx.commit().await
    }

    /// A call's notes by their moment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notes(&self, call: &CallSid) -> Result<Vec<Note>, Error> {
        let rows = self
            .db
            .rows(
                "SELECT * FROM notes WHERE call_sid = $1 ORDER BY position, id",
                args![call.as_str()],
            )
            .await?;
        rows.iter().map(note_from).collect()
    }
}

pub(super) async fn insert(tx: &mut Tx, note: &Note, at: Timestamp) -> Result<(), Error> {
    let kept = tx
        .run(
            "INSERT INTO notes (id, call_sid, stream, track, position, kind, detail, created_at)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8
             WHERE (SELECT COUNT(*) FROM notes WHERE call_sid = $2) < $9",
            args![
                new_id(at),
                note.call.as_str(),
                note.stream,
                note.track.map(Track::as_str),
                note.at,
                note.kind.name(),
                to_json(&note.kind),
                at,
                NOTES_PER_CALL,
            ],
        )
        .await?;
    if kept == 0 {
        metrics::counter!("callscribe_store_notes_dropped_total").increment(1);
    }
    if let NoteKind::Degraded { level } = note.kind {
        tx.run(
            "UPDATE calls SET degraded = $2 WHERE sid = $1",
            args![note.call.as_str(), level],
        )
        .await?;
    }
    Ok(())
}

pub(super) fn note_from(row: &Row) -> Result<Note, Error> {
    let track = row.maybe_text("track")?;
    Ok(Note {
        call: row.parsed("call_sid")?,
        stream: row.maybe_int("stream")?.and_then(|n| n.try_into().ok()),
        track: track.and_then(|track| track.parse().ok()),
        at: row.media("position")?,
        kind: row.json("detail")?,
    })
}

/// An id that sorts by its time.
pub(crate) fn new_id(at: Timestamp) -> String {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    let nanos = u32::try_from(at.subsec_nanosecond()).unwrap_or(0);
    let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos);
    Uuid::new_v7(time).to_string()
}

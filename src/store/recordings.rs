//! What is known of the recordings' files.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Error, Store, StreamKey,
    db::{Row, Tx, args},
    rows::{gaps_from, gaps_to_json, to_json},
};
use crate::{
    audio::{self, pcm::WavSource},
    ids::{CallSid, Track},
    recordings::{Sidecar, Summary, archive},
    time::MediaTime,
};

/// One track of one stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RecordingKey {
    pub stream: StreamKey,
    pub track: Track,
}

#[derive(Debug, Clone)]
pub struct NewRecording {
    pub key: RecordingKey,
    pub speaker: String,
    /// The first file; rotation adds others.
    pub path: PathBuf,
    pub opened_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    Open,
    Closed,
    /// It stopped early or never began: what there is, is kept.
    Failed,
    /// Its files were deleted: their time was up, or somebody wanted it.
    Deleted,
}

impl RecordingState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
        }
    }
}

impl FromStr for RecordingState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Open, Self::Closed, Self::Failed, Self::Deleted];
        all.into_iter().find(|s| s.as_str() == text).ok_or(())
    }
}

/// One file of a recording; a long one has several, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingPart {
    pub path: PathBuf,
    /// At [`crate::time::ENGINE_RATE`].
    pub frames: u64,
    /// Of an archived file, which holds the tracks of a stream side by side; from 0.
    #[serde(default)]
    pub channel: usize,
}

/// What a recording came to.
#[derive(Debug, Clone)]
pub struct RecordingEnd {
    pub parts: Vec<RecordingPart>,
    /// Position and length, in stream time.
    pub gaps: Vec<(MediaTime, MediaTime)>,
    /// Levels and verdict, as the sidecar holds them; null for none.
    pub detail: serde_json::Value,
    /// Why it holds less than was heard.
    pub failed: Option<String>,
}

impl RecordingEnd {
    /// Of a recording whose end was never told, by what lies on disk: its sidecar, or its first file
    /// alone. `None` where neither can be read. Blocks.
    #[must_use]
    pub fn on_disk(path: &Path) -> Option<Self> {
        let folder = path.parent()?;
        if let Ok(sidecar) = Sidecar::read(&path.with_extension("json")) {
            let names: Vec<PathBuf> = sidecar.parts.iter().map(|p| folder.join(&p.file)).collect();
            return Some(Self {
                parts: measured(&names),
                gaps: sidecar.gaps.iter().map(|gap| (gap.at, gap.len)).collect(),
                detail: json!({ "levels": sidecar.levels, "verdict": sidecar.verdict }),
                failed: sidecar.failed,
            });
        }
        WavSource::open(&[path]).ok().map(|_| Self {
            parts: measured(&[path.to_owned()]),
            gaps: vec![],
            detail: serde_json::Value::Null,
            failed: Some("its sidecar is lost".into()),
        })
    }
}

impl From<Summary> for RecordingEnd {
    /// Reads the parts' headers. Blocks.
    fn from(summary: Summary) -> Self {
        Self {
            parts: measured(&summary.parts),
            gaps: summary.gaps.iter().map(|gap| (gap.at, gap.len)).collect(),
            detail: json!({ "levels": summary.levels, "verdict": summary.verdict }),
            failed: summary.failed,
        }
    }
}

/// Lengths as the files have them: a sidecar that was written while recording lags behind.
fn measured(paths: &[PathBuf]) -> Vec<RecordingPart> {
    let frames = |path: &PathBuf| WavSource::open(&[path]).map_or(0, |source| source.samples());
    paths
        .iter()
        .map(|path| RecordingPart {
            frames: frames(path),
            path: path.clone(),
            channel: 0,
        })
        .collect()
}

#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    pub key: RecordingKey,
    pub speaker: String,
    pub state: RecordingState,
    pub parts: Vec<RecordingPart>,
    /// Of all parts; zero while it is open.
    pub duration: MediaTime,
    pub gaps: Vec<(MediaTime, MediaTime)>,
    pub detail: serde_json::Value,
    pub failed: Option<String>,
    pub opened_at: Timestamp,
    pub closed_at: Option<Timestamp>,
}

impl Recording {
    /// Opens what there is of it, archived or not. Blocks.
    ///
    /// # Errors
    /// When a file is missing or cannot be read.
    pub fn open(&self) -> Result<WavSource, audio::source::Error> {
        open_parts(&self.parts)
    }
}

/// Opens the files of a recording, archived or not. Blocks.
///
/// # Errors
/// When a file is missing or cannot be read.
pub fn open_parts(parts: &[RecordingPart]) -> Result<WavSource, audio::source::Error> {
    archive::open(parts.iter().map(|part| (part.path.as_path(), part.channel)))
}

impl Store {
    /// A recording began.
    ///
    /// # Errors
    /// When the database fails, or the stream is not there.
    pub async fn record_opened(&self, new: &NewRecording) -> Result<(), Error> {
        let parts = [RecordingPart {
            path: new.path.clone(),
            frames: 0,
            channel: 0,
        }];
        let mut tx = self.db.begin().await?;
        tx.run(
            "INSERT INTO recordings (call_sid, stream, track, speaker, state, parts, opened_at)
             VALUES ($1, $2, $3, $4, 'open', $5, $6)
             ON CONFLICT (call_sid, stream, track) DO NOTHING",
            args![
                new.key.stream.call.as_str(),
                new.key.stream.number,
                new.key.track.as_str(),
                &new.speaker,
                to_json(&parts),
                new.opened_at,
            ],
        )
        .await?;
        tx.commit().await
    }

    /// A recording ended, well or not; a second end changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_closed(
        &self,
        key: &RecordingKey,
        end: &RecordingEnd,
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        close(&mut tx, key, end, at).await?;
        tx.commit().await
    }

    /// A call's recordings, by stream and track.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recordings(&self, call: &CallSid) -> Result<Vec<Recording>, Error> {
        let rows = self
            .db
            .rows(
                "SELECT * FROM recordings WHERE call_sid = $1 ORDER BY stream, track",
                args![call.as_str()],
            )
            .await?;
        rows.iter().map(recording_from).collect()
    }

    /// At most `limit` streams after the one given, by call and number, with recordings that were closed
    /// before `before` and lie in WAVs; of calls whose final pass is done.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn to_archive(
        &self,
        before: Timestamp,
        after: Option<&StreamKey>,
        limit: u32,
    ) -> Result<Vec<StreamKey>, Error> {
        let (call, number) = after.map_or(("", 0), |key| (key.call.as_str(), key.number));
        let rows = self
            .db
            .rows(
                "SELECT DISTINCT call_sid, stream FROM recordings
                 WHERE state IN ('closed', 'failed') AND closed_at < $1
                 AND duration > 0 AND parts LIKE '%.wav\"%' AND call_sid IN
                    (SELECT sid FROM calls WHERE state NOT IN ('live', 'finishing'))
                 AND (call_sid > $2 OR (call_sid = $2 AND stream > $3))
                 ORDER BY call_sid, stream LIMIT $4",
                args![before, call, number, limit],
            )
            .await?;
        let key = |row: &Row| {
            Ok(StreamKey {
                call: row.parsed("call_sid")?,
                number: row.count("stream")?,
            })
        };
        rows.iter().map(key).collect()
    }

    /// Recordings lie in other files now. `false`, and nothing changed, where one of them is no longer what
    /// it was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_archived(
        &self,
        moved: &[(RecordingKey, RecordingPart)],
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        for (key, part) in moved {
            let changed = tx
                .run(
                    "UPDATE recordings SET parts = $4
                     WHERE call_sid = $1 AND stream = $2 AND track = $3 AND parts LIKE '%.wav\"%'
                     AND state IN ('closed', 'failed')",
                    args![
                        key.stream.call.as_str(),
                        key.stream.number,
                        key.track.as_str(),
                        to_json(&[part]),
                    ],
                )
                .await?;
            if changed != 1 {
                return Ok(false);
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Marks the recordings of which `deleted` holds a file. Gives how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_deleted(&self, deleted: &[PathBuf]) -> Result<u64, Error> {
        let mut tx = self.db.begin().await?;
        let mut marked = 0;
        for path in deleted {
            // Paths stand in the row as JSON strings; a file's name is unique in its folder.
            let rows = tx
                .rows(
                    "SELECT * FROM recordings WHERE state <> 'deleted' AND closed_at IS NOT NULL
                     AND parts LIKE $1",
                    args![format!("%{}%", like(path))],
                )
                .await?;
            for row in rows {
                let recording = recording_from(&row)?;
                if recording
                    .parts
                    .iter()
                    .any(|part| same_file(&part.path, path))
                {
                    marked += mark_deleted(&mut tx, &recording.key).await?;
                }
            }
        }
        tx.commit().await?;
        Ok(marked)
    }
}

pub(super) async fn close(
    tx: &mut Tx,
    key: &RecordingKey,
    end: &RecordingEnd,
    at: Timestamp,
) -> Result<(), Error> {
    let state = match end.failed {
        Some(_) => RecordingState::Failed,
        None => RecordingState::Closed,
    };
    tx.run(
        "UPDATE recordings SET state = $4, parts = $5, duration = $6, gaps = $7, detail = $8,
            failed = $9, closed_at = $10
         WHERE call_sid = $1 AND stream = $2 AND track = $3 AND closed_at IS NULL",
        args![
            key.stream.call.as_str(),
            key.stream.number,
            key.track.as_str(),
            state.as_str(),
            to_json(&end.parts),
            duration_of(&end.parts),
            gaps_to_json(&end.gaps),
            to_json(&end.detail),
            end.failed.as_deref(),
            at,
        ],
    )
    .await?;
    Ok(())
}

pub(super) fn duration_of(parts: &[RecordingPart]) -> MediaTime {
    MediaTime::from_engine_samples(parts.iter().map(|part| part.frames).sum())
}

/// The same name in a folder that may be written in another way (relative, through a link).
pub(super) fn same_file(a: &Path, b: &Path) -> bool {
    a.file_name() == b.file_name()
}

async fn mark_deleted(tx: &mut Tx, key: &RecordingKey) -> Result<u64, Error> {
    tx.run(
        "UPDATE recordings SET state = 'deleted' WHERE call_sid = $1 AND stream = $2 AND track = $3",
        args![
            key.stream.call.as_str(),
            key.stream.number,
            key.track.as_str()
        ],
    )
    .await
}

/// The file's name as a pattern that finds at least its row.
fn like(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "_")
}

pub(super) fn recording_from(row: &Row) -> Result<Recording, Error> {
    Ok(Recording {
        key: RecordingKey {
            stream: StreamKey {
                call: row.parsed("call_sid")?,
                number: row.count("stream")?,
            },
            track: row.parsed("track")?,
        },
        speaker: row.text("speaker")?,
        state: row.parsed("state")?,
        parts: row.json("parts")?,
        duration: row.media("duration")?,
        gaps: gaps_from(row)?,
        detail: row.json("detail")?,
        failed: row.maybe_text("failed")?,
        opened_at: row.time("opened_at")?,
        closed_at: row.maybe_time("closed_at")?,
    })
}

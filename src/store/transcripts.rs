//! Versions of a call's transcript: the live one, final ones, and which is served.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    CallState, Error, NewJob, Note, NoteKind, Store,
    db::{Arg, Row, Tx, args},
    jobs, notes,
    rows::{coverage_from, coverage_to_json, to_json, words_to_json},
    search,
    segments::{LIVE, SELECT, live_text, segment_from},
    streams::lock_call,
};
use crate::{
    ids::CallSid,
    speech::{ModelInfo, coverage::CoverageKind},
    time::MediaTime,
    transcript::{Document, Outcome, Segment, Served, TrackSpan, merge, serve_rule},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionKind {
    Live,
    Final,
}

/// What a final pass brings.
#[derive(Debug, Clone)]
pub struct FinalText {
    pub call: CallSid,
    pub model: ModelInfo,
    /// What the engine was told, enough to run it again.
    pub parameters: serde_json::Value,
    /// ISO 639-1, where anything told.
    pub language: Option<String>,
    pub duration: MediaTime,
    /// In call time, in order, with their speakers.
    pub segments: Vec<Segment>,
    pub coverage: Vec<TrackSpan>,
    /// Why there is this version, and what it lacks: `after the call`, `after the call; the outbound
    /// recording failed: disk full`.
    pub reason: String,
    /// Of recordings, model and parameters: the same again is the same version, not another.
    pub fingerprint: String,
}

/// What [`Store::replace_transcript`] came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The version that was written.
    pub version: u32,
    /// The one that is served.
    pub served_version: u32,
    pub served_reason: String,
    pub state: CallState,
}

/// A version without its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    pub version: u32,
    pub kind: VersionKind,
    pub model: Option<ModelInfo>,
    pub parameters: serde_json::Value,
    pub language: Option<String>,
    pub reason: String,
    /// Zero for the live one.
    pub duration: MediaTime,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    pub version: Version,
    /// Whether it is the one that the call serves.
    pub served: bool,
    pub segments: Vec<Segment>,
    /// What the newest final pass found, for the live text too; empty before the first one.
    pub coverage: Vec<TrackSpan>,
    /// Of the call, for the live text.
    pub duration: MediaTime,
}

impl Transcript {
    /// As users get it.
    #[must_use]
    pub fn document(self) -> Document {
        Document {
            duration: self.duration,
            language: self.version.language,
            model: self.version.model.map(|model| model.name),
            segments: self.segments,
            coverage: self.coverage,
        }
    }
}

impl Store {
    /// Writes a final version and settles, in the same transaction, which version the call serves and
    /// why. The live version stays. The same fingerprint again writes the same version again. A call
    /// that is live again goes on serving its live text; of any other, what it meant is asked for.
    ///
    /// # Errors
    /// When the database fails, or the call is not there.
    pub async fn replace_transcript(
        &self,
        text: &FinalText,
        at: Timestamp,
    ) -> Result<Replaced, Error> {
        let mut tx = self.db.begin().await?;
        lock_call(&mut tx, &text.call, at).await?;
        let joined: Vec<&str> = text.segments.iter().map(|s| s.text.as_str()).collect();
        let live = live_text(&mut tx, &text.call).await?;
        let verdict = serve_rule(&live, Outcome::Text(&joined.join(" ")));
        let is_kept = verdict.served == Served::Final;
        let version = write_version(&mut tx, text, is_kept, at).await?;
        let (served, state) = match verdict.served {
            Served::Final => (version, CallState::Final),
            Served::Live => (LIVE, CallState::Final),
            // No text either way: this version at least tells what became of every second.
            Served::Nothing => (version, CallState::Empty),
        };
        tx.run(
            "UPDATE calls SET state = $2, served_version = $3, served_reason = $4, degraded = 0
             WHERE sid = $1 AND state <> 'live'",
            args![text.call.as_str(), state.as_str(), served, &verdict.reason,],
        )
        .await?;
        let row = tx
            .one(
                "SELECT * FROM calls WHERE sid = $1",
                args![text.call.as_str()],
            )
            .await?;
        let replaced = Replaced {
            version,
            served_version: row.count("served_version")?,
            served_reason: row.text("served_reason")?,
            state: row.parsed("state")?,
        };
        search::index::renew(&mut tx, &text.call).await?;
        if replaced.state != CallState::Live {
            queue_readings(&mut tx, &text.call, at).await?;
        }
        tx.commit().await?;
        Ok(replaced)
    }

    /// Settles a call that can have no final pass, because nothing of it was recorded: `final` with its
    /// live text, or `empty`. Gives the state.
    ///
    /// # Errors
    /// When the database fails, or the call is not there.
    pub async fn settle_without_final(
        &self,
        call: &CallSid,
        why: &str,
        at: Timestamp,
    ) -> Result<CallState, Error> {
        let mut tx = self.db.begin().await?;
        lock_call(&mut tx, call, at).await?;
        let live = live_text(&mut tx, call).await?;
        let verdict = serve_rule(&live, Outcome::Absent(why));
        let state = match verdict.served {
            Served::Nothing => CallState::Empty,
            Served::Live | Served::Final => CallState::Final,
        };
        let settled = tx
            .run(
                "UPDATE calls SET state = $2, served_version = $3, served_reason = $4, degraded = 0
                 WHERE sid = $1 AND state <> 'live'",
                args![call.as_str(), state.as_str(), LIVE, &verdict.reason],
            )
            .await?;
        search::index::renew_if_changed(&mut tx, call).await?;
        if settled > 0 {
            queue_readings(&mut tx, call, at).await?;
        }
        tx.commit().await?;
        Ok(state)
    }

    /// Says on the call that its final pass failed; the text that was served before stays. Given up,
    /// the call is `failed`, and a note keeps the reason.
    ///
    /// # Errors
    /// When the database fails, or the call is not there.
    pub async fn final_failed(
        &self,
        call: &CallSid,
        reason: &str,
        given_up: bool,
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        lock_call(&mut tx, call, at).await?;
        let live = live_text(&mut tx, call).await?;
        let verdict = serve_rule(&live, Outcome::Failed(reason));
        tx.run(
            "UPDATE calls SET served_reason = $2 WHERE sid = $1 AND state = 'finishing'",
            args![call.as_str(), &verdict.reason],
        )
        .await?;
        if given_up {
            let failed = tx
                .run(
                    "UPDATE calls SET state = 'failed' WHERE sid = $1 AND state = 'finishing'",
                    args![call.as_str()],
                )
                .await?;
            if failed > 0 {
                queue_readings(&mut tx, call, at).await?;
            }
            let note = Note {
                call: call.clone(),
                stream: None,
                track: None,
                at: MediaTime::ZERO,
                kind: NoteKind::FinalFailed {
                    reason: reason.into(),
                },
            };
            notes::insert(&mut tx, &note, at).await?;
        }
        tx.commit().await
    }

    /// A transcript: of the version asked for, or the served one. `None` where there is no such call or
    /// version.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn transcript(
        &self,
        call: &CallSid,
        version: Option<u32>,
    ) -> Result<Option<Transcript>, Error> {
        let row = self
            .db
            .row(
                "SELECT v.*, c.served_version AS served_version, c.duration AS call_duration,
                    (SELECT f.coverage FROM versions f WHERE f.call_sid = v.call_sid
                        AND f.kind = 'final' ORDER BY f.version DESC LIMIT 1) AS newest_coverage
                 FROM versions v JOIN calls c ON c.sid = v.call_sid
                 WHERE v.call_sid = $1 AND v.version = COALESCE($2, c.served_version)",
                args![call.as_str(), version],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let found = version_from(&row)?;
        let rows = self
            .db
            .rows(SELECT, args![call.as_str(), found.version])
            .await?;
        let segments = rows.iter().map(segment_from).collect::<Result<_, _>>()?;
        Ok(Some(Transcript {
            served: row.count("served_version")? == found.version,
            segments: match found.kind {
                VersionKind::Live => merge(segments),
                VersionKind::Final => segments,
            },
            coverage: match found.kind {
                VersionKind::Live if row.maybe_text("newest_coverage")?.is_some() => {
                    coverage_from(&row, "newest_coverage")?
                }
                _ => coverage_from(&row, "coverage")?,
            },
            duration: match found.kind {
                VersionKind::Live => row.media("call_duration")?,
                VersionKind::Final => found.duration,
            },
            version: found,
        }))
    }

    /// All versions of a call, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn versions(&self, call: &CallSid) -> Result<Vec<Version>, Error> {
        let rows = self
            .db
            .rows(
                "SELECT * FROM versions WHERE call_sid = $1 ORDER BY version",
                args![call.as_str()],
            )
            .await?;
        rows.iter().map(version_from).collect()
    }
}

/// Writes the version's row and, where it is worth keeping, its text; gives its number.
/// What follows a transcript: the look at what it means, and of a file at what it is about.
async fn queue_readings(tx: &mut Tx, call: &CallSid, at: Timestamp) -> Result<(), Error> {
    jobs::queue(tx, &NewJob::understand(call, at), at).await?;
    let file = tx
        .row(
            "SELECT call_sid FROM files WHERE call_sid = $1",
            args![call.as_str()],
        )
        .await?;
    if file.is_some() {
        jobs::queue(tx, &NewJob::read_file(call, at), at).await?;
    }
    Ok(())
}

async fn write_version(
    tx: &mut Tx,
    text: &FinalText,
    is_kept: bool,
    at: Timestamp,
) -> Result<u32, Error> {
    let number = tx
        .one(
            "SELECT COALESCE(MAX(CASE WHEN fingerprint = $2 THEN version END), MAX(version) + 1)
                AS version FROM versions WHERE call_sid = $1",
            args![text.call.as_str(), &text.fingerprint],
        )
        .await?
        .count("version")?;
    tx.run(
        "DELETE FROM versions WHERE call_sid = $1 AND version = $2",
        args![text.call.as_str(), number],
    )
    .await?;
    tx.run(
        "INSERT INTO versions (call_sid, version, kind, model, model_sha256, parameters, language,
            reason, fingerprint, duration, coverage, created_at)
         VALUES ($1, $2, 'final', $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        args![
            text.call.as_str(),
            number,
            &text.model.name,
            &text.model.sha256,
            to_json(&text.parameters),
            text.language.as_deref(),
            &text.reason,
            &text.fingerprint,
            text.duration,
            coverage_to_json(&coverage(text, is_kept)),
            at,
        ],
    )
    .await?;
    if is_kept {
        write_segments(tx, text, number).await?;
    }
    Ok(number)
}

/// Where the text is not kept, nothing is covered by text.
fn coverage(text: &FinalText, is_kept: bool) -> Vec<TrackSpan> {
    let mut spans = text.coverage.clone();
    for span in &mut spans {
        if !is_kept && span.kind == CoverageKind::Text {
            span.kind = CoverageKind::NotUnderstood;
        }
    }
    spans
}

async fn write_segments(tx: &mut Tx, text: &FinalText, version: u32) -> Result<(), Error> {
    let rows: Vec<Vec<Arg<'_>>> = (0_i64..)
        .zip(&text.segments)
        .map(|(number, segment)| {
            vec![
                text.call.as_str().into(),
                version.into(),
                0_i64.into(),
                segment.track.as_str().into(),
                number.into(),
                segment.speaker.as_deref().into(),
                segment.start.into(),
                segment.end.into(),
                (&segment.text).into(),
                words_to_json(&segment.words).into(),
            ]
        })
        .collect();
    tx.insert_all(
        "INSERT INTO segments (call_sid, version, stream, track, number, speaker, start_at, end_at,
            text, words) VALUES",
        &rows,
    )
    .await
}

fn version_from(row: &Row) -> Result<Version, Error> {
    let model = match row.maybe_text("model")? {
        Some(name) => Some(ModelInfo {
            name,
            sha256: row.maybe_text("model_sha256")?.unwrap_or_default(),
            multilingual: true,
        }),
        None => None,
    };
    Ok(Version {
        version: row.count("version")?,
        kind: match row.text("kind")?.as_str() {
            "live" => VersionKind::Live,
            "final" => VersionKind::Final,
            other => return Err(Error::corrupt("kind", other)),
        },
        model,
        parameters: row.json("parameters")?,
        language: row.maybe_text("language")?,
        reason: row.text("reason")?,
        duration: row.media("duration")?,
        created_at: row.time("created_at")?,
    })
}

//! What a call meant, beside its lead.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Error, NewJob, Store,
    db::{Row, Tx, args},
    jobs, links,
    rows::to_json,
    streams::lock_call,
};
use crate::{
    ids::CallSid,
    insight::{Insights, MadeBy, Meaning, Path, Summary},
};

/// What was read to understand a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    pub call: CallSid,
    /// The version that was served.
    pub version: u32,
    /// As plain text, where a final version was served.
    pub final_transcript: Option<String>,
    /// The live text, where there was any.
    pub transcription: Option<String>,
}

/// A call's row: what the newest look at its transcript made of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallLog {
    pub call_sid: CallSid,
    pub final_transcript: Option<String>,
    pub transcription: Option<String>,
    #[serde(flatten)]
    pub meaning: Meaning,
    /// The version of the transcript that was read.
    pub version: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What [`Store::understood`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Understood {
    Stored,
    /// Another version is served by now, or the call goes on: nothing was written.
    Outdated,
}

impl Store {
    /// Writes what a call meant, makes its lead `processed`, and queues its announcement. Again, it is
    /// the same row.
    ///
    /// # Errors
    /// When the database fails, or the call is not there.
    pub async fn understood(
        &self,
        read: &Read,
        meaning: &Meaning,
        at: Timestamp,
    ) -> Result<Understood, Error> {
        let mut tx = self.db.begin().await?;
        if !is_current(&mut tx, read, at).await? {
            return Ok(Understood::Outdated);
        }
        upsert(&mut tx, read, meaning, at).await?;
        links::felt(&mut tx, &read.call, meaning.insights.sentiment).await?;
        settle_lead(&mut tx, &read.call, "processed", None, at).await?;
        announce(&mut tx, &read.call, at).await?;
        tx.commit().await?;
        Ok(Understood::Stored)
    }

    /// Says on the lead that there is nothing to understand, and queues the call's announcement all the
    /// same.
    ///
    /// # Errors
    /// When the database fails, or the call is not there.
    pub async fn nothing_to_understand(
        &self,
        read: &Read,
        reason: &str,
        at: Timestamp,
    ) -> Result<Understood, Error> {
        let mut tx = self.db.begin().await?;
        if !is_current(&mut tx, read, at).await? {
            return Ok(Understood::Outdated);
        }
        settle_lead(&mut tx, &read.call, "failed", Some(reason), at).await?;
        announce(&mut tx, &read.call, at).await?;
        tx.commit().await?;
        Ok(Understood::Stored)
    }

    /// What a call meant, once that is known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn call_log(&self, call: &CallSid) -> Result<Option<CallLog>, Error> {
        let row = self
            .db
            .row(
                "SELECT * FROM call_log WHERE call_sid = $1",
                args![call.as_str()],
            )
            .await?;
        row.as_ref().map(call_log_from).transpose()
    }
}

async fn is_current(tx: &mut Tx, read: &Read, at: Timestamp) -> Result<bool, Error> {
    lock_call(tx, &read.call, at).await?;
    let row = tx
        .row(
            "SELECT sid FROM calls WHERE sid = $1 AND served_version = $2 AND state <> 'live'",
            args![read.call.as_str(), read.version],
        )
        .await?;
    Ok(row.is_some())
}

async fn upsert(tx: &mut Tx, read: &Read, meaning: &Meaning, at: Timestamp) -> Result<(), Error> {
    tx.run(
        "INSERT INTO call_log (call_sid, final_transcript, transcription, language,
            extracted_service, extracted_city, extraction_confidence, summary, insights, path,
            made_by, version, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
         ON CONFLICT (call_sid) DO UPDATE SET
            final_transcript = excluded.final_transcript, transcription = excluded.transcription,
            language = excluded.language, extracted_service = excluded.extracted_service,
            extracted_city = excluded.extracted_city,
            extraction_confidence = excluded.extraction_confidence, summary = excluded.summary,
            insights = excluded.insights, path = excluded.path, made_by = excluded.made_by,
            version = excluded.version, updated_at = excluded.updated_at",
        args![
            read.call.as_str(),
            read.final_transcript.as_deref(),
            read.transcription.as_deref(),
            meaning.language.as_deref(),
            meaning.service.as_deref(),
            meaning.city.as_deref(),
            meaning.confidence,
            to_json(&meaning.summary),
            to_json(&meaning.insights),
            meaning.path.as_str(),
            to_json(&meaning.made_by),
            read.version,
            at,
        ],
    )
    .await
    .map(drop)
}

/// A call that did not ring here, but only streamed, has no lead.
async fn settle_lead(
    tx: &mut Tx,
    call: &CallSid,
    status: &str,
    reason: Option<&str>,
    at: Timestamp,
) -> Result<(), Error> {
    tx.run(
        "UPDATE leads SET status = $2, reason = $3, updated_at = $4 WHERE call_sid = $1",
        args![call.as_str(), status, reason, at],
    )
    .await
    .map(drop)
}

async fn announce(tx: &mut Tx, call: &CallSid, at: Timestamp) -> Result<(), Error> {
    jobs::queue(tx, &NewJob::announce(call, at), at)
        .await
        .map(drop)
}

fn call_log_from(row: &Row) -> Result<CallLog, Error> {
    let summary: Summary = row.json("summary")?;
    let insights: Insights = row.json("insights")?;
    let made_by: MadeBy = row.json("made_by")?;
    let path: Path = row.parsed("path")?;
    let confidence = row.maybe_int("extraction_confidence")?;
    Ok(CallLog {
        call_sid: row.parsed("call_sid")?,
        final_transcript: row.maybe_text("final_transcript")?,
        transcription: row.maybe_text("transcription")?,
        meaning: Meaning {
            language: row.maybe_text("language")?,
            service: row.maybe_text("extracted_service")?,
            city: row.maybe_text("extracted_city")?,
            confidence: confidence.and_then(|n| n.try_into().ok()),
            summary,
            insights,
            path,
            made_by,
        },
        version: row.count("version")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

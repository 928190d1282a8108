//! Leads: one a call, from its first ring on.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    CallState, Error, NewJob, Store,
    db::{Row, Tx, args},
    jobs,
    notes::new_id,
    rows::to_json,
};
use crate::{ids::CallSid, wire::webhook::CallStatus};

mod pages;
mod recorded;

pub use pages::{LeadFilter, LeadPage};
pub use recorded::{NewProviderRecording, ProviderStatus, RecordingNews};

/// What became of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeadStatus {
    /// Its call goes on, or is not understood yet.
    New,
    Processed,
    /// There is nothing to understand; the reason stands beside it.
    Failed,
}

impl LeadStatus {
    pub const ALL: [Self; 3] = [Self::New, Self::Processed, Self::Failed];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Processed => "processed",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for LeadStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LeadStatus {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or(())
    }
}

/// What is known when a call rings.
#[derive(Debug, Clone)]
pub struct NewLead {
    pub call: CallSid,
    pub account_sid: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub direction: Option<String>,
    pub call_status: Option<CallStatus>,
    /// What else the provider said.
    pub details: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Lead {
    pub id: String,
    pub call: CallSid,
    pub account_sid: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub direction: Option<String>,
    pub details: BTreeMap<String, String>,
    pub call_status: Option<CallStatus>,
    pub status: LeadStatus,
    /// Why it failed.
    pub reason: Option<String>,
    pub notes: String,
    pub duration_s: Option<u32>,
    pub ended_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Of the call of its id, once there is one, with recordings and transcripts.
    pub call_state: Option<CallState>,
    /// What the call meant, once that is known.
    pub log: Option<LeadLog>,
}

/// What a call meant.
#[derive(Debug, Clone, PartialEq)]
pub struct LeadLog {
    pub language: Option<String>,
    pub service: Option<String>,
    pub city: Option<String>,
    /// 0 to 1000.
    pub confidence: Option<u32>,
    /// `{title, points}`.
    pub summary: Option<serde_json::Value>,
    /// Who read it: `on_box` or `model`.
    pub path: String,
    pub updated_at: Timestamp,
}

/// What a person changes by hand; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeadChange {
    pub notes: Option<String>,
    pub status: Option<LeadStatus>,
    pub seen: SeenLead,
}

/// What the person had before their eyes: a change of something that is another by now is not made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenLead {
    pub notes: Option<String>,
    pub status: Option<LeadStatus>,
}

/// What [`Store::change_lead`] came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Changed {
    /// There is no lead of this id.
    Unknown,
    /// The lead as it is now.
    Done(Lead),
    /// Somebody else was faster: the lead as they left it. Nothing was changed.
    Meanwhile(Lead),
}

/// What [`Store::advance_lead`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advanced {
    /// There is no lead of this call.
    Unknown,
    Moved,
    /// It was as far already.
    Stood,
}

impl Store {
    /// Makes the lead of a call that rings, once: whether it is new. One that is there stays as it is; that of
    /// a call which is understood already is `processed` at once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ring(&self, lead: &NewLead, at: Timestamp) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let made = tx
            .run(
                "INSERT INTO leads (id, call_sid, account_sid, from_number, to_number, direction,
                    details, call_status, status, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8,
                    CASE WHEN EXISTS (SELECT 1 FROM call_log WHERE call_sid = $2)
                        THEN 'processed' ELSE 'new' END,
                    $9, $9)
                 ON CONFLICT (call_sid) DO NOTHING",
                args![
                    new_id(at),
                    lead.call.as_str(),
                    lead.account_sid.as_deref(),
                    lead.from.as_deref(),
                    lead.to.as_deref(),
                    lead.direction.as_deref(),
                    to_json(&lead.details),
                    lead.call_status.map(CallStatus::as_str),
                    at,
                ],
            )
            .await?;
        tx.commit().await?;
        Ok(made > 0)
    }

    /// Takes the provider's word for a call where that is news: a status goes forward only, in whatever
    /// order and however often the words come. The first terminal one ends the call and queues what
    /// announces it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn advance_lead(
        &self,
        call: &CallSid,
        status: CallStatus,
        duration_s: Option<u32>,
        at: Timestamp,
    ) -> Result<Advanced, Error> {
        let mut tx = self.db.begin().await?;
        let ended_at = status.is_terminal().then_some(at);
        // The ranks are those of `CallStatus::rank`.
        let moved = tx
            .run(
                "UPDATE leads SET call_status = $2, duration_s = COALESCE($3, duration_s),
                    ended_at = $4, updated_at = $5
                 WHERE call_sid = $1 AND $6 > CASE COALESCE(call_status, '')
                    WHEN '' THEN -1
                    WHEN 'queued' THEN 0 WHEN 'initiated' THEN 0
                    WHEN 'ringing' THEN 1
                    WHEN 'in-progress' THEN 2
                    ELSE 3 END",
                args![
                    call.as_str(),
                    status.as_str(),
                    duration_s,
                    ended_at,
                    at,
                    status.rank(),
                ],
            )
            .await?;
        if moved > 0 && status.is_terminal() {
            jobs::queue(&mut tx, &NewJob::announce(call, at), at).await?;
        }
        let known = moved > 0 || has_lead(&mut tx, call).await?;
        tx.commit().await?;
        Ok(match (known, moved) {
            (false, _) => Advanced::Unknown,
            (true, 0) => Advanced::Stood,
            (true, _) => Advanced::Moved,
        })
    }

    /// Changes what a person may change, unless it is not what they saw any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn change_lead(
        &self,
        id: &str,
        change: &LeadChange,
        at: Timestamp,
    ) -> Result<Changed, Error> {
        let by_hand = change.status == Some(LeadStatus::Failed);
        let mut tx = self.db.begin().await?;
        let changed = tx
            .run(
                "UPDATE leads SET notes = COALESCE($2, notes), status = COALESCE($3, status),
                reason = CASE WHEN $3 IS NULL THEN reason ELSE $4 END, updated_at = $5
             WHERE id = $1 AND ($6 IS NULL OR notes = $6) AND ($7 IS NULL OR status = $7)",
                args![
                    id,
                    change.notes.as_deref(),
                    change.status.map(LeadStatus::as_str),
                    by_hand.then_some("set by hand"),
                    at,
                    change.seen.notes.as_deref(),
                    change.seen.status.map(LeadStatus::as_str),
                ],
            )
            .await?;
        tx.commit().await?;
        Ok(match (self.lead(id).await?, changed) {
            (None, _) => Changed::Unknown,
            (Some(lead), 0) => Changed::Meanwhile(lead),
            (Some(lead), _) => Changed::Done(lead),
        })
    }
}

async fn has_lead(tx: &mut Tx, call: &CallSid) -> Result<bool, Error> {
    let row = tx
        .row(
            "SELECT id FROM leads WHERE call_sid = $1",
            args![call.as_str()],
        )
        .await?;
    Ok(row.is_some())
}

fn lead_from(row: &Row) -> Result<Lead, Error> {
    let status = row.maybe_text("call_status")?;
    let seconds = row.maybe_int("duration_s")?;
    Ok(Lead {
        id: row.text("id")?,
        call: row.parsed("call_sid")?,
        account_sid: row.maybe_text("account_sid")?,
        from: row.maybe_text("from_number")?,
        to: row.maybe_text("to_number")?,
        direction: row.maybe_text("direction")?,
        details: row.json("details")?,
        call_status: status
            .map(|text| {
                text.parse()
                    .map_err(|()| Error::corrupt("call_status", &text))
            })
            .transpose()?,
        status: row.parsed("status")?,
        reason: row.maybe_text("reason")?,
        notes: row.text("notes")?,
        duration_s: seconds.and_then(|seconds| seconds.try_into().ok()),
        ended_at: row.maybe_time("ended_at")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        call_state: row
            .maybe_text("call_state")?
            .map(|_| row.parsed("call_state"))
            .transpose()?,
        log: log_from(row)?,
    })
}

fn log_from(row: &Row) -> Result<Option<LeadLog>, Error> {
    let Some(updated_at) = row.maybe_time("log_updated_at")? else {
        return Ok(None);
    };
    let confidence = row.maybe_int("extraction_confidence")?;
    let summary = row.maybe_text("summary")?;
    Ok(Some(LeadLog {
        language: row.maybe_text("log_language")?,
        service: row.maybe_text("extracted_service")?,
        city: row.maybe_text("extracted_city")?,
        confidence: confidence.and_then(|of_1000| of_1000.try_into().ok()),
        summary: summary.map(|_| row.json("summary")).transpose()?,
        path: row.text("log_path")?,
        updated_at,
    }))
}

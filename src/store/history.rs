//! What happened to a call, for whoever wants to know: read here from the rows that were written for
//! other ends.

use jiff::Timestamp;

use super::{
    DeliveryAttempt, DeliveryState, Error, Note, QueuedJob, RecordingOutcome, Store,
    db::{Row, args},
    deliveries::attempt_from,
    notes::note_from,
    queue::queued_from,
};
use crate::ids::{CallSid, StreamSid};

/// Rows of a kind that are read: more than any call has, unless somebody sends it again and again.
const MOST: i64 = 500;

/// One thing that somebody was told of a call, and every try at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    pub delivery: String,
    pub target: String,
    pub event: String,
    pub state: DeliveryState,
    /// Why it was given up.
    pub reason: Option<String>,
    pub created_at: Timestamp,
    /// Oldest first.
    pub attempts: Vec<DeliveryAttempt>,
}

/// What became of a recording that the provider made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetching {
    pub sid: StreamSid,
    pub outcome: RecordingOutcome,
    pub reason: Option<String>,
    /// When the provider told of it.
    pub created_at: Timestamp,
    /// When it was decided what becomes of it, or it was told of again.
    pub updated_at: Timestamp,
}

impl Store {
    /// The jobs about a call, its deliveries and the provider's recordings of it, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn jobs_of(&self, call: &CallSid) -> Result<Vec<QueuedJob>, Error> {
        let rows = self
            .db
            .rows(
                "SELECT * FROM jobs WHERE job_key = $1
                    OR job_key IN (SELECT recording_sid FROM provider_recordings WHERE call_sid = $1)
                    OR job_key IN (SELECT id FROM deliveries WHERE call_sid = $1)
                 ORDER BY created_at, id LIMIT $2",
                args![call.as_str(), MOST],
            )
            .await?;
        rows.iter().map(queued_from).collect()
    }

    /// What others were told of a call, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tellings(&self, call: &CallSid) -> Result<Vec<Telling>, Error> {
        let rows = self
            .db
            .rows(
                "SELECT id, target, event, state, reason, created_at FROM deliveries
                 WHERE call_sid = $1 ORDER BY created_at, id LIMIT $2",
                args![call.as_str(), MOST],
            )
            .await?;
        let mut tellings = rows
            .iter()
            .map(telling_from)
            .collect::<Result<Vec<_>, _>>()?;
        let rows = self
            .db
            .rows(
                "SELECT a.* FROM delivery_attempts a JOIN deliveries d ON d.id = a.delivery_id
                 WHERE d.call_sid = $1 ORDER BY a.started_at, a.number LIMIT $2",
                args![call.as_str(), MOST],
            )
            .await?;
        for row in &rows {
            let delivery = row.text("delivery_id")?;
            if let Some(told) = tellings.iter_mut().find(|told| told.delivery == delivery) {
                told.attempts.push(attempt_from(row)?);
            }
        }
        Ok(tellings)
    }

    /// A call's notes, each with the time at which it was kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dated_notes(&self, call: &CallSid) -> Result<Vec<(Timestamp, Note)>, Error> {
        let rows = self
            .db
            .rows(
                "SELECT * FROM notes WHERE call_sid = $1 ORDER BY position, id",
                args![call.as_str()],
            )
            .await?;
        rows.iter()
            .map(|row| Ok((row.time("created_at")?, note_from(row)?)))
            .collect()
    }

    /// What became of the provider's recordings of a call, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fetchings(&self, call: &CallSid) -> Result<Vec<Fetching>, Error> {
        let rows = self
            .db
            .rows(
                "SELECT recording_sid, outcome, reason, created_at, updated_at
                 FROM provider_recordings WHERE call_sid = $1
                 ORDER BY created_at, recording_sid LIMIT $2",
                args![call.as_str(), MOST],
            )
            .await?;
        rows.iter().map(fetching_from).collect()
    }
}

fn telling_from(row: &Row) -> Result<Telling, Error> {
    Ok(Telling {
        delivery: row.text("id")?,
        target: row.text("target")?,
        event: row.text("event")?,
        state: row.parsed("state")?,
        reason: row.maybe_text("reason")?,
        created_at: row.time("created_at")?,
        attempts: Vec::new(),
    })
}

fn fetching_from(row: &Row) -> Result<Fetching, Error> {
    Ok(Fetching {
        sid: row.parsed("recording_sid")?,
        outcome: row.parsed("outcome")?,
        reason: row.maybe_text("reason")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

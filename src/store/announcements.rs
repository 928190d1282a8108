//! What is known of a call when others are told of it, and that they were told.

use jiff::Timestamp;

use super::{
    ANNOUNCE, Call, Error, NewJob, Store, TRANSCRIBE, UNDERSTAND,
    db::{Row, Tx, args},
    jobs,
};
use crate::ids::CallSid;

/// The occasion of an announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The call is over: once.
    Completed,
    /// A better transcript came after that: once a version.
    Updated,
}

impl Event {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "call.completed",
            Self::Updated => "call.updated",
        }
    }
}

/// All that there is to tell, from whichever rows there are.
#[derive(Debug, Clone, PartialEq)]
pub struct CallFacts {
    pub sid: CallSid,
    pub lead: Option<LeadFacts>,
    /// Absent where nothing was streamed or recorded.
    pub call: Option<Call>,
    /// Absent where nobody looked at its meaning (yet).
    pub log: Option<LogFacts>,
    /// What the provider's recordings came to, oldest first.
    pub recordings: Vec<RecordingFacts>,
    /// A job that may still change what there is to tell waits or runs: its kind.
    pub pending: Option<String>,
    /// What was told last.
    pub told: Option<Announcement>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LeadFacts {
    pub id: String,
    pub direction: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    /// The provider's word for the call.
    pub call_status: Option<String>,
    /// `new`, `processed` or `failed`.
    pub status: String,
    pub reason: Option<String>,
    pub duration_s: Option<i64>,
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LogFacts {
    pub service: Option<String>,
    pub city: Option<String>,
    /// `{"title": …, "points": […]}`.
    pub summary: serde_json::Value,
    pub insights: serde_json::Value,
    /// The version of the transcript that was read.
    pub version: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingFacts {
    /// `waiting`, `used`, `unused` or `failed`.
    pub outcome: String,
    pub reason: Option<String>,
}

/// What was told of a call, and why that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    pub event: String,
    /// 0 for none.
    pub version: u32,
    pub source: String,
    pub reason: String,
    pub text_sha256: String,
}

/// An announcement to be kept and sent.
#[derive(Debug, Clone)]
pub struct NewAnnouncement {
    pub call: CallSid,
    pub event: Event,
    pub version: u32,
    pub source: &'static str,
    pub reason: String,
    pub text_sha256: String,
    pub deliveries: Vec<NewDelivery>,
    /// There is no text: why, for a lead that waits for it still.
    pub lead_failed: Option<String>,
}

/// One target's part of an announcement.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    pub id: String,
    pub target: String,
    pub body: String,
}

impl Store {
    /// What there is to tell of a call.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn call_facts(&self, sid: &CallSid) -> Result<CallFacts, Error> {
        let key = args![sid.as_str()];
        // What may still change first: what it changed is read after it.
        let pending = self
            .db
            .row(
                "SELECT kind FROM jobs WHERE job_key = $1 AND kind IN ($2, $3)
                    AND state IN ('queued', 'running') ORDER BY kind LIMIT 1",
                args![sid.as_str(), TRANSCRIBE, UNDERSTAND],
            )
            .await?;
        let lead = self
            .db
            .row("SELECT * FROM leads WHERE call_sid = $1", key)
            .await?;
        let log = self
            .db
            .row("SELECT * FROM call_log WHERE call_sid = $1", key)
            .await?;
        let recordings = self
            .db
            .rows(
                "SELECT outcome, reason FROM provider_recordings WHERE call_sid = $1
                 ORDER BY created_at, recording_sid",
                key,
            )
            .await?;
        let told = self
            .db
            .row(
                "SELECT * FROM announcements WHERE call_sid = $1
                 ORDER BY created_at DESC, version DESC LIMIT 1",
                key,
            )
            .await?;
        Ok(CallFacts {
            sid: sid.clone(),
            lead: lead.as_ref().map(lead_from).transpose()?,
            call: self.call(sid).await?,
            log: log.as_ref().map(log_from).transpose()?,
            recordings: recordings
                .iter()
                .map(recording_from)
                .collect::<Result<_, _>>()?,
            pending: pending.map(|row| row.text("kind")).transpose()?,
            told: told.as_ref().map(announcement_from).transpose()?,
        })
    }

    /// Keeps an announcement with its deliveries, and queues a job for each. `false`: the same was told
    /// before, and nothing is sent again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn announce(&self, new: &NewAnnouncement, at: Timestamp) -> Result<bool, Error> {
        let (call, event) = (new.call.as_str(), new.event.as_str());
        let mut tx = self.db.begin().await?;
        let is_new = tx
            .run(
                "INSERT INTO announcements (call_sid, event, version, source, reason, text_sha256,
                    created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                args![
                    call,
                    event,
                    new.version,
                    new.source,
                    &new.reason,
                    &new.text_sha256,
                    at
                ],
            )
            .await?
            > 0;
        for delivery in new.deliveries.iter().filter(|_| is_new) {
            deliver(&mut tx, delivery, (call, event, new.version.into()), at).await?;
        }
        if let Some(why) = &new.lead_failed {
            tx.run(
                "UPDATE leads SET status = 'failed', reason = $2, updated_at = $3
                 WHERE call_sid = $1 AND status = 'new'",
                args![call, why, at],
            )
            .await?;
        }
        tx.commit().await?;
        Ok(is_new)
    }

    /// Keeps deliveries of an event `about` a call, or about what has no call, and queues a job for each.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alert(
        &self,
        event: &'static str,
        about: &str,
        deliveries: &[NewDelivery],
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        for delivery in deliveries {
            // One a moment: the same may happen again.
            deliver(&mut tx, delivery, (about, event, at.as_second()), at).await?;
        }
        tx.commit().await
    }

    /// What was told of a call, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn announcements(&self, call: &CallSid) -> Result<Vec<Announcement>, Error> {
        let rows = self
            .db
            .rows(
                "SELECT * FROM announcements WHERE call_sid = $1 ORDER BY created_at, version",
                args![call.as_str()],
            )
            .await?;
        rows.iter().map(announcement_from).collect()
    }
}

/// `what`: the call, the event, and the version that tells it from others of its kind.
async fn deliver(
    tx: &mut Tx,
    NewDelivery { id, target, body }: &NewDelivery,
    what: (&str, &str, i64),
    at: Timestamp,
) -> Result<(), Error> {
    let (call, event, version) = what;
    let made = tx
        .run(
            "INSERT INTO deliveries (id, call_sid, target, event, version, body, state, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7) ON CONFLICT DO NOTHING",
            args![id, call, target, event, version, body, at],
        )
        .await?;
    if made > 0 {
        jobs::queue(tx, &NewJob::deliver(id, at), at).await?;
    }
    Ok(())
}

impl NewJob {
    /// Telling others of a call.
    #[must_use]
    pub fn announce(call: &CallSid, run_at: Timestamp) -> Self {
        Self {
            kind: ANNOUNCE,
            ..Self::transcribe(call, run_at)
        }
    }
}

fn lead_from(row: &Row) -> Result<LeadFacts, Error> {
    Ok(LeadFacts {
        id: row.text("id")?,
        direction: row.maybe_text("direction")?,
        from: row.maybe_text("from_number")?,
        to: row.maybe_text("to_number")?,
        call_status: row.maybe_text("call_status")?,
        status: row.text("status")?,
        reason: row.maybe_text("reason")?,
        duration_s: row.maybe_int("duration_s")?,
        created_at: row.time("created_at")?,
        ended_at: row.maybe_time("ended_at")?,
    })
}

fn log_from(row: &Row) -> Result<LogFacts, Error> {
    Ok(LogFacts {
        service: row.maybe_text("extracted_service")?,
        city: row.maybe_text("extracted_city")?,
        summary: match row.maybe_text("summary")? {
            Some(_) => row.json("summary")?,
            None => serde_json::Value::Null,
        },
        insights: row.json("insights")?,
        version: row.count("version")?,
    })
}

fn recording_from(row: &Row) -> Result<RecordingFacts, Error> {
    Ok(RecordingFacts {
        outcome: row.text("outcome")?,
        reason: row.maybe_text("reason")?,
    })
}

fn announcement_from(row: &Row) -> Result<Announcement, Error> {
    Ok(Announcement {
        event: row.text("event")?,
        version: row.count("version")?,
        source: row.text("source")?,
        reason: row.text("reason")?,
        text_sha256: row.text("text_sha256")?,
    })
}

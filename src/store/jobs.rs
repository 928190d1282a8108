//! Durable work: a job is a row, taken under a lease, tried again with a later time, or put aside as dead.

use jiff::Timestamp;

use super::{
    Error, Store,
    db::{Tx, args},
    leases::Urgency,
    notes::new_id,
};
use crate::{ids::CallSid, insight::domain::Pair};

/// The kind of the job that [`Store::close_stream`] queues; its key is the call's id.
pub const TRANSCRIBE: &str = "transcribe";
/// The kind of the other job that it queues, with the same key.
pub const ANALYSE: &str = "analyse";
/// The kind of the job that looks for what a transcript means; its key is the call's id.
pub const UNDERSTAND: &str = "understand";
/// The kind of the job that looks for whose call it was; its key is the call's id.
pub const LINK: &str = "link";
/// The kind of the job that tells others of a call; its key is the call's id.
pub const ANNOUNCE: &str = "announce";
/// The kind of the job that brings one delivery to its target; its key is the delivery's id.
pub const DELIVER: &str = "deliver";
/// The kind of the job that fetches a recording of the provider's; its key is the recording's id.
pub const DOWNLOAD: &str = "download";
/// The kind of the job that reads an uploaded file; its key is the call's id.
pub const READ_FILE: &str = "read_file";
/// The kind of the job that makes the prompt of a new pair; its key is `domain/category`.
pub const WRITE_PROMPT: &str = "write_prompt";
/// Tries of a final pass: with the runner's backoff about half a day.
const TRANSCRIBE_TRIES: u32 = 10;

/// Work to be queued. At most one job of a kind and key waits at a time.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub kind: &'static str,
    pub key: String,
    pub payload: serde_json::Value,
    /// Higher first.
    pub priority: i32,
    pub run_at: Timestamp,
    pub max_attempts: u32,
}

impl NewJob {
    /// The final pass of a call.
    #[must_use]
    pub fn transcribe(call: &CallSid, run_at: Timestamp) -> Self {
        Self {
            kind: TRANSCRIBE,
            key: call.to_string(),
            payload: serde_json::json!({ "call": call }),
            priority: 0,
            run_at,
            max_attempts: TRANSCRIBE_TRIES,
        }
    }

    /// The fetching of a recording of the provider's; waiting for it to be ready is no try.
    #[must_use]
    pub fn download(recording: &str, run_at: Timestamp) -> Self {
        Self {
            kind: DOWNLOAD,
            key: recording.to_owned(),
            payload: serde_json::json!({ "recording": recording }),
            priority: 0,
            run_at,
            max_attempts: TRANSCRIBE_TRIES,
        }
    }

    /// What a call meant.
    #[must_use]
    pub fn understand(call: &CallSid, run_at: Timestamp) -> Self {
        Self {
            kind: UNDERSTAND,
            ..Self::transcribe(call, run_at)
        }
    }

    /// Whose call it was.
    #[must_use]
    pub fn link(call: &CallSid, run_at: Timestamp) -> Self {
        Self {
            kind: LINK,
            ..Self::transcribe(call, run_at)
        }
    }

    /// The same once more, of an old call: those that have just ended come first.
    #[must_use]
    pub fn link_again(call: &CallSid, run_at: Timestamp) -> Self {
        Self {
            priority: -1,
            ..Self::link(call, run_at)
        }
    }

    /// What an uploaded file is about.
    #[must_use]
    pub fn read_file(call: &CallSid, run_at: Timestamp) -> Self {
        Self {
            kind: READ_FILE,
            ..Self::transcribe(call, run_at)
        }
    }

    /// The prompt of a new pair.
    #[must_use]
    pub fn write_prompt(pair: &Pair, run_at: Timestamp) -> Self {
        Self {
            kind: WRITE_PROMPT,
            key: format!("{}/{}", pair.domain, pair.category),
            payload: serde_json::json!({ "pair": pair }),
            priority: 0,
            run_at,
            max_attempts: TRANSCRIBE_TRIES,
        }
    }

    /// The analysis of a call's recordings.
    #[must_use]
    pub fn analyse(call: &CallSid, run_at: Timestamp) -> Self {
        Self {
            kind: ANALYSE,
            ..Self::transcribe(call, run_at)
        }
    }
}

/// Whether [`Store::enqueue`] made a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    New,
    /// One of the kind and key waited already, and was set to the new time.
    Rearmed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobCount {
    pub kind: String,
    /// `queued`, `running`, `done` or `dead`.
    pub state: String,
    pub count: u32,
}

impl Store {
    /// Queues a job, or sets the one of its kind and key that waits to the new time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enqueue(&self, job: &NewJob, at: Timestamp) -> Result<Enqueued, Error> {
        let mut tx = self.db.begin().await?;
        let done = queue(&mut tx, job, at).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Queues a job unless one of its kind and key waits or runs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enqueue_if_none(&self, job: &NewJob, at: Timestamp) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let is_there = pending(&mut tx, job.kind, &job.key).await?;
        if !is_there {
            queue(&mut tx, job, at).await?;
        }
        tx.commit().await?;
        Ok(!is_there)
    }

    /// When the next job of `kind` is due, for the runner's sleep.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_job_at(&self, kind: &str) -> Result<Option<Timestamp>, Error> {
        self.next_job_of(kind, Urgency::Any).await
    }

    /// The same of those of that urgency alone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_job_of(
        &self,
        kind: &str,
        urgency: Urgency,
    ) -> Result<Option<Timestamp>, Error> {
        let (least, most) = urgency.bounds();
        let row = self
            .db
            .row(
                "SELECT MIN(CASE WHEN state = 'queued' THEN run_at ELSE lease_until END) AS due
                 FROM jobs WHERE kind = $1 AND state IN ('queued', 'running')
                    AND priority BETWEEN $2 AND $3",
                args![kind, least, most],
            )
            .await?;
        match row {
            Some(row) => row.maybe_time("due"),
            None => Ok(None),
        }
    }

    /// How many jobs there are, by kind and state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn job_counts(&self) -> Result<Vec<JobCount>, Error> {
        let rows = self
            .db
            .rows(
                "SELECT kind, state, COUNT(*) AS count FROM jobs GROUP BY kind, state
                 ORDER BY kind, state",
                &[],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(JobCount {
                    kind: row.text("kind")?,
                    state: row.text("state")?,
                    count: row.count("count")?,
                })
            })
            .collect()
    }

    /// Forgets jobs that were done before `before`; dead ones stay for whoever looks into them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_jobs(&self, before: Timestamp) -> Result<u64, Error> {
        let mut tx = self.db.begin().await?;
        let gone = tx
            .run(
                "DELETE FROM jobs WHERE state = 'done' AND finished_at < $1",
                args![before],
            )
            .await?;
        tx.commit().await?;
        Ok(gone)
    }
}

pub(super) async fn queue(tx: &mut Tx, job: &NewJob, at: Timestamp) -> Result<Enqueued, Error> {
    let id = new_id(at);
    let row = tx
        .one(
            "INSERT INTO jobs (id, kind, job_key, payload, state, priority, run_at, attempts,
                max_attempts, created_at)
             VALUES ($1, $2, $3, $4, 'queued', $5, $6, 0, $7, $8)
             ON CONFLICT (kind, job_key) WHERE state = 'queued' DO UPDATE SET
                payload = excluded.payload, run_at = excluded.run_at, attempts = 0,
                priority = CASE WHEN excluded.priority > jobs.priority THEN excluded.priority
                    ELSE jobs.priority END
             RETURNING id",
            args![
                &id,
                job.kind,
                &job.key,
                job.payload.to_string(),
                i64::from(job.priority),
                job.run_at,
                job.max_attempts,
                at,
            ],
        )
        .await?;
    Ok(if row.text("id")? == id {
        Enqueued::New
    } else {
        Enqueued::Rearmed
    })
}

/// What follows a transcript: what it meant, and of a call whose it was, of a file what it is about.
pub(super) async fn queue_reading(tx: &mut Tx, call: &CallSid, at: Timestamp) -> Result<(), Error> {
    queue(tx, &NewJob::understand(call, at), at).await?;
    let file = "SELECT call_sid FROM files WHERE call_sid = $1";
    let next = match tx.row(file, args![call.as_str()]).await? {
        Some(_) => NewJob::read_file(call, at),
        None => NewJob::link(call, at),
    };
    queue(tx, &next, at).await?;
    Ok(())
}

/// Takes back a job that waits; one that runs goes on.
pub(super) async fn call_off(tx: &mut Tx, kind: &str, key: &str) -> Result<(), Error> {
    tx.run(
        "DELETE FROM jobs WHERE kind = $1 AND job_key = $2 AND state = 'queued'",
        args![kind, key],
    )
    .await
    .map(drop)
}

pub(super) async fn pending(tx: &mut Tx, kind: &str, key: &str) -> Result<bool, Error> {
    let row = tx
        .row(
            "SELECT id FROM jobs WHERE kind = $1 AND job_key = $2 AND state IN ('queued', 'running')",
            args![kind, key],
        )
        .await?;
    Ok(row.is_some())
}

//! Durable work: a job is a row, taken under a lease, tried again with a later time, or put aside as dead.

use jiff::{SignedDuration, Timestamp};

use super::{
    Error, Store,
    db::{Row, Tx, args},
    notes::new_id,
};
use crate::ids::CallSid;

/// The kind of the job that [`Store::close_stream`] queues; its key is the call's id.
pub const TRANSCRIBE: &str = "transcribe";
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
}

/// Whether [`Store::enqueue`] made a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    New,
    /// One of the kind and key waited already, and was set to the new time.
    Rearmed,
}

/// A job that a worker holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub id: String,
    pub kind: String,
    pub key: String,
    pub payload: serde_json::Value,
    /// This one included: 1 at the first try.
    pub attempts: u32,
    pub max_attempts: u32,
    pub created_at: Timestamp,
    pub last_error: Option<String>,
    lease: Lease,
}

/// The right to finish a job: gone once its time passed and another worker took the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    id: String,
    worker: String,
    attempts: u32,
}

impl Job {
    #[must_use]
    pub const fn lease(&self) -> &Lease {
        &self.lease
    }

    #[must_use]
    pub const fn is_last_attempt(&self) -> bool {
        self.attempts >= self.max_attempts
    }
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

    /// Takes the job of `kind` that is due, most urgent first, for `lease`; also one whose worker let
    /// its lease run out. Two workers never hold the same job, nor two jobs of one key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_job(
        &self,
        kind: &str,
        worker: &str,
        lease: SignedDuration,
        at: Timestamp,
    ) -> Result<Option<Job>, Error> {
        // Most polls find nothing: a read tells, without the writers' queue.
        if self.db.row(ANY_DUE, args![kind, at]).await?.is_none() {
            return Ok(None);
        }
        let mut tx = self.db.begin().await?;
        let sql = if tx.has_row_locks() {
            TAKE_SKIP_LOCKED
        } else {
            TAKE
        };
        let row = tx.row(sql, args![kind, at, worker, at + lease]).await?;
        let job = row.as_ref().map(job_from).transpose()?;
        tx.commit().await?;
        Ok(job)
    }

    /// Puts aside the jobs whose last attempt never came back: they may well be what kills the workers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bury_lost_jobs(&self, kind: &str, at: Timestamp) -> Result<Vec<Job>, Error> {
        if self.db.row(ANY_LOST, args![kind, at]).await?.is_none() {
            return Ok(vec![]);
        }
        let mut tx = self.db.begin().await?;
        let rows = tx
            .rows(
                "UPDATE jobs SET state = 'dead', lease_until = NULL, finished_at = $2,
                    last_error = 'the service died during the last attempt'
                 WHERE kind = $1 AND state = 'running' AND lease_until <= $2
                    AND attempts >= max_attempts
                 RETURNING *",
                args![kind, at],
            )
            .await?;
        let lost = rows.iter().map(job_from).collect::<Result<_, _>>()?;
        tx.commit().await?;
        Ok(lost)
    }

    /// Prolongs a lease to `until`. `false`: it ran out and the job is another worker's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn renew_job(&self, lease: &Lease, until: Timestamp) -> Result<bool, Error> {
        self.on_lease(
            "UPDATE jobs SET lease_until = $4 WHERE id = $1 AND worker = $2 AND attempts = $3
                AND state = 'running'",
            args![&lease.id, &lease.worker, lease.attempts, until],
        )
        .await
    }

    /// The job is done. `false`: the lease ran out; whoever has the job now finishes it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_job(&self, lease: &Lease, at: Timestamp) -> Result<bool, Error> {
        self.on_lease(
            "UPDATE jobs SET state = 'done', lease_until = NULL, finished_at = $4
             WHERE id = $1 AND worker = $2 AND attempts = $3 AND state = 'running'",
            args![&lease.id, &lease.worker, lease.attempts, at],
        )
        .await
    }

    /// The job failed: again at `retry_at`, or dead with its reason after the last attempt. Where a
    /// younger job of the same key waits, that one takes over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fail_job(
        &self,
        job: &Job,
        error: &str,
        retry_at: Option<Timestamp>,
        at: Timestamp,
    ) -> Result<bool, Error> {
        match retry_at.filter(|_| !job.is_last_attempt()) {
            Some(retry_at) => self.put_back(job, error, retry_at, 0).await,
            None => {
                self.on_lease(
                    "UPDATE jobs SET state = 'dead', lease_until = NULL, last_error = $4,
                        finished_at = $5
                     WHERE id = $1 AND worker = $2 AND attempts = $3 AND state = 'running'",
                    args![&job.id, &job.lease.worker, job.attempts, error, at],
                )
                .await
            }
        }
    }

    /// The job cannot run yet (no model, a recording still being closed): again at `retry_at`, and this
    /// was no attempt.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn postpone_job(
        &self,
        job: &Job,
        why: &str,
        retry_at: Timestamp,
    ) -> Result<bool, Error> {
        self.put_back(job, why, retry_at, 1).await
    }

    /// When the next job of `kind` is due, for the runner's sleep.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_job_at(&self, kind: &str) -> Result<Option<Timestamp>, Error> {
        let row = self
            .db
            .row(
                "SELECT MIN(CASE WHEN state = 'queued' THEN run_at ELSE lease_until END) AS due
                 FROM jobs WHERE kind = $1 AND state IN ('queued', 'running')",
                args![kind],
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

    async fn put_back(
        &self,
        job: &Job,
        error: &str,
        retry_at: Timestamp,
        refund: u32,
    ) -> Result<bool, Error> {
        self.on_lease(
            "UPDATE jobs SET last_error = $4, run_at = $5, attempts = attempts - $6,
                lease_until = NULL, state = CASE WHEN EXISTS
                    (SELECT 1 FROM jobs o WHERE o.kind = jobs.kind AND o.job_key = jobs.job_key
                        AND o.state = 'queued')
                    THEN 'done' ELSE 'queued' END
             WHERE id = $1 AND worker = $2 AND attempts = $3 AND state = 'running'",
            args![
                &job.id,
                &job.lease.worker,
                job.attempts,
                error,
                retry_at,
                refund
            ],
        )
        .await
    }

    async fn on_lease(
        &self,
        sql: &'static str,
        args: &[super::db::Arg<'_>],
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let changed = tx.run(sql, args).await?;
        tx.commit().await?;
        Ok(changed > 0)
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
                payload = excluded.payload, run_at = excluded.run_at, attempts = 0
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

const ANY_DUE: &str = "SELECT id FROM jobs WHERE kind = $1 AND ((state = 'queued' AND run_at <= $2)
    OR (state = 'running' AND lease_until <= $2)) LIMIT 1";

const ANY_LOST: &str = "SELECT id FROM jobs WHERE kind = $1 AND state = 'running'
    AND lease_until <= $2 AND attempts >= max_attempts LIMIT 1";

macro_rules! take {
    ($lock:literal) => {
        concat!(
            "UPDATE jobs SET state = 'running', worker = $3, lease_until = $4, attempts = attempts + 1
             WHERE id = (
                SELECT j.id FROM jobs j
                WHERE j.kind = $1
                    AND ((j.state = 'queued' AND j.run_at <= $2)
                        OR (j.state = 'running' AND j.lease_until <= $2
                            AND j.attempts < j.max_attempts))
                    AND NOT EXISTS (SELECT 1 FROM jobs r WHERE r.kind = j.kind AND r.job_key = j.job_key
                        AND r.state = 'running' AND r.lease_until > $2)
                ORDER BY j.priority DESC, j.run_at, j.id LIMIT 1",
            $lock,
            ") RETURNING *"
        )
    };
}
const TAKE: &str = take!("");
const TAKE_SKIP_LOCKED: &str = take!(" FOR UPDATE OF j SKIP LOCKED");

fn job_from(row: &Row) -> Result<Job, Error> {
    let (id, attempts) = (row.text("id")?, row.count("attempts")?);
    Ok(Job {
        lease: Lease {
            id: id.clone(),
            worker: row.text("worker")?,
            attempts,
        },
        id,
        kind: row.text("kind")?,
        key: row.text("job_key")?,
        payload: row.json("payload")?,
        attempts,
        max_attempts: row.count("max_attempts")?,
        created_at: row.time("created_at")?,
        last_error: row.maybe_text("last_error")?,
    })
}

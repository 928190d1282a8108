//! Jobs in the hands of workers: taken under a lease, prolonged, finished, failed, given up.

use jiff::{SignedDuration, Timestamp};

use super::{
    Error, Store,
    db::{Arg, Row, args},
};

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

/// Which jobs of a kind a worker takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    Any,
    /// No less than usual.
    Usual,
    /// What may wait for all else, as uploaded files do.
    Less,
}

impl Urgency {
    /// Priorities, both inclusive.
    pub(super) const fn bounds(self) -> (i64, i64) {
        match self {
            Self::Any => (i64::MIN, i64::MAX),
            Self::Usual => (0, i64::MAX),
            Self::Less => (i64::MIN, -1),
        }
    }
}

impl Store {
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
        self.take_job_of(kind, Urgency::Any, worker, lease, at)
            .await
    }

    /// The same of those of that urgency alone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_job_of(
        &self,
        kind: &str,
        urgency: Urgency,
        worker: &str,
        lease: SignedDuration,
        at: Timestamp,
    ) -> Result<Option<Job>, Error> {
        let (least, most) = urgency.bounds();
        // Most polls find nothing: a read tells, without the writers' queue.
        let due = args![kind, at, least, most];
        if self.db.row(ANY_DUE, due).await?.is_none() {
            return Ok(None);
        }
        let mut tx = self.db.begin().await?;
        let sql = if tx.has_row_locks() {
            TAKE_SKIP_LOCKED
        } else {
            TAKE
        };
        let worker = format!("{worker}{AT_NODE}{}", self.node);
        let args = args![kind, at, worker, at + lease, least, most];
        let row = tx.row(sql, args).await?;
        let job = row.as_ref().map(job_from).transpose()?;
        tx.commit().await?;
        Ok(job)
    }

    /// Ends the leases that this node's former process held: nobody is left to finish those jobs. Other
    /// nodes' jobs are left to them.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn end_own_leases(&self, at: Timestamp) -> Result<u32, Error> {
        let mut tx = self.db.begin().await?;
        let running = tx
            .rows(
                "SELECT id, worker FROM jobs WHERE state = 'running' AND lease_until > $1",
                args![at],
            )
            .await?;
        let mut ended = 0;
        for row in &running {
            let (id, worker) = (row.text("id")?, row.text("worker")?);
            let node = worker.split_once(AT_NODE).map(|(_, node)| node);
            if node == Some(self.node.as_str()) {
                tx.run(
                    "UPDATE jobs SET lease_until = $2 WHERE id = $1 AND state = 'running'",
                    args![&id, at],
                )
                .await?;
                ended += 1;
            }
        }
        tx.commit().await?;
        Ok(ended)
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

    async fn on_lease(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let changed = tx.run(sql, args).await?;
        tx.commit().await?;
        Ok(changed > 0)
    }
}

/// Between a worker's name, which does not hold it, and its node's.
const AT_NODE: char = '@';

const ANY_DUE: &str = "SELECT id FROM jobs WHERE kind = $1 AND priority BETWEEN $3 AND $4
    AND ((state = 'queued' AND run_at <= $2) OR (state = 'running' AND lease_until <= $2)) LIMIT 1";

const ANY_LOST: &str = "SELECT id FROM jobs WHERE kind = $1 AND state = 'running'
    AND lease_until <= $2 AND attempts >= max_attempts LIMIT 1";

macro_rules! take {
    ($lock:literal) => {
        concat!(
            "UPDATE jobs SET state = 'running', worker = $3, lease_until = $4, attempts = attempts + 1
             WHERE id = (
                SELECT j.id FROM jobs j
                WHERE j.kind = $1 AND j.priority BETWEEN $5 AND $6
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

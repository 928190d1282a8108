//! The queue as people see and tend it: jobs listed, tried again, dropped.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    DELIVER, Error, Store,
    db::{Row, Tx, args},
    deliveries,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Queued,
    Running,
    Done,
    /// It failed for the last time.
    Dead,
}

impl JobState {
    const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Done, Self::Dead];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for JobState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|s| s.as_str() == text);
        found.ok_or_else(|| "a state is queued, running, done or dead".into())
    }
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Job)]
pub struct QueuedJob {
    pub id: String,
    pub kind: String,
    /// What it is about: a call's id, a delivery's, a recording's.
    pub key: String,
    pub state: JobState,
    pub attempts: u32,
    pub max_attempts: u32,
    pub run_at: Timestamp,
    pub lease_until: Option<Timestamp>,
    /// Who holds it, or held it last.
    pub worker: Option<String>,
    /// Why it failed or waits.
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// Which jobs a page lists, newest first.
#[derive(Debug, Clone, Default)]
pub struct WhichJobs {
    pub kind: Option<String>,
    pub state: Option<JobState>,
}

impl Store {
    /// At most `limit` jobs after the one that `after` names, newest first, and where the next page
    /// begins.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queued_jobs(
        &self,
        which: &WhichJobs,
        after: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<QueuedJob>, Option<String>), Error> {
        // A text for the index by state.
        let sql = if which.state.is_some() {
            "SELECT * FROM jobs WHERE ($1 IS NULL OR kind = $1) AND state = $2
                AND ($3 IS NULL OR id < $3) ORDER BY id DESC LIMIT $4"
        } else {
            "SELECT * FROM jobs WHERE ($1 IS NULL OR kind = $1) AND $2 IS NULL
                AND ($3 IS NULL OR id < $3) ORDER BY id DESC LIMIT $4"
        };
        let rows = self
            .db
            .rows(
                sql,
                args![
                    which.kind.as_deref(),
                    which.state.map(JobState::as_str),
                    after,
                    i64::from(limit) + 1,
                ],
            )
            .await?;
        let mut page = rows
            .iter()
            .map(queued_from)
            .collect::<Result<Vec<_>, _>>()?;
        let more = page.len() > limit as usize;
        page.truncate(limit as usize);
        let next = page.last().filter(|_| more).map(|last| last.id.clone());
        Ok((page, next))
    }

    /// # Errors
    /// When the database fails.
    pub async fn queued_job(&self, id: &str) -> Result<Option<QueuedJob>, Error> {
        let row = self
            .db
            .row("SELECT * FROM jobs WHERE id = $1", args![id])
            .await?;
        row.as_ref().map(queued_from).transpose()
    }

    /// Makes a dead or waiting job due at once, with all its attempts before it.
    ///
    /// # Errors
    /// When the database fails, the job is not there, it runs or is done, or another one of its kind
    /// and key waits.
    pub async fn retry_job(&self, id: &str, at: Timestamp) -> Result<QueuedJob, Error> {
        let mut tx = self.db.begin().await?;
        let row = tx
            .row(
                "UPDATE jobs SET state = 'queued', run_at = $2, attempts = 0, lease_until = NULL,
                    finished_at = NULL
                 WHERE id = $1 AND state IN ('queued', 'dead') AND NOT EXISTS
                    (SELECT 1 FROM jobs o WHERE o.kind = jobs.kind AND o.job_key = jobs.job_key
                        AND o.state = 'queued' AND o.id <> jobs.id)
                 RETURNING *",
                args![id, at],
            )
            .await?;
        let Some(row) = row else {
            return Err(refused(&mut tx, id, "tried again").await);
        };
        tx.commit().await?;
        queued_from(&row)
    }

    /// Removes a job that does not run. The delivery of a `deliver` job is given up with it.
    ///
    /// # Errors
    /// When the database fails, the job is not there, or it runs.
    pub async fn drop_job(&self, id: &str, at: Timestamp) -> Result<QueuedJob, Error> {
        let mut tx = self.db.begin().await?;
        let row = tx
            .row(
                "DELETE FROM jobs WHERE id = $1 AND (state <> 'running' OR lease_until <= $2)
                 RETURNING *",
                args![id, at],
            )
            .await?;
        let Some(row) = row else {
            return Err(refused(&mut tx, id, "dropped").await);
        };
        let job = queued_from(&row)?;
        if job.kind == DELIVER {
            deliveries::bury(&mut tx, &job.key, "its job was dropped").await?;
        }
        tx.commit().await?;
        Ok(job)
    }
}

/// Why nothing was done.
async fn refused(tx: &mut Tx, id: &str, what: &str) -> Error {
    let found = tx
        .row("SELECT state FROM jobs WHERE id = $1", args![id])
        .await;
    let state = match found {
        Ok(Some(row)) => row.parsed::<JobState>("state"),
        Ok(None) => return Error::NoJob(id.into()),
        Err(error) => return error,
    };
    match state {
        Ok(JobState::Queued | JobState::Dead) => Error::Refused(format!(
            "the job is not {what}: another one of its kind and key waits already"
        )),
        Ok(JobState::Running) => Error::Refused(format!("a running job is not {what}")),
        Ok(JobState::Done) => Error::Refused(format!("a job that is done is not {what}")),
        Err(error) => error,
    }
}

pub(super) fn queued_from(row: &Row) -> Result<QueuedJob, Error> {
    Ok(QueuedJob {
        id: row.text("id")?,
        kind: row.text("kind")?,
        key: row.text("job_key")?,
        state: row.parsed("state")?,
        attempts: row.count("attempts")?,
        max_attempts: row.count("max_attempts")?,
        run_at: row.time("run_at")?,
        lease_until: row.maybe_time("lease_until")?,
        worker: row.maybe_text("worker")?,
        last_error: row.maybe_text("last_error")?,
        created_at: row.time("created_at")?,
        finished_at: row.maybe_time("finished_at")?,
    })
}

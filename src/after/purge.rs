//! Once a day: recordings whose time is up, and jobs long done.

use std::time::Duration;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Context, Job, Trouble};
use crate::{
    recordings::retention,
    store::{Error, NewJob},
    tasks,
};

const DAY: Duration = Duration::from_hours(24);

/// Deletes recordings older than the configured days and marks their rows; forgets old finished jobs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Purge {}

impl Purge {
    /// Queues the first one, unless one waits already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn schedule(context: &Context) -> Result<(), Error> {
        let now = context.clock.wall();
        let first = Self::due(now);
        context.store.enqueue_if_none(&first, now).await.map(drop)
    }

    async fn tomorrow(context: &Context) -> Result<(), Error> {
        let now = context.clock.wall();
        let next = Self::due(now + DAY);
        context.store.enqueue(&next, now).await.map(drop)
    }

    fn due(run_at: Timestamp) -> NewJob {
        NewJob {
            kind: Self::KIND,
            key: "daily".into(),
            payload: serde_json::json!({}),
            priority: 0,
            run_at,
            max_attempts: 5,
        }
    }
}

impl Job for Purge {
    const KIND: &'static str = "purge";

    async fn run(&self, context: &Context, _stop: &CancellationToken) -> Result<(), Trouble> {
        let now = context.clock.wall();
        let (folder, days) = (context.recordings.clone(), context.retention_days);
        let deleted = tasks::blocking("purge", move || retention::purge(&folder, days, now))
            .await
            .context("the purge died")?
            .context("the folder of recordings cannot be listed")?;
        let marked = context.store.record_deleted(&deleted.files).await?;
        for (path, error) in &deleted.kept {
            tracing::warn!(path = %path.display(), %error, "an old recording cannot be deleted");
        }
        let days = i64::from(context.options.keep_jobs_days);
        let forgotten = context
            .store
            .forget_jobs(now - SignedDuration::from_hours(24 * days))
            .await?;
        metrics::counter!("callscribe_recordings_purged_total").increment(marked);
        tracing::info!(
            files = deleted.files.len(),
            recordings = marked,
            jobs = forgotten,
            "old data deleted"
        );
        Self::tomorrow(context).await?;
        Ok(())
    }

    /// A bad day does not end the days.
    async fn given_up(&self, context: &Context, _reason: &str) {
        if let Err(error) = Self::tomorrow(context).await {
            tracing::error!(%error, "the next purge cannot be queued: the next start does it");
        }
    }
}

//! Once a day: recordings whose time is up, and jobs long done.

use anyhow::Context as _;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Context, Job, Trouble, daily};
use crate::{recordings::retention, tasks};

/// Deletes recordings older than the configured days and marks their rows; forgets old finished jobs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Purge {}

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
        daily::tomorrow(context, Self::KIND).await?;
        Ok(())
    }

    async fn given_up(&self, context: &Context, _reason: &str) {
        daily::tomorrow_all_the_same(context, Self::KIND).await;
    }
}

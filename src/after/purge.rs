//! Once a day: recordings, downloads and words whose time is up, and jobs long done.

use anyhow::Context as _;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Context, Job, Trouble, daily};
use crate::{recordings::retention, tasks};

/// Deletes recordings older than the configured days and marks their rows; deletes old downloads and, where
/// that is asked for, old transcripts; forgets old finished jobs.
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
        let downloads = purge_downloads(context).await?;
        let silenced = forget_words(context).await?;
        let days = i64::from(context.options.keep_jobs_days);
        let forgotten = context
            .store
            .forget_jobs(now - SignedDuration::from_hours(24 * days))
            .await?;
        let deeds = forget_deeds(context).await?;
        daily::adopt_downloads(context).await;
        metrics::counter!("callscribe_recordings_purged_total").increment(marked);
        tracing::info!(
            files = deleted.files.len(),
            recordings = marked,
            downloads,
            transcripts = silenced,
            jobs = forgotten,
            deeds,
            "old data deleted"
        );
        daily::tomorrow(context, Self::KIND).await?;
        Ok(())
    }

    async fn given_up(&self, context: &Context, _reason: &str) {
        daily::tomorrow_all_the_same(context, Self::KIND).await;
    }
}

async fn purge_downloads(context: &Context) -> Result<u64, Trouble> {
    let (folder, now) = (context.recordings.clone(), context.clock.wall());
    let days = context.fetcher.options().keep_days;
    let gone = tasks::blocking("purge downloads", move || {
        retention::purge_downloads(&folder, days, now)
    });
    let gone = gone.await.context("the purge of downloads died")?;
    Ok(gone.context("the folder of downloads cannot be listed")?)
}

async fn forget_deeds(context: &Context) -> Result<u64, Trouble> {
    let days = i64::from(context.options.keep_audit_days);
    if days == 0 {
        return Ok(0);
    }
    let before = context.clock.wall() - SignedDuration::from_hours(24 * days);
    Ok(context.store.forget_deeds(before).await?)
}

async fn forget_words(context: &Context) -> Result<u32, Trouble> {
    let days = i64::from(context.options.keep_transcripts_days);
    if days == 0 {
        return Ok(0);
    }
    let before = context.clock.wall() - SignedDuration::from_hours(24 * days);
    Ok(context.store.forget_words(before).await?)
}

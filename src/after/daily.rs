//! Jobs that run once a day: the first by the start of the process, each by the one before it.

use std::time::Duration;

use jiff::Timestamp;

use super::Context;
use crate::store::{Error, NewJob};

const DAY: Duration = Duration::from_hours(24);

/// Queues the first one of a kind, unless one waits already.
///
/// # Errors
/// When the database fails.
pub(super) async fn schedule(context: &Context, kind: &'static str) -> Result<(), Error> {
    let now = context.clock.wall();
    let first = due(kind, now);
    context.store.enqueue_if_none(&first, now).await.map(drop)
}

/// Queues tomorrow's. A bad day does not end the days: jobs that are given up call it as well.
///
/// # Errors
/// When the database fails; the next start of the process queues one.
pub(super) async fn tomorrow(context: &Context, kind: &'static str) -> Result<(), Error> {
    let now = context.clock.wall();
    let next = due(kind, now + DAY);
    context.store.enqueue(&next, now).await.map(drop)
}

pub(super) async fn tomorrow_all_the_same(context: &Context, kind: &'static str) {
    if let Err(error) = tomorrow(context, kind).await {
        tracing::error!(%error, kind, "tomorrow's job cannot be queued: the next start does it");
    }
}

/// Recordings of the provider's whose job a crash took get another, or are given up.
pub(super) async fn adopt_downloads(context: &Context) {
    let now = context.clock.wall();
    match context.store.adopt_forgotten_downloads(now).await {
        Ok(0) => {}
        Ok(adopted) => tracing::warn!(adopted, "recordings that no job was to fetch"),
        Err(error) => tracing::error!(%error, "recordings without a job cannot be looked for"),
    }
}

fn due(kind: &'static str, run_at: Timestamp) -> NewJob {
    NewJob {
        kind,
        key: "daily".into(),
        payload: serde_json::json!({}),
        priority: 0,
        run_at,
        max_attempts: 5,
    }
}

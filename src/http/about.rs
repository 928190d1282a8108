//! What the pages about the server itself show: since when it runs, with which models, what its
//! recordings take of the disk, and its figures over the last hour.

use std::{
    io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::figures::Figures;
use crate::{
    recordings::usage::{Usage, usage},
    tasks,
    time::Clock,
};

/// For so long a look at the folder of recordings is good enough.
const USAGE_FOR: Duration = Duration::from_secs(60);
/// Between two looks at the figures.
const SAMPLE_EVERY: Duration = Duration::from_secs(10);

/// The server itself.
pub struct About {
    pub(super) started_at: Timestamp,
    /// What is loaded, and for what: `("live words", "tiny.en")`.
    pub(super) models: Vec<(&'static str, String)>,
    /// Days for which recordings are kept, and after which they are archived; 0 is for ever, and never.
    pub(super) retention_days: u32,
    pub(super) archive_days: u32,
    pub(super) figures: Figures,
    clock: Clock,
    folder: PathBuf,
    /// Held while the folder is listed: whoever comes meanwhile waits for that one listing.
    usage: Mutex<Option<(Instant, Arc<Usage>)>>,
}

impl About {
    /// Of a server that starts now.
    #[must_use]
    pub fn new(
        clock: Clock,
        recordings: &crate::recordings::Options,
        models: Vec<(&'static str, String)>,
    ) -> Self {
        Self {
            started_at: clock.wall(),
            models,
            retention_days: recordings.retention_days,
            archive_days: recordings.archive_days,
            figures: Figures::default(),
            clock,
            folder: recordings.folder.clone(),
            usage: Mutex::default(),
        }
    }

    /// What the recordings took of the disk a minute ago at most.
    pub(super) async fn usage(&self) -> io::Result<Arc<Usage>> {
        let mut kept = self.usage.lock().await;
        let now = self.clock.now();
        if let Some((at, usage)) = &*kept
            && now.saturating_duration_since(*at) < USAGE_FOR
        {
            return Ok(Arc::clone(usage));
        }
        let folder = self.folder.clone();
        let counted = tasks::blocking("usage", move || usage(&folder)).await;
        let fresh = Arc::new(counted.map_err(io::Error::other)??);
        *kept = Some((now, Arc::clone(&fresh)));
        Ok(fresh)
    }

    /// The next look counts anew.
    pub(super) async fn forget_usage(&self) {
        *self.usage.lock().await = None;
    }

    /// Notes the figures again and again, until the end of the process.
    pub async fn watch(
        self: Arc<Self>,
        metrics: impl Fn() -> String + Send,
        closing: CancellationToken,
    ) {
        let mut every = tokio::time::interval(SAMPLE_EVERY);
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                _ = every.tick() => self.note(&metrics()),
            }
        }
    }

    /// Notes the figures as `/metrics` has them right now.
    pub fn note(&self, metrics: &str) {
        self.figures.note(self.clock.wall(), metrics);
    }
}

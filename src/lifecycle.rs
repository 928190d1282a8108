//! Start, drain and stop of the process.
//!
//! The first SIGTERM or SIGINT begins a drain: not ready, new streams refused, calls go on to their end
//! or to the deadline, whichever is first; then their recordings are closed and jobs are left to the
//! next start. A second signal stops at once: recordings are valid up to the last half second anyway,
//! and the next start finishes what is left.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::tasks;

/// What the rest of the process watches.
#[derive(Clone, Default)]
pub struct Lifecycle {
    /// Cancelled when draining begins.
    pub draining: CancellationToken,
    /// Cancelled when calls must end now.
    pub deadline: CancellationToken,
    /// Every call in progress; empty means that the drain is done.
    pub calls: TaskTracker,
}

impl Lifecycle {
    /// Listens for signals; the task ends with the process.
    ///
    /// # Errors
    /// When the system refuses a signal handler.
    pub fn listen(&self, grace: Duration) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let this = self.clone();
        tasks::spawn("signals", async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            tracing::info!(
                grace_s = grace.as_secs(),
                calls = this.calls.len(),
                "draining: a second signal stops at once"
            );
            this.drain(grace);
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            tracing::warn!(calls = this.calls.len(), "stopped by a second signal");
            std::process::exit(130);
        });
        Ok(())
    }

    /// Begins the drain; calls that outlast `grace` are ended.
    pub fn drain(&self, grace: Duration) {
        self.draining.cancel();
        self.calls.close();
        let this = self.clone();
        tasks::spawn("drain deadline", async move {
            tokio::select! {
                () = this.calls.wait() => {}
                () = tokio::time::sleep(grace) => {
                    tracing::warn!(calls = this.calls.len(), "drain deadline: ending the calls that are left");
                }
            }
            this.deadline.cancel();
        });
    }
}

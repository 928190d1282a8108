//! Tasks and threads with names, so that a panic and a profile say whose they are. The bare spawns are
//! banned by `.clippy.toml`.

use std::{future::Future, io, thread};

use tokio::task::JoinHandle;
use tracing::Instrument;

/// Spawns a task inside a span of its name.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper")]
pub fn spawn<F>(name: &'static str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.instrument(tracing::debug_span!("task", name)))
}

/// Runs blocking work (files, decoding) off the async threads.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper")]
pub fn blocking<F, T>(name: &'static str, work: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let span = tracing::debug_span!("blocking", name);
    tokio::task::spawn_blocking(move || span.in_scope(work))
}

/// Starts an OS thread; `name` is cut to the 15 bytes that Linux shows.
///
/// # Errors
/// When the system refuses another thread.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper")]
pub fn thread<F>(name: &str, work: F) -> io::Result<thread::JoinHandle<()>>
where
    F: FnOnce() + Send + 'static,
{
    thread::Builder::new()
        .name(name.chars().take(15).collect())
        .spawn(work)
}

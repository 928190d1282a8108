//! Tasks and threads with names, so that a panic and a profile say whose they are. The bare spawns are
//! banned by `.clippy.toml`.

use std::{future::Future, io, thread};

use tokio::task::JoinHandle;
use tracing::Instrument;

/// Behind speech, whose threads have 5 unless told otherwise, and not so far that a busy machine never gets to it.
const ASIDE: i32 = 10;

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

/// Runs long work that nobody on the telephone waits for: what comes after a call, or has come by itself.
/// Its thread stands behind those of speech. Without a thread it fails as if it had panicked.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper")]
pub fn aside<F, T>(name: &'static str, work: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    blocking(name, move || {
        let span = tracing::Span::current();
        let stand_back = move || {
            // Where it may not, it is as it would be otherwise.
            let _ = rustix::process::nice(ASIDE);
            span.in_scope(work)
        };
        let thread = thread::Builder::new().name(name.chars().take(15).collect());
        match thread.spawn(stand_back).map(thread::JoinHandle::join) {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => std::panic::resume_unwind(Box::new(error.to_string())),
        }
    })
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

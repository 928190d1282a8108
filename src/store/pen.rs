//! The live path's pen: committed text is put down without waiting and written in batches.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::{Error, LiveSegment, Store, StreamKey};
use crate::{ids::Track, tasks};

/// Utterances that wait for the database. A further state of one that waits takes its place; beyond
/// this many, new ones are dropped and counted: the final pass hears them again.
const MOST_WAITING: usize = 10_000;
/// Written by one transaction, so that no writer holds the database for long.
const BATCH: usize = 256;
/// Text waits this long for company.
const GATHER: Duration = Duration::from_millis(100);
/// Between tries while the database fails.
const RETRY: Duration = Duration::from_secs(1);

/// Takes committed live text from any number of calls. Cheap to clone.
#[derive(Clone)]
pub struct Pen(Arc<Shared>);

struct Shared {
    page: Mutex<Page>,
    put_down: Notify,
    closing: CancellationToken,
    /// How many segments were put down before the last batch that was written.
    written: watch::Sender<u64>,
}

#[derive(Default)]
struct Page {
    waiting: BTreeMap<Key, LiveSegment>,
    put_down: u64,
}

type Key = (StreamKey, Track, u64);

impl Pen {
    /// Starts the task that writes.
    #[must_use]
    pub fn start(store: Store) -> Self {
        let pen = Self(Arc::new(Shared {
            page: Mutex::default(),
            put_down: Notify::new(),
            closing: CancellationToken::new(),
            written: watch::Sender::new(0),
        }));
        drop(tasks::spawn("pen", write_all(store, pen.clone())));
        pen
    }

    /// Puts down an utterance as far as it is committed. Never waits.
    pub fn put(&self, segment: LiveSegment) {
        let mut page = self.page();
        let key = key_of(&segment);
        if page.waiting.len() >= MOST_WAITING && !page.waiting.contains_key(&key) {
            metrics::counter!("callscribe_store_segments_dropped_total").increment(1);
            return;
        }
        page.waiting.insert(key, segment);
        page.put_down += 1;
        drop(page);
        self.0.put_down.notify_one();
    }

    /// Waits until all that was put down before is written, as long as the pen writes at all.
    pub async fn flush(&self) {
        let goal = self.page().put_down;
        let mut written = self.0.written.subscribe();
        // An error says that the writer is gone; there is nothing left to wait for.
        let _ = written.wait_for(|written| *written >= goal).await;
    }

    /// Writes what waits, once, and stops.
    pub async fn close(&self) {
        self.0.closing.cancel();
        self.0.put_down.notify_one();
        let mut written = self.0.written.subscribe();
        let _ = written.wait_for(|written| *written == u64::MAX).await;
    }

    fn page(&self) -> std::sync::MutexGuard<'_, Page> {
        self.0.page.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that waits, and the count that is written with it.
    fn take(&self) -> (Vec<LiveSegment>, u64) {
        let mut page = self.page();
        let waiting = std::mem::take(&mut page.waiting);
        (waiting.into_values().collect(), page.put_down)
    }

    /// What could not be written waits on, unless it is outdated by now.
    fn put_back(&self, batch: Vec<LiveSegment>) {
        let mut page = self.page();
        for segment in batch {
            page.waiting.entry(key_of(&segment)).or_insert(segment);
        }
    }
}

fn key_of(live: &LiveSegment) -> Key {
    (live.stream.clone(), live.segment.track, live.utterance)
}

async fn write_all(store: Store, pen: Pen) {
    loop {
        let is_last = pen.0.closing.is_cancelled();
        let (waiting, put_down) = pen.take();
        let is_idle = waiting.is_empty();
        match write(&store, waiting).await {
            Ok(()) => {
                pen.0.written.send_replace(put_down);
            }
            Err((error, rest)) => {
                metrics::counter!("callscribe_store_errors_total").increment(1);
                tracing::error!(%error, segments = rest.len(), "live text cannot be written");
                pen.put_back(rest);
                if !is_last {
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
            }
        }
        if is_last {
            break;
        }
        if is_idle {
            pen.0.put_down.notified().await;
        }
        let _ = tokio::time::timeout(GATHER, pen.0.closing.cancelled()).await;
    }
    pen.0.written.send_replace(u64::MAX);
}

/// Writes in batches; gives back what is left when the database fails.
async fn write(
    store: &Store,
    mut waiting: Vec<LiveSegment>,
) -> Result<(), (Error, Vec<LiveSegment>)> {
    while !waiting.is_empty() {
        let batch = &waiting[..waiting.len().min(BATCH)];
        let written = match store.append_segments(batch).await {
            Err(error) if error.is_refusal() => write_singly(store, batch).await,
            done => done,
        };
        match written {
            Ok(()) => drop(waiting.drain(..waiting.len().min(BATCH))),
            Err(error) => return Err((error, waiting)),
        }
    }
    Ok(())
}

/// One that the database refuses (its call was deleted meanwhile) must not hold up the others.
async fn write_singly(store: &Store, batch: &[LiveSegment]) -> Result<(), Error> {
    for segment in batch {
        match store.append_segments(std::slice::from_ref(segment)).await {
            Err(error) if error.is_refusal() => {
                metrics::counter!("callscribe_store_segments_dropped_total").increment(1);
                let call = &segment.stream.call;
                tracing::warn!(%call, %error, "live text of a call that is not there");
            }
            done => done?,
        }
    }
    Ok(())
}

//! One bounded log of events, read by any number of readers at their own pace.
//!
//! Who publishes wakes one task, the log's crier, and that one wakes the readers: five hundred of them take
//! a quarter of a millisecond to wake, which is no business of the call's own stream.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use metrics::counter;
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
};

use super::event::Entry;
use crate::tasks;

/// An event with its id.
#[derive(Debug)]
pub struct Logged<E> {
    pub id: u64,
    pub event: E,
    json: OnceLock<Box<str>>,
}

impl<E: Entry> Logged<E> {
    /// The event as JSON; written once, however many viewers there are.
    pub fn json(&self) -> &str {
        self.json.get_or_init(|| {
            // An event has string keys and finite numbers only, so it always serialises.
            serde_json::to_string(&self.event)
                .unwrap_or_default()
                .into_boxed_str()
        })
    }

    pub fn name(&self) -> &'static str {
        self.event.name()
    }
}

/// What a viewer gets next.
#[derive(Debug)]
pub enum Next<E: Entry> {
    /// Start over: read what is stored, add this, and expect the events after `position`.
    Snapshot {
        position: u64,
        view: E::View,
    },
    Event(Arc<Logged<E>>),
    /// The log is gone; ask for it anew.
    Gone,
}

pub(super) struct Log<E: Entry> {
    ring: Mutex<Ring<E>>,
    /// Told of every change; the crier waits on it.
    pushed: Arc<Notify>,
    /// Whether there is a crier.
    cried: AtomicBool,
    /// Bumped after changes; readers wait on it.
    changed: watch::Sender<()>,
}

impl<E: Entry> Drop for Log<E> {
    fn drop(&mut self) {
        // The crier looks up and finds nothing.
        self.pushed.notify_one();
    }
}

async fn cry<E: Entry>(log: Weak<Log<E>>, pushed: Arc<Notify>) {
    loop {
        pushed.notified().await;
        let Some(log) = log.upgrade() else { return };
        log.changed.send_replace(());
    }
}

struct Ring<E: Entry> {
    kept: VecDeque<Arc<Logged<E>>>,
    capacity: usize,
    newest: u64,
    /// The newest id that is kept no longer: who has not seen it cannot resume.
    lost: u64,
    view: E::View,
    closed: bool,
}

impl<E: Entry> Log<E> {
    /// An empty log whose first event will be `first + 1`.
    pub(super) fn new(first: u64, capacity: usize) -> Self {
        let ring = Ring {
            kept: VecDeque::new(),
            capacity: capacity.max(1),
            newest: first,
            lost: first,
            view: E::View::default(),
            closed: false,
        };
        Self {
            ring: Mutex::new(ring),
            pushed: Arc::default(),
            cried: AtomicBool::new(false),
            changed: watch::Sender::new(()),
        }
    }

    pub(super) fn push(&self, event: E) {
        self.lock().push(event);
        self.pushed.notify_one();
    }

    /// Readers get [`Next::Gone`] once they have read what is left.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.pushed.notify_one();
    }

    /// Sees to it that somebody will wake who waits here.
    fn await_cries(self: &Arc<Self>) {
        if self.cried.load(Ordering::Relaxed) || Handle::try_current().is_err() {
            return;
        }
        if !self.cried.swap(true, Ordering::Relaxed) {
            let crier = cry(Arc::downgrade(self), Arc::clone(&self.pushed));
            drop(tasks::spawn("crier", crier));
        }
    }

    /// The newest id, and what is remembered with it.
    pub(super) fn view(&self) -> (u64, E::View) {
        let ring = self.lock();
        (ring.newest, ring.view.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Ring<E>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Entry> Ring<E> {
    fn push(&mut self, event: E) {
        event.fold(&mut self.view);
        // What this makes useless is near the end: an utterance's partials come one after the other.
        let superseded = self
            .kept
            .iter()
            .rposition(|old| event.supersedes(&old.event));
        if let Some(at) = superseded {
            self.kept.remove(at);
        }
        if self.kept.len() == self.capacity
            && let Some(oldest) = self.kept.pop_front()
        {
            self.lost = oldest.id;
        }
        self.newest += 1;
        self.kept.push_back(Arc::new(Logged {
            id: self.newest,
            event,
            json: OnceLock::new(),
        }));
    }

    fn can_resume(&self, seen: u64) -> bool {
        (self.lost..=self.newest).contains(&seen)
    }
}

pub(super) struct Reader<E: Entry> {
    log: Arc<Log<E>>,
    changed: watch::Receiver<()>,
    /// The last event that the viewer has; `None` asks for a snapshot.
    seen: Option<u64>,
}

impl<E: Entry> Reader<E> {
    pub(super) fn new(log: Arc<Log<E>>, last_event_id: Option<u64>) -> Self {
        let changed = log.changed.subscribe();
        Self {
            log,
            changed,
            seen: last_event_id,
        }
    }

    pub(super) async fn next(&mut self) -> Next<E> {
        loop {
            self.changed.borrow_and_update();
            if let Some(next) = self.ready() {
                return next;
            }
            self.log.await_cries();
            if self.changed.changed().await.is_err() {
                return Next::Gone;
            }
        }
    }

    fn ready(&mut self) -> Option<Next<E>> {
        let ring = self.log.lock();
        let Some(seen) = self.seen.filter(|&seen| ring.can_resume(seen)) else {
            if self.seen.is_some() {
                counter!("callscribe_viewer_resyncs_total").increment(1);
            }
            self.seen = Some(ring.newest);
            return Some(Next::Snapshot {
                position: ring.newest,
                view: ring.view.clone(),
            });
        };
        let at = ring.kept.partition_point(|event| event.id <= seen);
        if let Some(event) = ring.kept.get(at) {
            self.seen = Some(event.id);
            return Some(Next::Event(Arc::clone(event)));
        }
        ring.closed.then_some(Next::Gone)
    }
}

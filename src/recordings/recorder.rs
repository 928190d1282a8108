//! The process's recorder: one thread that writes for all tapes.

use std::{
    collections::{HashMap, HashSet},
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{
    Options, name,
    reel::{Reel, Scratch},
    tape::{STOPPED, Shared, Spec, Tape},
};
use crate::{tasks, time::Clock};

/// How often every tape is written: the promise is that a crash loses under a second.
const SWEEP: Duration = Duration::from_millis(400);

/// Opens tapes; cheap to clone.
#[derive(Debug, Clone)]
pub struct Recorder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    queue: Arc<Queue>,
    next_id: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Recorder {
    /// Starts the writer's thread. Call [`super::recover`] on the folder before.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(options: Options, clock: Clock) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let writer = Writer::new(options.clone(), Arc::clone(&queue), clock);
        let thread = tasks::thread("recorder", move || writer.run())?;
        Ok(Self(Arc::new(Inner {
            options,
            queue,
            next_id: AtomicU64::new(0),
            thread: Mutex::new(Some(thread)),
        })))
    }

    /// Opens a tape. The file appears within half a second; where it cannot, the tape says so.
    #[must_use]
    pub fn open(&self, spec: &Spec) -> Tape {
        let inner = &self.0;
        let id = inner.next_id.fetch_add(1, Ordering::Relaxed);
        let stem = inner.queue.reserve(spec);
        let path = name::part_path(&inner.options.folder, &stem, 1);
        let shared = Shared::new(id, spec.clone(), inner.options.buffer_samples(), path);
        let shared = Arc::new(shared);
        inner.queue.open(Opened {
            shared: Arc::clone(&shared),
            stem,
        });
        Tape::new(shared, Arc::clone(&inner.queue))
    }

    /// Writes what every tape holds, closes all of them (open ones as interrupted) and ends the thread.
    /// Blocks until that is done.
    pub fn shutdown(&self) {
        self.0.queue.stop();
        let thread = self
            .0
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the recorder's thread had panicked");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.stop();
    }
}

/// Orders to the writer. Bounded by the number of open tapes.
#[derive(Debug, Default)]
pub(super) struct Queue {
    orders: Mutex<Orders>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Orders {
    opened: Vec<Opened>,
    closing: Vec<u64>,
    /// Names that open tapes have, or will have.
    stems: HashSet<String>,
    stop: bool,
    /// The writer is gone, and takes no more orders.
    stopped: bool,
}

#[derive(Debug)]
struct Opened {
    shared: Arc<Shared>,
    stem: String,
}

impl Queue {
    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A name that no open tape has.
    fn reserve(&self, spec: &Spec) -> String {
        let mut orders = self.orders();
        for attempt in 0.. {
            let stem = name::stem(
                spec.speaker.as_deref(),
                spec.track,
                &spec.stream_sid,
                spec.started,
                attempt,
            );
            if orders.stems.insert(stem.clone()) {
                return stem;
            }
        }
        unreachable!("attempts are not exhausted by open tapes")
    }

    fn open(&self, opened: Opened) {
        let mut orders = self.orders();
        if orders.stopped {
            opened.too_late();
        } else {
            orders.opened.push(opened);
            self.wake.notify_one();
        }
    }

    /// Whether there is a writer that will close the tape.
    pub(super) fn close(&self, id: u64) -> bool {
        let mut orders = self.orders();
        if !orders.stopped {
            orders.closing.push(id);
            self.wake.notify_one();
        }
        !orders.stopped
    }

    fn stop(&self) {
        self.orders().stop = true;
        self.wake.notify_one();
    }

    /// Waits for orders, at most `timeout`, or for ever.
    fn wait(&self, timeout: Option<Duration>) -> Orders {
        let mut orders = self.orders();
        let idle = |orders: &mut Orders| {
            orders.opened.is_empty() && orders.closing.is_empty() && !orders.stop
        };
        orders = match timeout {
            None => self
                .wake
                .wait_while(orders, idle)
                .unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                let woken = self.wake.wait_timeout_while(orders, timeout, idle);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        Orders {
            opened: std::mem::take(&mut orders.opened),
            closing: std::mem::take(&mut orders.closing),
            stop: orders.stop,
            ..Orders::default()
        }
    }

    /// No tape can wait for this writer any more.
    fn give_up(&self) {
        let last = Orders {
            stop: true,
            stopped: true,
            ..Orders::default()
        };
        let orders = std::mem::replace(&mut *self.orders(), last);
        orders.opened.iter().for_each(Opened::too_late);
    }
}

impl Opened {
    fn too_late(&self) {
        let failed = STOPPED.to_owned();
        self.shared
            .fail(&mut self.shared.inbox(), "stopped", failed);
        self.shared.abandon();
    }
}

/// The thread's state.
struct Writer {
    options: Options,
    queue: Arc<Queue>,
    clock: Clock,
    reels: HashMap<u64, Reel>,
    scratch: Scratch,
    sweeps: u64,
}

impl Writer {
    fn new(options: Options, queue: Arc<Queue>, clock: Clock) -> Self {
        Self {
            options,
            queue,
            clock,
            reels: HashMap::new(),
            scratch: Scratch::default(),
            sweeps: 0,
        }
    }

    fn run(mut self) {
        let _guard = GiveUp(Arc::clone(&self.queue));
        let mut due = self.clock.now() + SWEEP;
        loop {
            let timeout = due.saturating_duration_since(self.clock.now());
            let orders = self.queue.wait((!self.reels.is_empty()).then_some(timeout));
            let stop = orders.stop;
            self.obey(orders);
            let now = self.clock.now();
            if now >= due {
                self.sweep(now);
                due = self.clock.now() + SWEEP;
            }
            if stop {
                self.finish_all();
                return;
            }
        }
    }

    fn obey(&mut self, orders: Orders) {
        for Opened { shared, stem } in orders.opened {
            let reel = Reel::start(&self.options, shared, stem);
            self.reels.insert(reel.id(), reel);
        }
        for id in orders.closing {
            if let Some(reel) = self.reels.remove(&id) {
                self.finish(reel);
            }
        }
        metrics::gauge!("callscribe_recordings_open").set(count(self.reels.len()));
    }

    fn sweep(&mut self, start: Instant) {
        self.sweeps += 1;
        for reel in self.reels.values_mut() {
            reel.sweep(&mut self.scratch, self.sweeps);
        }
        let took = self.clock.now().saturating_duration_since(start);
        metrics::histogram!("callscribe_recording_sweep_seconds").record(took.as_secs_f64());
    }

    fn finish(&mut self, reel: Reel) {
        self.queue.orders().stems.remove(reel.reserved());
        reel.finish(&mut self.scratch, self.clock.wall());
    }

    fn finish_all(&mut self) {
        let orders = self.queue.wait(Some(Duration::ZERO));
        self.obey(orders);
        for (_, reel) in std::mem::take(&mut self.reels) {
            self.finish(reel);
        }
    }
}

/// Frees whoever waits when the thread ends, by a panic too.
struct GiveUp(Arc<Queue>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of files")]
const fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;

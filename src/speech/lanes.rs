//! The worker threads that own the engine's sessions. One thread of whisper each: two states of one
//! thread do about twice the work of one state of two, and under load a state of two threads stands
//! still (ggml spins at its barriers).
//!
//! Live tracks and post-call passes share the workers ([`queue`]); when live looks wait for too long,
//! less is asked of them ([`ladder`]).

use std::{
    io,
    num::NonZero,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use metrics::gauge;
use serde::{Deserialize, Serialize};

use super::{
    Decoded, Engine, EngineError, ModelInfo, Session,
    live::{Level, Want, Window},
};
use crate::{tasks, time::Clock};

mod batch;
pub mod ladder;
mod queue;
#[cfg(test)]
mod tests;
mod worker;

use batch::{BatchJob, BatchSession};
use ladder::Ladder;
use queue::{Job, Queue};

/// How the workers run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Worker threads; 0 for one a core. They run below the priority of all else.
    pub workers: usize,
    /// Added to the workers' niceness, 0 to 19.
    pub nice: u8,
    /// A post-call window that has waited so long goes before live ones, one at a time; s.
    pub batch_patience_s: u32,
    /// When live text gets worse and better.
    pub ladder: ladder::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 0,
            nice: 5,
            batch_patience_s: 10,
            ladder: ladder::Options::default(),
        }
    }
}

/// The loaded models.
#[derive(Clone)]
pub struct Engines {
    pub live: Arc<dyn Engine>,
    /// For live text under overload.
    pub small: Option<Arc<dyn Engine>>,
    /// For the final pass; `None`: the live one.
    pub last: Option<Arc<dyn Engine>>,
}

/// Whoever wants looks: a track. Called by the workers.
pub trait Customer: Send + Sync {
    /// Fills the window with the newest audio and says what it is for; `None` when nothing is wanted
    /// any more.
    fn window(&self, level: Level, window: &mut Window) -> Option<Want>;
    /// Takes the answer; says what is wanted next.
    fn answer(&self, answer: Result<Decoded, EngineError>) -> Option<Want>;
}

/// Running workers. Dropping it stops them after the windows they are at.
pub struct Lanes {
    shared: Arc<Shared>,
    workers: Vec<thread::JoinHandle<()>>,
    next_id: AtomicU64,
}

/// Decodes of one class since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stats {
    pub class: &'static str,
    pub decodes: u64,
    pub wall: Duration,
    pub cpu: Duration,
}

impl Lanes {
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(options: &Options, engines: Engines, clock: Clock) -> io::Result<Self> {
        let workers = match options.workers {
            0 => thread::available_parallelism().map_or(1, NonZero::get),
            workers => workers,
        };
        let ladder = Ladder::new(options.ladder.clone(), engines.small.is_some(), clock.now());
        let patience = Duration::from_secs(options.batch_patience_s.into());
        let shared = Arc::new(Shared {
            engines,
            clock,
            state: Mutex::new(State {
                queue: Queue::new(patience),
                ladder,
                stats: worker::KINDS.map(|class| Stats {
                    class,
                    ..Stats::default()
                }),
                stopped: false,
            }),
            ready: Condvar::new(),
        });
        let mut lanes = Self {
            shared,
            workers: Vec::new(),
            next_id: AtomicU64::new(0),
        };
        let nice = options.nice.min(19);
        for n in 0..workers {
            let shared = Arc::clone(&lanes.shared);
            let work = move || worker::run(&shared, nice);
            lanes
                .workers
                .push(tasks::thread(&format!("speech-{n}"), work)?);
        }
        Ok(lanes)
    }

    /// Takes a track in, for looks; it leaves when the seat is dropped.
    pub fn enroll(&self, customer: Arc<dyn Customer>) -> Seat {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.shared.lock().queue.enroll(id, customer);
        Seat {
            id,
            shared: Arc::clone(&self.shared),
        }
    }

    /// A session of the final pass's model that runs behind live work: every decode blocks until a
    /// worker has had time for it. At most one window a session waits; more sessions are as many
    /// threads that wait.
    #[must_use]
    pub fn batch_session(&self) -> Box<dyn Session> {
        Box::new(BatchSession {
            shared: Arc::clone(&self.shared),
        })
    }

    /// The model behind [`Self::batch_session`].
    #[must_use]
    pub fn last_model(&self) -> &ModelInfo {
        let engines = &self.shared.engines;
        engines.last.as_ref().unwrap_or(&engines.live).model()
    }

    #[must_use]
    pub fn live_model(&self) -> &ModelInfo {
        self.shared.engines.live.model()
    }

    /// The model for live text under overload.
    #[must_use]
    pub fn small_model(&self) -> Option<&ModelInfo> {
        self.shared
            .engines
            .small
            .as_ref()
            .map(|engine| engine.model())
    }

    /// How good live text is just now.
    #[must_use]
    pub fn level(&self) -> Level {
        self.shared.level()
    }

    /// 0 for all as asked for, 1 for no live text.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "seven levels")]
    pub fn saturation(&self) -> f32 {
        let worst = Level::NoText.index() - Level::Normal.index();
        let index = self.level().index().saturating_sub(Level::Normal.index());
        index as f32 / worst as f32
    }

    /// What was decoded, class by class.
    #[must_use]
    pub fn stats(&self) -> [Stats; 4] {
        self.shared.lock().stats
    }

    /// Lets the ladder see how things stand where no look begins: call it about twice a second while
    /// calls are live.
    pub fn rest(&self) {
        let now = self.shared.clock.now();
        let mut state = self.shared.lock();
        let wait = state.queue.longest_wait(now);
        state.heed(now, wait);
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.ready.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches the engine's panics; if it died of its own, there is nothing to save.
            drop(worker.join());
        }
    }
}

/// A track's place among those that are served.
pub struct Seat {
    id: u64,
    shared: Arc<Shared>,
}

impl Seat {
    /// The track wants a look. Harmless when it does not any more.
    pub fn wish(&self, want: Want) {
        let now = self.shared.clock.now();
        let mut state = self.shared.lock();
        state.queue.wish(self.id, want, now);
        drop(state);
        self.shared.ready.notify_one();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let now = self.shared.clock.now();
        let mut state = self.shared.lock();
        state.queue.leave(self.id);
        if state.queue.is_idle() {
            state.ladder.start_over(now);
            state.tell();
        }
        drop(state);
        // Post-call work may take more workers now.
        self.shared.ready.notify_all();
    }
}

struct Shared {
    engines: Engines,
    clock: Clock,
    state: Mutex<State>,
    ready: Condvar,
}

struct State {
    queue: Queue<Arc<dyn Customer>, BatchJob>,
    ladder: Ladder,
    stats: [Stats; 4],
    stopped: bool,
}

impl State {
    fn heed(&mut self, now: std::time::Instant, wait: Duration) {
        let before = self.ladder.level();
        self.ladder.heed(now, wait);
        let level = self.ladder.level();
        if level != before {
            tracing::info!(
                from = before.as_str(),
                to = level.as_str(),
                "live text level"
            );
        }
        self.tell();
    }

    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn tell(&self) {
        let level = self.ladder.level();
        gauge!("callscribe_live_level").set(level.index() as f64);
        gauge!("callscribe_live_queue_depth").set(self.queue.waiting() as f64);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole between statements: a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn level(&self) -> Level {
        self.lock().ladder.level()
    }

    /// Waits for a job; `None` when the lanes stop.
    fn next(&self) -> Option<Job<Arc<dyn Customer>, BatchJob>> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            let now = self.clock.now();
            if let Some(job) = state.queue.take(now) {
                if let Job::Live { waited, .. } = &job {
                    state.heed(now, *waited);
                }
                return Some(job);
            }
            state = (self.ready.wait(state)).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, id: u64, want: Option<Want>) {
        let now = self.clock.now();
        self.lock().queue.done(id, want, now);
        self.ready.notify_one();
    }

    fn leave(&self, id: u64) {
        self.lock().queue.leave(id);
    }

    fn push_batch(&self, job: BatchJob) {
        let now = self.clock.now();
        let mut state = self.lock();
        if !state.stopped {
            state.queue.push_batch(job, now);
        }
        drop(state);
        self.ready.notify_one();
    }

    fn batch_done(&self) {
        self.lock().queue.batch_done();
        self.ready.notify_one();
    }

    fn drop_batch(&self) {
        self.lock().queue.drop_batch();
    }

    fn add_stats(&self, kind: usize, spent: &worker::Spent) {
        let mut state = self.lock();
        let stats = &mut state.stats[kind];
        stats.decodes += 1;
        stats.wall += spent.wall;
        stats.cpu += spent.cpu;
    }
}

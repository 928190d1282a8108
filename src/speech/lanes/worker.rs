//! One worker thread: its sessions, and the loop that takes jobs. An engine that panics or fails loses
//! its session and nothing else: the job is answered with the error, the next one gets a new session.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use metrics::{counter, histogram};
use rustix::time::{ClockId, clock_gettime};

use super::{Customer, Engines, Shared, queue::Job};
use crate::speech::{
    Decoded, EngineError, Request, Session,
    live::{Want, Window},
};

/// What a decode was for, in metrics and statistics.
pub(super) const KINDS: [&str; 4] = ["final", "settle", "partial", "batch"];
const BATCH: usize = 3;

const fn kind(want: Want) -> usize {
    match want {
        Want::Final => 0,
        Want::Settle => 1,
        Want::Partial => 2,
    }
}

/// Which of the engines: the place of its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Live,
    Small,
    Last,
}

pub(super) fn run(shared: &Shared, nice: u8) {
    if let Err(error) = rustix::process::nice(nice.into()) {
        tracing::warn!(%error, "a speech worker keeps its priority: it may delay audio");
    }
    let mut window = Window::default();
    let mut sessions = Sessions {
        engines: shared.engines.clone(),
        made: [None, None, None],
    };
    while let Some(job) = shared.next() {
        match job {
            Job::Live { id, track, .. } => {
                // A track whose own code panics loses its live text, not the worker.
                let look = AssertUnwindSafe(|| look(shared, &mut sessions, &mut window, &*track));
                match catch_unwind(look) {
                    Ok(want) => shared.done(id, want),
                    Err(_) => shared.leave(id),
                }
            }
            Job::Batch(job) => {
                let (answer, spent) = sessions.decode(sessions.last(), &job.request());
                shared.count(BATCH, &spent);
                shared.batch_done();
                job.answer(answer);
            }
        }
    }
    // Post-call passes that wait learn that nobody will come.
    shared.drop_batch();
}

/// One look at a track, from its newest audio to the answer; returns what it wants next.
fn look(
    shared: &Shared,
    sessions: &mut Sessions,
    window: &mut Window,
    track: &dyn Customer,
) -> Option<Want> {
    let want = track.window(shared.level(), window)?;
    let which = sessions.live(window);
    let (answer, spent) = sessions.decode(which, &window.request());
    shared.count(kind(want), &spent);
    window.took(spent.wall);
    track.answer(answer)
}

/// What a decode took.
pub(super) struct Spent {
    pub(super) wall: Duration,
    pub(super) cpu: Duration,
}

struct Sessions {
    engines: Engines,
    made: [Option<Box<dyn Session>>; 3],
}

impl Sessions {
    /// The small model where it will do and knows the language.
    fn live(&self, window: &Window) -> Which {
        let knows = |engine: &Arc<dyn crate::speech::Engine>| {
            engine.model().multilingual
                || !self.engines.live.model().multilingual
                || window.language.as_deref() == Some("en")
        };
        if window.small && self.engines.small.as_ref().is_some_and(knows) {
            Which::Small
        } else {
            Which::Live
        }
    }

    fn last(&self) -> Which {
        if self.engines.last.is_some() {
            Which::Last
        } else {
            Which::Live
        }
    }

    fn decode(
        &mut self,
        which: Which,
        request: &Request<'_>,
    ) -> (Result<Decoded, EngineError>, Spent) {
        let (wall, cpu) = (monotonic(), thread_cpu());
        let answer = self.try_decode(which, request);
        if matches!(answer, Err(EngineError::Failed(_))) {
            self.made[which as usize] = None;
            counter!("callscribe_engine_failures_total").increment(1);
        }
        if let Err(error) = &answer {
            tracing::warn!(%error, "a window was not decoded");
        }
        let spent = Spent {
            wall: monotonic().saturating_sub(wall),
            cpu: thread_cpu().saturating_sub(cpu),
        };
        (answer, spent)
    }

    fn try_decode(&mut self, which: Which, request: &Request<'_>) -> Result<Decoded, EngineError> {
        let engine = match which {
            Which::Live => Some(&self.engines.live),
            Which::Small => self.engines.small.as_ref(),
            Which::Last => self.engines.last.as_ref(),
        };
        let engine = engine.ok_or(EngineError::BadInput("its model is not loaded"))?;
        let place = &mut self.made[which as usize];
        // A session that panicked is in an unknown state: it is dropped, never asked again.
        catch_unwind(AssertUnwindSafe(|| {
            let session = match place {
                Some(session) => session,
                None => place.insert(engine.session()?),
            };
            session.decode(request)
        }))
        .unwrap_or_else(|_| Err(EngineError::Failed("it panicked".into())))
    }
}

impl Shared {
    fn count(&self, kind: usize, spent: &Spent) {
        histogram!("callscribe_decode_seconds", "class" => KINDS[kind]).record(spent.wall);
        let ms = u64::try_from(spent.cpu.as_millis()).unwrap_or(u64::MAX);
        counter!("callscribe_decode_cpu_milliseconds_total", "class" => KINDS[kind]).increment(ms);
        self.add_stats(kind, spent);
    }
}

fn thread_cpu() -> Duration {
    read(ClockId::ThreadCPUTime)
}

fn monotonic() -> Duration {
    read(ClockId::Monotonic)
}

fn read(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

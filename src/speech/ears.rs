//! Live listening for many tracks at once: samples in without blocking, [`Heard`] out.
//!
//! One thread hears (mailboxes → [`Listener`]: voice activity, windows), the
//! [`Lanes`] decode. A track that is silent costs voice activity and nothing else.

use std::{
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use metrics::gauge;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{
    lanes::{self, Engines, Lanes},
    live::{self, Heard, Listener},
};
use crate::{
    ids::{self, StreamSid},
    tasks,
    time::Clock,
};

mod mailbox;
#[cfg(test)]
mod tests;
mod track;

use mailbox::Mail;
use track::Track;

/// Events on their way to a receiver; see [`track`] for what happens when it does not take them.
const CHANNEL: usize = 256;
/// How often lagging receivers, finishing tracks and the ladder are looked after.
const REST: Duration = Duration::from_millis(250);

/// Everything about live listening.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// After the end of a stream, its last words are waited for so long; ms.
    pub finish_ms: u32,
    /// How live words are made.
    pub live: live::Options,
    /// How the workers run.
    pub lanes: lanes::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            finish_ms: 10_000,
            live: live::Options::default(),
            lanes: lanes::Options::default(),
        }
    }
}

/// Listens to tracks. Dropping it ends them and stops the threads.
pub struct Ears {
    shared: Arc<Shared>,
    lanes: Arc<Lanes>,
    options: Options,
    clock: Clock,
    thread: Option<thread::JoinHandle<()>>,
}

/// Where one track's samples go. Dropping it is the same as [`Ear::finish`].
pub struct Ear {
    track: Arc<Track>,
    shared: Arc<Shared>,
}

impl Ears {
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(options: Options, engines: Engines, clock: Clock) -> io::Result<Self> {
        let lanes = Arc::new(Lanes::start(&options.lanes, engines, clock.clone())?);
        let shared = Arc::new(Shared::default());
        let hearing = Hearing {
            shared: Arc::clone(&shared),
            lanes: Arc::clone(&lanes),
            finish: Duration::from_millis(options.finish_ms.into()),
            clock: clock.clone(),
        };
        let thread = tasks::thread("ears", move || hearing.run())?;
        Ok(Self {
            shared,
            lanes,
            options,
            clock,
            thread: Some(thread),
        })
    }

    /// Begins to listen to a track. `language` is ISO 639-1; without one, or with what is none, it is
    /// detected once. After [`Ear::finish`] the receiver ends with [`Heard::Finished`].
    pub fn listen(
        &self,
        stream: &StreamSid,
        track: ids::Track,
        language: Option<String>,
    ) -> (Ear, mpsc::Receiver<Heard>) {
        let language = language.as_deref().and_then(iso_639_1);
        tracing::debug!(%stream, %track, language, "listening");
        let (to, heard) = mpsc::channel(CHANNEL);
        let listener = Listener::new(self.options.live.clone(), language);
        let track = Arc::new(Track::new(listener, to, self.clock.clone()));
        track.sit(
            self.lanes
                .enroll(Arc::clone(&track) as Arc<dyn lanes::Customer>),
        );
        self.shared.add(Arc::clone(&track));
        let ear = Ear {
            track,
            shared: Arc::clone(&self.shared),
        };
        (ear, heard)
    }

    /// The workers: for post-call sessions, the level of live text and statistics.
    #[must_use]
    pub fn lanes(&self) -> &Arc<Lanes> {
        &self.lanes
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Ear {
    /// Takes the next samples, 16 kHz; neither blocks nor, in the long run, allocates.
    pub fn push(&self, samples: &[i16]) {
        if self.track.mailbox.push(samples) {
            self.shared.call(&self.track);
        }
    }

    /// There is no more audio: the last words are settled, then [`Heard::Finished`] comes.
    pub fn finish(self) {}
}

impl Drop for Ear {
    fn drop(&mut self) {
        if self.track.mailbox.finish() {
            self.shared.call(&self.track);
        }
    }
}

/// `en`, `EN` and `en-US` are English; what is no language code is none.
fn iso_639_1(code: &str) -> Option<String> {
    let language = code.trim().split(['-', '_']).next()?;
    let is_code = (2..=3).contains(&language.len()) && language.is_ascii();
    is_code.then(|| language.to_ascii_lowercase())
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    called: Condvar,
}

#[derive(Default)]
struct State {
    /// All that are listened to.
    tracks: Vec<Arc<Track>>,
    /// Those with mail; each at most once.
    mail: VecDeque<Arc<Track>>,
    stopped: bool,
}

impl Shared {
    fn add(&self, track: Arc<Track>) {
        let mut state = self.lock();
        state.tracks.push(track);
        drop(state);
        self.called.notify_one();
    }

    fn call(&self, track: &Arc<Track>) {
        self.lock().mail.push_back(Arc::clone(track));
        self.called.notify_one();
    }

    fn stop(&self) {
        self.lock().stopped = true;
        self.called.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole between statements: a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that hears.
struct Hearing {
    shared: Arc<Shared>,
    lanes: Arc<Lanes>,
    finish: Duration,
    clock: Clock,
}

enum Turn {
    Mail(Arc<Track>),
    Rest,
    Stop,
}

impl Hearing {
    fn run(self) {
        let mut mail = Mail::default();
        let mut rested = self.clock.now();
        loop {
            match self.turn(rested) {
                Turn::Mail(track) => {
                    let (level, finish) = (self.lanes.level(), self.finish);
                    let hear = AssertUnwindSafe(|| track.hear(&mut mail, level, finish));
                    if catch_unwind(hear).is_err() {
                        tracing::error!(
                            "a track's listening panicked: it has no live text any more"
                        );
                        track.leave();
                    }
                }
                Turn::Rest => {
                    rested = self.clock.now();
                    self.rest();
                }
                Turn::Stop => break,
            }
        }
        // Each holds a seat, and the lanes hold each: somebody must let go.
        for track in &self.shared.lock().tracks {
            track.leave();
        }
    }

    /// Waits for mail, but no longer than until the next rest while anyone is listened to.
    fn turn(&self, rested: Instant) -> Turn {
        let mut state = self.shared.lock();
        loop {
            if state.stopped {
                return Turn::Stop;
            }
            if !state.tracks.is_empty() && self.clock.now() - rested >= REST {
                return Turn::Rest;
            }
            if let Some(track) = state.mail.pop_front() {
                return Turn::Mail(track);
            }
            if state.tracks.is_empty() {
                let waited = self.shared.called.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waited = self.shared.called.wait_timeout(state, REST);
            let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            if timeout.timed_out() && guard.mail.is_empty() && !guard.stopped {
                return Turn::Rest;
            }
            state = guard;
        }
    }

    fn rest(&self) {
        self.lanes.rest();
        let tracks = self.shared.lock().tracks.clone();
        let done: Vec<_> = tracks.iter().filter(|track| track.rest()).collect();
        // A track holds its seat, and the lanes by it the track: neither would ever go.
        done.iter().for_each(|track| track.leave());
        let mut state = self.shared.lock();
        state
            .tracks
            .retain(|track| !done.iter().any(|gone| Arc::ptr_eq(gone, track)));
        #[expect(clippy::cast_precision_loss, reason = "a count of tracks")]
        gauge!("callscribe_live_tracks").set(state.tracks.len() as f64);
    }
}

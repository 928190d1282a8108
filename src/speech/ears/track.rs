//! One track that is listened to: its mailbox, its [`Listener`], and the way to who hears.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use metrics::{counter, histogram};
use tokio::sync::mpsc;

use super::mailbox::{Mail, Mailbox};
use crate::{
    speech::{
        Decoded, EngineError,
        lanes::{Customer, Seat},
        live::{Heard, Level, Listener, Want, Window},
    },
    time::{Clock, ENGINE_RATE},
};

/// Events that wait for a receiver who does not take them. Beyond it partials go, which the next one
/// replaces anyway; one more and nothing more is said to that receiver: it has lost the thread.
const MOST_WAITING: usize = 1024;

pub(super) struct Track {
    pub(super) mailbox: Mailbox,
    state: Mutex<State>,
    seat: Mutex<Option<Seat>>,
    clock: Clock,
}

struct State {
    listener: Listener,
    to: Option<mpsc::Sender<Heard>>,
    waiting: VecDeque<Heard>,
    /// When the newest sample came, and how many have come.
    came: (Instant, u64),
    /// Samples up to the end of the window that is being looked at.
    looking_until: u64,
    finish_by: Option<Instant>,
}

impl Track {
    pub(super) fn new(listener: Listener, to: mpsc::Sender<Heard>, clock: Clock) -> Self {
        let state = State {
            listener,
            to: Some(to),
            waiting: VecDeque::new(),
            came: (clock.now(), 0),
            looking_until: 0,
            finish_by: None,
        };
        Self {
            mailbox: Mailbox::default(),
            state: Mutex::new(state),
            seat: Mutex::new(None),
            clock,
        }
    }

    /// Gives it its place in the lanes.
    pub(super) fn sit(&self, seat: Seat) {
        *self.seat() = Some(seat);
    }

    /// Gives up its place, and says nothing more.
    pub(super) fn leave(&self) {
        let seat = self.seat().take();
        drop(seat);
        self.lock().to = None;
    }

    /// Hears what lies in the mailbox; at its end, the last words may take `finish`.
    pub(super) fn hear(&self, mail: &mut Mail, level: Level, finish: Duration) {
        let now = self.clock.now();
        let mut state = self.lock();
        // Within the lock, so that two calls cannot change the order.
        self.mailbox.take(mail);
        state.listener.set_level(level);
        if mail.skipped > 0 {
            state.listener.skip(mail.skipped);
        }
        state.listener.push(&mail.samples);
        state.came = (now, state.came.1 + mail.skipped + mail.samples.len() as u64);
        if mail.finished && state.finish_by.is_none() {
            state.finish_by = Some(now + finish);
            state.listener.finish();
        }
        let want = state.tell();
        drop(state);
        if let (Some(want), Some(seat)) = (want, &*self.seat()) {
            seat.wish(want);
        }
    }

    /// Passes on what a receiver had no room for, and ends a track whose time to finish is over.
    /// `true` when it is done with.
    pub(super) fn rest(&self) -> bool {
        let now = self.clock.now();
        let mut state = self.lock();
        if state.finish_by.is_some_and(|by| now >= by) {
            state.listener.abandon();
        }
        state.tell();
        state.to.is_none()
    }

    fn seat(&self) -> MutexGuard<'_, Option<Seat>> {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Customer for Track {
    fn window(&self, level: Level, window: &mut Window) -> Option<Want> {
        let mut state = self.lock();
        state.listener.set_level(level);
        let want = state.listener.window(window);
        state.looking_until = state.came.1;
        state.tell();
        want
    }

    fn answer(&self, answer: Result<Decoded, EngineError>) -> Option<Want> {
        let now = self.clock.now();
        let mut state = self.lock();
        if answer.is_ok() {
            // Audio that has come since is the lag, and so is the time since it came.
            let newer = state.came.1 - state.looking_until;
            let newer = Duration::from_millis(newer * 1000 / ENGINE_RATE);
            histogram!("callscribe_live_lag_seconds").record(newer + (now - state.came.0));
        }
        state.listener.answer(answer);
        state.tell()
    }
}

impl State {
    /// Sends what the listener has to say; returns what it wants.
    fn tell(&mut self) -> Option<Want> {
        while let Some(heard) = self.listener.poll() {
            if heard == Heard::Finished {
                let trace = self.listener.take_trace();
                self.waiting.push_back(Heard::Traced(Box::new(trace)));
            }
            self.waiting.push_back(heard);
        }
        let skipped = self.listener.take_skipped().as_ms();
        if skipped > 0 {
            counter!("callscribe_live_skipped_milliseconds_total").increment(skipped);
        }
        let Some(to) = &self.to else { return None };
        while let Some(heard) = self.waiting.pop_front() {
            let last = heard == Heard::Finished;
            match to.try_send(heard) {
                Ok(()) if last => {
                    self.to = None;
                    return None;
                }
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(heard)) => {
                    self.waiting.push_front(heard);
                    self.shed();
                    break;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => {
                    self.to = None;
                    self.waiting.clear();
                    return None;
                }
            }
        }
        self.listener.want()
    }

    fn shed(&mut self) {
        if self.waiting.len() <= MOST_WAITING {
            return;
        }
        let before = self.waiting.len();
        self.waiting
            .retain(|heard| !matches!(heard, Heard::Partial { .. }));
        counter!("callscribe_live_events_dropped_total")
            .increment((before - self.waiting.len()) as u64);
        if self.waiting.len() > MOST_WAITING {
            tracing::warn!("live words are not taken: the rest waits for the final pass");
            counter!("callscribe_live_events_dropped_total").increment(self.waiting.len() as u64);
            self.waiting.clear();
            self.to = None;
        }
    }
}

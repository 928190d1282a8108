//! What viewers are told about calls while they last: one bounded log of events per call, one for the
//! list of calls, and one for leads. Publishing never waits; a viewer reads at its own pace from the log itself, so a
//! slow one costs no memory and slows nobody: when the log has passed it, it is told to start over from
//! a snapshot.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use metrics::{counter, gauge};
use serde::{Deserialize, Serialize};

use crate::{ids::CallSid, store::CallState, time::Clock};

pub mod event;
mod log;
mod ticker;
#[cfg(test)]
mod tests;

pub use event::{CallEvent, CallView, LeadEvent, LeadNews, ListEvent, OpenUtterance, Utterance};
use log::Log;
pub use log::{Logged, Next};
pub use ticker::LastWords;
use ticker::Ticker;

/// How much the hub remembers, and for whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Events kept per call for viewers that reconnect or fall behind; older ones are forgotten and
    /// such a viewer gets a snapshot instead.
    pub kept_events: usize,
    /// Viewers at once, of all calls and of the list together; one more is refused.
    pub max_viewers: usize,
    /// Seconds for which an ended call's events are kept.
    pub keep_ended_s: u64,
    /// Seconds without an event after which a call that nobody watches is forgotten.
    pub keep_idle_s: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            kept_events: 256,
            max_viewers: 1000,
            keep_ended_s: 60,
            keep_idle_s: 900,
        }
    }
}

/// The events of every call that lasts. Cheap to clone; clones share.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    options: Options,
    clock: Clock,
    calls: Mutex<HashMap<CallSid, Arc<Call>>>,
    list: Arc<Log<ListEvent>>,
    leads: Arc<Log<LeadEvent>>,
    ticker: Ticker,
    viewers: Arc<AtomicUsize>,
}

struct Call {
    log: Arc<Log<CallEvent>>,
    last: Mutex<Life>,
}

#[derive(Clone, Copy)]
struct Life {
    published: Instant,
    ended: bool,
}

/// As many viewers as [`Options::max_viewers`] are watching already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many viewers at once")]
pub struct TooManyViewers;

impl Hub {
    #[must_use]
    pub fn new(options: Options, clock: Clock) -> Self {
        let list = Log::new(first_id(&clock), options.kept_events);
        let leads = Log::new(first_id(&clock), options.kept_events);
        Self(Arc::new(Inner {
            options,
            clock,
            calls: Mutex::default(),
            list: Arc::new(list),
            leads: Arc::new(leads),
            ticker: Ticker::default(),
            viewers: Arc::default(),
        }))
    }

    /// Tells a call's viewers, and the list's viewers when the call's state changes. Never waits.
    pub fn publish(&self, call: &CallSid, event: CallEvent) {
        counter!("callscribe_live_events_total", "event" => event.name()).increment(1);
        self.0.ticker.note(call, &event);
        if let Some(changed) = ListEvent::of(call, &event) {
            if changed.state != CallState::Live {
                self.0.ticker.forget(call);
            }
            self.0.list.push(changed);
        }
        // A lead's card shows the text that its call serves.
        if matches!(event, CallEvent::State { .. } | CallEvent::Replaced { .. }) {
            self.publish_lead(call, LeadNews::Changed);
        }
        let entry = self.call(call);
        let ended = matches!(event, CallEvent::Ended { .. });
        *entry.last.lock().unwrap_or_else(PoisonError::into_inner) = Life {
            published: self.0.clock.now(),
            ended,
        };
        entry.log.push(event);
    }

    /// Watches a call. With the id of the last event that the viewer saw, it goes on from there if all
    /// that followed is still kept; otherwise the first thing that it yields is [`Next::Snapshot`].
    ///
    /// # Errors
    /// When there are too many viewers already.
    pub fn subscribe(
        &self,
        call: &CallSid,
        last_event_id: Option<u64>,
    ) -> Result<Subscription<CallEvent>, TooManyViewers> {
        let seat = self.seat()?;
        Ok(Subscription::new(
            Arc::clone(&self.call(call).log),
            last_event_id,
            seat,
        ))
    }

    /// Watches the list of calls: which call appeared or changed its state.
    ///
    /// # Errors
    /// When there are too many viewers already.
    pub fn subscribe_list(
        &self,
        last_event_id: Option<u64>,
    ) -> Result<Subscription<ListEvent>, TooManyViewers> {
        let seat = self.seat()?;
        Ok(Subscription::new(
            Arc::clone(&self.0.list),
            last_event_id,
            seat,
        ))
    }

    /// Tells who watches leads that the one of this call rang or changed. Whoever publishes has stored it
    /// before. Never waits.
    pub fn publish_lead(&self, call: &CallSid, news: LeadNews) {
        let call = call.clone();
        self.0.leads.push(LeadEvent { call, news });
    }

    /// Watches the leads.
    ///
    /// # Errors
    /// When there are too many viewers already.
    pub fn subscribe_leads(
        &self,
        last_event_id: Option<u64>,
    ) -> Result<Subscription<LeadEvent>, TooManyViewers> {
        let seat = self.seat()?;
        Ok(Subscription::new(
            Arc::clone(&self.0.leads),
            last_event_id,
            seat,
        ))
    }

    /// The id of the newest event of the leads.
    #[must_use]
    pub fn leads_position(&self) -> u64 {
        self.0.leads.view().0
    }

    /// The id of a call's newest event, and what stands in the hub beyond what is stored. Take it before
    /// reading the store: then nothing falls between the two.
    #[must_use]
    pub fn view(&self, call: &CallSid) -> (u64, CallView) {
        self.call(call).log.view()
    }

    /// The id of the newest event of the list of calls.
    #[must_use]
    pub fn list_position(&self) -> u64 {
        self.0.list.view().0
    }

    /// What was said last on a live call.
    #[must_use]
    pub fn last_words(&self, call: &CallSid) -> Option<LastWords> {
        self.0.ticker.of(call)
    }

    /// The last words of the calls on which something was said after `seen`, and what to ask with the next
    /// time; 0 asks for all.
    #[must_use]
    pub fn words_since(&self, seen: u64) -> (u64, Vec<LastWords>) {
        self.0.ticker.since(seen)
    }

    /// Forgets calls that ended, or that fell silent with nobody watching. Also done whenever a new call
    /// appears, so that a hub without a caller of this stays bounded by what lasts.
    pub fn sweep(&self) {
        let now = self.0.clock.now();
        self.lock_calls().retain(|sid, call| {
            let life = *call.last.lock().unwrap_or_else(PoisonError::into_inner);
            let age = now.saturating_duration_since(life.published);
            // Someone publishes right now: the map's lock is held, so the count cannot grow meanwhile.
            let busy = Arc::strong_count(call) > 1;
            let watched = Arc::strong_count(&call.log) > 1;
            let keep = busy
                || if life.ended {
                    age < Duration::from_secs(self.0.options.keep_ended_s)
                } else {
                    watched || age < Duration::from_secs(self.0.options.keep_idle_s)
                };
            if !keep {
                call.log.close();
                self.0.ticker.forget(sid);
            }
            keep
        });
    }

    /// Calls in memory.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock_calls().len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn call(&self, sid: &CallSid) -> Arc<Call> {
        if let Some(call) = self.lock_calls().get(sid) {
            return Arc::clone(call);
        }
        self.sweep();
        let mut calls = self.lock_calls();
        let call = calls.entry(sid.clone()).or_insert_with(|| {
            let log = Log::new(first_id(&self.0.clock), self.0.options.kept_events);
            let last = Life {
                published: self.0.clock.now(),
                ended: false,
            };
            Arc::new(Call {
                log: Arc::new(log),
                last: Mutex::new(last),
            })
        });
        Arc::clone(call)
    }

    fn seat(&self) -> Result<Seat, TooManyViewers> {
        let taken = self.0.viewers.fetch_add(1, Ordering::Relaxed);
        if taken >= self.0.options.max_viewers {
            self.0.viewers.fetch_sub(1, Ordering::Relaxed);
            counter!("callscribe_viewers_refused_total").increment(1);
            return Err(TooManyViewers);
        }
        gauge!("callscribe_viewers").increment(1);
        Ok(Seat(Arc::clone(&self.0.viewers)))
    }

    fn lock_calls(&self) -> std::sync::MutexGuard<'_, HashMap<CallSid, Arc<Call>>> {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ids of a log start at the microsecond of its making: they grow over a restart of the process too,
/// and stay below 2^53, where JavaScript counts exactly.
fn first_id(clock: &Clock) -> u64 {
    u64::try_from(clock.wall().as_microsecond()).unwrap_or(0)
}

/// A viewer's place among [`Options::max_viewers`].
struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
        gauge!("callscribe_viewers").decrement(1);
    }
}

/// One viewer's reading of a log.
pub struct Subscription<E: event::Entry> {
    reader: log::Reader<E>,
    _seat: Seat,
}

impl<E: event::Entry> Subscription<E> {
    fn new(log: Arc<Log<E>>, last_event_id: Option<u64>, seat: Seat) -> Self {
        Self {
            reader: log::Reader::new(log, last_event_id),
            _seat: seat,
        }
    }

    /// Waits for what comes next. Safe to cancel: nothing is lost.
    pub async fn next(&mut self) -> Next<E> {
        self.reader.next().await
    }
}

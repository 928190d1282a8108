//! Wakes those who wait for something new. Who publishes wakes nobody, neither readers nor this task: it
//! leaves its log where the crier looks every [`EVERY`], so that what it pays does not depend on how many
//! watch. The price is that words come to the page so much later, and that a timer runs while anybody
//! watches anything.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    time::{MissedTickBehavior, interval},
};

use crate::tasks;

/// A hundredth of what passes between a word and its being shown.
const EVERY: Duration = Duration::from_millis(10);

/// Something with readers, who are to be woken.
pub(super) trait Cried: Send + Sync {
    fn cry(&self);
}

#[derive(Default)]
pub(super) struct Crier {
    /// Those with news, each once until it was cried.
    news: Mutex<Vec<Weak<dyn Cried>>>,
    readers: AtomicUsize,
    runs: AtomicBool,
}

impl Crier {
    pub(super) fn tell(&self, news: Weak<dyn Cried>) {
        self.news
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(news);
    }

    /// Sees to it that somebody cries while this reader is there.
    pub(super) fn read(self: &Arc<Self>) -> Reading {
        self.readers.fetch_add(1, Ordering::SeqCst);
        Reading(Arc::clone(self))
    }

    fn cry(&self) {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        let all = std::mem::take(&mut *news);
        drop(news);
        for news in all.iter().filter_map(Weak::upgrade) {
            news.cry();
        }
    }
}

async fn run(crier: Arc<Crier>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        crier.cry();
        if crier.readers.load(Ordering::SeqCst) > 0 {
            continue;
        }
        crier.runs.store(false, Ordering::SeqCst);
        // A reader that came meanwhile saw it run.
        let is_needed = crier.readers.load(Ordering::SeqCst) > 0;
        if !is_needed || crier.runs.swap(true, Ordering::SeqCst) {
            return;
        }
    }
}

/// A reader, for as long as it lives.
pub(super) struct Reading(Arc<Crier>);

impl Reading {
    /// To be called before waiting.
    pub(super) fn wait(&self) {
        let crier = &self.0;
        if crier.runs.load(Ordering::SeqCst) || Handle::try_current().is_err() {
            return;
        }
        if !crier.runs.swap(true, Ordering::SeqCst) {
            drop(tasks::spawn("crier", run(Arc::clone(crier))));
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.readers.fetch_sub(1, Ordering::SeqCst);
    }
}

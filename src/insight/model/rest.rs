//! A server that just failed is not asked again for a while: else every call of a busy hour would wait
//! out its deadline.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::time::Clock;

pub(super) struct Rest {
    clock: Clock,
    length: Duration,
    until: Mutex<Option<Instant>>,
}

impl Rest {
    pub(super) fn new(clock: Clock, length: Duration) -> Self {
        Self {
            clock,
            length,
            until: Mutex::default(),
        }
    }

    pub(super) fn begin(&self) {
        let until = self.clock.now() + self.length;
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    pub(super) fn is_resting(&self) -> bool {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| self.clock.now() < until)
    }
}

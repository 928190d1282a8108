use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::cli::phone::{Failure, Meter, meter::Spread};

/// Kinds of trouble that are told apart; a server that words each differently fills no memory.
const KINDS: usize = 20;

/// Tells times to be accepted apart up to the two seconds that are too long.
const ACCEPT_STEP: Duration = Duration::from_micros(500);

/// What all callers tell while they run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) meter: Arc<Meter>,
    /// From the first byte to the end of the upgrade.
    pub(super) accepted: Spread,
    pub(super) begun: Count,
    /// Calls sent to their end.
    pub(super) ended: Count,
    /// Connections cut on purpose.
    pub(super) cut: Count,
    pub(super) open: Count,
    /// Connections that did not come about, by reason.
    pub(super) refused: Kinds,
    /// Connections that the server ended early, by reason.
    pub(super) closed: Kinds,
}

#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn up(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    pub(super) fn down(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

#[derive(Debug, Default)]
pub(super) struct Kinds(Mutex<BTreeMap<String, u64>>);

impl Kinds {
    fn add(&self, kind: String) {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kinds.len() < KINDS || kinds.contains_key(&kind);
        let kind = if known { kind } else { "other".into() };
        *kinds.entry(kind).or_default() += 1;
    }

    pub(super) fn get(&self) -> BTreeMap<String, u64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn count(&self) -> u64 {
        self.get().values().sum()
    }
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            accepted: Spread::with_step(ACCEPT_STEP),
            ..Self::default()
        }
    }

    pub(super) fn frames(&self) -> u64 {
        self.meter.frames()
    }

    pub(super) fn was_refused(&self, failure: &Failure) {
        self.refused.add(match failure {
            Failure::Refused { status, text } if text.is_empty() => format!("HTTP {status}"),
            Failure::Refused { status, text } => format!("HTTP {status}: {text}"),
            Failure::Unreachable { why, .. } => format!("unreachable: {why}"),
            other => other.to_string(),
        });
    }

    pub(super) fn was_closed(&self, failure: &Failure) {
        self.closed.add(match failure {
            Failure::Closed { code, reason, .. } if reason.is_empty() => format!("code {code}"),
            Failure::Closed { code, reason, .. } => format!("code {code}: {reason}"),
            other => other.to_string(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MediaTime;

    #[test]
    fn trouble_is_counted_by_kind() {
        let tally = Tally::default();
        for text in ["full", "full", ""] {
            let text = text.into();
            tally.was_refused(&Failure::Refused { status: 503, text });
        }
        for n in 0..100 {
            tally.was_closed(&Failure::Closed {
                code: 1008,
                reason: format!("reason {n}"),
                after: MediaTime::ZERO,
            });
        }
        let refused = [("HTTP 503".into(), 1), ("HTTP 503: full".into(), 2)];
        assert_eq!(tally.refused.get(), refused.into());
        assert_eq!(tally.closed.get().len(), KINDS + 1);
        assert_eq!(
            (tally.closed.count(), tally.closed.get()["other"]),
            (100, 80)
        );
    }
}

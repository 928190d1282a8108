//! One track's audio: what was emitted, and what is held until the hole before it is settled.

use std::{collections::VecDeque, time::Instant};

use super::{Anomaly, Counters, output::Queued};
use crate::ids::Track;

/// Frames that begin this close to the end of their track are joined to it, in samples: 5 ms.
const SLACK: u64 = 40;
/// Frames held at most; then the hole before them is filled.
const MAX_HELD: usize = 16;

/// Where results go: the queue of outputs, the counts, and buffers to use again.
pub(super) struct Sink<'a> {
    pub(super) queue: &'a mut VecDeque<Queued>,
    pub(super) counters: &'a mut Counters,
    pub(super) spare: &'a mut Vec<Vec<u8>>,
}

impl Sink<'_> {
    pub(super) fn anomaly(&mut self, anomaly: Anomaly) {
        self.counters.count(anomaly);
        self.queue.push_back(Queued::Anomaly(anomaly));
    }
}

#[derive(Debug)]
pub(super) struct Lane {
    track: Track,
    /// Where the next sample to be emitted belongs.
    next: u64,
    /// Where the newest emitted frame began.
    newest: Option<u64>,
    /// Sorted by place; no two begin at the same one.
    held: Vec<Held>,
}

#[derive(Debug)]
struct Held {
    at: u64,
    ulaw: Vec<u8>,
    arrived: Instant,
}

/// How a frame lies to the end of its track.
enum Fit {
    Joins,
    /// Begins earlier by so many samples, and ends later.
    Overlaps(usize),
    Covered,
    Ahead,
}

impl Lane {
    pub(super) fn new(track: Track) -> Self {
        Self {
            track,
            next: 0,
            newest: None,
            held: Vec::with_capacity(MAX_HELD),
        }
    }

    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Where a frame without a timestamp belongs: after all that was received.
    pub(super) fn tail(&self) -> u64 {
        let held = self.held.last().map_or(0, |h| h.at + h.ulaw.len() as u64);
        held.max(self.next)
    }

    /// The silence that the holes before held frames may come to.
    pub(super) fn owed(&self) -> u64 {
        let held: u64 = self.held.iter().map(|h| h.ulaw.len() as u64).sum();
        (self.tail() - self.next).saturating_sub(held)
    }

    /// When the oldest held frame came.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        self.held.iter().map(|h| h.arrived).min()
    }

    /// Takes a frame: emits it, holds it for up to `window` samples of later audio, or drops it.
    /// `repeat` says that its sequence number was seen before.
    pub(super) fn take(
        &mut self,
        now: Instant,
        at: u64,
        repeat: bool,
        ulaw: &[u8],
        window: u64,
        sink: &mut Sink<'_>,
    ) {
        if repeat && self.newest.is_some_and(|newest| at <= newest) {
            sink.anomaly(Anomaly::Repeat);
            return;
        }
        let skip = match self.fit(at, ulaw.len()) {
            Fit::Joins => 0,
            Fit::Overlaps(skip) => {
                self.note_overlap(skip, sink);
                skip
            }
            Fit::Covered => {
                sink.anomaly(self.name_covered(at));
                return;
            }
            Fit::Ahead => {
                self.hold(now, at, ulaw, window, sink);
                return;
            }
        };
        sink.queue.push_back(Queued::Fresh {
            track: self.track,
            at: self.next,
            skip,
        });
        self.placed(at, ulaw.len() - skip, sink);
        self.join_held(sink);
    }

    /// Gives up on the hole before the first held frame: fills it and emits what follows.
    pub(super) fn release(&mut self, sink: &mut Sink<'_>) {
        let Some(first) = self.held.first() else {
            return;
        };
        let len = first.at.saturating_sub(self.next);
        self.silence(len, sink);
        sink.counters.filled[self.track.index()] += len;
        self.join_held(sink);
    }

    /// Brings the track to `target` at least, with what is held and then with silence.
    pub(super) fn pad_to(&mut self, target: u64, sink: &mut Sink<'_>) {
        while self.held.first().is_some_and(|h| h.at < target) {
            self.release(sink);
        }
        let len = target.saturating_sub(self.next);
        self.silence(len, sink);
        sink.counters.padded[self.track.index()] += len;
        self.join_held(sink);
    }

    /// Emits all that is held.
    pub(super) fn release_all(&mut self, sink: &mut Sink<'_>) {
        while !self.held.is_empty() {
            self.release(sink);
        }
    }

    fn fit(&self, at: u64, len: usize) -> Fit {
        let behind = self.next.saturating_sub(at);
        if at > self.next + SLACK {
            Fit::Ahead
        } else if behind <= SLACK {
            Fit::Joins
        } else {
            match usize::try_from(behind) {
                Ok(skip) if skip < len => Fit::Overlaps(skip),
                _ => Fit::Covered,
            }
        }
    }

    fn hold(&mut self, now: Instant, at: u64, ulaw: &[u8], window: u64, sink: &mut Sink<'_>) {
        let Err(place) = self.held.binary_search_by_key(&at, |h| h.at) else {
            sink.anomaly(Anomaly::Repeat);
            return;
        };
        let mut copy = sink.spare.pop().unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(ulaw);
        let held = Held {
            at,
            ulaw: copy,
            arrived: now,
        };
        self.held.insert(place, held);
        while self.held.len() >= MAX_HELD || self.held_span() >= window {
            self.release(sink);
            if self.held.is_empty() {
                break;
            }
        }
    }

    fn held_span(&self) -> u64 {
        match (self.held.first(), self.held.last()) {
            (Some(first), Some(last)) => last.at - first.at,
            _ => 0,
        }
    }

    fn join_held(&mut self, sink: &mut Sink<'_>) {
        while let Some(first) = self.held.first() {
            let skip = match self.fit(first.at, first.ulaw.len()) {
                Fit::Ahead => return,
                Fit::Joins => 0,
                Fit::Overlaps(skip) => skip,
                Fit::Covered => {
                    let covered = self.held.remove(0);
                    sink.anomaly(self.name_covered(covered.at));
                    sink.spare.push(covered.ulaw);
                    continue;
                }
            };
            let Held { at, ulaw, .. } = self.held.remove(0);
            if skip > 0 {
                self.note_overlap(skip, sink);
            }
            let (track, len) = (self.track, ulaw.len() - skip);
            sink.queue.push_back(Queued::Held {
                track,
                at: self.next,
                ulaw,
                skip,
            });
            self.placed(at, len, sink);
        }
    }

    fn placed(&mut self, at: u64, len: usize, sink: &mut Sink<'_>) {
        self.next += len as u64;
        self.newest = self.newest.max(Some(at));
        sink.counters.placed[self.track.index()] += len as u64;
    }

    fn silence(&mut self, len: u64, sink: &mut Sink<'_>) {
        if len == 0 {
            return;
        }
        let (track, at) = (self.track, self.next);
        sink.queue.push_back(Queued::Gap { track, at, len });
        sink.queue.push_back(Queued::Silence { track, at, len });
        self.next += len;
    }

    fn note_overlap(&self, cut: usize, sink: &mut Sink<'_>) {
        sink.counters.trimmed[self.track.index()] += cut as u64;
        sink.anomaly(Anomaly::Overlap);
    }

    /// A frame that begins where the newest one did is that one again, whatever its number says.
    fn name_covered(&self, at: u64) -> Anomaly {
        if self.newest == Some(at) {
            Anomaly::Repeat
        } else {
            Anomaly::Late
        }
    }
}

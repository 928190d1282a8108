//! Both tracks on one clock.

use std::time::{Duration, Instant};

use super::{
    Anomaly, Options,
    clock::{Horizon, SenderClock, Verdict},
    lane::{Lane, Sink},
};
use crate::{
    ids::Track,
    time::{MediaTime, WIRE_RATE},
};

/// A track this far behind the other is padded, in samples: 30 s.
const MAX_LAG: u64 = 30 * 8_000;
/// … to this far behind it, so that a silent track costs a gap every 10 s and not one a frame.
const LAG_AFTER_PADDING: u64 = 20 * 8_000;
/// Timestamps beyond this are garbled, in milliseconds: 34 years.
const MAX_TIMESTAMP_MS: u64 = 1 << 40;

#[derive(Debug)]
pub(super) struct Timeline {
    lanes: [Lane; 2],
    /// Tracks that were declared or heard; the others are never padded.
    active: [bool; 2],
    clock: SenderClock,
    opened: Instant,
    last_audio: Instant,
    /// In samples.
    window: u64,
    max_fill: u64,
    wait: Duration,
}

/// A frame's place according to its sender.
pub(super) struct Arrival {
    pub(super) track: Track,
    pub(super) timestamp_ms: Option<u64>,
    /// Its sequence number was seen before.
    pub(super) repeat: bool,
}

impl Timeline {
    pub(super) fn new(options: &Options, declared: &[Track], now: Instant) -> Self {
        Self {
            lanes: Track::ALL.map(Lane::new),
            active: Track::ALL.map(|t| declared.contains(&t)),
            clock: SenderClock::default(),
            opened: now,
            last_audio: now,
            window: MediaTime::from_ms(options.reorder_window_ms).0,
            max_fill: MediaTime::from_ms(options.max_gap_fill_ms).0,
            wait: options.reorder_wait(),
        }
    }

    /// How far the stream has come, on whichever track.
    pub(super) fn furthest(&self) -> u64 {
        self.lanes[0].next().max(self.lanes[1].next())
    }

    /// When held frames are to be released.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let oldest = self.lanes.iter().filter_map(Lane::waiting_since).min()?;
        Some(oldest + self.wait)
    }

    /// Puts one frame's audio, not empty, where it belongs.
    pub(super) fn take(
        &mut self,
        now: Instant,
        arrival: &Arrival,
        ulaw: &[u8],
        sink: &mut Sink<'_>,
    ) {
        let lane = arrival.track.index();
        self.active[lane] = true;
        if let Some(at) = self.place(now, arrival, ulaw.len(), sink) {
            self.last_audio = now;
            let (repeat, window) = (arrival.repeat, self.window);
            self.lanes[lane].take(now, at, repeat, ulaw, window, sink);
            self.pad_the_lagging(sink);
        }
    }

    /// Releases what has been held for long enough.
    pub(super) fn tick(&mut self, now: Instant, sink: &mut Sink<'_>) {
        for lane in &mut self.lanes {
            while lane.waiting_since().is_some_and(|t| now >= t + self.wait) {
                lane.release(sink);
            }
        }
        self.pad_the_lagging(sink);
    }

    /// Emits all that is held and brings the tracks to one length.
    pub(super) fn finish(&mut self, sink: &mut Sink<'_>) {
        for lane in &mut self.lanes {
            lane.release_all(sink);
        }
        self.pad(self.furthest(), sink);
    }

    fn place(
        &mut self,
        now: Instant,
        arrival: &Arrival,
        len: usize,
        sink: &mut Sink<'_>,
    ) -> Option<u64> {
        let lane = arrival.track.index();
        let timestamp = arrival.timestamp_ms.filter(|ms| *ms <= MAX_TIMESTAMP_MS);
        let Some(timestamp) = timestamp else {
            sink.anomaly(if arrival.repeat {
                Anomaly::Repeat
            } else {
                Anomaly::Untimed
            });
            return (!arrival.repeat).then(|| self.lanes[lane].tail());
        };
        let horizon = self.horizon(now, lane, sink);
        let sent = signed(MediaTime::from_ms(timestamp).0);
        let verdict = self.clock.locate(lane, sent, signed(len as u64), &horizon);
        match verdict {
            Verdict::At(at) => Some(u64::try_from(at).unwrap_or(0)),
            Verdict::Jumped(at) => {
                sink.anomaly(Anomaly::ClockJump);
                let at = u64::try_from(at).unwrap_or(0);
                self.lanes[lane].pad_to(at, sink);
                Some(at)
            }
            Verdict::Implausible => {
                sink.anomaly(Anomaly::Implausible);
                None
            }
        }
    }

    /// The bounds of belief, as the room's head describes them.
    fn horizon(&self, now: Instant, lane: usize, sink: &Sink<'_>) -> Horizon {
        let furthest = self.lanes[0].tail().max(self.lanes[1].tail());
        let unheard = samples(now.saturating_duration_since(self.last_audio));
        let by_gap = furthest + self.max_fill + unheard;
        let placed: u64 = sink.counters.placed.iter().sum();
        let filled: u64 = sink.counters.filled.iter().sum();
        let owed = self.lanes[0].owed() + self.lanes[1].owed();
        let passed = samples(now.saturating_duration_since(self.opened));
        let allowance = (self.max_fill + passed + placed).saturating_sub(filled + owed);
        let by_sum = self.lanes[lane].tail() + allowance;
        Horizon {
            tail: signed(self.lanes[lane].tail()),
            furthest: signed(furthest),
            limit: signed(by_gap.min(by_sum)),
            agreement: signed(self.window),
        }
    }

    fn pad_the_lagging(&mut self, sink: &mut Sink<'_>) {
        let furthest = self.furthest();
        let slowest = self.lanes[0].next().min(self.lanes[1].next());
        if furthest - slowest > MAX_LAG {
            self.pad(furthest - LAG_AFTER_PADDING, sink);
        }
    }

    fn pad(&mut self, target: u64, sink: &mut Sink<'_>) {
        for (lane, active) in self.lanes.iter_mut().zip(self.active) {
            if active {
                lane.pad_to(target, sink);
            }
        }
    }
}

/// Positions stay below 2^44 samples: timestamps are bounded, and so is what a gap may fill.
fn signed(samples: u64) -> i64 {
    i64::try_from(samples).unwrap_or(i64::MAX / 4)
}

/// Whole samples; division of 64 bits, since this runs for every frame.
fn samples(passed: Duration) -> u64 {
    passed.as_secs() * WIRE_RATE + u64::from(passed.subsec_micros()) * WIRE_RATE / 1_000_000
}

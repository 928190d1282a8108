//! One door for tests of a stream: say what arrives and when, then look at what came of it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use callscribe::{
    call::{Anomaly, Counters, Input, Options, Stream, probe::Ledger},
    ids::Track,
    time::Clock,
    wire::{payload, sender::Sender},
};

pub(crate) const IN: Track = Track::Inbound;
pub(crate) const OUT: Track = Track::Outbound;

/// A stream, a clock that stands still, and what was emitted so far.
pub(crate) struct Scenario {
    stream: Stream,
    sender: Sender,
    now: Instant,
    pub(crate) seen: Ledger,
}

impl Scenario {
    /// A socket, just accepted.
    pub(crate) fn accepted() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        let now = Clock::manual(jiff::Timestamp::UNIX_EPOCH).now();
        let (call, stream) = ("CA1".parse().unwrap(), "MZ1".parse().unwrap());
        Self {
            stream: Stream::new(options, now),
            sender: Sender::new("AC1".into(), call, stream),
            now,
            seen: Ledger::default(),
        }
    }

    /// After `connected` and a `start` with one track.
    pub(crate) fn one_track() -> Self {
        Self::accepted().connected().start(&[IN])
    }

    pub(crate) fn both_tracks() -> Self {
        Self::accepted().connected().start(&Track::ALL)
    }

    pub(crate) fn expecting(mut self, call: &str) -> Self {
        self.stream = self.stream.expecting(call.parse().unwrap());
        self
    }

    pub(crate) fn input(mut self, input: Input<'_>) -> Self {
        self.seen.feed(&mut self.stream, self.now, input);
        self
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.input(Input::Text(text))
    }

    pub(crate) fn connected(self) -> Self {
        let text = self.sender.connected();
        self.text(&text)
    }

    pub(crate) fn start(mut self, tracks: &[Track]) -> Self {
        let text = self.sender.start(tracks, &BTreeMap::new());
        self.text(&text)
    }

    pub(crate) fn stop(mut self) -> Self {
        let text = self.sender.stop();
        self.text(&text)
    }

    pub(crate) fn closed(self) -> Self {
        self.input(Input::Closed)
    }

    /// Time passes, and deadlines that come meanwhile are kept.
    pub(crate) fn wait_ms(mut self, ms: u64) -> Self {
        let until = self.now + Duration::from_millis(ms);
        while let Some(due) = self.stream.deadline().filter(|d| *d <= until) {
            self.now = due;
            self = self.input(Input::Tick);
            let next = self.stream.deadline();
            assert!(next.is_none_or(|d| d > due), "a tick settles its deadline");
        }
        self.now = until;
        self
    }

    /// A frame of `len` bytes of `fill`, 160 being 20 ms.
    pub(crate) fn frame(mut self, track: Track, at_ms: u64, fill: u8, len: usize) -> Self {
        let text = self.sender.media(track, at_ms, &vec![fill; len]);
        self.text(&text)
    }

    /// Frames of 20 ms on the inbound track, each filled with its number in the list, from 1.
    pub(crate) fn inbound(self, at_ms: &[u64]) -> Self {
        at_ms
            .iter()
            .zip(1..)
            .fold(self, |s, (at, fill)| s.frame(IN, *at, fill, 160))
    }

    /// A frame as `media` with these raw JSON values.
    pub(crate) fn raw(self, sequence: &str, timestamp: &str, fill: u8) -> Self {
        let payload = payload::encode(&[fill; 160]);
        self.text(&format!(
            r#"{{"event":"media","sequenceNumber":{sequence},"streamSid":"MZ1","media":{{"track":"inbound","timestamp":{timestamp},"payload":"{payload}"}}}}"#
        ))
    }

    pub(crate) fn counters(&self) -> &Counters {
        self.stream.counters()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.stream.deadline().is_some()
    }

    /// The audio of a track as runs of one byte: `(byte, samples)`; 0xFF is silence.
    pub(crate) fn runs(&self, track: Track) -> Vec<(u8, usize)> {
        let mut runs: Vec<(u8, usize)> = Vec::new();
        for &byte in &self.seen.audio[track.index()] {
            match runs.last_mut() {
                Some((last, len)) if *last == byte => *len += 1,
                _ => runs.push((byte, 1)),
            }
        }
        runs
    }

    /// The inbound track in 20 ms steps, each by its byte; 255 is silence, 254 a mixture.
    pub(crate) fn steps(&self) -> Vec<u8> {
        let audio = &self.seen.audio[IN.index()];
        let step = |s: &[u8]| {
            if s.iter().all(|b| *b == s[0]) {
                s[0]
            } else {
                254
            }
        };
        audio.chunks(160).map(step).collect()
    }

    /// Exactly these things went wrong, this often.
    #[track_caller]
    pub(crate) fn expect(self, anomalies: &[(Anomaly, u64)]) -> Self {
        let mut expected = anomalies.to_vec();
        expected.sort_unstable();
        assert_eq!(self.counters().anomalies().collect::<Vec<_>>(), expected);
        assert_eq!(
            self.seen.anomalies.len() as u64,
            expected.iter().map(|(_, n)| n).sum::<u64>(),
            "each anomaly is said once"
        );
        self
    }
}

//! What must hold of any stream whatever arrives, for fuzzing and property tests. A violation panics.

use std::time::{Duration, Instant};

use super::{Anomaly, EndReason, Input, Options, Output, Stream};
use crate::{ids::Track, time::MediaTime, wire::payload};

/// Follows a stream's outputs and checks that they hang together.
#[derive(Debug, Default)]
pub struct Ledger {
    /// All audio emitted, by track.
    pub audio: [Vec<u8>; 2],
    pub started: usize,
    pub ended: Option<EndReason>,
    pub closed: Option<u16>,
    /// Where silence was announced and how long it is, in samples.
    pub gaps: Vec<(Track, u64, u64)>,
    pub dtmf: Vec<(Track, char, MediaTime)>,
    pub marks: Vec<(String, MediaTime)>,
    pub anomalies: Vec<Anomaly>,
}

impl Ledger {
    /// Gives the stream an input and takes all that comes of it.
    pub fn feed(&mut self, stream: &mut Stream, now: Instant, input: Input<'_>) {
        stream.handle(now, input);
        while let Some(output) = stream.poll() {
            self.note(output);
        }
        for track in Track::ALL {
            let heard = self.audio[track.index()].len() as u64;
            assert_eq!(heard, stream.counters().emitted(track), "{track} counted");
        }
        assert_eq!(stream.deadline().is_none(), self.ended.is_some());
    }

    fn note(&mut self, output: Output<'_>) {
        assert_eq!(self.ended, None, "nothing follows the end");
        match output {
            Output::Started(_) => self.started += 1,
            Output::Audio { track, at, ulaw } => {
                let heard = &mut self.audio[track.index()];
                assert_eq!(at.0, heard.len() as u64, "{track} is contiguous");
                assert!(!ulaw.is_empty(), "no empty audio");
                heard.extend_from_slice(ulaw);
            }
            Output::Gap { track, at, len } => {
                let heard = self.audio[track.index()].len() as u64;
                assert_eq!(at.0, heard, "a gap is announced where it begins");
                assert!(len.0 > 0);
                self.gaps.push((track, at.0, len.0));
            }
            Output::Dtmf { track, digit, at } => self.dtmf.push((track, digit, at)),
            Output::Mark { name, at } => self.marks.push((name.to_owned(), at)),
            Output::Anomaly(anomaly) => self.anomalies.push(anomaly),
            Output::Close { code, .. } => {
                assert_eq!(self.closed.replace(code), None, "closed once");
            }
            Output::Ended(reason) => self.ended = Some(reason),
        }
        assert!(self.started <= 1, "started once");
    }
}

/// Arbitrary bytes as the lines of a stream, the last of them after a valid `start`.
pub fn frames(data: &[u8], now: Instant) {
    let text = String::from_utf8_lossy(data);
    for start in [None, Some(START)] {
        let mut stream = Stream::new(bounded(), now);
        let mut ledger = Ledger::default();
        for line in start.into_iter().chain(text.split('\n')) {
            ledger.feed(&mut stream, now, Input::Text(line));
        }
        finish(stream, ledger, now);
    }
}

/// Arbitrary bytes as a schedule of frames, seven bytes each: flags (track, ticks, no number, no
/// timestamp, far), number, timestamp (2), length (2), clock.
pub fn timeline(data: &[u8], start: Instant) {
    let mut now = start;
    let mut stream = Stream::new(bounded(), now);
    let mut ledger = Ledger::default();
    ledger.feed(&mut stream, now, Input::Text(START));
    for op in data.chunks_exact(7) {
        let [flags, number, t1, t2, l1, l2, wait] = *op else {
            continue;
        };
        now += Duration::from_millis(u64::from(wait) * 4);
        if flags & 2 != 0 {
            ledger.feed(&mut stream, now, Input::Tick);
        }
        let message = media(flags, number, [t1, t2], [l1, l2]);
        ledger.feed(&mut stream, now, Input::Text(&message));
    }
    let placed: u64 = stream.counters().placed.iter().sum();
    let filled: u64 = stream.counters().filled.iter().sum();
    let passed = u64::try_from((now - start).as_millis()).unwrap_or(u64::MAX) * 8;
    assert!(
        filled <= placed + passed + MAX_FILL + HOLDABLE,
        "silence is bounded: {filled} filled, {placed} placed"
    );
    finish(stream, ledger, now);
}

fn finish(mut stream: Stream, mut ledger: Ledger, now: Instant) {
    ledger.feed(&mut stream, now, Input::Closed);
    ledger.feed(&mut stream, now, Input::Closed);
    assert!(ledger.ended.is_some());
    let [inbound, outbound] = ledger.audio.map(|a| a.len());
    let both = stream.info().is_some_and(|i| i.tracks.len() == 2);
    assert!(!both || inbound == outbound, "the tracks end together");
}

const START: &str = r#"{"event":"start","streamSid":"MZ1","start":{"callSid":"CA1","tracks":["inbound","outbound"]}}"#;
const MAX_FILL: u64 = 16_000;
/// What may be held unplaced while its gap is already believed: 16 frames on each track.
const HOLDABLE: u64 = 2 * 16 * 2048;

fn bounded() -> Options {
    Options {
        max_gap_fill_ms: MAX_FILL / 8,
        ..Options::default()
    }
}

fn media(flags: u8, number: u8, time: [u8; 2], len: [u8; 2]) -> String {
    let track = Track::ALL[usize::from(flags & 1)];
    let far = if flags & 16 != 0 { 3_600_000 } else { 0 };
    let timestamp = u64::from(u16::from_be_bytes(time)) + far;
    let len = usize::from(u16::from_be_bytes(len) % 2048);
    let payload = payload::encode(&vec![number; len]);
    let field = |absent: bool, text: String| if absent { String::new() } else { text };
    let number = field(flags & 4 != 0, format!(r#""sequenceNumber":"{number}","#));
    let time = field(flags & 8 != 0, format!(r#""timestamp":"{timestamp}","#));
    format!(
        r#"{{"event":"media",{number}"media":{{"track":"{track}",{time}"payload":"{payload}"}}}}"#
    )
}

use std::{collections::VecDeque, time::Instant};

use super::{
    Anomaly, Counters, EndReason, Options, Output, Refusal, StreamInfo,
    info::BadStart,
    lane::Sink,
    output::{Queued, SILENCE, SILENCE_PIECE},
    seen::Seen,
    timeline::{Arrival, Timeline},
};
use crate::{
    ids::{CallSid, Track},
    time::MediaTime,
    wire::{
        message::{self, Dtmf, Frame, Mark, Media, Start},
        payload,
    },
};

/// The longest mark name that is kept, in characters.
const MAX_MARK_NAME: usize = 256;

/// What can happen to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input<'a> {
    Text(&'a str),
    /// A binary message of so many bytes; a message too long to be read, of either kind, too.
    Binary(usize),
    /// The socket is closed or broken.
    Closed,
    /// [`Stream::deadline`] has come.
    Tick,
    /// This server is going down.
    ServerClosing,
}

/// The state of one media stream; see the room's head.
#[derive(Debug)]
pub struct Stream {
    options: Options,
    expected: Option<CallSid>,
    phase: Phase,
    counters: Counters,
    seen: Seen,
    queue: VecDeque<Queued>,
    decoded: Vec<u8>,
    /// The held frame that was polled last.
    polled: Vec<u8>,
    polled_name: String,
    spare: Vec<Vec<u8>>,
}

#[derive(Debug)]
enum Phase {
    Waiting { since: Instant },
    Open(Box<Open>),
    Ended(Option<Box<Open>>),
}

#[derive(Debug)]
struct Open {
    info: StreamInfo,
    timeline: Timeline,
    /// When the last well-formed message came.
    alive: Instant,
}

impl Stream {
    /// A stream whose socket was accepted at `now`.
    #[must_use]
    pub fn new(options: Options, now: Instant) -> Self {
        Self {
            options,
            expected: None,
            phase: Phase::Waiting { since: now },
            counters: Counters::default(),
            seen: Seen::default(),
            queue: VecDeque::with_capacity(16),
            decoded: Vec::with_capacity(512),
            polled: Vec::new(),
            polled_name: String::new(),
            spare: Vec::new(),
        }
    }

    /// Refuses a `start` that names another call than the one that was signed for.
    #[must_use]
    pub fn expecting(mut self, call: CallSid) -> Self {
        self.expected = Some(call);
        self
    }

    /// What `start` said, from then on.
    #[must_use]
    pub fn info(&self) -> Option<&StreamInfo> {
        match &self.phase {
            Phase::Open(open) | Phase::Ended(Some(open)) => Some(&open.info),
            Phase::Waiting { .. } | Phase::Ended(None) => None,
        }
    }

    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How far the stream has come, on whichever track.
    #[must_use]
    pub fn position(&self) -> MediaTime {
        match &self.phase {
            Phase::Open(open) | Phase::Ended(Some(open)) => MediaTime(open.timeline.furthest()),
            Phase::Waiting { .. } | Phase::Ended(None) => MediaTime::ZERO,
        }
    }

    /// When [`Input::Tick`] is due; never, once the stream has ended.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Waiting { since } => Some(*since + self.options.start_timeout()),
            Phase::Open(open) => {
                let idle = open.alive + self.options.idle_timeout();
                Some(open.timeline.deadline().map_or(idle, |held| held.min(idle)))
            }
            Phase::Ended(_) => None,
        }
    }

    /// Takes one input. Whatever comes after the end is ignored.
    ///
    /// # Panics
    /// When outputs of the input before were not all polled.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        assert!(
            self.queue.is_empty(),
            "drain the outputs before the next input"
        );
        if matches!(self.phase, Phase::Ended(_)) {
            return;
        }
        match input {
            Input::Text(text) if text.len() > self.options.max_frame_bytes => {
                self.end(EndReason::Refused(Refusal::TooBig));
            }
            Input::Binary(len) if len > self.options.max_frame_bytes => {
                self.end(EndReason::Refused(Refusal::TooBig));
            }
            Input::Text(text) => self.text(now, text),
            Input::Binary(_) => self.anomaly(Anomaly::Binary),
            Input::Closed => self.end(match self.phase {
                Phase::Waiting { .. } => EndReason::NeverStarted,
                _ => EndReason::Closed,
            }),
            Input::Tick => self.tick(now),
            Input::ServerClosing => self.end(EndReason::ServerClosing),
        }
    }

    /// The next output of the last input, until there is none.
    pub fn poll(&mut self) -> Option<Output<'_>> {
        if let Some(Queued::Silence { track, at, len }) = self.queue.front_mut()
            && *len > SILENCE_PIECE as u64
        {
            let piece = audio(*track, *at, &SILENCE);
            *at += SILENCE_PIECE as u64;
            *len -= SILENCE_PIECE as u64;
            return Some(piece);
        }
        Some(match self.queue.pop_front()? {
            Queued::Silence { track, at, len } => {
                let len = usize::try_from(len).unwrap_or(SILENCE_PIECE);
                audio(track, at, &SILENCE[..len])
            }
            Queued::Fresh { track, at, skip } => audio(track, at, &self.decoded[skip..]),
            Queued::Held {
                track,
                at,
                ulaw,
                skip,
            } => {
                self.spare.push(std::mem::replace(&mut self.polled, ulaw));
                audio(track, at, &self.polled[skip..])
            }
            Queued::Gap { track, at, len } => Output::Gap {
                track,
                at: MediaTime(at),
                len: MediaTime(len),
            },
            Queued::Dtmf { track, digit, at } => Output::Dtmf {
                track,
                digit,
                at: MediaTime(at),
            },
            Queued::Mark { name, at } => {
                self.polled_name = name;
                Output::Mark {
                    name: &self.polled_name,
                    at: MediaTime(at),
                }
            }
            Queued::Anomaly(anomaly) => Output::Anomaly(anomaly),
            Queued::Close(code, reason) => Output::Close { code, reason },
            Queued::Ended(reason) => Output::Ended(reason),
            Queued::Started => Output::Started(self.info()?),
        })
    }

    fn text(&mut self, now: Instant, text: &str) {
        self.counters.messages += 1;
        let Ok(frame) = message::parse(text) else {
            return self.anomaly(Anomaly::BadMessage);
        };
        if let Frame::Start(start) = &frame {
            return self.start(now, start);
        }
        let Phase::Open(open) = &mut self.phase else {
            return self.before_start(&frame);
        };
        if named_stream(&frame).is_some_and(|sid| sid != open.info.stream_sid.as_str()) {
            return self.anomaly(Anomaly::ForeignStream);
        }
        open.alive = now;
        match frame {
            Frame::Media(media) => self.media(now, &media),
            Frame::Dtmf(dtmf) => self.dtmf(&dtmf),
            Frame::Mark(mark) => self.mark(&mark),
            Frame::Stop(_) => self.end(EndReason::Stopped),
            Frame::Unknown(_) => self.anomaly(Anomaly::UnknownEvent),
            Frame::Connected | Frame::Start(_) => {}
        }
    }

    fn before_start(&mut self, frame: &Frame<'_>) {
        match frame {
            Frame::Connected => {}
            Frame::Media(_) => self.anomaly(Anomaly::MediaBeforeStart),
            Frame::Unknown(_) => self.anomaly(Anomaly::UnknownEvent),
            _ => self.anomaly(Anomaly::EventBeforeStart),
        }
    }

    fn start(&mut self, now: Instant, start: &Start<'_>) {
        if let Phase::Open(open) = &mut self.phase {
            open.alive = now;
            return self.anomaly(Anomaly::SecondStart);
        }
        let info = match StreamInfo::read(start) {
            Ok(info) => info,
            Err(BadStart::Format) => return self.end(EndReason::Refused(Refusal::Format)),
            Err(BadStart::NoCall | BadStart::NoStream) => {
                return self.end(EndReason::Refused(Refusal::BadStart));
            }
        };
        if self.expected.as_ref().is_some_and(|e| *e != info.call_sid) {
            return self.end(EndReason::Refused(Refusal::WrongCall));
        }
        let timeline = Timeline::new(&self.options, &info.tracks, now);
        self.phase = Phase::Open(Box::new(Open {
            info,
            timeline,
            alive: now,
        }));
        self.queue.push_back(Queued::Started);
    }

    fn media(&mut self, now: Instant, media: &Media<'_>) {
        let repeat = media.sequence.is_some_and(|n| self.seen.note(n));
        let Phase::Open(open) = &mut self.phase else {
            return;
        };
        let mut sink = Sink {
            queue: &mut self.queue,
            counters: &mut self.counters,
            spare: &mut self.spare,
        };
        let Some(track) = track_of(media.track.as_deref(), &open.info) else {
            return sink.anomaly(Anomaly::BadTrack);
        };
        sink.counters.frames[track.index()] += 1;
        if !open.info.tracks.contains(&track) {
            sink.anomaly(Anomaly::UndeclaredTrack);
        }
        if payload::decode(&media.payload, &mut self.decoded).is_err() {
            return sink.anomaly(Anomaly::BadPayload);
        }
        if !self.decoded.is_empty() {
            let arrival = Arrival {
                track,
                timestamp_ms: media.timestamp_ms,
                repeat,
            };
            open.timeline.take(now, &arrival, &self.decoded, &mut sink);
        }
    }

    fn dtmf(&mut self, dtmf: &Dtmf<'_>) {
        let track = dtmf.track.as_deref().and_then(|t| t.parse().ok());
        match key(&dtmf.digit) {
            Some(digit) => self.queue.push_back(Queued::Dtmf {
                track: track.unwrap_or(Track::Inbound),
                digit,
                at: self.position().0,
            }),
            None => self.anomaly(Anomaly::UnknownDigit),
        }
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        let name = mark.name.chars().take(MAX_MARK_NAME).collect();
        let at = self.position().0;
        self.queue.push_back(Queued::Mark { name, at });
    }

    fn tick(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Waiting { since } if now >= *since + self.options.start_timeout() => {
                self.end(EndReason::StartTimeout);
            }
            Phase::Open(open) if now >= open.alive + self.options.idle_timeout() => {
                self.end(EndReason::Idle);
            }
            Phase::Open(open) => open.timeline.tick(
                now,
                &mut Sink {
                    queue: &mut self.queue,
                    counters: &mut self.counters,
                    spare: &mut self.spare,
                },
            ),
            Phase::Waiting { .. } | Phase::Ended(_) => {}
        }
    }

    fn end(&mut self, reason: EndReason) {
        let phase = std::mem::replace(&mut self.phase, Phase::Ended(None));
        if let Phase::Open(mut open) = phase {
            open.timeline.finish(&mut Sink {
                queue: &mut self.queue,
                counters: &mut self.counters,
                spare: &mut self.spare,
            });
            self.phase = Phase::Ended(Some(open));
        }
        if let Some((code, reason)) = reason.close() {
            self.queue.push_back(Queued::Close(code, reason));
        }
        self.queue.push_back(Queued::Ended(reason));
    }

    fn anomaly(&mut self, anomaly: Anomaly) {
        self.counters.count(anomaly);
        self.queue.push_back(Queued::Anomaly(anomaly));
    }
}

const fn audio(track: Track, at: u64, ulaw: &[u8]) -> Output<'_> {
    let at = MediaTime(at);
    Output::Audio { track, at, ulaw }
}

fn named_stream<'f>(frame: &'f Frame<'_>) -> Option<&'f str> {
    match frame {
        Frame::Media(Media { stream_sid, .. })
        | Frame::Dtmf(Dtmf { stream_sid, .. })
        | Frame::Mark(Mark { stream_sid, .. })
        | Frame::Stop(message::Stop { stream_sid, .. }) => stream_sid.as_deref(),
        Frame::Start(_) | Frame::Connected | Frame::Unknown(_) => None,
    }
}

/// A frame that names no track belongs to the only one there is.
fn track_of(named: Option<&str>, info: &StreamInfo) -> Option<Track> {
    match (named, info.tracks.as_slice()) {
        (Some(name), _) => name.parse().ok(),
        (None, [only]) => Some(*only),
        (None, _) => None,
    }
}

fn key(digit: &str) -> Option<char> {
    let mut chars = digit.chars();
    match (chars.next()?.to_ascii_uppercase(), chars.next()) {
        (key @ ('0'..='9' | '*' | '#' | 'A'..='D'), None) => Some(key),
        _ => None,
    }
}

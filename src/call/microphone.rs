//! One microphone's packets on the clock: where each belongs, what is missing before it, when it ends.
//!
//! As in [`Stream`](super::Stream) the timestamp places audio, the slack is 5 ms, and a leap is believed
//! when a second packet agrees with it. It is another, smaller core because a browser is another sender:
//! its transport keeps the order, so that nothing needs to be held; packets are settled before they are
//! decoded, and one that lies in the past is dropped whole, for half of it cannot be decoded; and it
//! speaks in real time, so that audio of the future is no replay but a fault.

use std::time::{Duration, Instant};

use super::{
    Anomaly, Counters, EndReason, Options, Refusal,
    clock::{Horizon, SenderClock, Verdict},
};
use crate::{
    ids::Track,
    time::{MediaTime, WIRE_RATE},
    wire::microphone::{Codec, Packet},
};

/// Packets that begin this close to the end of what came are joined to it, in samples: 5 ms.
const SLACK: u64 = 40;
/// How closely a second packet must agree with a leap, in samples: 120 ms.
const AGREEMENT: i64 = 960;
/// How far audio may be ahead of the clock: a browser that was held up sends late, never early.
const EARLY: Duration = Duration::from_secs(10);
/// Messages a second that no encoder comes near, and how many more a burst may have.
const MOST_A_SECOND: u64 = 500;
const BURST: u64 = 2_000;

/// What to do with a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Placed<'a> {
    /// Decode it, after so much silence. `lost` says that audio is missing there: the encoder had not
    /// announced a pause.
    Packet {
        at: MediaTime,
        silence: MediaTime,
        lost: bool,
        bytes: &'a [u8],
        /// How long it lasts, in samples at the codec's rate.
        samples: u64,
    },
    /// Already counted.
    Dropped(Anomaly),
    /// The stream is over.
    Refused(EndReason),
}

/// The state of one microphone's stream.
#[derive(Debug)]
pub struct Microphone {
    codec: Codec,
    track: usize,
    began: Instant,
    /// When the last well-formed packet came.
    alive: Instant,
    idle: Duration,
    most: Duration,
    clock: SenderClock,
    /// Where the last unbroken run began, at 8 kHz, and how long it is at the codec's rate: rounding
    /// never adds up.
    run: (u64, u64),
    /// The encoder announced a pause.
    pausing: bool,
    messages: u64,
    counters: Counters,
}

impl Microphone {
    /// A stream that may begin at `now`, and last for `most`.
    #[must_use]
    pub fn new(
        options: &Options,
        codec: Codec,
        track: Track,
        most: Duration,
        now: Instant,
    ) -> Self {
        Self {
            codec,
            track: track.index(),
            began: now,
            alive: now,
            idle: options.idle_timeout(),
            most,
            clock: SenderClock::default(),
            run: (0, 0),
            pausing: false,
            messages: 0,
            counters: Counters::default(),
        }
    }

    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How far the audio has come.
    #[must_use]
    pub const fn position(&self) -> MediaTime {
        let (start, samples) = self.run;
        MediaTime(start + samples * WIRE_RATE / self.codec.rate())
    }

    /// Takes a binary message.
    pub fn take<'a>(&mut self, now: Instant, message: &'a [u8]) -> Placed<'a> {
        if let Some(refusal) = self.flooded(now) {
            return Placed::Refused(refusal);
        }
        let Some(packet) = Packet::parse(message) else {
            return self.drop(Anomaly::BadMessage);
        };
        self.counters.frames[self.track] += 1;
        let Some(samples) = self.codec.samples(packet.bytes) else {
            return self.drop(Anomaly::BadPayload);
        };
        self.alive = now;
        let tail = self.position().0;
        let at = match self.locate(now, packet.at, samples) {
            Ok(at) if at + SLACK < tail => {
                return self.drop(if at + self.media(samples) <= tail {
                    Anomaly::Late
                } else {
                    Anomaly::Overlap
                });
            }
            Ok(at) => at,
            Err(anomaly) => return self.drop(anomaly),
        };
        let silence = if at > tail + SLACK { at - tail } else { 0 };
        let end = MediaTime(tail + silence + self.media(samples));
        if end.as_duration() > now.saturating_duration_since(self.began) + EARLY {
            return Placed::Refused(EndReason::Refused(Refusal::TooFast));
        }
        let lost = silence > 0 && !self.pausing;
        if silence > 0 {
            self.run = (tail + silence, 0);
            self.counters.filled[self.track] += silence;
        }
        self.run.1 += samples;
        self.counters.placed[self.track] += self.position().0 - tail - silence;
        self.pausing = self.codec.is_pause(packet.bytes);
        Placed::Packet {
            at: MediaTime(tail),
            silence: MediaTime(silence),
            lost,
            bytes: packet.bytes,
            samples,
        }
    }

    /// Counts what is no packet: a text that is no stop, a packet that cannot be decoded.
    pub const fn count(&mut self, anomaly: Anomaly) {
        self.counters.count(anomaly);
    }

    /// Counts a text too: whoever sends those without end is refused.
    pub fn text(&mut self, now: Instant) -> Option<EndReason> {
        let refusal = self.flooded(now);
        if refusal.is_none() {
            self.counters.count(Anomaly::UnknownEvent);
        }
        refusal
    }

    /// Whether it is over by the clock.
    #[must_use]
    pub fn tick(&self, now: Instant) -> Option<EndReason> {
        if now >= self.began + self.most {
            Some(EndReason::TooLong)
        } else if now >= self.alive + self.idle {
            Some(EndReason::Idle)
        } else {
            None
        }
    }

    fn flooded(&mut self, now: Instant) -> Option<EndReason> {
        self.messages += 1;
        self.counters.messages = self.messages;
        let passed = now.saturating_duration_since(self.began).as_secs();
        let most = BURST + passed * MOST_A_SECOND;
        (self.messages > most).then_some(EndReason::Refused(Refusal::TooFast))
    }

    fn locate(&mut self, now: Instant, sent: u64, samples: u64) -> Result<u64, Anomaly> {
        let tail = signed(self.position().0);
        let passed = now.saturating_duration_since(self.began) + EARLY;
        let horizon = Horizon {
            tail,
            furthest: tail,
            limit: signed(u64::try_from(passed.as_millis()).unwrap_or(0) * (WIRE_RATE / 1000)),
            agreement: AGREEMENT,
        };
        let length = signed(self.media(samples));
        match self.clock.locate(0, signed(sent), length, &horizon) {
            Verdict::At(at) => Ok(u64::try_from(at).unwrap_or(0)),
            Verdict::Jumped(at) => {
                self.counters.count(Anomaly::ClockJump);
                Ok(u64::try_from(at).unwrap_or(0))
            }
            Verdict::Implausible => Err(Anomaly::Implausible),
        }
    }

    const fn media(&self, samples: u64) -> u64 {
        samples * WIRE_RATE / self.codec.rate()
    }

    fn drop(&mut self, anomaly: Anomaly) -> Placed<'static> {
        self.counters.count(anomaly);
        Placed::Dropped(anomaly)
    }
}

fn signed(samples: u64) -> i64 {
    i64::try_from(samples).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::microphone::message;

    const OPUS: Codec = Codec::Opus { pre_skip: 312 };
    /// 20 ms of CELT.
    const SOUND: [u8; 3] = [0xF8, 1, 2];
    const PAUSE: [u8; 2] = [0xF8, 0];

    /// Packets one after another, each as (ms on the clock, ms by its timestamp, bytes); what became of
    /// each.
    fn told(codec: Codec, packets: &[(u64, u64, &[u8])]) -> (Vec<String>, Microphone) {
        let start = crate::time::Clock::manual(jiff::Timestamp::UNIX_EPOCH).now();
        let hour = Duration::from_secs(3600);
        let mut microphone =
            Microphone::new(&Options::default(), codec, Track::Inbound, hour, start);
        let told = packets.iter().map(|(now, at, bytes)| {
            let now = start + Duration::from_millis(*now);
            match microphone.take(now, &message(at * 1000, bytes)) {
                Placed::Packet {
                    at, silence, lost, ..
                } => {
                    let what = if lost { "lost" } else { "paused" };
                    match silence.as_ms() {
                        0 => format!("{}", at.as_ms()),
                        gap => format!("{} {what} {gap}", at.as_ms()),
                    }
                }
                Placed::Dropped(anomaly) => anomaly.as_str().to_owned(),
                Placed::Refused(reason) => reason.as_str().to_owned(),
            }
        });
        (told.collect(), microphone)
    }

    #[test]
    fn packets_lie_where_they_were_spoken() {
        let sound = &SOUND[..];
        for (what, packets, expected) in [
            (
                "in a row",
                &[(20, 0, sound), (40, 20, sound), (60, 40, sound)][..],
                &["0", "20", "40"][..],
            ),
            (
                "rounded timestamps",
                &[(20, 0, sound), (40, 23, sound), (60, 37, sound)],
                &["0", "20", "40"],
            ),
            (
                "lost on the way",
                &[(20, 0, sound), (520, 500, sound)],
                &["0", "20 lost 480"],
            ),
            (
                "a pause that was announced",
                &[(20, 0, sound), (40, 20, &PAUSE), (440, 420, sound)],
                &["0", "20", "40 paused 380"],
            ),
            (
                "a stall, then all at once",
                &[(20, 0, sound), (9000, 20, sound), (9000, 40, sound)],
                &["0", "20", "40"],
            ),
            (
                "twice",
                &[
                    (20, 0, sound),
                    (40, 20, sound),
                    (41, 20, sound),
                    (42, 0, sound),
                ],
                &["0", "20", "late", "late"],
            ),
            (
                "half of it twice",
                &[(20, 0, sound), (40, 10, sound)],
                &["0", "overlap"],
            ),
        ] {
            assert_eq!(told(OPUS, packets).0, expected, "{what}");
        }
    }

    #[test]
    fn a_false_time_or_packet_costs_itself() {
        let sound = &SOUND[..];
        for (what, packets, expected) in [
            (
                "a clock that begins elsewhere",
                &[(20, 86_400_000, sound), (40, 86_400_020, sound)][..],
                &["0", "20"][..],
            ),
            (
                "a leap that nothing confirms",
                &[(20, 0, sound), (40, 60_000, sound), (60, 40, sound)],
                &["0", "implausible_time", "20 lost 20"],
            ),
            (
                "a leap that the next one confirms",
                &[
                    (20, 0, sound),
                    (40, 60_000, sound),
                    (60, 60_020, sound),
                    (80, 60_040, sound),
                ],
                &["0", "implausible_time", "20", "40"],
            ),
            (
                "no Opus",
                &[(20, 0, &[0xFB]), (40, 20, sound)],
                &["bad_payload", "0 lost 20"],
            ),
            (
                "no packet",
                &[(20, 0, &[]), (40, 0, sound)],
                &["bad_message", "0"],
            ),
        ] {
            assert_eq!(told(OPUS, packets).0, expected, "{what}");
        }
    }

    #[test]
    fn odd_rates_and_lengths_do_not_drift() {
        let codec = Codec::Pcm { rate: 44_100 };
        let block = vec![0; 2 * 1000];
        let packets: Vec<(u64, u64, &[u8])> = (0..2000)
            .map(|n| {
                (
                    (n + 1) * 1_000_000 / 44_100,
                    n * 1_000_000 / 44_100,
                    &block[..],
                )
            })
            .collect();
        let (told, microphone) = told(codec, &packets);
        assert!(told.iter().all(|told| !told.contains(' ')), "{told:?}");
        assert_eq!(microphone.position().0, 2_000_000 * 8000 / 44_100);
        assert_eq!(
            microphone.counters().emitted(Track::Inbound),
            microphone.position().0
        );
    }

    #[test]
    fn audio_of_the_future_is_refused() {
        let packets: Vec<(u64, u64, &[u8])> = (0..600).map(|n| (5, n * 20, &SOUND[..])).collect();
        let (told, microphone) = told(OPUS, &packets);
        let refused = told.iter().position(|told| told == "too_fast").unwrap();
        assert!(
            (490..=520).contains(&refused),
            "{refused}: ten seconds ahead"
        );
        assert!(microphone.position().as_duration() <= EARLY + Duration::from_millis(20));
    }

    #[test]
    fn junk_without_end_is_refused() {
        let packets: Vec<(u64, u64, &[u8])> = (0..=BURST).map(|_| (5, 0, &[][..])).collect();
        assert_eq!(told(OPUS, &packets).0.last().unwrap(), "too_fast");
    }

    #[test]
    fn silence_of_the_sender_and_endless_talk_end_it() {
        let (_, microphone) = told(OPUS, &[(20, 0, &SOUND)]);
        let at = |secs| microphone.tick(microphone.began + Duration::from_secs(secs));
        assert_eq!(at(29), None);
        assert_eq!(at(31), Some(EndReason::Idle));
        assert_eq!(at(3600), Some(EndReason::TooLong));
    }
}

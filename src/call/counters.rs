//! What went wrong on a stream, as a closed list, and how often.

use crate::ids::Track;

macro_rules! anomalies {
    ($($(#[$doc:meta])* $name:ident = $label:literal,)*) => {
        /// Something that a healthy stream does not do. The stream lives on; each is counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Anomaly { $($(#[$doc])* $name,)* }

        impl Anomaly {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name in metrics, sidecars and notes.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $label,)* }
            }
        }
    };
}

anomalies! {
    /// Not JSON, or a message without what its event needs.
    BadMessage = "bad_message",
    /// A binary message.
    Binary = "binary",
    /// An event of an unknown name.
    UnknownEvent = "unknown_event",
    /// `media` before `start`: dropped.
    MediaBeforeStart = "media_before_start",
    /// Any other event before `start` that needs one: ignored.
    EventBeforeStart = "event_before_start",
    /// A second `start`: ignored.
    SecondStart = "second_start",
    /// A message that names another stream: ignored.
    ForeignStream = "foreign_stream",
    /// `media` of a track that is neither inbound nor outbound: dropped.
    BadTrack = "bad_track",
    /// `media` of a track that `start` did not declare: taken all the same.
    UndeclaredTrack = "undeclared_track",
    /// A payload that is not canonical base64: dropped.
    BadPayload = "bad_payload",
    /// `media` without a usable timestamp: placed after the last of its track.
    Untimed = "untimed",
    /// Audio that was received before: dropped.
    Repeat = "repeat",
    /// Audio that came after its place had been filled: dropped.
    Late = "late",
    /// Audio that overlapped what was there: its head was cut.
    Overlap = "overlap",
    /// A timestamp that nothing explains: its frame was dropped.
    Implausible = "implausible_time",
    /// The sender's clock leapt: from here on its timestamps are shifted.
    ClockJump = "clock_jump",
    /// A digit that is not on a keypad: ignored.
    UnknownDigit = "unknown_digit",
}

/// What a stream has seen so far. Lengths are in samples at 8 kHz.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    /// Text messages of any kind.
    pub messages: u64,
    /// Well-formed `media` messages after `start`, by [`Track::index`].
    pub frames: [u64; 2],
    /// Audio that found its place.
    pub placed: [u64; 2],
    /// Silence put where audio is missing between or before frames.
    pub filled: [u64; 2],
    /// Silence put where a track lagged behind the other or ended before it.
    pub padded: [u64; 2],
    /// Audio cut from the head of overlapping frames.
    pub trimmed: [u64; 2],
    anomalies: [u64; Anomaly::ALL.len()],
}

impl Counters {
    /// How often it happened. A driver that logs only when this is a power of two caps its log.
    #[must_use]
    pub const fn of(&self, anomaly: Anomaly) -> u64 {
        self.anomalies[anomaly as usize]
    }

    /// What happened at all, and how often.
    pub fn anomalies(&self) -> impl Iterator<Item = (Anomaly, u64)> + '_ {
        Anomaly::ALL
            .iter()
            .map(|a| (*a, self.of(*a)))
            .filter(|(_, count)| *count > 0)
    }

    /// The length of a track's audio so far: placed, filled and padded.
    #[must_use]
    pub const fn emitted(&self, track: Track) -> u64 {
        let t = track.index();
        self.placed[t] + self.filled[t] + self.padded[t]
    }

    pub(super) const fn count(&mut self, anomaly: Anomaly) {
        self.anomalies[anomaly as usize] += 1;
    }
}

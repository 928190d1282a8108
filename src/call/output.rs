use super::{Anomaly, StreamInfo};
use crate::{ids::Track, time::MediaTime};

/// The most silence in one [`Output::Audio`], in bytes: 200 ms.
pub const SILENCE_PIECE: usize = 1600;

/// Mu-law's positive zero.
pub(super) static SILENCE: [u8; SILENCE_PIECE] = [0xFF; SILENCE_PIECE];

/// What a driver is to do, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum Output<'a> {
    /// The stream is known; audio follows.
    Started(&'a StreamInfo),
    /// Audio, contiguous on its track from zero on; silence stands where audio is missing.
    Audio {
        track: Track,
        at: MediaTime,
        ulaw: &'a [u8],
    },
    /// The next `len` of the track's audio is silence that was never received.
    Gap {
        track: Track,
        at: MediaTime,
        len: MediaTime,
    },
    /// A key was pressed: `0`–`9`, `*`, `#`, `A`–`D`. `at` is how far the stream had come.
    Dtmf {
        track: Track,
        digit: char,
        at: MediaTime,
    },
    /// Audio that we sent was played or cleared.
    Mark { name: &'a str, at: MediaTime },
    /// Already counted.
    Anomaly(Anomaly),
    /// Close the socket.
    Close { code: u16, reason: &'static str },
    /// The last output of a stream, exactly once.
    Ended(EndReason),
}

/// The close codes that a stream and its driver use (RFC 6455, 7.4.1).
pub struct CloseCode;

impl CloseCode {
    pub const NORMAL: u16 = 1000;
    pub const GOING_AWAY: u16 = 1001;
    pub const PROTOCOL: u16 = 1002;
    pub const UNSUPPORTED: u16 = 1003;
    pub const NOT_UTF8: u16 = 1007;
    pub const POLICY: u16 = 1008;
    pub const TOO_BIG: u16 = 1009;
    pub const ERROR: u16 = 1011;
    pub const TRY_AGAIN: u16 = 1013;
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// `stop` came.
    Stopped,
    /// The socket closed without `stop`.
    Closed,
    /// The socket closed before `start`.
    NeverStarted,
    /// No `start` in time.
    StartTimeout,
    /// Nothing came for too long.
    Idle,
    /// This server is going down.
    ServerClosing,
    /// It lasted as long as a stream may.
    TooLong,
    /// The call that it was a side of is over.
    CallOver,
    /// The same page speaks by another stream now.
    Replaced,
    Refused(Refusal),
}

/// Why a stream was ended by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// A message longer than allowed.
    TooBig,
    /// `start` names no call or stream, or names that are no ids.
    BadStart,
    /// `start` names another call than the signed one.
    WrongCall,
    /// The audio is not mono mu-law at 8 kHz.
    Format,
    /// More came than can have been spoken.
    TooFast,
}

impl EndReason {
    /// The name in metrics, rows and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Closed => "closed",
            Self::NeverStarted => "never_started",
            Self::StartTimeout => "start_timeout",
            Self::Idle => "idle",
            Self::ServerClosing => "server_closing",
            Self::TooLong => "too_long",
            Self::CallOver => "call_over",
            Self::Replaced => "replaced",
            Self::Refused(Refusal::TooBig) => "too_big",
            Self::Refused(Refusal::BadStart) => "bad_start",
            Self::Refused(Refusal::WrongCall) => "wrong_call",
            Self::Refused(Refusal::Format) => "format",
            Self::Refused(Refusal::TooFast) => "too_fast",
        }
    }

    /// What to tell the other side; nothing when it is gone already.
    #[must_use]
    pub const fn close(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Stopped => Some((CloseCode::NORMAL, "stream stopped")),
            Self::Closed | Self::NeverStarted => None,
            Self::StartTimeout => Some((CloseCode::POLICY, "no start message in time")),
            Self::Idle => Some((CloseCode::POLICY, "no message for too long")),
            Self::ServerClosing => Some((CloseCode::GOING_AWAY, "server is going down")),
            Self::TooLong => Some((CloseCode::POLICY, "as long as a stream may last")),
            Self::CallOver => Some((CloseCode::NORMAL, "the call is over")),
            Self::Replaced => Some((CloseCode::NORMAL, "goes on by another stream")),
            Self::Refused(Refusal::TooBig) => Some((CloseCode::TOO_BIG, "message too long")),
            Self::Refused(Refusal::BadStart) => {
                Some((CloseCode::POLICY, "start names no valid call and stream"))
            }
            Self::Refused(Refusal::WrongCall) => {
                Some((CloseCode::POLICY, "start names another call"))
            }
            Self::Refused(Refusal::Format) => {
                Some((CloseCode::UNSUPPORTED, "only audio/x-mulaw, 8000 Hz, mono"))
            }
            Self::Refused(Refusal::TooFast) => {
                Some((CloseCode::POLICY, "more audio than can have been spoken"))
            }
        }
    }
}

/// An output that waits to be polled; audio stays where it is until then.
#[derive(Debug)]
pub(super) enum Queued {
    Started,
    /// What was decoded last, from `skip` on.
    Fresh {
        track: Track,
        at: u64,
        skip: usize,
    },
    /// What had been held, from `skip` on.
    Held {
        track: Track,
        at: u64,
        ulaw: Vec<u8>,
        skip: usize,
    },
    Silence {
        track: Track,
        at: u64,
        len: u64,
    },
    Gap {
        track: Track,
        at: u64,
        len: u64,
    },
    Dtmf {
        track: Track,
        digit: char,
        at: u64,
    },
    Mark {
        name: String,
        at: u64,
    },
    Anomaly(Anomaly),
    Close(u16, &'static str),
    Ended(EndReason),
}

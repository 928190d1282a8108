//! What our own page says when it streams a microphone: one [`Hello`] as JSON, then binary messages of
//! eight bytes of time and a packet of audio, and a text `{"event":"stop"}` at the end. The server says
//! one thing back, [`Started`]; everything else is told by the code and the reason of the close.
//!
//! A binary header and not base64 in JSON, because both ends are ours: a packet of Opus is smaller than
//! the JSON around it would be.

use audiopus::{SampleRate, packet};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{CallSid, StreamSid},
    time::WIRE_RATE,
};

/// Microseconds since the stream's start, little-endian, before each packet.
const HEAD: usize = size_of::<u64>();
/// Rates at which a browser captures.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=192_000;
/// The longest packet, in milliseconds (RFC 6716, section 3.4; the same for PCM).
const LONGEST_MS: u64 = 120;
/// The longest name of a speaker, in characters.
const MAX_NAME: usize = 64;

/// How the audio is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Packets of RFC 6716; so many samples at 48 kHz at the start are the encoder's own.
    Opus { pre_skip: u16 },
    /// 16-bit little-endian samples at this rate, for browsers without an encoder.
    Pcm { rate: u32 },
}

impl Codec {
    /// How long a packet lasts, in samples at [`Self::rate`]; `None` where it is no packet.
    #[must_use]
    pub fn samples(self, packet: &[u8]) -> Option<u64> {
        let samples = match self {
            Self::Opus { .. } => {
                let packet = packet.try_into().ok()?;
                packet::nb_samples(packet, SampleRate::Hz48000).ok()? as u64
            }
            Self::Pcm { .. } => {
                (packet.len().is_multiple_of(2)).then_some(packet.len() as u64 / 2)?
            }
        };
        let longest = self.rate() * LONGEST_MS / 1000;
        (1..=longest).contains(&samples).then_some(samples)
    }

    /// Samples a second, as [`Self::samples`] counts them.
    #[must_use]
    pub const fn rate(self) -> u64 {
        match self {
            Self::Opus { .. } => 48_000,
            Self::Pcm { rate } => rate as u64,
        }
    }

    /// An encoder that found silence says so in a packet of one or two bytes and then falls silent itself
    /// (RFC 6716, section 2.1.9).
    #[must_use]
    pub const fn is_pause(self, packet: &[u8]) -> bool {
        matches!(self, Self::Opus { .. }) && packet.len() <= 2
    }
}

/// Whose microphone it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Somebody who makes a call of their own.
    #[default]
    Caller,
    /// The other side of a call that is live.
    Agent,
}

/// The first message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    pub codec: Codec,
    pub role: Role,
    /// The call to join; `None` makes a new one.
    pub call: Option<CallSid>,
    /// Trimmed, not empty.
    pub speaker: Option<String>,
    /// ISO 639-1.
    pub language: Option<String>,
    /// Made up by the page: the same page that connects again takes its own place.
    pub page: String,
}

/// Why a first message is none; for the reason of a close, so short and without what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHello {
    #[error("the first message is no hello")]
    NoHello,
    #[error("codec: opus or pcm16")]
    Codec,
    #[error("rate: 8000 to 192000 samples a second")]
    Rate,
    #[error("call: no id of a call")]
    Call,
    #[error("an agent joins a call: say which")]
    NoCall,
    #[error("speaker: at most 64 characters, none of them a control")]
    Speaker,
    #[error("language: two or three small letters")]
    Language,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Text {
    Hello(Said),
    Stop,
}

#[derive(Deserialize)]
struct Said {
    codec: String,
    #[serde(default)]
    rate: u32,
    /// RFC 7845 names this the usual one: libopus looks 6.5 ms ahead.
    #[serde(default = "usual_pre_skip")]
    pre_skip: u16,
    #[serde(default)]
    role: Role,
    call: Option<String>,
    speaker: Option<String>,
    language: Option<String>,
    #[serde(default)]
    page: String,
}

const fn usual_pre_skip() -> u16 {
    312
}

impl Hello {
    /// # Errors
    /// [`BadHello`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, BadHello> {
        let Ok(Text::Hello(said)) = serde_json::from_str(text) else {
            return Err(BadHello::NoHello);
        };
        let codec = match said.codec.as_str() {
            // No encoder looks further ahead than a packet lasts.
            "opus" => Codec::Opus {
                pre_skip: said.pre_skip.min(5760),
            },
            "pcm16" if RATES.contains(&said.rate) => Codec::Pcm { rate: said.rate },
            "pcm16" => return Err(BadHello::Rate),
            _ => return Err(BadHello::Codec),
        };
        let filled = |text: Option<String>| {
            let text = text?.trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        let call = filled(said.call).map(|id| id.parse().map_err(|_| BadHello::Call));
        let hello = Self {
            codec,
            role: said.role,
            call: call.transpose()?,
            speaker: filled(said.speaker),
            language: filled(said.language),
            page: said.page.chars().take(MAX_NAME).collect(),
        };
        hello.check()
    }

    fn check(self) -> Result<Self, BadHello> {
        let is_name =
            |name: &String| name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
        let is_language = |code: &String| {
            (2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase())
        };
        if self.role == Role::Agent && self.call.is_none() {
            Err(BadHello::NoCall)
        } else if !self.speaker.iter().all(is_name) {
            Err(BadHello::Speaker)
        } else if !self.language.iter().all(is_language) {
            Err(BadHello::Language)
        } else {
            Ok(self)
        }
    }
}

/// Whether a text says that the speaker is done.
#[must_use]
pub fn is_stop(text: &str) -> bool {
    matches!(serde_json::from_str(text), Ok(Text::Stop))
}

/// One packet and when its audio begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Since the stream's start, in samples at [`WIRE_RATE`].
    pub at: u64,
    pub bytes: &'a [u8],
}

impl<'a> Packet<'a> {
    /// `None` where there is no packet behind the time, or the time is beyond any call.
    #[must_use]
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let (head, bytes) = message.split_first_chunk::<HEAD>()?;
        let micros = u64::from_le_bytes(*head);
        let at = micros.checked_mul(WIRE_RATE)? / 1_000_000;
        (!bytes.is_empty()).then_some(Self { at, bytes })
    }
}

/// What a page sends: for tests.
#[must_use]
pub fn message(micros: u64, packet: &[u8]) -> Vec<u8> {
    [&micros.to_le_bytes()[..], packet].concat()
}

/// The one answer: audio may come.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "started")]
pub struct Started<'a> {
    pub call: &'a CallSid,
    pub stream: &'a StreamSid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_is_read_or_refused_with_what_is_wrong() {
        use BadHello::{Call, Codec as BadCodec, Language, NoCall, NoHello, Rate, Speaker};
        let long = format!(
            r#"{{"event":"hello","codec":"opus","speaker":"{}"}}"#,
            "x".repeat(65)
        );
        for (text, expected) in [
            (r#"{"event":"hello","codec":"opus"}"#, None),
            (r#"{"event":"hello","codec":"pcm16","rate":44100}"#, None),
            (
                r#"{"event":"hello","codec":"opus","language":"he","speaker":" דנה ","extra":1}"#,
                None,
            ),
            (
                r#"{"event":"hello","codec":"opus","role":"agent","call":"CA1"}"#,
                None,
            ),
            (
                r#"{"event":"hello","codec":"opus","language":"","speaker":"  ","call":""}"#,
                None,
            ),
            ("", Some(NoHello)),
            ("hello", Some(NoHello)),
            ("[]", Some(NoHello)),
            (r#"{"event":"stop"}"#, Some(NoHello)),
            (r#"{"event":"start","codec":"opus"}"#, Some(NoHello)),
            (r#"{"event":"hello"}"#, Some(NoHello)),
            (
                r#"{"event":"hello","codec":"opus","role":"owner"}"#,
                Some(NoHello),
            ),
            (
                r#"{"event":"hello","codec":"opus","pre_skip":-1}"#,
                Some(NoHello),
            ),
            (r#"{"event":"hello","codec":"mp3"}"#, Some(BadCodec)),
            (r#"{"event":"hello","codec":"pcm16"}"#, Some(Rate)),
            (
                r#"{"event":"hello","codec":"pcm16","rate":7999}"#,
                Some(Rate),
            ),
            (
                r#"{"event":"hello","codec":"pcm16","rate":4000000000}"#,
                Some(Rate),
            ),
            (
                r#"{"event":"hello","codec":"opus","call":"../etc"}"#,
                Some(Call),
            ),
            (
                r#"{"event":"hello","codec":"opus","role":"agent"}"#,
                Some(NoCall),
            ),
            (&long, Some(Speaker)),
            (
                r#"{"event":"hello","codec":"opus","speaker":"a\u0000b"}"#,
                Some(Speaker),
            ),
            (
                r#"{"event":"hello","codec":"opus","language":"english"}"#,
                Some(Language),
            ),
            (
                r#"{"event":"hello","codec":"opus","language":"HE"}"#,
                Some(Language),
            ),
        ] {
            assert_eq!(Hello::parse(text).err(), expected, "{text}");
        }
    }

    #[test]
    fn a_hello_is_trimmed_and_filled_in() {
        let hello = Hello::parse(r#"{"event":"hello","codec":"opus","speaker":" דנה "}"#).unwrap();
        assert_eq!(hello.speaker.as_deref(), Some("דנה"));
        assert_eq!(hello.codec, Codec::Opus { pre_skip: 312 });
        assert!(is_stop(r#"{"event":"stop"}"#) && !is_stop("stop"));
    }

    #[test]
    fn a_packet_says_when_it_begins_and_how_long_it_lasts() {
        let opus = Codec::Opus { pre_skip: 312 };
        let pcm = Codec::Pcm { rate: 16_000 };
        // RFC 6716, table 2: 20 ms of CELT, 60 ms of SILK, three frames of it, none at all.
        for (codec, packet, expected) in [
            (opus, &[0xF8, 1][..], Some(960)),
            (opus, &[0x18, 1], Some(2880)),
            (opus, &[0x1B, 3, 0, 0], None),
            (opus, &[0xFB], None),
            (opus, &[], None),
            (pcm, &[0; 640], Some(320)),
            (pcm, &[0; 641], None),
            (pcm, &[0; 3842], None),
            (pcm, &[], None),
        ] {
            assert_eq!(
                codec.samples(packet),
                expected,
                "{codec:?} {:?}",
                packet.get(..2)
            );
        }
        assert!(
            opus.is_pause(&[0xF8, 0]) && !opus.is_pause(&[0xF8, 0, 0]) && !pcm.is_pause(&[0, 0])
        );
        let bytes = message(20_000, &[1, 2]);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!((packet.at, packet.bytes), (160, &[1, 2][..]));
        for short in [&[][..], &[0; 7], &[0; 8]] {
            assert_eq!(Packet::parse(short), None, "{}", short.len());
        }
        assert_eq!(Packet::parse(&message(u64::MAX, &[1])), None);
    }
}

//! What Twilio sends on the socket: JSON text frames, parsed into a closed enum that borrows from the
//! message. An event of an unknown name is a value, not an error.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;

use super::fields::{Number, Text};

/// One message of a media stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame<'a> {
    Connected,
    Start(Start<'a>),
    Media(Media<'a>),
    Dtmf(Dtmf<'a>),
    Mark(Mark<'a>),
    Stop(Stop<'a>),
    /// An event that this program does not know; its name.
    Unknown(Cow<'a, str>),
}

/// `start`: whose call it is, and what will be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start<'a> {
    pub sequence: Option<u64>,
    /// From the envelope, else from within `start`.
    pub stream_sid: Option<Cow<'a, str>>,
    pub account_sid: Option<Cow<'a, str>>,
    pub call_sid: Option<Cow<'a, str>>,
    /// `inbound`, `outbound`; empty when the sender names none.
    pub tracks: Vec<Cow<'a, str>>,
    /// What the TwiML's `<Parameter>`s said.
    pub parameters: BTreeMap<String, String>,
    pub format: MediaFormat<'a>,
}

/// `start.mediaFormat`; what is missing is Twilio's only format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFormat<'a> {
    pub encoding: Cow<'a, str>,
    /// Samples a second.
    pub sample_rate: u64,
    pub channels: u64,
}

impl MediaFormat<'_> {
    /// One channel of mu-law at 8 kHz.
    #[must_use]
    pub fn is_phone_mulaw(&self) -> bool {
        let mulaw = ["audio/x-mulaw", "audio/mulaw", "audio/pcmu", "PCMU"];
        mulaw.iter().any(|m| m.eq_ignore_ascii_case(&self.encoding))
            && self.sample_rate == 8000
            && self.channels == 1
    }
}

/// `media`: a piece of audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media<'a> {
    pub sequence: Option<u64>,
    pub stream_sid: Option<Cow<'a, str>>,
    /// `inbound` or `outbound`; senders of a single track may leave it out.
    pub track: Option<Cow<'a, str>>,
    pub chunk: Option<u64>,
    /// Milliseconds since the stream's start; none when missing or garbled.
    pub timestamp_ms: Option<u64>,
    /// Base64 of mu-law, not yet decoded.
    pub payload: Cow<'a, str>,
}

/// `dtmf`: a key was pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dtmf<'a> {
    pub sequence: Option<u64>,
    pub stream_sid: Option<Cow<'a, str>>,
    pub track: Option<Cow<'a, str>>,
    pub digit: Cow<'a, str>,
}

/// `mark`: audio that we sent has been played, or was cleared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark<'a> {
    pub sequence: Option<u64>,
    pub stream_sid: Option<Cow<'a, str>>,
    pub name: Cow<'a, str>,
}

/// `stop`: no more media follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop<'a> {
    pub sequence: Option<u64>,
    pub stream_sid: Option<Cow<'a, str>>,
}

/// Why a text is not a message.
#[derive(Debug, thiserror::Error)]
pub enum BadFrame {
    /// Not JSON, or a known field of an impossible type.
    #[error("bad JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the message has no {0:?}")]
    Missing(&'static str),
}

/// Parses one text message.
///
/// # Errors
/// When the text is not JSON, or lacks what its event cannot be without.
pub fn parse(text: &str) -> Result<Frame<'_>, BadFrame> {
    let raw: Raw<'_> = serde_json::from_str(text)?;
    let event = raw.event.ok_or(BadFrame::Missing("event"))?.0;
    let sequence = raw.sequence_number.0;
    let stream_sid = raw.stream_sid.map(|t| t.0);
    Ok(match event.as_ref() {
        "media" => {
            let media = raw.media.ok_or(BadFrame::Missing("media"))?;
            Frame::Media(Media {
                sequence,
                stream_sid,
                track: media.track.map(|t| t.0),
                chunk: media.chunk.0,
                timestamp_ms: media.timestamp.0,
                payload: media.payload.ok_or(BadFrame::Missing("media.payload"))?.0,
            })
        }
        "start" => {
            let start = raw.start.ok_or(BadFrame::Missing("start"))?;
            Frame::Start(start.read(sequence, stream_sid))
        }
        "dtmf" => {
            let dtmf = raw.dtmf.ok_or(BadFrame::Missing("dtmf"))?;
            Frame::Dtmf(Dtmf {
                sequence,
                stream_sid,
                track: dtmf.track.map(|t| t.0),
                digit: dtmf.digit.ok_or(BadFrame::Missing("dtmf.digit"))?.0,
            })
        }
        "mark" => {
            let mark = raw.mark.ok_or(BadFrame::Missing("mark"))?;
            Frame::Mark(Mark {
                sequence,
                stream_sid,
                name: mark.name.ok_or(BadFrame::Missing("mark.name"))?.0,
            })
        }
        "stop" => Frame::Stop(Stop {
            sequence,
            stream_sid,
        }),
        "connected" => Frame::Connected,
        _ => Frame::Unknown(event),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw<'a> {
    #[serde(borrow)]
    event: Option<Text<'a>>,
    #[serde(default)]
    sequence_number: Number,
    #[serde(borrow)]
    stream_sid: Option<Text<'a>>,
    #[serde(borrow)]
    media: Option<RawMedia<'a>>,
    #[serde(borrow)]
    start: Option<RawStart<'a>>,
    #[serde(borrow)]
    dtmf: Option<RawDtmf<'a>>,
    #[serde(borrow)]
    mark: Option<RawMark<'a>>,
}

#[derive(Deserialize)]
struct RawMedia<'a> {
    #[serde(borrow)]
    track: Option<Text<'a>>,
    #[serde(default)]
    chunk: Number,
    #[serde(default)]
    timestamp: Number,
    #[serde(borrow)]
    payload: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawStart<'a> {
    #[serde(borrow)]
    stream_sid: Option<Text<'a>>,
    #[serde(borrow)]
    account_sid: Option<Text<'a>>,
    #[serde(borrow)]
    call_sid: Option<Text<'a>>,
    #[serde(borrow)]
    tracks: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    custom_parameters: Option<BTreeMap<String, Option<Text<'a>>>>,
    #[serde(borrow)]
    media_format: Option<RawFormat<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawFormat<'a> {
    #[serde(borrow)]
    encoding: Option<Text<'a>>,
    #[serde(default)]
    sample_rate: Number,
    #[serde(default)]
    channels: Number,
}

#[derive(Deserialize)]
struct RawDtmf<'a> {
    #[serde(borrow)]
    track: Option<Text<'a>>,
    #[serde(borrow)]
    digit: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct RawMark<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

impl<'a> RawStart<'a> {
    fn read(self, sequence: Option<u64>, outer_sid: Option<Cow<'a, str>>) -> Start<'a> {
        let format = self.media_format.unwrap_or_default();
        let parameters = self.custom_parameters.unwrap_or_default();
        Start {
            sequence,
            stream_sid: outer_sid.or(self.stream_sid.map(|t| t.0)),
            account_sid: self.account_sid.map(|t| t.0),
            call_sid: self.call_sid.map(|t| t.0),
            tracks: self
                .tracks
                .unwrap_or_default()
                .into_iter()
                .map(|t| t.0)
                .collect(),
            parameters: parameters
                .into_iter()
                .map(|(name, value)| (name, value.map(|v| v.0.into_owned()).unwrap_or_default()))
                .collect(),
            format: MediaFormat {
                encoding: format.encoding.map_or("audio/x-mulaw".into(), |t| t.0),
                sample_rate: format.sample_rate.0.unwrap_or(8000),
                channels: format.channels.0.unwrap_or(1),
            },
        }
    }
}

#[cfg(test)]
mod tests;

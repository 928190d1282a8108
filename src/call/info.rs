//! What `start` said about a stream.

use std::collections::BTreeMap;

use crate::{
    ids::{CallSid, StreamSid, Track},
    wire::message::Start,
};

/// Whose stream it is and what it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInfo {
    pub call_sid: CallSid,
    pub stream_sid: StreamSid,
    pub account_sid: Option<String>,
    /// In the order inbound, outbound. A sender that names none means inbound.
    pub tracks: Vec<Track>,
    /// The `<Parameter>`s of the TwiML, as they came.
    pub parameters: BTreeMap<String, String>,
    /// Only the inbound track is declared, the one form in which Twilio takes messages back; the wire
    /// does not say whether it does. On any other stream nothing may be sent.
    pub may_be_bidirectional: bool,
}

/// Who called whom, as the parameter `direction` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Inbound,
    Outbound,
    /// Nobody called anybody: somebody spoke into a browser.
    Browser,
}

/// Why a `start` cannot begin a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadStart {
    NoCall,
    NoStream,
    Format,
}

impl StreamInfo {
    pub(super) fn read(start: &Start<'_>) -> Result<Self, BadStart> {
        let id = |text: &Option<_>| text.as_deref().map(str::to_owned);
        let call_sid = id(&start.call_sid)
            .and_then(|t| t.parse().ok())
            .ok_or(BadStart::NoCall)?;
        let stream_sid = id(&start.stream_sid)
            .and_then(|t| t.parse().ok())
            .ok_or(BadStart::NoStream)?;
        if !start.format.is_phone_mulaw() {
            return Err(BadStart::Format);
        }
        let mut tracks: Vec<Track> = start.tracks.iter().filter_map(|t| t.parse().ok()).collect();
        if tracks.is_empty() {
            tracks.push(Track::Inbound);
        }
        tracks.sort_unstable();
        tracks.dedup();
        Ok(Self {
            call_sid,
            stream_sid,
            account_sid: id(&start.account_sid),
            may_be_bidirectional: tracks == [Track::Inbound],
            tracks,
            parameters: start.parameters.clone(),
        })
    }

    /// From the parameter `direction`; Twilio's `outbound-api` and `outbound-dial` are outbound.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        let direction = self.parameter("direction")?;
        match direction.split('-').next() {
            Some("inbound") => Some(Direction::Inbound),
            Some("outbound") => Some(Direction::Outbound),
            Some("browser") => Some(Direction::Browser),
            _ => None,
        }
    }

    /// From the parameter `language`, such as `he`.
    #[must_use]
    pub fn language(&self) -> Option<&str> {
        self.parameter("language")
    }

    /// Who is heard on the track: `inbound_speaker` or `outbound_speaker`; `speaker` names the first
    /// track that the stream declares; else the track's own name.
    #[must_use]
    pub fn speaker(&self, track: Track) -> &str {
        let own = match track {
            Track::Inbound => "inbound_speaker",
            Track::Outbound => "outbound_speaker",
        };
        let first = self.tracks.first() == Some(&track);
        self.parameter(own)
            .or_else(|| self.parameter("speaker").filter(|_| first))
            .unwrap_or(track.as_str())
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let value = self.parameters.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::{Frame, parse};

    fn info(tracks: &str, parameters: &str) -> StreamInfo {
        let json = format!(
            r#"{{"event":"start","streamSid":"MZ1","start":{{"callSid":"CA1","tracks":{tracks},"customParameters":{parameters}}}}}"#
        );
        match parse(&json).unwrap() {
            Frame::Start(start) => StreamInfo::read(&start).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn tracks_are_sorted_and_default_to_inbound() {
        for (tracks, expected, may) in [
            ("[]", &[Track::Inbound][..], true),
            ("null", &[Track::Inbound], true),
            ("[\"inbound\"]", &[Track::Inbound], true),
            ("[\"outbound_track\"]", &[Track::Outbound], false),
            (
                "[\"outbound\",\"inbound\",\"inbound\",\"x\"]",
                &Track::ALL,
                false,
            ),
        ] {
            let info = info(tracks, "{}");
            assert_eq!(info.tracks, expected, "{tracks}");
            assert_eq!(info.may_be_bidirectional, may, "{tracks}");
        }
    }

    #[test]
    fn speakers_come_from_parameters() {
        let both = "[\"inbound\",\"outbound\"]";
        for (tracks, parameters, inbound, outbound) in [
            (both, "{}", "inbound", "outbound"),
            (
                both,
                r#"{"speaker":"technician"}"#,
                "technician",
                "outbound",
            ),
            (
                "[\"outbound\"]",
                r#"{"speaker":"agent"}"#,
                "inbound",
                "agent",
            ),
            (
                both,
                r#"{"speaker":"x","inbound_speaker":" דנה ","outbound_speaker":""}"#,
                "דנה",
                "outbound",
            ),
        ] {
            let info = info(tracks, parameters);
            let speakers = Track::ALL.map(|t| info.speaker(t));
            assert_eq!(speakers, [inbound, outbound], "{parameters}");
        }
    }

    #[test]
    fn direction_and_language_are_read() {
        for (value, expected) in [
            ("inbound", Some(Direction::Inbound)),
            ("outbound-api", Some(Direction::Outbound)),
            ("outbound", Some(Direction::Outbound)),
            ("browser", Some(Direction::Browser)),
            ("sideways", None),
            ("", None),
        ] {
            let info = info(
                "[]",
                &format!(r#"{{"direction":"{value}","language":"he"}}"#),
            );
            assert_eq!(info.direction(), expected, "{value}");
            assert_eq!(info.language(), Some("he"));
        }
    }
}

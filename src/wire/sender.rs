//! The messages of a stream as Twilio writes them: numbers as strings, `sequenceNumber` counting over
//! all messages but `connected`. Used by replay, by the load generator and by tests.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::json;

use super::payload;
use crate::ids::{CallSid, StreamSid, Track};

/// Composes the messages of one stream in the order in which they are asked for.
#[derive(Debug, Clone)]
pub struct Sender {
    account: String,
    call: CallSid,
    stream: StreamSid,
    sequence: u64,
    chunks: [u64; 2],
}

impl Sender {
    #[must_use]
    pub const fn new(account: String, call: CallSid, stream: StreamSid) -> Self {
        Self {
            account,
            call,
            stream,
            sequence: 0,
            chunks: [0; 2],
        }
    }

    /// The first message: no stream is named yet, and it has no number.
    #[must_use]
    pub fn connected(&self) -> String {
        json!({"event": "connected", "protocol": "Call", "version": "1.0.0"}).to_string()
    }

    pub fn start(&mut self, tracks: &[Track], parameters: &BTreeMap<String, String>) -> String {
        let tracks: Vec<&str> = tracks.iter().map(|t| t.as_str()).collect();
        json!({
            "event": "start",
            "sequenceNumber": self.next(),
            "start": {
                "accountSid": self.account,
                "streamSid": self.stream.as_str(),
                "callSid": self.call.as_str(),
                "tracks": tracks,
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": parameters,
            },
            "streamSid": self.stream.as_str(),
        })
        .to_string()
    }

    /// A piece of audio that begins `timestamp_ms` after the stream's start. `chunk` counts by track.
    pub fn media(&mut self, track: Track, timestamp_ms: u64, ulaw: &[u8]) -> String {
        self.media_encoded(track, timestamp_ms, &payload::encode(ulaw))
    }

    /// As [`Sender::media`], for audio that is base64 already.
    pub fn media_encoded(&mut self, track: Track, timestamp_ms: u64, payload: &str) -> String {
        let chunk = &mut self.chunks[track.index()];
        *chunk += 1;
        let chunk = *chunk;
        let mut text = String::with_capacity(192 + payload.len());
        // Nothing in it needs JSON's escapes: ids, base64 and digits only. Writing cannot fail.
        let _ = write!(
            text,
            r#"{{"event":"media","sequenceNumber":"{}","media":{{"track":"{track}","chunk":"{chunk}","timestamp":"{timestamp_ms}","payload":"{payload}"}},"streamSid":"{}"}}"#,
            self.next(),
            self.stream,
        );
        text
    }

    pub fn dtmf(&mut self, digit: char) -> String {
        json!({
            "event": "dtmf",
            "streamSid": self.stream.as_str(),
            "sequenceNumber": self.next(),
            "dtmf": {"track": "inbound_track", "digit": digit.to_string()},
        })
        .to_string()
    }

    pub fn mark(&mut self, name: &str) -> String {
        json!({
            "event": "mark",
            "sequenceNumber": self.next(),
            "streamSid": self.stream.as_str(),
            "mark": {"name": name},
        })
        .to_string()
    }

    pub fn stop(&mut self) -> String {
        json!({
            "event": "stop",
            "sequenceNumber": self.next(),
            "streamSid": self.stream.as_str(),
            "stop": {"accountSid": self.account, "callSid": self.call.as_str()},
        })
        .to_string()
    }

    fn next(&mut self) -> String {
        self.sequence += 1;
        self.sequence.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::{Frame, parse};

    #[test]
    fn what_is_composed_is_what_is_parsed() {
        let mut sender = Sender::new("AC1".into(), "CA1".parse().unwrap(), "MZ1".parse().unwrap());
        assert_eq!(parse(&sender.connected()).unwrap(), Frame::Connected);
        let parameters = BTreeMap::from([("speaker".into(), "a \"b\" ש".into())]);
        let start = sender.start(&Track::ALL, &parameters);
        let Frame::Start(start) = parse(&start).unwrap() else {
            panic!("{start}")
        };
        assert_eq!(start.parameters, parameters);
        assert_eq!(start.tracks, ["inbound", "outbound"]);
        for (track, chunk) in [
            (Track::Inbound, 1),
            (Track::Outbound, 1),
            (Track::Inbound, 2),
        ] {
            let text = sender.media(track, 40, &[1, 2, 3]);
            let Frame::Media(media) = parse(&text).unwrap() else {
                panic!("{text}")
            };
            assert_eq!(media.track.as_deref(), Some(track.as_str()));
            assert_eq!(
                (media.chunk, media.timestamp_ms, media.payload.as_ref()),
                (Some(chunk), Some(40), "AQID")
            );
        }
        let stop = sender.stop();
        let Frame::Stop(stop) = parse(&stop).unwrap() else {
            panic!("{stop}")
        };
        assert_eq!(stop.sequence, Some(5));
    }
}

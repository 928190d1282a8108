//! What we may send on a bidirectional stream (`<Connect><Stream>`): audio, marks, and the order to
//! forget audio not yet played. A unidirectional stream must be sent nothing (Twilio error 31924).

use serde_json::json;

use super::payload;
use crate::ids::StreamSid;

/// Audio to be played to the caller: raw mu-law at 8 kHz, any length, no header.
#[must_use]
pub fn media(stream: &StreamSid, ulaw: &[u8]) -> String {
    let payload = payload::encode(ulaw);
    json!({"event": "media", "streamSid": stream.as_str(), "media": {"payload": payload}})
        .to_string()
}

/// A name that comes back once all audio sent before it has been played, or was cleared.
#[must_use]
pub fn mark(stream: &StreamSid, name: &str) -> String {
    json!({"event": "mark", "streamSid": stream.as_str(), "mark": {"name": name}}).to_string()
}

/// Drops audio that was sent and is not yet played.
#[must_use]
pub fn clear(stream: &StreamSid) -> String {
    json!({"event": "clear", "streamSid": stream.as_str()}).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn messages_are_as_twilio_wants_them() {
        let sid: StreamSid = "MZ1".parse().unwrap();
        for (made, expected) in [
            (
                media(&sid, &[0xFF, 0x7F]),
                json!({"event":"media","streamSid":"MZ1","media":{"payload":"/38="}}),
            ),
            (
                mark(&sid, "a \"b\""),
                json!({"event":"mark","streamSid":"MZ1","mark":{"name":"a \"b\""}}),
            ),
            (clear(&sid), json!({"event":"clear","streamSid":"MZ1"})),
        ] {
            assert_eq!(serde_json::from_str::<Value>(&made).unwrap(), expected);
        }
    }
}

//! base64 → mu-law, into a buffer that is reused from frame to frame.

use base64::{Engine, engine::general_purpose::STANDARD};

/// Replaces what `ulaw` holds by the decoded payload. Canonical standard base64 only: a payload
/// without its padding, in the URL alphabet or with spaces in it comes from a broken sender, and half
/// of it as audio would be noise.
///
/// # Errors
/// When the payload is not canonical base64; `ulaw` is then empty.
pub fn decode(payload: &str, ulaw: &mut Vec<u8>) -> Result<(), base64::DecodeSliceError> {
    let room = base64::decoded_len_estimate(payload.len());
    if ulaw.len() < room {
        ulaw.resize(room, 0);
    }
    let decoded = STANDARD.decode_slice(payload, ulaw);
    ulaw.truncate(*decoded.as_ref().unwrap_or(&0));
    decoded.map(|_| ())
}

/// The payload of a `media` message.
#[must_use]
pub fn encode(ulaw: &[u8]) -> String {
    STANDARD.encode(ulaw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_comes_back() {
        let mut buffer = vec![9; 700];
        for len in (0..500).chain([8000]) {
            let audio: Vec<u8> = (0..len).map(|i| (i % 251).try_into().unwrap()).collect();
            decode(&encode(&audio), &mut buffer).unwrap();
            assert_eq!(buffer, audio, "{len} bytes");
        }
    }

    #[test]
    fn broken_payloads_are_refused_whole() {
        let mut buffer = vec![1, 2, 3];
        for bad in [
            "/w", "/w=", "_w==", "-w==", " /w==", "/w==\n", "/w ==", "/w==/w==", "/x==", "=", "א",
        ] {
            assert!(decode(bad, &mut buffer).is_err(), "{bad:?}");
            assert!(buffer.is_empty(), "{bad:?}");
        }
    }
}

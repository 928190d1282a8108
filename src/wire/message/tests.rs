use super::*;

const START: &str = r#"{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1","tracks":["inbound","outbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"speaker":"טכנאי","n":5,"empty":null}},"streamSid":"MZ1"}"#;

fn media(json: &str) -> Media<'_> {
    match parse(json).unwrap() {
        Frame::Media(media) => media,
        other => panic!("{other:?}"),
    }
}

fn start(json: &str) -> Start<'_> {
    match parse(json).unwrap() {
        Frame::Start(start) => start,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_start_as_twilio_sends_it() {
    let start = start(START);
    assert_eq!(start.sequence, Some(1));
    assert_eq!(start.stream_sid.as_deref(), Some("MZ1"));
    assert_eq!(start.call_sid.as_deref(), Some("CA1"));
    assert_eq!(start.account_sid.as_deref(), Some("AC1"));
    assert_eq!(start.tracks, ["inbound", "outbound"]);
    assert!(start.format.is_phone_mulaw());
    let parameters: Vec<_> = start.parameters.iter().collect();
    let expected = [("empty", ""), ("n", "5"), ("speaker", "טכנאי")];
    assert!(
        parameters
            .iter()
            .zip(expected)
            .all(|((n, v), e)| (n.as_str(), v.as_str()) == e)
    );
}

#[test]
fn a_start_needs_little() {
    let start = start(r#"{"event":"start","start":{"streamSid":"MZ2"}}"#);
    assert_eq!(start.stream_sid.as_deref(), Some("MZ2"));
    assert_eq!(start.call_sid, None);
    assert!(start.tracks.is_empty() && start.parameters.is_empty());
    assert!(start.format.is_phone_mulaw());
}

#[test]
fn formats_other_than_phone_mulaw_are_told_apart() {
    for (encoding, rate, channels, ok) in [
        ("audio/x-mulaw", "8000", "1", true),
        ("AUDIO/X-MULAW", "\"8000\"", "\"1\"", true),
        ("audio/x-l16", "8000", "1", false),
        ("audio/x-mulaw", "16000", "1", false),
        ("audio/x-mulaw", "8000", "2", false),
    ] {
        let json = format!(
            r#"{{"event":"start","start":{{"mediaFormat":{{"encoding":"{encoding}","sampleRate":{rate},"channels":{channels}}}}}}}"#
        );
        assert_eq!(start(&json).format.is_phone_mulaw(), ok, "{json}");
    }
}

#[test]
fn media_borrows_and_reads_both_kinds_of_number() {
    let strings = r#"{"event":"media","sequenceNumber":"3","media":{"track":"inbound","chunk":"2","timestamp":"5","payload":"/w=="},"streamSid":"MZ1"}"#;
    let ints = r#"{"extra":[1,{"a":2}],"event":"media","sequenceNumber":3,"media":{"track":"inbound","chunk":2,"timestamp":5,"payload":"/w==","new":{}},"streamSid":"MZ1"}"#;
    assert_eq!(media(strings), media(ints));
    assert!(matches!(media(strings).payload, Cow::Borrowed("/w==")));
    let escaped = r#"{"event":"media","media":{"payload":"\/w=="}}"#;
    assert_eq!(media(escaped).payload, "/w==");
    assert_eq!(media(escaped).timestamp_ms, None);
}

#[test]
fn garbled_numbers_read_as_absent() {
    for bad in ["\"\"", "\"soon\"", "-20", "[]", "null", "1.5"] {
        let json = format!(
            r#"{{"event":"media","sequenceNumber":{bad},"media":{{"timestamp":{bad},"payload":""}}}}"#
        );
        let media = media(&json);
        assert_eq!((media.sequence, media.timestamp_ms), (None, None), "{bad}");
    }
}

#[test]
fn the_small_events() {
    let stop = Stop {
        sequence: Some(9),
        stream_sid: Some("MZ1".into()),
    };
    for (json, expected) in [
        (
            r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#,
            Frame::Connected,
        ),
        (
            r#"{"event":"stop","sequenceNumber":"9","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}"#,
            Frame::Stop(stop.clone()),
        ),
        (
            r#"{"event":"stop","sequenceNumber":9,"streamSid":"MZ1"}"#,
            Frame::Stop(stop),
        ),
        (
            r#"{"event":"mark","sequenceNumber":"4","streamSid":"MZ1","mark":{"name":"a b"}}"#,
            Frame::Mark(Mark {
                sequence: Some(4),
                stream_sid: Some("MZ1".into()),
                name: "a b".into(),
            }),
        ),
        (
            r#"{"event":"dtmf","streamSid":"MZ1","dtmf":{"track":"inbound_track","digit":1}}"#,
            Frame::Dtmf(Dtmf {
                sequence: None,
                stream_sid: Some("MZ1".into()),
                track: Some("inbound_track".into()),
                digit: "1".into(),
            }),
        ),
        (r#"{"event":"pulse"}"#, Frame::Unknown("pulse".into())),
        (r#"{"event":7}"#, Frame::Unknown("7".into())),
    ] {
        assert_eq!(parse(json).unwrap(), expected, "{json}");
    }
}

#[test]
fn what_is_no_message_is_an_error_that_says_why() {
    for (text, says) in [
        ("", "EOF"),
        ("[]", "invalid length"),
        ("null", "bad JSON"),
        ("{\"event\":\"media\"", "EOF"),
        ("{}", "\"event\""),
        (r#"{"event":null}"#, "\"event\""),
        (r#"{"event":"media"}"#, "\"media\""),
        (r#"{"event":"media","media":{}}"#, "\"media.payload\""),
        (r#"{"event":"media","media":7}"#, "bad JSON"),
        (r#"{"event":"start"}"#, "\"start\""),
        (r#"{"event":"mark","mark":{}}"#, "\"mark.name\""),
        (r#"{"event":"dtmf","dtmf":{}}"#, "\"dtmf.digit\""),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text} gave {error}");
    }
    let deep = format!(r#"{{"event":"x","y":{}"#, "[".repeat(60_000));
    assert!(parse(&deep).is_err(), "the stack holds");
}

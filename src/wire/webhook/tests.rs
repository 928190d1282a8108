use super::*;

fn form(body: &str) -> Form {
    Form::parse(body.as_bytes()).unwrap()
}

#[test]
fn a_voice_request_needs_its_call_and_nothing_else() {
    let bare = VoiceRequest::read(&form("CallSid=CA1")).unwrap();
    assert_eq!(bare.call.as_str(), "CA1");
    assert_eq!((bare.from, bare.status), (None, None));
    assert_eq!((bare.stage, bare.rest.len()), (Stage::Ringing, 0));

    let full = VoiceRequest::read(&form(
        "From=%2B972501234567&To=%2B97231234567&CallSid=CA1&AccountSid=AC1&CallStatus=ringing\
         &Direction=inbound&FromCity=&CallerName=%D7%93%D7%A0%D7%94&New=1&New=2",
    ))
    .unwrap();
    assert_eq!(full.from.as_deref(), Some("+972501234567"));
    assert_eq!(full.direction.as_deref(), Some("inbound"));
    assert_eq!(full.status, Some(CallStatus::Ringing));
    assert_eq!(full.rest["CallerName"], "דנה");
    assert_eq!(full.rest["New"], "1");
}

#[test]
fn a_call_without_an_id_is_none() {
    for (body, expected) in [
        ("", BadWebhook::Missing("CallSid")),
        ("callsid=CA1", BadWebhook::Missing("CallSid")),
        ("CallSid=", BadWebhook::Impossible("CallSid")),
        ("CallSid=../x", BadWebhook::Impossible("CallSid")),
        ("CallSid=CA%201", BadWebhook::Impossible("CallSid")),
    ] {
        let form = form(&format!(
            "{body}&CallStatus=ringing&StreamEvent=x&RecordingSid=RE1&RecordingUrl=/x"
        ));
        assert_eq!(VoiceRequest::read(&form), Err(expected), "{body}");
        assert_eq!(StatusCallback::read(&form), Err(expected), "{body}");
        assert_eq!(StreamCallback::read(&form), Err(expected), "{body}");
        assert_eq!(RecordingCallback::read(&form), Err(expected), "{body}");
    }
}

#[test]
fn a_verb_that_is_done_asks_again() {
    for (body, expected) in [
        ("CallStatus=ringing", Stage::Ringing),
        (
            "DialCallStatus=completed&RecordingUrl=/x",
            Stage::Dialled { answered: true },
        ),
        ("DialCallStatus=answered", Stage::Dialled { answered: true }),
        (
            "DialCallStatus=no-answer",
            Stage::Dialled { answered: false },
        ),
        ("DialCallStatus=", Stage::Dialled { answered: false }),
        ("RecordingUrl=/x&Digits=hangup", Stage::Recorded),
        ("RecordingSid=RE1", Stage::Recorded),
    ] {
        let read = VoiceRequest::read(&form(&format!("CallSid=CA1&{body}"))).unwrap();
        assert_eq!(read.stage, expected, "{body}");
    }
}

#[test]
fn a_recording_is_named_by_its_id_or_its_address() {
    use BadWebhook::{Impossible, Missing};
    let url = "https%3A%2F%2Fapi.twilio.com%2F2010-04-01%2FAccounts%2FAC1%2FRecordings%2FRE9";
    for (body, expected) in [
        (format!("RecordingSid=RE1&RecordingUrl={url}"), Ok("RE1")),
        (format!("RecordingUrl={url}"), Ok("RE9")),
        (
            format!("RecordingSid=&RecordingUrl={url}.json%3Fa=b"),
            Ok("RE9"),
        ),
        (
            "RecordingUrl=/2010-04-01/Recordings/RE9.mp3/".into(),
            Ok("RE9"),
        ),
        (
            "RecordingUrl=https://api.twilio.com/recordings/abc123".into(),
            Ok("abc123"),
        ),
        ("RecordingSid=RE1".into(), Err(Missing("RecordingUrl"))),
        (
            "RecordingSid=RE1&RecordingUrl=".into(),
            Err(Missing("RecordingUrl")),
        ),
        ("".into(), Err(Missing("RecordingSid"))),
        ("RecordingUrl=https://".into(), Err(Missing("RecordingSid"))),
        (
            format!("RecordingSid=R%2FE&RecordingUrl={url}"),
            Err(Impossible("RecordingSid")),
        ),
        (
            "RecordingSid=RE1&RecordingUrl=a%0Ab".into(),
            Err(Impossible("RecordingUrl")),
        ),
        (
            format!("RecordingSid=RE1&RecordingUrl={}", "x".repeat(2_001)),
            Err(Impossible("RecordingUrl")),
        ),
    ] {
        let read = RecordingCallback::read(&form(&format!("CallSid=CA1&{body}")));
        let read = read.map(|read| read.recording.to_string());
        assert_eq!(read, expected.map(ToOwned::to_owned), "{body}");
    }
}

#[test]
fn a_recording_is_done_or_never_will_be() {
    for (body, expected) in [
        (
            "RecordingUrl=/x",
            RecordingEvent::Completed { url: "/x".into() },
        ),
        ("RecordingStatus=absent", RecordingEvent::Absent),
        (
            "RecordingStatus=failed&ErrorCode=31201",
            RecordingEvent::Failed {
                code: Some("31201".into()),
            },
        ),
        (
            "RecordingStatus=failed&ErrorCode=",
            RecordingEvent::Failed { code: None },
        ),
        ("RecordingStatus=in-progress", RecordingEvent::Other),
        ("RecordingStatus=paused", RecordingEvent::Other),
    ] {
        let body =
            format!("CallSid=CA1&RecordingSid=RE1&RecordingDuration=-1&RecordingChannels=2&{body}");
        let read = RecordingCallback::read(&form(&body)).unwrap();
        assert_eq!(read.event, expected, "{body}");
        assert_eq!((read.duration_s, read.channels), (None, Some(2)));
    }
}

#[test]
fn a_status_is_one_of_nine() {
    for status in CallStatus::ALL {
        assert_eq!(status.as_str().parse(), Ok(status));
        let body = format!(
            "CallSid=CA1&CallStatus={}&Duration=1&CallDuration=42",
            status.as_str()
        );
        let read = StatusCallback::read(&form(&body)).unwrap();
        assert_eq!((read.status, read.duration_s), (status, Some(42)));
    }
    for (body, expected) in [
        ("", BadWebhook::Missing("CallStatus")),
        ("CallStatus=asleep", BadWebhook::Impossible("CallStatus")),
        ("CallStatus=", BadWebhook::Impossible("CallStatus")),
    ] {
        let read = StatusCallback::read(&form(&format!("CallSid=CA1&{body}")));
        assert_eq!(read, Err(expected), "{body}");
    }
}

#[test]
fn the_time_of_a_status_is_the_providers_where_it_can_be_read() {
    for (at, expected) in [
        (
            "Mon%2C+10+Nov+2025+14%3A30%3A52+%2B0000",
            Some("2025-11-10T14:30:52Z"),
        ),
        (
            "Mon, 10 Nov 2025 16:30:52 %2B0200",
            Some("2025-11-10T14:30:52Z"),
        ),
        ("yesterday", None),
        ("", None),
    ] {
        let body = format!("CallSid=CA1&CallStatus=completed&Timestamp={at}");
        let read = StatusCallback::read(&form(&body)).unwrap();
        assert_eq!(read.at, expected.map(|at| at.parse().unwrap()), "{at}");
    }
}

#[test]
fn a_stream_starts_stops_or_fails() {
    for (body, expected) in [
        ("StreamEvent=stream-started", StreamEvent::Started),
        ("StreamEvent=stream-stopped", StreamEvent::Stopped),
        (
            "StreamEvent=stream-error&StreamError=refused",
            StreamEvent::Failed {
                why: Some("refused".into()),
            },
        ),
        ("StreamEvent=stream-dreams", StreamEvent::Other),
    ] {
        let read =
            StreamCallback::read(&form(&format!("CallSid=CA1&StreamSid=MZ1&{body}"))).unwrap();
        assert_eq!(read.event, expected, "{body}");
        assert_eq!(read.stream.unwrap().as_str(), "MZ1");
    }
    let read = StreamCallback::read(&form("CallSid=CA1"));
    assert_eq!(read, Err(BadWebhook::Missing("StreamEvent")));
    let read = StreamCallback::read(&form("CallSid=CA1&StreamEvent=x&StreamSid=a/b"));
    assert_eq!(read, Err(BadWebhook::Impossible("StreamSid")));
}

use super::{testing::said, *};

fn check(verbs: &[Verb<'_>], expected: &str) {
    assert_eq!(said(&write(verbs).unwrap()), said(expected));
}

fn record() -> Record<'static> {
    Record {
        beep: true,
        trim: Trim::TrimSilence,
        max_s: 600,
        silence_s: 10,
        action: "https://c.example/voice",
        recording_callback: "https://c.example/done",
    }
}

fn stream(holds: Holds) -> Stream<'static> {
    Stream {
        holds,
        url: "wss://c.example/media/CA1",
        track: StreamTrack::BothTracks,
        status_callback: "https://c.example/stream",
        parameters: vec![("from", "+972501234567"), ("to", "")],
    }
}

#[test]
fn a_greeting_a_recording_and_the_end() {
    let say = Say {
        text: "שלום, השיחה מוקלטת. נשמח לעזור.",
        language: "he-IL",
        voice: "Google.he-IL-Wavenet-A",
    };
    check(
        &[Verb::Say(say), Verb::Record(record()), Verb::Hangup],
        r#"<Response>
            <Say voice="Google.he-IL-Wavenet-A" language="he-IL">שלום, השיחה מוקלטת. נשמח לעזור.</Say>
            <Record playBeep="true" trim="trim-silence" maxLength="600" timeout="10"
                action="https://c.example/voice" method="POST"
                recordingStatusCallback="https://c.example/done" recordingStatusCallbackMethod="POST"
                recordingStatusCallbackEvent="completed absent"/>
            <Hangup/></Response>"#,
    );
    check(&[], "<Response/>");
}

#[test]
fn a_stream_beside_the_call_and_one_that_holds_it() {
    let parameters = r#"<Parameter name="from" value="+972501234567"/>"#;
    check(
        &[Verb::Stream(stream(Holds::No))],
        &format!(
            r#"<Response><Start><Stream url="wss://c.example/media/CA1" track="both_tracks"
                statusCallback="https://c.example/stream" statusCallbackMethod="POST">{parameters}</Stream></Start></Response>"#
        ),
    );
    check(
        &[Verb::Stream(stream(Holds::Call))],
        &format!(
            r#"<Response><Connect><Stream url="wss://c.example/media/CA1"
                statusCallback="https://c.example/stream" statusCallbackMethod="POST">{parameters}</Stream></Connect></Response>"#
        ),
    );
}

#[test]
fn a_number_is_dialled_and_recorded_on_both_sides() {
    let mut dial = Dial {
        number: "+97231234567",
        timeout_s: 20,
        action: "https://c.example/voice",
        recording_callback: Some("https://c.example/done"),
    };
    check(
        &[Verb::Dial(dial)],
        r#"<Response><Dial answerOnBridge="true" timeout="20" action="https://c.example/voice" method="POST"
            record="record-from-answer-dual" recordingStatusCallback="https://c.example/done"
            recordingStatusCallbackMethod="POST" recordingStatusCallbackEvent="completed absent"><Number>+97231234567</Number></Dial></Response>"#,
    );
    dial.recording_callback = None;
    check(
        &[Verb::Dial(dial)],
        r#"<Response><Dial answerOnBridge="true" timeout="20" action="https://c.example/voice" method="POST"><Number>+97231234567</Number></Dial></Response>"#,
    );
}

#[test]
fn whatever_a_caller_is_called_stays_text() {
    let hostile = "<Hangup/>&\"'\t\n\r]]>\u{1}\u{fffe}💬 \u{202e}א";
    let kept = "<Hangup/>&\"'\t\n\r]]>💬 \u{202e}א";
    let say = Say {
        text: hostile,
        language: "en-US",
        voice: "",
    };
    let mut streams = stream(Holds::No);
    streams.parameters = vec![("from", hostile)];
    let xml = write(&[Verb::Say(say), Verb::Stream(streams)]).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let find = |name: &str| {
        document
            .descendants()
            .find(|n| n.has_tag_name(name))
            .unwrap()
    };
    assert_eq!(find("Say").text(), Some(kept));
    assert_eq!(find("Say").attribute("voice"), None);
    assert_eq!(find("Parameter").attribute("value"), Some(kept));
    assert_eq!(document.root_element().children().count(), 2);
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_document(text in ".{0,100}") {
        let mut streams = stream(Holds::No);
        streams.parameters = vec![("from", &text)];
        let say = Say { text: &text, language: &text, voice: &text };
        let xml = write(&[Verb::Say(say), Verb::Stream(streams)]).unwrap();
        let document = roxmltree::Document::parse(&xml).unwrap();
        let say = document.descendants().find(|n| n.has_tag_name("Say")).unwrap();
        let kept: String = text
            .chars()
            .filter(|c| !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}'))
            .collect();
        assert_eq!(say.text().unwrap_or_default(), kept);
        assert_eq!(document.root_element().children().count(), 2);
    }
}

#[test]
fn what_is_too_long_is_left_out_or_refused() {
    let mut streams = stream(Holds::No);
    let (fits, long) = ("x".repeat(495), "x".repeat(496));
    streams.parameters = vec![("from", &fits), ("from", &long)];
    let xml = write(&[Verb::Stream(streams)]).unwrap();
    assert_eq!(xml.matches("<Parameter").count(), 1);

    let say = |letters: usize| {
        write(&[Verb::Say(Say {
            text: &"ש".repeat(letters),
            language: "he-IL",
            voice: "",
        })])
    };
    let frame = say(0).unwrap().len();
    assert!(say(4_000 - frame).is_ok());
    assert_eq!(say(4_001 - frame), Err(TooLong(4_001)));
}

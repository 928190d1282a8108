use super::{super::options::Greeting, *};
use crate::wire::{form::Form, twiml::testing::said};

const SAY: &str =
    r#"<Say language="he-IL" voice="Google.he-IL-Wavenet-A">שלום, השיחה מוקלטת. נשמח לעזור.</Say>"#;
const RECORD: &str = r#"<Record playBeep="true" trim="trim-silence" maxLength="3600" timeout="10" action="https://c/v"
    method="POST" recordingStatusCallback="https://c/r" recordingStatusCallbackMethod="POST"
    recordingStatusCallbackEvent="completed absent"/>"#;

fn check(tweak: impl FnOnce(&mut Options), form: &str, expected: &str) {
    let mut options = Options::default();
    tweak(&mut options);
    let form = Form::parse(format!("CallSid=CA1&{form}").as_bytes()).unwrap();
    let call = VoiceRequest::read(&form).unwrap();
    let addresses = Addresses {
        media: "wss://c/media/CA1".into(),
        voice: "https://c/v".into(),
        recording: "https://c/r".into(),
        stream: "https://c/s".into(),
    };
    let twiml = to(&call, &options, &addresses).unwrap();
    assert_eq!(
        said(&twiml),
        said(&format!("<Response>{expected}</Response>"))
    );
}

fn stream(outer: &str, track: &str, parameters: &[(&str, &str)]) -> String {
    let parameters: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!(r#"<Parameter name="{name}" value="{value}"/>"#))
        .collect();
    format!(
        r#"<{outer}><Stream url="wss://c/media/CA1" {track} statusCallback="https://c/s"
            statusCallbackMethod="POST">{}</Stream></{outer}>"#,
        parameters.concat()
    )
}

#[test]
fn out_of_the_box_a_call_is_greeted_in_hebrew_streamed_and_recorded() {
    let parameters = [
        ("direction", "inbound"),
        ("from", "+972501234567"),
        ("language", "he"),
        ("to", "+97231234567"),
    ];
    let stream = stream("Start", r#"track="inbound_track""#, &parameters);
    check(
        |_| {},
        "From=%2B972501234567&To=%2B97231234567&Direction=inbound",
        &format!("{SAY}{stream}{RECORD}<Hangup/>"),
    );
}

#[test]
fn each_part_can_be_had_alone() {
    check(
        |options| options.stream = StreamVerb::None,
        "",
        &format!("{SAY}{RECORD}<Hangup/>"),
    );
    check(
        |options| {
            options.stream = StreamVerb::Connect;
            options.record.enabled = false;
            options.hangup = false;
        },
        "",
        &format!("{SAY}{}", stream("Connect", "", &[("language", "he")])),
    );
    check(
        |options| {
            options.stream = StreamVerb::None;
            options.record.enabled = false;
        },
        "",
        &format!("{SAY}<Hangup/>"),
    );
}

#[test]
fn a_call_that_is_passed_on_is_streamed_and_recorded_on_both_sides() {
    let stream = stream("Start", r#"track="both_tracks""#, &[("language", "he")]);
    let dial = |recording: &str| {
        format!(
            r#"<Dial answerOnBridge="true" timeout="20" action="https://c/v" method="POST" {recording}><Number>+97231234567</Number></Dial>"#
        )
    };
    let dual = r#"record="record-from-answer-dual" recordingStatusCallback="https://c/r"
        recordingStatusCallbackMethod="POST" recordingStatusCallbackEvent="completed absent""#;
    for (recorded, recording) in [(true, dual), (false, "")] {
        check(
            |options| {
                options.dial.number = "+97231234567".into();
                options.record.enabled = recorded;
            },
            "",
            &format!("{SAY}{stream}{}<Hangup/>", dial(recording)),
        );
    }
}

#[test]
fn when_a_part_is_done_the_call_ends_or_leaves_a_message() {
    let then_record = format!("{RECORD}<Hangup/>");
    for (form, expected) in [
        (
            "RecordingUrl=/x&RecordingSid=RE1&Digits=hangup",
            "<Hangup/>",
        ),
        ("DialCallStatus=completed&RecordingUrl=/x", "<Hangup/>"),
        ("DialCallStatus=no-answer", &then_record),
        ("DialCallStatus=busy", &then_record),
    ] {
        check(
            |options| options.dial.number = "+97231234567".into(),
            form,
            expected,
        );
    }
}

#[test]
fn our_number_chooses_the_greeting() {
    let english = r#"<Say language="en-US" voice="Polly.Joanna">Hello. This call is recorded. How can we help you?</Say>"#;
    for (form, say) in [
        ("To=%2B15550100&From=%2B972501234567", english),
        (
            "From=%2B15550100&To=%2B972501234567&Direction=outbound-api",
            english,
        ),
        ("From=%2B15550100&To=%2B97231234567&Direction=inbound", SAY),
        ("To=%2B97231234567", SAY),
        ("", SAY),
    ] {
        check(
            |options| {
                options.stream = StreamVerb::None;
                options.record.enabled = false;
                options.languages = BTreeMap::from([("+15550100".into(), "en-US".into())]);
            },
            form,
            &format!("{say}<Hangup/>"),
        );
    }
    check(
        |options| {
            options.record.enabled = false;
            options.stream = StreamVerb::Connect;
            options.greetings = BTreeMap::from([("he-IL".into(), Greeting::default())]);
            options.parameters = BTreeMap::from([("from".into(), "us".into())]);
        },
        "From=them",
        &format!("{}<Hangup/>", stream("Connect", "", &[("from", "us")])),
    );
}

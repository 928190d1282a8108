use jiff::{SignedDuration, Timestamp};

use super::{Event, Facts};
use crate::{
    ids::Track,
    store::{
        Call, CallState, DELIVER, DeliveryAttempt, DeliveryState, Fetching, JobState, Note,
        NoteKind, QueuedJob, RecordingOutcome, Stream, StreamKey, TRANSCRIBE, Telling,
    },
    time::MediaTime,
};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap() + SignedDuration::from_secs(secs)
}

fn facts() -> Facts {
    let call = Call {
        sid: "CA1".parse().unwrap(),
        account_sid: None,
        direction: None,
        from: None,
        to: None,
        language: None,
        parameters: Default::default(),
        state: CallState::Final,
        interrupted: false,
        degraded: 0,
        started_at: at(0),
        ended_at: Some(at(60)),
        duration: MediaTime::from_ms(60_000),
        served_version: 1,
        served_reason: String::new(),
    };
    Facts {
        call,
        lead: None,
        streams: vec![],
        notes: vec![],
        recordings: vec![],
        fetchings: vec![],
        versions: vec![],
        log: None,
        jobs: vec![],
        tellings: vec![],
    }
}

fn note(ms: u64, kind: NoteKind) -> (Timestamp, Note) {
    let note = Note {
        call: "CA1".parse().unwrap(),
        stream: Some(1),
        track: Some(Track::Inbound),
        at: MediaTime::from_ms(ms),
        kind,
    };
    // Kept a while after it happened.
    (at(100), note)
}

fn gap(ms: u64) -> (Timestamp, Note) {
    let length = MediaTime::from_ms(100);
    note(ms, NoteKind::Gap { length })
}

fn key(ms: u64, digit: &str) -> (Timestamp, Note) {
    let digit = digit.into();
    note(ms, NoteKind::Dtmf { digit })
}

fn stream(number: u32, opened: i64, closed: Option<(i64, &str)>) -> Stream {
    Stream {
        key: StreamKey {
            call: "CA1".parse().unwrap(),
            number,
        },
        sid: "MZ1".parse().unwrap(),
        speakers: [None, None],
        parameters: Default::default(),
        position: MediaTime::from_ms(opened.unsigned_abs() * 1000),
        duration: MediaTime::from_ms(10_000),
        opened_at: at(opened),
        closed_at: closed.map(|(secs, _)| at(secs)),
        end_reason: closed.map(|(_, reason)| reason.to_owned()),
    }
}

fn job(kind: &str, state: JobState, error: Option<&str>, finished: Option<i64>) -> QueuedJob {
    QueuedJob {
        id: "1".into(),
        kind: kind.into(),
        key: "CA1".into(),
        state,
        attempts: 2,
        max_attempts: 3,
        run_at: at(70),
        lease_until: None,
        worker: None,
        last_error: error.map(ToOwned::to_owned),
        created_at: at(60),
        finished_at: finished.map(at),
    }
}

/// A line an event: seconds, what, and `!` where it is trouble.
fn lines(events: &[Event]) -> Vec<String> {
    let line = |event: &Event| {
        let secs = event.at.as_second() - at(0).as_second();
        let bad = if event.trouble { "! " } else { "" };
        format!("{secs} {bad}{}", event.text)
    };
    events.iter().map(line).collect()
}

#[test]
fn three_hundred_gaps_are_one_line_however_keys_come_between() {
    let mut facts = facts();
    facts.streams = vec![
        stream(1, 0, Some((30, "closed"))),
        stream(2, 40, Some((60, "stop"))),
    ];
    facts.notes = (0..299).map(|n| gap(100 * n)).collect();
    facts.notes.push(key(1050, "4"));
    facts.notes.push(key(9050, "2"));
    facts.notes.push(gap(45_000));
    let events = facts.events();
    assert_eq!(
        lines(&events),
        [
            "0 Stream 1 opened",
            "0 299 gaps: 29.9 s of audio in all never came; silence stands in their place",
            "1 Key 4 pressed",
            "9 Key 2 pressed",
            "30 Stream 1 closed: the connection was lost",
            "40 Stream 2 opened",
            "45 100 ms of audio never came; silence stands in its place",
            "60 Stream 2 closed: the provider ended it",
        ]
    );
    let gaps = &events[1];
    assert_eq!(gaps.parts.len(), 299, "each is still there");
    assert_eq!(gaps.until, Some(gaps.parts[298].at));
    assert_eq!(gaps.track, Some(Track::Inbound));
}

#[test]
fn few_of_a_kind_stand_by_themselves_and_many_keys_are_read_in_a_row() {
    for (keys, expected) in [
        (
            "123",
            &["0 Key 1 pressed", "1 Key 2 pressed", "2 Key 3 pressed"][..],
        ),
        ("1234", &["0 4 keys pressed: 1 2 3 4"]),
    ] {
        let mut facts = facts();
        let digits = keys.chars().zip(0_u64..);
        facts.notes = digits.map(|(c, n)| key(n * 1000, &c.to_string())).collect();
        assert_eq!(lines(&facts.events()), expected, "{keys}");
    }
}

#[test]
fn what_is_said_of_the_whole_call_stands_where_it_was_kept() {
    let mut facts = facts();
    let reason = "no engine".to_owned();
    facts.notes = vec![note(0, NoteKind::FinalFailed { reason })];
    let events = facts.events();
    assert_eq!(
        lines(&events),
        ["100 ! The final transcription failed: no engine"]
    );
    assert_eq!(events[0].position, None);
}

#[test]
fn a_job_is_told_by_what_became_of_it() {
    let error = Some("the disk is full");
    for (state, error, finished, expected) in [
        (
            JobState::Done,
            None,
            Some(80),
            "80 Done: final transcription, at try 2",
        ),
        (
            JobState::Dead,
            error,
            Some(80),
            "80 ! Given up: final transcription, at try 2: the disk is full",
        ),
        (
            JobState::Queued,
            error,
            None,
            "70 ! To be tried again: final transcription, 2 so far: the disk is full",
        ),
        (
            JobState::Running,
            None,
            None,
            "70 Under way: final transcription, at try 2",
        ),
    ] {
        let mut facts = facts();
        facts.jobs = vec![job(TRANSCRIBE, state, error, finished)];
        assert_eq!(
            lines(&facts.events()),
            ["60 Queued: final transcription", expected]
        );
    }
}

#[test]
fn jobs_that_are_queued_together_are_told_together() {
    let mut facts = facts();
    let waits = |kind| job(kind, JobState::Queued, None, None);
    facts.jobs = ["transcribe", "analyse", "announce", DELIVER]
        .map(waits)
        .into();
    assert_eq!(
        lines(&facts.events()),
        ["60 Queued: final transcription, analysis of the recordings, announcement"]
    );
}

#[test]
fn every_try_to_tell_others_is_told() {
    let mut facts = facts();
    let attempt = |number, secs, error: Option<&str>| DeliveryAttempt {
        number,
        started_at: at(secs),
        took_ms: 35,
        http_status: Some(if error.is_some() { 503 } else { 200 }),
        error: error.map(ToOwned::to_owned),
    };
    let telling = |target: &str, state, attempts| Telling {
        delivery: target.into(),
        target: target.into(),
        event: "call.completed".into(),
        state,
        reason: (state == DeliveryState::Dead).then(|| "tried long enough".into()),
        created_at: at(61),
        attempts,
    };
    facts.tellings = vec![
        telling(
            "crm",
            DeliveryState::Delivered,
            vec![attempt(1, 62, Some("HTTP 503")), attempt(2, 72, None)],
        ),
        telling(
            "desk",
            DeliveryState::Dead,
            vec![attempt(1, 63, Some("refused"))],
        ),
    ];
    assert_eq!(
        lines(&facts.events()),
        [
            "61 To be told to crm: call.completed",
            "61 To be told to desk: call.completed",
            "62 ! crm could not be told, try 1: HTTP 503",
            "63 ! desk could not be told, try 1: refused",
            "63 ! desk is not told of it any more: tried long enough",
            "72 crm was told (200), in 35 ms",
        ]
    );
}

#[test]
fn a_recording_of_the_providers_is_followed_to_its_end() {
    for (outcome, expected) in [
        (RecordingOutcome::Waiting, None),
        (
            RecordingOutcome::Used,
            Some("9 The provider's recording was downloaded and is used: why"),
        ),
        (
            RecordingOutcome::Unused,
            Some("9 The provider's recording is not needed: why"),
        ),
        (
            RecordingOutcome::Failed,
            Some("9 ! The provider's recording cannot be had: why"),
        ),
    ] {
        let mut facts = facts();
        facts.fetchings = vec![Fetching {
            sid: "RE1".parse().unwrap(),
            outcome,
            reason: Some("why".into()),
            created_at: at(5),
            updated_at: at(9),
        }];
        let mut all = vec!["5 The provider told of a recording (RE1)"];
        all.extend(expected);
        assert_eq!(lines(&facts.events()), all);
    }
}

//! The final pass: what it hears replaces the live text; what goes wrong is said and loses nothing.

use std::sync::atomic::{AtomicU32, Ordering};

use super::scenario::{Scenario, heard};
use crate::{
    after::{NoHearing, Outcome, Told},
    ids::Track,
    speech::coverage::{CoverageKind, Span, covers},
    store::{CallState, NoteKind, RecordingEnd, testing::*},
};

on_both!(
    the_final_text_replaces_the_live_one,
    two_streams_become_one_transcript,
    the_job_twice_is_one_version,
    a_missing_model_waits_and_says_so,
    a_failing_engine_is_tried_again_and_given_up_at_last,
    a_panic_is_a_failure,
    a_lost_recording_leaves_the_others,
    a_call_without_a_recording_is_settled,
    an_empty_call_is_empty,
    a_live_call_is_left_alone,
    an_open_recording_is_waited_for,
    a_recording_that_was_never_closed_is_taken_from_disk,
    a_killed_worker_loses_nothing,
    a_job_that_kills_the_service_is_given_up,
    lost_audio_is_marked,
);

const BOTH: [(Track, &str); 2] = [(Track::Inbound, "in"), (Track::Outbound, "out")];

async fn the_final_text_replaces_the_live_one(bench: &Bench) {
    let scenario = Scenario::new(bench, |name, _| {
        Ok(match name {
            "in.wav" => heard(10, &[(0, "Good morning, all."), (6, "Fine, thanks.")]),
            _ => heard(10, &[(3, "How are you?")]),
        })
    });
    let stream = bench.stream("CA1", 0).await;
    scenario.live_text(&stream, "good mourning").await;
    scenario.stream("CA1", 0, 10, &BOTH).await;
    scenario.close(&stream, 10).await;
    assert_eq!(scenario.step_at(12).await, None, "time for a reconnect");
    assert_eq!(scenario.served("CA1").await, ["0 Inbound: good mourning"]);
    assert_eq!(scenario.step_at(13).await, Some(Outcome::Done));
    let lines = [
        "0 Dana: Good morning, all.",
        "3 Outbound: How are you?",
        "6 Dana: Fine, thanks.",
    ];
    assert_eq!(scenario.served("CA1").await, lines);
    let told = scenario.told();
    let [Told::Replaced(replaced)] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!((replaced.version, replaced.served_version), (2, 2));
    assert_eq!(replaced.served_reason, "final text, 45 characters");
    assert_eq!(scenario.call("CA1").await.state, CallState::Final);
    assert_eq!(scenario.step_at(1000).await, None);
}

async fn coverage(bench: &Bench, sid: &str, track: Track) -> Vec<Span> {
    let found = bench.store.transcript(&call_sid(sid), None).await;
    let transcript = found.unwrap().unwrap();
    let of_track = transcript.coverage.iter().filter(|s| s.track == track);
    let spans: Vec<Span> = of_track
        .map(|s| Span {
            start: s.start,
            end: s.end,
            kind: s.kind,
        })
        .collect();
    assert_eq!(covers(&spans, transcript.duration), Ok(()));
    spans
}

fn span(start: u64, end: u64, kind: CoverageKind) -> Span {
    Span {
        start: secs(start),
        end: secs(end),
        kind,
    }
}

async fn two_streams_become_one_transcript(bench: &Bench) {
    use CoverageKind::{NotUnderstood, Silence, Text};
    let scenario = Scenario::new(bench, |name, _| {
        Ok(match name {
            "one.wav" => heard(10, &[(0, "Before the break.")]),
            "two.wav" => heard(8, &[(1, "After the break.")]),
            _ => heard(8, &[(4, "And only now I speak.")]),
        })
    });
    scenario
        .stream("CA1", 0, 10, &[(Track::Inbound, "one")])
        .await;
    let second = [(Track::Inbound, "two"), (Track::Outbound, "three")];
    scenario.stream("CA1", 12, 8, &second).await;
    assert_eq!(scenario.step_at(30).await, Some(Outcome::Done));
    let lines = [
        "0 Dana: Before the break.",
        "13 Dana: After the break.",
        "16 Outbound: And only now I speak.",
    ];
    assert_eq!(scenario.served("CA1").await, lines);
    let inbound = [
        span(0, 2, Text),
        span(2, 10, Silence),
        span(10, 12, NotUnderstood),
        span(12, 13, Silence),
        span(13, 15, Text),
        span(15, 20, Silence),
    ];
    assert_eq!(coverage(bench, "CA1", Track::Inbound).await, inbound);
    let outbound = coverage(bench, "CA1", Track::Outbound).await;
    assert_eq!(outbound[0], span(0, 12, NotUnderstood));
}

async fn the_job_twice_is_one_version(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| Ok(heard(10, &[(0, "Good morning, all.")])));
    scenario.stream("CA1", 0, 10, &BOTH).await;
    assert_eq!(scenario.step_at(20).await, Some(Outcome::Done));
    scenario.enqueue("CA1").await;
    assert_eq!(scenario.step_at(21).await, Some(Outcome::Done));
    assert_eq!(
        scenario.versions("CA1").await,
        2,
        "the live one and one final"
    );
    scenario
        .hearing
        .model
        .lock()
        .unwrap()
        .as_mut()
        .unwrap()
        .name = "small".into();
    scenario.enqueue("CA1").await;
    assert_eq!(scenario.step_at(22).await, Some(Outcome::Done));
    assert_eq!(
        scenario.versions("CA1").await,
        3,
        "another model is another version"
    );
}

async fn a_missing_model_waits_and_says_so(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| Ok(heard(10, &[(0, "Good morning, all.")])));
    let stream = bench.stream("CA1", 0).await;
    scenario.live_text(&stream, "good mourning").await;
    scenario.stream("CA1", 0, 10, &BOTH).await;
    scenario.close(&stream, 10).await;
    let missing = NoHearing::NotYet("model base is missing".into());
    *scenario.hearing.model.lock().unwrap() = Err(missing);
    // More often than a job may fail.
    for minute in 1..20 {
        assert_eq!(scenario.step_at(minute * 60).await, Some(Outcome::NotYet));
        assert_eq!(scenario.step_at(minute * 60 + 59).await, None);
    }
    let reason = "model base is missing";
    let waiting = Told::Waiting {
        reason: reason.into(),
    };
    assert_eq!(scenario.told(), [waiting], "once");
    let call = scenario.call("CA1").await;
    assert_eq!(call.state, CallState::Finishing);
    assert_eq!(
        call.served_reason,
        format!("final pass failed: {reason}: live text kept")
    );
    *scenario.hearing.model.lock().unwrap() = Ok(model());
    assert_eq!(scenario.step_at(2000).await, Some(Outcome::Done));
    assert_eq!(scenario.call("CA1").await.state, CallState::Final);
}

async fn a_failing_engine_is_tried_again_and_given_up_at_last(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| Err(NoHearing::Failed("out of memory".into())));
    let stream = bench.stream("CA1", 0).await;
    scenario.live_text(&stream, "good mourning").await;
    scenario.stream("CA1", 0, 10, &BOTH).await;
    scenario.close(&stream, 10).await;
    let (mut tries, mut now) = (0, 20);
    while tries < 10 {
        match scenario.step_at(now).await {
            Some(outcome) => {
                tries += 1;
                let expected = if tries < 10 {
                    Outcome::Retry
                } else {
                    Outcome::Dead
                };
                assert_eq!(outcome, expected);
            }
            None => now += 60,
        }
        assert!(now < 7 * 86_400, "it was given up silently");
    }
    assert!(now > 3600, "ever later");
    let call = scenario.call("CA1").await;
    assert_eq!(call.state, CallState::Failed);
    assert_eq!(
        call.served_reason,
        "final pass failed: out of memory: live text kept"
    );
    assert_eq!(scenario.served("CA1").await, ["0 Inbound: good mourning"]);
    let notes = bench.store.notes(&call.sid).await.unwrap();
    assert!(matches!(&notes[..], [n] if matches!(n.kind, NoteKind::FinalFailed { .. })));
    assert!(matches!(scenario.told().last(), Some(Told::GivenUp { .. })));
}

async fn a_panic_is_a_failure(bench: &Bench) {
    static TRIES: [AtomicU32; 2] = [AtomicU32::new(0), AtomicU32::new(0)];
    let tries = &TRIES[usize::from(bench.options.url.starts_with("sqlite"))];
    let scenario = Scenario::new(bench, move |_, _| {
        assert!(tries.fetch_add(1, Ordering::Relaxed) > 0, "the engine dies");
        Ok(heard(10, &[(0, "Good morning, all.")]))
    });
    scenario.stream("CA1", 0, 10, &BOTH).await;
    assert_eq!(scenario.step_at(20).await, Some(Outcome::Retry));
    assert_eq!(scenario.step_at(40).await, Some(Outcome::Done));
}

async fn a_lost_recording_leaves_the_others(bench: &Bench) {
    let scenario = Scenario::new(bench, |name, _| match name {
        "in.wav" => Ok(heard(10, &[(0, "Good morning, all.")])),
        _ => Err(NoHearing::Unreadable("there is no such file".into())),
    });
    scenario.stream("CA1", 0, 10, &BOTH).await;
    assert_eq!(scenario.step_at(20).await, Some(Outcome::Done));
    assert_eq!(scenario.served("CA1").await, ["0 Dana: Good morning, all."]);
    let versions = bench.store.versions(&call_sid("CA1")).await.unwrap();
    assert_eq!(
        versions[1].reason,
        "after the call, without the outbound recording of stream 1: there is no such file"
    );
    let outbound = coverage(bench, "CA1", Track::Outbound).await;
    assert_eq!(outbound, [span(0, 10, CoverageKind::NotUnderstood)]);
}

async fn a_call_without_a_recording_is_settled(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| panic!("there is nothing to hear"));
    let stream = bench.stream("CA1", 0).await;
    scenario.live_text(&stream, "good mourning").await;
    scenario.close(&stream, 10).await;
    // Without a recording no model is missed.
    *scenario.hearing.model.lock().unwrap() = Err(NoHearing::NotYet("no model".into()));
    assert_eq!(scenario.step_at(20).await, Some(Outcome::Done));
    let call = scenario.call("CA1").await;
    assert_eq!(call.state, CallState::Final);
    assert_eq!(
        call.served_reason,
        "the call was not recorded: live text kept"
    );
    assert!(matches!(
        &scenario.told()[..],
        [Told::Settled {
            state: CallState::Final,
            ..
        }]
    ));
}

async fn an_empty_call_is_empty(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| Ok(heard(10, &[])));
    scenario.stream("CA1", 0, 10, &BOTH).await;
    scenario.stream("CA2", 0, 0, &BOTH).await;
    assert_eq!(scenario.step_at(20).await, Some(Outcome::Done));
    assert_eq!(scenario.step_at(20).await, Some(Outcome::Done));
    for sid in ["CA1", "CA2"] {
        assert_eq!(scenario.call(sid).await.state, CallState::Empty, "{sid}");
    }
    let silence = [span(0, 10, CoverageKind::Silence)];
    assert_eq!(coverage(bench, "CA1", Track::Inbound).await, silence);
}

async fn a_live_call_is_left_alone(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| panic!("the call goes on"));
    scenario.stream("CA1", 0, 10, &BOTH).await;
    bench.stream("CA1", 11).await;
    scenario.enqueue("CA1").await;
    assert_eq!(scenario.step_at(20).await, Some(Outcome::Done));
    assert_eq!(scenario.call("CA1").await.state, CallState::Live);
}

async fn an_open_recording_is_waited_for(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| Ok(heard(10, &[(0, "Good morning, all.")])));
    let stream = bench.stream("CA1", 0).await;
    let new = new_recording(&stream.key, Track::Inbound, "in.wav");
    bench.store.record_opened(&new).await.unwrap();
    scenario.close(&stream, 10).await;
    assert_eq!(scenario.step_at(14).await, Some(Outcome::NotYet));
    assert_eq!(scenario.told(), []);
    let end = super::scenario::recorded_end("in", 10);
    bench
        .store
        .record_closed(&new.key, &end, at(15))
        .await
        .unwrap();
    assert_eq!(scenario.step_at(15).await, Some(Outcome::Done));
    assert_eq!(scenario.call("CA1").await.state, CallState::Final);
}

async fn a_recording_that_was_never_closed_is_taken_from_disk(bench: &Bench) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dana_MZ1_20231114_221320.wav");
    let mut bytes = crate::audio::wav::header(320_000).to_vec();
    bytes.resize(bytes.len() + 320_000, 0);
    std::fs::write(&path, bytes).unwrap();
    let scenario = Scenario::new(bench, |_, _| Ok(heard(10, &[(0, "Good morning, all.")])));
    let stream = bench.stream("CA1", 0).await;
    for (track, path) in [
        (Track::Inbound, path.to_str().unwrap()),
        (Track::Outbound, "no.wav"),
    ] {
        let new = new_recording(&stream.key, track, path);
        bench.store.record_opened(&new).await.unwrap();
    }
    scenario.close(&stream, 10).await;
    assert_eq!(scenario.step_at(39).await, Some(Outcome::NotYet));
    assert_eq!(scenario.step_at(41).await, Some(Outcome::Done));
    let [inbound, outbound] = &bench.store.recordings(&call_sid("CA1")).await.unwrap()[..] else {
        panic!("two recordings");
    };
    assert_eq!(
        (inbound.duration, inbound.closed_at),
        (secs(10), Some(at(41)))
    );
    assert_eq!(outbound.failed.as_deref(), Some("its file was not found"));
    assert_eq!(scenario.served("CA1").await, ["0 Dana: Good morning, all."]);
}

async fn a_killed_worker_loses_nothing(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| Ok(heard(10, &[(0, "Good morning, all.")])));
    scenario.stream("CA1", 0, 10, &BOTH).await;
    let lease = jiff::SignedDuration::from_secs(60);
    let lost = bench
        .store
        .take_job("transcribe", "killed", lease, at(20))
        .await;
    assert!(lost.unwrap().is_some());
    assert_eq!(scenario.step_at(79).await, None);
    assert_eq!(scenario.step_at(80).await, Some(Outcome::Done));
    assert_eq!(scenario.call("CA1").await.state, CallState::Final);
}

async fn a_job_that_kills_the_service_is_given_up(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| panic!("never again"));
    scenario.stream("CA1", 0, 10, &BOTH).await;
    let lease = jiff::SignedDuration::from_secs(60);
    for attempt in 0..10 {
        let now = at(20 + 60 * attempt);
        let taken = bench
            .store
            .take_job("transcribe", "killed", lease, now)
            .await;
        assert!(taken.unwrap().is_some(), "{attempt}");
    }
    assert_eq!(scenario.step_at(700).await, None);
    let call = scenario.call("CA1").await;
    assert_eq!(call.state, CallState::Failed);
    let reason =
        "final pass failed: the service died during the last attempt, and there was no live text";
    assert_eq!(call.served_reason, reason);
}

async fn lost_audio_is_marked(bench: &Bench) {
    use CoverageKind::{NotUnderstood, Silence, Text};
    let scenario = Scenario::new(bench, |_, _| Ok(heard(10, &[(0, "Good morning, all.")])));
    let stream = bench.stream("CA1", 0).await;
    let new = new_recording(&stream.key, Track::Inbound, "in.wav");
    bench.store.record_opened(&new).await.unwrap();
    let end = RecordingEnd {
        gaps: vec![(secs(5), secs(2))],
        ..super::scenario::recorded_end("in", 10)
    };
    bench
        .store
        .record_closed(&new.key, &end, at(10))
        .await
        .unwrap();
    scenario.close(&stream, 10).await;
    assert_eq!(scenario.step_at(20).await, Some(Outcome::Done));
    let expected = [
        span(0, 2, Text),
        span(2, 5, Silence),
        span(5, 7, NotUnderstood),
        span(7, 10, Silence),
    ];
    assert_eq!(coverage(bench, "CA1", Track::Inbound).await, expected);
}

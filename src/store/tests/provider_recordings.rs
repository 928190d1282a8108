//! Recordings of the provider's: what becomes of one is settled once, and the call goes on.

use std::path::PathBuf;

use crate::{
    ids::{StreamSid, Track},
    store::{
        CallState, Downloaded, RecordingEnd, RecordingOutcome, RecordingPart, RecordingState,
        testing::*,
    },
};

on_both!(
    a_call_without_a_stream_begins_with_its_recording,
    a_recording_joins_the_streams_of_its_call,
    a_live_call_stays_live,
    what_is_settled_is_settled,
    a_lost_recording_fails_a_lead_that_has_nothing_else,
    a_lost_recording_leaves_a_call_its_words,
    a_recording_without_a_job_gets_one_or_fails,
    a_deleted_call_does_not_come_back,
);

fn sid(text: &str) -> StreamSid {
    text.parse().unwrap()
}

/// Of both sides, `lasted` seconds from `from` on.
fn downloaded(recording: &str, from: i64, lasted: u64) -> Downloaded {
    let end = |track: Track| RecordingEnd {
        parts: vec![RecordingPart {
            path: PathBuf::from(format!("{track}_{recording}_x.wav")),
            frames: lasted * 16_000,
            channel: 0,
        }],
        gaps: vec![],
        detail: serde_json::Value::Null,
        failed: None,
    };
    Downloaded {
        sid: sid(recording),
        started_at: at(from),
        tracks: Track::ALL.map(|track| (track, end(track))).to_vec(),
    }
}

async fn outcome(bench: &Bench, recording: &str) -> (RecordingOutcome, String) {
    let found = bench.store.provider_recording(&sid(recording)).await;
    let found = found.unwrap().unwrap();
    (found.outcome, found.reason.unwrap_or_default())
}

async fn used(bench: &Bench, recording: &str, from: i64, lasted: u64) -> bool {
    let downloaded = downloaded(recording, from, lasted);
    let used = bench.store.recording_used(&downloaded, "why", at(99));
    used.await.unwrap()
}

async fn a_call_without_a_stream_begins_with_its_recording(bench: &Bench) {
    bench.lead("CA1", "+15550123").await;
    bench.provider_recording("RE1", "CA1", "/RE1").await;
    assert!(used(bench, "RE1", 10, 50).await);
    let call = bench.store.call(&call_sid("CA1")).await.unwrap().unwrap();
    assert_eq!(call.state, CallState::Finishing);
    assert_eq!(
        (call.started_at, call.ended_at, call.duration),
        (at(10), Some(at(60)), secs(50))
    );
    assert_eq!(
        (call.from.as_deref(), call.direction.as_deref()),
        (Some("+15550123"), Some("inbound"))
    );
    let streams = bench.store.streams(&call.sid).await.unwrap();
    assert!(streams[0].is_downloaded());
    assert_eq!((streams.len(), &streams[0].sid), (1, &sid("RE1")));
    assert_eq!(
        (streams[0].position, streams[0].duration),
        (secs(0), secs(50))
    );
    let recordings = bench.store.recordings(&call.sid).await.unwrap();
    let states: Vec<_> = recordings.iter().map(|r| (r.key.track, r.state)).collect();
    assert_eq!(
        states,
        Track::ALL.map(|track| (track, RecordingState::Closed))
    );
    for kind in ["transcribe", "analyse"] {
        assert_eq!(bench.queued(kind).await, ["CA1"]);
    }
    assert_eq!(
        outcome(bench, "RE1").await,
        (RecordingOutcome::Used, "why".into())
    );
    let live = bench.store.transcript(&call.sid, None).await.unwrap();
    assert!(live.unwrap().segments.is_empty());
}

async fn a_recording_joins_the_streams_of_its_call(bench: &Bench) {
    bench.ended_call("CA1", &["live text"], 20).await;
    bench.provider_recording("RE1", "CA1", "/RE1").await;
    assert!(used(bench, "RE1", 5, 60).await);
    let call = bench.store.call(&call_sid("CA1")).await.unwrap().unwrap();
    assert_eq!(call.state, CallState::Finishing);
    assert_eq!((call.ended_at, call.duration), (Some(at(65)), secs(65)));
    let streams = bench.store.streams(&call.sid).await.unwrap();
    assert_eq!((streams.len(), streams[1].position), (2, secs(5)));
    let live = bench.store.transcript(&call.sid, None).await.unwrap();
    assert_eq!(live.unwrap().segments.len(), 1, "the live text is served");
    assert_eq!(bench.queued("transcribe").await, ["CA1"]);
}

async fn a_live_call_stays_live(bench: &Bench) {
    let stream = bench.stream("CA1", 0).await;
    bench.provider_recording("RE1", "CA1", "/RE1").await;
    assert!(used(bench, "RE1", 0, 60).await);
    let state = async || {
        bench
            .store
            .call(&call_sid("CA1"))
            .await
            .unwrap()
            .unwrap()
            .state
    };
    assert_eq!(state().await, CallState::Live);
    assert!(bench.queued("transcribe").await.is_empty());
    let end = stream_end(70, 70);
    bench.store.close_stream(&stream.key, &end).await.unwrap();
    assert_eq!(bench.queued("transcribe").await, ["CA1"]);
}

async fn what_is_settled_is_settled(bench: &Bench) {
    bench.lead("CA1", "+15550123").await;
    bench.provider_recording("RE1", "CA1", "/RE1").await;
    assert!(used(bench, "RE1", 0, 60).await);
    assert!(!used(bench, "RE1", 0, 60).await, "a second worker");
    let unused = bench.store.recording_unused(&sid("RE1"), "x", at(1)).await;
    assert!(!unused.unwrap());
    let failed = bench.store.recording_failed(&sid("RE1"), "x", at(1)).await;
    assert!(!failed.unwrap());
    assert_eq!(outcome(bench, "RE1").await.0, RecordingOutcome::Used);
    let streams = bench.store.streams(&call_sid("CA1")).await.unwrap();
    assert_eq!(streams.len(), 1);
    bench.provider_recording("RE2", "CA1", "/RE2").await;
    let unused = bench.store.recording_unused(&sid("RE2"), "x", at(1)).await;
    assert!(unused.unwrap());
    assert_eq!(bench.queued("announce").await, ["CA1"], "it need not wait");
    assert!(!used(bench, "RE2", 0, 60).await);
}

async fn a_lost_recording_fails_a_lead_that_has_nothing_else(bench: &Bench) {
    bench.lead("CA1", "+15550123").await;
    bench.provider_recording("RE1", "CA1", "/RE1").await;
    bench.provider_recording("RE2", "CA1", "/RE2").await;
    let fail = async |recording: &str| {
        let recording = sid(recording);
        let failed = bench.store.recording_failed(&recording, "404", at(90));
        assert!(failed.await.unwrap());
    };
    fail("RE1").await;
    assert_eq!(
        bench.lead_status("CA1").await.0,
        "new",
        "the other may come"
    );
    fail("RE2").await;
    let failed = ("failed".into(), Some("no recording: 404".into()));
    assert_eq!(bench.lead_status("CA1").await, failed);
    assert_eq!(bench.queued("announce").await, ["CA1"]);
}

async fn a_lost_recording_leaves_a_call_its_words(bench: &Bench) {
    bench.lead("CA1", "+15550123").await;
    bench.ended_call("CA1", &["live text"], 20).await;
    bench.provider_recording("RE1", "CA1", "/RE1").await;
    let failed = bench
        .store
        .recording_failed(&sid("RE1"), "404", at(90))
        .await;
    assert!(failed.unwrap());
    assert_eq!(bench.lead_status("CA1").await.0, "new");
    assert_eq!(bench.queued("announce").await, ["CA1"]);
    let live = bench.store.transcript(&call_sid("CA1"), None).await;
    assert_eq!(live.unwrap().unwrap().segments.len(), 1);
}

/// The crash came between the job's end and the word of it.
async fn a_recording_without_a_job_gets_one_or_fails(bench: &Bench) {
    for (recording, call) in [("RE1", "CA1"), ("RE2", "CA2"), ("RE3", "CA3")] {
        bench.lead(call, "+15550123").await;
        bench.provider_recording(recording, call, "/x").await;
    }
    let lease = jiff::SignedDuration::from_secs(9);
    let take = async || {
        let taken = bench.store.take_job("download", "w", lease, at(99)).await;
        taken.unwrap().unwrap()
    };
    let (dead, done) = (take().await, take().await);
    let buried = bench.store.fail_job(&dead, "no disk", None, at(99)).await;
    assert!(buried.unwrap());
    let ended = bench.store.finish_job(done.lease(), at(99)).await;
    assert!(ended.unwrap());
    let adopt = async || {
        bench
            .store
            .adopt_forgotten_downloads(at(100))
            .await
            .unwrap()
    };
    assert_eq!(adopt().await, 2);
    assert_eq!(
        outcome(bench, &dead.key).await,
        (RecordingOutcome::Failed, "no disk".into())
    );
    let queued = bench.queued("download").await;
    assert_eq!(queued.len(), 2, "one that waits, and the forgotten one");
    assert!(queued.contains(&done.key) && !queued.contains(&dead.key));
    assert_eq!(adopt().await, 0);
}

async fn a_deleted_call_does_not_come_back(bench: &Bench) {
    bench.lead("CA1", "+15550123").await;
    bench.provider_recording("RE1", "CA1", "/RE1").await;
    let gone = bench.store.forget_call(&call_sid("CA1"), false).await;
    assert_eq!(gone.unwrap().recordings, [sid("RE1")]);
    assert!(!used(bench, "RE1", 0, 60).await);
    assert_eq!(bench.store.call(&call_sid("CA1")).await.unwrap(), None);
}

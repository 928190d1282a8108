//! What a crash left is closed at the next start, once.

use crate::{
    ids::Track,
    store::{
        CallState, Interrupted, Job, NoteKind, Options, RecordingEnd, RecordingPart,
        RecordingState, RecoveredRecording, Store, testing::*,
    },
};

on_both!(
    open_calls_are_interrupted_once,
    a_call_without_a_recording_is_closed_too,
    other_nodes_are_left_alone,
    a_finishing_call_without_a_job_gets_one,
    a_call_whose_job_was_given_up_is_failed,
    a_job_that_the_process_died_over_is_due_at_once,
    another_nodes_job_is_left_to_it,
    a_recording_closed_just_before_the_crash_is_found,
);

fn recovered(path: &str, secs: u64) -> RecoveredRecording {
    let part = RecordingPart {
        path: path.into(),
        frames: secs * 16_000,
        channel: 0,
    };
    let end = RecordingEnd {
        parts: vec![part],
        gaps: vec![],
        detail: serde_json::Value::Null,
        failed: None,
    };
    RecoveredRecording { end }
}

async fn open_calls_are_interrupted_once(bench: &Bench) {
    bench.ended_call("CAdone", &["before"], 5).await;
    let first = bench.stream("CA1", 0).await;
    let end = stream_end(10, 10);
    bench.store.close_stream(&first.key, &end).await.unwrap();
    let open = bench.stream("CA1", 20).await;
    for (track, path) in [
        (Track::Inbound, "/r/in.wav"),
        (Track::Outbound, "/r/out.wav"),
    ] {
        let new = new_recording(&open.key, track, path);
        bench.store.record_opened(&new).await.unwrap();
    }
    let found = [
        recovered("./elsewhere/in.wav", 7),
        recovered("/r/other.wav", 99),
    ];
    let boot = bench.again().await;
    let done = boot.mark_interrupted(&found, at(100)).await.unwrap();
    assert_eq!(done.calls, [call_sid("CA1")]);
    assert_eq!(done.requeued, []);

    let call = boot.call(&call_sid("CA1")).await.unwrap().unwrap();
    assert_eq!(call.state, CallState::Finishing);
    assert!(call.interrupted);
    assert_eq!(call.ended_at, Some(at(27)), "as long as its recording");
    assert_eq!(call.duration, secs(27));
    let recordings = boot.recordings(&call.sid).await.unwrap();
    assert_eq!(recordings[0].state, RecordingState::Closed);
    assert_eq!(recordings[0].duration, secs(7));
    assert_eq!(recordings[1].state, RecordingState::Failed);
    let notes = boot.notes(&call.sid).await.unwrap();
    assert_eq!((notes.len(), &notes[0].kind), (1, &NoteKind::Interrupted));
    assert_eq!(notes[0].at, secs(27));
    let jobs = boot.job_counts().await.unwrap();
    let counts: Vec<_> = jobs
        .iter()
        .map(|jobs| (jobs.kind.as_str(), jobs.count))
        .collect();
    let each = [("analyse", 2), ("announce", 2), ("transcribe", 2)];
    assert_eq!(counts, each, "one a call");

    let again = boot.mark_interrupted(&found, at(200)).await.unwrap();
    assert_eq!(again, Interrupted::default());
    assert_eq!(boot.call(&call.sid).await.unwrap().unwrap(), call);
    assert_eq!(boot.notes(&call.sid).await.unwrap(), notes);
    assert_eq!(boot.job_counts().await.unwrap(), jobs);
    boot.close().await;
}

async fn a_call_without_a_recording_is_closed_too(bench: &Bench) {
    bench.stream("CA1", 0).await;
    bench.store.mark_interrupted(&[], at(9)).await.unwrap();
    let call = bench.store.call(&call_sid("CA1")).await.unwrap().unwrap();
    assert_eq!(
        (call.state, call.ended_at),
        (CallState::Finishing, Some(at(0)))
    );
}

async fn other_nodes_are_left_alone(bench: &Bench) {
    bench.stream("CA1", 0).await;
    let options = Options {
        node: "other".into(),
        ..bench.options.clone()
    };
    let other = Store::open(&options).await.unwrap();
    let done = other.mark_interrupted(&[], at(9)).await.unwrap();
    assert_eq!(done, Interrupted::default());
    let call = other.call(&call_sid("CA1")).await.unwrap().unwrap();
    assert_eq!(call.state, CallState::Live);
    other.close().await;
}

async fn a_finishing_call_without_a_job_gets_one(bench: &Bench) {
    bench.ended_call("CA1", &[], 5).await;
    let lease = jiff::SignedDuration::from_secs(9);
    let taken = bench.store.take_job("transcribe", "w", lease, at(99)).await;
    let job = taken.unwrap().unwrap();
    bench.store.finish_job(job.lease(), at(100)).await.unwrap();
    let done = bench.store.mark_interrupted(&[], at(200)).await.unwrap();
    assert_eq!(done.requeued, [call_sid("CA1")]);
    let again = bench.store.mark_interrupted(&[], at(200)).await.unwrap();
    assert_eq!(again.requeued, []);
}

/// The crash came between the job's death and the word of it on the call.
async fn a_call_whose_job_was_given_up_is_failed(bench: &Bench) {
    bench.ended_call("CA1", &["live text"], 5).await;
    let lease = jiff::SignedDuration::from_secs(9);
    let taken = bench.store.take_job("transcribe", "w", lease, at(99)).await;
    let job = taken.unwrap().unwrap();
    let dead = bench.store.fail_job(&job, "no model", None, at(100)).await;
    assert!(dead.unwrap());
    let done = bench.store.mark_interrupted(&[], at(200)).await.unwrap();
    assert_eq!(done, Interrupted::default());
    let call = bench.store.call(&call_sid("CA1")).await.unwrap().unwrap();
    assert_eq!(call.state, CallState::Failed);
    assert_eq!(
        call.served_reason,
        "final pass failed: no model: live text kept"
    );
}

async fn a_job_that_the_process_died_over_is_due_at_once(bench: &Bench) {
    bench.ended_call("CA1", &[], 5).await;
    let lost = take(&bench.store, 99).await.unwrap();
    let boot = bench.again().await;
    assert_eq!(take(&boot, 100).await, None, "its lease would last");
    let done = boot.mark_interrupted(&[], at(100)).await.unwrap();
    assert_eq!((done.requeued, done.jobs), (vec![], 1));
    let again = boot.mark_interrupted(&[], at(100)).await.unwrap();
    assert_eq!(again, Interrupted::default());
    let found = take(&boot, 100).await.unwrap();
    assert_eq!((found.id.as_str(), found.attempts), (lost.id.as_str(), 2));
    // Were the process still alive after all, it would have no say any more.
    assert!(!boot.renew_job(lost.lease(), at(500)).await.unwrap());
    assert!(!boot.finish_job(lost.lease(), at(101)).await.unwrap());
    boot.close().await;
}

/// Also one whose name ends as ours does.
async fn another_nodes_job_is_left_to_it(bench: &Bench) {
    for (node, secs) in [("other", 99), ("other@main", 199)] {
        let options = Options {
            node: node.into(),
            ..bench.options.clone()
        };
        let other = Store::open(&options).await.unwrap();
        bench.ended_call(&format!("CA{secs}"), &[], 5).await;
        take(&other, secs).await.unwrap();
        let done = bench.store.mark_interrupted(&[], at(secs + 1)).await;
        assert_eq!(done.unwrap(), Interrupted::default(), "{node}");
        assert_eq!(take(&bench.store, secs + 1).await, None, "{node}");
        other.close().await;
    }
}

async fn take(store: &Store, secs: i64) -> Option<Job> {
    let lease = jiff::SignedDuration::from_secs(1_000);
    let taken = store.take_job("transcribe", "w", lease, at(secs)).await;
    taken.unwrap()
}

/// Its file is whole, so that the recovery has nothing to tell of it.
async fn a_recording_closed_just_before_the_crash_is_found(bench: &Bench) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dana_MZ1_20231114_221320.wav");
    let mut bytes = crate::audio::wav::header(64_000).to_vec();
    bytes.resize(bytes.len() + 64_000, 0);
    std::fs::write(&path, bytes).unwrap();
    let stream = bench.stream("CA1", 0).await;
    let new = new_recording(&stream.key, Track::Inbound, path.to_str().unwrap());
    bench.store.record_opened(&new).await.unwrap();
    bench.store.mark_interrupted(&[], at(9)).await.unwrap();
    let kept = &bench.store.recordings(&call_sid("CA1")).await.unwrap()[0];
    assert_eq!(kept.duration, secs(2));
    let call = bench.store.call(&call_sid("CA1")).await.unwrap().unwrap();
    assert_eq!(call.ended_at, Some(at(2)));
}

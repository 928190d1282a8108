//! Calls, streams, notes and recordings.

use crate::{
    ids::Track,
    store::{
        Call, CallState, Error, Note, NoteKind, RecordingEnd, RecordingPart, RecordingState, Which,
        testing::*,
    },
};

on_both!(
    a_call_lives_and_ends,
    a_stream_closes_once,
    a_reconnect_continues_the_call,
    a_later_stream_fills_what_was_unknown,
    pages_are_stable,
    notes_are_kept_in_order,
    recordings_close_once,
    verbs_on_unknown_calls_fail,
    a_nul_in_a_text_is_no_failure,
    many_writers_wait_for_each_other,
);

async fn call(bench: &Bench, sid: &str) -> Call {
    bench.store.call(&call_sid(sid)).await.unwrap().unwrap()
}

async fn waiting(bench: &Bench) -> u32 {
    let counts = bench.store.job_counts().await.unwrap();
    let queued = counts
        .iter()
        .filter(|c| c.state == "queued" && c.kind == "transcribe");
    queued.map(|c| c.count).sum()
}

async fn a_call_lives_and_ends(bench: &Bench) {
    let stream = bench.stream("CA1", 0).await;
    assert_eq!((stream.key.number, stream.position), (1, secs(0)));
    let live = call(bench, "CA1").await;
    assert_eq!(live.state, CallState::Live);
    assert_eq!((live.started_at, live.ended_at), (at(0), None));
    assert_eq!(waiting(bench).await, 0);

    let end = stream_end(61, 60);
    let state = bench.store.close_stream(&stream.key, &end).await.unwrap();
    assert_eq!(state, CallState::Finishing);
    let ended = call(bench, "CA1").await;
    assert_eq!(ended.ended_at, Some(at(61)));
    assert_eq!(ended.duration, secs(60));
    assert!(!ended.interrupted);
    assert_eq!(waiting(bench).await, 1);
}

/// A `stop`, then the socket's close: one end, one job.
async fn a_stream_closes_once(bench: &Bench) {
    let stream = bench.stream("CA1", 0).await;
    for (end, lasted) in [(10, 9), (20, 19)] {
        let end = stream_end(end, lasted);
        let state = bench.store.close_stream(&stream.key, &end).await.unwrap();
        assert_eq!(state, CallState::Finishing);
    }
    let ended = call(bench, "CA1").await;
    assert_eq!((ended.ended_at, ended.duration), (Some(at(10)), secs(9)));
    assert_eq!(waiting(bench).await, 1);
}

async fn a_reconnect_continues_the_call(bench: &Bench) {
    let first = bench.stream("CA1", 0).await;
    bench
        .store
        .close_stream(&first.key, &stream_end(10, 10))
        .await
        .unwrap();
    let second = bench.stream("CA1", 12).await;
    assert_eq!((second.key.number, second.position), (2, secs(12)));
    assert_eq!(second.sid, first.sid, "the provider's id may come again");
    let again = call(bench, "CA1").await;
    assert_eq!((again.state, again.ended_at), (CallState::Live, None));
    assert_eq!(again.started_at, at(0));
    assert_eq!(waiting(bench).await, 0, "the pass is called off");

    let third = bench.stream("CA1", 13).await;
    let state = bench
        .store
        .close_stream(&second.key, &stream_end(20, 8))
        .await;
    assert_eq!(state.unwrap(), CallState::Live, "the third is open");
    let state = bench
        .store
        .close_stream(&third.key, &stream_end(21, 7))
        .await;
    assert_eq!(state.unwrap(), CallState::Finishing);
    assert_eq!(call(bench, "CA1").await.duration, secs(20));
    assert_eq!(waiting(bench).await, 1);
    let streams = bench.store.streams(&call_sid("CA1")).await.unwrap();
    let numbers: Vec<u32> = streams.iter().map(|s| s.key.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(streams[0].speaker(Track::Inbound), Some("Dana"));
    assert_eq!(streams[0].speaker(Track::Outbound), None);
}

async fn a_later_stream_fills_what_was_unknown(bench: &Bench) {
    let mut new = new_call("CA1");
    new.direction = Some("inbound".into());
    bench.store.open_stream(&new, &new_stream(0)).await.unwrap();
    new.direction = Some("outbound".into());
    new.language = Some("he".into());
    new.live_model = Some(model());
    bench.store.open_stream(&new, &new_stream(1)).await.unwrap();
    let call = call(bench, "CA1").await;
    assert_eq!(call.direction.as_deref(), Some("inbound"));
    assert_eq!(call.language.as_deref(), Some("he"));
    let versions = bench.store.versions(&call.sid).await.unwrap();
    assert_eq!(versions.len(), 1);
    assert_eq!(versions[0].model.as_ref().unwrap().name, "base");
}

async fn pages_are_stable(bench: &Bench) {
    // Two of each start, so that a page can end between calls of the same moment.
    for i in 0..6 {
        let stream = bench.stream(&format!("CA{i}"), i64::from(i / 2)).await;
        if i < 4 {
            let end = stream_end(10, 1);
            bench.store.close_stream(&stream.key, &end).await.unwrap();
        }
    }
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = bench.store.calls(Which::All, cursor.as_ref(), 2).await;
        let page = page.unwrap();
        seen.extend(page.calls.iter().map(|c| c.sid.to_string()));
        // Newer calls that come meanwhile are on no later page.
        bench.stream(&format!("CAnew{}", seen.len()), 100).await;
        let Some(next) = page.next else { break };
        cursor = Some(next.to_string().parse().unwrap());
    }
    assert_eq!(seen, ["CA5", "CA4", "CA3", "CA2", "CA1", "CA0"]);

    let sids = async |which| -> Vec<String> {
        let page = bench.store.calls(which, None, 100).await.unwrap();
        assert_eq!(page.next, None);
        page.calls.iter().map(|c| c.sid.to_string()).collect()
    };
    assert_eq!(sids(Which::Ended).await, ["CA3", "CA2", "CA1", "CA0"]);
    assert_eq!(sids(Which::Live).await.len(), 2 + 3);
    for bad in ["", "5", "x.CA1", "5.a/b", "5."] {
        let parsed = bad.parse::<crate::store::Cursor>();
        assert!(matches!(parsed, Err(Error::BadCursor)), "{bad:?}");
    }
}

async fn notes_are_kept_in_order(bench: &Bench) {
    let stream = bench.stream("CA1", 0).await;
    let note = |position, kind| Note {
        call: call_sid("CA1"),
        stream: Some(stream.key.number),
        track: Some(Track::Inbound),
        at: secs(position),
        kind,
    };
    let digit = |digit: &str| NoteKind::Dtmf {
        digit: digit.into(),
    };
    let notes = [
        note(1, digit("#")),
        note(
            2,
            NoteKind::Mark {
                name: "said \"hi\"".into(),
            },
        ),
        note(2, digit("5")),
        note(3, NoteKind::Gap { length: secs(2) }),
        note(4, NoteKind::Degraded { level: 2 }),
        note(5, NoteKind::Interrupted),
    ];
    let late_first: Vec<Note> = notes[3..].to_vec();
    bench.store.add_notes(&late_first, at(9)).await.unwrap();
    bench.store.add_notes(&notes[..3], at(9)).await.unwrap();
    bench.store.add_notes(&[], at(9)).await.unwrap();
    let mut kept = bench.store.notes(&call_sid("CA1")).await.unwrap();
    // The two of the same moment stand in either order.
    kept[1..3].sort_by_key(|n| matches!(n.kind, NoteKind::Dtmf { .. }));
    assert_eq!(kept, notes);
    assert_eq!(call(bench, "CA1").await.degraded, 2);
}

async fn recordings_close_once(bench: &Bench) {
    let stream = bench.stream("CA1", 0).await;
    let healthy = new_recording(&stream.key, Track::Inbound, "/r/dana_MZ1_1.wav");
    let broken = new_recording(&stream.key, Track::Outbound, "/r/agent_MZ1_1.wav");
    for new in [&healthy, &broken, &healthy] {
        bench.store.record_opened(new).await.unwrap();
    }
    let part = |path: &str, frames| RecordingPart {
        path: path.into(),
        frames,
        channel: 0,
    };
    let end = RecordingEnd {
        parts: vec![
            part("/r/dana_MZ1_1.wav", 160_000),
            part("/r/dana_MZ1_1.2.wav", 16_000),
        ],
        gaps: vec![(secs(1), secs(2))],
        detail: serde_json::json!({ "rms": 900.5 }),
        failed: None,
    };
    let failed = RecordingEnd {
        parts: vec![],
        failed: Some("disk full".into()),
        ..end.clone()
    };
    let close = async |key, end, secs| bench.store.record_closed(key, end, at(secs)).await.unwrap();
    close(&healthy.key, &end, 11).await;
    close(&healthy.key, &failed, 12).await;
    close(&broken.key, &failed, 11).await;

    let kept = bench.store.recordings(&call_sid("CA1")).await.unwrap();
    let [inbound, outbound] = &kept[..] else {
        panic!("{kept:?}");
    };
    assert_eq!(inbound.state, RecordingState::Closed);
    assert_eq!(
        (inbound.duration, inbound.closed_at),
        (secs(11), Some(at(11)))
    );
    assert_eq!(inbound.parts, end.parts);
    assert_eq!(inbound.gaps, end.gaps);
    assert_eq!(inbound.detail, end.detail);
    assert_eq!(outbound.state, RecordingState::Failed);
    assert_eq!(outbound.failed.as_deref(), Some("disk full"));

    let gone = [
        "/elsewhere/dana_MZ1_1.2.wav".into(),
        "/r/danaXMZ1_1.wav".into(),
    ];
    assert_eq!(bench.store.record_deleted(&gone).await.unwrap(), 1);
    assert_eq!(bench.store.record_deleted(&gone).await.unwrap(), 0);
    let kept = bench.store.recordings(&call_sid("CA1")).await.unwrap();
    let states: Vec<_> = kept.iter().map(|r| r.state).collect();
    assert_eq!(states, [RecordingState::Deleted, RecordingState::Failed]);
}

async fn verbs_on_unknown_calls_fail(bench: &Bench) {
    let key = crate::store::StreamKey {
        call: call_sid("CA0"),
        number: 1,
    };
    let end = stream_end(1, 1);
    let closed = bench.store.close_stream(&key, &end).await;
    assert!(matches!(closed, Err(Error::NoCall(sid)) if sid == "CA0"));
    let live = live_segment(&key, 0, said(Track::Inbound, 0, "hi"));
    assert!(bench.store.append_segments(&[live]).await.is_err());
    assert!(bench.store.call(&key.call).await.unwrap().is_none());
    assert!(
        bench
            .store
            .transcript(&key.call, None)
            .await
            .unwrap()
            .is_none()
    );
}

/// What a peer sends may hold one, and PostgreSQL takes none.
async fn a_nul_in_a_text_is_no_failure(bench: &Bench) {
    let mut stream = new_stream(0);
    stream.speakers[0] = Some("Da\0na".into());
    stream.parameters.insert("a\0".into(), "\0b".into());
    let mut new = new_call("CA1");
    new.from = Some("\0".into());
    let opened = bench.store.open_stream(&new, &stream).await.unwrap();
    let mark = Note {
        call: call_sid("CA1"),
        stream: None,
        track: None,
        at: secs(0),
        kind: NoteKind::Mark { name: "\0".into() },
    };
    bench
        .store
        .add_notes(std::slice::from_ref(&mark), at(0))
        .await
        .unwrap();
    assert_eq!(bench.store.notes(&call_sid("CA1")).await.unwrap(), [mark]);
    let kept = &bench.store.streams(&call_sid("CA1")).await.unwrap()[0];
    assert_eq!(kept.speaker(Track::Inbound), Some("Da\u{fffd}na"));
    assert_eq!(kept.parameters, opened.parameters);
}

/// Two processes, eight calls each: none is told that the database is locked.
async fn many_writers_wait_for_each_other(bench: &Bench) {
    let other = bench.again().await;
    let work = |store: crate::store::Store, name: String| async move {
        for round in 0..10 {
            let opened = store
                .open_stream(&new_call(&name), &new_stream(round))
                .await;
            let key = opened.unwrap().key;
            for utterance in 0..5 {
                let live = live_segment(&key, utterance, said(Track::Inbound, utterance, "word"));
                store.append_segments(&[live]).await.unwrap();
            }
            store
                .close_stream(&key, &stream_end(round + 1, 1))
                .await
                .unwrap();
        }
    };
    let workers = (0..16).map(|n| {
        let store = if n % 2 == 0 {
            bench.store.clone()
        } else {
            other.clone()
        };
        crate::tasks::spawn("writer", work(store, format!("CA{n}")))
    });
    for worker in futures_util::future::join_all(workers).await {
        worker.unwrap();
    }
    for n in 0..16 {
        let sid = call_sid(&format!("CA{n}"));
        assert_eq!(bench.store.streams(&sid).await.unwrap().len(), 10);
        assert_eq!(call(bench, sid.as_str()).await.state, CallState::Finishing);
    }
    assert_eq!(waiting(bench).await, 16);
    other.close().await;
}

//! Recordings of all calls, newest first, and their end one by one.

use crate::{
    ids::Track,
    store::{
        Error, NewRecording, Recording, RecordingCursor, RecordingEnd, RecordingFilter,
        RecordingKey, RecordingPart, Stream, testing::*,
    },
};

on_both!(
    recordings_are_paged_newest_first,
    what_is_still_needed_is_not_deleted,
);

async fn closed(bench: &Bench, stream: &Stream, track: Track, secs: i64) -> RecordingKey {
    let path = format!("/r/{}-{track}.wav", stream.key.call);
    let new = NewRecording {
        opened_at: at(secs),
        ..new_recording(&stream.key, track, &path)
    };
    bench.store.record_opened(&new).await.unwrap();
    let end = RecordingEnd {
        parts: vec![RecordingPart {
            path: new.path,
            frames: 16_000,
            channel: 0,
        }],
        gaps: vec![],
        detail: serde_json::Value::Null,
        failed: None,
    };
    let closed = bench.store.record_closed(&new.key, &end, at(secs + 9));
    closed.await.unwrap();
    new.key
}

async fn finish(bench: &Bench, call: &str) {
    let text = final_text(call, "once", vec![]);
    bench.store.replace_transcript(&text, at(90)).await.unwrap();
}

async fn recordings_are_paged_newest_first(bench: &Bench) {
    for (n, call) in ["CA1", "CA2", "CA3"].into_iter().enumerate() {
        let secs = i64::try_from(n).unwrap() * 10;
        let stream = bench.ended_call(call, &["hello"], 5).await;
        for track in Track::ALL {
            closed(bench, &stream, track, secs).await;
        }
    }
    let list = async |filter: RecordingFilter| {
        let (mut found, mut after) = (Vec::new(), None::<RecordingCursor>);
        loop {
            let page = bench.store.browse_recordings(&filter, after.as_ref(), 2);
            let page = page.await.unwrap();
            let name = |one: &Recording| format!("{}-{}", one.key.stream.call, one.key.track);
            found.extend(page.recordings.iter().map(|one| name(&one.recording)));
            match page.next {
                Some(next) => after = Some(next.to_string().parse().unwrap()),
                None => return found.join(" "),
            }
        }
    };
    let all = "CA3-outbound CA3-inbound CA2-outbound CA2-inbound CA1-outbound CA1-inbound";
    assert_eq!(list(RecordingFilter::default()).await, all);
    let some = RecordingFilter {
        since: Some(at(10)),
        until: Some(at(20)),
        deleted: false,
    };
    assert_eq!(list(some).await, "CA2-outbound CA2-inbound");
    for (secs, expected) in [(0, 0), (1, 2), (100, 6)] {
        let count = bench.store.recordings_before(at(secs)).await.unwrap();
        assert_eq!(count, expected, "{secs}");
    }
    for bad in ["", "1", "1.1.inbound", "x.1.inbound.CA1", "1.1.left.CA1"] {
        let cursor = bad.parse::<RecordingCursor>();
        assert!(matches!(cursor, Err(Error::BadCursor)), "{bad}");
    }
}

async fn what_is_still_needed_is_not_deleted(bench: &Bench) {
    let stream = bench.stream("CA1", 0).await;
    let key = closed(bench, &stream, Track::Inbound, 0).await;
    let keys = [key.clone()];
    let delete = async || bench.store.delete_recordings(&keys).await;
    assert!(matches!(delete().await, Err(Error::Live(_))));
    let end = stream_end(5, 5);
    bench.store.close_stream(&stream.key, &end).await.unwrap();
    assert!(matches!(delete().await, Err(Error::Refused(_))));
    assert!(bench.store.may_delete(&keys).await.is_err());
    finish(bench, "CA1").await;
    bench.store.may_delete(&keys).await.unwrap();
    let gone = delete().await.unwrap();
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0].key, key);
    assert_eq!(delete().await.unwrap(), [], "once");
    let filter = |deleted| RecordingFilter {
        deleted,
        ..RecordingFilter::default()
    };
    for (deleted, count) in [(false, 0), (true, 1)] {
        let filter = filter(deleted);
        let page = bench.store.browse_recordings(&filter, None, 9).await;
        assert_eq!(page.unwrap().recordings.len(), count, "{deleted}");
    }
    assert_eq!(bench.store.recordings_before(at(100)).await.unwrap(), 0);
}

//! Live text, its replacement, versions.

use crate::{
    ids::Track,
    speech::coverage::CoverageKind,
    store::{CallState, Replaced, Transcript, VersionKind, testing::*},
    transcript::TrackSpan,
};

on_both!(
    live_text_keeps_its_order_and_its_last_state,
    final_text_replaces_live_text,
    a_short_final_text_replaces_nothing,
    a_call_without_any_text_is_empty,
    the_same_pass_twice_is_one_version,
    another_model_is_another_version,
    a_replacement_is_all_or_nothing,
    a_failure_keeps_the_live_text_and_says_so,
    a_call_without_a_recording_keeps_its_live_text,
    a_call_that_is_live_again_serves_live_text,
    long_texts_are_written_whole,
);

async fn served(bench: &Bench, sid: &str) -> Transcript {
    let found = bench.store.transcript(&call_sid(sid), None).await.unwrap();
    found.unwrap()
}

fn texts(transcript: &Transcript) -> Vec<&str> {
    transcript
        .segments
        .iter()
        .map(|s| s.text.as_str())
        .collect()
}

async fn state(bench: &Bench, sid: &str) -> (CallState, String) {
    let call = bench.store.call(&call_sid(sid)).await.unwrap().unwrap();
    (call.state, call.served_reason)
}

async fn live_text_keeps_its_order_and_its_last_state(bench: &Bench) {
    let stream = bench.stream("CA1", 0).await;
    let put = async |utterance, track, start, text| {
        let live = live_segment(&stream.key, utterance, said(track, start, text));
        bench.store.append_segments(&[live]).await.unwrap();
    };
    put(1, Track::Inbound, 8, "And then").await;
    put(0, Track::Inbound, 0, "Good").await;
    put(0, Track::Outbound, 4, "Hello.").await;
    put(0, Track::Inbound, 0, "Good morning.").await;
    put(0, Track::Inbound, 0, "Good morning.").await;
    let live = served(bench, "CA1").await;
    assert_eq!(texts(&live), ["Good morning.", "Hello.", "And then"]);
    assert_eq!(live.version.kind, VersionKind::Live);
    assert!(live.served);
    let expected = said(Track::Inbound, 0, "Good morning.");
    assert_eq!(live.segments[0].words, expected.words);
}

async fn final_text_replaces_live_text(bench: &Bench) {
    bench.ended_call("CA1", &["good mourning all"], 10).await;
    let mut text = final_text(
        "CA1",
        "a",
        vec![said(Track::Inbound, 0, "Good morning, all.")],
    );
    text.segments[0].speaker = Some("Dana".into());
    text.coverage = vec![TrackSpan {
        track: Track::Inbound,
        start: secs(0),
        end: crate::time::MediaTime(80_003),
        kind: CoverageKind::Text,
    }];
    let replaced = bench.store.replace_transcript(&text, at(20)).await.unwrap();
    let expected = Replaced {
        version: 2,
        served_version: 2,
        served_reason: "final text, 18 characters".into(),
        state: CallState::Final,
    };
    assert_eq!(replaced, expected);

    let now = served(bench, "CA1").await;
    assert_eq!(now.version.kind, VersionKind::Final);
    assert_eq!(now.segments, text.segments);
    assert_eq!(now.coverage, text.coverage, "to the sample");
    assert_eq!(now.version.model, Some(model()));
    assert_eq!(now.version.parameters, text.parameters);
    assert_eq!(now.duration, secs(10));
    let live = bench.store.transcript(&call_sid("CA1"), Some(1)).await;
    let live = live.unwrap().unwrap();
    assert_eq!(texts(&live), ["good mourning all"], "the live text is kept");
    assert!(!live.served);
    assert_eq!(live.duration, secs(10));
    let call = bench.store.call(&call_sid("CA1")).await.unwrap().unwrap();
    assert_eq!(call.language, None, "detected is not fixed");
    let document = now.document();
    assert_eq!(document.model.as_deref(), Some("base"));
    assert_eq!(document.language.as_deref(), Some("en"));
}

async fn a_short_final_text_replaces_nothing(bench: &Bench) {
    bench.ended_call("CA1", &["something was said"], 10).await;
    let mut text = final_text("CA1", "a", vec![said(Track::Inbound, 0, "Yes, yes.")]);
    text.coverage = vec![TrackSpan {
        track: Track::Inbound,
        start: secs(0),
        end: secs(10),
        kind: CoverageKind::Text,
    }];
    let replaced = bench.store.replace_transcript(&text, at(20)).await.unwrap();
    assert_eq!((replaced.version, replaced.served_version), (2, 1));
    assert_eq!(replaced.state, CallState::Final);
    let reason = "final text had fewer than 10 characters: live text kept";
    assert_eq!(replaced.served_reason, reason);
    let live = served(bench, "CA1").await;
    assert_eq!(texts(&live), ["something was said"]);
    assert_eq!(live.coverage[0].kind, CoverageKind::NotUnderstood);
    let short = bench.store.transcript(&call_sid("CA1"), Some(2)).await;
    let short = short.unwrap().unwrap();
    assert!(texts(&short).is_empty(), "such a text is never saved");
    assert_eq!(short.coverage[0].kind, CoverageKind::NotUnderstood);
}

async fn a_call_without_any_text_is_empty(bench: &Bench) {
    bench.ended_call("CA1", &[], 10).await;
    let text = final_text("CA1", "a", vec![]);
    let replaced = bench.store.replace_transcript(&text, at(20)).await.unwrap();
    assert_eq!(
        (replaced.state, replaced.served_version),
        (CallState::Empty, 2)
    );
    assert!(texts(&served(bench, "CA1").await).is_empty());
    assert_eq!(state(bench, "CA1").await.0, CallState::Empty);
}

async fn the_same_pass_twice_is_one_version(bench: &Bench) {
    bench.ended_call("CA1", &["live text"], 10).await;
    let segments = vec![said(Track::Inbound, 0, "The final text.")];
    let text = final_text("CA1", "a", segments.clone());
    let first = bench.store.replace_transcript(&text, at(20)).await.unwrap();
    let again = bench.store.replace_transcript(&text, at(21)).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(bench.store.versions(&text.call).await.unwrap().len(), 2);
    assert_eq!(served(bench, "CA1").await.segments, segments);
}

async fn another_model_is_another_version(bench: &Bench) {
    bench.ended_call("CA1", &["live text"], 10).await;
    for (fingerprint, said_so, number) in
        [("a", "The first text.", 2), ("b", "The second text.", 3)]
    {
        let segments = vec![said(Track::Inbound, 0, said_so)];
        let text = final_text("CA1", fingerprint, segments);
        let done = bench.store.replace_transcript(&text, at(20)).await.unwrap();
        assert_eq!((done.version, done.served_version), (number, number));
    }
    let versions = bench.store.versions(&call_sid("CA1")).await.unwrap();
    let kinds: Vec<_> = versions.iter().map(|v| v.kind).collect();
    assert_eq!(
        kinds,
        [VersionKind::Live, VersionKind::Final, VersionKind::Final]
    );
    let first = bench.store.transcript(&call_sid("CA1"), Some(2)).await;
    assert_eq!(texts(&first.unwrap().unwrap()), ["The first text."]);
}

/// Dropped anywhere in the middle, the replacement leaves the old text or the new one, whole.
async fn a_replacement_is_all_or_nothing(bench: &Bench) {
    bench.ended_call("CA1", &["live text"], 10).await;
    let good = final_text("CA1", "a", vec![said(Track::Inbound, 0, "The first text.")]);
    bench.store.replace_transcript(&good, at(20)).await.unwrap();
    let before = served(bench, "CA1").await;
    let mut long = good.clone();
    long.fingerprint = "b".into();
    long.segments = (0..500)
        .map(|i| said(Track::Inbound, i, "word word"))
        .collect();
    for polls in 1.. {
        let attempt = Box::pin(bench.store.replace_transcript(&long, at(30)));
        let has_ended = drop_after(attempt, polls).await;
        let now = served(bench, "CA1").await;
        // Dropped while the commit is under way, it may have gone through.
        if now.version.version == 3 {
            assert_eq!(now.segments, long.segments);
            break;
        }
        assert_eq!(now, before, "after {polls} polls");
        assert!(!has_ended);
    }
}

/// Polls a future at most so often, then drops it. Whether it ended.
async fn drop_after<F: Future + Unpin>(mut future: F, mut polls: u32) -> bool {
    std::future::poll_fn(|context| {
        polls -= 1;
        match std::pin::Pin::new(&mut future).poll(context) {
            std::task::Poll::Ready(_) => std::task::Poll::Ready(true),
            std::task::Poll::Pending if polls == 0 => std::task::Poll::Ready(false),
            std::task::Poll::Pending => std::task::Poll::Pending,
        }
    })
    .await
}

async fn a_failure_keeps_the_live_text_and_says_so(bench: &Bench) {
    bench.ended_call("CA1", &["live text"], 10).await;
    let fail = async |given_up| {
        let call = call_sid("CA1");
        let failed = bench
            .store
            .final_failed(&call, "no model", given_up, at(20));
        failed.await.unwrap();
        state(bench, "CA1").await
    };
    let reason = "final pass failed: no model: live text kept".to_owned();
    assert_eq!(fail(false).await, (CallState::Finishing, reason.clone()));
    assert_eq!(fail(true).await, (CallState::Failed, reason));
    assert_eq!(texts(&served(bench, "CA1").await), ["live text"]);
    assert_eq!(bench.store.notes(&call_sid("CA1")).await.unwrap().len(), 1);
    // Somebody gets the model and asks for the pass again.
    let text = final_text("CA1", "a", vec![said(Track::Inbound, 0, "The final text.")]);
    let replaced = bench.store.replace_transcript(&text, at(30)).await.unwrap();
    assert_eq!(replaced.state, CallState::Final);
}

async fn a_call_without_a_recording_keeps_its_live_text(bench: &Bench) {
    bench.ended_call("CA1", &["live text"], 10).await;
    bench.ended_call("CA2", &[], 10).await;
    for (sid, expected, reason) in [
        ("CA1", CallState::Final, "not recorded: live text kept"),
        (
            "CA2",
            CallState::Empty,
            "not recorded, and there was no live text",
        ),
    ] {
        let sid = call_sid(sid);
        let settled = bench
            .store
            .settle_without_final(&sid, "not recorded", at(20));
        assert_eq!(settled.await.unwrap(), expected);
        assert_eq!(state(bench, sid.as_str()).await, (expected, reason.into()));
    }
}

async fn a_call_that_is_live_again_serves_live_text(bench: &Bench) {
    bench.ended_call("CA1", &["live text"], 10).await;
    let text = final_text("CA1", "a", vec![said(Track::Inbound, 0, "The final text.")]);
    bench.store.replace_transcript(&text, at(20)).await.unwrap();
    bench.stream("CA1", 30).await;
    assert_eq!(texts(&served(bench, "CA1").await), ["live text"]);
    let late = final_text(
        "CA1",
        "b",
        vec![said(Track::Inbound, 0, "A pass that ran meanwhile.")],
    );
    let replaced = bench.store.replace_transcript(&late, at(31)).await.unwrap();
    assert_eq!((replaced.version, replaced.served_version), (3, 1));
    assert_eq!(replaced.state, CallState::Live);
}

async fn long_texts_are_written_whole(bench: &Bench) {
    bench.ended_call("CA1", &[], 10).await;
    let segments: Vec<_> = (0..1001)
        .map(|i| said(Track::Inbound, i * 3, &format!("segment {i}")))
        .collect();
    let text = final_text("CA1", "a", segments.clone());
    bench.store.replace_transcript(&text, at(20)).await.unwrap();
    assert_eq!(served(bench, "CA1").await.segments, segments);
}

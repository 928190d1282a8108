//! What others are told of a call, and when.

use serde_json::json;

use super::fake_target::{Fake, Told, target};
use crate::{
    after::Outcome,
    ids::Track,
    store::{DeliveryState, FinalText, NewJob, testing::*},
};

on_both!(
    a_call_is_announced_when_its_transcript_is_settled,
    at_the_deadline_goes_what_there_is_and_a_better_text_follows,
    a_short_final_text_does_not_go_out,
    a_call_without_text_is_announced_with_the_reason,
    a_call_that_was_not_answered_is_announced_at_once,
    a_provider_recording_is_waited_for,
    an_empty_call_is_not_waited_for,
    a_call_that_goes_on_is_not_announced,
    where_nobody_is_told_nothing_is_kept,
    a_disabled_target_is_not_told,
);

const LONG: &str = "Good morning, my lock is jammed and I live in Haifa, could you come?";
const LONGER: &str =
    "Good morning, my lock is jammed and I live in Haifa. Could you come tomorrow?";

fn told(bench: &Bench) -> Told<'_> {
    // Nothing is sent here.
    Told::with(bench, vec![target("crm", "http://127.0.0.1:9/hook")])
}

fn text(sid: &str, fingerprint: &str, said_: &str) -> FinalText {
    final_text(sid, fingerprint, vec![said(Track::Inbound, 0, said_)])
}

async fn replace(told: &Told<'_>, text: &FinalText) -> u32 {
    let replaced = told.bench.store.replace_transcript(text, at(15)).await;
    replaced.unwrap().version
}

/// As whoever looked at a transcript does.
async fn understood(told: &Told<'_>, sid: &str, version: u32) {
    told.bench.understood(sid, version).await;
    let now = told.scenario.clock.wall();
    let job = NewJob::announce(&call_sid(sid), now);
    told.bench.store.enqueue(&job, now).await.unwrap();
}

async fn bodies(told: &Told<'_>) -> Vec<serde_json::Value> {
    let deliveries = told.deliveries().await;
    let bodies = deliveries.iter();
    bodies
        .map(|delivery| serde_json::from_str(&delivery.body).unwrap())
        .collect()
}

async fn a_call_is_announced_when_its_transcript_is_settled(bench: &Bench) {
    let told = told(bench);
    bench.rang("CA1", "completed").await;
    bench.ended_call("CA1", &["good morning"], 10).await;
    // The lead ended at 30: two looks 5 s apart, and then quiet ones.
    for (now, next) in [(30, 35), (35, 40), (40, 100)] {
        assert_eq!(told.announce_at(now).await, Some(Outcome::NotYet));
        assert_eq!(told.due("announce").await, Some(next), "after {now}");
    }
    let version = replace(&told, &text("CA1", "a", LONG)).await;
    assert_eq!(
        told.announce_at(100).await,
        Some(Outcome::NotYet),
        "not understood"
    );
    understood(&told, "CA1", version).await;
    assert_eq!(told.announce_at(100).await, Some(Outcome::Done));
    let deliveries = told.deliveries().await;
    assert_eq!(deliveries.len(), 1);
    assert_eq!(
        bodies(&told).await[0],
        json!({
            "event": "call.completed", "schema_version": 1, "delivery_id": deliveries[0].id,
            "call_sid": "CA1", "lead_id": "lead of CA1", "call_id": "CA1", "phone": "+15550123",
            "transcript": LONG, "summary": "A jammed lock\n- in Haifa\n- tomorrow",
            "city": "Haifa", "service_category": "lock opening", "customer_name": "Dana",
            "preferred_time": null, "duration_sec": 30,
            "started_at": "2023-11-14T22:13:20Z", "ended_at": "2023-11-14T22:13:50Z",
        })
    );
    let kept = bench.store.announcements(&call_sid("CA1")).await.unwrap();
    assert_eq!((kept[0].source.as_str(), kept[0].version), ("final", 2));
    assert!(
        kept[0].reason.contains("68 characters"),
        "{}",
        kept[0].reason
    );
    // Asked again, it tells nothing new.
    understood(&told, "CA1", version).await;
    assert_eq!(told.announce_at(101).await, Some(Outcome::Done));
    assert_eq!(told.deliveries().await, deliveries);
    assert_eq!(told.due("deliver").await, Some(100));
}

async fn at_the_deadline_goes_what_there_is_and_a_better_text_follows(bench: &Bench) {
    let told = told(bench);
    bench.ended_call("CA1", &["good morning"], 10).await;
    assert_eq!(told.announce_at(1_809).await, Some(Outcome::NotYet));
    assert_eq!(
        told.due("announce").await,
        Some(1_810),
        "not after the deadline"
    );
    assert_eq!(told.announce_at(1_810).await, Some(Outcome::Done));
    let first = bodies(&told).await;
    assert_eq!(first[0]["transcript"], "good morning");
    assert_eq!(first[0].get("reason"), None, "there is a transcript");
    let kept = bench.store.announcements(&call_sid("CA1")).await.unwrap();
    assert_eq!(kept[0].source, "live");
    assert!(
        kept[0].reason.contains("not ready, 1800 s"),
        "{}",
        kept[0].reason
    );

    // A text that comes, a better one after that, and the same once more.
    for (secs, fingerprint, said_) in [
        (2_000, "a", LONG),
        (3_000, "b", LONGER),
        (4_000, "c", LONGER),
    ] {
        told.clock_at(secs);
        let version = replace(&told, &text("CA1", fingerprint, said_)).await;
        for _ in 0..2 {
            understood(&told, "CA1", version).await;
            assert_eq!(told.announce_at(secs).await, Some(Outcome::Done));
        }
    }
    let all = bodies(&told).await;
    let lines: Vec<_> = all
        .iter()
        .map(|body| {
            (
                body["event"].as_str().unwrap(),
                body["transcript"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("call.completed", "good morning"),
            ("call.updated", LONG),
            ("call.updated", LONGER)
        ]
    );
}

async fn a_short_final_text_does_not_go_out(bench: &Bench) {
    let told = told(bench);
    bench.ended_call("CA1", &["good morning"], 10).await;
    let version = replace(&told, &text("CA1", "a", "Good morning, all of you.")).await;
    understood(&told, "CA1", version).await;
    assert_eq!(told.announce_at(20).await, Some(Outcome::Done));
    assert_eq!(bodies(&told).await[0]["transcript"], "good morning");
    let kept = bench.store.announcements(&call_sid("CA1")).await.unwrap();
    assert_eq!((kept[0].source.as_str(), kept[0].version), ("live", 1));
    assert!(
        kept[0].reason.contains("25 characters"),
        "{}",
        kept[0].reason
    );
}

/// It rang, and nothing was ever streamed or recorded.
async fn a_call_without_text_is_announced_with_the_reason(bench: &Bench) {
    let told = told(bench);
    bench.rang("CA1", "completed").await;
    let job = NewJob::announce(&call_sid("CA1"), at(30));
    bench.store.enqueue(&job, at(30)).await.unwrap();
    assert_eq!(told.announce_at(1_829).await, Some(Outcome::NotYet));
    assert_eq!(bench.lead_status("CA1").await.0, "new");
    assert_eq!(told.announce_at(1_830).await, Some(Outcome::Done));
    let body = &bodies(&told).await[0];
    assert_eq!(
        (&body["transcript"], &body["duration_sec"]),
        (&json!(null), &json!(30))
    );
    let reason = body["reason"].as_str().unwrap();
    assert!(reason.contains("nothing was heard or recorded"), "{reason}");
    let lead = bench.lead_status("CA1").await;
    assert_eq!(lead, ("failed".into(), Some(reason.into())));
    assert_eq!(told.deliveries().await[0].version, 0);
}

async fn a_call_that_was_not_answered_is_announced_at_once(bench: &Bench) {
    let told = told(bench);
    bench.rang("CA1", "no-answer").await;
    let job = NewJob::announce(&call_sid("CA1"), at(30));
    bench.store.enqueue(&job, at(30)).await.unwrap();
    assert_eq!(told.announce_at(30).await, Some(Outcome::Done));
    let body = &bodies(&told).await[0];
    assert_eq!(
        body["reason"],
        "no transcript: the call was not answered (no-answer)"
    );
}

async fn a_provider_recording_is_waited_for(bench: &Bench) {
    let told = told(bench);
    bench.rang("CA1", "completed").await;
    bench.recorded_by_provider("CA1", "waiting", None).await;
    let job = NewJob::announce(&call_sid("CA1"), at(30));
    bench.store.enqueue(&job, at(30)).await.unwrap();
    assert_eq!(told.announce_at(60).await, Some(Outcome::NotYet));
    let why = Some("the provider answered 404 for an hour");
    bench.recorded_by_provider("CA1", "failed", why).await;
    assert_eq!(told.announce_at(120).await, Some(Outcome::Done));
    let reason = bodies(&told).await[0]["reason"].clone();
    assert!(
        reason.as_str().unwrap().contains("404 for an hour"),
        "{reason}"
    );
}

/// Its final pass found nothing; whoever looks at what it means is about to say so.
async fn an_empty_call_is_not_waited_for(bench: &Bench) {
    let told = told(bench);
    bench.ended_call("CA1", &[], 10).await;
    let (store, call) = (&bench.store, call_sid("CA1"));
    let settled = store.settle_without_final(&call, "it was not recorded", at(12));
    settled.await.unwrap();
    assert_eq!(
        told.announce_at(12).await,
        Some(Outcome::NotYet),
        "the final pass runs"
    );
    let lease = jiff::SignedDuration::from_secs(60);
    let job = store.take_job("transcribe", "w", lease, at(20)).await;
    let job = job.unwrap().unwrap();
    store.finish_job(job.lease(), at(20)).await.unwrap();
    let understand = NewJob {
        kind: "understand",
        ..NewJob::announce(&call, at(20))
    };
    store.enqueue(&understand, at(20)).await.unwrap();
    assert_eq!(told.announce_at(20).await, Some(Outcome::Done));
    let reason = bodies(&told).await[0]["reason"].clone();
    assert!(
        reason.as_str().unwrap().contains("it was not recorded"),
        "{reason}"
    );
}

async fn a_call_that_goes_on_is_not_announced(bench: &Bench) {
    let told = told(bench);
    bench.ended_call("CA1", &["good morning"], 10).await;
    let second = bench.stream("CA1", 12).await;
    assert_eq!(told.announce_at(20).await, Some(Outcome::Done));
    assert_eq!(told.due("announce").await, None);
    told.scenario.close(&second, 10).await;
    assert_eq!(
        told.announce_at(22).await,
        Some(Outcome::NotYet),
        "its end asks again"
    );
    // Nobody knows that one.
    let job = NewJob::announce(&call_sid("CA9"), at(22));
    bench.store.enqueue(&job, at(22)).await.unwrap();
    assert_eq!(told.announce_at(22).await, Some(Outcome::Done));
    assert_eq!(told.deliveries().await, []);
}

async fn where_nobody_is_told_nothing_is_kept(bench: &Bench) {
    let told = Told::with(bench, vec![]);
    bench.ended_call("CA1", &["good morning"], 10).await;
    assert_eq!(told.announce_at(10).await, Some(Outcome::Done));
    assert_eq!(told.deliveries().await, []);
    let kept = bench.store.announcements(&call_sid("CA1")).await.unwrap();
    assert_eq!(kept, []);
}

async fn a_disabled_target_is_not_told(bench: &Bench) {
    let fakes = [Fake::start("a", &[]).await, Fake::start("b", &[]).await];
    let mut targets: Vec<_> = fakes.iter().map(Fake::target).collect();
    targets[0].enabled = false;
    let told = Told::with(bench, targets);
    told.announced("CA1").await;
    assert_eq!(told.deliver_at(20).await, Some(Outcome::Done));
    assert_eq!(told.deliver_at(20).await, None);
    assert_eq!(fakes.map(|fake| fake.seen().len()), [0, 1]);
    assert_eq!(told.deliveries().await[0].state, DeliveryState::Delivered);
}

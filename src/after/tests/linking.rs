//! From the transcript to whose call it was.

use tokio_util::sync::CancellationToken;

use super::scenario::{Scenario, heard};
use crate::{
    after::{Link, Outcome, Worker},
    ids::Track,
    people::{Region, customer},
    store::{Linked, NewCall, NewJob, testing::*},
};

on_both!(
    a_call_is_linked_after_its_transcript_and_again_when_a_customer_comes,
    a_call_without_numbers_takes_those_of_its_ring,
    a_call_that_is_gone_is_left_alone,
);

async fn link(scenario: &Scenario<'_>) -> Option<Outcome> {
    let stop = CancellationToken::new();
    let worker = Worker::new::<Link>(scenario.context.clone(), 0, stop);
    worker.step().await.unwrap()
}

async fn linked(bench: &Bench, sid: &str) -> Linked {
    bench.store.link_of(&call_sid(sid)).await.unwrap().unwrap()
}

async fn customer(bench: &Bench, name: &str) -> String {
    let draft = customer::Draft {
        name: Some(name.into()),
        phones: Some(vec!["+1-555-0123".into()]),
        ..customer::Draft::default()
    };
    let details = draft.check(Region::default()).unwrap();
    bench.store.add_customer(&details, at(20)).await.unwrap().id
}

async fn a_call_is_linked_after_its_transcript_and_again_when_a_customer_comes(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| Ok(heard(10, &[(0, "This is John, hello.")])));
    let call = NewCall {
        from: Some("+1-555-0123".into()),
        to: Some("+15550100000".into()),
        direction: Some("inbound".into()),
        ..new_call("CA1")
    };
    bench
        .store
        .open_stream(&call, &new_stream(0))
        .await
        .unwrap();
    let stream = bench.store.streams(&call.sid).await.unwrap().remove(0);
    scenario.live_text(&stream, "this is john").await;
    scenario
        .stream("CA1", 0, 10, &[(Track::Inbound, "in")])
        .await;
    scenario.close(&stream, 10).await;
    assert_eq!(link(&scenario).await, None, "there is no transcript yet");
    scenario.step_at(13).await;
    assert_eq!(link(&scenario).await, Some(Outcome::Done));
    let first = linked(bench, "CA1").await;
    assert_eq!(first.why.as_deref(), Some("unknown"));
    assert_eq!(first.number.as_deref(), Some("+15550123"));
    assert_eq!(first.excerpt, "This is John, hello.");
    let john = customer(bench, "John Smith").await;
    scenario.pass_to(21);
    assert_eq!(link(&scenario).await, Some(Outcome::Done));
    let then = linked(bench, "CA1").await;
    assert_eq!(
        (then.customer_id, then.confidence, then.why),
        (Some(john), 99, None)
    );
}

async fn a_call_without_numbers_takes_those_of_its_ring(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| Ok(heard(10, &[])));
    bench.rang("CA1", "completed").await;
    bench.ended_call("CA1", &["hello"], 10).await;
    let john = customer(bench, "John Smith").await;
    let job = NewJob::link(&call_sid("CA1"), at(0));
    bench.store.enqueue(&job, at(0)).await.unwrap();
    scenario.pass_to(30);
    assert_eq!(link(&scenario).await, Some(Outcome::Done));
    assert_eq!(linked(bench, "CA1").await.customer_id, Some(john));
}

async fn a_call_that_is_gone_is_left_alone(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| Ok(heard(10, &[])));
    let job = NewJob::link(&call_sid("CA1"), at(0));
    bench.store.enqueue(&job, at(0)).await.unwrap();
    assert_eq!(link(&scenario).await, Some(Outcome::Done));
    assert_eq!(bench.store.link_of(&call_sid("CA1")).await.unwrap(), None);
}

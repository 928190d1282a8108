//! Work that was given up is told to who wants to know, and to nobody else.

use serde_json::json;

use super::fake_target::{Cue, Fake, Told, target};
use crate::{
    after::{Outcome, Understand},
    store::{NewJob, UNDERSTAND, testing::*},
    webhooks::Target,
};

on_both!(a_job_that_is_given_up_is_told_to_who_wants_to_know);

async fn a_job_that_is_given_up_is_told_to_who_wants_to_know(bench: &Bench) {
    let (crm, pager) = (
        Fake::start("crm", &[]).await,
        Fake::start("pager", &[Cue::Answer(410, "gone")]).await,
    );
    let alerted = |fake: &Fake| Target {
        alerts: true,
        ..target(fake.name, &fake.url())
    };
    let told = Told::with(bench, vec![crm.target(), alerted(&pager)]);
    let broken = NewJob {
        payload: json!("no call"),
        ..NewJob::understand(&call_sid("CA1"), at(0))
    };
    for secs in [0, 100] {
        bench.store.enqueue(&broken, at(0)).await.unwrap();
        told.clock_at(secs);
        let step = told.worker::<Understand>().step().await;
        assert_eq!(step.unwrap(), Some(Outcome::Dead));
        let ended = [Some(Outcome::Dead), Some(Outcome::Done)][usize::from(secs > 0)];
        assert_eq!(told.deliver_at(secs).await, ended);
    }
    assert_eq!(
        told.deliver_at(200).await,
        None,
        "an alert that failed is no alert"
    );
    assert!(crm.seen().is_empty(), "it did not ask");
    let seen = pager.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1].header("callscribe-event"), "job.failed");
    assert!(seen[1].is_signed_at(at(100)));
    let body = seen[1].json();
    assert_eq!(
        (&body["kind"], &body["key"], &body["attempts"]),
        (&json!(UNDERSTAND), &json!("CA1"), &json!(1))
    );
    assert!(!body["reason"].as_str().unwrap().is_empty(), "{body}");
    assert_eq!(told.deliveries().await.len(), 2, "and both are on record");
}

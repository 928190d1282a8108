//! From the transcript to the call log: once a version, whatever became of the text.

use tokio_util::sync::CancellationToken;

use super::scenario::{Scenario, heard};
use crate::{
    after::{Outcome, Understand, Worker},
    ids::Track,
    insight::Path,
    store::{CallLog, NewJob, testing::*},
};

on_both!(
    a_call_is_understood_after_its_final_pass,
    a_version_is_read_once_and_another_anew,
    a_call_that_was_never_recorded_is_understood_by_its_live_text,
    a_call_without_words_is_announced_all_the_same,
    a_call_that_goes_on_or_is_gone_is_left_alone,
);

/// Runs the jobs that are due, `secs` after the scenario's start, as a service would.
async fn run(scenario: &Scenario<'_>, secs: u64) -> Option<Outcome> {
    scenario.step_at(secs).await;
    understand(scenario).await
}

async fn understand(scenario: &Scenario<'_>) -> Option<Outcome> {
    let stop = CancellationToken::new();
    let worker = Worker::new::<Understand>(scenario.context.clone(), 0, stop);
    worker.step().await.unwrap()
}

async fn log(bench: &Bench, sid: &str) -> Option<CallLog> {
    bench.store.call_log(&call_sid(sid)).await.unwrap()
}

async fn announcements(bench: &Bench) -> u32 {
    let counts = bench.store.job_counts().await.unwrap();
    counts
        .iter()
        .filter(|c| c.kind == "announce")
        .map(|c| c.count)
        .sum()
}

async fn a_call_is_understood_after_its_final_pass(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| {
        Ok(heard(
            10,
            &[
                (0, "The pump in my cellar is broken."),
                (4, "Please come tomorrow."),
            ],
        ))
    });
    let stream = bench.stream("CA1", 0).await;
    scenario.live_text(&stream, "the pump is broken").await;
    scenario
        .stream("CA1", 0, 10, &[(Track::Inbound, "in")])
        .await;
    scenario.close(&stream, 10).await;
    assert_eq!(
        understand(&scenario).await,
        None,
        "there is no transcript yet"
    );
    assert_eq!(run(&scenario, 13).await, Some(Outcome::Done));
    let log = log(bench, "CA1").await.unwrap();
    assert_eq!((log.version, log.meaning.path), (2, Path::OnBox));
    assert_eq!(log.meaning.language.as_deref(), Some("en"));
    assert_eq!(
        log.final_transcript.as_deref(),
        Some("The pump in my cellar is broken.\nPlease come tomorrow.")
    );
    assert_eq!(log.transcription.as_deref(), Some("the pump is broken"));
    assert!(
        log.meaning.summary.title.contains("pump"),
        "{:?}",
        log.meaning.summary
    );
    assert_eq!(announcements(bench).await, 1);
}

async fn a_version_is_read_once_and_another_anew(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| {
        Ok(heard(10, &[(0, "The pump in my cellar is broken.")]))
    });
    scenario
        .stream("CA1", 0, 10, &[(Track::Inbound, "in")])
        .await;
    run(&scenario, 13).await;
    let first = log(bench, "CA1").await.unwrap();

    let again = NewJob::understand(&call_sid("CA1"), at(20));
    bench.store.enqueue(&again, at(20)).await.unwrap();
    assert_eq!(run(&scenario, 20).await, Some(Outcome::Done));
    assert_eq!(log(bench, "CA1").await.unwrap(), first, "not even its time");

    scenario
        .hearing
        .model
        .lock()
        .unwrap()
        .as_mut()
        .unwrap()
        .name = "small".into();
    scenario.enqueue("CA1").await;
    assert_eq!(run(&scenario, 30).await, Some(Outcome::Done));
    let second = log(bench, "CA1").await.unwrap();
    assert_eq!((second.version, second.updated_at), (3, at(30)));
}

async fn a_call_that_was_never_recorded_is_understood_by_its_live_text(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| panic!("there is nothing to hear"));
    let stream = bench.stream("CA1", 0).await;
    scenario.live_text(&stream, "my boiler leaks").await;
    scenario.close(&stream, 10).await;
    assert_eq!(run(&scenario, 13).await, Some(Outcome::Done));
    let log = log(bench, "CA1").await.unwrap();
    assert_eq!((log.version, log.final_transcript), (1, None));
    assert_eq!(log.transcription.as_deref(), Some("my boiler leaks"));
    assert_eq!(log.meaning.summary.title, "my boiler leaks");
}

async fn a_call_without_words_is_announced_all_the_same(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| Ok(heard(10, &[])));
    scenario
        .stream("CA1", 0, 10, &[(Track::Inbound, "in")])
        .await;
    assert_eq!(run(&scenario, 13).await, Some(Outcome::Done));
    assert_eq!(log(bench, "CA1").await, None);
    assert_eq!(announcements(bench).await, 1);
}

async fn a_call_that_goes_on_or_is_gone_is_left_alone(bench: &Bench) {
    let scenario = Scenario::new(bench, |_, _| Ok(heard(10, &[])));
    bench.stream("CA1", 0).await;
    for sid in ["CA1", "CA9"] {
        let job = NewJob::understand(&call_sid(sid), at(0));
        bench.store.enqueue(&job, at(0)).await.unwrap();
        assert_eq!(understand(&scenario).await, Some(Outcome::Done));
        assert_eq!(log(bench, sid).await, None);
    }
    assert_eq!(announcements(bench).await, 0);
}

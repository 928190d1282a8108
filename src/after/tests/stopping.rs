//! The runner as a whole: it wakes, holds its leases, stops cleanly, and the next one goes on.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use tokio::sync::Notify;

use super::scenario::{Scenario, heard};
use crate::{
    after::{NoHearing, Options, Runner},
    ids::Track,
    store::{CallState, testing::*},
    tasks,
};

on_both!(
    a_stop_leaves_the_job_to_the_next_runner,
    a_long_job_keeps_its_lease,
);

const INBOUND: [(Track, &str); 1] = [(Track::Inbound, "in")];

/// A runner whose observer rings, and what it rings.
fn run(scenario: &mut Scenario<'_>) -> (Runner, Arc<Notify>) {
    let rung = Arc::new(Notify::new());
    let bell = Arc::clone(&rung);
    scenario.context.observer = Arc::new(move |_, _| bell.notify_one());
    (Runner::start(&scenario.context), rung)
}

async fn a_stop_leaves_the_job_to_the_next_runner(bench: &Bench) {
    let (began, begins) = mpsc::sync_channel(1);
    let mut scenario = Scenario::new(bench, move |_, stop| {
        began.send(()).unwrap();
        while !stop.is_cancelled() {
            std::thread::yield_now();
        }
        Err(NoHearing::Stopped)
    });
    scenario.stream("CA1", 0, 10, &INBOUND).await;
    scenario.clock.advance(Duration::from_secs(20));
    let (runner, _) = run(&mut scenario);
    tasks::blocking("begun", move || begins.recv().unwrap())
        .await
        .unwrap();
    runner.stop().await;
    assert_eq!(scenario.call("CA1").await.state, CallState::Finishing);

    let mut next = Scenario::new(bench, |_, _| Ok(heard(10, &[(0, "Good morning, all.")])));
    next.clock.advance(Duration::from_secs(30));
    let (runner, rung) = run(&mut next);
    rung.notified().await;
    runner.stop().await;
    assert_eq!(next.call("CA1").await.state, CallState::Final);
    // The purge of the first start waits for tomorrow; these recordings have no files to analyse.
    let counts = bench.store.job_counts().await.unwrap();
    let left: Vec<_> = counts.iter().filter(|c| c.state != "done").collect();
    assert!(left.iter().all(|c| c.kind != "transcribe"), "{left:?}");
}

async fn a_long_job_keeps_its_lease(bench: &Bench) {
    let (began, begins) = mpsc::sync_channel(1);
    let (release, released) = mpsc::sync_channel::<()>(1);
    let released = std::sync::Mutex::new(released);
    let mut scenario = Scenario::new(bench, move |_, _| {
        began.send(()).unwrap();
        released.lock().unwrap().recv().unwrap();
        Ok(heard(10, &[(0, "Good morning, all.")]))
    });
    scenario.context.options = Options {
        lease_s: 1,
        ..Options::default()
    };
    scenario.stream("CA1", 0, 10, &INBOUND).await;
    scenario.clock.advance(Duration::from_secs(20));
    let (runner, rung) = run(&mut scenario);
    tasks::blocking("begun", move || begins.recv().unwrap())
        .await
        .unwrap();
    // Longer than the lease, by the clock that leases go by.
    scenario.clock.advance(Duration::from_secs(100));
    let renewed = async {
        while bench.store.next_job_at("transcribe").await.unwrap() != Some(at(121)) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), renewed)
        .await
        .unwrap();
    release.send(()).unwrap();
    rung.notified().await;
    runner.stop().await;
    assert_eq!(scenario.call("CA1").await.state, CallState::Final);
}

//! Jobs as people see and tend them.

use serde_json::json;

use crate::store::{Error, JobState, NewJob, WhichJobs, testing::*};

on_both!(
    jobs_are_listed_newest_first,
    dead_and_waiting_jobs_are_tried_again,
    jobs_are_dropped_unless_they_run,
);

const LEASE: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

async fn put(bench: &Bench, kind: &'static str, key: &str, secs: i64) {
    let job = NewJob {
        kind,
        key: key.into(),
        payload: json!({}),
        priority: 0,
        run_at: at(secs),
        max_attempts: 1,
    };
    bench.store.enqueue(&job, at(secs)).await.unwrap();
}

/// `key state`, a line a job.
async fn list(bench: &Bench, kind: Option<&str>, state: Option<JobState>) -> Vec<String> {
    let which = WhichJobs {
        kind: kind.map(Into::into),
        state,
    };
    let mut lines = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = bench.store.queued_jobs(&which, after.as_deref(), 2).await;
        let (jobs, next) = page.unwrap();
        lines.extend(jobs.iter().map(|job| format!("{} {}", job.key, job.state)));
        match next {
            Some(_) => after = next,
            None => return lines,
        }
    }
}

async fn id_of(bench: &Bench, key: &str) -> String {
    let all = WhichJobs::default();
    let (jobs, _) = bench.store.queued_jobs(&all, None, 100).await.unwrap();
    jobs.into_iter().find(|job| job.key == key).unwrap().id
}

async fn die(bench: &Bench, kind: &str, secs: i64) {
    let job = bench.store.take_job(kind, "w", LEASE, at(secs)).await;
    let job = job.unwrap().unwrap();
    let failed = bench.store.fail_job(&job, "no luck", None, at(secs));
    assert!(failed.await.unwrap());
}

async fn jobs_are_listed_newest_first(bench: &Bench) {
    for (kind, key, secs) in [
        ("a", "1", 1),
        ("b", "2", 2),
        ("a", "3", 3),
        ("a", "4", 4),
        ("b", "5", 5),
    ] {
        put(bench, kind, key, secs).await;
    }
    die(bench, "a", 10).await;
    let queued = Some(JobState::Queued);
    assert_eq!(
        list(bench, None, None).await,
        ["5 queued", "4 queued", "3 queued", "2 queued", "1 dead"]
    );
    assert_eq!(
        list(bench, Some("a"), queued).await,
        ["4 queued", "3 queued"]
    );
    assert_eq!(list(bench, None, Some(JobState::Dead)).await, ["1 dead"]);
    assert_eq!(list(bench, Some("c"), None).await, [""; 0]);
    let all = WhichJobs::default();
    let (jobs, _) = bench.store.queued_jobs(&all, None, 100).await.unwrap();
    let dead = &jobs[4];
    assert_eq!(dead.last_error.as_deref(), Some("no luck"));
    assert_eq!((dead.attempts, dead.finished_at), (1, Some(at(10))));
}

async fn dead_and_waiting_jobs_are_tried_again(bench: &Bench) {
    put(bench, "a", "1", 1).await;
    die(bench, "a", 1).await;
    let id = id_of(bench, "1").await;
    let job = bench.store.retry_job(&id, at(50)).await.unwrap();
    assert_eq!(
        (job.state, job.attempts, job.run_at),
        (JobState::Queued, 0, at(50))
    );
    // One that waits is due at once.
    assert_eq!(
        bench.store.retry_job(&id, at(40)).await.unwrap().run_at,
        at(40)
    );
    let taken = bench.store.take_job("a", "w", LEASE, at(50)).await;
    let taken = taken.unwrap().unwrap();
    let running = bench.store.retry_job(&id, at(51)).await;
    assert!(matches!(running, Err(Error::Refused(why)) if why.contains("running")));
    bench.store.finish_job(taken.lease(), at(52)).await.unwrap();
    let done = bench.store.retry_job(&id, at(53)).await;
    assert!(matches!(done, Err(Error::Refused(why)) if why.contains("done")));
    assert!(matches!(
        bench.store.retry_job("no", at(53)).await,
        Err(Error::NoJob(_))
    ));

    put(bench, "a", "2", 60).await;
    die(bench, "a", 60).await;
    let dead = id_of(bench, "2").await;
    put(bench, "a", "2", 61).await;
    let second = bench.store.retry_job(&dead, at(62)).await;
    assert!(matches!(second, Err(Error::Refused(why)) if why.contains("another")));
}

async fn jobs_are_dropped_unless_they_run(bench: &Bench) {
    put(bench, "a", "1", 1).await;
    let id = id_of(bench, "1").await;
    bench.store.take_job("a", "w", LEASE, at(1)).await.unwrap();
    let running = bench.store.drop_job(&id, at(2)).await;
    assert!(matches!(running, Err(Error::Refused(why)) if why.contains("running")));
    // Its worker is gone.
    assert_eq!(bench.store.drop_job(&id, at(61)).await.unwrap().key, "1");
    assert!(matches!(
        bench.store.drop_job(&id, at(62)).await,
        Err(Error::NoJob(_))
    ));
    assert_eq!(list(bench, None, None).await, [""; 0]);
}

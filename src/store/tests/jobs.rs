//! Jobs: leases, retries, death, two workers.

use jiff::SignedDuration;
use serde_json::json;

use crate::store::{Enqueued, Job, JobCount, NewJob, testing::*};

on_both!(
    a_job_is_taken_when_due,
    one_waits_per_key,
    a_killed_workers_job_runs_again,
    a_lease_is_of_one_worker_and_one_attempt,
    a_job_that_kills_its_workers_dies,
    a_failed_job_comes_back_and_dies_at_last,
    a_postponed_job_keeps_its_attempts,
    two_workers_share_without_doubling,
    two_jobs_of_a_key_never_run_at_once,
    a_younger_job_takes_over_from_a_failed_one,
    done_jobs_are_forgotten,
);

const LEASE: SignedDuration = SignedDuration::from_secs(60);

fn job(key: &str, run_at: i64) -> NewJob {
    NewJob {
        kind: "test",
        key: key.into(),
        payload: json!({ "of": key }),
        priority: 0,
        run_at: at(run_at),
        max_attempts: 3,
    }
}

async fn put(bench: &Bench, new: NewJob) -> Enqueued {
    bench.store.enqueue(&new, at(0)).await.unwrap()
}

async fn take(bench: &Bench, worker: &str, secs: i64) -> Option<Job> {
    let taken = bench.store.take_job("test", worker, LEASE, at(secs)).await;
    taken.unwrap()
}

async fn counts(bench: &Bench) -> Vec<(String, u32)> {
    let counts = bench.store.job_counts().await.unwrap();
    let pair = |c: JobCount| (c.state, c.count);
    counts.into_iter().map(pair).collect()
}

async fn a_job_is_taken_when_due(bench: &Bench) {
    assert_eq!(bench.store.next_job_at("test").await.unwrap(), None);
    put(bench, job("b", 10)).await;
    put(bench, job("a", 5)).await;
    let urgent = NewJob {
        priority: 1,
        ..job("c", 10)
    };
    put(bench, urgent).await;
    assert_eq!(bench.store.next_job_at("test").await.unwrap(), Some(at(5)));
    assert_eq!(take(bench, "w", 4).await, None);
    let mut keys = Vec::new();
    while let Some(job) = take(bench, "w", 10).await {
        assert_eq!((job.attempts, &job.payload), (1, &json!({ "of": job.key })));
        assert!(bench.store.finish_job(job.lease(), at(11)).await.unwrap());
        keys.push(job.key);
    }
    assert_eq!(keys, ["c", "a", "b"]);
    let other = bench.store.take_job("other", "w", LEASE, at(99)).await;
    assert_eq!(other.unwrap(), None);
    assert_eq!(counts(bench).await, [("done".into(), 3)]);
}

async fn one_waits_per_key(bench: &Bench) {
    assert_eq!(put(bench, job("a", 5)).await, Enqueued::New);
    assert_eq!(put(bench, job("a", 50)).await, Enqueued::Rearmed);
    assert_eq!(take(bench, "w", 20).await, None, "the later time counts");
    assert_eq!(counts(bench).await, [("queued".into(), 1)]);
    let running = take(bench, "w", 50).await.unwrap();
    assert!(
        !bench
            .store
            .enqueue_if_none(&job("a", 50), at(50))
            .await
            .unwrap()
    );
    assert_eq!(
        put(bench, job("a", 51)).await,
        Enqueued::New,
        "one more beside it"
    );
    assert!(
        bench
            .store
            .finish_job(running.lease(), at(52))
            .await
            .unwrap()
    );
}

async fn a_killed_workers_job_runs_again(bench: &Bench) {
    put(bench, job("a", 0)).await;
    let lost = take(bench, "first", 0).await.unwrap();
    assert_eq!(take(bench, "second", 59).await, None, "the lease holds");
    assert_eq!(bench.store.next_job_at("test").await.unwrap(), Some(at(60)));
    assert!(bench.store.renew_job(lost.lease(), at(90)).await.unwrap());
    assert_eq!(take(bench, "second", 60).await, None, "and is prolonged");
    let found = take(bench, "second", 90).await.unwrap();
    assert_eq!((found.id.as_str(), found.attempts), (lost.id.as_str(), 2));
    // The first worker was slow, not dead: it has no say any more.
    assert!(!bench.store.renew_job(lost.lease(), at(200)).await.unwrap());
    assert!(!bench.store.finish_job(lost.lease(), at(91)).await.unwrap());
    assert!(
        !bench
            .store
            .fail_job(&lost, "late", Some(at(95)), at(91))
            .await
            .unwrap()
    );
    assert!(bench.store.finish_job(found.lease(), at(92)).await.unwrap());
    assert_eq!(counts(bench).await, [("done".into(), 1)]);
}

async fn a_lease_is_of_one_worker_and_one_attempt(bench: &Bench) {
    put(bench, job("a", 0)).await;
    let lost = take(bench, "first", 0).await.unwrap();
    // The same worker again, at a later attempt.
    let again = take(bench, "first", 60).await.unwrap();
    let renewed = bench.store.renew_job(lost.lease(), at(500)).await;
    assert!(!renewed.unwrap());
    assert!(!bench.store.finish_job(lost.lease(), at(61)).await.unwrap());
    // Another worker, at the same attempt: a postponed job gets its attempt back.
    let put_off = bench.store.postpone_job(&again, "no model", at(62)).await;
    assert!(put_off.unwrap());
    let other = take(bench, "second", 62).await.unwrap();
    assert_eq!(other.attempts, again.attempts);
    assert!(!bench.store.finish_job(again.lease(), at(63)).await.unwrap());
    let failed = bench.store.fail_job(&again, "no", None, at(63)).await;
    assert!(!failed.unwrap());
    assert!(bench.store.finish_job(other.lease(), at(64)).await.unwrap());
}

async fn a_job_that_kills_its_workers_dies(bench: &Bench) {
    put(bench, job("a", 0)).await;
    for (attempt, secs) in [(1, 0), (2, 60), (3, 120)] {
        assert_eq!(take(bench, "w", secs).await.unwrap().attempts, attempt);
    }
    assert_eq!(take(bench, "w", 180).await, None);
    let bury = async |secs| bench.store.bury_lost_jobs("test", at(secs)).await.unwrap();
    assert_eq!(bury(179).await, [], "its worker may yet come back");
    let lost = bury(180).await;
    assert_eq!((lost.len(), lost[0].key.as_str()), (1, "a"));
    assert_eq!(bury(180).await, []);
    assert_eq!(counts(bench).await, [("dead".into(), 1)]);
}

async fn a_failed_job_comes_back_and_dies_at_last(bench: &Bench) {
    put(bench, job("a", 0)).await;
    for (secs, error) in [(0, None), (10, Some("no. 1")), (20, Some("no. 2"))] {
        let job = take(bench, "w", secs).await.unwrap();
        assert_eq!(job.last_error.as_deref(), error);
        let error = format!("no. {}", job.attempts);
        let retry = Some(at(secs + 10));
        assert!(
            bench
                .store
                .fail_job(&job, &error, retry, at(secs))
                .await
                .unwrap()
        );
        assert_eq!(
            take(bench, "w", secs + 9).await,
            None,
            "not before its time"
        );
    }
    assert_eq!(counts(bench).await, [("dead".into(), 1)]);
    // Without a time to try again it dies at once.
    put(bench, job("b", 0)).await;
    let hopeless = take(bench, "w", 0).await.unwrap();
    assert!(
        bench
            .store
            .fail_job(&hopeless, "never", None, at(1))
            .await
            .unwrap()
    );
    assert_eq!(counts(bench).await, [("dead".into(), 2)]);
}

async fn a_postponed_job_keeps_its_attempts(bench: &Bench) {
    put(bench, job("a", 0)).await;
    for secs in 0..5 {
        let job = take(bench, "w", secs).await.unwrap();
        assert_eq!(job.attempts, 1);
        let put_off = bench.store.postpone_job(&job, "no model", at(secs + 1));
        assert!(put_off.await.unwrap());
    }
    let job = take(bench, "w", 5).await.unwrap();
    assert_eq!(job.last_error.as_deref(), Some("no model"));
}

async fn two_workers_share_without_doubling(bench: &Bench) {
    for i in 0..20 {
        put(bench, job(&format!("job{i}"), 0)).await;
    }
    let other = Bench {
        store: bench.again().await,
        options: bench.options.clone(),
    };
    let work = async |bench: &Bench, name: &str| {
        let mut keys = Vec::new();
        while let Some(job) = take(bench, name, 1).await {
            keys.push(job.key);
        }
        keys
    };
    let (mine, theirs) = tokio::join!(work(bench, "one"), work(&other, "two"));
    let mut all = [mine, theirs].concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 20, "each job once");
    assert_eq!(counts(bench).await, [("running".into(), 20)]);
    other.store.close().await;
}

async fn two_jobs_of_a_key_never_run_at_once(bench: &Bench) {
    put(bench, job("a", 0)).await;
    let first = take(bench, "one", 0).await.unwrap();
    put(bench, job("a", 0)).await;
    assert_eq!(take(bench, "two", 1).await, None);
    assert!(bench.store.finish_job(first.lease(), at(2)).await.unwrap());
    assert!(take(bench, "two", 3).await.is_some());
}

async fn a_younger_job_takes_over_from_a_failed_one(bench: &Bench) {
    put(bench, job("a", 0)).await;
    let first = take(bench, "one", 0).await.unwrap();
    put(bench, job("a", 5)).await;
    let failed = bench.store.fail_job(&first, "no", Some(at(9)), at(1)).await;
    assert!(failed.unwrap());
    let second = take(bench, "two", 5).await.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(
        take(bench, "two", 99_999).await.map(|j| j.id),
        Some(second.id)
    );
}

async fn done_jobs_are_forgotten(bench: &Bench) {
    put(bench, job("a", 0)).await;
    let done = take(bench, "w", 0).await.unwrap();
    bench.store.finish_job(done.lease(), at(10)).await.unwrap();
    put(bench, job("b", 0)).await;
    assert_eq!(bench.store.forget_jobs(at(10)).await.unwrap(), 0);
    assert_eq!(bench.store.forget_jobs(at(11)).await.unwrap(), 1);
    assert_eq!(counts(bench).await, [("queued".into(), 1)]);
}

//! Deliveries against targets that misbehave: fault 49 and the bound of 53.

use std::{collections::HashSet, net::IpAddr, sync::Arc, time::Duration};

use futures_util::future::join_all;

use super::fake_target::{Cue, Fake, Told, options, target};
use crate::{
    after::{Deliver, Outcome},
    store::{Delivery, DeliveryAttempt, DeliveryState, JobState, WhichJobs, testing::*},
    tasks,
    webhooks::{Options, Sender, Unfit},
};

on_both!(
    what_fails_twice_is_taken_at_the_third_try,
    each_way_to_fail_is_told,
    after_a_day_it_is_dead_until_it_is_asked_for_again,
    a_killed_worker_leaves_it_to_the_next,
    a_slow_target_delays_no_other,
    an_address_within_is_refused_however_it_is_called,
    what_has_no_target_is_dead,
    a_target_may_ask_for_more_time,
    an_answer_without_end_is_cut,
);

async fn the_only(told: &Told<'_>) -> Delivery {
    let [delivery] = &told.deliveries().await[..] else {
        panic!("one delivery");
    };
    delivery.clone()
}

async fn attempts(told: &Told<'_>) -> Vec<DeliveryAttempt> {
    let id = the_only(told).await.id;
    told.bench.store.delivery_attempts(&id).await.unwrap()
}

/// The reasons that logs and the jobs' list show.
async fn last_error(told: &Told<'_>) -> String {
    let which = WhichJobs {
        kind: Some("deliver".into()),
        state: None,
    };
    let (jobs, _) = told
        .bench
        .store
        .queued_jobs(&which, None, 10)
        .await
        .unwrap();
    jobs[0].last_error.clone().unwrap()
}

async fn what_fails_twice_is_taken_at_the_third_try(bench: &Bench) {
    let cues = [
        Cue::Answer(500, "<h1>Oops</h1>\n of +15550123"),
        Cue::Answer(503, ""),
    ];
    let fake = Fake::start("crm", &cues).await;
    let told = Told::with(bench, vec![fake.target()]);
    told.announced("CA1").await;

    assert_eq!(told.deliver_at(20).await, Some(Outcome::Retry));
    assert!((25..=26).contains(&told.due("deliver").await.unwrap()));
    assert_eq!(told.deliver_at(24).await, None, "not before its time");
    assert_eq!(
        last_error(&told).await,
        "crm: HTTP 500",
        "nothing that the target said"
    );
    assert_eq!(told.deliver_at(30).await, Some(Outcome::Retry));
    assert_eq!(the_only(&told).await.state, DeliveryState::Waiting);
    assert_eq!(told.deliver_at(70).await, Some(Outcome::Done));

    let delivery = the_only(&told).await;
    assert_eq!(
        (delivery.state, delivery.delivered_at),
        (DeliveryState::Delivered, Some(at(70)))
    );
    let seen = fake.seen();
    assert_eq!(seen.len(), 3);
    for (seen, secs) in seen.iter().zip([20, 30, 70]) {
        assert_eq!(seen.header("callscribe-delivery"), delivery.id);
        assert_eq!(seen.header("callscribe-event"), "call.completed");
        assert_eq!(seen.header("content-type"), "application/json");
        assert_eq!(seen.json()["delivery_id"], delivery.id.as_str());
        assert!(seen.is_signed_at(at(secs)), "anew at every try: {secs}");
    }
    let rows = attempts(&told).await;
    let rows: Vec<_> = rows
        .iter()
        .map(|a| (a.number, a.http_status.unwrap(), a.error.as_deref()))
        .collect();
    let excerpt = "HTTP 500: <h1>Oops</h1>  of +15550123";
    assert_eq!(
        rows,
        [
            (1, 500, Some(excerpt)),
            (2, 503, Some("HTTP 503")),
            (3, 200, None)
        ]
    );
    assert_eq!(told.deliver_at(99_999).await, None, "once is enough");
}

async fn each_way_to_fail_is_told(bench: &Bench) {
    let inside = Fake::start("inside", &[]).await;
    let fake = Fake::start(
        "crm",
        &[
            Cue::Hang,
            Cue::RedirectTo(inside.url()),
            Cue::Answer(404, "no such hook"),
            Cue::Answer(410, "gone"),
        ],
    )
    .await;
    let mut crm = fake.target();
    crm.timeout_ms = Some(200);
    let told = Told::with(bench, vec![crm]);
    told.announced("CA1").await;
    for (secs, outcome, status, error) in [
        (20, Outcome::Retry, None, "no answer within 200 ms"),
        (
            50,
            Outcome::Retry,
            Some(307),
            "HTTP 307: redirects are not followed",
        ),
        (100, Outcome::Retry, Some(404), "HTTP 404: no such hook"),
        // Nobody wants to hear of it any more.
        (300, Outcome::Dead, Some(410), "HTTP 410: gone"),
    ] {
        assert_eq!(told.deliver_at(secs).await, Some(outcome), "{error}");
        let last = attempts(&told).await.pop().unwrap();
        assert_eq!(
            (last.http_status, last.error.as_deref()),
            (status, Some(error))
        );
    }
    assert_eq!(inside.seen().len(), 0, "the redirect led there");
    let delivery = the_only(&told).await;
    assert_eq!(delivery.state, DeliveryState::Dead);
    assert_eq!(delivery.reason.as_deref(), Some("crm: HTTP 410"));
}

/// Nobody listens there (fault 53): about a day of tries, each bounded, then put aside with the reason.
async fn after_a_day_it_is_dead_until_it_is_asked_for_again(bench: &Bench) {
    let fake = Fake::start("crm", &[]).await;
    let (url, port) = (fake.url(), fake.port);
    drop(fake);
    let told = Told::with(bench, vec![target("crm", &format!("{url}?key=sesame"))]);
    told.announced("CA1").await;
    let id = the_only(&told).await.id;
    let mut tries = Vec::new();
    while let Some(due) = told.due("deliver").await {
        let outcome = told.deliver_at(u64::try_from(due).unwrap() + 1).await;
        tries.push((due, outcome.unwrap()));
    }
    let (last, earlier) = tries.split_last().unwrap();
    assert_eq!((earlier.len(), last.1), (10, Outcome::Dead));
    assert!(
        earlier
            .iter()
            .all(|(_, outcome)| *outcome == Outcome::Retry)
    );
    assert!((85_000..104_000).contains(&last.0), "about a day: {last:?}");
    let dead = the_only(&told).await;
    assert_eq!(dead.state, DeliveryState::Dead);
    let reason = dead.reason.unwrap();
    for part in ["crm: no connection", "refused", "the last of 11 tries"] {
        assert!(reason.contains(part), "{reason}");
    }
    let shown = format!(
        "{reason} {} {:?}",
        last_error(&told).await,
        attempts(&told).await
    );
    assert!(
        !shown.contains("sesame") && !shown.contains(&format!(":{port}")),
        "{shown}"
    );

    let now = told.scenario.clock.wall();
    let again = bench.store.redeliver(&id, now).await.unwrap();
    assert_eq!((again.state, again.tries), (DeliveryState::Waiting, 0));
    let outcome = told.deliver_at(0).await;
    assert_eq!(
        outcome,
        Some(Outcome::Retry),
        "with all its tries before it"
    );
    assert_eq!(attempts(&told).await.len(), 12);
}

/// `kill -9` between the request and its row: at least once, under the same id.
async fn a_killed_worker_leaves_it_to_the_next(bench: &Bench) {
    let fake = Fake::start("crm", &[Cue::Hang]).await;
    let told = Told::with(bench, vec![fake.target()]);
    told.announced("CA1").await;
    let worker = told.worker::<Deliver>();
    let killed = tasks::spawn("killed", async move { worker.step().await });
    fake.saw(1).await;
    killed.abort();
    drop(killed.await);
    assert_eq!(told.deliver_at(79).await, None, "its lease holds");
    assert_eq!(attempts(&told).await, []);
    // Another process, with the same targets.
    let next = Told::with(bench, vec![fake.target()]);
    assert_eq!(next.deliver_at(81).await, Some(Outcome::Done));
    let ids: Vec<_> = fake
        .seen()
        .iter()
        .map(|seen| seen.header("callscribe-delivery").to_owned())
        .collect();
    let id = the_only(&next).await.id;
    assert_eq!(ids, [id.clone(), id]);
    assert_eq!(the_only(&next).await.state, DeliveryState::Delivered);
}

async fn a_slow_target_delays_no_other(bench: &Bench) {
    let slow = Fake::start("slow", &vec![Cue::Hang; 20]).await;
    let brisk = Fake::start("brisk", &[]).await;
    let mut targets = vec![slow.target(), brisk.target()];
    targets[0].timeout_ms = Some(60_000);
    let told = Told::with(bench, targets);
    let calls = 6;
    for call in 0..calls {
        told.announced(&format!("CA{call}")).await;
    }
    // Four workers, two places at a target: two are left to the others.
    let workers = (0..4).map(|_| {
        let worker = told.worker::<Deliver>();
        let clock = told.scenario.clock.clone();
        tasks::spawn("worker", async move {
            loop {
                if worker.step().await.unwrap().is_none() {
                    // Nothing is due: time passes, a little faster than it does.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    clock.advance(Duration::from_millis(20));
                }
            }
        })
    });
    let workers: Vec<_> = workers.collect();
    brisk.saw(calls).await;
    slow.saw(2).await;
    assert_eq!(slow.seen().len(), 2, "no more at once");
    let ids: HashSet<String> = brisk
        .seen()
        .iter()
        .map(|seen| seen.header("callscribe-delivery").to_owned())
        .collect();
    assert_eq!(ids.len(), calls, "each once");
    for worker in &workers {
        worker.abort();
    }
    join_all(workers).await;
    let waiting = WhichJobs {
        kind: Some("deliver".into()),
        state: Some(JobState::Queued),
    };
    let (jobs, _) = bench.store.queued_jobs(&waiting, None, 100).await.unwrap();
    for job in &jobs {
        assert_eq!(
            job.attempts, 0,
            "waiting for its turn is no attempt: {job:?}"
        );
    }
}

async fn an_address_within_is_refused_however_it_is_called(bench: &Bench) {
    let fake = Fake::start("crm", &[]).await;
    let closed = Options {
        allow_private: false,
        ..options()
    };
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "017700000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "10.1.2.3",
        "169.254.169.254",
        "0.0.0.0",
        "[fd00:ec2::254]",
        "127.0.0.1.",
    ] {
        let options = Options {
            targets: vec![target("crm", &format!("http://{host}:{}/hook", fake.port))],
            ..closed.clone()
        };
        let made = Sender::new(&options).err();
        assert_eq!(made, Some(Unfit::Private("crm".into())), "{host}");
    }
    // A name that is ours only when the connection is made.
    let options = Options {
        targets: vec![target(
            "crm",
            &format!("http://rebind.test:{}/hook", fake.port),
        )],
        ..closed
    };
    let within: IpAddr = "127.0.0.1".parse().unwrap();
    let sender = Sender::with_lookup(
        &options,
        Arc::new(move |_| Box::pin(async move { Ok(vec![within]) })),
    );
    let told = Told::new(bench, sender);
    told.announced("CA1").await;
    assert_eq!(told.deliver_at(20).await, Some(Outcome::Dead));
    let reason = the_only(&told).await.reason.unwrap();
    assert!(reason.contains("allow_private"), "{reason}");
    assert_eq!(fake.seen().len(), 0);

    // The same name where that is meant.
    let options = Options {
        allow_private: true,
        ..options
    };
    let sender = Sender::with_lookup(
        &options,
        Arc::new(move |_| Box::pin(async move { Ok(vec![within]) })),
    );
    let told = Told::new(bench, sender);
    let id = the_only(&told).await.id;
    bench.store.redeliver(&id, at(30)).await.unwrap();
    assert_eq!(told.deliver_at(30).await, Some(Outcome::Done));
    assert_eq!(fake.seen().len(), 1);
}

async fn what_has_no_target_is_dead(bench: &Bench) {
    let fake = Fake::start("crm", &[]).await;
    let told = Told::with(bench, vec![fake.target()]);
    told.announced("CA1").await;
    let gone = Told::with(bench, vec![]);
    assert_eq!(gone.deliver_at(20).await, Some(Outcome::Dead));
    let delivery = the_only(&gone).await;
    assert_eq!(delivery.state, DeliveryState::Dead);
    assert!(delivery.reason.unwrap().contains("no enabled target"));
    // The target is back, and somebody has the job tried again.
    let which = WhichJobs {
        kind: Some("deliver".into()),
        state: Some(JobState::Dead),
    };
    let (jobs, _) = bench.store.queued_jobs(&which, None, 10).await.unwrap();
    bench.store.retry_job(&jobs[0].id, at(30)).await.unwrap();
    assert_eq!(told.deliver_at(30).await, Some(Outcome::Done));
    assert_eq!(the_only(&told).await.state, DeliveryState::Delivered);
}

async fn a_target_may_ask_for_more_time(bench: &Bench) {
    let fake = Fake::start("crm", &[Cue::RetryAfter(900), Cue::RetryAfter(999_999)]).await;
    let told = Told::with(bench, vec![fake.target()]);
    told.announced("CA1").await;
    assert_eq!(told.deliver_at(20).await, Some(Outcome::Retry));
    assert_eq!(told.due("deliver").await, Some(920));
    assert_eq!(told.deliver_at(920).await, Some(Outcome::Retry));
    let hour = Duration::from_hours(1).as_secs();
    let most = i64::try_from(920 + hour).unwrap();
    assert_eq!(told.due("deliver").await, Some(most), "within bounds");
}

async fn an_answer_without_end_is_cut(bench: &Bench) {
    let fake = Fake::start("crm", &[Cue::Babble]).await;
    let mut crm = fake.target();
    crm.timeout_ms = Some(60_000);
    let told = Told::with(bench, vec![crm]);
    told.announced("CA1").await;
    let ended = tokio::time::timeout(Duration::from_secs(20), told.deliver_at(20)).await;
    assert_eq!(ended.unwrap(), Some(Outcome::Retry));
    let error = attempts(&told).await[0].error.clone().unwrap();
    assert!(error.starts_with("HTTP 500: word word"), "{error}");
    assert!(error.len() < 220, "{} bytes are kept", error.len());
}

//! Announcements once, deliveries with their attempts.

use crate::store::{
    DeliveryState, Error, Event, NewAnnouncement, NewAttempt, NewDelivery, Then, WhichDeliveries,
    new_id, testing::*,
};

on_both!(
    a_version_is_told_once,
    two_that_complete_a_call_at_once_tell_it_once,
    pages_are_by_call_and_state,
    attempts_are_numbered_and_delivered_it_stays,
    a_dropped_job_gives_its_delivery_up,
);

fn announcement(call: &str, event: Event, version: u32, secs: i64) -> NewAnnouncement {
    let targets = ["crm", "desk"].into_iter();
    NewAnnouncement {
        call: call_sid(call),
        event,
        version,
        source: "live",
        reason: "for the test".into(),
        text_sha256: format!("{version}"),
        deliveries: targets
            .map(|target| NewDelivery {
                id: new_id(at(secs)),
                target: target.into(),
                body: "{}".into(),
            })
            .collect(),
        lead_failed: None,
    }
}

async fn announce(bench: &Bench, new: &NewAnnouncement, secs: i64) -> bool {
    bench.store.announce(new, at(secs)).await.unwrap()
}

async fn jobs(bench: &Bench) -> u32 {
    let counts = bench.store.job_counts().await.unwrap();
    let deliver = counts.iter().filter(|count| count.kind == "deliver");
    deliver.map(|count| count.count).sum()
}

async fn a_version_is_told_once(bench: &Bench) {
    for (event, version, is_new, waiting) in [
        (Event::Completed, 1, true, 2),
        (Event::Completed, 1, false, 2),
        (Event::Completed, 2, false, 2),
        (Event::Updated, 2, true, 4),
        (Event::Updated, 2, false, 4),
        (Event::Updated, 3, true, 6),
    ] {
        let new = announcement("CA1", event, version, 5);
        assert_eq!(
            announce(bench, &new, 5).await,
            is_new,
            "{event:?} {version}"
        );
        assert_eq!(jobs(bench).await, waiting, "{event:?} {version}");
    }
    let told = bench.store.announcements(&call_sid("CA1")).await.unwrap();
    let told: Vec<_> = told.iter().map(|t| (t.event.as_str(), t.version)).collect();
    assert_eq!(
        told,
        [
            ("call.completed", 1),
            ("call.updated", 2),
            ("call.updated", 3)
        ]
    );
}

async fn two_that_complete_a_call_at_once_tell_it_once(bench: &Bench) {
    let (one, other) = (
        announcement("CA1", Event::Completed, 1, 5),
        announcement("CA1", Event::Completed, 2, 5),
    );
    let (one, other) = tokio::join!(announce(bench, &one, 5), announce(bench, &other, 5));
    assert!(one != other, "{one} {other}");
    assert_eq!(jobs(bench).await, 2);
}

async fn pages_are_by_call_and_state(bench: &Bench) {
    for (call, secs) in [("CA1", 1), ("CA2", 2), ("CA3", 3)] {
        let new = announcement(call, Event::Completed, 1, secs);
        announce(bench, &new, secs).await;
    }
    let list = async |call: Option<&str>, state: Option<DeliveryState>| {
        let which = WhichDeliveries {
            call: call.map(call_sid),
            state,
        };
        let (mut found, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = bench.store.deliveries(&which, after.as_deref(), 2).await;
            let (page, next) = page.unwrap();
            found.extend(page.into_iter().map(|told| told.delivery));
            match next {
                Some(_) => after = next,
                None => return found,
            }
        }
    };
    let all = list(None, None).await;
    assert_eq!(all.len(), 6);
    assert!(all.is_sorted_by(|a, b| a.id > b.id), "newest first");
    bench.store.bury_delivery(&all[0].id, "gone").await.unwrap();
    assert_eq!(list(Some("CA2"), None).await.len(), 2);
    assert_eq!(list(None, Some(DeliveryState::Waiting)).await.len(), 5);
    let dead = list(Some("CA3"), Some(DeliveryState::Dead)).await;
    assert_eq!(dead[0].reason.as_deref(), Some("gone"));
    assert_eq!(list(Some("CA9"), None).await, []);
}

async fn attempts_are_numbered_and_delivered_it_stays(bench: &Bench) {
    let new = announcement("CA1", Event::Completed, 1, 5);
    announce(bench, &new, 5).await;
    let id = &new.deliveries[0].id;
    let note = async |secs, then: Then| {
        let attempt = NewAttempt {
            started_at: at(secs),
            took_ms: 7,
            http_status: Some(500),
            error: Some("HTTP 500".into()),
            then,
        };
        bench.store.note_attempt(id, &attempt, at(secs)).await
    };
    let dead = || Then::Dead {
        reason: "over".into(),
    };
    for (secs, then, number, state, tries) in [
        (10, Then::Again, 1, DeliveryState::Waiting, 1),
        (20, Then::Delivered, 2, DeliveryState::Delivered, 1),
        // Of a worker that lost its lease.
        (30, Then::Again, 3, DeliveryState::Delivered, 2),
        (40, dead(), 4, DeliveryState::Delivered, 3),
    ] {
        assert_eq!(note(secs, then).await.unwrap(), number);
        let delivery = bench.store.delivery(id).await.unwrap().unwrap();
        assert_eq!((delivery.state, delivery.tries), (state, tries), "{secs}");
    }
    let delivery = bench.store.delivery(id).await.unwrap().unwrap();
    assert_eq!(
        (delivery.delivered_at, delivery.reason),
        (Some(at(20)), None)
    );
    let attempts = bench.store.delivery_attempts(id).await.unwrap();
    assert_eq!(attempts.len(), 4);
    let all = WhichDeliveries::default();
    let (page, _) = bench.store.deliveries(&all, None, 9).await.unwrap();
    assert_eq!(page.len(), 2);
    for told in page {
        let is_it = told.delivery.id == *id;
        let expected = if is_it { &attempts[..] } else { &[] };
        assert_eq!(told.attempts, expected);
        assert_eq!(told.source.as_deref(), Some("live"));
        let one = bench.store.told_delivery(&told.delivery.id).await.unwrap();
        assert_eq!(one, Some(told));
    }
    assert_eq!(bench.store.told_delivery("no").await.unwrap(), None);
    let again = bench.store.redeliver(id, at(50)).await.unwrap();
    assert_eq!((again.state, again.tries), (DeliveryState::Waiting, 0));
    let unknown = bench.store.redeliver("no", at(50)).await;
    assert!(matches!(unknown, Err(Error::NoDelivery(_))));
}

async fn a_dropped_job_gives_its_delivery_up(bench: &Bench) {
    let new = announcement("CA1", Event::Completed, 1, 5);
    announce(bench, &new, 5).await;
    let all = crate::store::WhichJobs::default();
    let (jobs, _) = bench.store.queued_jobs(&all, None, 1).await.unwrap();
    bench.store.drop_job(&jobs[0].id, at(9)).await.unwrap();
    let delivery = bench.store.delivery(&jobs[0].key).await.unwrap().unwrap();
    assert_eq!(delivery.state, DeliveryState::Dead);
    assert_eq!(delivery.reason.as_deref(), Some("its job was dropped"));
}

//! Leads, and the job that ends them.

use std::collections::BTreeMap;

use crate::{
    store::{
        Advanced, Changed, Error, Lead, LeadChange, LeadFilter, LeadStatus, NewLead, SeenLead,
        testing::*,
    },
    wire::webhook::CallStatus,
};

on_both!(
    a_call_rings_once,
    two_rings_at_the_same_instant_make_one_lead,
    a_status_never_regresses,
    every_order_of_statuses_ends_the_same,
    the_end_of_a_call_is_announced_once,
    leads_are_found_and_paged,
    a_person_changes_notes_and_status,
    what_somebody_else_changed_meanwhile_is_not_written_over,
    leads_are_found_by_day_and_text,
    what_a_call_meant_stands_beside_its_lead,
    a_nul_from_outside_is_no_failure,
);

fn new_lead(sid: &str) -> NewLead {
    NewLead {
        call: call_sid(sid),
        account_sid: Some("AC1".into()),
        from: Some("+972501234567".into()),
        to: Some("+97231234567".into()),
        direction: Some("inbound".into()),
        call_status: Some(CallStatus::Ringing),
        details: BTreeMap::from([("FromCity".into(), "בית שאן".into())]),
    }
}

pub(super) async fn ring(bench: &Bench, sid: &str, secs: i64) -> Lead {
    assert!(bench.store.ring(&new_lead(sid), at(secs)).await.unwrap());
    lead_of(bench, sid).await
}

async fn lead_of(bench: &Bench, sid: &str) -> Lead {
    bench.store.lead_of(&call_sid(sid)).await.unwrap().unwrap()
}

async fn advance(bench: &Bench, sid: &str, status: CallStatus, secs: i64) -> Advanced {
    let call = call_sid(sid);
    let advanced = bench.store.advance_lead(&call, status, None, at(secs));
    advanced.await.unwrap()
}

/// Jobs that wait, by kind.
pub(super) async fn waiting(bench: &Bench, kind: &str) -> u32 {
    let counts = bench.store.job_counts().await.unwrap();
    let of_kind = counts
        .iter()
        .filter(|c| c.kind == kind && c.state == "queued");
    of_kind.map(|c| c.count).sum()
}

async fn a_call_rings_once(bench: &Bench) {
    let lead = ring(bench, "CA1", 0).await;
    assert_eq!(lead.from.as_deref(), Some("+972501234567"));
    assert_eq!(lead.details["FromCity"], "בית שאן");
    assert_eq!(
        (lead.status, lead.call_status),
        (LeadStatus::New, Some(CallStatus::Ringing))
    );
    assert_eq!((lead.created_at, lead.call_state), (at(0), None));
    let other = NewLead {
        from: None,
        ..new_lead("CA1")
    };
    assert!(!bench.store.ring(&other, at(9)).await.unwrap());
    assert_eq!(lead_of(bench, "CA1").await, lead);
    assert_eq!(bench.store.lead(&lead.id).await.unwrap(), Some(lead));
    assert_eq!(bench.store.lead("none").await.unwrap(), None);
    assert_eq!(bench.store.job_counts().await.unwrap(), []);
    bench.stream("CA1", 1).await;
    assert!(lead_of(bench, "CA1").await.call_state.is_some());
}

async fn two_rings_at_the_same_instant_make_one_lead(bench: &Bench) {
    let other = bench.again().await;
    let (lead, stores) = (new_lead("CA1"), [&bench.store, &other]);
    let rings = (0..16).map(|n| stores[n % 2].ring(&lead, at(0)));
    let made = futures_util::future::join_all(rings).await;
    let new = made.into_iter().filter(|made| *made.as_ref().unwrap());
    assert_eq!(new.count(), 1);
    let filter = LeadFilter::default();
    let page = bench.store.leads(&filter, None, 50).await.unwrap();
    assert_eq!(page.leads.len(), 1);
    other.close().await;
}

async fn a_status_never_regresses(bench: &Bench) {
    use CallStatus::{Busy, Completed, InProgress, Initiated, Queued, Ringing};
    ring(bench, "CA1", 0).await;
    for (status, expected, then) in [
        (Queued, Advanced::Stood, Ringing),
        (Initiated, Advanced::Stood, Ringing),
        (Ringing, Advanced::Stood, Ringing),
        (InProgress, Advanced::Moved, InProgress),
        (Ringing, Advanced::Stood, InProgress),
        (Completed, Advanced::Moved, Completed),
        (InProgress, Advanced::Stood, Completed),
        (Busy, Advanced::Stood, Completed),
    ] {
        assert_eq!(
            advance(bench, "CA1", status, 5).await,
            expected,
            "{status:?}"
        );
        assert_eq!(lead_of(bench, "CA1").await.call_status, Some(then));
    }
    assert_eq!(lead_of(bench, "CA1").await.ended_at, Some(at(5)));
    assert_eq!(advance(bench, "CA2", Completed, 5).await, Advanced::Unknown);
    assert_eq!(bench.store.lead_of(&call_sid("CA2")).await.unwrap(), None);
    // A word that was not known when it rang.
    let silent = NewLead {
        call_status: None,
        ..new_lead("CA3")
    };
    bench.store.ring(&silent, at(0)).await.unwrap();
    assert_eq!(advance(bench, "CA3", Queued, 5).await, Advanced::Moved);
}

async fn every_order_of_statuses_ends_the_same(bench: &Bench) {
    use CallStatus::{Completed, InProgress, Queued, Ringing};
    let mut number = 0;
    for first in 0..4 {
        for second in (0..4).filter(|n| *n != first) {
            for third in (0..4).filter(|n| ![first, second].contains(n)) {
                let sid = format!("CA{number}");
                number += 1;
                ring(bench, &sid, 0).await;
                let last = 6 - first - second - third;
                for n in [first, second, third, last, first, third] {
                    let status = [Queued, Ringing, InProgress, Completed][n];
                    let call = call_sid(&sid);
                    let news = bench.store.advance_lead(&call, status, Some(7), at(5));
                    news.await.unwrap();
                }
                let lead = lead_of(bench, &sid).await;
                assert_eq!(lead.call_status, Some(Completed));
                assert_eq!((lead.ended_at, lead.duration_s), (Some(at(5)), Some(7)));
            }
        }
    }
    assert_eq!((number, waiting(bench, "announce").await), (24, 24));
}

async fn the_end_of_a_call_is_announced_once(bench: &Bench) {
    for (sid, status) in [
        ("CA1", CallStatus::Completed),
        ("CA2", CallStatus::Busy),
        ("CA3", CallStatus::Failed),
        ("CA4", CallStatus::NoAnswer),
        ("CA5", CallStatus::Canceled),
    ] {
        ring(bench, sid, 0).await;
        assert_eq!(
            advance(bench, sid, CallStatus::InProgress, 1).await,
            Advanced::Moved
        );
        assert_eq!(bench.store.next_job_at("announce").await.unwrap(), None);
        let end = || advance(bench, sid, status, 2);
        let (one, two) = tokio::join!(end(), end());
        assert!([one, two].contains(&Advanced::Moved) && [one, two].contains(&Advanced::Stood));
        let lease = jiff::SignedDuration::from_secs(60);
        let job = bench.store.take_job("announce", "w", lease, at(2)).await;
        let job = job.unwrap().unwrap();
        assert_eq!((job.key.as_str(), &job.payload["call"]), (sid, &sid.into()));
        bench.store.finish_job(job.lease(), at(3)).await.unwrap();
        assert_eq!(advance(bench, sid, status, 4).await, Advanced::Stood);
        assert_eq!(bench.store.next_job_at("announce").await.unwrap(), None);
    }
}

async fn leads_are_found_and_paged(bench: &Bench) {
    for n in 0..7 {
        let mut lead = new_lead(&format!("CA{n}"));
        lead.from = Some(format!("+97250000000{}", n % 2));
        // Two of one moment.
        bench.store.ring(&lead, at(n / 2)).await.unwrap();
    }
    let outbound = NewLead {
        from: Some("+97231234567".into()),
        to: Some("+972500000001".into()),
        direction: Some("outbound-api".into()),
        ..new_lead("CA8")
    };
    bench.store.ring(&outbound, at(9)).await.unwrap();
    let list = async |filter: LeadFilter| {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = bench.store.leads(&filter, after.as_ref(), 3).await.unwrap();
            found.extend(page.leads.iter().map(|lead| lead.call.to_string()));
            assert!(page.leads.len() <= 3);
            let Some(next) = page.next else { break };
            // As it goes over the wire.
            after = Some(next.to_string().parse().unwrap());
        }
        found
    };
    let all = list(LeadFilter::default()).await;
    assert_eq!(all.len(), 8);
    assert_eq!((all[0].as_str(), all[1].as_str()), ("CA8", "CA6"));
    let phone = |number: &str| LeadFilter {
        phone: Some(number.into()),
        ..LeadFilter::default()
    };
    let mut odd = list(phone("+972500000001")).await;
    odd.sort();
    assert_eq!(odd, ["CA1", "CA3", "CA5", "CA8"]);
    assert_eq!(
        list(phone("+97231234567")).await,
        Vec::<String>::new(),
        "it is ours"
    );
    let call = |sid| LeadFilter {
        call: Some(call_sid(sid)),
        ..LeadFilter::default()
    };
    assert_eq!(list(call("CA3")).await, ["CA3"]);
    assert_eq!(list(call("CA9")).await, Vec::<String>::new());
    let id = lead_of(bench, "CA3").await.id;
    let done = LeadChange {
        status: Some(LeadStatus::Processed),
        ..LeadChange::default()
    };
    bench.store.change_lead(&id, &done, at(9)).await.unwrap();
    let status = |status| LeadFilter {
        status: Some(status),
        ..LeadFilter::default()
    };
    assert_eq!(list(status(LeadStatus::Processed)).await, ["CA3"]);
    assert_eq!(list(status(LeadStatus::New)).await.len(), 7);
    let both = LeadFilter {
        status: Some(LeadStatus::New),
        ..phone("+972500000001")
    };
    assert_eq!(list(both).await.len(), 3);
    for bad in ["", "1", "x.y", "1.", "1.nonsense"] {
        let cursor = bad.parse::<crate::store::Place>();
        assert!(matches!(cursor, Err(Error::BadCursor)), "{bad}");
    }
}

async fn a_person_changes_notes_and_status(bench: &Bench) {
    let lead = ring(bench, "CA1", 0).await;
    let change = async |notes: Option<&str>, status| {
        let change = LeadChange {
            notes: notes.map(ToOwned::to_owned),
            status,
            ..LeadChange::default()
        };
        let changed = bench.store.change_lead(&lead.id, &change, at(5)).await;
        match changed.unwrap() {
            Changed::Done(lead) => lead,
            other => panic!("{other:?}"),
        }
    };
    let failed = change(Some("call back"), Some(LeadStatus::Failed)).await;
    assert_eq!(
        (failed.notes.as_str(), failed.status),
        ("call back", LeadStatus::Failed)
    );
    assert_eq!(failed.reason.as_deref(), Some("set by hand"));
    let same = change(None, None).await;
    assert_eq!(
        (same.notes.as_str(), same.status),
        ("call back", LeadStatus::Failed)
    );
    assert!(same.reason.is_some());
    let done = change(Some(""), Some(LeadStatus::Processed)).await;
    assert_eq!((done.notes.as_str(), done.reason), ("", None));
    assert_eq!((done.created_at, done.updated_at), (at(0), at(5)));
    let change = LeadChange::default();
    let nobody = bench.store.change_lead("none", &change, at(6)).await;
    assert_eq!(nobody.unwrap(), Changed::Unknown);
}

async fn what_somebody_else_changed_meanwhile_is_not_written_over(bench: &Bench) {
    let lead = ring(bench, "CA1", 0).await;
    let change = async |notes: Option<&str>, status, seen: (Option<&str>, Option<LeadStatus>)| {
        let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
        let change = LeadChange {
            notes: owned(notes),
            status,
            seen: SeenLead {
                notes: owned(seen.0),
                status: seen.1,
            },
        };
        bench
            .store
            .change_lead(&lead.id, &change, at(5))
            .await
            .unwrap()
    };
    let notes = |changed: &Changed| match changed {
        Changed::Done(lead) => (true, lead.notes.clone(), lead.status),
        Changed::Meanwhile(lead) => (false, lead.notes.clone(), lead.status),
        Changed::Unknown => panic!("{changed:?}"),
    };
    use LeadStatus::{Failed, New, Processed};
    for (text, status, seen, expected) in [
        (Some("one"), None, (Some(""), None), (true, "one", New)),
        (Some("two"), None, (Some(""), None), (false, "one", New)),
        // What one does not change may be another by now.
        (None, Some(Failed), (None, Some(New)), (true, "one", Failed)),
        (
            Some("two"),
            None,
            (Some("one"), None),
            (true, "two", Failed),
        ),
        (
            Some("x"),
            Some(Processed),
            (Some("two"), Some(New)),
            (false, "two", Failed),
        ),
        (
            Some("x"),
            Some(Processed),
            (None, None),
            (true, "x", Processed),
        ),
    ] {
        let changed = notes(&change(text, status, seen).await);
        let (is_done, text, status) = expected;
        assert_eq!(changed, (is_done, text.to_owned(), status), "{text}");
    }
}

async fn leads_are_found_by_day_and_text(bench: &Bench) {
    for (call, secs) in [("CA1", 0), ("CA2", 100), ("CA3", 200)] {
        ring(bench, call, secs).await;
    }
    let lead = bench
        .store
        .lead_of(&call_sid("CA2"))
        .await
        .unwrap()
        .unwrap();
    let change = LeadChange {
        notes: Some("100% Sure_thing! \u{5dc}\u{5d5}\u{5d8}\u{5d5}".into()),
        ..LeadChange::default()
    };
    bench
        .store
        .change_lead(&lead.id, &change, at(300))
        .await
        .unwrap();
    let found = async |filter: LeadFilter| {
        let page = bench.store.leads(&filter, None, 9).await.unwrap();
        let calls = page.leads.iter().map(|lead| lead.call.to_string());
        calls.collect::<Vec<_>>().join(" ")
    };
    for (since, until, expected) in [
        (None, None, "CA3 CA2 CA1"),
        (Some(100), None, "CA3 CA2"),
        (None, Some(100), "CA1"),
        (Some(1), Some(200), "CA2"),
        (Some(201), None, ""),
    ] {
        let filter = LeadFilter {
            since: since.map(at),
            until: until.map(at),
            ..LeadFilter::default()
        };
        assert_eq!(found(filter).await, expected, "{since:?} {until:?}");
    }
    for (text, expected) in [
        ("sure", "CA2"),
        ("100%", "CA2"),
        ("100_", ""),
        ("sure_", "CA2"),
        ("sure%", ""),
        ("g!", "CA2"),
        ("\u{5dc}\u{5d5}\u{5d8}", "CA2"),
        ("nothing", ""),
    ] {
        let filter = LeadFilter {
            text: Some(text.into()),
            ..LeadFilter::default()
        };
        assert_eq!(found(filter).await, expected, "{text}");
    }
}

async fn what_a_call_meant_stands_beside_its_lead(bench: &Bench) {
    let lead = ring(bench, "CA1", 0).await;
    assert_eq!(lead.log, None);
    let mut tx = bench.store.db.begin().await.unwrap();
    tx.run(
        "INSERT INTO call_log (call_sid, extracted_service, extracted_city, extraction_confidence,
            summary, insights, path, made_by, version, created_at, updated_at)
         VALUES ('CA1', 'פריצת לוטו', 'בית שאן', 920, '{\"title\":\"t\"}', '{}', 'on_box', '{}', 2, 7, 8)",
        &[],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let lead = lead_of(bench, "CA1").await;
    let log = lead.log.unwrap();
    assert_eq!(log.city.as_deref(), Some("בית שאן"));
    assert_eq!((log.confidence, log.language), (Some(920), None));
    assert_eq!(log.summary, Some(serde_json::json!({ "title": "t" })));
    assert_eq!(lead.created_at, at(0), "the lead's own times");
}

async fn a_nul_from_outside_is_no_failure(bench: &Bench) {
    let mut lead = new_lead("CA1");
    lead.from = Some("\0".into());
    lead.details.insert("a\0".into(), "\0b".into());
    bench.store.ring(&lead, at(0)).await.unwrap();
    assert_eq!(
        lead_of(bench, "CA1").await.from.as_deref(),
        Some("\u{fffd}")
    );
}

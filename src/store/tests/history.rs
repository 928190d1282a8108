//! What happened to a call, as it is read together.

use crate::store::{
    Event, NewAnnouncement, NewAttempt, NewDelivery, Note, NoteKind, Then, db::args, new_id,
    testing::*,
};

on_both!(
    jobs_are_those_of_the_call_and_of_what_belongs_to_it,
    others_are_told_with_every_try,
    notes_have_the_time_at_which_they_were_kept,
    recordings_of_the_provider_are_told_by_their_outcome,
);

async fn jobs_are_those_of_the_call_and_of_what_belongs_to_it(bench: &Bench) {
    bench.ended_call("CA1", &["hello"], 10).await;
    bench.ended_call("CA2", &["hello"], 10).await;
    bench.provider_recording("RE1", "CA1", "/x").await;
    told(bench, "CA1", "crm").await;
    let jobs = bench.store.jobs_of(&call_sid("CA1")).await.unwrap();
    let mut kinds: Vec<&str> = jobs.iter().map(|job| job.kind.as_str()).collect();
    assert!(jobs.is_sorted_by_key(|job| job.created_at));
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        ["analyse", "announce", "deliver", "download", "transcribe"]
    );
    let none = bench.store.jobs_of(&call_sid("CA3")).await.unwrap();
    assert_eq!(none, []);
}

/// Announces the call to one target; gives the delivery.
async fn told(bench: &Bench, call: &str, target: &str) -> String {
    let id = new_id(at(20));
    let new = NewAnnouncement {
        call: call_sid(call),
        event: Event::Completed,
        version: 1,
        source: "live",
        reason: "for the test".into(),
        text_sha256: "1".into(),
        deliveries: vec![NewDelivery {
            id: id.clone(),
            target: target.into(),
            body: "{}".into(),
        }],
        lead_failed: None,
    };
    assert!(bench.store.announce(&new, at(20)).await.unwrap());
    id
}

async fn others_are_told_with_every_try(bench: &Bench) {
    bench.ended_call("CA1", &["hello"], 10).await;
    let id = told(bench, "CA1", "crm").await;
    for (secs, then) in [(21, Then::Again), (31, Then::Delivered)] {
        let attempt = NewAttempt {
            started_at: at(secs),
            took_ms: 7,
            http_status: Some(503),
            error: (then == Then::Again).then(|| "busy".into()),
            then,
        };
        bench
            .store
            .note_attempt(&id, &attempt, at(secs))
            .await
            .unwrap();
    }
    let tellings = bench.store.tellings(&call_sid("CA1")).await.unwrap();
    assert_eq!(tellings.len(), 1);
    let one = &tellings[0];
    assert_eq!((one.target.as_str(), one.created_at), ("crm", at(20)));
    assert_eq!(one.event, "call.completed");
    let tries: Vec<_> = one
        .attempts
        .iter()
        .map(|a| (a.number, a.started_at))
        .collect();
    assert_eq!(tries, [(1, at(21)), (2, at(31))]);
}

async fn notes_have_the_time_at_which_they_were_kept(bench: &Bench) {
    let stream = bench.stream("CA1", 0).await;
    let note = |ms, digit: &str| Note {
        call: call_sid("CA1"),
        stream: Some(stream.key.number),
        track: None,
        at: crate::time::MediaTime::from_ms(ms),
        kind: NoteKind::Dtmf {
            digit: digit.into(),
        },
    };
    for (ms, digit, secs) in [(2000, "2", 5), (1000, "1", 6)] {
        let notes = [note(ms, digit)];
        bench.store.add_notes(&notes, at(secs)).await.unwrap();
    }
    let kept = bench.store.dated_notes(&call_sid("CA1")).await.unwrap();
    assert_eq!(kept, [(at(6), note(1000, "1")), (at(5), note(2000, "2"))]);
}

async fn recordings_of_the_provider_are_told_by_their_outcome(bench: &Bench) {
    bench
        .recorded_by_provider("CA1", "unused", Some("the stream has it all"))
        .await;
    let sql = "UPDATE provider_recordings SET updated_at = $1";
    bench.write(sql, args![at(9)]).await;
    let found = bench.store.fetchings(&call_sid("CA1")).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].reason.as_deref(), Some("the stream has it all"));
    assert_eq!((found[0].created_at, found[0].updated_at), (at(0), at(9)));
}

//! What a call meant: its row, its lead, its announcement, together or not at all.

use crate::{
    ids::Track,
    insight::{Insights, MadeBy, Meaning, Path, Summary},
    store::{LeadStatus, Read, Understood, db::args, testing::*, tests::leads},
};

on_both!(
    a_meaning_its_lead_and_its_announcement_come_together,
    a_later_look_takes_the_place_of_the_former,
    an_outdated_look_writes_nothing,
    a_call_without_words_fails_its_lead,
    a_call_without_a_lead_is_understood_too,
    a_lead_that_comes_after_its_meaning_is_processed_at_once,
    every_end_of_a_transcript_asks_what_it_meant,
);

pub(super) fn meaning(city: &str) -> Meaning {
    Meaning {
        language: Some("he".into()),
        service: Some("פריצת לוטו".into()),
        city: Some(city.into()),
        confidence: Some(921),
        summary: Summary {
            title: "a".into(),
            points: vec!["b".into(), "c".into()],
        },
        insights: Insights {
            customer_name: Some("Dana".into()),
            ..Insights::default()
        },
        path: Path::Model,
        made_by: MadeBy {
            model: Some("m".into()),
            ..MadeBy::default()
        },
    }
}

fn read(version: u32) -> Read {
    Read {
        call: call_sid("CA1"),
        version,
        final_transcript: Some("the final text".into()),
        transcription: Some("the live text".into()),
    }
}

async fn ring(bench: &Bench) {
    let mut tx = bench.store.db.begin().await.unwrap();
    tx.run(
        "INSERT INTO leads (id, call_sid, details, status, created_at, updated_at)
         VALUES ('L1', 'CA1', '{}', 'new', $1, $1)",
        args![at(0)],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

async fn lead(bench: &Bench) -> (String, Option<String>) {
    let row = bench.store.db.row("SELECT * FROM leads", &[]).await;
    let row = row.unwrap().unwrap();
    (
        row.text("status").unwrap(),
        row.maybe_text("reason").unwrap(),
    )
}

async fn queued(bench: &Bench, kind: &str) -> u32 {
    let counts = bench.store.job_counts().await.unwrap();
    let these = counts
        .iter()
        .filter(|c| c.kind == kind && c.state == "queued");
    these.map(|c| c.count).sum()
}

async fn a_meaning_its_lead_and_its_announcement_come_together(bench: &Bench) {
    ring(bench).await;
    bench.ended_call("CA1", &["the live text"], 10).await;
    assert_eq!(bench.store.call_log(&call_sid("CA1")).await.unwrap(), None);
    let text = final_text("CA1", "a", vec![said(Track::Inbound, 0, "the final text")]);
    bench.store.replace_transcript(&text, at(20)).await.unwrap();

    let stored = bench
        .store
        .understood(&read(2), &meaning("עכו"), at(30))
        .await;
    assert_eq!(stored.unwrap(), Understood::Stored);
    let log = bench
        .store
        .call_log(&call_sid("CA1"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(log.meaning, meaning("עכו"));
    assert_eq!(
        (log.version, log.created_at, log.updated_at),
        (2, at(30), at(30))
    );
    assert_eq!(log.final_transcript.as_deref(), Some("the final text"));
    assert_eq!(log.transcription.as_deref(), Some("the live text"));
    assert_eq!(lead(bench).await, ("processed".into(), None));
    assert_eq!(queued(bench, "announce").await, 1);
}

async fn a_later_look_takes_the_place_of_the_former(bench: &Bench) {
    ring(bench).await;
    bench.ended_call("CA1", &["the live text"], 10).await;
    for (secs, city) in [(30, "עכו"), (30, "עכו"), (40, "לוד")] {
        let stored = bench
            .store
            .understood(&read(1), &meaning(city), at(secs))
            .await;
        assert_eq!(stored.unwrap(), Understood::Stored);
    }
    let log = bench
        .store
        .call_log(&call_sid("CA1"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(log.meaning.city.as_deref(), Some("לוד"));
    assert_eq!((log.created_at, log.updated_at), (at(30), at(40)));
    assert_eq!(queued(bench, "announce").await, 1, "one waits");
}

async fn an_outdated_look_writes_nothing(bench: &Bench) {
    ring(bench).await;
    bench.ended_call("CA1", &["the live text"], 10).await;
    for (version, again) in [(7, false), (1, true)] {
        if again {
            bench.stream("CA1", 20).await;
        }
        let read = read(version);
        let one = bench.store.understood(&read, &meaning("עכו"), at(30)).await;
        let other = bench
            .store
            .nothing_to_understand(&read, "none", at(30))
            .await;
        assert_eq!(one.unwrap(), Understood::Outdated);
        assert_eq!(other.unwrap(), Understood::Outdated);
    }
    assert_eq!(bench.store.call_log(&call_sid("CA1")).await.unwrap(), None);
    assert_eq!(lead(bench).await, ("new".into(), None));
    assert_eq!(queued(bench, "announce").await, 1, "the end's own");
}

async fn a_call_without_words_fails_its_lead(bench: &Bench) {
    ring(bench).await;
    bench.ended_call("CA1", &[], 10).await;
    for _ in 0..2 {
        let stored = bench
            .store
            .nothing_to_understand(&read(1), "no words", at(30))
            .await;
        assert_eq!(stored.unwrap(), Understood::Stored);
    }
    assert_eq!(
        lead(bench).await,
        ("failed".into(), Some("no words".into()))
    );
    assert_eq!(
        queued(bench, "announce").await,
        1,
        "it is announced all the same"
    );
    // Words that come after all make it good again.
    bench
        .store
        .understood(&read(1), &meaning("עכו"), at(40))
        .await
        .unwrap();
    assert_eq!(lead(bench).await, ("processed".into(), None));
}

async fn a_call_without_a_lead_is_understood_too(bench: &Bench) {
    bench.ended_call("CA1", &["the live text"], 10).await;
    let stored = bench
        .store
        .understood(&read(1), &meaning("עכו"), at(30))
        .await;
    assert_eq!(stored.unwrap(), Understood::Stored);
    assert_eq!(queued(bench, "announce").await, 1);
    let mut nobody = read(1);
    nobody.call = call_sid("CA9");
    let error = bench
        .store
        .understood(&nobody, &meaning("עכו"), at(30))
        .await;
    assert!(error.unwrap_err().to_string().contains("CA9"));
}

async fn a_lead_that_comes_after_its_meaning_is_processed_at_once(bench: &Bench) {
    bench.ended_call("CA1", &["the live text"], 10).await;
    let stored = bench
        .store
        .understood(&read(1), &meaning("עכו"), at(30))
        .await;
    assert_eq!(stored.unwrap(), Understood::Stored);
    let lead = leads::ring(bench, "CA1", 40).await;
    assert_eq!(lead.status, LeadStatus::Processed);
    let other = leads::ring(bench, "CA2", 40).await;
    assert_eq!(other.status, LeadStatus::New);
}

async fn every_end_of_a_transcript_asks_what_it_meant(bench: &Bench) {
    let store = &bench.store;
    for sid in ["CA1", "CA2", "CA3"] {
        bench.ended_call(sid, &["live text"], 10).await;
    }
    assert_eq!(queued(bench, "understand").await, 0, "nothing to read yet");
    let text = final_text("CA1", "a", vec![said(Track::Inbound, 0, "The final text.")]);
    store.replace_transcript(&text, at(20)).await.unwrap();
    assert_eq!(queued(bench, "understand").await, 1);
    store
        .settle_without_final(&call_sid("CA2"), "not recorded", at(20))
        .await
        .unwrap();
    assert_eq!(queued(bench, "understand").await, 2);
    store
        .final_failed(&call_sid("CA3"), "no model", false, at(20))
        .await
        .unwrap();
    assert_eq!(queued(bench, "understand").await, 2, "it is tried again");
    store
        .final_failed(&call_sid("CA3"), "no model", true, at(20))
        .await
        .unwrap();
    assert_eq!(queued(bench, "understand").await, 3);

    // A call that goes on is read when it is over.
    bench.ended_call("CA4", &["live text"], 10).await;
    bench.stream("CA4", 20).await;
    let text = final_text("CA4", "a", vec![said(Track::Inbound, 0, "The final text.")]);
    store.replace_transcript(&text, at(30)).await.unwrap();
    store
        .settle_without_final(&call_sid("CA4"), "not recorded", at(30))
        .await
        .unwrap();
    store
        .final_failed(&call_sid("CA4"), "no model", true, at(30))
        .await
        .unwrap();
    assert_eq!(queued(bench, "understand").await, 3);
}

//! `GET /api/v1/calls/{id}/timeline`: one story of rows from everywhere.

use std::{collections::BTreeMap, time::Duration};

use callscribe::{
    ids::Track::Inbound,
    store::{NewLead, Note, NoteKind},
    time::MediaTime,
};

use crate::harness::site::Site;

#[tokio::test]
async fn a_call_is_told_from_its_ring_to_its_final_text() {
    let site = Site::open().await;
    let lead = NewLead {
        call: "CA1".parse().unwrap(),
        account_sid: None,
        from: Some("+15550123".into()),
        to: Some("+15550100".into()),
        direction: Some("inbound".into()),
        call_status: None,
        details: BTreeMap::new(),
    };
    site.store.ring(&lead, site.clock.wall()).await.unwrap();
    site.clock.advance(Duration::from_secs(5));
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.0, "hello there").await;
    let gaps: Vec<Note> = (0..300)
        .map(|n| Note {
            call: line.call.clone(),
            stream: Some(1),
            track: Some(Inbound),
            at: MediaTime::from_ms(n * 100),
            kind: NoteKind::Gap {
                length: MediaTime::from_ms(40),
            },
        })
        .collect();
    site.store
        .add_notes(&gaps, site.clock.wall())
        .await
        .unwrap();
    line.hang_up(45).await;
    site.clock.advance(Duration::from_secs(9));
    line.finish(&[(Inbound, 0.0, "Hello there, Yossi.")]).await;

    let told = site.get("/api/v1/calls/CA1/timeline").await.json();
    let kinds: Vec<&str> = (told["events"].as_array().unwrap().iter())
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "ring",
            "stream_opened",
            "gap",
            "stream_closed",
            "job_queued",
            "version",
            "job_queued"
        ]
    );
    let gap = &told["events"][2];
    assert_eq!(gap["parts"].as_array().unwrap().len(), 300);
    assert_eq!(gap["length"], 12.0);
    assert_eq!(gap["trouble"], false);

    let page = site.get("/calls/CA1").await;
    for text in [
        "<summary>What happened (7)</summary>",
        "300 gaps: 12.0 s of audio in all never came",
        "Each of the 300",
        "Queued: final transcription, analysis of the recordings, announcement.",
        "Final transcript, version 2 by base: after the call.",
        "<a href=\"/leads/",
    ] {
        assert!(page.text().contains(text), "lacks {text}:\n{}", page.text());
    }
    for (path, status) in [("CA9", 404), ("C%20A", 404)] {
        let answer = site.get(&format!("/api/v1/calls/{path}/timeline")).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
}

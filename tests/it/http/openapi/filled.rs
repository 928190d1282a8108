//! A site that has one of everything that the API tells of.

use axum::http::{Method, StatusCode};
use callscribe::{
    after::Runner,
    analysis::{Analysis, Probe},
    ids::Track::{Inbound, Outbound},
    insight::{Insights, MadeBy, Meaning, Path, Summary},
    people::link::{Link, Parts},
    store::{Event, NewAnnouncement, NewDelivery, NewLead, Note, NoteKind, Read, Understood},
    time::MediaTime,
};

use serde_json::json;

use crate::harness::site::Site;

pub(super) const DELIVERY: &str = "018bcfe5-0000-7000-8000-000000000001";

/// One of everything that the API tells of.
pub(super) async fn filled() -> Site {
    let site = Site::open().await;
    bring(&site).await;
    let now = site.clock.wall();
    let lead = NewLead {
        call: "CA1".parse().unwrap(),
        account_sid: Some("AC1".into()),
        from: Some("+972541234567".into()),
        to: Some("+97231234567".into()),
        direction: Some("inbound".into()),
        call_status: None,
        details: [("FromCity".to_owned(), "Haifa".to_owned())].into(),
    };
    assert!(site.store.ring(&lead, now).await.unwrap());
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.0, "hello ther").await;
    for track in [Inbound, Outbound] {
        let path = line.record(track, &[300; 16_000]).await;
        line.record_closed(track, &path, None).await;
    }
    let kinds = [
        NoteKind::Dtmf { digit: "5".into() },
        NoteKind::Mark { name: "m".into() },
        NoteKind::Gap {
            length: MediaTime::from_ms(1500),
        },
        NoteKind::RecordingFailed {
            reason: "the disk is full".into(),
        },
        NoteKind::Degraded { level: 1 },
        NoteKind::Anomaly {
            name: "late".into(),
            count: 3,
        },
        NoteKind::Interrupted,
        NoteKind::FinalFailed {
            reason: "no model".into(),
        },
        NoteKind::RecordingAlert {
            finding: "silent".into(),
            text: "silent".into(),
        },
    ];
    let notes = kinds.map(|kind| Note {
        call: line.call.clone(),
        stream: Some(1),
        track: Some(Inbound),
        at: MediaTime::from_ms(700),
        kind,
    });
    site.store.add_notes(&notes, now).await.unwrap();
    line.hang_up(45).await;
    line.finish(&[
        (Inbound, 0.1, "Hello there, Yossi."),
        (Outbound, 2.0, "שלום."),
    ])
    .await;
    understand(&site).await;
    let mut probe = Probe::default();
    probe.push(&[300; 16_000]);
    let (analysis, _) = Analysis::of(vec![(Inbound, probe)]);
    site.store
        .put_analysis(&line.call, &analysis, &[], now)
        .await
        .unwrap();
    invite(&site).await;
    link(&site).await;
    site
}

/// A file that is heard and read.
async fn bring(site: &Site) {
    let tones = include_bytes!("../../../fixtures/audio/tones/tones.m4a");
    let runner = Runner::start(&site.jobs);
    let answer = site
        .send_files("/api/v1/files", &[("call.m4a", tones)], &[])
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    runner.stop().await;
}

async fn invite(site: &Site) {
    for (path, brought) in [
        (
            "/api/v1/customers",
            json!({ "external_id": "7", "name": "Dana Levi", "phones": ["+972 54 123 4567"], "email": "dana@example.com",
                "language": "he", "preferences": ["צמחוני"], "notes": "n" }),
        ),
        (
            "/api/v1/bookings",
            json!({ "external_id": "70", "customer_external_id": "7", "starts_at": "2025-11-15T18:30", "ends_at": "2025-11-15T20:00",
                "status": "confirmed", "guests": 4, "title": "Dinner", "notes": "n" }),
        ),
    ] {
        let answer = site.send_json(Method::POST, path, &brought).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }
    site.access.settled().await;
}

async fn link(site: &Site) {
    let customer = &site.get("/api/v1/customers").await.json()["customers"][0]["id"];
    let booking = &site.get("/api/v1/bookings").await.json()["bookings"][0]["id"];
    let found = Link {
        customer: customer.as_str().map(Into::into),
        booking: booking.as_str().map(Into::into),
        parts: Some(Parts {
            exact_date: 10,
            ..Parts::default()
        }),
        confidence: 95,
        why: None,
    };
    let call = "CA1".parse().unwrap();
    let number = Some("+972541234567");
    let (excerpt, now) = ("Hello there, Yossi.", site.clock.wall());
    let linked = site.store.linked(&call, number, &found, excerpt, now);
    linked.await.unwrap().unwrap();
}

async fn understand(site: &Site) {
    let now = site.clock.wall();
    let read = Read {
        call: "CA1".parse().unwrap(),
        version: 2,
        final_transcript: Some("Hello there, Yossi.".into()),
        transcription: Some("hello ther".into()),
    };
    let meaning = Meaning {
        language: Some("en".into()),
        service: Some("locksmith".into()),
        city: Some("Haifa".into()),
        confidence: Some(900),
        summary: Summary {
            title: "Locked out".into(),
            points: vec!["in Haifa".into()],
        },
        insights: Insights::default(),
        path: Path::OnBox,
        made_by: MadeBy::default(),
    };
    let stored = site.store.understood(&read, &meaning, now).await;
    assert_eq!(stored.unwrap(), Understood::Stored);
    let new = NewAnnouncement {
        call: "CA1".parse().unwrap(),
        event: Event::Completed,
        version: 2,
        source: "final",
        reason: "the final transcript".into(),
        text_sha256: "ab".into(),
        deliveries: vec![NewDelivery {
            id: DELIVERY.into(),
            target: "crm".into(),
            body: "{}".into(),
        }],
        lead_failed: None,
    };
    assert!(site.store.announce(&new, now).await.unwrap());
}

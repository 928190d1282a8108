//! What streams of events say is held against the description.

use std::collections::BTreeSet;

use callscribe::{
    http::{Outside, description},
    ids::Track::Inbound,
    live::hub::{CallEvent, LeadNews},
    store::NoteKind,
    time::MediaTime,
};
use serde_json::{Value, json};

use super::{of_id, schema::Schemas};
use crate::harness::{line::Line, site::Site};

#[tokio::test]
async fn what_a_call_says_as_it_happens_is_described() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    let base = site.listen().await;
    let api = description(&Outside::default());
    let schemas = Schemas::of(&api);
    let events = [
        ("/api/v1/calls/CA1/events", "get_calls_id_events"),
        ("/api/v1/events", "get_events"),
        ("/api/v1/leads/events", "get_leads_events"),
    ];
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut viewers = Vec::new();
    for (path, _) in events {
        viewers.push(client.get(format!("{base}{path}")).send().await.unwrap());
    }
    happen(&line).await;
    for (viewer, (_, id)) in viewers.into_iter().zip(events) {
        let told = told(viewer).await;
        let schema = &of_id(&api, id)["responses"]["200"]["content"]["text/event-stream"]["schema"];
        let data = told.lines().filter_map(|line| line.strip_prefix("data: "));
        let mut kinds = BTreeSet::new();
        for json in data {
            let event: Value = serde_json::from_str(json).unwrap();
            kinds.insert(event["type"].as_str().unwrap().to_owned());
            assert_eq!(
                schemas.faults(&event, schema),
                Vec::<String>::new(),
                "{json}"
            );
        }
        let expected: &[&str] = match id {
            "get_events" => &["call", "snapshot", "words"],
            "get_leads_events" => &["lead", "snapshot"],
            _ => &[
                "completed",
                "degraded",
                "delta",
                "ended",
                "note",
                "partial",
                "replaced",
                "snapshot",
                "state",
            ],
        };
        assert!(
            kinds.iter().all(|kind| expected.contains(&kind.as_str())),
            "{kinds:?}"
        );
        // A list says whether something was missed, and what was said last, where there is time for it.
        let least = if id == "get_calls_id_events" {
            expected.len() - 1
        } else {
            1
        };
        assert!(kinds.len() >= least, "{kinds:?}");
    }
}

/// One of everything.
async fn happen(line: &Line<'_>) {
    line.partial(Inbound, 0, 0.5, "hello ther");
    line.delta(Inbound, 0, 0.5, "hello");
    line.said(Inbound, 0, 0.5, "hello there").await;
    line.site.hub.publish_lead(&line.call, LeadNews::New);
    line.publish(CallEvent::Degraded {
        level: 1,
        reason: "slow".into(),
    });
    line.publish(CallEvent::Note {
        track: Some(Inbound),
        at: MediaTime::from_ms(900),
        kind: NoteKind::Dtmf { digit: "5".into() },
    });
    line.hang_up(5).await;
    line.finish(&[(Inbound, 0.5, "Hello there.")]).await;
}

/// A stream's text, until it tells that the call has its final text.
async fn told(mut viewer: reqwest::Response) -> String {
    let mut told = String::new();
    while let Some(piece) = viewer.chunk().await.unwrap() {
        told.push_str(std::str::from_utf8(&piece).unwrap());
        let ends = [
            "\"type\":\"ended\"",
            "\"type\":\"lead\"",
            "\"type\":\"call\",\"call\":\"CA1\",\"state\":\"final\"",
        ];
        if ends.iter().any(|end| told.contains(end)) {
            break;
        }
    }
    told
}

#[tokio::test]
async fn last_words_are_described() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    line.partial(Inbound, 0, 0.5, "hello ther");
    let (_, calls) = site.hub.words_since(0);
    assert_eq!(calls.len(), 1);
    let words = json!({ "type": "words", "calls": calls });
    let api = description(&Outside::default());
    let list = &of_id(&api, "get_events")["responses"]["200"]["content"]["text/event-stream"];
    let faults = Schemas::of(&api).faults(&words, &list["schema"]);
    assert_eq!(faults, Vec::<String>::new(), "{words}");
}

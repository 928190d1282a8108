//! The description of the API: it tells of every door and of no other, and the doors keep to it.

mod filled;
mod page;
mod schema;

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use callscribe::{
    http::{Outside, description, routes},
    ids::Track::Inbound,
    live::hub::CallEvent,
    store::NoteKind,
    time::MediaTime,
};
use serde_json::Value;
use tower::ServiceExt;

use crate::harness::site::{Answer, Site};
use filled::{DELIVERY, filled};
use schema::Schemas;

/// Routes that are no part of the API, and why.
const EXCEPTIONS: [(&str, &str); 5] = [
    ("/", "a page"),
    ("/calls/{id}", "a page"),
    ("/api", "a page: the description itself"),
    ("/assets/{hash}/{name}", "scripts and styles of pages"),
    ("/media/", "the media door again, as some write it"),
];

#[test]
fn every_route_is_described_or_a_known_exception() {
    let outside = Outside::default();
    let api = description(&outside);
    let described: BTreeSet<(String, String)> = operations(&api)
        .map(|(method, path, _)| (path.to_owned(), method.to_uppercase()))
        .collect();
    let routed: BTreeSet<(String, String)> = routes(&outside)
        .into_iter()
        .map(|route| (route.path, route.method.to_owned()))
        .collect();
    let is_excepted = |path: &str| EXCEPTIONS.iter().any(|(excepted, _)| *excepted == path);
    let untold: Vec<_> = routed
        .difference(&described)
        .filter(|(path, _)| !is_excepted(path))
        .collect();
    assert_eq!(
        untold,
        Vec::<&(String, String)>::new(),
        "routed, not described"
    );
    let unreal: Vec<_> = described.difference(&routed).collect();
    assert_eq!(
        unreal,
        Vec::<&(String, String)>::new(),
        "described, not routed"
    );
    for (path, why) in EXCEPTIONS {
        assert!(
            routed.iter().any(|(routed, _)| routed == path) && !why.is_empty(),
            "{path} is excepted and not routed"
        );
    }
}

#[tokio::test]
async fn what_is_said_to_be_routed_is() {
    let site = Site::open().await;
    for route in routes(&Outside::default()) {
        // They stand beside this router; this one has no end.
        let elsewhere = ["/media", "/webhook", "/api/v1/events"];
        if elsewhere.iter().any(|path| route.path.starts_with(path)) {
            continue;
        }
        let path = route.path.replace(['{', '}'], "");
        let method = Method::from_bytes(route.method.as_bytes()).unwrap();
        let answer = site.ask(method, &path, &[]).await;
        assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{route:?}");
        assert!(
            answer.status != StatusCode::NOT_FOUND
                || !answer.text().contains("nothing at this address"),
            "{route:?}"
        );
    }
}

#[test]
fn the_description_is_whole() {
    let api = description(&Outside::default());
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1."));
    let schemas = Schemas::of(&api);
    let tags: Vec<&Value> = api["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| &tag["name"])
        .collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&api) {
        let what = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{what}: {id} twice");
        assert!(
            operation["summary"]
                .as_str()
                .is_some_and(|text| text.len() > 8),
            "{what}"
        );
        assert!(tags.contains(&&operation["tags"][0]), "{what}");
        assert!(operation["security"].is_array(), "{what}");
        let named: BTreeSet<&str> = parameters(operation, "path").collect();
        let in_path: BTreeSet<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
        assert_eq!(named, in_path, "{what}");
        let responses = operation["responses"].as_object().unwrap();
        for (status, response) in responses {
            let contents = response["content"].as_object().into_iter().flatten();
            for (kind, content) in contents {
                let example = &content["example"];
                assert!(!example.is_null(), "{what} {status} {kind} has no example");
                if kind == "application/json" && path != "/api/v1/openapi.json" {
                    assert_eq!(
                        schemas.faults(example, &content["schema"]),
                        Vec::<String>::new(),
                        "{what} {status}"
                    );
                }
            }
        }
        if path.starts_with("/api/") {
            let errors = responses.keys().filter(|status| status.starts_with('4'));
            for status in errors {
                let code =
                    &responses[status]["content"]["application/json"]["example"]["error"]["code"];
                assert!(
                    code.as_str()
                        .is_some_and(|code| !code.is_empty() && !code.contains(' ')),
                    "{what} {status}: {code}"
                );
            }
        }
    }
    assert_eq!(schemas.dangling(&api), Vec::<String>::new());
}

#[test]
fn configured_doors_are_described_where_they_are() {
    let mut outside = Outside {
        media_path: "/in".into(),
        ..Outside::default()
    };
    outside.twilio.voice_path = "/ring".into();
    let api = description(&outside);
    for (path, is_there) in [
        ("/ring", true),
        ("/in", true),
        ("/in/{call}", true),
        ("/media", false),
        ("/webhook/twilio/voice", false),
    ] {
        assert_eq!(api["paths"].get(path).is_some(), is_there, "{path}");
    }
}

#[tokio::test]
async fn every_get_answers_as_described() {
    let site = filled().await;
    let api = site.get("/api/v1/openapi.json").await.json();
    let schemas = Schemas::of(&api);
    let lead = site.get("/api/v1/leads").await.json()["leads"][0]["id"].clone();
    let mut asked = 0;
    for (method, path, operation) in operations(&api) {
        let is_here = !path.starts_with("/media") && !path.starts_with("/webhook");
        if method != "get" || !is_here || path == "/api/v1/events" {
            continue;
        }
        let id = if path.contains("/leads/") {
            lead.as_str().unwrap()
        } else {
            "CA1"
        };
        let address = path.replace("{id}", id).replace("{track}", "inbound");
        let answer = site.get(&address).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{address}: {}",
            answer.text()
        );
        keeps_to(&schemas, operation, &answer, &address);
        asked += 1;
    }
    assert!(asked >= 12, "{asked}");
}

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
    ];
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut viewers = Vec::new();
    for (path, _) in events {
        viewers.push(client.get(format!("{base}{path}")).send().await.unwrap());
    }
    line.partial(Inbound, 0, 0.5, "hello ther");
    line.delta(Inbound, 0, 0.5, "hello");
    line.said(Inbound, 0, 0.5, "hello there").await;
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
    for (viewer, (_, id)) in viewers.into_iter().zip(events) {
        let told = told(viewer).await;
        let (_, _, operation) = operations(&api)
            .find(|(_, _, each)| each["operationId"] == id)
            .unwrap();
        let schema = &operation["responses"]["200"]["content"]["text/event-stream"]["schema"];
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
            "get_events" => &["call", "snapshot"],
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
        assert!(kinds.len() >= expected.len() - 1, "{kinds:?}");
    }
}

/// A stream's text, until it tells that the call has its final text.
async fn told(mut viewer: reqwest::Response) -> String {
    let mut told = String::new();
    while let Some(piece) = viewer.chunk().await.unwrap() {
        told.push_str(std::str::from_utf8(&piece).unwrap());
        let ends = [
            "\"type\":\"ended\"",
            "\"type\":\"call\",\"call\":\"CA1\",\"state\":\"final\"",
        ];
        if ends.iter().any(|end| told.contains(end)) {
            break;
        }
    }
    told
}

#[tokio::test]
async fn changes_answer_as_described() {
    let site = filled().await;
    let api = description(&Outside::default());
    let schemas = Schemas::of(&api);
    let lead = site.get("/api/v1/leads").await.json()["leads"][0]["id"].clone();
    let lead = lead.as_str().unwrap();
    let job = site.get("/api/v1/jobs").await.json()["jobs"][0]["id"].clone();
    let job = job.as_str().unwrap();
    for (id, method, address, body) in [
        (
            "patch_leads_id",
            "PATCH",
            format!("/api/v1/leads/{lead}"),
            r#"{"notes":"called back"}"#,
        ),
        (
            "patch_leads_id",
            "PATCH",
            format!("/api/v1/leads/{lead}"),
            r#"{"nonsense":1}"#,
        ),
        ("patch_leads_id", "PATCH", "/api/v1/leads/none".into(), "{}"),
        (
            "post_deliveries_id_redeliver",
            "POST",
            format!("/api/v1/deliveries/{DELIVERY}/redeliver"),
            "",
        ),
        (
            "post_deliveries_id_redeliver",
            "POST",
            "/api/v1/deliveries/none/redeliver".into(),
            "",
        ),
        (
            "post_jobs_id_retry",
            "POST",
            format!("/api/v1/jobs/{job}/retry"),
            "",
        ),
        (
            "delete_jobs_id",
            "DELETE",
            format!("/api/v1/jobs/{job}"),
            "",
        ),
        ("delete_jobs_id", "DELETE", "/api/v1/jobs/none".into(), ""),
        (
            "delete_calls_id",
            "DELETE",
            "/api/v1/calls/CA1?dry_run=true".into(),
            "",
        ),
        ("delete_calls_id", "DELETE", "/api/v1/calls/CA2".into(), ""),
        ("delete_calls_id", "DELETE", "/api/v1/calls/CA1".into(), ""),
        ("delete_calls_id", "DELETE", "/api/v1/calls/CA1".into(), ""),
    ] {
        let answer = send(&site, method, &address, body).await;
        let (_, _, operation) = operations(&api)
            .find(|(_, _, each)| each["operationId"] == id)
            .unwrap();
        keeps_to(
            &schemas,
            operation,
            &answer,
            &format!("{method} {address} {body}"),
        );
    }
}

async fn send(site: &Site, method: &str, address: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(address)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let response = site.app.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    Answer {
        status: head.status,
        headers: head.headers,
        body: axum::body::to_bytes(body, 64 << 20).await.unwrap(),
    }
}

/// The answer's status is described, and so are its type and its JSON.
fn keeps_to(schemas: &Schemas<'_>, operation: &Value, answer: &Answer, what: &str) {
    let response = &operation["responses"][answer.status.as_str()];
    assert!(
        response.is_object(),
        "{what}: {} is not described: {}",
        answer.status,
        answer.text()
    );
    let kind = answer
        .header("content-type")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    if answer.body.is_empty() {
        assert!(response.get("content").is_none(), "{what}");
        return;
    }
    let content = &response["content"][&kind];
    assert!(content.is_object(), "{what}: {kind} is not described");
    if kind == "application/json" {
        let faults = schemas.faults(&answer.json(), &content["schema"]);
        assert_eq!(faults, Vec::<String>::new(), "{what}: {}", answer.text());
    }
}

fn operations(api: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = api["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(|(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

fn parameters<'a>(operation: &'a Value, place: &'a str) -> impl Iterator<Item = &'a str> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    all.filter(move |each| each["in"] == place)
        .map(|each| each["name"].as_str().unwrap())
}

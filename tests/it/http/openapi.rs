//! The description of the API: it tells of every door and of no other, and the doors keep to it.

mod changes;
mod filled;
mod gets;
mod page;
mod schema;
mod streams;

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use callscribe::http::{Outside, description, rights, routes};
use serde_json::{Value, json};

use crate::harness::site::{Answer, Site};
use schema::Schemas;

/// Routes that are no part of the API, and why.
const EXCEPTIONS: [(&str, &str); 46] = [
    ("/", "a page"),
    ("/calls/{id}", "a page"),
    ("/calls/{id}/delete", "a page that asks, and its form"),
    ("/search", "a page"),
    ("/leads", "a page"),
    ("/leads/{id}", "a page and its form"),
    ("/customers", "a page"),
    ("/customers/new", "a form"),
    ("/customers/{id}", "a page"),
    ("/customers/{id}/edit", "a form"),
    ("/customers/{id}/delete", "a page that asks, and its form"),
    ("/bookings", "a page"),
    ("/bookings/new", "a form"),
    ("/bookings/{id}", "a page"),
    ("/bookings/{id}/edit", "a form"),
    ("/bookings/{id}/delete", "a page that asks, and its form"),
    ("/review", "a page"),
    ("/calls/{id}/link", "a form"),
    ("/calls/{id}/unlink", "a form"),
    ("/calls/{id}/customer", "a form"),
    ("/recordings", "a page"),
    (
        "/recordings/{call}/{stream}/{track}/delete",
        "a page that asks, and its form",
    ),
    ("/files", "a page and its form"),
    ("/jobs", "a page"),
    ("/jobs/{id}/retry", "a form"),
    ("/jobs/{id}/drop", "a page that asks, and its form"),
    ("/deliveries", "a page"),
    ("/deliveries/{id}/redeliver", "a form"),
    ("/health", "a page"),
    ("/try", "a page"),
    ("/try/stream", "where that page's microphone comes in"),
    ("/api", "a page: the description itself"),
    ("/login", "a page and its form"),
    ("/logout", "a form"),
    ("/account", "a page"),
    ("/account/password", "a form"),
    ("/account/sessions/{id}/end", "a form"),
    (
        "/accounts",
        "a page and its form; programs have the command line",
    ),
    ("/accounts/{name}/role", "a form"),
    ("/accounts/{name}/password", "a form"),
    ("/accounts/{name}/remove", "a form"),
    ("/tokens", "a form"),
    ("/tokens/{name}/remove", "a form"),
    ("/audit", "a page"),
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
        // They stand beside this router; these have no end.
        let elsewhere = [
            "/media",
            "/webhook",
            "/api/v1/events",
            "/api/v1/leads/events",
        ];
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
fn each_operation_says_the_scope_that_its_right_asks_for() {
    let api = description(&Outside::default());
    let mut told = 0;
    for (method, route, need) in rights() {
        let security = &api["paths"][route][method.to_lowercase()]["security"];
        if security.is_null() {
            continue; // a page or a form
        }
        let scopes = match need {
            "name" => json!([]),
            scope => json!([scope]),
        };
        let expected = json!([{ "token": scopes }, { "session": scopes }]);
        assert_eq!(*security, expected, "{method} {route}");
        told += 1;
    }
    let all = operations(&api);
    let guarded = all.filter(|(_, path, _)| path.starts_with("/api/") || *path == "/metrics");
    assert_eq!(told, guarded.count(), "an operation without a right");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(api["paths"][path]["get"]["security"], json!([{}]));
    }
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

async fn send(site: &Site, method: &str, address: &str, body: &str) -> Answer {
    let json = [("content-type", "application/json")];
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    site.send(method, address, &json, body.to_owned()).await
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

fn of_id<'a>(api: &'a Value, id: &str) -> &'a Value {
    let found = operations(api).find(|(_, _, each)| each["operationId"] == id);
    found.unwrap_or_else(|| panic!("no operation {id}")).2
}

fn parameters<'a>(operation: &'a Value, place: &'a str) -> impl Iterator<Item = &'a str> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    all.filter(move |each| each["in"] == place)
        .map(|each| each["name"].as_str().unwrap())
}

//! Leads by API: found, paged, changed by whoever may.

use reqwest::Method;
use serde_json::{Value, json};

use super::peer::{STATUS, VOICE};
use crate::gateway::server::{TestServer, serve};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn three(server: &TestServer) {
    for (sid, from) in [
        ("CA1", "+972501111111"),
        ("CA2", "+972502222222"),
        ("CA3", "+972501111111"),
    ] {
        let fields = [
            ("CallSid", sid),
            ("From", from),
            ("To", "+97231234567"),
            ("FromCity", "HAIFA"),
        ];
        assert_eq!(server.post(VOICE, &fields).await.status(), 200);
    }
}

fn calls(page: &Value) -> Vec<&str> {
    let leads = page["leads"].as_array().unwrap().iter();
    leads
        .map(|lead| lead["call_sid"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn leads_are_listed_found_and_paged() {
    let server = serve(|_| {}).await;
    three(&server).await;
    for (query, expected) in [
        ("", &["CA3", "CA2", "CA1"][..]),
        ("?phone=%2B972501111111", &["CA3", "CA1"]),
        ("?phone=+972501111111", &["CA3", "CA1"]),
        ("?phone=%2B97231234567", &[]),
        ("?call_sid=CA2", &["CA2"]),
        ("?call_sid=CA9", &[]),
        ("?status=new&phone=%2B972502222222", &["CA2"]),
        ("?status=processed", &[]),
    ] {
        let page = server.json(&format!("/api/v1/leads{query}")).await;
        assert_eq!(calls(&page), expected, "{query}");
        assert_eq!(page["next"], Value::Null, "{query}");
    }
    let first = server.json("/api/v1/leads?limit=2").await;
    let next = first["next"].as_str().unwrap();
    let second = server
        .json(&format!("/api/v1/leads?limit=2&cursor={next}"))
        .await;
    assert_eq!(
        (calls(&first), calls(&second)),
        (vec!["CA3", "CA2"], vec!["CA1"])
    );
    let id = first["leads"][0]["id"].as_str().unwrap();
    let mut one = server.json(&format!("/api/v1/leads/{id}")).await;
    let customer = one.as_object_mut().unwrap().remove("customer");
    assert_eq!(customer, Some(Value::Null), "nobody has the number");
    assert_eq!(one, first["leads"][0]);
    assert_eq!(one["details"]["FromCity"], "HAIFA");
    for unknown_yet in [
        "transcript",
        "summary",
        "service",
        "confidence",
        "ended_at",
        "reason",
    ] {
        assert_eq!(one.get(unknown_yet), Some(&Value::Null), "{unknown_yet}");
    }
    for (path, status) in [
        ("/api/v1/leads?limit=0", 400),
        ("/api/v1/leads?limit=201", 400),
        ("/api/v1/leads?cursor=x", 400),
        ("/api/v1/leads?status=lost", 400),
        ("/api/v1/leads?call_sid=a/b", 400),
        ("/api/v1/leads/none", 404),
    ] {
        assert_eq!(server.get(path).await.status(), status, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn notes_and_status_are_changed_and_nothing_else() {
    let server = serve(|_| {}).await;
    three(&server).await;
    server
        .post(
            STATUS,
            &[
                ("CallSid", "CA3"),
                ("CallStatus", "completed"),
                ("CallDuration", "42"),
            ],
        )
        .await;
    let lead = &server.leads().await[0];
    assert_eq!(
        (&lead["duration"], &lead["call_status"]),
        (&json!(42), &json!("completed"))
    );
    let path = format!("/api/v1/leads/{}", lead["id"].as_str().unwrap());
    let patch = async |headers: &[(&str, &str)], body: &str| {
        let answer = server
            .send(Method::PATCH, &path, headers, body.to_owned())
            .await;
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.unwrap(),
        )
    };
    let (status, changed) = patch(&[JSON], r#"{"notes":"להתקשר שוב","status":"processed"}"#).await;
    assert_eq!((status, &changed["notes"]), (200, &json!("להתקשר שוב")));
    assert_eq!(
        (&changed["status"], &changed["duration"]),
        (&json!("processed"), &json!(42))
    );
    assert_eq!(patch(&[JSON], "{}").await.1["notes"], "להתקשר שוב");
    let long = json!({ "notes": "x".repeat(10_001) }).to_string();
    let huge = json!({ "notes": "x".repeat(3 << 20) }).to_string();
    for (headers, body, expected) in [
        (&[JSON][..], r#"{"status":"lost"}"#, 422),
        (&[JSON], r#"{"from":"+1"}"#, 422),
        (&[JSON], "{", 400),
        (&[JSON], &long, 400),
        (&[JSON], &huge, 413),
        (&[("content-type", "text/plain")], "{}", 415),
        (&[JSON, ("sec-fetch-site", "cross-site")], "{}", 403),
        (&[JSON, ("origin", "https://evil.example")], "{}", 403),
    ] {
        let (status, told) = patch(headers, body).await;
        let told = &told["error"]["message"];
        assert_eq!(status, expected, "{headers:?} {told}");
        assert!(told.as_str().is_some_and(|told| told.len() > 10), "{told}");
    }
    let gone = server
        .send(Method::PATCH, "/api/v1/leads/none", &[JSON], "{}")
        .await;
    assert_eq!(gone.status(), 404);
    let now = server.json(&path).await;
    assert_eq!(
        (&now["notes"], &now["from"]),
        (&json!("להתקשר שוב"), &json!("+972501111111"))
    );
    server.stop().await;
}

#[tokio::test]
async fn leads_are_behind_the_guard_and_webhooks_are_not() {
    let server = serve(|config| {
        config.http.access_token = Some("a-long-access-token".to_owned().into());
    })
    .await;
    assert_eq!(
        server.post(VOICE, &[("CallSid", "CA1")]).await.status(),
        200
    );
    for path in ["/api/v1/leads", "/api/v1/leads/x"] {
        assert_eq!(server.get(path).await.status(), 401, "{path}");
    }
    let patched = server
        .send(Method::PATCH, "/api/v1/leads/x", &[JSON], "{}")
        .await;
    assert_eq!(patched.status(), 401);
    server.stop().await;
}

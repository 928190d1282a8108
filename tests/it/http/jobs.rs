//! Deliveries and jobs at the API: listed, sent again, tried again, dropped.

use axum::http::{Method, StatusCode};
use callscribe::store::{Event, NewAnnouncement, NewDelivery};
use serde_json::{Value, json};

use crate::harness::site::Site;

const DELIVERY: &str = "018bcfe5-0000-7000-8000-000000000001";

async fn site() -> Site {
    let site = Site::open().await;
    let new = NewAnnouncement {
        call: "CA1".parse().unwrap(),
        event: Event::Completed,
        version: 1,
        source: "live",
        reason: "the realtime transcript: not recorded".into(),
        text_sha256: "ab".into(),
        deliveries: vec![NewDelivery {
            id: DELIVERY.into(),
            target: "crm".into(),
            body: r#"{"transcript":"what was said"}"#.into(),
        }],
        lead_failed: None,
    };
    assert!(site.store.announce(&new, site.clock.wall()).await.unwrap());
    site
}

async fn jobs(site: &Site, query: &str) -> Vec<Value> {
    let answer = site.get(&format!("/api/v1/jobs{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["jobs"].as_array().unwrap().clone()
}

#[tokio::test]
async fn deliveries_are_listed_and_sent_again() {
    let site = site().await;
    for query in [
        "",
        "?call=CA1",
        "?state=waiting",
        "?call=CA1&state=waiting&limit=1",
    ] {
        let answer = site.get(&format!("/api/v1/deliveries{query}")).await;
        assert!(!answer.text().contains("what was said"));
        let body = answer.json();
        assert_eq!(body["next"], json!(null));
        let one = &body["deliveries"][0];
        for (key, value) in [
            ("id", json!(DELIVERY)),
            ("call", json!("CA1")),
            ("target", json!("crm")),
            ("event", json!("call.completed")),
            ("state", json!("waiting")),
            ("transcript_source", json!("live")),
            (
                "transcript_reason",
                json!("the realtime transcript: not recorded"),
            ),
            ("attempts", json!([])),
        ] {
            assert_eq!(one[key], value, "{query}: {key}");
        }
    }
    for query in ["?call=CA2", "?state=dead", "?state=delivered"] {
        let answer = site.get(&format!("/api/v1/deliveries{query}")).await;
        assert_eq!(answer.json()["deliveries"], json!([]), "{query}");
    }
    let id = jobs(&site, "").await[0]["id"].as_str().unwrap().to_owned();
    let dropped = site
        .ask(Method::DELETE, &format!("/api/v1/jobs/{id}"), &[])
        .await;
    assert_eq!(dropped.status, StatusCode::NO_CONTENT);
    let dead = site.get("/api/v1/deliveries?state=dead").await.json();
    assert_eq!(dead["deliveries"][0]["reason"], "its job was dropped");
    let path = format!("/api/v1/deliveries/{DELIVERY}/redeliver");
    let again = site.ask(Method::POST, &path, &[]).await;
    assert_eq!(again.status, StatusCode::ACCEPTED);
    assert_eq!(
        (&again.json()["id"], &again.json()["state"]),
        (&json!(DELIVERY), &json!("waiting"))
    );
    assert_eq!(jobs(&site, "?kind=deliver&state=queued").await.len(), 1);
}

#[tokio::test]
async fn jobs_are_listed_tried_again_and_dropped() {
    let site = site().await;
    assert_eq!(jobs(&site, "?kind=transcribe").await, [json!(null); 0]);
    assert_eq!(jobs(&site, "?state=dead").await, [json!(null); 0]);
    let job = &jobs(&site, "").await[0];
    assert_eq!(
        (&job["kind"], &job["key"]),
        (&json!("deliver"), &json!(DELIVERY))
    );
    let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());

    let retried = site.ask(Method::POST, &format!("{path}/retry"), &[]).await;
    assert_eq!(retried.status, StatusCode::ACCEPTED);
    assert_eq!(retried.json()["state"], "queued");
    let at = site.clock.wall();
    let lease = jiff::SignedDuration::from_secs(60);
    let taken = site
        .store
        .take_job("deliver", "w", lease, at)
        .await
        .unwrap();
    for (method, path) in [
        (Method::POST, format!("{path}/retry")),
        (Method::DELETE, path.clone()),
    ] {
        let running = site.ask(method.clone(), &path, &[]).await;
        assert_eq!(running.status, StatusCode::CONFLICT, "{method}");
        assert_eq!(running.json()["error"]["code"], "conflict");
    }
    let lease = taken.unwrap();
    site.store.finish_job(lease.lease(), at).await.unwrap();
    let dropped = site.ask(Method::DELETE, &path, &[]).await;
    assert_eq!(
        (dropped.status, dropped.body.len()),
        (StatusCode::NO_CONTENT, 0)
    );
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told_and_foreign_pages_change_nothing() {
    let site = site().await;
    let id = jobs(&site, "").await[0]["id"].as_str().unwrap().to_owned();
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    for (method, path, status) in [
        (&get, "/api/v1/jobs?state=lost", 400),
        (&get, "/api/v1/jobs?limit=0", 400),
        (&get, "/api/v1/jobs?cursor=x", 400),
        (&get, "/api/v1/jobs?colour=red", 400),
        (&get, "/api/v1/deliveries?call=CA%2F", 400),
        (&get, "/api/v1/deliveries?state=gone", 400),
        (&get, "/api/v1/deliveries?limit=201", 400),
        (&post, "/api/v1/jobs", 405),
        (&post, "/api/v1/jobs/no/retry", 404),
        (&delete, "/api/v1/jobs/no", 404),
        (&post, "/api/v1/deliveries/no/redeliver", 404),
        (&get, "/api/v1/deliveries/no/redeliver", 405),
    ] {
        let answer = site.ask(method.clone(), path, &[]).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        assert!(
            answer.json()["error"]["message"].is_string(),
            "{method} {path}"
        );
    }
    let redeliver = format!("/api/v1/deliveries/{DELIVERY}/redeliver");
    let retry = format!("/api/v1/jobs/{id}/retry");
    let remove = format!("/api/v1/jobs/{id}");
    for (method, path) in [(&post, &redeliver), (&post, &retry), (&delete, &remove)] {
        for header in [
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
        ] {
            let answer = site.ask(method.clone(), path, &[header]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {header:?}");
        }
    }
    assert_eq!(jobs(&site, "").await[0]["id"], id.as_str());
}

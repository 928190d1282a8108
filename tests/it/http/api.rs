use axum::http::{Method, StatusCode};
use callscribe::ids::Track::{Inbound, Outbound};
use serde_json::json;

use crate::harness::{line::nobody, site::Site};

#[tokio::test]
async fn addresses_that_lead_nowhere_say_so_in_the_callers_language() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.0, "hello there").await;
    let get = Method::GET;
    for (method, path, status, code) in [
        (&get, "/api/v1/nothing", 404, "not_found"),
        (&get, "/api/v1/calls/CA2", 404, "not_found"),
        (&get, "/api/v1/calls/CA%2F..", 404, "not_found"),
        (&get, "/api/v1/calls/CA2/transcript", 404, "not_found"),
        (&get, "/api/v1/calls/CA2/analysis", 404, "not_found"),
        (&get, "/api/v1/calls/CA1/analysis", 404, "not_found"),
        (&get, "/api/v1/calls/CA2/insight", 404, "not_found"),
        (&get, "/api/v1/calls/CA1/insight", 404, "not_found"),
        (&get, "/api/v1/calls/CA2/events", 404, "not_found"),
        (
            &get,
            "/api/v1/calls/CA1/transcript?version=9",
            404,
            "not_found",
        ),
        (
            &get,
            "/api/v1/calls/CA1/transcript?version=x",
            400,
            "bad_request",
        ),
        (
            &get,
            "/api/v1/calls/CA1/transcript?format=pdf",
            400,
            "bad_request",
        ),
        (
            &get,
            "/api/v1/calls/CA1/recording/inbound",
            404,
            "not_found",
        ),
        (&get, "/api/v1/calls/CA1/recording/both", 404, "not_found"),
        (&get, "/api/v1/calls?limit=0", 400, "bad_request"),
        (&get, "/api/v1/calls?limit=201", 400, "bad_request"),
        (&get, "/api/v1/calls?limit=many", 400, "bad_request"),
        (&get, "/api/v1/calls?state=dead", 400, "bad_request"),
        (&get, "/api/v1/calls?cursor=nonsense", 400, "bad_request"),
        (&Method::POST, "/api/v1/calls", 405, "method_not_allowed"),
        (&Method::PUT, "/api/v1/calls/CA1", 405, "method_not_allowed"),
    ] {
        let answer = site.ask(method.clone(), path, &[]).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        let error = &answer.json()["error"];
        assert_eq!(error["code"], code, "{method} {path}");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| text.len() > 10),
            "{method} {path}: {error}"
        );
    }
}

#[tokio::test]
async fn pages_that_are_not_there_are_pages() {
    let site = Site::open().await;
    site.call("CA1").await;
    for (path, status) in [
        ("/nothing", 404),
        ("/calls/CA2", 404),
        ("/calls/CA1?version=9", 404),
        ("/?cursor=nonsense", 400),
        ("/assets/0/none.js", 404),
    ] {
        let answer = site.get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(answer.text().contains("<h1>"), "{path} is a page");
        assert!(answer.header("content-type").starts_with("text/html"));
    }
}

#[tokio::test]
async fn calls_are_paged_newest_first() {
    let site = Site::open().await;
    for n in 0..7 {
        let line = site.call(&format!("CA{n}")).await;
        if n % 2 == 0 {
            line.hang_up(1).await;
        }
        site.clock.advance(std::time::Duration::from_secs(60));
    }
    let ids = |page: &serde_json::Value| -> Vec<String> {
        let calls = page["calls"].as_array().unwrap();
        calls
            .iter()
            .map(|c| c["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut all = Vec::new();
    let mut path = "/api/v1/calls?limit=3".to_owned();
    let mut pages = 0;
    loop {
        let page = site.get(&path).await.json();
        all.extend(ids(&page));
        pages += 1;
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/calls?limit=3&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(pages, 3);
    assert_eq!(all, ["CA6", "CA5", "CA4", "CA3", "CA2", "CA1", "CA0"]);
    let live = site.get("/api/v1/calls?state=live").await.json();
    assert_eq!(ids(&live), ["CA5", "CA3", "CA1"]);
    assert_eq!(live["calls"][0]["state"], "live");
    assert_eq!(live["calls"][0]["from"], "+15550123");
}

#[tokio::test]
async fn one_call_tells_everything_about_itself() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.0, "hello there").await;
    let path = line.record(Inbound, &[0; 16_000]).await;
    line.record_closed(Inbound, &path, None).await;
    line.hang_up(45).await;
    line.finish(&[
        (Inbound, 0.1, "Hello there, Yossi."),
        (Outbound, 2.0, "Hello."),
    ])
    .await;
    let call = site.get("/api/v1/calls/CA1").await.json();
    for (pointer, expected) in [
        ("/state", json!("final")),
        ("/duration", json!(45.0)),
        ("/interrupted", json!(false)),
        ("/served_version", json!(2)),
        ("/streams/0/inbound_speaker", json!("Dana")),
        ("/streams/0/end_reason", json!("stop")),
        ("/versions/0/kind", json!("live")),
        ("/versions/1/model", json!("base")),
        ("/versions/1/served", json!(true)),
        ("/recordings/0/track", json!("inbound")),
        ("/recordings/0/duration", json!(1.0)),
        (
            "/recordings/0/urls/0",
            json!("/api/v1/calls/CA1/recording/inbound?stream=1&part=1"),
        ),
    ] {
        assert_eq!(
            call.pointer(pointer),
            Some(&expected),
            "{pointer} of {call}"
        );
    }
    assert!(
        !call.to_string().contains(site.dir.path().to_str().unwrap()),
        "no path of the machine"
    );
}

#[tokio::test]
async fn a_transcript_comes_in_four_formats_and_every_version() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.0, "hallo ther").await;
    line.hang_up(45).await;
    line.finish(&[
        (Inbound, 0.0, "Hello there."),
        (Outbound, 2.0, "שלום וברוך הבא."),
    ])
    .await;
    let path = "/api/v1/calls/CA1/transcript";
    for (query, accept, kind, holds) in [
        ("", "", "application/json", "\"text\":\"Hello there.\""),
        ("", "*/*", "application/json", "\"text\":\"Hello there.\""),
        (
            "?format=txt",
            "",
            "text/plain; charset=utf-8",
            "[00:02] Yossi: שלום וברוך הבא.",
        ),
        (
            "?format=srt",
            "",
            "application/x-subrip; charset=utf-8",
            "00:00:02,000 -->",
        ),
        ("?format=vtt", "", "text/vtt; charset=utf-8", "WEBVTT"),
        (
            "",
            "text/vtt",
            "text/vtt; charset=utf-8",
            "<v Dana>Hello there.",
        ),
        (
            "",
            "text/plain",
            "text/plain; charset=utf-8",
            "Dana: Hello there.",
        ),
        (
            "?format=json",
            "text/plain",
            "application/json",
            "Hello there.",
        ),
        (
            "?version=1&format=txt",
            "",
            "text/plain; charset=utf-8",
            "Dana: hallo ther",
        ),
    ] {
        let headers = if accept.is_empty() {
            vec![]
        } else {
            vec![("accept", accept)]
        };
        let answer = site
            .ask(Method::GET, &format!("{path}{query}"), &headers)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{query} {accept}");
        assert_eq!(answer.header("content-type"), kind, "{query} {accept}");
        assert!(
            answer.text().contains(holds),
            "{query} {accept}: {}",
            answer.text()
        );
    }
    let refused = site
        .ask(Method::GET, path, &[("accept", "image/png")])
        .await;
    assert_eq!(refused.status, StatusCode::NOT_ACCEPTABLE);
    let json = site.get(path).await.json();
    assert_eq!(json["version"], 2);
    assert_eq!(json["kind"], "final");
    assert_eq!(json["duration"], 45.0);
    assert_eq!(json["segments"][0]["words"][1]["text"], "there.");
    assert_eq!(json["segments"][1]["track"], "outbound");
    assert!(
        json["served_reason"]
            .as_str()
            .unwrap()
            .starts_with("final text")
    );
}

#[tokio::test]
async fn words_on_their_way_to_the_store_are_in_the_transcript_once() {
    let site = Site::open().await;
    let line = site.call_of(nobody("CA1"), [None, None]).await;
    line.completed(Inbound, 0, 0.0, "not stored yet");
    line.said(Outbound, 0, 2.0, "stored and told").await;
    line.stored(Inbound, 1, 4.0, "half of").await;
    line.delta(Inbound, 1, 4.0, "half of");
    let text = site.get("/api/v1/calls/CA1/transcript?format=txt").await;
    assert_eq!(
        text.text(),
        "[00:00] Inbound: not stored yet\n[00:02] Outbound: stored and told\n"
    );
}

#[tokio::test]
async fn health_readiness_and_metrics() {
    let site = Site::open().await;
    let alive = site.get("/healthz").await;
    assert_eq!(
        (alive.status, alive.json()["status"].as_str()),
        (StatusCode::OK, Some("ok"))
    );
    let ready = site.get("/readyz").await;
    assert_eq!(
        (ready.status, ready.json()),
        (StatusCode::OK, json!({ "ready": true, "reasons": [] }))
    );

    *site.not_ready.lock().unwrap() = vec![
        "draining".into(),
        "as many streams as configured are open".into(),
    ];
    let busy = site.get("/readyz").await;
    assert_eq!(busy.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(busy.json()["reasons"][0], "draining");

    site.not_ready.lock().unwrap().clear();
    site.store.close().await;
    let broken = site.get("/readyz").await;
    assert_eq!(broken.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(broken.json()["reasons"], json!(["the database fails"]));
    assert_eq!(site.get("/healthz").await.status, StatusCode::OK);
    let failed = site.get("/api/v1/calls").await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(failed.json()["error"]["code"], "internal");

    let metrics = site.get("/metrics").await;
    assert!(
        metrics
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    assert_eq!(metrics.text(), "callscribe_streams_active 0\n");
}

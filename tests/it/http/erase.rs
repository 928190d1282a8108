//! `DELETE /api/v1/calls/{id}`: all of one call, for who may.

use axum::http::Method;
use callscribe::{ids::Track::Inbound, live::hub};

use crate::harness::site::Site;

#[tokio::test]
async fn a_call_goes_with_its_files_and_a_live_one_is_refused() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.0, "hello there").await;
    let path = line.record(Inbound, &[7; 16_000]).await;
    let delete = async |path: &str| site.ask(Method::DELETE, path, &[]).await;

    let refused = delete("/api/v1/calls/CA1").await;
    assert_eq!(refused.status.as_u16(), 409);
    assert_eq!(refused.json()["error"]["code"], "call_is_live");
    assert!(path.is_file());

    line.record_closed(Inbound, &path, None).await;
    line.hang_up(1).await;
    let would = delete("/api/v1/calls/CA1?dry_run=true").await.json();
    assert_eq!(would["dry_run"], true);
    assert!(path.is_file());
    assert_eq!(site.get("/api/v1/calls/CA1").await.status.as_u16(), 200);

    let did = delete("/api/v1/calls/CA1").await;
    assert_eq!(did.status.as_u16(), 200);
    let did = did.json();
    assert_eq!(did["calls"], would["calls"], "as it was said");
    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!(did["calls"][0]["files"], serde_json::json!([name]));
    let rows = did["calls"][0]["rows"].as_array().unwrap();
    let segments = serde_json::json!(["segments", 1]);
    assert!(rows.contains(&segments), "{did}");
    assert!(!path.exists());
    for (path, status) in [
        ("/api/v1/calls/CA1", 404),
        ("/api/v1/calls/CA2", 404),
        ("/api/v1/calls/CA%2F..", 404),
        ("/api/v1/calls/CA1?dry_run=maybe", 400),
    ] {
        assert_eq!(delete(path).await.status.as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn deletion_is_for_who_has_the_token() {
    let token = "sixteen-letters!";
    let site = Site::open_with(hub::Options::default(), "0.0.0.0:80", Some(token)).await;
    let line = site.call("CA1").await;
    line.hang_up(1).await;
    let path = "/api/v1/calls/CA1";
    let by_address = format!("{path}?token={token}");
    for path in [path, by_address.as_str()] {
        let refused = site.ask(Method::DELETE, path, &[]).await;
        assert_eq!(refused.status.as_u16(), 401);
    }
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let did = site.ask(Method::DELETE, path, &headers).await;
    assert_eq!(did.status.as_u16(), 200);
}

#[tokio::test]
async fn the_page_says_what_will_go_and_then_what_went() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.0, "hello there").await;
    let path = line.record(Inbound, &vec![7; 16_000 * 90]).await;
    let ask = async |method: Method| site.ask(method, "/calls/CA1/delete", &[]).await;
    for method in [Method::GET, Method::POST] {
        let live = ask(method).await;
        assert_eq!(live.status.as_u16(), 409);
        assert!(live.text().contains("goes on, and is being recorded"));
    }
    let page = site.get("/calls/CA1").await;
    assert!(
        !page.text().contains("/delete"),
        "not offered while it goes on"
    );

    line.record_closed(Inbound, &path, None).await;
    line.hang_up(90).await;
    line.finish(&[(Inbound, 0.0, "Hello there, Yossi.")]).await;
    let page = site.get("/calls/CA1").await;
    assert!(page.text().contains("href=\"/calls/CA1/delete\""));
    let goes = [
        "<li>1 recording of 1:30 in all</li>",
        "<li>1 file, 2.9 MB on the disk</li>",
        "<li>2 versions of the transcript</li>",
        "<li>2 passages of what was said</li>",
    ];
    let would = ask(Method::GET).await;
    for text in goes
        .iter()
        .chain(&["<form method=\"post\" action=\"/calls/CA1/delete\">"])
    {
        assert!(
            would.text().contains(text),
            "lacks {text}:\n{}",
            would.text()
        );
    }
    assert!(path.is_file(), "asking deletes nothing");
    let foreign = [("sec-fetch-site", "cross-site")];
    let refused = site.ask(Method::POST, "/calls/CA1/delete", &foreign).await;
    assert_eq!(refused.status.as_u16(), 403);

    let did = ask(Method::POST).await;
    assert_eq!(did.status.as_u16(), 200);
    for text in goes.iter().chain(&["<h1>Deleted</h1>"]) {
        assert!(did.text().contains(text), "lacks {text}:\n{}", did.text());
    }
    assert!(!path.exists());
    for method in [Method::GET, Method::POST] {
        assert_eq!(ask(method).await.status.as_u16(), 404, "once");
    }
}

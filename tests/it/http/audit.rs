//! What is written down of what people do, and who may read it.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use callscribe::{ids::Track::Inbound, store::Role};

use crate::harness::site::Site;

async fn site() -> (Site, String) {
    let site = Site::open().await;
    site.account("dana", Role::Admin).await;
    let cookie = site.cookie_of("dana").await;
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.0, "a secret").await;
    let path = line.record(Inbound, &[0; 16_000]).await;
    line.record_closed(Inbound, &path, None).await;
    line.hang_up(2).await;
    (site, cookie)
}

#[tokio::test]
async fn a_listening_is_one_entry_however_many_pieces_are_fetched() {
    let (site, cookie) = site().await;
    let listen = async |range: &str| {
        let headers = [("cookie", cookie.as_str()), ("range", range)];
        let path = "/api/v1/calls/CA1/recording/inbound";
        site.ask(Method::GET, path, &headers).await.status
    };
    for range in ["bytes=0-", "bytes=100-200", "bytes=300-"] {
        assert_eq!(listen(range).await, StatusCode::PARTIAL_CONTENT);
    }
    assert_eq!(site.deeds().await, ["dana recording.fetched CA1 inbound"]);
    assert_eq!(
        listen("bytes=999999999-").await,
        StatusCode::RANGE_NOT_SATISFIABLE
    );
    site.clock.advance(Duration::from_secs(600));
    listen("bytes=0-").await;
    assert_eq!(
        site.deeds().await.len(),
        2,
        "another day, another listening"
    );
}

#[tokio::test]
async fn exports_deletions_and_changes_stand_there_and_reading_does_not() {
    let (site, cookie) = site().await;
    let reader = site.token("crm", "calls:read", None).await;
    let own = ("sec-fetch-site", "same-origin");
    for (method, path, header, status) in [
        (Method::GET, "/", ("cookie", &cookie), 200),
        (Method::GET, "/calls/CA1", ("cookie", &cookie), 200),
        (
            Method::GET,
            "/api/v1/calls/CA1/transcript?format=srt",
            ("cookie", &cookie),
            200,
        ),
        (
            Method::GET,
            "/api/v1/calls/CA1/transcript",
            ("authorization", &reader),
            200,
        ),
        (
            Method::HEAD,
            "/api/v1/calls/CA1/transcript",
            ("cookie", &cookie),
            200,
        ),
        (
            Method::GET,
            "/api/v1/calls/CA9/transcript",
            ("cookie", &cookie),
            404,
        ),
        (
            Method::DELETE,
            "/api/v1/calls/CA1",
            ("authorization", &reader),
            403,
        ),
        (
            Method::DELETE,
            "/api/v1/calls/CA1?dry_run=true",
            ("cookie", &cookie),
            200,
        ),
        (
            Method::DELETE,
            "/api/v1/calls/CA1",
            ("cookie", &cookie),
            200,
        ),
    ] {
        let answer = site
            .ask(method.clone(), path, &[(header.0, header.1.as_str()), own])
            .await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
    }
    assert_eq!(
        site.deeds().await,
        [
            "crm transcript.exported CA1",
            "dana call.deleted CA1",
            "dana transcript.exported CA1 srt",
        ]
    );
}

#[tokio::test]
async fn while_there_are_no_accounts_it_was_somebody_on_this_machine() {
    let site = Site::open().await;
    site.call("CA1").await.hang_up(2).await;
    let answer = site.ask(Method::DELETE, "/api/v1/calls/CA1", &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(site.deeds().await, ["open call.deleted CA1"]);
}

#[tokio::test]
async fn an_admin_reads_the_log_page_by_page() {
    let (site, cookie) = site().await;
    for format in ["txt", "srt", "vtt"] {
        let path = format!("/api/v1/calls/CA1/transcript?format={format}");
        site.ask(Method::GET, &path, &[("cookie", &cookie)]).await;
        site.access.settled().await;
        site.clock.advance(Duration::from_secs(1));
    }
    let ask = async |path: &str| site.ask(Method::GET, path, &[("cookie", &cookie)]).await;
    let first = ask("/api/v1/audit?limit=2").await.json();
    let objects = |page: &serde_json::Value| {
        let entries = page["entries"].as_array().unwrap().iter();
        let objects = entries.map(|entry| entry["object"].as_str().unwrap().to_owned());
        objects.collect::<Vec<_>>()
    };
    assert_eq!(objects(&first), ["CA1 vtt", "CA1 srt"]);
    assert_eq!(first["entries"][0]["actor"], "account");
    let cursor = first["next"].as_str().unwrap();
    let next = ask(&format!("/api/v1/audit?limit=2&cursor={cursor}"))
        .await
        .json();
    assert_eq!(
        (objects(&next), next["next"].is_null()),
        (vec!["CA1 txt".into()], true)
    );
    for (query, count) in [
        ("name=dana", 3),
        ("name=yossi", 0),
        ("object=CA1&action=", 3),
        ("action=login", 0),
    ] {
        let page = ask(&format!("/api/v1/audit?{query}")).await.json();
        assert_eq!(objects(&page).len(), count, "{query}");
    }
    let page = ask("/audit?name=dana").await;
    assert!(
        page.text().contains("Exported a transcript")
            && page.text().contains("href=\"/calls/CA1\"")
    );
    for bad in ["/audit?cursor=x", "/api/v1/audit?limit=0"] {
        assert_eq!(ask(bad).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

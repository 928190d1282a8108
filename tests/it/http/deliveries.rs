//! The pages of jobs, deliveries and health, without a script.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::harness::site::Site;

#[tokio::test]
async fn failed_jobs_come_first_and_are_tried_again_or_dropped() {
    let site = Site::open().await;
    let failed = site
        .failed_job("CA1", "the model <base> is broken\nat byte 17")
        .await;
    site.deliveries("CA2", &[("crm", None)]).await;
    let page = site.get("/jobs").await;
    let page = page.text();
    let at = |part: &str| {
        page.find(part)
            .unwrap_or_else(|| panic!("lacks {part}:\n{page}"))
    };
    assert!(at("<h2>Failed</h2>") < at("<h2>Waiting</h2>"));
    at("The model &lt;base&gt; is broken\nat byte 17.");
    at("href=\"/calls/CA1\"");
    for (query, count) in [
        ("?kind=&state=", 2),
        ("?kind=deliver", 1),
        ("?state=dead", 1),
        ("?state=done", 0),
        ("?kind=purge&state=dead", 0),
    ] {
        let page = site.get(&format!("/jobs{query}")).await;
        assert_eq!(
            page.text().matches("class=\"job ").count(),
            count,
            "{query}"
        );
    }
    assert_eq!(
        site.get("/jobs?state=lost").await.status,
        StatusCode::BAD_REQUEST
    );

    let ask = site.get(&format!("/jobs/{failed}/drop")).await;
    assert!(
        ask.text().contains("The call keeps its live text"),
        "{}",
        ask.text()
    );
    let retried = site.post_form(&format!("/jobs/{failed}/retry"), "").await;
    assert_eq!(retried.status, StatusCode::SEE_OTHER);
    assert_eq!(retried.header("location"), "/jobs");
    let dead = async || site.get("/api/v1/jobs?kind=transcribe").await.json();
    assert_eq!(dead().await["jobs"][0]["state"], "queued");
    let dropped = site.post_form(&format!("/jobs/{failed}/drop"), "").await;
    assert_eq!(dropped.status, StatusCode::SEE_OTHER);
    assert_eq!(dead().await["jobs"], json!([]));
    for (method, path) in [
        (Method::GET, "drop"),
        (Method::POST, "retry"),
        (Method::POST, "drop"),
    ] {
        let gone = site
            .ask(method, &format!("/jobs/{failed}/{path}"), &[])
            .await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn deliveries_tell_every_attempt() {
    let site = Site::open().await;
    let targets = [
        ("crm", Some("no <answer>")),
        ("desk", None),
        ("late", Some("refused")),
    ];
    let ids = site.deliveries("CA1", &targets).await;
    let told = site.get("/api/v1/deliveries").await.json();
    let told = told["deliveries"].as_array().unwrap();
    assert_eq!(told.len(), 3);
    for one in told {
        let expected = if one["target"] == "desk" { 0 } else { 2 };
        let attempts = one["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), expected, "{one}");
        assert!(
            attempts
                .iter()
                .enumerate()
                .all(|(n, a)| a["number"] == n + 1)
        );
        assert_eq!(one["transcript_source"], "live");
    }
    let first = site.get("/api/v1/deliveries?limit=1").await.json();
    assert_eq!(
        first["deliveries"][0]["attempts"].as_array().unwrap().len(),
        2
    );
    let rest = format!(
        "/api/v1/deliveries?cursor={}",
        first["next"].as_str().unwrap()
    );
    let rest = site.get(&rest).await.json();
    assert_eq!(rest["deliveries"].as_array().unwrap().len(), 2);

    let page = site.get("/deliveries?state=dead").await;
    assert_eq!(page.text().matches("class=\"job dead\"").count(), 2);
    assert!(page.text().contains("no &lt;answer&gt;"));
    assert!(!page.text().contains("what was said"), "that is the call's");
    let again = site
        .post_form(&format!("/deliveries/{}/redeliver", ids[0]), "")
        .await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    let page = site.get("/deliveries?state=dead").await;
    assert_eq!(page.text().matches("class=\"job dead\"").count(), 1);
    let none = site.post_form("/deliveries/no/redeliver", "").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn health_says_what_is_wrong_and_how_the_hour_was() {
    let site = Site::open().await;
    for streams in [3, 12, 5] {
        site.about
            .note(&format!("callscribe_streams_active {streams}\n"));
        site.clock.advance(std::time::Duration::from_secs(10));
    }
    let page = site.get("/health").await;
    for part in [
        "New calls are welcome.",
        "aria-label=\"Streams: now 5, at most 12 in the last hour\"",
        "Live lag: nothing measured in the last hour",
        "<dd>base</dd>",
        "Kept for 7 days",
        "30 s</dd>",
    ] {
        assert!(page.text().contains(part), "lacks {part}:\n{}", page.text());
    }
    site.failed_job("CA1", "why").await;
    site.not_ready.lock().unwrap().push("draining".into());
    let page = site.get("/health").await;
    for part in ["Not ready", "<li>Draining.</li>", "1 job</a> failed"] {
        assert!(page.text().contains(part), "lacks {part}:\n{}", page.text());
    }
}

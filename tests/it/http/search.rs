use axum::http::StatusCode;
use callscribe::{
    ids::Track::{Inbound, Outbound},
    store::NewCall,
};
use serde_json::json;

use crate::harness::{line::nobody, site::Site};

/// Two calls that are over, and a live one.
async fn site() -> Site {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    line.hang_up(45).await;
    line.finish(&[
        (Inbound, 0.4, "Please open my <b>red</b> car."),
        (Outbound, 5.0, "Where is the car?"),
    ])
    .await;
    site.clock.advance(std::time::Duration::from_secs(86_400));
    let call = NewCall {
        from: Some("+972541234567".into()),
        ..nobody("CA2")
    };
    let line = site.call_of(call, [Some("דנה"), None]).await;
    line.hang_up(45).await;
    line.finish(&[(Inbound, 1.0, "אני בבית, תבואו הביתה")])
        .await;
    site.clock.advance(std::time::Duration::from_secs(86_400));
    let line = site.call("CA3").await;
    line.said(Inbound, 0, 3.0, "the key is in the car").await;
    site
}

#[tokio::test]
async fn the_api_tells_moments() {
    let site = site().await;
    let found = site
        .get("/api/v1/search?q=%22red%20car%22%20OR%20open")
        .await
        .json();
    let hit = &found["hits"][0];
    assert_eq!(found["hits"].as_array().unwrap().len(), 1);
    assert_eq!(found["count"], json!({ "at_least": 1, "more": false }));
    assert_eq!(found["next"], json!(null));
    assert_eq!(hit["call"]["id"], "CA1");
    assert_eq!(hit["url"], "/calls/CA1?play=0.8&track=inbound#inbound-0.4");
    assert_eq!(
        (&hit["speaker"], &hit["track"]),
        (&json!("Dana"), &json!("inbound"))
    );
    assert_eq!(
        hit["excerpt"][0],
        json!({ "text": "Please ", "hit": false })
    );
    assert_eq!(hit["excerpt"][1], json!({ "text": "open", "hit": true }));

    for (asked, calls) in [
        ("q=car", &["CA1", "CA1", "CA3"][..]),
        ("q=car&order=newest", &["CA1", "CA1", "CA3"]),
        ("q=car&track=outbound", &["CA1"]),
        ("q=car&state=live", &["CA3"]),
        (
            "q=car&state=ended&since=&until=&number=&speaker=&language=",
            &["CA1", "CA1"],
        ),
        ("q=car&since=2025-11-11", &["CA3"]),
        ("q=car&until=2025-11-11", &["CA1", "CA1"]),
        ("q=%D7%91%D7%99%D7%AA", &["CA2"]),
        (
            "q=%D7%91%D7%99%D7%AA&number=4567&speaker=%D7%93%D7%A0%D7%94",
            &["CA2"],
        ),
        ("q=car&number=99999", &[]),
        ("q=", &[]),
        ("", &[]),
    ] {
        let found = site.get(&format!("/api/v1/search?{asked}")).await.json();
        let hits = found["hits"].as_array().unwrap();
        let mut found: Vec<&str> = hits
            .iter()
            .map(|hit| hit["call"]["id"].as_str().unwrap())
            .collect();
        found.sort_unstable();
        assert_eq!(found, calls, "{asked}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_and_nonsense_is_refused() {
    let site = site().await;
    for order in ["best", "newest"] {
        let first = site
            .get(&format!("/api/v1/search?q=car&limit=2&order={order}"))
            .await
            .json();
        assert_eq!(first["hits"].as_array().unwrap().len(), 2);
        let next = first["next"].as_str().unwrap();
        let path = format!("/api/v1/search?q=car&limit=2&order={order}&cursor={next}");
        let second = site.get(&path).await.json();
        assert_eq!(second["hits"].as_array().unwrap().len(), 1);
        assert_eq!(second["next"], json!(null));
    }
    for wrong in [
        "limit=0",
        "limit=51",
        "limit=x",
        "since=yesterday",
        "until=2025-02-30",
        "number=12",
        "state=lively",
        "track=left",
        "order=worst",
        "cursor=x",
        "cursor=b1",
    ] {
        let refused = site.get(&format!("/api/v1/search?q=car&{wrong}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert_eq!(refused.json()["error"]["code"], "bad_request");
    }
    let long = "%22-*(".repeat(500);
    assert_eq!(
        site.get(&format!("/api/v1/search?q={long}")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn the_page_marks_hits_and_says_what_to_do() {
    let site = site().await;
    for (path, has, has_not) in [
        (
            "/search",
            &["autofocus", "both words, said in one go"][..],
            &["class=\"hits\""][..],
        ),
        (
            "/search?q=red",
            &[
                "Please open my &lt;b&gt;<mark>red</mark>&lt;/b&gt; car.",
                "href=\"/calls/CA1?play=1.6&amp;track=inbound#inbound-0.4\"",
                "1 moment",
                "value=\"red\"",
            ],
            &["<b>", "rel=\"next\""],
        ),
        (
            "/search?q=%D7%91%D7%99%D7%AA",
            &["dir=\"auto\"", "<mark>בבית</mark>", "דנה"],
            &[],
        ),
        (
            "/search?q=zebra",
            &["Nobody said that."],
            &["Search everywhere"],
        ),
        (
            "/search?q=car&state=failed",
            &[
                "Nobody said that.",
                "Search everywhere",
                "href=\"/search?q=car\"",
            ],
            &[],
        ),
        ("/search?q=-car", &["say what to find"], &[]),
        ("/search?q=ca*", &["three letters or more"], &[]),
        (
            "/search?q=car&number=1",
            &["role=\"alert\"", "last four digits"],
            &["<mark>"],
        ),
        (
            "/search?q=%3Cscript%3E",
            &["value=\"&lt;script&gt;\""],
            &["<script>"],
        ),
    ] {
        let page = site.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        for text in has {
            assert!(
                page.text().contains(text),
                "{path}: {text} in {}",
                page.text()
            );
        }
        for text in has_not {
            assert!(
                !page.text().contains(text),
                "{path}: no {text} in {}",
                page.text()
            );
        }
    }
}

#[tokio::test]
async fn lists_of_calls_are_narrowed_by_the_same_words() {
    let site = site().await;
    for (asked, calls) in [
        ("", "CA3 CA2 CA1"),
        ("q=car", "CA3 CA1"),
        ("q=car&state=live", "CA3"),
        ("q=car&state=final", "CA1"),
        ("number=054-1234567", "CA2"),
        ("number=50100&q=car", "CA3 CA1"),
        ("since=2025-11-11&until=2025-11-11", "CA2"),
        ("q=zebra", ""),
    ] {
        let list = site.get(&format!("/api/v1/calls?{asked}")).await.json();
        let list = list["calls"].as_array().unwrap();
        let found: Vec<&str> = list
            .iter()
            .map(|call| call["id"].as_str().unwrap())
            .collect();
        assert_eq!(found.join(" "), calls, "{asked}");
    }
    for wrong in [
        "state=x", "since=x", "until=x", "number=1", "limit=0", "cursor=x",
    ] {
        let refused = site.get(&format!("/api/v1/calls?{wrong}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let page = site.get("/?q=car&state=final").await;
    assert!(page.text().contains("/calls/CA1") && !page.text().contains("/calls/CA3"));
    let none = site.get("/?q=zebra").await;
    assert!(none.text().contains("No call is like that."));
    let wrong = site.get("/?number=1").await;
    assert!(wrong.text().contains("last four digits"));
}

#[tokio::test]
async fn the_list_has_the_last_words_of_live_calls() {
    let site = site().await;
    assert!(site.get("/").await.text().contains("the key is in the car"));
    let line = site.call("CA4").await;
    line.partial(Outbound, 0, 0.5, "<i>helo</i>");
    let page = site.get("/").await;
    assert!(page.text().contains("&lt;i&gt;helo"), "{}", page.text());
    line.hang_up(10).await;
    assert!(!site.get("/").await.text().contains("helo"));
}

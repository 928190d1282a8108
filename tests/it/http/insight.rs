//! What a call meant, by the API and on its page.

use callscribe::{
    ids::Track::Inbound,
    insight::{Insights, MadeBy, Meaning, Path, Summary, Tokens},
    store::{Read, Understood},
};
use serde_json::json;

use crate::harness::site::Site;

fn meaning() -> Meaning {
    Meaning {
        language: Some("he".into()),
        service: Some("פריצת לוטו".into()),
        city: Some("בית שאן".into()),
        confidence: Some(922),
        summary: Summary {
            title: "<b>לוטו</b> תקוע".into(),
            points: vec!["\"><script>alert(1)</script>".into(), "בבית שאן".into()],
        },
        insights: Insights {
            customer_name: Some("<i>Dana</i>".into()),
            ..Insights::default()
        },
        path: Path::Model,
        made_by: MadeBy {
            model: Some("m".into()),
            tokens: Some(Tokens {
                input: 100,
                output: 20,
            }),
            ..MadeBy::default()
        },
    }
}

async fn understood(site: &Site) {
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.0, "hello there").await;
    line.hang_up(5).await;
    let read = Read {
        call: "CA1".parse().unwrap(),
        version: 1,
        final_transcript: None,
        transcription: Some("hello there".into()),
    };
    let (meaning, now) = (meaning(), site.clock.wall());
    let stored = site.store.understood(&read, &meaning, now).await;
    assert_eq!(stored.unwrap(), Understood::Stored);
}

#[tokio::test]
async fn the_api_tells_what_a_call_meant() {
    let site = Site::open().await;
    understood(&site).await;
    let answer = site.get("/api/v1/calls/CA1/insight").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let told = answer.json();
    for (key, value) in [
        ("call", json!("CA1")),
        ("version", json!(1)),
        ("service", json!("פריצת לוטו")),
        ("city", json!("בית שאן")),
        ("confidence", json!(0.922)),
        ("path", json!("model")),
        ("transcription", json!("hello there")),
        ("final_transcript", json!(null)),
        ("sentiment", json!(null)),
        ("action_items", json!([])),
    ] {
        assert_eq!(told[key], value, "{key}");
    }
    assert_eq!(told["summary"]["points"][1], "בבית שאן");
    assert_eq!(told["made_by"]["tokens"]["input"], 100);
}

#[tokio::test]
async fn the_page_shows_it_as_text() {
    let site = Site::open().await;
    understood(&site).await;
    let page = site.get("/calls/CA1").await;
    let page = page.text();
    for part in [
        "<h2 dir=\"auto\">&lt;b&gt;לוטו&lt;/b&gt; תקוע</h2>",
        "<li dir=\"auto\">בבית שאן</li>",
        "<dd dir=\"auto\">בית שאן</dd>",
        "&lt;i&gt;Dana&lt;/i&gt;",
        "92 % sure",
    ] {
        assert!(page.contains(part), "lacks {part}:\n{page}");
    }
    assert!(!page.contains("<script>alert"), "{page}");
}

#[tokio::test]
async fn a_call_that_is_not_understood_has_an_empty_place_for_it() {
    let site = Site::open().await;
    site.call("CA1").await;
    let page = site.get("/calls/CA1").await;
    assert!(
        page.text().contains("<section id=\"meaning\""),
        "{}",
        page.text()
    );
    assert!(!page.text().contains("sure of service"));
}

//! `GET /api/v1/calls/{id}/changes` and the page that shows them.

use callscribe::ids::Track::{Inbound, Outbound};
use serde_json::json;

use crate::harness::site::Site;

#[tokio::test]
async fn versions_are_compared_word_by_word() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.0, "open my cart please").await;
    line.said(Outbound, 0, 4.0, "בסדר גמור").await;
    line.hang_up(10).await;
    line.finish(&[
        (Inbound, 0.0, "Open my car, please."),
        (Outbound, 4.0, "בסדר גמור, אני בא."),
    ])
    .await;
    let found = site.get("/api/v1/calls/CA1/changes?from=1&to=2").await;
    assert_eq!(found.status.as_u16(), 200);
    let found = found.json();
    assert_eq!(found["from"], json!({ "version": 1, "kind": "live" }));
    assert_eq!(found["to"], json!({ "version": 2, "kind": "final" }));
    let counts = ["same", "removed", "added"].map(|kind| found[kind].as_u64().unwrap());
    assert_eq!(counts, [5, 1, 3]);
    assert_eq!(
        found["turns"][0]["pieces"],
        json!([
            { "kind": "same", "text": "Open my" },
            { "kind": "removed", "text": "cart" },
            { "kind": "added", "text": "car," },
            { "kind": "same", "text": "please." },
        ])
    );
    assert_eq!(found["turns"][1]["speaker"], "Yossi");
    assert_eq!(
        site.get("/api/v1/calls/CA1/changes").await.json(),
        found,
        "since the live text, by default"
    );
    let back = site.get("/api/v1/calls/CA1/changes?from=2&to=1").await;
    assert_eq!(back.json()["removed"], 3);

    let page = site.get("/calls/CA1?version=2&against=1").await;
    for text in [
        "Open my <del>cart</del> <ins>car,</ins> please.",
        "בסדר גמור, <ins>אני בא.</ins>",
        "<ins>3 words came</ins> <del>1 went</del>",
    ] {
        assert!(page.text().contains(text), "lacks {text}:\n{}", page.text());
    }
    let plain = site.get("/calls/CA1").await;
    let link = "href=\"/calls/CA1?version=2&amp;against=1\"";
    assert!(plain.text().contains(link), "{}", plain.text());
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused() {
    let site = Site::open().await;
    site.call("CA1").await;
    for (path, status) in [
        ("/api/v1/calls/CA1/changes?to=7", 404),
        ("/api/v1/calls/CA1/changes?from=7", 404),
        ("/api/v1/calls/CA1/changes?from=first", 400),
        ("/api/v1/calls/CA9/changes", 404),
        ("/api/v1/calls/CA%2F..", 404),
        ("/calls/CA1?against=7", 404),
        ("/calls/CA1?against=-1", 400),
    ] {
        assert_eq!(site.get(path).await.status.as_u16(), status, "{path}");
    }
    let none = site.get("/api/v1/calls/CA1/changes").await.json();
    assert_eq!(none["turns"], json!([]), "nothing against nothing");
}

#[tokio::test]
async fn a_version_against_itself_is_unchanged_and_what_was_said_stays_text() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    let evil = "<script>alert(1)</script> </del>";
    line.said(Inbound, 0, 0.0, evil).await;
    line.hang_up(10).await;
    line.finish(&[(Inbound, 0.0, "something quite different")])
        .await;
    let same = site.get("/api/v1/calls/CA1/changes?from=1&to=1").await;
    assert_eq!(same.json()["same"], 2);
    assert_eq!(same.json()["added"], 0);
    let page = site.get("/calls/CA1?version=2&against=1").await;
    let removed = "<del>&lt;script&gt;alert(1)&lt;/script&gt; &lt;/del&gt;</del>";
    assert!(page.text().contains(removed), "{}", page.text());
}

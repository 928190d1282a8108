//! The pages of leads, without a script.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::harness::{
    desk::JSON,
    site::{Answer, Site},
};

async fn edit(site: &Site, id: &str, fields: [&str; 4]) -> Answer {
    let [notes, status, seen_notes, seen_status] = fields;
    let body =
        format!("notes={notes}&status={status}&seen_notes={seen_notes}&seen_status={seen_status}");
    site.post_form(&format!("/leads/{id}"), &body).await
}

#[tokio::test]
async fn a_form_changes_what_was_seen_and_nothing_else() {
    let site = Site::open().await;
    let id = site.ring("CA1", "+972501111111").await;
    let lead = async || site.get(&format!("/api/v1/leads/{id}")).await.json();
    let saved = edit(&site, &id, ["one%0D%0Atwo", "new", "", "new"]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    assert_eq!(saved.header("location"), format!("/leads/{id}#edit"));
    assert_eq!(lead().await["notes"], "one\ntwo");

    // The job was faster with the status, which this person does not touch.
    site.call("CA1").await.hang_up(5).await;
    site.understood("CA1", 1, ("t", &["p"])).await;
    let saved = edit(&site, &id, ["three", "new", "one%0D%0Atwo", "new"]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    let now = lead().await;
    assert_eq!(
        (&now["notes"], &now["status"]),
        (&json!("three"), &json!("processed"))
    );

    // Somebody else was faster.
    let late = edit(&site, &id, ["mine+%3Cb%3E", "new", "one%0Atwo", "new"]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    for part in [
        "Somebody else changed this lead",
        "<bdi>three</bdi>",
        "\nmine &lt;b&gt;</textarea>",
        "name=\"seen_notes\" value=\"three\"",
        "name=\"seen_status\" value=\"processed\"",
    ] {
        assert!(late.text().contains(part), "lacks {part}:\n{}", late.text());
    }
    assert_eq!(lead().await["notes"], "three");
    let again = edit(&site, &id, ["mine", "failed", "three", "processed"]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    let now = lead().await;
    assert_eq!(
        (&now["notes"], &now["status"], &now["reason"]),
        (&json!("mine"), &json!("failed"), &json!("set by hand"))
    );
    for (fields, status) in [
        (["x", "lost", "", "new"], 422),
        ([&*"x".repeat(10_001), "new", "", "new"], 400),
    ] {
        let refused = edit(&site, &id, fields).await;
        assert_eq!(refused.status.as_u16(), status, "{}", fields[1]);
        assert!(refused.text().contains("<h1>"), "an error is a page");
    }
    let gone = edit(&site, "none", ["x", "new", "", "new"]).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_api_refuses_to_write_over_what_was_not_seen() {
    let site = Site::open().await;
    let id = site.ring("CA1", "+972501111111").await;
    let path = format!("/api/v1/leads/{id}");
    for (body, status, notes) in [
        (
            json!({ "notes": "one", "seen": { "notes": "" } }),
            200,
            "one",
        ),
        (
            json!({ "notes": "two", "seen": { "notes": "" } }),
            409,
            "one",
        ),
        (
            json!({ "notes": "two", "seen": { "status": "failed" } }),
            409,
            "one",
        ),
        (json!({ "notes": "two" }), 200, "two"),
        (json!({ "notes": "x", "seen": { "note": "" } }), 422, "two"),
    ] {
        let answer = site
            .send(Method::PATCH, &path, &[JSON], body.to_string())
            .await;
        assert_eq!(answer.status.as_u16(), status, "{body}");
        if status == 409 {
            assert_eq!(answer.json()["error"]["code"], "changed_meanwhile");
        }
        assert_eq!(site.get(&path).await.json()["notes"], notes, "{body}");
    }
}

#[tokio::test]
async fn the_list_is_filtered_and_paged() {
    let site = Site::open().await;
    for (call, from) in [("CA1", "+972501111111"), ("CA2", "+972502222222")] {
        site.ring(call, from).await;
        site.clock.advance(std::time::Duration::from_secs(86_400));
    }
    for (query, expected) in [
        ("", &["CA2", "CA1"][..]),
        ("?status=&phone=&from=&to=&text=", &["CA2", "CA1"]),
        ("?phone=%2B972501111111", &["CA1"]),
        ("?phone=+972501111111", &["CA1"]),
        ("?from=2025-11-11", &["CA2"]),
        ("?to=2025-11-10", &["CA1"]),
        ("?status=failed", &[]),
        ("?text=nothing", &[]),
    ] {
        let page = site.get(&format!("/leads{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        let found = page.text().matches("data-call=\"").count();
        assert_eq!(found, expected.len(), "{query}");
        for call in expected {
            assert!(
                page.text().contains(&format!("data-call=\"{call}\"")),
                "{query}"
            );
        }
    }
    for query in ["?status=lost", "?from=yesterday", "?cursor=x"] {
        let page = site.get(&format!("/leads{query}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(page.text().contains("<h1>"), "{query}");
    }
    for n in 3..=60 {
        site.ring(&format!("CA{n}"), "+972503333333").await;
    }
    let first = site.get("/leads?phone=%2B972503333333").await;
    assert_eq!(first.text().matches("data-call=\"").count(), 50);
    let next = first.text().split("rel=\"next\" href=\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&");
    assert!(
        next.starts_with("/leads?phone=%2B972503333333&cursor="),
        "{next}"
    );
    let second = site.get(&next).await;
    assert_eq!(second.text().matches("data-call=\"").count(), 8);
}

#[tokio::test]
async fn what_people_said_is_text() {
    let site = Site::open().await;
    let evil = "<script>alert(1)</script>";
    let id = site.ring("CA1", evil).await;
    let line = site.call("CA1").await;
    line.said(callscribe::ids::Track::Inbound, 0, 0.0, evil)
        .await;
    line.hang_up(5).await;
    site.understood("CA1", 1, (evil, &[evil])).await;
    for path in ["/leads", &format!("/leads/{id}")] {
        let page = site.get(path).await;
        assert!(!page.text().contains("<script>alert"), "{path}");
        assert!(page.text().contains("&lt;script&gt;alert"), "{path}");
    }
}

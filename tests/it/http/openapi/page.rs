//! `/api`, the description for people.

use axum::http::{Method, StatusCode};
use callscribe::http::{Outside, description};

use super::{filled::filled, operations, send};
use crate::harness::site::Site;

#[tokio::test]
async fn the_page_tells_all_of_it_and_its_lines_work() {
    let site = filled().await;
    let page = site.get("/api").await;
    assert_eq!(page.status, StatusCode::OK);
    let text = page.text();
    let api = description(&Outside::default());
    for (_, path, operation) in operations(&api) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(text.contains(&format!("id=\"{id}\"")), "{id}");
        assert!(text.contains(path), "{path}");
    }
    for name in api["components"]["schemas"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("id=\"type-{name}\"")), "{name}");
    }
    let lines = text.split("<code>curl ").skip(1);
    let lines: Vec<&str> = lines
        .map(|rest| rest.split("</code>").next().unwrap())
        .collect();
    assert!(lines.len() > 15, "{lines:?}");
    for line in lines {
        let address = line
            .split("'http://localhost")
            .nth(1)
            .unwrap()
            .trim_end_matches('\'');
        let gets = !line.contains("-X ") && !line.contains("-N ");
        if gets || line.contains("dry_run") {
            let method = if gets { "GET" } else { "DELETE" };
            let answer = send(&site, method, address, "").await;
            assert_eq!(answer.status, StatusCode::OK, "{line}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn a_strange_name_does_not_reach_the_shell() {
    let site = Site::open().await;
    let answer = site
        .ask(Method::GET, "/api", &[("host", "localhost:80';reboot;'")])
        .await;
    assert!(!answer.text().contains("reboot"));
}

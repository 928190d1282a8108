use axum::http::{Method, StatusCode};
use callscribe::live::hub;

use crate::harness::site::Site;

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let site = Site::open().await;
    for path in [
        "/",
        "/nothing",
        "/api/v1/calls",
        "/api/v1/nothing",
        "/healthz",
        "/metrics",
    ] {
        let answer = site.get(path).await;
        let policy = answer.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(
            answer.header("cross-origin-resource-policy"),
            "same-origin",
            "{path}"
        );
    }
    for path in ["/", "/api/v1/calls"] {
        let zipped = site
            .ask(Method::GET, path, &[("accept-encoding", "gzip")])
            .await;
        let is_long = site.get(path).await.body.len() > 32;
        assert_eq!(
            zipped.header("content-encoding") == "gzip",
            is_long,
            "{path}"
        );
        assert_eq!(
            site.get(path).await.header("cache-control"),
            "no-store",
            "{path}"
        );
    }
}

#[tokio::test]
async fn pages_hold_no_script_or_style_of_their_own_and_their_assets_are_kept() {
    let site = Site::open().await;
    site.call("CA1").await;
    for path in ["/", "/calls/CA1", "/nothing"] {
        let page = site.get(path).await;
        for (at, _) in page.text().match_indices("<script") {
            assert!(page.text()[at..].starts_with("<script type=\"module\" src=\"/assets/"));
        }
        for inline in ["<style", " style=", " onclick=", "javascript:"] {
            assert!(!page.text().contains(inline), "{path} holds {inline}");
        }
    }
    let page = site.get("/").await;
    for (mark, kind) in [
        ("src=\"", "text/javascript"),
        ("rel=\"stylesheet\" href=\"", "text/css"),
    ] {
        let (_, rest) = page.text().split_once(mark).unwrap();
        let address = rest.split('"').next().unwrap();
        let asset = site.get(address).await;
        assert_eq!(asset.status, StatusCode::OK, "{address}");
        assert!(asset.header("content-type").starts_with(kind), "{address}");
        assert!(asset.header("cache-control").contains("immutable"));
        let name = address.rsplit('/').next().unwrap();
        let old = site.get(&format!("/assets/000000/{name}")).await;
        assert_eq!(
            (old.status, old.header("cache-control")),
            (StatusCode::OK, "no-store")
        );
    }
}

#[tokio::test]
async fn beyond_localhost_all_is_closed_but_health() {
    let site = Site::open_with(hub::Options::default(), "0.0.0.0:80", None).await;
    for (path, status) in [
        ("/", 403),
        ("/calls/CA1", 403),
        ("/api/v1/calls", 403),
        ("/api/v1/events", 403),
        ("/metrics", 403),
        ("/login", 403),
        ("/healthz", 200),
        ("/readyz", 200),
    ] {
        let answer = site.get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        if status == 403 {
            assert!(
                answer
                    .text()
                    .contains("callscribe accounts add NAME --role admin"),
                "{path}: {}",
                answer.text()
            );
        }
    }
    let foreign = Site::open().await;
    let answer = foreign
        .ask(Method::GET, "/api/v1/calls", &[("host", "evil.example")])
        .await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.json()["error"]["code"].as_str()
        ),
        (403, Some("unknown_host"))
    );
}

#[tokio::test]
async fn a_token_given_once_becomes_a_cookie() {
    let token = "a-long-access-token";
    let site = Site::open_with(hub::Options::default(), "0.0.0.0:80", Some(token)).await;
    let closed = site.get("/").await;
    assert_eq!(closed.status, StatusCode::UNAUTHORIZED);
    assert!(closed.text().contains("type=\"password\""), "asks for it");
    let bearer = format!("Bearer {token}");
    let api = site
        .ask(Method::GET, "/api/v1/calls", &[("authorization", &bearer)])
        .await;
    assert_eq!(api.status, StatusCode::OK);

    let welcome = site.get(&format!("/calls/CA1?token={token}")).await;
    assert_eq!(welcome.status, StatusCode::OK);
    assert!(
        welcome.text().contains("0; url=/calls/CA1\""),
        "goes on without the token"
    );
    assert!(!welcome.text().contains(token));
    let cookie = welcome.header("set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let pair = cookie.split(';').next().unwrap();
    let page = site.ask(Method::GET, "/", &[("cookie", pair)]).await;
    assert_eq!(page.status, StatusCode::OK);
    let wrong = site.get("/?token=a-long-access-tokem").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.header("set-cookie"), "");
}

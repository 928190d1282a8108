//! Who may do what: every route in the table, asked by everybody.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use callscribe::{
    http::{Outside, Route, rights, routes, unguarded},
    live::hub,
    store::{Role, Scope},
};

use crate::harness::site::Site;

/// An address that the route takes, of nothing that is there.
fn address(route: &str) -> String {
    route
        .replace("{id}", "CA404")
        .replace("{call}", "CA404")
        .replace("{stream}", "1")
        .replace("{track}", "inbound")
        .replace("{name}", "nobody")
}

/// What the guard said; `None` where it let the request through, to whatever became of it.
async fn refused(site: &Site, method: &str, route: &str, headers: &[(&str, &str)]) -> Option<u16> {
    let status = site.status(method, &address(route), headers).await;
    [401, 403].contains(&status).then_some(status)
}

#[tokio::test]
async fn each_route_is_open_to_those_who_may_and_to_nobody_else() {
    let site = Site::open_with(hub::Options::default(), "0.0.0.0:80", None).await;
    let mut people = Vec::new();
    for role in Role::ALL.into_iter().rev() {
        site.account(role.as_str(), role).await;
        people.push((role, site.cookie_of(role.as_str()).await));
    }
    let mut tokens = Vec::new();
    for scope in Scope::ALL {
        let name = scope.as_str().replace(':', "-");
        tokens.push((scope, site.token(&name, scope.as_str(), None).await));
    }
    let mut asked = 0;
    for (method, route, need) in rights() {
        asked += 1;
        let expected = if need == "nothing" { None } else { Some(401) };
        assert_eq!(
            refused(&site, method, route, &[]).await,
            expected,
            "{method} {route}"
        );
        let scope = need.parse::<Scope>().ok();
        for (role, cookie) in &people {
            if route == "/logout" {
                continue; // it would end the session
            }
            let may = scope.is_none_or(|scope| role.scopes().has(scope));
            let answer = refused(&site, method, route, &[("cookie", cookie)]).await;
            assert_eq!(answer.is_none(), may, "{method} {route} {role}: {answer:?}");
            assert_ne!(answer, Some(401), "{method} {route} {role}");
        }
        for (own, token) in &tokens {
            let may = scope.is_none_or(|scope| scope == *own);
            let answer = refused(&site, method, route, &[("authorization", token)]).await;
            assert_eq!(answer.is_none(), may, "{method} {route} {own}: {answer:?}");
        }
    }
    assert!(asked > 30, "{asked}");
}

#[test]
fn every_route_has_its_right_and_every_right_is_of_a_route() {
    let outside = Outside::default();
    let told = |route: Route| (route.path, route.method);
    let open: BTreeSet<_> = unguarded(&outside).into_iter().map(told).collect();
    let all: BTreeSet<_> = routes(&outside).into_iter().map(told).collect();
    let listed: BTreeSet<_> = rights()
        .map(|(method, route, _)| (route.to_owned(), method))
        .collect();
    let guarded: BTreeSet<_> = all.difference(&open).cloned().collect();
    let nothing = Vec::<&(String, &str)>::new();
    let forgotten: Vec<_> = guarded.difference(&listed).collect();
    assert_eq!(forgotten, nothing, "an admin's alone by being forgotten");
    let unreal: Vec<_> = listed.difference(&guarded).collect();
    assert_eq!(unreal, nothing, "a right to what is not there");
    let known = [
        "/assets/",
        "/healthz",
        "/readyz",
        "/media",
        "/webhook/twilio/",
    ];
    for (path, method) in &open {
        let is_known = known.iter().any(|start| path.starts_with(start));
        assert!(is_known, "{method} {path} asks for no right");
    }
}

#[tokio::test]
async fn who_is_refused_is_told_what_is_missing() {
    let site = Site::open().await;
    site.account("dana", Role::Admin).await;
    site.account("yossi", Role::Viewer).await;
    let cookie = site.cookie_of("yossi").await;
    let token = site.token("crm", "leads:read", None).await;
    let own = ("sec-fetch-site", "same-origin");
    for (method, path, header, status, told) in [
        (
            Method::DELETE,
            "/api/v1/calls/CA1",
            ("cookie", &cookie),
            403,
            "role admin",
        ),
        (
            Method::PATCH,
            "/api/v1/leads/1",
            ("cookie", &cookie),
            403,
            "role operator",
        ),
        (
            Method::GET,
            "/audit",
            ("cookie", &cookie),
            403,
            "role admin",
        ),
        (
            Method::GET,
            "/api/v1/calls",
            ("authorization", &token),
            403,
            "scope calls:read",
        ),
        (
            Method::PUT,
            "/api/v1/calls",
            ("cookie", &cookie),
            405,
            "does not take that method",
        ),
        (
            Method::GET,
            "/nothing",
            ("cookie", &cookie),
            404,
            "nothing at this address",
        ),
    ] {
        let answer = site
            .ask(method.clone(), path, &[(header.0, header.1.as_str()), own])
            .await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        let text = answer.text().to_lowercase();
        assert!(text.contains(told), "{method} {path}: {text}");
    }
    let stranger = site.get("/api/v1/calls").await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    assert_eq!(stranger.json()["error"]["code"], "login");
    assert_eq!(stranger.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn the_bar_says_who_is_in_and_leads_only_where_they_may_go() {
    let site = Site::open().await;
    let open = site.get("/").await;
    assert!(open.text().contains("Open: no accounts"));
    assert!(!open.text().contains("Log out"));
    site.account("dana", Role::Admin).await;
    site.account("yossi", Role::Viewer).await;
    for (name, role, sees_audit) in [("dana", "admin", true), ("yossi", "viewer", false)] {
        let cookie = site.cookie_of(name).await;
        for path in ["/", "/nothing"] {
            let page = site.ask(Method::GET, path, &[("cookie", &cookie)]).await;
            let text = page.text();
            assert!(
                text.contains(&format!("<bdi>{name}</bdi>, {role}")),
                "{text}"
            );
            assert!(text.contains("action=\"/logout\"") && text.contains(">Calls</a>"));
            assert_eq!(text.contains("href=\"/audit\""), sees_audit, "{name}");
        }
    }
    let stranger = site.get("/nothing").await;
    assert!(!stranger.text().contains(">Calls</a>") && !stranger.text().contains("Log out"));
}

#[tokio::test]
async fn a_token_opens_what_it_is_for_until_it_ends() {
    let site = Site::open_with(hub::Options::default(), "0.0.0.0:80", None).await;
    let token = site.token("crm", "calls:read", Some(1)).await;
    // Without accounts too: whoever made the token has the machine.
    for (given, status) in [
        (token.as_str(), 200),
        ("Bearer nonsense", 401),
        ("Basic YTpi", 403),
    ] {
        let answer = site
            .ask(Method::GET, "/api/v1/calls", &[("authorization", given)])
            .await;
        assert_eq!(answer.status.as_u16(), status, "{given}");
    }
    let token_in_small = token.replace("Bearer", "bearer");
    let headers = [("authorization", token_in_small.as_str())];
    let answer = site.ask(Method::GET, "/api/v1/calls", &headers).await;
    assert_eq!(answer.status, StatusCode::OK);
    site.clock
        .advance(std::time::Duration::from_secs(24 * 3600));
    let late = site
        .ask(Method::GET, "/api/v1/calls", &[("authorization", &token)])
        .await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    assert!(late.text().contains("time is up"));
}

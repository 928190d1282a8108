//! In and out: logins, sessions, passwords, and who is not let in.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use callscribe::{live::hub, store::Role};

use crate::harness::{
    people::PASSWORD,
    site::{Answer, Site},
};

const RIGHT: &str = "name=dana&password=correct+horse";
const WRONG: &str = "name=dana&password=wrong+horse";

async fn site() -> Site {
    let site = Site::open().await;
    site.account("dana", Role::Admin).await;
    site
}

/// `callscribe_session=…`, as the answer sets it.
fn session(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("callscribe_session="), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

async fn page(site: &Site, path: &str, cookie: &str) -> Answer {
    site.ask(Method::GET, path, &[("cookie", cookie)]).await
}

#[tokio::test]
async fn a_name_and_a_password_open_what_was_asked_for() {
    let site = site().await;
    let stranger = site.get("/calls/CA1?version=2").await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let text = stranger.text();
    assert!(
        text.contains("name=\"next\" value=\"/calls/CA1?version=2\""),
        "{text}"
    );
    assert_eq!(stranger.header("cache-control"), "no-store");

    let body = format!("{RIGHT}&next=%2Fcalls%2FCA1%3Fversion%3D2");
    let answer = site.form("/login", &body, &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/calls/CA1?version=2");
    let cookie = answer.header("set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "it came in the clear: {cookie}");
    assert_eq!(
        page(&site, "/", &session(&answer)).await.status,
        StatusCode::OK
    );

    let tls = [("origin", "https://localhost")];
    let answer = site.form("/login", RIGHT, &tls).await;
    assert!(answer.header("set-cookie").ends_with("; Secure"));
    let elsewhere = format!("{RIGHT}&next=https%3A%2F%2Fevil.example%2F");
    let answer = site.form("/login", &elsewhere, &[]).await;
    assert_eq!(answer.header("location"), "/");
    let capitals = "name=Dana&password=correct+horse";
    assert_eq!(
        site.form("/login", capitals, &[]).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn whoever_is_not_let_in_learns_nothing() {
    let site = site().await;
    let mut answers = Vec::new();
    for body in [
        WRONG,
        "name=nobody&password=correct+horse",
        "name=%3Cb%3E&password=correct+horse",
        "name=&password=",
        "name=dana&password=",
    ] {
        let answer = site.form("/login", body, &[]).await;
        assert_eq!(answer.header("set-cookie"), "", "{body}");
        answers.push((answer.status, answer.text().to_owned()));
    }
    assert_eq!(answers[0].0, StatusCode::UNAUTHORIZED);
    assert!(answers[0].1.contains("do not fit"));
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    for body in ["", "name=dana", "{}"] {
        let answer = site.form("/login", body, &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let long = format!("name=dana&password={}", "x".repeat(20_000));
    assert_eq!(
        site.form("/login", &long, &[]).await.status,
        StatusCode::BAD_REQUEST
    );
    // What was typed as a name may be a password.
    assert_eq!(
        site.deeds().await,
        [
            "stranger login.failed",
            "stranger login.failed",
            "stranger login.failed",
            "stranger login.failed dana",
            "stranger login.failed dana"
        ]
    );
}

#[tokio::test]
async fn a_session_ends_by_not_being_used_by_its_age_and_by_logging_out() {
    let site = site().await;
    let login = || async { session(&site.form("/login", RIGHT, &[]).await) };
    let hours = |hours: u64| site.clock.advance(Duration::from_secs(3600 * hours));
    let (used, unused) = (login().await, login().await);
    for _ in 0..2 {
        hours(11);
        assert_eq!(page(&site, "/", &used).await.status, StatusCode::OK);
    }
    assert_eq!(
        page(&site, "/", &unused).await.status,
        StatusCode::UNAUTHORIZED
    );
    for _ in 2..65 {
        hours(11);
        assert_eq!(page(&site, "/", &used).await.status, StatusCode::OK);
    }
    hours(5); // 720 hours are 30 days
    assert_eq!(
        page(&site, "/", &used).await.status,
        StatusCode::UNAUTHORIZED
    );

    let cookie = login().await;
    let out = site.form("/logout", "", &[("cookie", &cookie)]).await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(
        page(&site, "/", &cookie).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn another_password_ends_all_sessions_but_the_one_that_changed_it() {
    let site = site().await;
    let login = || async { session(&site.form("/login", RIGHT, &[]).await) };
    let (here, there) = (login().await, login().await);
    let headers = [("cookie", here.as_str())];
    let change = |old: &str, new: &str| format!("old={old}&new={new}");
    for (body, status) in [
        (change("wrong+horse", "another+horse"), 403),
        (change("correct+horse", "short"), 400),
    ] {
        let answer = site.form("/account/password", &body, &headers).await;
        assert_eq!(answer.status.as_u16(), status, "{body}");
    }
    assert_eq!(page(&site, "/", &there).await.status, StatusCode::OK);
    let body = change("correct+horse", "another+horse");
    let changed = site.form("/account/password", &body, &headers).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER);
    for (cookie, status) in [(&here, 401), (&there, 401), (&session(&changed), 200)] {
        assert_eq!(page(&site, "/", cookie).await.status.as_u16(), status);
    }
    let old = site.form("/login", RIGHT, &[]).await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn passwords_are_tried_so_often_and_no_more() {
    let site = site().await;
    for _ in 0..10 {
        assert_eq!(
            site.form("/login", WRONG, &[]).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    let full = site.form("/login", RIGHT, &[]).await;
    assert_eq!(full.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(full.header("retry-after"), "60");
    assert!(full.text().contains("60 seconds"));
    site.clock.advance(Duration::from_secs(60));
    assert_eq!(
        site.form("/login", RIGHT, &[]).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn what_a_foreign_page_sends_changes_nothing() {
    let site = site().await;
    site.call("CA1").await.hang_up(5).await;
    let cookie = site.cookie_of("dana").await;
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "http://localhost:8081")],
        &[("origin", "null")],
        // A cookie, and no word of where it comes from.
        &[],
    ] {
        let headers: Vec<_> = headers
            .iter()
            .copied()
            .chain([("cookie", cookie.as_str())])
            .collect();
        let answer = site
            .ask(Method::DELETE, "/api/v1/calls/CA1", &headers)
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert_eq!(answer.json()["error"]["code"], "cross_site");
        for path in ["/logout", "/accounts/dana/remove", "/login"] {
            let answer = site.ask(Method::POST, path, &headers).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
        }
    }
    assert_eq!(
        page(&site, "/api/v1/calls/CA1", &cookie).await.status,
        StatusCode::OK
    );
    let own = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    let answer = site.ask(Method::DELETE, "/api/v1/calls/CA1", &own).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

#[tokio::test]
async fn whoever_follows_a_link_from_elsewhere_is_sent_on_with_their_cookie() {
    let site = site().await;
    let follows = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
    ];
    let answer = site
        .ask(Method::GET, "/calls/CA1?version=1", &follows)
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.text().contains("0; url=/calls/CA1?version=1\""),
        "{}",
        answer.text()
    );
    let arrives = [
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "navigate"),
    ];
    let answer = site
        .ask(Method::GET, "/calls/CA1?version=1", &arrives)
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "no circle");
}

#[tokio::test]
async fn the_first_account_closes_this_machine_to_everybody_else() {
    let site = Site::open().await;
    assert_eq!(site.get("/").await.status, StatusCode::OK);
    let refused = "name=dana&role=admin&password=correct+horse";
    let answer = site.form("/accounts", refused, &[]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(
        answer
            .text()
            .contains("callscribe accounts add NAME --role admin")
    );
    site.account("dana", Role::Admin).await;
    for path in ["/", "/api/v1/calls", "/metrics", "/accounts"] {
        assert_eq!(
            site.get(path).await.status,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
    for path in ["/healthz", "/readyz", "/login"] {
        assert_eq!(site.get(path).await.status, StatusCode::OK, "{path}");
    }
    // The configured token goes on beside accounts.
    let token = "a-long-access-token";
    let site = Site::open_with(hub::Options::default(), "0.0.0.0:80", Some(token)).await;
    site.account("dana", Role::Admin).await;
    let bearer = format!("Bearer {token}");
    let answer = site
        .ask(Method::GET, "/audit", &[("authorization", &bearer)])
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        site.get("/").await.text().contains("name=\"password\""),
        "the login"
    );
}

#[tokio::test]
async fn an_admin_says_who_may_come_in() {
    let site = site().await;
    let cookie = site.cookie_of("dana").await;
    let headers = [("cookie", cookie.as_str())];
    for (path, body, status) in [
        (
            "/accounts",
            "name=Yossi&role=viewer&password=correct+horse",
            303,
        ),
        (
            "/accounts",
            "name=yossi&role=viewer&password=correct+horse",
            409,
        ),
        (
            "/accounts",
            "name=a+b&role=viewer&password=correct+horse",
            400,
        ),
        (
            "/accounts",
            "name=eve&role=king&password=correct+horse",
            400,
        ),
        ("/accounts", "name=eve&role=viewer&password=short", 400),
        ("/accounts/yossi/role", "role=operator", 303),
        ("/accounts/dana/role", "role=viewer", 409),
        ("/accounts/dana/remove", "", 409),
        ("/accounts/nobody/remove", "", 404),
        ("/accounts/yossi/password", "password=another+horse", 303),
    ] {
        let answer = site.form(path, body, &headers).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{path} {body}: {}",
            answer.text()
        );
    }
    let yossi = site
        .form("/login", "name=yossi&password=another+horse", &[])
        .await;
    assert_eq!(yossi.status, StatusCode::SEE_OTHER);
    let out = site.form("/accounts/yossi/remove", "", &headers).await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    assert_eq!(
        page(&site, "/", &session(&yossi)).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        site.deeds().await,
        [
            "dana account.added yossi viewer",
            "dana account.password yossi",
            "dana account.removed yossi",
            "dana account.role yossi operator",
            "yossi login",
        ]
    );
    assert!(!site.deeds().await.join(" ").contains(PASSWORD));
}

#[tokio::test]
async fn an_admin_makes_tokens_that_are_shown_once() {
    let site = site().await;
    let cookie = site.cookie_of("dana").await;
    let headers = [("cookie", cookie.as_str())];
    let form = "name=crm&days=&leads%3Aread=on&leads%3Awrite=on";
    let made = site.form("/tokens", form, &headers).await;
    assert_eq!(made.status, StatusCode::OK);
    let (_, rest) = made.text().split_once("<code id=\"made\">").unwrap();
    let token = rest.split('<').next().unwrap();
    let bearer = format!("Bearer {token}");
    let program = [("authorization", bearer.as_str())];
    let leads = site.ask(Method::GET, "/api/v1/leads", &program).await;
    assert_eq!(leads.status, StatusCode::OK);
    assert!(
        !page(&site, "/accounts", &cookie)
            .await
            .text()
            .contains(token)
    );
    for (form, status) in [
        ("name=crm&days=&leads%3Aread=on", 409),
        ("name=other&days=", 409),
        ("name=other&days=0&leads%3Aread=on", 400),
        ("name=a+b&days=&leads%3Aread=on", 400),
    ] {
        let answer = site.form("/tokens", form, &headers).await;
        assert_eq!(answer.status.as_u16(), status, "{form}: {}", answer.text());
    }
    let id = site.store.tokens().await.unwrap().remove(0).id;
    let removed = site
        .form(&format!("/tokens/{id}/remove"), "", &headers)
        .await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER);
    let leads = site.ask(Method::GET, "/api/v1/leads", &program).await;
    assert_eq!(leads.status, StatusCode::UNAUTHORIZED);
    let deeds = site.deeds().await;
    let expected = [
        "dana token.added crm leads:read leads:write",
        "dana token.removed crm",
    ];
    assert_eq!(deeds, expected);
}

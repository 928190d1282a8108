//! People at the doors of a [`Site`]: accounts, logins, forms.

use std::sync::LazyLock;

use axum::{
    body::Body,
    http::{Method, Request},
};
use callscribe::{
    http::access::{password, secret},
    store::{Lifetimes, NewSession, NewToken, Role},
};
use jiff::SignedDuration;
use tower::ServiceExt;

use super::site::{Answer, Site};

/// Everybody's here.
pub(crate) const PASSWORD: &str = "correct horse";

/// Made once: it takes its time.
static HASH: LazyLock<String> = LazyLock::new(|| password::hash(&PASSWORD.into()).unwrap());

impl Site {
    /// An account with [`PASSWORD`].
    pub(crate) async fn account(&self, name: &str, role: Role) {
        let now = self.clock.wall();
        let name = name.parse().unwrap();
        let added = self.store.add_account(&name, role, &HASH, now);
        added.await.unwrap();
    }

    /// What the browser of somebody who logged in sends: `callscribe_session=…`.
    pub(crate) async fn cookie_of(&self, name: &str) -> String {
        let account = self.store.account(&name.parse().unwrap()).await.unwrap();
        let secret = secret::new().unwrap();
        let session = NewSession {
            hash: &secret::hash(&secret),
            address: "127.0.0.1",
            agent: "a browser",
        };
        let lifetimes = Lifetimes {
            idle: SignedDuration::from_hours(1),
            whole: SignedDuration::from_hours(1),
        };
        let now = self.clock.wall();
        let account = account.unwrap();
        let opened = self.store.open_session(&account, &session, lifetimes, now);
        opened.await.unwrap();
        format!("callscribe_session={secret}")
    }

    /// What a program sends: `Bearer …`.
    pub(crate) async fn token(&self, name: &str, scopes: &str, days: Option<i64>) -> String {
        let token = secret::new_token().unwrap();
        let now = self.clock.wall();
        let new = NewToken {
            name: &name.parse().unwrap(),
            hash: &secret::hash(&token),
            scopes: &scopes.parse().unwrap(),
            created_by: "",
            expires_at: days.map(|days| now + SignedDuration::from_hours(24 * days)),
        };
        self.store.add_token(&new, now).await.unwrap();
        format!("Bearer {token}")
    }

    /// A form, sent by one of our own pages unless the headers say otherwise.
    pub(crate) async fn form(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", "application/x-www-form-urlencoded");
        let says = ["sec-fetch-site", "origin"];
        if !headers.iter().any(|(name, _)| says.contains(name)) {
            request = request.header("sec-fetch-site", "same-origin");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        Answer {
            status: head.status,
            headers: head.headers,
            body: axum::body::to_bytes(body, 64 << 20).await.unwrap(),
        }
    }

    /// What is answered before a body that may never end.
    pub(crate) async fn status(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("sec-fetch-site", "same-origin");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        response.status().as_u16()
    }

    /// `who action object` of what the audit log has, in no order: the clock may stand still.
    pub(crate) async fn deeds(&self) -> Vec<String> {
        self.access.settled().await;
        let all = callscribe::store::WhichDeeds::default();
        let (entries, _) = self.store.deeds(&all, None, 1_000).await.unwrap();
        let lines = entries.iter().rev().map(|entry| {
            let who = if entry.name.is_empty() {
                entry.actor.as_str()
            } else {
                &entry.name
            };
            format!("{who} {} {}", entry.action, entry.object)
                .trim_end()
                .to_owned()
        });
        let mut lines: Vec<String> = lines.collect();
        lines.sort();
        lines
    }
}

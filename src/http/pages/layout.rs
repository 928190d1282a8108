//! A page on its way out. Handlers give their content as a [`Page`]; it travels as an extension of the
//! response, and [`super::super::error::render`] puts what every page has around it.

use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use crate::{
    http::{
        access::{
            Viewer,
            rights::{self, Need},
        },
        assets,
    },
    ids::CallSid,
    store::{Actor, Call, CallState},
};

/// Where the bar leads: address and name. A page under an address belongs to it. Nobody is led to where they
/// may not go.
const PLACES: [(&str, &str); 12] = [
    ("/", "Calls"),
    ("/leads", "Leads"),
    ("/customers", "Customers"),
    ("/search", "Search"),
    ("/recordings", "Recordings"),
    ("/files", "Files"),
    ("/jobs", "Jobs"),
    ("/health", "Health"),
    ("/try", "Try it"),
    ("/accounts", "Accounts"),
    ("/audit", "Audit"),
    ("/api", "API"),
];

#[derive(Clone)]
pub(in crate::http) struct Page {
    title: String,
    /// Names the script and the style of this page (`assets/KIND.js`, `assets/KIND.css`, where there are
    /// such), and is what the scripts find in `data-page`. Empty: neither.
    kind: &'static str,
    content: Markup,
    position: u64,
    call: Option<(CallSid, CallState)>,
    version: &'static str,
}

impl Page {
    pub(in crate::http) fn new(
        title: impl Into<String>,
        kind: &'static str,
        content: Markup,
    ) -> Self {
        Self {
            title: title.into(),
            kind,
            content,
            position: 0,
            call: None,
            version: "",
        }
    }

    /// The newest event that the page takes account of.
    pub(super) fn at(self, position: u64) -> Self {
        Self { position, ..self }
    }

    /// The call that the page is about, and the version of its text that it shows: `live` or `final`.
    pub(super) fn of(self, call: &Call, version: &'static str) -> Self {
        Self {
            call: Some((call.sid.clone(), call.state)),
            version,
            ..self
        }
    }

    /// The whole document, as it stands at `path` for who looks at it; `None` where nobody asked who.
    pub(in crate::http) fn document(&self, path: &str, viewer: Option<&Viewer>) -> Markup {
        let call = self.call.as_ref();
        html! {
            (DOCTYPE)
            html lang="en" {
                (self.head())
                body data-page=(self.kind) data-position=(self.position) data-version=(self.version)
                    data-call=[call.map(|(sid, _)| sid)] data-state=[call.map(|(_, state)| state)] {
                    a.skip href="#main" { "Skip to the content" }
                    (bar(path, viewer))
                    main #main { (self.content) }
                }
            }
        }
    }

    fn head(&self) -> Markup {
        let own = |ending: &str| assets::address(&format!("{}.{ending}", self.kind));
        html! {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (self.title) " · callscribe" }
                link rel="icon" type="image/svg+xml" href=[assets::address("icon.svg")];
                link rel="stylesheet" href=[assets::address("base.css")];
                @if let Some(style) = own("css") { link rel="stylesheet" href=(style); }
                @if let Some(script) = own("js") { script type="module" src=(script) {} }
            }
        }
    }
}

fn bar(path: &str, viewer: Option<&Viewer>) -> Markup {
    let may_go = |place: &str| match rights::of("GET", place).map(|right| right.need) {
        Some(Need::Scope(scope)) => viewer.is_some_and(|viewer| viewer.may(scope)),
        _ => viewer.is_some_and(Viewer::is_in),
    };
    let is_here = |place: &str| match place {
        "/" => path == "/" || path.starts_with("/calls/"),
        "/customers" => ["/customers", "/bookings", "/review"]
            .iter()
            .any(|start| path.starts_with(start)),
        "/jobs" => path.starts_with("/jobs") || path.starts_with("/deliveries"),
        place => path == place || path.starts_with(&format!("{place}/")),
    };
    html! {
        header.bar {
            a.brand href="/" { "callscribe" }
            nav aria-label="Places" {
                @for (place, name) in PLACES.into_iter().filter(|(place, _)| may_go(place)) {
                    a href=(place) aria-current=[is_here(place).then_some(if path == place { "page" } else { "true" })] { (name) }
                }
            }
            span #connection role="status" {}
            @if let Some(viewer) = viewer { (who(viewer)) }
        }
    }
}

/// Who looks at the page, and the way out.
fn who(viewer: &Viewer) -> Markup {
    html! {
        div.who-am-i {
            @match viewer.actor {
                Actor::Open => { a href="/account" { "Open: no accounts" } },
                Actor::Account | Actor::Token => {
                    a href="/account" { bdi { (viewer.name) } @if let Some(role) = viewer.role { ", " (role) } }
                    form method="post" action="/logout" { button { "Log out" } }
                },
                Actor::Stranger | Actor::Console => {},
            }
        }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}

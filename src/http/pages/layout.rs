//! A page on its way out. Handlers give their content as a [`Page`]; it travels as an extension of the
//! response, and [`super::super::error::render`] puts what every page has around it.

use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use crate::{
    http::assets,
    ids::CallSid,
    store::{Call, CallState},
};

/// Where the bar leads: address and name. A page under an address belongs to it.
const PLACES: [(&str, &str); 2] = [("/", "Calls"), ("/files", "Files")];

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

    /// The whole document, as it stands at `path`.
    pub(in crate::http) fn document(&self, path: &str) -> Markup {
        let call = self.call.as_ref();
        html! {
            (DOCTYPE)
            html lang="en" {
                (self.head())
                body data-page=(self.kind) data-position=(self.position) data-version=(self.version)
                    data-call=[call.map(|(sid, _)| sid)] data-state=[call.map(|(_, state)| state)] {
                    a.skip href="#main" { "Skip to the content" }
                    (bar(path))
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

fn bar(path: &str) -> Markup {
    let is_here = |place: &str| match place {
        "/" => path == "/" || path.starts_with("/calls/"),
        place => path == place || path.starts_with(&format!("{place}/")),
    };
    html! {
        header.bar {
            a.brand href="/" { "callscribe" }
            nav aria-label="Places" {
                @for (place, name) in PLACES {
                    a href=(place) aria-current=[is_here(place).then_some(if path == place { "page" } else { "true" })] { (name) }
                }
            }
            span #connection role="status" {}
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

//! `/login`: the form, at this address and wherever a stranger asks for a page.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

use super::Page;
use crate::{
    http::{
        AppState, HttpError,
        access::{Viewer, own_path},
        assets,
        error::Params,
    },
    store::Actor,
};

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    next: Option<String>,
}

/// Whoever is in already goes on.
pub(in crate::http) async fn show(
    State(_): State<AppState>,
    viewer: Viewer,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let next = own_path(asked.next.as_deref());
    if viewer.actor != Actor::Stranger {
        return Ok(Redirect::to(next).into_response());
    }
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::OK, no_store, form(next, None)).into_response())
}

/// Asks for name and password, and leads to `next` then.
pub(in crate::http) fn form(next: &str, wrong: Option<&str>) -> Page {
    let content = html! {
        div.card.door {
            h1 { "Log in" }
            @if let Some(wrong) = wrong { p.banner role="alert" { (wrong) } }
            form.fields method="post" action="/login" {
                input type="hidden" name="next" value=(next);
                label { "Name" input name="name" required autofocus autocomplete="username" autocapitalize="none" spellcheck="false" dir="auto"; }
                label { "Password" input type="password" name="password" required autocomplete="current-password"; }
                button { "Log in" }
            }
            p.quiet { "No account, or the password forgotten? An admin helps, here or with " code { "callscribe accounts" } "." }
        }
    };
    Page::new("Log in", "doors", content)
}

/// Sends the browser on to `path` by a page of ours, so that it sends its strict cookie along.
pub(in crate::http) fn onward(path: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content={ "0; url=" (path) };
                title { "callscribe" }
                link rel="stylesheet" href=[assets::address("base.css")];
            }
            body { main { p { a href=(path) { "Go on" } } } }
        }
    }
}

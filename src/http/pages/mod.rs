//! Pages: rendered here, complete without a script; the scripts in `assets` keep them up to date.

use maud::{DOCTYPE, Markup, html};

use super::{HttpError, assets};
use crate::{
    store::{Call, CallState},
    time::MediaTime,
};

pub(super) mod call;
pub(super) mod calls;
pub(super) mod files;
mod layout;
mod meaning;
mod talk;

pub(super) use layout::Page;

/// Says what went wrong and what can be done.
pub(super) fn problem(error: &HttpError) -> Page {
    let (title, advice) = match error.code {
        "not_found" => (
            "Not here",
            "The address may be mistyped, or what it led to is gone.",
        ),
        "gone" => (
            "Gone",
            "Recordings are kept for as many days as the configuration says (recording.retention_days).",
        ),
        "bad_request" => (
            "Not understood",
            "The address holds something that does not fit.",
        ),
        "closed" => (
            "Closed",
            "Set http.access_token in the configuration (16 characters or more), restart, and open this address with ?token=… at its end, once.",
        ),
        "unknown_host" => (
            "Called by a strange name",
            "Open it as http://localhost, or put the name into http.hosts in the configuration.",
        ),
        "access_token" => (
            "Token, please",
            "It stands in the server's configuration as http.access_token.",
        ),
        "too_many_viewers" => ("Full house", "Try again in a minute."),
        _ => (
            "That did not work",
            "Try again; if it stays, the server's log says more.",
        ),
    };
    Page::new(
        title,
        "",
        html! {
            div.problem {
                h1 { (title) }
                p { (sentence(&error.message)) }
                p { (advice) }
                @if error.code == "access_token" {
                    form method="get" {
                        label { "Access token" br; input type="password" name="token" required autocomplete="current-password"; }
                        button { "Open" }
                    }
                } @else if !["closed", "unknown_host"].contains(&error.code) {
                    p { a href="/" { "All calls" } }
                }
            }
        },
    )
}

/// Sends the browser on to `path`, now that it has the cookie.
pub(super) fn welcome(path: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="refresh" content={ "0; url=" (path) };
                title { "callscribe" }
                link rel="stylesheet" href=[assets::address("base.css")];
            }
            body { main { p { "You are in. " a href=(path) { "Go on" } } } }
        }
    }
}

/// The call's names: a file's, who to whom, or who is heard, or its id.
fn names(call: &Call) -> Markup {
    let parameter = |name: &str| call.parameters.get(name).filter(|value| !value.is_empty());
    if let Some(file) = parameter("file") {
        return html! { bdi { (file) } };
    }
    let from = call.from.as_ref().or_else(|| parameter("inbound_speaker"));
    let to = call.to.as_ref().or_else(|| parameter("outbound_speaker"));
    html! {
        @match (from.or_else(|| parameter("speaker")), to) {
            (Some(from), Some(to)) => { bdi { (from) } " → " bdi { (to) } },
            (Some(one), None) | (None, Some(one)) => { bdi { (one) } },
            (None, None) => { bdi { (call.sid) } },
        }
    }
}

/// One or two words, and the class that colours them.
const fn state_label(state: CallState) -> &'static str {
    match state {
        CallState::Live => "Live",
        CallState::Finishing => "Finishing",
        CallState::Final => "Final",
        CallState::Empty => "No words",
        CallState::Failed => "Live text only",
    }
}

fn badges(call: &Call) -> Markup {
    html! {
        span class={ "badge " (call.state) } { (state_label(call.state)) }
        @if call.interrupted { " " span class="badge interrupted" { "Interrupted" } }
        @if call.degraded > 0 && call.state == CallState::Live { " " span class="badge degraded" { "Behind" } }
    }
}

/// In UTC; the script turns it into the reader's time.
fn day_and_time(at: jiff::Timestamp) -> Markup {
    let seconds = jiff::Timestamp::from_second(at.as_second()).unwrap_or(at);
    html! { time datetime=(seconds) { (at.strftime("%Y-%m-%d %H:%M UTC")) } }
}

/// `0:07`, `12:34`, `1:02:03`.
fn clock(at: MediaTime) -> String {
    let secs = at.as_ms() / 1000;
    let (h, m, s) = (secs / 3600, secs / 60 % 60, secs % 60);
    match h {
        0 => format!("{m}:{s:02}"),
        _ => format!("{h}:{m:02}:{s:02}"),
    }
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    let mut sentence: String = first.into_iter().flatten().chain(letters).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

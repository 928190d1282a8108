//! Pages: rendered here, complete without a script; the scripts in `assets` keep them up to date.

use maud::{Markup, html};

use super::HttpError;
use crate::{
    store::{Call, CallState},
    time::MediaTime,
};

pub(super) mod account;
pub(super) mod accounts;
pub(super) mod api;
pub(super) mod audit;
pub(super) mod call;
pub(super) mod calls;
pub(super) mod deliveries;
pub(super) mod files;
mod filters;
pub(super) mod health;
pub(super) mod jobs;
mod layout;
pub(super) mod lead;
pub(super) mod leads;
pub(super) mod login;
mod meaning;
mod narrow;
pub(super) mod people;
pub(super) mod recordings;
pub(super) mod search;
mod spark;
pub(super) mod try_it;

pub(super) use layout::Page;
pub(super) use login::onward;

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
            "Whoever has the machine makes the first account at its command line: callscribe accounts add NAME --role admin. Then load this page again and log in.",
        ),
        "unknown_host" => (
            "Called by a strange name",
            "Open it as http://localhost, or put the name into http.hosts in the configuration.",
        ),
        "access_token" => (
            "Token, please",
            "It stands in the server's configuration as http.access_token.",
        ),
        "conflict" | "call_is_live" => (
            "Not now",
            "Nothing was changed. Go back, look at how things stand, and try again once that has passed.",
        ),
        "role" => (
            "Not yours to do",
            "An admin here can give you another role, at “Accounts”.",
        ),
        "cross_site" => (
            "Not from there",
            "Open the page here and do it again. An old browser, or something between it and this server, may hide which page asked.",
        ),
        "wrong_password" => ("Not changed", "Go back and type it again."),
        "too_many_tries" => ("Too many tries", "Whoever is logged in already stays so."),
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

//! `/`: calls, live ones first.

use axum::extract::State;
use maud::{Markup, html};
use serde::Deserialize;

use super::{Page, badges, clock, day_and_time, names};
use crate::{
    http::{AppState, HttpError, error::Params},
    store::{self, Call, CallState, Which},
};

/// Live calls on one page: more than anyone looks through.
const LIVE: u32 = 200;
const ENDED: u32 = 50;

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    cursor: Option<String>,
}

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Page, HttpError> {
    let position = state.hub.list_position();
    let cursor = asked.cursor.as_deref().map(str::parse).transpose()?;
    let live = state.store.calls(Which::Live, None, LIVE).await?;
    let ended = state
        .store
        .calls(Which::Ended, cursor.as_ref(), ENDED)
        .await?;
    let first_page = cursor.is_none();
    let content = html! {
            h1 { "Calls" }
            div #calls {
                @if first_page && live.calls.is_empty() && ended.calls.is_empty() {
                    (no_calls())
                } @else {
                    @if first_page { (live_calls(&live)) }
                    (ended_calls(&ended, first_page))
                }
            }
    };
    Ok(Page::new("Calls", "calls", content).at(position))
}

fn no_calls() -> Markup {
    html! {
        div.first {
            p { strong { "No calls yet." } " They appear here by themselves." }
            p { "Point a Twilio media stream at this server, or stream a recording to it:" }
            p { code { "callscribe replay FILE.wav" } }
        }
    }
}

fn live_calls(page: &store::Page) -> Markup {
    html! {
        h2 { "Live now" @if !page.calls.is_empty() { " (" (page.calls.len()) @if page.next.is_some() { "+" } ")" } }
        @if page.calls.is_empty() { p.quiet { "Nobody is on the line." } } @else { (rows(&page.calls)) }
    }
}

fn ended_calls(page: &store::Page, first_page: bool) -> Markup {
    html! {
        @if !page.calls.is_empty() {
            h2 { "Earlier" }
            (rows(&page.calls))
        } @else if !first_page {
            p.quiet { "There are no older calls." }
        }
        nav.pager aria-label="Pages" {
            @if !first_page { a href="/" { "Newest calls" } } @else { span {} }
            @if let Some(next) = &page.next { a rel="next" href={ "/?cursor=" (next) } { "Older calls" } }
        }
    }
}

fn rows(calls: &[Call]) -> Markup {
    html! {
        ul.calls {
            @for call in calls {
                li {
                    a href={ "/calls/" (call.sid) } {
                        span.badges { (badges(call)) }
                        span.names { (names(call)) }
                        span.when { (day_and_time(call.started_at)) }
                        span.long { @if call.state != CallState::Live { (clock(call.duration)) } }
                    }
                }
            }
        }
    }
}

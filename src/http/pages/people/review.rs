//! `/review`: calls that are nobody's, newest first, why that is, and what a person can do about it.

use axum::extract::State;
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    super::{
        Page, day_and_time,
        filters::{address, filled},
    },
    conversation, link, lists,
};
use crate::{
    http::{AppState, HttpError, access::Viewer, error::Params},
    store::{Conversation, ConversationFilter, Scope},
};

const CALLS: u32 = 30;

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    cursor: Option<String>,
}

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
    viewer: Viewer,
) -> Result<Page, HttpError> {
    let cursor = filled(asked.cursor.as_ref());
    let after = cursor.map(str::parse).transpose()?;
    let filter = ConversationFilter {
        for_review: true,
        ..ConversationFilter::default()
    };
    let (calls, next) = state
        .store
        .conversations(&filter, after.as_ref(), CALLS)
        .await?;
    let next = next.map(|next| next.to_string());
    let content = html! {
        h1 { "Calls to review" }
        (lists("/review"))
        div #review {
            @if calls.is_empty() { (nothing(cursor.is_some())) } @else {
                p { "Of these calls nobody knows whose they were. What a person says of one stands; a customer made of a number gets all calls of that number." }
                ul.entries { @for call in &calls { (row(call, &viewer)) } }
            }
            nav.pager aria-label="Pages" {
                @if cursor.is_some() { a href="/review" { "Newest calls" } } @else { span {} }
                @if let Some(next) = &next { a rel="next" href=(address("/review", &[("cursor", Some(next))])) { "Older calls" } }
            }
        }
    };
    Ok(Page::new("Calls to review", "people", content))
}

fn row(call: &Conversation, viewer: &Viewer) -> Markup {
    let linked = &call.linked;
    html! {
        li.entry data-call=(linked.call) {
            div.line {
                a.names href={ "/calls/" (linked.call) } {
                    @match &linked.number {
                        Some(number) => { bdi.number { (number) } },
                        None => "No number",
                    }
                }
                span.when { (day_and_time(linked.called_at)) }
            }
            p.wanting { (link::reason(linked)) }
            (conversation::content(call))
            @if viewer.may(Scope::PeopleWrite) {
                div.buttons {
                    (link::ways_out(linked, "?from=review"))
                    form method="post" action={ "/calls/" (linked.call) "/link" } {
                        input type="hidden" name="from" value="review";
                        input type="hidden" name="choice" value="nobody";
                        button { "It is nobody’s" }
                    }
                }
            }
        }
    }
}

fn nothing(is_older: bool) -> Markup {
    html! {
        div.first {
            @if is_older { p { "There are no older calls to review." } } @else {
                p { strong { "Nothing to review." } " A call whose customer is not found appears here by itself, within seconds of its transcript." }
            }
        }
    }
}

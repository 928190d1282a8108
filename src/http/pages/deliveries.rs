//! `/deliveries`: what other systems were told, with every attempt at it, and once more on demand.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    Page, day_and_time,
    filters::{address, filled, one_of},
    jobs::sections,
    sentence,
};
use crate::{
    http::{
        AppState, HttpError, access::Viewer, call_file::sid, deliveries::again, error::Params,
        paging,
    },
    ids::CallSid,
    store::{DeliveryAttempt, DeliveryState, Scope, ToldDelivery, WhichDeliveries},
};

const DELIVERIES: u32 = 50;

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    state: Option<String>,
    call: Option<String>,
    cursor: Option<String>,
}

impl Asked {
    fn address(&self, state: Option<&str>, cursor: Option<&str>) -> String {
        let call = filled(self.call.as_ref());
        let fields = [("state", state), ("call", call), ("cursor", cursor)];
        address("/deliveries", &fields)
    }
}

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
    viewer: Viewer,
) -> Result<Page, HttpError> {
    let may_tend = viewer.may(Scope::JobsWrite);
    let which = WhichDeliveries {
        call: filled(asked.call.as_ref()).map(sid).transpose()?,
        state: one_of(asked.state.as_ref(), "state")?,
    };
    let cursor = paging::cursor(filled(asked.cursor.as_ref()))?;
    let (page, next) = state.store.deliveries(&which, cursor, DELIVERIES).await?;
    let shown = filled(asked.state.as_ref());
    let content = html! {
        h1 { "Deliveries" }
        (sections("/deliveries"))
        nav.choices aria-label="Which deliveries" {
            @for (value, name) in [(None, "All"), (Some("dead"), "Failed"), (Some("waiting"), "Waiting"), (Some("delivered"), "Delivered")] {
                a href=(asked.address(value, None)) aria-current=[(shown == value).then_some("true")] { (name) }
            }
        }
        div #deliveries {
            @if page.is_empty() {
                div.first { p { (nothing(&asked)) } }
            } @else {
                ul.jobs { @for told in &page { (row(told, may_tend)) } }
            }
            nav.pager aria-label="Pages" {
                @if cursor.is_some() { a href=(asked.address(shown, None)) { "Newest deliveries" } } @else { span {} }
                @if let Some(next) = &next { a rel="next" href=(asked.address(shown, Some(next))) { "Older deliveries" } }
            }
        }
    };
    Ok(Page::new("Deliveries", "jobs", content))
}

fn nothing(asked: &Asked) -> &'static str {
    if filled(asked.state.as_ref()).is_some() || filled(asked.call.as_ref()).is_some() {
        "No delivery is like that."
    } else {
        "Nothing was delivered yet. Who is told of calls stands in the configuration (webhooks.targets)."
    }
}

fn row(told: &ToldDelivery, may_tend: bool) -> Markup {
    let delivery = &told.delivery;
    let (class, name) = match delivery.state {
        DeliveryState::Waiting => ("finishing", "Waiting"),
        DeliveryState::Delivered => ("final", "Delivered"),
        DeliveryState::Dead => ("failed", "Failed"),
    };
    html! {
        li.job.(delivery.state) data-id=(delivery.id) {
            div.line {
                span class={ "badge " (class) } { (name) }
                strong { (delivery.event) " to " bdi { (delivery.target) } }
                span.when { (day_and_time(delivery.created_at)) }
            }
            p.quiet {
                (about(&delivery.call))
                @if let Some(source) = &told.source { " · transcript: " (source) }
                @if let Some(why) = &told.why { ", " (why) }
            }
            @if let Some(why) = &delivery.reason { p.why dir="auto" { (sentence(why)) } }
            @if !told.attempts.is_empty() { (attempts(&told.attempts)) }
            @if may_tend {
                form method="post" action={ "/deliveries/" (delivery.id) "/redeliver" } data-api={ "/api/v1/deliveries/" (delivery.id) "/redeliver" } {
                    button { "Send again" }
                }
            }
        }
    }
}

/// Alerts may be about what is no call.
fn about(call: &CallSid) -> Markup {
    html! { "About " a href={ "/calls/" (call) } { bdi { (call) } } }
}

fn attempts(attempts: &[DeliveryAttempt]) -> Markup {
    html! {
        details {
            summary { (attempts.len()) @if attempts.len() == 1 { " attempt" } @else { " attempts" } }
            ol.attempts {
                @for one in attempts {
                    li value=(one.number) {
                        (day_and_time(one.started_at)) ", " (one.took_ms) " ms"
                        @if let Some(status) = one.http_status { ", answer " (status) }
                        @if let Some(error) = &one.error { ": " span.bad dir="auto" { (error) } } @else { ": taken" }
                    }
                }
            }
        }
    }
}

pub(in crate::http) async fn redeliver(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    again(&state, &id).await?;
    Ok(Redirect::to("/deliveries").into_response())
}

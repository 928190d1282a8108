//! `/leads/{id}`: one lead, from its ring to what its call meant; its status and notes are edited here.
//!
//! The card is kept up to date by the leads' events. Jobs may run in another process, of whose work the
//! hub of this one hears nothing; so the page also asks again every few seconds while something is awaited.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Page, clock, day_and_time, sentence};
use crate::{
    http::{
        AppState, HttpError,
        access::Viewer,
        call_file::CallFile,
        error::Sent,
        leads::{apply, no_lead},
    },
    store::{CallState, Changed, Lead, LeadChange, LeadStatus, Scope, SeenLead},
    wire::webhook::CallStatus,
};

/// A lead that is not settled by then is not watched for any more.
const AWAITED_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Why a lead that a person called failed has.
const BY_HAND: &str = "set by hand";

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
    viewer: Viewer,
) -> Result<Page, HttpError> {
    let position = state.hub.leads_position();
    let lead = state.store.lead(&id).await?.ok_or_else(no_lead)?;
    let edited = viewer.may(Scope::LeadsWrite).then(|| Edited::of(&lead));
    page(&state, &lead, edited.as_ref(), position).await
}

/// What stands in the form.
struct Edited {
    notes: String,
    status: LeadStatus,
    /// Somebody else was faster.
    meanwhile: bool,
}

impl Edited {
    fn of(lead: &Lead) -> Self {
        Self {
            notes: lead.notes.clone(),
            status: lead.status,
            meanwhile: false,
        }
    }
}

#[derive(Deserialize)]
pub(in crate::http) struct Form {
    notes: String,
    status: LeadStatus,
    seen_notes: String,
    seen_status: LeadStatus,
}

/// The form without a script: only what the person changed is written, and only over what they saw.
pub(in crate::http) async fn change(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Sent(form): Sent<Form>,
) -> Result<Response, HttpError> {
    let is_noted = form.notes != form.seen_notes;
    let is_moved = form.status != form.seen_status;
    let change = LeadChange {
        notes: is_noted.then(|| form.notes.clone()),
        status: is_moved.then_some(form.status),
        seen: SeenLead {
            notes: is_noted.then_some(form.seen_notes),
            status: is_moved.then_some(form.seen_status),
        },
    };
    match apply(&state, &id, change).await? {
        Changed::Unknown => Err(no_lead()),
        Changed::Done(_) => Ok(Redirect::to(&format!("/leads/{id}#edit")).into_response()),
        Changed::Meanwhile(lead) => {
            let edited = Edited {
                notes: form.notes,
                status: if is_moved { form.status } else { lead.status },
                meanwhile: true,
            };
            let position = state.hub.leads_position();
            let page = page(&state, &lead, Some(&edited), position).await?;
            Ok((StatusCode::CONFLICT, page).into_response())
        }
    }
}

async fn page(
    state: &AppState,
    lead: &Lead,
    edited: Option<&Edited>,
    position: u64,
) -> Result<Page, HttpError> {
    let file = match lead.call_state {
        Some(_) => Some(CallFile::load(state, &lead.call, None).await?),
        None => None,
    };
    let pending = is_pending(lead, state.clock.wall());
    let here = format!("/leads/{}", lead.id);
    let content = html! {
        div.head {
            p.back { a href="/leads" { "All leads" } }
            a #refresh.button href=(here) { "Refresh" }
        }
        section #card.card.(lead.status) data-pending[pending] {
            h1 { (names(lead)) }
            p.state { (badge(lead)) (day_and_time(lead.created_at)) }
            (stage(lead))
            (meaning(lead))
            (facts(lead))
        }
        @match edited {
            Some(edited) => (edit(lead, edited)),
            None => (noted(lead)),
        }
        (said(lead, file.as_ref()))
    };
    let title = match other_side(lead) {
        Some(number) => format!("Lead {number}"),
        None => "Lead".to_owned(),
    };
    Ok(Page::new(title, "lead", content).at(position))
}

fn edit(lead: &Lead, edited: &Edited) -> Markup {
    html! {
        section #edit data-lead=(lead.id) {
            h2 { "Status and notes" }
            p #theirs.banner role="alert" hidden[!edited.meanwhile] {
                @if edited.meanwhile {
                    "Somebody else changed this lead meanwhile; nothing of yours is lost, and nothing of theirs. The status is now “"
                    (label(lead.status)) "”, and the notes are: “" bdi { (lead.notes) } "”. Save again to put yours in their place."
                }
            }
            form method="post" action={ "/leads/" (lead.id) } {
                input type="hidden" name="seen_status" value=(lead.status);
                input type="hidden" name="seen_notes" value=(lead.notes);
                label { "Status"
                    select name="status" {
                        @for one in LeadStatus::ALL { option value=(one) selected[one == edited.status] { (label(one)) } }
                    }
                }
                // A line break right after the tag is no part of the text.
                label { "Notes" textarea name="notes" rows="4" dir="auto" maxlength="10000" { "\n" (edited.notes) } }
                div.buttons { button { "Save" } span #saved role="status" {} }
            }
        }
    }
}

/// For who may read and not write.
fn noted(lead: &Lead) -> Markup {
    html! {
        section #edit {
            @if !lead.notes.is_empty() {
                h2 { "Notes" }
                p.noted dir="auto" { (lead.notes) }
            }
        }
    }
}

fn said(lead: &Lead, file: Option<&CallFile>) -> Markup {
    html! {
        section #said {
            @if let Some(file) = file {
                div.head {
                    h2 { "What was said" }
                    a href={ "/calls/" (lead.call) } {
                        @if file.call.state == CallState::Live { "Follow the call" } @else { "The call, with its recordings" }
                    }
                }
                @if file.transcript.segments.is_empty() {
                    p.quiet { @if is_over(lead) { "No words." } @else { "Nothing has been said yet." } }
                } @else {
                    ol.words {
                        @for segment in &file.transcript.segments {
                            li.(segment.track) {
                                span.who { bdi { (segment.label()) } " " span.at { (clock(segment.start)) } }
                                p dir="auto" { (segment.text) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn facts(lead: &Lead) -> Markup {
    html! {
        details {
            summary { "About this lead" }
            dl {
                dt { "Rang" } dd { (day_and_time(lead.created_at)) }
                @if let Some(at) = lead.ended_at { dt { "Ended" } dd { (day_and_time(at)) } }
                @if let Some(seconds) = lead.duration_s { dt { "Length" } dd { (seconds) " s" } }
                @if let Some(status) = lead.call_status { dt { "The provider says" } dd { (status.as_str()) } }
                @if let Some(direction) = &lead.direction { dt { "Direction" } dd { (direction) } }
                @for (name, value) in &lead.details { dt { bdi { (name) } } dd dir="auto" { (value) } }
                dt { "Call id" } dd { code { (lead.call) } }
            }
        }
    }
}

/// Who rang whom.
pub(super) fn names(lead: &Lead) -> Markup {
    html! {
        @match (&lead.from, &lead.to) {
            (Some(from), Some(to)) => { bdi { (from) } " → " bdi { (to) } },
            (Some(one), None) | (None, Some(one)) => { bdi { (one) } },
            (None, None) => { bdi { (lead.call) } },
        }
    }
}

fn other_side(lead: &Lead) -> Option<&String> {
    let outbound = lead
        .direction
        .as_ref()
        .is_some_and(|direction| direction.starts_with("outbound"));
    if outbound {
        lead.to.as_ref()
    } else {
        lead.from.as_ref()
    }
}

pub(super) const fn label(status: LeadStatus) -> &'static str {
    match status {
        LeadStatus::New => "New",
        LeadStatus::Processed => "Processed",
        LeadStatus::Failed => "Failed",
    }
}

pub(super) fn badge(lead: &Lead) -> Markup {
    let class = match lead.status {
        LeadStatus::New => "finishing",
        LeadStatus::Processed => "final",
        LeadStatus::Failed => "failed",
    };
    html! { span class={ "badge " (class) } { (label(lead.status)) } }
}

/// Something is still to come, by itself.
pub(super) fn is_pending(lead: &Lead, now: Timestamp) -> bool {
    let is_recent = now.duration_since(lead.created_at) < AWAITED_FOR;
    is_recent && (lead.status == LeadStatus::New || lead.call_state == Some(CallState::Finishing))
}

fn is_over(lead: &Lead) -> bool {
    match lead.call_state {
        Some(state) => state != CallState::Live,
        None => lead.ended_at.is_some(),
    }
}

/// What is awaited, or why nothing is.
pub(super) fn stage(lead: &Lead) -> Markup {
    let waits_for = match (lead.status, lead.call_state, lead.call_status) {
        (LeadStatus::Processed, ..) => return html! {},
        (LeadStatus::Failed, ..) => {
            let why = match lead.reason.as_deref() {
                None | Some(BY_HAND) => "Somebody called this lead failed".to_owned(),
                Some(why) => why.to_owned(),
            };
            return html! { p.why dir="auto" { (sentence(&why)) } };
        }
        (_, Some(CallState::Live), _) => "The call goes on.",
        (_, Some(CallState::Finishing), _) => "The call is over; its transcript is being made.",
        (_, Some(_), _) => "The transcript is there; what it means is being looked for.",
        (_, None, _) if lead.ended_at.is_some() => "The call is over; its recording is awaited.",
        (_, None, Some(CallStatus::InProgress)) => "Somebody answered; the call goes on.",
        (_, None, _) => "It rings.",
    };
    html! { p.waits { span.spinner aria-hidden="true" {} (waits_for) } }
}

/// What the call meant. All of it is words of people or of a model: text, never markup.
pub(super) fn meaning(lead: &Lead) -> Markup {
    let Some(log) = &lead.log else {
        return html! {};
    };
    let text = |name: &str| {
        let summary = log.summary.as_ref()?;
        summary.get(name)?.as_str().filter(|text| !text.is_empty())
    };
    let points = log
        .summary
        .as_ref()
        .and_then(|s| s.get("points")?.as_array());
    let points = points.into_iter().flatten().filter_map(|p| p.as_str());
    let points: Vec<&str> = points.filter(|point| !point.is_empty()).collect();
    let facts = [("Service", &log.service), ("City", &log.city)];
    html! {
        div.gist {
            @if let Some(title) = text("title") { p.title dir="auto" { (title) } }
            @if !points.is_empty() { ul { @for point in points { li dir="auto" { (point) } } } }
            dl {
                @for (name, value) in facts {
                    @if let Some(value) = value { div { dt { (name) } dd { bdi { (value) } } } }
                }
                @if let Some(of_1000) = log.confidence { div { dt { "Confidence" } dd { (of_1000 / 10) " %" } } }
            }
        }
    }
}

//! `GET /api/v1/leads`, and `GET` and `PATCH /api/v1/leads/{id}`.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    AppState, HttpError,
    error::Params,
    paging::{PAGE, limit},
};
use crate::{
    ids::CallSid,
    live::hub::LeadNews,
    store::{Changed, Lead, LeadChange, LeadFilter, LeadLog, LeadStatus, SeenLead},
    wire::webhook::CallStatus,
};

/// Characters of the notes on one lead.
const LONGEST_NOTES: usize = 10_000;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Asked {
    /// That of one call.
    call_sid: Option<CallSid>,
    /// Of the other side, as the provider writes it: `+972…`.
    phone: Option<String>,
    /// `new`, `processed` or `failed`.
    status: Option<LeadStatus>,
    /// Rang at this moment or later.
    since: Option<jiff::Timestamp>,
    /// Rang before this moment.
    until: Option<jiff::Timestamp>,
    /// Somewhere in the notes, the summary, the service or the city.
    text: Option<String>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: u32,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            call_sid: None,
            phone: None,
            status: None,
            since: None,
            until: None,
            text: None,
            cursor: None,
            limit: PAGE,
        }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Leads)]
struct PageJson<'a> {
    leads: Vec<LeadJson<'a>>,
    /// Ask for it as `cursor`; null on the last page.
    next: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Lead)]
struct LeadJson<'a> {
    id: &'a str,
    call_sid: &'a CallSid,
    account_sid: Option<&'a str>,
    from: Option<&'a str>,
    to: Option<&'a str>,
    direction: Option<&'a str>,
    /// What else the provider said.
    details: &'a std::collections::BTreeMap<String, String>,
    /// The provider's word for the call.
    call_status: Option<&'a str>,
    status: LeadStatus,
    reason: Option<&'a str>,
    notes: &'a str,
    /// Seconds, by the provider's count.
    duration: Option<u32>,
    /// Where its call and transcript are had; null while there is no stream or recording of it.
    call: Option<String>,
    transcript: Option<String>,
    summary: Option<&'a serde_json::Value>,
    service: Option<&'a str>,
    city: Option<&'a str>,
    /// 0 to 1.
    confidence: Option<f64>,
    language: Option<&'a str>,
    /// `on_box` or `model`.
    understood_by: Option<&'a str>,
    understood_at: Option<jiff::Timestamp>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
    ended_at: Option<jiff::Timestamp>,
}

/// Leads, newest first, with what their calls meant.
#[utoipa::path(
    get, path = "/api/v1/leads", tag = "Leads",
    params(Asked),
    responses((status = 200, description = "A page of leads.", body = PageJson), (status = 400, description = "`bad_request`: limit: 1 to 200"),),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let limit = limit(asked.limit)?;
    let cursor = asked.cursor.as_deref().map(str::parse).transpose()?;
    let filter = LeadFilter {
        call: asked.call_sid,
        phone: asked.phone.as_deref().map(number),
        status: asked.status,
        since: asked.since,
        until: asked.until,
        text: asked.text,
    };
    let page = state.store.leads(&filter, cursor.as_ref(), limit).await?;
    let body = PageJson {
        leads: page.leads.iter().map(json).collect(),
        next: page.next.map(|cursor| cursor.to_string()),
    };
    Ok(Json(body).into_response())
}

/// A plus that was not escaped has become a space.
pub(super) fn number(phone: &str) -> String {
    match phone.strip_prefix(' ') {
        Some(rest) => format!("+{rest}"),
        None => phone.to_owned(),
    }
}

/// One lead.
#[utoipa::path(
    get, path = "/api/v1/leads/{id}", tag = "Leads",
    params(("id" = String, Path, description = "The lead's id.")),
    responses((status = 200, description = "The lead.", body = LeadJson), (status = 404, description = "`not_found`: there is no lead of this id"),),
)]
pub(super) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let lead = state.store.lead(&id).await?.ok_or_else(no_lead)?;
    Ok(Json(json(&lead)).into_response())
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = LeadChange)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    notes: Option<String>,
    status: Option<LeadStatus>,
    /// What of it was seen before: where that is another by now, nothing is changed and the answer is 409.
    #[serde(default)]
    seen: Seen,
}

#[derive(Default, Deserialize, utoipa::ToSchema)]
#[schema(as = SeenLead)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Seen {
    notes: Option<String>,
    status: Option<LeadStatus>,
}

/// Changes notes, status, or both.
///
/// With `seen`, only where what was seen is what stands still.
#[utoipa::path(
    patch, path = "/api/v1/leads/{id}", tag = "Leads",
    params(("id" = String, Path, description = "The lead's id.")),
    request_body(content = Change, example = json!({ "notes": "Called back.", "status": "processed", "seen": { "status": "new" } })),
    responses((status = 200, description = "The lead as it is now.", body = LeadJson), (status = 400, description = "`bad_request`: notes: 10000 characters at most"), (status = 404, description = "`not_found`: there is no lead of this id"), (status = 409, description = "`changed_meanwhile`: somebody else changed this lead meanwhile: read it anew"), (status = 413, description = "`bad_request`: the body is too long"), (status = 415, description = "`bad_request`: the body is not JSON"), (status = 422, description = "`bad_request`: the body is not a change of a lead"),),
)]
pub(super) async fn change(
    State(state): State<AppState>,
    Path(id): Path<String>,
    change: Result<Json<Change>, JsonRejection>,
) -> Result<Response, HttpError> {
    let Json(change) = change.map_err(|rejection| {
        HttpError::new(rejection.status(), "bad_request", rejection.body_text())
    })?;
    let change = LeadChange {
        notes: change.notes,
        status: change.status,
        seen: SeenLead {
            notes: change.seen.notes,
            status: change.seen.status,
        },
    };
    match apply(&state, &id, change).await? {
        Changed::Unknown => Err(no_lead()),
        Changed::Done(lead) => Ok(Json(json(&lead)).into_response()),
        Changed::Meanwhile(_) => Err(HttpError::new(
            StatusCode::CONFLICT,
            "changed_meanwhile",
            "somebody else changed this lead meanwhile: read it anew",
        )),
    }
}

/// Makes a change that is not too long, and tells those who watch.
pub(super) async fn apply(
    state: &AppState,
    id: &str,
    mut change: LeadChange,
) -> Result<Changed, HttpError> {
    // Forms end their lines as the network does, scripts do not: one way, so that they compare.
    for notes in [&mut change.notes, &mut change.seen.notes] {
        *notes = notes.take().map(|text| text.replace("\r\n", "\n"));
    }
    let length = |notes: &String| notes.chars().count();
    if change.notes.as_ref().map_or(0, length) > LONGEST_NOTES {
        return Err(HttpError::bad_request(format!(
            "notes: {LONGEST_NOTES} characters at most"
        )));
    }
    let now = state.clock.wall();
    let changed = state.store.change_lead(id, &change, now).await?;
    if let Changed::Done(lead) = &changed {
        state.hub.publish_lead(&lead.call, LeadNews::Changed);
    }
    Ok(changed)
}

pub(super) fn no_lead() -> HttpError {
    HttpError::not_found("there is no lead of this id")
}

fn json(lead: &Lead) -> LeadJson<'_> {
    let log = lead.log.as_ref();
    let call = lead
        .call_state
        .map(|_| format!("/api/v1/calls/{}", lead.call));
    LeadJson {
        id: &lead.id,
        call_sid: &lead.call,
        account_sid: lead.account_sid.as_deref(),
        from: lead.from.as_deref(),
        to: lead.to.as_deref(),
        direction: lead.direction.as_deref(),
        details: &lead.details,
        call_status: lead.call_status.map(CallStatus::as_str),
        status: lead.status,
        reason: lead.reason.as_deref(),
        notes: &lead.notes,
        duration: lead.duration_s,
        transcript: call.as_ref().map(|call| format!("{call}/transcript")),
        call,
        summary: log.and_then(|log| log.summary.as_ref()),
        service: log.and_then(|log| log.service.as_deref()),
        city: log.and_then(|log| log.city.as_deref()),
        confidence: log.and_then(of_one),
        language: log.and_then(|log| log.language.as_deref()),
        understood_by: log.map(|log| log.path.as_str()),
        understood_at: log.map(|log| log.updated_at),
        created_at: lead.created_at,
        updated_at: lead.updated_at,
        ended_at: lead.ended_at,
    }
}

fn of_one(log: &LeadLog) -> Option<f64> {
    log.confidence.map(|of_1000| f64::from(of_1000) / 1000.0)
}

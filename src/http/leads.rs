//! `GET /api/v1/leads`, and `GET` and `PATCH /api/v1/leads/{id}`.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    AppState, HttpError,
    error::Params,
    paging::{PAGE, limit},
    ring,
};
use crate::{
    ids::CallSid,
    people::link::Ends,
    store::{Lead, LeadChange, LeadFilter, LeadLog, LeadStatus},
    wire::webhook::CallStatus,
};

/// Characters of the notes on one lead.
const LONGEST_NOTES: usize = 10_000;

#[derive(Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    call_sid: Option<CallSid>,
    /// Of the other side, as the provider writes it: `+972…`.
    phone: Option<String>,
    /// `new`, `processed` or `failed`.
    status: Option<LeadStatus>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200.
    limit: u32,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            call_sid: None,
            phone: None,
            status: None,
            cursor: None,
            limit: PAGE,
        }
    }
}

#[derive(Serialize)]
struct PageJson<'a> {
    leads: Vec<LeadJson<'a>>,
    /// Ask for it as `cursor`; null on the last page.
    next: Option<String>,
}

#[derive(Serialize)]
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

/// While the phone rings, too.
#[derive(Serialize)]
struct OneJson<'a> {
    #[serde(flatten)]
    lead: LeadJson<'a>,
    /// Who has the number, and what to know of him; null where nobody has, or several.
    customer: Option<ring::Known>,
}

/// Leads, newest first.
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
    };
    let page = state.store.leads(&filter, cursor.as_ref(), limit).await?;
    let body = PageJson {
        leads: page.leads.iter().map(json).collect(),
        next: page.next.map(|cursor| cursor.to_string()),
    };
    Ok(Json(body).into_response())
}

/// A plus that was not escaped has become a space.
fn number(phone: &str) -> String {
    match phone.strip_prefix(' ') {
        Some(rest) => format!("+{rest}"),
        None => phone.to_owned(),
    }
}

pub(super) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let lead = state.store.lead(&id).await?.ok_or_else(no_lead)?;
    let ends = Ends {
        from: lead.from.as_deref(),
        to: lead.to.as_deref(),
        direction: lead.direction.as_deref(),
    };
    let customer = ring::at_the_ring(&state, &ends, lead.created_at).await?;
    let lead = json(&lead);
    Ok(Json(OneJson { lead, customer }).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    notes: Option<String>,
    status: Option<LeadStatus>,
}

/// Changes notes, status, or both; the lead as it is then.
pub(super) async fn change(
    State(state): State<AppState>,
    Path(id): Path<String>,
    change: Result<Json<Change>, JsonRejection>,
) -> Result<Response, HttpError> {
    let Json(change) = change.map_err(|rejection| {
        HttpError::new(rejection.status(), "bad_request", rejection.body_text())
    })?;
    let length = change
        .notes
        .as_ref()
        .map_or(0, |notes| notes.chars().count());
    if length > LONGEST_NOTES {
        return Err(HttpError::bad_request(format!(
            "notes: {LONGEST_NOTES} characters at most"
        )));
    }
    let change = LeadChange {
        notes: change.notes,
        status: change.status,
    };
    let now = state.clock.wall();
    let lead = state.store.change_lead(&id, &change, now).await?;
    Ok(Json(json(&lead.ok_or_else(no_lead)?)).into_response())
}

fn no_lead() -> HttpError {
    HttpError::not_found("there is no lead of this id")
}

fn json(lead: &Lead) -> LeadJson<'_> {
    let log = lead.log.as_ref();
    let call = lead
        .has_call
        .then(|| format!("/api/v1/calls/{}", lead.call));
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

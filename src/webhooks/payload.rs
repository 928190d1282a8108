//! The JSON that goes out: the fields of the old system, ids, and a version.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{
    store::{CallFacts, Event, LeadFacts, LogFacts},
    transcript::Document,
};

use super::choice::{Candidate, Choice};

/// Grows when a field changes its meaning or goes; not when one is added.
pub const SCHEMA_VERSION: u32 = 1;

/// Null where nothing is known.
#[derive(Serialize)]
struct Body<'a> {
    event: &'static str,
    schema_version: u32,
    delivery_id: &'a str,
    /// The provider's id of the call.
    call_sid: &'a str,
    lead_id: Option<&'a str>,
    /// The call's id in the API: the provider's.
    call_id: &'a str,
    /// The other side's number: of whoever called, or was called by us.
    phone: Option<&'a str>,
    transcript: Option<&'a str>,
    /// A title, and its points on lines of their own.
    summary: Option<String>,
    city: Option<&'a str>,
    service_category: Option<&'a str>,
    customer_name: Option<&'a str>,
    preferred_time: Option<&'a str>,
    duration_sec: Option<i64>,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    /// Only where there is no transcript: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// What one target is told, to the byte.
#[must_use]
pub fn body(event: Event, delivery_id: &str, facts: &CallFacts, choice: &Choice) -> String {
    let (lead, call, log) = (facts.lead.as_ref(), facts.call.as_ref(), facts.log.as_ref());
    let (started_at, ended_at) = (started_at(facts), ended_at(facts));
    let body = Body {
        event: event.as_str(),
        schema_version: SCHEMA_VERSION,
        delivery_id,
        call_sid: facts.sid.as_str(),
        lead_id: lead.map(|lead| lead.id.as_str()),
        call_id: facts.sid.as_str(),
        phone: phone(facts),
        transcript: choice.text.as_deref(),
        summary: log.and_then(|log| summary(&log.summary)),
        city: log.and_then(|log| log.city.as_deref()),
        service_category: log.and_then(|log| log.service.as_deref()),
        customer_name: log.and_then(|log| insight(log, "customer_name")),
        preferred_time: log.and_then(|log| insight(log, "preferred_time")),
        duration_sec: lead
            .and_then(|lead| lead.duration_s)
            .or_else(|| call.map(|call| seconds(call.duration.as_ms())))
            .or_else(|| Some(ended_at?.as_second() - started_at?.as_second())),
        started_at,
        ended_at,
        reason: Some(choice.reason.as_str()).filter(|_| choice.text.is_none()),
    };
    // Its keys are strings, so it cannot fail.
    serde_json::to_string(&body).unwrap_or_default()
}

/// When it rang, or the first stream began.
#[must_use]
pub fn started_at(facts: &CallFacts) -> Option<Timestamp> {
    let lead = facts.lead.as_ref().map(|lead| lead.created_at);
    let call = facts.call.as_ref().map(|call| call.started_at);
    lead.into_iter().chain(call).min()
}

/// When the provider said that it ended, or the last stream did.
#[must_use]
pub fn ended_at(facts: &CallFacts) -> Option<Timestamp> {
    let lead = facts.lead.as_ref().and_then(|lead| lead.ended_at);
    lead.or_else(|| facts.call.as_ref().and_then(|call| call.ended_at))
}

/// A transcript as it goes out: a line an utterance, with who spoke where there are several.
#[must_use]
pub fn candidate(version: u32, document: &Document) -> Candidate {
    let segments = &document.segments;
    let first = segments.first().map(|segment| segment.label());
    let several = segments
        .iter()
        .any(|segment| Some(segment.label()) != first);
    let lines: Vec<String> = segments
        .iter()
        .map(|segment| match (several, segment.text.trim()) {
            (true, text) => format!("{}: {text}", segment.label()),
            (false, text) => text.to_owned(),
        })
        .collect();
    let said: Vec<&str> = segments.iter().map(|s| s.text.trim()).collect();
    Candidate {
        version,
        text: lines.join("\n"),
        characters: said.join(" ").trim().chars().count(),
    }
}

fn phone(facts: &CallFacts) -> Option<&str> {
    let (from, to, direction) = match (&facts.lead, &facts.call) {
        (
            Some(LeadFacts {
                from,
                to,
                direction,
                ..
            }),
            _,
        ) if from.is_some() => (from, to, direction),
        (_, Some(call)) => (&call.from, &call.to, &call.direction),
        (Some(lead), None) => (&lead.from, &lead.to, &lead.direction),
        (None, None) => return None,
    };
    let is_outbound = direction
        .as_deref()
        .is_some_and(|d| d.starts_with("outbound"));
    if is_outbound { to } else { from }.as_deref()
}

fn summary(summary: &Value) -> Option<String> {
    if let Some(text) = summary.as_str() {
        return Some(text.to_owned());
    }
    let title = summary["title"].as_str().unwrap_or_default();
    let points = summary["points"].as_array().into_iter().flatten();
    let points = points
        .filter_map(Value::as_str)
        .map(|point| format!("- {point}"));
    let lines: Vec<String> = std::iter::once(title.to_owned())
        .chain(points)
        .filter(|line| !line.is_empty())
        .collect();
    Some(lines.join("\n")).filter(|text| !text.is_empty())
}

fn insight<'a>(log: &'a LogFacts, name: &str) -> Option<&'a str> {
    log.insights[name]
        .as_str()
        .filter(|text| !text.trim().is_empty())
}

fn seconds(ms: u64) -> i64 {
    i64::try_from((ms + 500) / 1000).unwrap_or(i64::MAX)
}

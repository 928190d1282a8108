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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        ids::Track,
        store::testing::{at, call_sid, said},
        time::MediaTime,
    };

    fn facts() -> CallFacts {
        CallFacts {
            sid: call_sid("CA1"),
            lead: Some(LeadFacts {
                id: "L1".into(),
                direction: Some("inbound".into()),
                from: Some("+15550123".into()),
                to: Some("+15550100".into()),
                call_status: None,
                status: "new".into(),
                reason: None,
                duration_s: None,
                created_at: at(0),
                ended_at: None,
            }),
            call: None,
            log: None,
            recordings: vec![],
            pending: None,
            told: None,
        }
    }

    fn choice(text: Option<&str>) -> Choice {
        Choice {
            version: 1,
            source: "live",
            text: text.map(Into::into),
            reason: "for the test".into(),
        }
    }

    fn json(facts: &CallFacts, choice: &Choice) -> Value {
        serde_json::from_str(&body(Event::Completed, "D1", facts, choice)).unwrap()
    }

    #[test]
    fn the_fields_are_these_and_null_where_nothing_is_known() {
        let said = json(&facts(), &choice(Some("hello")));
        let expected = json!({
            "event": "call.completed", "schema_version": 1, "delivery_id": "D1", "call_sid": "CA1",
            "lead_id": "L1", "call_id": "CA1", "phone": "+15550123", "transcript": "hello",
            "summary": null, "city": null, "service_category": null, "customer_name": null,
            "preferred_time": null, "duration_sec": null, "started_at": at(0), "ended_at": null,
        });
        assert_eq!(said, expected);
        let silent = json(&facts(), &choice(None));
        assert_eq!(
            (&silent["transcript"], &silent["reason"]),
            (&json!(null), &json!("for the test"))
        );
        let nobody = CallFacts {
            lead: None,
            ..facts()
        };
        assert_eq!(json(&nobody, &choice(None))["phone"], json!(null));
    }

    #[test]
    fn the_phone_is_the_other_sides_and_the_length_what_is_known() {
        for (direction, phone) in [
            ("inbound", "+15550123"),
            ("outbound", "+15550100"),
            ("outbound-api", "+15550100"),
            ("outbound-dial", "+15550100"),
        ] {
            let mut facts = facts();
            let lead = facts.lead.as_mut().unwrap();
            lead.direction = Some(direction.into());
            lead.ended_at = Some(at(42));
            let said = json(&facts, &choice(None));
            assert_eq!(
                (&said["phone"], &said["duration_sec"]),
                (&json!(phone), &json!(42))
            );
        }
    }

    #[test]
    fn a_summary_is_text() {
        for (stored, expected) in [
            (
                json!({"title": "A lock", "points": ["in Haifa", "today"]}),
                Some("A lock\n- in Haifa\n- today"),
            ),
            (json!({"title": "A lock", "points": []}), Some("A lock")),
            (json!({"title": "", "points": [1]}), None),
            (json!("plain"), Some("plain")),
            (json!(null), None),
        ] {
            assert_eq!(summary(&stored).as_deref(), expected, "{stored}");
        }
    }

    #[test]
    fn speakers_are_named_where_there_are_several() {
        let document = |segments| Document {
            duration: MediaTime::ZERO,
            language: None,
            model: None,
            segments,
            coverage: vec![],
        };
        let mut answer = said(Track::Outbound, 3, " Shalom. ");
        answer.speaker = Some("Dana".into());
        let question = said(Track::Inbound, 0, "Hello?");
        let both = candidate(2, &document(vec![question.clone(), answer]));
        assert_eq!(both.text, "Inbound: Hello?\nDana: Shalom.");
        assert_eq!((both.version, both.characters), (2, "Hello? Shalom.".len()));
        let one = candidate(2, &document(vec![question]));
        assert_eq!((one.text.as_str(), one.characters), ("Hello?", 6));
        assert_eq!(candidate(2, &document(vec![])).characters, 0);
    }
}

//! A line for a shell, an operation: it asks this server, of things that it has.

use axum::http::{HeaderMap, header};
use serde_json::Value;

use super::{NAME, fields, list, text};
use crate::{
    http::{AppState, HttpError},
    store::{BookingFilter, CustomerFilter, LeadFilter, Which, WhichDeliveries, WhichJobs},
};

/// Whom the lines ask, and of what.
pub(super) struct Caller {
    scheme: &'static str,
    host: String,
    sends_token: bool,
    call: String,
    lead: String,
    job: String,
    delivery: String,
    customer: String,
    booking: String,
    file: String,
}

impl Caller {
    pub(super) async fn of(state: &AppState, headers: &HeaderMap) -> Result<Self, HttpError> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        // It is pasted into a shell.
        let is_plain = |host: &&str| {
            host.chars()
                .all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c))
        };
        let host = header("host").filter(is_plain).unwrap_or("localhost:8080");
        let is_secure = header("x-forwarded-proto") == Some("https");
        let store = &state.store;
        let mut calls = store.calls(Which::Ended, None, 1).await?.calls;
        if calls.is_empty() {
            calls = store.calls(Which::All, None, 1).await?.calls;
        }
        let call = calls.first().map(|call| call.sid.to_string());
        let lead = store.leads(&LeadFilter::default(), None, 1).await?.leads;
        let (jobs, _) = store.queued_jobs(&WhichJobs::default(), None, 1).await?;
        let (deliveries, _) = store
            .deliveries(&WhichDeliveries::default(), None, 1)
            .await?;
        let customers = CustomerFilter::default();
        let (customers, _) = store.customers(&customers, None, 1).await?;
        let bookings = BookingFilter::default();
        let (bookings, _) = store.bookings(&bookings, None, 1).await?;
        let (files, _) = store.files(None, 1).await?;
        let or_name = |id: Option<String>, name: &str| id.unwrap_or_else(|| name.to_owned());
        Ok(Self {
            scheme: if is_secure { "https" } else { "http" },
            host: host.to_owned(),
            sends_token: headers.contains_key(header::COOKIE),
            call: or_name(call, "CA0123456789abcdef0123456789abcdef"),
            lead: or_name(lead.first().map(|lead| lead.id.clone()), "LEAD"),
            job: or_name(jobs.first().map(|job| job.id.clone()), "JOB"),
            delivery: or_name(
                deliveries.first().map(|one| one.delivery.id.clone()),
                "DELIVERY",
            ),
            customer: or_name(customers.first().map(|one| one.id.clone()), "CUSTOMER"),
            booking: or_name(bookings.first().map(|one| one.id.clone()), "BOOKING"),
            file: or_name(files.first().map(|one| one.call.to_string()), "FILE"),
        })
    }

    pub(super) fn line(&self, method: &str, path: &str, operation: &Value) -> String {
        let mut path = self.filled(path);
        if operation["responses"].get("101").is_some() {
            let scheme = self.scheme.replace("http", "ws");
            return format!(
                "callscribe replay FILE.wav --url {scheme}://{}{path}",
                self.host
            );
        }
        let parameters = list(&operation["parameters"]);
        if parameters.iter().any(|each| each["name"] == "dry_run") {
            path.push_str("?dry_run=true");
        }
        let mut line = "curl".to_owned();
        let answers = &operation["responses"]["200"]["content"];
        let is = |kind: &str| answers.get(kind).is_some();
        if is("text/event-stream") {
            line.push_str(" -N");
        }
        let files = [
            ("audio/wav", "recording.wav"),
            ("image/svg+xml", "waveform.svg"),
            ("image/png", "spectrogram.png"),
        ];
        if let Some((_, file)) = files.into_iter().find(|(kind, _)| is(kind)) {
            line.push_str(&format!(" -o {file}"));
        }
        if method != "get" {
            line.push_str(&format!(" -X {}", method.to_uppercase()));
        }
        let is_open = list(&operation["security"])
            .iter()
            .all(|way| fields(way).next().is_none());
        if self.sends_token && !is_open {
            line.push_str(&format!(" -H \"Authorization: Bearer ${NAME}\""));
        }
        for (kind, content) in fields(&operation["requestBody"]["content"]) {
            line.push_str(&body(kind, &content["example"]));
        }
        format!("{line} '{}://{}{path}'", self.scheme, self.host)
    }

    fn filled(&self, path: &str) -> String {
        let id = [
            ("/calls/", &self.call),
            ("/leads/", &self.lead),
            ("/jobs/", &self.job),
            ("/deliveries/", &self.delivery),
            ("/customers/", &self.customer),
            ("/customer/", &self.customer),
            ("/bookings/", &self.booking),
            ("/booking/", &self.booking),
            ("/files/", &self.file),
        ];
        let id = id.into_iter().find(|(part, _)| path.contains(part));
        path.replace("{id}", id.map_or("ID", |(_, id)| id))
            .replace("{call}", &self.call)
            .replace("{track}", "inbound")
            .replace("{domain}", "internet")
            .replace("{category}", "technical_support")
    }
}

fn body(kind: &str, example: &Value) -> String {
    if kind == "application/x-www-form-urlencoded" {
        let pairs = fields(example)
            .map(|(name, _)| format!(" --data-urlencode '{name}={}'", text(example, name)));
        return pairs.collect();
    }
    if kind == "multipart/form-data" {
        return " -F language=en -F file=@call.mp3".into();
    }
    format!(" -H 'Content-Type: {kind}' -d '{example}'")
}

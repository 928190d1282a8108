//! What Twilio posts about a call: forms, parsed at the edge into closed types.
//!
//! Only the call's id is certain. What is missing is `None`, what is unknown is kept as it came, and what
//! is there but impossible is an error that names the field and never its value.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::form::Form;
use crate::ids::{BadId, CallSid, RecordingSid, StreamSid};

mod status;

pub use status::CallStatus;

/// Longest address of a recording; Twilio's have about 120 characters.
const LONGEST_URL: usize = 2_000;

/// Why a form is not what its door expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadWebhook {
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{0} is not what it should be")]
    Impossible(&'static str),
}

/// Twilio asks what to do with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceRequest {
    pub call: CallSid,
    pub account: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    /// `inbound`, `outbound-api`, `outbound-dial`.
    pub direction: Option<String>,
    /// None for a word that is not known.
    pub status: Option<CallStatus>,
    pub stage: Stage,
    /// Everything else.
    pub rest: BTreeMap<String, String>,
}

/// Where the call is in what it was told to do: verbs with an `action` ask again when they are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It has been told nothing yet.
    Ringing,
    /// A `<Dial>` ended.
    Dialled { answered: bool },
    /// A `<Record>` ended.
    Recorded,
}

impl VoiceRequest {
    /// # Errors
    /// When the call's id is missing or impossible.
    pub fn read(form: &Form) -> Result<Self, BadWebhook> {
        const OWN: [&str; 6] = [
            "CallSid",
            "AccountSid",
            "From",
            "To",
            "Direction",
            "CallStatus",
        ];
        Ok(Self {
            call: call(form)?,
            account: text(form, "AccountSid"),
            from: text(form, "From"),
            to: text(form, "To"),
            direction: text(form, "Direction"),
            status: form.get("CallStatus").and_then(|word| word.parse().ok()),
            stage: stage(form),
            rest: form.rest(&OWN),
        })
    }
}

fn stage(form: &Form) -> Stage {
    // A dialled call may have been recorded too, so it comes first.
    if let Some(dialled) = form.get("DialCallStatus") {
        let answered = matches!(dialled, "completed" | "answered");
        return Stage::Dialled { answered };
    }
    let recorded = ["RecordingSid", "RecordingUrl"];
    if recorded.iter().any(|name| form.get(name).is_some()) {
        return Stage::Recorded;
    }
    Stage::Ringing
}

/// A recording of the provider's is done, or never will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingCallback {
    pub call: CallSid,
    pub account: Option<String>,
    /// Where none is given it is the last part of the address.
    pub recording: RecordingSid,
    pub event: RecordingEvent,
    pub duration_s: Option<u32>,
    pub channels: Option<u32>,
    /// Everything else.
    pub rest: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordingEvent {
    /// Its audio is at this address, which may be relative and end in anything.
    Completed { url: String },
    /// Too short, or nothing but silence: there is no audio.
    Absent,
    /// The provider could not make it; its code for why.
    Failed { code: Option<String> },
    /// Not done yet, or a word that is not known.
    Other,
}

impl RecordingCallback {
    /// # Errors
    /// When an id is missing or impossible, or a completed recording has no address.
    pub fn read(form: &Form) -> Result<Self, BadWebhook> {
        const OWN: [&str; 7] = [
            "CallSid",
            "AccountSid",
            "RecordingSid",
            "RecordingStatus",
            "RecordingUrl",
            "RecordingDuration",
            "RecordingChannels",
        ];
        let url = text(form, "RecordingUrl");
        if url.as_deref().is_some_and(|url| !is_address(url)) {
            return Err(BadWebhook::Impossible("RecordingUrl"));
        }
        let recording = recording(form, url.as_deref())?;
        let event = match form.get("RecordingStatus").unwrap_or("completed") {
            "completed" => RecordingEvent::Completed {
                url: url.ok_or(BadWebhook::Missing("RecordingUrl"))?,
            },
            "absent" => RecordingEvent::Absent,
            "failed" => RecordingEvent::Failed {
                code: text(form, "ErrorCode"),
            },
            _ => RecordingEvent::Other,
        };
        Ok(Self {
            call: call(form)?,
            account: text(form, "AccountSid"),
            recording,
            event,
            duration_s: number(form, "RecordingDuration"),
            channels: number(form, "RecordingChannels"),
            rest: form.rest(&OWN),
        })
    }
}

fn recording(form: &Form, url: Option<&str>) -> Result<RecordingSid, BadWebhook> {
    if let Some(sid) = form.get("RecordingSid").filter(|sid| !sid.is_empty()) {
        return sid
            .parse()
            .map_err(|BadId| BadWebhook::Impossible("RecordingSid"));
    }
    let url = url.ok_or(BadWebhook::Missing("RecordingSid"))?;
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let last = path.trim_end_matches('/').rsplit('/').next();
    let name = last.unwrap_or_default().split('.').next();
    name.unwrap_or_default()
        .parse()
        .map_err(|BadId| BadWebhook::Missing("RecordingSid"))
}

fn is_address(url: &str) -> bool {
    url.len() <= LONGEST_URL && !url.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// The call went on to another state; repeated, and in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusCallback {
    pub call: CallSid,
    pub status: CallStatus,
    /// Of the whole call, once it is over.
    pub duration_s: Option<u32>,
    /// When it happened, by the provider's clock.
    pub at: Option<Timestamp>,
}

impl StatusCallback {
    /// # Errors
    /// When the call's id or the status is missing or impossible.
    pub fn read(form: &Form) -> Result<Self, BadWebhook> {
        let status = form
            .get("CallStatus")
            .ok_or(BadWebhook::Missing("CallStatus"))?;
        let at = form.get("Timestamp");
        Ok(Self {
            call: call(form)?,
            status: status
                .parse()
                .map_err(|()| BadWebhook::Impossible("CallStatus"))?,
            // `Duration` is in minutes, for the bill.
            duration_s: number(form, "CallDuration"),
            at: at.and_then(|at| {
                let zoned = jiff::fmt::rfc2822::parse(at).ok()?;
                Some(zoned.timestamp())
            }),
        })
    }
}

/// The provider's side of a media stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamCallback {
    pub call: CallSid,
    pub stream: Option<StreamSid>,
    pub event: StreamEvent,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEvent {
    Started,
    Stopped,
    /// The provider could not stream; its words for why.
    Failed {
        why: Option<String>,
    },
    /// A word that is not known.
    Other,
}

impl StreamCallback {
    /// # Errors
    /// When the call's id or the event is missing, or an id is impossible.
    pub fn read(form: &Form) -> Result<Self, BadWebhook> {
        let event = form
            .get("StreamEvent")
            .ok_or(BadWebhook::Missing("StreamEvent"))?;
        let stream = text(form, "StreamSid").map(|sid| sid.parse());
        Ok(Self {
            call: call(form)?,
            stream: stream
                .transpose()
                .map_err(|BadId| BadWebhook::Impossible("StreamSid"))?,
            event: match event {
                "stream-started" => StreamEvent::Started,
                "stream-stopped" => StreamEvent::Stopped,
                "stream-error" => StreamEvent::Failed {
                    why: text(form, "StreamError"),
                },
                _ => StreamEvent::Other,
            },
        })
    }
}

fn call(form: &Form) -> Result<CallSid, BadWebhook> {
    let sid = form.get("CallSid").ok_or(BadWebhook::Missing("CallSid"))?;
    sid.parse()
        .map_err(|BadId| BadWebhook::Impossible("CallSid"))
}

/// None where it is missing or empty.
fn text(form: &Form, name: &str) -> Option<String> {
    let value = form.get(name)?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// None where it is missing or no count: `-1` stands for unknown.
fn number(form: &Form, name: &str) -> Option<u32> {
    form.get(name)?.trim().parse().ok()
}

#[cfg(test)]
mod tests;

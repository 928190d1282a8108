//! The doors that are told what became of a call, a recording or a stream: 200, or 204 where nobody knows
//! the call and nothing is made.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use metrics::counter;

use super::{Doors, heard::Heard, refused::Refused};
use crate::{
    ids::CallSid,
    live::hub::LeadNews,
    store::{Advanced, NewProviderRecording, ProviderStatus, RecordingNews},
    wire::webhook::{
        CallStatus, RecordingCallback, RecordingEvent, StatusCallback, StreamCallback, StreamEvent,
    },
};

/// Characters of the provider's reason in the log.
const LONGEST_WHY: usize = 200;

/// A recording is done, or never will be.
#[utoipa::path(
    post, path = "/webhook/twilio/recording", tag = "Twilio",
    request_body(content_type = "application/x-www-form-urlencoded", content = BTreeMap<String, String>, description = "Twilio's recording status callback.", example = json!({ "CallSid": "CA0123456789abcdef0123456789abcdef", "RecordingSid": "RE0123456789abcdef0123456789abcdef", "RecordingStatus": "completed", "RecordingUrl": "https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Recordings/RE0123456789abcdef0123456789abcdef", "RecordingDuration": "42", "RecordingChannels": "2" })),
    security(()),
    responses(
        (status = 200, description = "It is known now, or was before."),
        (status = 204, description = "Nobody knows the call: nothing is made of it."),
        Refused,
    ),
)]
pub(super) async fn recording_done(
    State(doors): State<Arc<Doors>>,
    heard: Heard,
) -> Result<StatusCode, Refused> {
    let told = RecordingCallback::read(&heard.form)?;
    let status = match told.event {
        RecordingEvent::Completed { url } => ProviderStatus::Completed { url },
        RecordingEvent::Absent => ProviderStatus::Absent,
        RecordingEvent::Failed { code } => ProviderStatus::Failed { code },
        RecordingEvent::Other => return Ok(answered("recording", "ignored")),
    };
    let new = NewProviderRecording {
        sid: told.recording,
        call: told.call,
        account_sid: told.account,
        status,
        duration_s: told.duration_s,
        channels: told.channels,
        details: told.rest,
    };
    let news = doors.store.recording_done(&new, doors.clock.wall()).await?;
    let outcome = match news {
        RecordingNews::UnknownCall => return Ok(unknown("recording")),
        RecordingNews::Queued => "queued",
        RecordingNews::Noted => "noted",
        RecordingNews::Again => "known",
    };
    doors.hub.publish_lead(&new.call, LeadNews::Changed);
    tracing::info!(call = %new.call, recording = %new.sid, outcome, "the provider told of a recording");
    Ok(answered("recording", outcome))
}

/// The call went on.
#[utoipa::path(
    post, path = "/webhook/twilio/status", tag = "Twilio",
    request_body(content_type = "application/x-www-form-urlencoded", content = BTreeMap<String, String>, description = "Twilio's call status callback.", example = json!({ "CallSid": "CA0123456789abcdef0123456789abcdef", "CallStatus": "completed", "CallDuration": "42" })),
    security(()),
    responses(
        (status = 200, description = "It is known now, or was before."),
        (status = 204, description = "Nobody knows the call: nothing is made of it."),
        Refused,
    ),
)]
pub(super) async fn status(
    State(doors): State<Arc<Doors>>,
    heard: Heard,
) -> Result<StatusCode, Refused> {
    let told = StatusCallback::read(&heard.form)?;
    let now = doors.clock.wall();
    // A clock that runs ahead must not end a call in the future.
    let at = told.at.map_or(now, |at| at.min(now));
    advance(
        &doors,
        "status",
        &told.call,
        told.status,
        told.duration_s,
        at,
    )
    .await
}

/// The provider's side of a stream; that it runs says that the call was answered.
#[utoipa::path(
    post, path = "/webhook/twilio/stream", tag = "Twilio",
    request_body(content_type = "application/x-www-form-urlencoded", content = BTreeMap<String, String>, description = "Twilio's stream status callback.", example = json!({ "CallSid": "CA0123456789abcdef0123456789abcdef", "StreamSid": "MZ0123456789abcdef0123456789abcdef", "StreamEvent": "stream-started" })),
    security(()),
    responses(
        (status = 200, description = "It is known now, or was before."),
        (status = 204, description = "Nobody knows the call: nothing is made of it."),
        Refused,
    ),
)]
pub(super) async fn stream(
    State(doors): State<Arc<Doors>>,
    heard: Heard,
) -> Result<StatusCode, Refused> {
    let told = StreamCallback::read(&heard.form)?;
    match told.event {
        StreamEvent::Started => {
            let now = doors.clock.wall();
            advance(
                &doors,
                "stream",
                &told.call,
                CallStatus::InProgress,
                None,
                now,
            )
            .await
        }
        StreamEvent::Failed { why } => {
            let why: String = why.unwrap_or_default().chars().take(LONGEST_WHY).collect();
            tracing::warn!(call = %told.call, why, "the provider could not stream a call");
            Ok(answered("stream", "failed"))
        }
        StreamEvent::Stopped | StreamEvent::Other => Ok(answered("stream", "ignored")),
    }
}

async fn advance(
    doors: &Doors,
    door: &'static str,
    call: &CallSid,
    status: CallStatus,
    duration_s: Option<u32>,
    at: jiff::Timestamp,
) -> Result<StatusCode, Refused> {
    let store = &doors.store;
    Ok(
        match store.advance_lead(call, status, duration_s, at).await? {
            Advanced::Unknown => unknown(door),
            Advanced::Moved => {
                doors.hub.publish_lead(call, LeadNews::Changed);
                answered(door, "moved")
            }
            Advanced::Stood => answered(door, "known"),
        },
    )
}

fn answered(door: &'static str, outcome: &'static str) -> StatusCode {
    counter!("callscribe_webhooks_total", "door" => door, "outcome" => outcome).increment(1);
    StatusCode::OK
}

fn unknown(door: &'static str) -> StatusCode {
    counter!("callscribe_webhooks_total", "door" => door, "outcome" => "unknown_call").increment(1);
    StatusCode::NO_CONTENT
}

//! The voice door: a call rings, and is told what to do. It waits for one insert and nothing else.

use std::sync::Arc;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use metrics::counter;

use super::{
    Doors,
    answer::{self, Addresses},
    heard::Heard,
    refused::Refused,
};
use crate::{live::hub::LeadNews, store::NewLead, wire::webhook::VoiceRequest};

/// A call rings: what to do with it, as TwiML.
///
/// The lead is there before the answer leaves. The answer depends on the request alone, so that a
/// delivery that comes again gets the same.
#[utoipa::path(
    post, path = "/webhook/twilio/voice", tag = "Twilio",
    request_body(content_type = "application/x-www-form-urlencoded", content = BTreeMap<String, String>, description = "What Twilio sends of a call; `CallSid` at least.", example = json!({ "CallSid": "CA0123456789abcdef0123456789abcdef", "AccountSid": "AC0123456789abcdef0123456789abcdef", "From": "+972541234567", "To": "+97231234567", "CallStatus": "ringing", "Direction": "inbound" })),
    security(()),
    responses(
        (status = 200, description = "TwiML.", body = String, content_type = "text/xml", example = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>…</Response>"),
        Refused,
    ),
)]
pub(super) async fn voice(
    State(doors): State<Arc<Doors>>,
    heard: Heard,
) -> Result<Response, Refused> {
    let call = VoiceRequest::read(&heard.form)?;
    let options = &doors.options;
    let media = format!("{}/{}", doors.media_path.trim_end_matches('/'), call.call);
    let addresses = Addresses {
        media: heard.address(&doors, "wss", &media),
        voice: heard.address(&doors, "https", &options.voice_path),
        recording: heard.address(&doors, "https", &options.recording_path),
        stream: heard.address(&doors, "https", &options.stream_path),
    };
    let twiml = answer::to(&call, options, &addresses)?;
    let lead = lead(call);
    let is_new = doors.store.ring(&lead, doors.clock.wall()).await?;
    if is_new {
        doors.hub.publish_lead(&lead.call, LeadNews::New);
    }
    let outcome = if is_new { "new" } else { "known" };
    counter!("callscribe_webhooks_total", "door" => "voice", "outcome" => outcome).increment(1);
    let kind = [(header::CONTENT_TYPE, "text/xml; charset=utf-8")];
    Ok((kind, twiml).into_response())
}

fn lead(call: VoiceRequest) -> NewLead {
    NewLead {
        call: call.call,
        account_sid: call.account,
        from: call.from,
        to: call.to,
        direction: call.direction,
        // An end is for the status door, which announces it.
        call_status: call.status.filter(|status| !status.is_terminal()),
        details: call.rest,
    }
}

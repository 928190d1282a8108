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

/// The lead is there before the answer leaves. The answer depends on the request alone, so that a
/// delivery that comes again gets the same.
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

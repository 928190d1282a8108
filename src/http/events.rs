//! `GET /api/v1/calls/{id}/events`, `/api/v1/events` and `/api/v1/leads/events`: Server-Sent Events.
//!
//! A call's stream begins with a `snapshot`, or goes on after `Last-Event-ID` (a header, or
//! `?last_event_id=`) where what followed is still known. Then come `partial`, `delta`, `completed`,
//! `replaced`, `degraded`, `state` and `note` ([`CallEvent`]) as they happen, and `ended` at the end of
//! it all, after which the server closes. A viewer that falls behind gets another `snapshot`: it stands
//! instead of all that came before. The list's stream says `call` whenever a call appears or changes its
//! state, and twice a second at most `words`: the last words of the calls on which something was said. Who
//! is slow gets fewer of these, never older ones; they have no place in the order of events. The leads'
//! stream says `lead` whenever a lead appears or changes.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderName},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{Interval, MissedTickBehavior};

use super::{
    AppState, HttpError,
    call_file::{CallFile, CallJson, is_settled, sid},
    error::Params,
    openapi::{CallStream, LeadStream, ListStream},
};
use crate::{
    ids::CallSid,
    live::hub::{self, CallEvent, CallView, Hub, ListEvent, Next, OpenUtterance, Subscription},
    store::VersionKind,
    transcript::Document,
};

/// A proxy that hears nothing for a minute closes the connection; most wait at least 30 s.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The last words of live calls are told no more often.
const WORDS_EVERY: Duration = Duration::from_millis(500);
/// How long a browser waits before it comes back.
const RETRY: Duration = Duration::from_secs(2);

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// The `id` of the last event that was seen, for clients that cannot send the header.
    last_event_id: Option<String>,
}

/// What a browser sends by itself when it comes back.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes what `last_event_id` reads")]
struct LastEventId {
    /// The `id` of the last event that was seen: the stream goes on after it, where that is still known.
    #[param(rename = "Last-Event-ID")]
    last_event_id: Option<String>,
}

/// What stands at one moment; `segments` are settled, `open` is being said.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CallSnapshot)]
pub(super) struct Snapshot<'a> {
    #[schema(pattern = "^snapshot$", example = "snapshot")]
    r#type: &'static str,
    call: CallJson<'a>,
    version: u32,
    kind: VersionKind,
    #[serde(flatten)]
    document: &'a Document,
    open: &'a [OpenUtterance],
}

/// What happens on a call, as it happens: Server-Sent Events.
///
/// Each event has an `id`, its type as `event`, and JSON as `data`. First comes `snapshot`, all that stands; or, after
/// `Last-Event-ID`, what the viewer missed. Then `partial` (words that may still change), `delta` (words settled),
/// `completed` (an utterance is over), `replaced` (another version of the transcript is served), `degraded`, `state`,
/// `note`, and `ended`, after which the server closes. A viewer that falls behind gets another `snapshot`, which stands
/// instead of all before. A comment every 15 s keeps the line open.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/events", tag = "Live",
    params(Asked, LastEventId, ("id" = CallSid, Path, description = "The call's id.")),
    responses(
        (status = 200, description = "The events; the schema is of the JSON in `data`.", body = CallStream, content_type = "text/event-stream",
            example = "retry: 2000\n\nid: 1762785052000001\nevent: delta\ndata: {\"type\":\"delta\",\"stream\":1,\"track\":\"inbound\",\"utterance\":0,\"words\":[{\"text\":\"hello\",\"start\":0.4,\"end\":0.8,\"confidence\":0.9}]}\n\n"),
        (status = 404, description = "`not_found`: there is no call of this id"),
        (status = 503, description = "`too_many_viewers`: too many viewers at once"),
    ),
)]
pub(super) async fn of_call(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(asked): Params<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let call = sid(&id)?;
    if state.store.call(&call).await?.is_none() {
        return Err(HttpError::not_found("there is no call of this id"));
    }
    let viewer = state
        .hub
        .subscribe(&call, last_event_id(&headers, &asked))?;
    let closing = state.closing.clone();
    let viewing = Viewing {
        state,
        call,
        viewer,
        then: None,
    };
    let events = stream::unfold(Some(viewing), |viewing| async {
        let mut viewing = viewing?;
        let (event, is_last) = viewing.next().await?;
        Some((Ok(event), (!is_last).then_some(viewing)))
    });
    Ok(answer(events.take_until(closing.cancelled_owned())))
}

struct Viewing {
    state: AppState,
    call: CallSid,
    viewer: Subscription<CallEvent>,
    /// An event that follows the one before at once.
    then: Option<Event>,
}

impl Viewing {
    /// The next event, and whether it is the last one.
    async fn next(&mut self) -> Option<(Event, bool)> {
        if let Some(event) = self.then.take() {
            return Some((event, true));
        }
        match self.viewer.next().await {
            Next::Event(event) => {
                let is_last = matches!(event.event, CallEvent::Ended { .. });
                Some((encode(event.id, event.name(), event.json()), is_last))
            }
            Next::Snapshot { position, view } => {
                let event = self.snapshot(position, &view).await.ok()?;
                Some((event, false))
            }
            Next::Gone => None,
        }
    }

    /// A call that is settled already gets its `ended` along.
    async fn snapshot(&mut self, position: u64, view: &CallView) -> Result<Event, HttpError> {
        let file = CallFile::load_beside(&self.state, &self.call, None, position, view).await?;
        let (version, kind) = (
            file.transcript.version.version,
            file.transcript.version.kind,
        );
        let document = file.transcript.document();
        let snapshot = Snapshot {
            r#type: "snapshot",
            call: CallJson::from(&file.call),
            version,
            kind,
            document: &document,
            open: &file.open,
        };
        if is_settled(file.call.state) {
            let ended = json!({ "type": "ended", "state": file.call.state });
            self.then = Some(encode(position, "ended", &ended.to_string()));
        }
        let text = serde_json::to_string(&snapshot)
            .map_err(|error| HttpError::internal("a snapshot cannot be written", &error))?;
        Ok(encode(position, "snapshot", &text))
    }
}

/// Calls that appear or change their state, and their last words: Server-Sent Events.
///
/// `call` names a call and its state now. `words` are the last words of calls on which something was said, twice a second at
/// most. `snapshot` says that something was missed: read the list anew.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "Live",
    params(Asked, LastEventId),
    responses(
        (status = 200, description = "The events; the schema is of the JSON in `data`.", body = ListStream, content_type = "text/event-stream",
            example = "id: 1762785052000001\nevent: call\ndata: {\"type\":\"call\",\"call\":\"CA0123456789abcdef0123456789abcdef\",\"state\":\"live\",\"interrupted\":false}\n\n"),
        (status = 503, description = "`too_many_viewers`: too many viewers at once"),
    ),
)]
pub(super) async fn of_list(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let last = last_event_id(&headers, &asked);
    let mut look = tokio::time::interval(WORDS_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let listing = Listing {
        viewer: state.hub.subscribe_list(last)?,
        hub: state.hub,
        position: last.unwrap_or(0),
        words: 0,
        look,
    };
    let events = stream::unfold(listing, |mut listing| async {
        let event = listing.next().await?;
        Some((Ok(event), listing))
    });
    Ok(answer(events.take_until(state.closing.cancelled_owned())))
}

/// Leads that appear or change, as it happens: Server-Sent Events.
///
/// `lead` names the lead's call and whether it is `new` or `changed`. `snapshot` says that something was missed: read the
/// list anew.
#[utoipa::path(
    get, path = "/api/v1/leads/events", tag = "Live",
    params(Asked, LastEventId),
    responses(
        (status = 200, description = "The events; the schema is of the JSON in `data`.", body = LeadStream, content_type = "text/event-stream",
            example = "id: 1762785052000001\nevent: lead\ndata: {\"type\":\"lead\",\"call\":\"CA0123456789abcdef0123456789abcdef\",\"news\":\"new\"}\n\n"),
        (status = 503, description = "`too_many_viewers`: too many viewers at once"),
    ),
)]
pub(super) async fn of_leads(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let viewer = state.hub.subscribe_leads(last_event_id(&headers, &asked))?;
    let events = stream::unfold(viewer, |mut viewer| async {
        let (_, event) = listed(viewer.next().await)?;
        Some((Ok(event), viewer))
    });
    Ok(answer(events.take_until(state.closing.cancelled_owned())))
}

/// What a list's log says, and where it has passed the viewer, that it did; with its place.
fn listed<E: hub::event::Entry<View = ()>>(next: Next<E>) -> Option<(u64, Event)> {
    match next {
        Next::Event(event) => Some((event.id, encode(event.id, event.name(), event.json()))),
        Next::Snapshot { position, .. } => {
            let snapshot = encode(position, "snapshot", r#"{"type":"snapshot"}"#);
            Some((position, snapshot))
        }
        Next::Gone => None,
    }
}

/// A viewer of the list.
struct Listing {
    hub: Hub,
    viewer: Subscription<ListEvent>,
    /// The last event that was told: words come under its number.
    position: u64,
    /// The words that were told.
    words: u64,
    look: Interval,
}

impl Listing {
    async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                biased;
                next = self.viewer.next() => return self.told(next),
                _ = self.look.tick() => {
                    let (seen, calls) = self.hub.words_since(self.words);
                    self.words = seen;
                    if !calls.is_empty() {
                        let words = json!({ "type": "words", "calls": calls });
                        return Some(encode(self.position, "words", &words.to_string()));
                    }
                }
            }
        }
    }

    fn told(&mut self, next: Next<ListEvent>) -> Option<Event> {
        let (position, event) = listed(next)?;
        self.position = position;
        Some(event)
    }
}

/// The header is what a browser sends when it comes back; the address is what a page starts with.
fn last_event_id(headers: &HeaderMap, asked: &Asked) -> Option<u64> {
    let header = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok());
    header
        .or(asked.last_event_id.as_deref())?
        .trim()
        .parse()
        .ok()
}

fn encode(id: u64, name: &str, json: &str) -> Event {
    Event::default().id(id.to_string()).event(name).data(json)
}

fn answer<S>(events: S) -> Response
where
    S: Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    let hello = stream::iter([Ok(Event::default().retry(RETRY))]);
    let events = Sse::new(hello.chain(events)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // nginx would hold events back until its buffer is full.
    let headers = [(HeaderName::from_static("x-accel-buffering"), "no")];
    (headers, events).into_response()
}

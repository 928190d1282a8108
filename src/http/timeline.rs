//! `GET /api/v1/calls/{id}/timeline`: what happened to a call, from its ring to the last webhook, in
//! order. It is read together from what the rooms keep for their own ends, so that nothing has to be
//! written twice; what is of one kind and would drown the rest stands as one entry with its parts.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    AppState, HttpError,
    call_file::{no_call, sid},
};
use crate::{
    ids::{CallSid, Track},
    store::{
        Call, CallLog, Fetching, Lead, Note, QueuedJob, Recording, Store, Stream, Telling, Version,
    },
    time::MediaTime,
};

mod group;
mod story;
#[cfg(test)]
mod tests;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = TimelineEvent)]
pub(super) struct Event {
    pub(super) at: Timestamp,
    /// Of the last of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<Timestamp>,
    /// Where in the call, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) position: Option<MediaTime>,
    /// For programs; stays.
    pub(super) kind: &'static str,
    /// For people.
    pub(super) text: String,
    /// Somebody should look at it.
    pub(super) trouble: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) track: Option<Track>,
    /// How long it was, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) length: Option<MediaTime>,
    /// Each by itself, where this stands for several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion, example = json!([]))]
    pub(super) parts: Vec<Self>,
}

/// All that is known of what happened.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) call: Call,
    pub(super) lead: Option<Lead>,
    pub(super) streams: Vec<Stream>,
    pub(super) notes: Vec<(Timestamp, Note)>,
    pub(super) recordings: Vec<Recording>,
    pub(super) fetchings: Vec<Fetching>,
    pub(super) versions: Vec<Version>,
    pub(super) log: Option<CallLog>,
    pub(super) jobs: Vec<QueuedJob>,
    pub(super) tellings: Vec<Telling>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Timeline)]
struct TimelineJson<'a> {
    call: &'a CallSid,
    events: &'a [Event],
}

/// What happened to a call, in order.
///
/// From its ring over streams, gaps and versions to jobs and webhooks. What there is much of stands as one, with its `parts`.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/timeline", tag = "Calls",
    params(("id" = CallSid, Path, description = "The call's id.")),
    responses((status = 200, description = "What happened.", body = TimelineJson), (status = 404, description = "`not_found`: there is no call of this id"),),
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let sid = sid(&id)?;
    let facts = Facts::read(&state.store, &sid).await?;
    let events = facts.ok_or_else(no_call)?.events();
    let body = TimelineJson {
        call: &sid,
        events: &events,
    };
    Ok(Json(body).into_response())
}

impl Event {
    /// One of many: what tells it from the others.
    pub(super) fn briefly(&self) -> String {
        match (self.kind, self.length) {
            ("gap", Some(length)) => story::long(length),
            _ => self.text.clone(),
        }
    }
}

impl Facts {
    pub(super) async fn read(store: &Store, sid: &CallSid) -> Result<Option<Self>, HttpError> {
        let Some(call) = store.call(sid).await? else {
            return Ok(None);
        };
        Ok(Some(Self {
            call,
            lead: store.lead_of(sid).await?,
            streams: store.streams(sid).await?,
            notes: store.dated_notes(sid).await?,
            recordings: store.recordings(sid).await?,
            fetchings: store.fetchings(sid).await?,
            versions: store.versions(sid).await?,
            log: store.call_log(sid).await?,
            jobs: store.jobs_of(sid).await?,
            tellings: store.tellings(sid).await?,
        }))
    }

    /// In order of time, what there is much of as one.
    pub(super) fn events(&self) -> Vec<Event> {
        let mut events = story::tell(self);
        events.sort_by_key(|event| event.at);
        group::group(events)
    }
}

//! `GET /api/v1/calls` and `GET /api/v1/calls/{id}`.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    AppState, HttpError,
    call_file::{CallFile, CallJson, sid},
    error::Params,
    filter,
    paging::{PAGE, limit},
};
use crate::{
    analysis::Analysis,
    ids::{StreamSid, Track},
    store::{
        CallFilter, Note, Recording, RecordingState, Stream, Version, VersionKind, Which,
        search::Query,
    },
    time::MediaTime,
};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Asked {
    /// `all`, `live`, `ended`, `finishing`, `final`, `empty` or `failed`.
    #[param(value_type = Which, inline)]
    state: String,
    /// Began on that day (UTC) or at that moment, or later.
    #[param(example = "2025-11-10")]
    since: String,
    /// To the end of that day, or before that moment.
    #[param(example = "2025-11-10T14:30:52Z")]
    until: String,
    /// The last digits of either side's number, four or more.
    #[param(example = "4567")]
    number: String,
    /// On which that was said: see `/api/v1/search`. A page may then be short and not the last.
    q: String,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: u32,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            state: String::new(),
            since: String::new(),
            until: String::new(),
            number: String::new(),
            q: String::new(),
            cursor: None,
            limit: PAGE,
        }
    }
}

impl Asked {
    fn filter(&self) -> Result<CallFilter, String> {
        Ok(CallFilter {
            which: filter::which(&self.state)?,
            since: filter::since(&self.since)?,
            until: filter::until(&self.until)?,
            number: filter::number(&self.number)?,
        })
    }
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Calls)]
struct PageJson<'a> {
    calls: Vec<CallJson<'a>>,
    /// Ask for it as `cursor`; null on the last page.
    next: Option<String>,
}

/// Calls, newest first.
#[utoipa::path(
    get, path = "/api/v1/calls", tag = "Calls",
    params(Asked),
    responses((status = 200, description = "A page of calls.", body = PageJson), (status = 400, description = "`bad_request`: limit: 1 to 200"),),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let limit = limit(asked.limit)?;
    let cursor = asked.cursor.as_deref().map(str::parse).transpose()?;
    let filter = asked.filter().map_err(HttpError::bad_request)?;
    let query = Query::parse(&asked.q);
    let page = if query.is_empty() {
        state
            .store
            .calls_where(&filter, cursor.as_ref(), limit)
            .await?
    } else {
        state
            .store
            .calls_saying(&query, &filter, cursor.as_ref(), limit)
            .await?
    };
    let body = PageJson {
        calls: page.calls.iter().map(CallJson::from).collect(),
        next: page.next.map(|cursor| cursor.to_string()),
    };
    Ok(Json(body).into_response())
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CallInFull)]
struct OneJson<'a> {
    #[serde(flatten)]
    call: CallJson<'a>,
    streams: Vec<StreamJson<'a>>,
    recordings: Vec<RecordingJson<'a>>,
    versions: Vec<VersionJson<'a>>,
    notes: &'a [Note],
    /// Of the recordings, in a word: `good`, or the worst that was found; null until it is known. The
    /// whole of it is at `/analysis`.
    recording_quality: Option<&'static str>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Stream)]
struct StreamJson<'a> {
    number: u32,
    id: &'a StreamSid,
    inbound_speaker: Option<&'a str>,
    outbound_speaker: Option<&'a str>,
    /// Where it begins in the call, seconds.
    position: MediaTime,
    duration: MediaTime,
    opened_at: jiff::Timestamp,
    closed_at: Option<jiff::Timestamp>,
    end_reason: Option<&'a str>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Recording)]
struct RecordingJson<'a> {
    stream: u32,
    track: Track,
    speaker: &'a str,
    state: RecordingState,
    duration: MediaTime,
    /// One address a file; a very long recording has several.
    urls: Vec<String>,
    /// `[position, length]` in the stream, seconds, of audio that never came.
    gaps: &'a [(MediaTime, MediaTime)],
    failed: Option<&'a str>,
    detail: &'a serde_json::Value,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Version)]
struct VersionJson<'a> {
    version: u32,
    kind: VersionKind,
    served: bool,
    model: Option<&'a str>,
    model_sha256: Option<&'a str>,
    parameters: &'a serde_json::Value,
    language: Option<&'a str>,
    reason: &'a str,
    created_at: jiff::Timestamp,
}

/// What was found in a call's recordings.
///
/// Levels, noise, dropouts, who talks when; of the whole recordings, so it follows the call's end.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/analysis", tag = "Calls",
    params(("id" = crate::ids::CallSid, Path, description = "The call's id.")),
    responses((status = 200, description = "The analysis.", body = Analysis), (status = 404, description = "`not_found`: there is no call of this id; or its recordings are not analysed (yet)"),),
)]
pub(super) async fn analysis(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let sid = sid(&id)?;
    let known = state.store.call(&sid).await?;
    known.ok_or_else(super::call_file::no_call)?;
    let analysis = state.store.analysis(&sid).await?.ok_or_else(|| {
        HttpError::not_found(
            "the recordings of this call are not analysed (yet): that follows its end",
        )
    })?;
    Ok(Json(analysis).into_response())
}

/// One call with its streams, recordings, versions and notes.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}", tag = "Calls",
    params(("id" = crate::ids::CallSid, Path, description = "The call's id.")),
    responses((status = 200, description = "The call.", body = OneJson), (status = 404, description = "`not_found`: there is no call of this id"),),
)]
pub(super) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let file = CallFile::load(&state, &sid(&id)?, None).await?;
    let served = file.call.served_version;
    let body = OneJson {
        call: CallJson::from(&file.call),
        streams: file.streams.iter().map(stream).collect(),
        recordings: file.recordings.iter().map(recording).collect(),
        versions: file
            .versions
            .iter()
            .map(|version| self::version(version, served))
            .collect(),
        notes: &file.notes,
        recording_quality: file.analysis.as_ref().map(Analysis::verdict),
    };
    Ok(Json(body).into_response())
}

fn stream(stream: &Stream) -> StreamJson<'_> {
    StreamJson {
        number: stream.key.number,
        id: &stream.sid,
        inbound_speaker: stream.speaker(Track::Inbound),
        outbound_speaker: stream.speaker(Track::Outbound),
        position: stream.position,
        duration: stream.duration,
        opened_at: stream.opened_at,
        closed_at: stream.closed_at,
        end_reason: stream.end_reason.as_deref(),
    }
}

fn recording(recording: &Recording) -> RecordingJson<'_> {
    let gone = recording.state == RecordingState::Deleted;
    let parts = if gone { 0 } else { recording.parts.len() };
    RecordingJson {
        stream: recording.key.stream.number,
        track: recording.key.track,
        speaker: &recording.speaker,
        state: recording.state,
        duration: recording.duration,
        urls: (1..=parts).map(|part| address(recording, part)).collect(),
        gaps: &recording.gaps,
        failed: recording.failed.as_deref(),
        detail: &recording.detail,
    }
}

/// Where a part (from 1) of a recording is had.
pub(super) fn address(recording: &Recording, part: usize) -> String {
    let key = &recording.key;
    format!(
        "/api/v1/calls/{}/recording/{}?stream={}&part={part}",
        key.stream.call, key.track, key.stream.number
    )
}

fn version(version: &Version, served: u32) -> VersionJson<'_> {
    let model = version.model.as_ref();
    VersionJson {
        version: version.version,
        kind: version.kind,
        served: version.version == served,
        model: model.map(|model| model.name.as_str()),
        model_sha256: model
            .map(|model| model.sha256.as_str())
            .filter(|sum| !sum.is_empty()),
        parameters: &version.parameters,
        language: version.language.as_deref(),
        reason: &version.reason,
        created_at: version.created_at,
    }
}

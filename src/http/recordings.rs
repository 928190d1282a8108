//! `GET /api/v1/recordings` and `/api/v1/recordings/usage`, and the deletion of one recording
//! (`DELETE /api/v1/calls/{id}/recording/{track}`).

use std::path::PathBuf;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    AppState, HttpError,
    call_file::sid,
    calls::address,
    error::Params,
    paging::{PAGE, limit},
};
use crate::{
    after::{
        Job, Purge,
        unrecord::{UnrecordError, Unrecorded, unrecord},
    },
    ids::{BadTrack, CallSid, Track},
    recordings::{archive::is_archived, usage::Usage},
    store::{
        Browsed, CallState, Recording, RecordingFilter, RecordingKey, RecordingState, StreamKey,
    },
    tasks,
    time::MediaTime,
};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Began at this moment or later.
    since: Option<Timestamp>,
    /// Began before this moment.
    until: Option<Timestamp>,
    /// Those whose files are gone, instead of those whose files are there.
    #[serde(default)]
    deleted: bool,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Recordings)]
struct PageJson<'a> {
    recordings: Vec<RecordingJson<'a>>,
    /// Ask for it as `cursor`; null on the last page.
    next: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ListedRecording)]
struct RecordingJson<'a> {
    call: &'a CallSid,
    call_state: CallState,
    from: Option<&'a str>,
    to: Option<&'a str>,
    stream: u32,
    track: Track,
    speaker: &'a str,
    state: RecordingState,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    /// Seconds; 0 while it is open.
    duration: MediaTime,
    /// Of its files, which an archived recording shares with the other track; null where they are gone.
    bytes: Option<u64>,
    archived: bool,
    /// One address a file; a very long recording has several.
    urls: Vec<String>,
    failed: Option<&'a str>,
    /// Levels and verdict.
    detail: &'a serde_json::Value,
    /// What the analysis of the whole call came to.
    call_verdict: Option<&'a str>,
}

/// Recordings of all calls, newest first.
#[utoipa::path(
    get, path = "/api/v1/recordings", tag = "Recordings",
    params(Asked),
    responses((status = 200, description = "A page of recordings.", body = PageJson), (status = 400, description = "`bad_request`: limit: 1 to 200"),),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let limit = limit(asked.limit.unwrap_or(PAGE))?;
    let cursor = asked.cursor.as_deref().map(str::parse).transpose()?;
    let filter = RecordingFilter {
        since: asked.since,
        until: asked.until,
        deleted: asked.deleted,
    };
    let page = state
        .store
        .browse_recordings(&filter, cursor.as_ref(), limit)
        .await?;
    let bytes = sizes(&page.recordings).await?;
    let recordings = page.recordings.iter().zip(bytes);
    let body = PageJson {
        recordings: recordings.map(|(one, bytes)| json(one, bytes)).collect(),
        next: page.next.map(|cursor| cursor.to_string()),
    };
    Ok(Json(body).into_response())
}

fn json(one: &Browsed, bytes: Option<u64>) -> RecordingJson<'_> {
    let recording = &one.recording;
    let key = &recording.key;
    let parts = match recording.state {
        RecordingState::Deleted => 0,
        _ => recording.parts.len(),
    };
    RecordingJson {
        call: &key.stream.call,
        call_state: one.call_state,
        from: one.from.as_deref(),
        to: one.to.as_deref(),
        stream: key.stream.number,
        track: key.track,
        speaker: &recording.speaker,
        state: recording.state,
        started_at: recording.opened_at,
        ended_at: recording.closed_at,
        duration: recording.duration,
        bytes,
        archived: is_packed(recording),
        urls: (1..=parts).map(|part| address(recording, part)).collect(),
        failed: recording.failed.as_deref(),
        detail: &recording.detail,
        call_verdict: one.verdict.as_deref(),
    }
}

pub(super) fn is_packed(recording: &Recording) -> bool {
    recording.parts.iter().any(|part| is_archived(&part.path))
}

/// Bytes on the disk of each; none where a file is not there.
pub(super) async fn sizes(recordings: &[Browsed]) -> Result<Vec<Option<u64>>, HttpError> {
    let parts = |one: &Browsed| {
        let parts = one.recording.parts.iter();
        parts.map(|part| part.path.clone()).collect::<Vec<_>>()
    };
    let all: Vec<_> = recordings.iter().map(parts).collect();
    let size = |path: &PathBuf| Some(std::fs::metadata(path).ok()?.len());
    let looked = tasks::blocking("sizes", move || {
        let sizes = all.iter().map(|paths| paths.iter().map(size).sum());
        sizes.collect()
    });
    looked
        .await
        .map_err(|error| HttpError::internal("the recordings cannot be looked at", &error))
}

/// What the recordings take, and what goes next.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = RecordingsUsage)]
pub(super) struct Keeping {
    /// Absent where the folder cannot be listed.
    #[serde(flatten)]
    #[schema(value_type = Usage)]
    pub(super) usage: Option<Usage>,
    /// 0: for ever.
    pub(super) retention_days: u32,
    /// 0: never.
    pub(super) archive_days: u32,
    /// When old recordings are deleted next; null while no purge waits.
    pub(super) next_purge: Option<Timestamp>,
    /// How many recordings go then.
    pub(super) goes_then: u32,
}

pub(super) async fn keeping(state: &AppState) -> Result<Keeping, HttpError> {
    let about = &state.about;
    let usage = about.usage().await;
    if let Err(error) = &usage {
        tracing::warn!(%error, "the folder of recordings cannot be listed");
    }
    let next_purge = state.store.next_job_at(Purge::KIND).await?;
    let days = i64::from(about.retention_days);
    let goes_then = match next_purge.filter(|_| days > 0) {
        None => 0,
        Some(at) => {
            let before = at.max(state.clock.wall()) - SignedDuration::from_hours(24 * days);
            state.store.recordings_before(before).await?
        }
    };
    Ok(Keeping {
        usage: usage.ok().map(|usage| (*usage).clone()),
        retention_days: about.retention_days,
        archive_days: about.archive_days,
        next_purge,
        goes_then,
    })
}

/// What the recordings take of the disk, how long they are kept, and how many go next.
#[utoipa::path(
    get, path = "/api/v1/recordings/usage", tag = "Recordings",
    responses((status = 200, description = "Bytes and days.", body = Keeping)),
)]
pub(super) async fn usage(State(state): State<AppState>) -> Result<Response, HttpError> {
    Ok(Json(keeping(&state).await?).into_response())
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// The stream's number in the call; needed where several have this track.
    stream: Option<u32>,
    /// An archived recording's file holds both tracks: both are meant.
    #[serde(default)]
    both: bool,
    /// Only says what would go.
    #[serde(default)]
    dry_run: bool,
}

/// Deletes one recording's files; its call and what was said stay.
#[utoipa::path(
    delete, path = "/api/v1/calls/{id}/recording/{track}", tag = "Recordings",
    params(Which, ("id" = CallSid, Path, description = "The call's id."), ("track" = Track, Path, description = "The side of the line.")),
    responses(
        (status = 200, description = "What went, or would go.", body = Unrecorded),
        (status = 207, description = "The recording is gone, and files of it are still there: `kept` says why.", body = Unrecorded),
        (status = 400, description = "`bad_request`: stream: several streams of this call have that track, so say which"),
        (status = 404, description = "`not_found`: there is no such recording, or it is deleted already"),
        (status = 409, description = "`conflict`: this recording is archived, and its file holds the other side of the talk too: delete both; or `call_is_live`"),
    ),
)]
pub(super) async fn remove(
    State(state): State<AppState>,
    Path((id, track)): Path<(String, String)>,
    Params(which): Params<Which>,
) -> Result<Response, HttpError> {
    let (call, track) = (sid(&id)?, self::track(&track)?);
    let of_track = state.store.recordings(&call).await?;
    let mut numbers = of_track.iter().filter(|one| one.key.track == track);
    let number = match (which.stream, numbers.next(), numbers.next()) {
        (Some(number), ..) => number,
        (None, None, _) => return Err(UnrecordError::Nothing.into()),
        (None, Some(one), None) => one.key.stream.number,
        (None, Some(_), Some(_)) => {
            return Err(HttpError::bad_request(
                "stream: several streams of this call have that track, so say which",
            ));
        }
    };
    let key = RecordingKey {
        stream: StreamKey { call, number },
        track,
    };
    let done = delete(&state, &key, which.both, which.dry_run).await?;
    let status = match done.kept.is_empty() {
        true => StatusCode::OK,
        // The row says that it is gone; the files that could not be removed are named.
        false => StatusCode::MULTI_STATUS,
    };
    Ok((status, Json(done)).into_response())
}

pub(super) async fn delete(
    state: &AppState,
    key: &RecordingKey,
    both: bool,
    dry_run: bool,
) -> Result<Unrecorded, HttpError> {
    let done = unrecord(&state.store, &state.recordings, key, (both, dry_run)).await?;
    if !dry_run {
        state.about.forget_usage().await;
    }
    Ok(done)
}

pub(super) fn track(text: &str) -> Result<Track, HttpError> {
    let parsed = text.parse();
    parsed.map_err(|error: BadTrack| HttpError::not_found(error.to_string()))
}

impl From<UnrecordError> for HttpError {
    fn from(error: UnrecordError) -> Self {
        match error {
            UnrecordError::Store(error) => error.into(),
            UnrecordError::Folder(_) => Self::internal("the recording cannot be deleted", &error),
            UnrecordError::Nothing => Self::not_found(error.to_string()),
            UnrecordError::Shared => Self::new(StatusCode::CONFLICT, "conflict", error.to_string()),
        }
    }
}

//! `GET /api/v1/calls/{id}/changes`: what changed from one version of the transcript to another.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::{
    AppState, HttpError,
    call_file::{CallFile, sid},
    error::Params,
};
use crate::{
    ids::CallSid,
    store::VersionKind,
    tasks,
    transcript::{
        Segment,
        changes::{Changes, changes},
    },
};

/// Comparisons at once: two texts of two hours that have nothing in common take a second.
const AT_ONCE: usize = 2;
static COMPARING: Semaphore = Semaphore::const_new(AT_ONCE);

#[derive(Deserialize)]
pub(super) struct Asked {
    /// The older version; the live one by default.
    from: Option<u32>,
    /// The newer version; the one that is served by default.
    to: Option<u32>,
}

#[derive(Serialize)]
struct ChangesJson<'a> {
    call: &'a CallSid,
    from: Side,
    to: Side,
    #[serde(flatten)]
    changes: &'a Changes,
}

#[derive(Serialize)]
struct Side {
    version: u32,
    kind: VersionKind,
}

impl Side {
    const fn of(file: &CallFile) -> Self {
        Self {
            version: file.transcript.version.version,
            kind: file.transcript.version.kind,
        }
    }
}

pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let sid = sid(&id)?;
    let older = CallFile::load(&state, &sid, asked.from.or(Some(LIVE))).await?;
    let newer = CallFile::load(&state, &sid, asked.to).await?;
    let (from, to) = (Side::of(&older), Side::of(&newer));
    let (older, newer) = (older.transcript.segments, newer.transcript.segments);
    let changes = between(older.into(), newer.into()).await?;
    let body = ChangesJson {
        call: &sid,
        from,
        to,
        changes: &changes,
    };
    Ok(Json(body).into_response())
}

/// The version that was heard while the call went on.
pub(super) const LIVE: u32 = 1;

pub(super) async fn between(
    older: Arc<[Segment]>,
    newer: Arc<[Segment]>,
) -> Result<Changes, HttpError> {
    let why = "the versions cannot be compared";
    let permit = COMPARING.acquire().await;
    let permit = permit.map_err(|error| HttpError::internal(why, &error))?;
    let comparing = tasks::blocking("compare", move || {
        let _permit = permit;
        changes(&older, &newer)
    });
    let compared = comparing.await;
    compared.map_err(|error| HttpError::internal(why, &error))
}

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

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// The older version; the live one by default.
    from: Option<u32>,
    /// The newer version; the one that is served by default.
    to: Option<u32>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = TextChanges)]
struct ChangesJson<'a> {
    call: &'a CallSid,
    from: Side,
    to: Side,
    #[serde(flatten)]
    changes: &'a Changes,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ComparedVersion)]
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

/// What changed from one version of the transcript to another.
///
/// The newer text with what the older one had instead, word by word; without parameters from what was heard live to what
/// is served now.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/changes", tag = "Calls",
    params(Asked, ("id" = CallSid, Path, description = "The call's id.")),
    responses((status = 200, description = "The newer text, with what the older one had.", body = ChangesJson), (status = 400, description = "`bad_request`: from and to are numbers of versions"),
        (status = 404, description = "`not_found`: there is no call of this id, or it has no such version"),),
)]
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

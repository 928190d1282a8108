//! `/api/v1/jobs`: the work that follows calls, seen and tended.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    AppState, HttpError,
    error::Params,
    paging::{PAGE, cursor, limit},
};
use crate::store::{JobState, QueuedJob, WhichJobs};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Jobs of one kind: `transcribe`, `deliver`, …
    kind: Option<String>,
    /// `queued`, `running`, `done` or `dead`.
    state: Option<JobState>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Jobs)]
struct PageJson {
    jobs: Vec<QueuedJob>,
    /// Ask for it as `cursor`; null on the last page.
    next: Option<String>,
}

/// The work that follows calls, newest first.
#[utoipa::path(
    get, path = "/api/v1/jobs", tag = "Work",
    params(Asked),
    responses((status = 200, description = "A page of jobs.", body = PageJson), (status = 400, description = "`bad_request`: limit: 1 to 200"),),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let limit = limit(asked.limit.unwrap_or(PAGE))?;
    let cursor = cursor(asked.cursor.as_deref())?;
    let which = WhichJobs {
        kind: asked.kind,
        state: asked.state,
    };
    let (jobs, next) = state.store.queued_jobs(&which, cursor, limit).await?;
    Ok(Json(PageJson { jobs, next }).into_response())
}

/// A dead or waiting job becomes due at once.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/retry", tag = "Work",
    params(("id" = String, Path, description = "The job's id.")),
    responses((status = 202, description = "The job as it stands.", body = QueuedJob), (status = 404, description = "`not_found`: there is no job of this id"), (status = 409, description = "`conflict`: the job runs or is done"),),
)]
pub(super) async fn retry(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let job = again(&state, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(job)).into_response())
}

pub(super) async fn again(state: &AppState, id: &str) -> Result<QueuedJob, HttpError> {
    let job = state.store.retry_job(id, state.clock.wall()).await?;
    tracing::info!(
        kind = job.kind,
        key = job.key,
        "a job is tried again on demand"
    );
    Ok(job)
}

/// A job that does not run is removed.
#[utoipa::path(
    delete, path = "/api/v1/jobs/{id}", tag = "Work",
    params(("id" = String, Path, description = "The job's id.")),
    responses((status = 204, description = "It is gone."), (status = 404, description = "`not_found`: there is no job of this id"), (status = 409, description = "`conflict`: the job runs"),),
)]
pub(super) async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    drop_one(&state, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn drop_one(state: &AppState, id: &str) -> Result<(), HttpError> {
    let job = state.store.drop_job(id, state.clock.wall()).await?;
    tracing::info!(
        kind = job.kind,
        key = job.key,
        "a job was dropped on demand"
    );
    Ok(())
}

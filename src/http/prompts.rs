//! `GET /api/v1/prompts`, and `PUT` and `DELETE /api/v1/prompts/{domain}/{category}`: what uploaded files are
//! about, and how their data is asked for.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AppState, HttpError};
use crate::insight::domain::{Pair, fit_prompt};

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Prompt)]
struct PromptJson {
    #[schema(example = "healthcare")]
    domain: String,
    #[schema(example = "appointment_scheduling")]
    category: String,
    /// Null while it is being made.
    #[schema(example = "appointment_date, provider (whom the patient sees)")]
    prompt: Option<String>,
    /// `start`, `model` or `person`.
    made_by: String,
    updated_at: Timestamp,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Prompts)]
struct AllJson {
    prompts: Vec<PromptJson>,
}

/// What files are known to be about, and what is asked of the language model there; all of them.
#[utoipa::path(
    get, path = "/api/v1/prompts", tag = "Files",
    responses((status = 200, description = "The pairs of domain and category, in order.", body = AllJson)),
)]
pub(super) async fn list(State(state): State<AppState>) -> Result<Response, HttpError> {
    let prompts = state.store.prompts().await?.into_iter();
    let prompts = prompts.map(|prompt| PromptJson {
        domain: prompt.pair.domain,
        category: prompt.pair.category,
        prompt: prompt.text,
        made_by: prompt.made_by,
        updated_at: prompt.updated_at,
    });
    let all = AllJson {
        prompts: prompts.collect(),
    };
    Ok(Json(all).into_response())
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = PromptText)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// 1 to 4,000 characters: names of fields, each with a few words on what it holds.
    #[schema(example = "ticket_number, outage_since (when it began)")]
    prompt: String,
}

/// Sets a pair's prompt, and makes the pair known where it was not.
#[utoipa::path(
    put, path = "/api/v1/prompts/{domain}/{category}", tag = "Files",
    params(("domain" = String, Path, description = "Such as `internet`."), ("category" = String, Path, description = "Such as `outage`.")),
    request_body(content = Change),
    responses((status = 204, description = "It is set."), (status = 400, description = "`bad_request`: prompt: 1 to 4000 characters"),
        (status = 413, description = "`bad_request`: the body is too long"), (status = 415, description = "`bad_request`: the body is not JSON"), (status = 422, description = "`bad_request`: the body has no prompt"),),
)]
pub(super) async fn put(
    State(state): State<AppState>,
    Path((domain, category)): Path<(String, String)>,
    change: Result<Json<Change>, JsonRejection>,
) -> Result<StatusCode, HttpError> {
    let Json(change) = change?;
    let (pair, now) = (pair(&domain, &category)?, state.clock.wall());
    let text = fit_prompt(&change.prompt).map_err(HttpError::bad_request)?;
    state.store.put_prompt(&pair, text, now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets a pair; a file that is of it makes it known again, with a prompt of its own.
#[utoipa::path(
    delete, path = "/api/v1/prompts/{domain}/{category}", tag = "Files",
    params(("domain" = String, Path, description = "Such as `internet`."), ("category" = String, Path, description = "Such as `outage`.")),
    responses((status = 204, description = "It is gone."), (status = 400, description = "`bad_request`: domain and category are names"), (status = 404, description = "`not_found`: there is no such pair")),
)]
pub(super) async fn remove(
    State(state): State<AppState>,
    Path((domain, category)): Path<(String, String)>,
) -> Result<StatusCode, HttpError> {
    match state
        .store
        .delete_prompt(&pair(&domain, &category)?)
        .await?
    {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(HttpError::not_found("there is no such pair")),
    }
}

fn pair(domain: &str, category: &str) -> Result<Pair, HttpError> {
    Pair::known(domain, category).map_err(HttpError::bad_request)
}

//! `GET /api/v1/prompts`, and `PUT` and `DELETE /api/v1/prompts/{domain}/{category}`: what uploaded files are
//! about, and how their data is asked for.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AppState, HttpError};
use crate::insight::domain::Pair;

/// Characters of a prompt.
const LONGEST: usize = 4_000;

pub(super) async fn list(State(state): State<AppState>) -> Result<Response, HttpError> {
    let prompts = state.store.prompts().await?;
    let prompts: Vec<Value> = prompts
        .iter()
        .map(|prompt| {
            json!({
                "domain": prompt.pair.domain,
                "category": prompt.pair.category,
                "prompt": prompt.text,
                "made_by": prompt.made_by,
                "updated_at": prompt.updated_at,
            })
        })
        .collect();
    Ok(Json(json!({ "prompts": prompts })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    prompt: String,
}

/// Sets a pair's prompt, and makes the pair known where it was not.
pub(super) async fn put(
    State(state): State<AppState>,
    Path((domain, category)): Path<(String, String)>,
    change: Result<Json<Change>, JsonRejection>,
) -> Result<StatusCode, HttpError> {
    let Json(change) = change.map_err(|rejection| {
        HttpError::new(rejection.status(), "bad_request", rejection.body_text())
    })?;
    let length = change.prompt.trim().chars().count();
    if !(1..=LONGEST).contains(&length) {
        return Err(HttpError::bad_request(format!(
            "prompt: 1 to {LONGEST} characters"
        )));
    }
    let (pair, now) = (pair(&domain, &category)?, state.clock.wall());
    state
        .store
        .put_prompt(&pair, change.prompt.trim(), now)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

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
    let pair = Pair::new(domain, category).filter(|pair| !pair.is_unknown());
    pair.ok_or_else(|| {
        HttpError::bad_request(
            "domain and category are names of lower-case letters, digits and underscores",
        )
    })
}

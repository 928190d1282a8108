//! `DELETE /api/v1/calls/{id}`.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    AppState, HttpError,
    call_file::{no_call, sid},
    error::Params,
};
use crate::{
    after::erase::{EraseError, erase},
    store::{self, Whose},
};

#[derive(Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Asked {
    /// Only says what would go.
    dry_run: bool,
}

/// Deletes everything about a call and says what went.
///
/// Rows, recordings and downloads; for ever.
#[utoipa::path(
    delete, path = "/api/v1/calls/{id}", tag = "Calls",
    params(Asked, ("id" = crate::ids::CallSid, Path, description = "The call's id.")),
    responses((status = 200, description = "What went, or would go.", body = crate::after::erase::Report), (status = 400, description = "`bad_request`: dry_run is true or false"),
        (status = 404, description = "`not_found`: there is no call of this id"), (status = 409, description = "`call_is_live`: the call goes on"),),
)]
pub(super) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let whose = Whose::Call(sid(&id)?);
    let report = erase(&state.store, &state.recordings, &whose, asked.dry_run).await?;
    if let Some(call) = report.live.first() {
        return Err(store::Error::Live(call.to_string()).into());
    }
    if report.calls.is_empty() {
        return Err(no_call());
    }
    Ok(Json(report).into_response())
}

impl From<EraseError> for HttpError {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::Store(error) => error.into(),
            EraseError::Folder(_) => Self::internal("the recordings cannot be deleted", &error),
        }
    }
}

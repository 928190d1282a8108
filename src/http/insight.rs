//! `GET /api/v1/calls/{id}/insight`: what a call meant.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    AppState, HttpError,
    call_file::{no_call, sid},
};
use crate::{ids::CallSid, insight, store::CallLog};

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Insight)]
struct InsightJson<'a> {
    call: &'a CallSid,
    /// The version of the transcript that was read.
    version: u32,
    language: Option<&'a str>,
    service: Option<&'a str>,
    city: Option<&'a str>,
    /// How sure service and city are, 0 to 1; null where neither is claimed.
    confidence: Option<f64>,
    summary: &'a insight::Summary,
    #[serde(flatten)]
    insights: &'a insight::Insights,
    /// `on_box`, or `model` for a language model's answer, held against the transcript.
    path: insight::Path,
    made_by: &'a insight::MadeBy,
    final_transcript: Option<&'a str>,
    transcription: Option<&'a str>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// What a call meant: service, city, summary.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/insight", tag = "Calls",
    params(("id" = CallSid, Path, description = "The call's id.")),
    responses((status = 200, description = "What was understood.", body = InsightJson), (status = 404, description = "`not_found`: there is no call of this id; or nothing is understood of it (yet)"),),
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let sid = sid(&id)?;
    state.store.call(&sid).await?.ok_or_else(no_call)?;
    let log = state.store.call_log(&sid).await?.ok_or_else(|| {
        HttpError::not_found(
            "nothing is understood of this call (yet): that follows its transcript",
        )
    })?;
    Ok(Json(InsightJson::from(&log)).into_response())
}

impl<'a> From<&'a CallLog> for InsightJson<'a> {
    fn from(log: &'a CallLog) -> Self {
        let meaning = &log.meaning;
        Self {
            call: &log.call_sid,
            version: log.version,
            language: meaning.language.as_deref(),
            service: meaning.service.as_deref(),
            city: meaning.city.as_deref(),
            confidence: meaning
                .confidence
                .map(|of_1000| f64::from(of_1000) / 1000.0),
            summary: &meaning.summary,
            insights: &meaning.insights,
            path: meaning.path,
            made_by: &meaning.made_by,
            final_transcript: log.final_transcript.as_deref(),
            transcription: log.transcription.as_deref(),
            created_at: log.created_at,
            updated_at: log.updated_at,
        }
    }
}

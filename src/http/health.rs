//! For those who run the server: is it alive, should it get new calls, and its figures.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::AppState;

/// A database that answers later than this is no help to a call.
const DATABASE_PATIENCE: Duration = Duration::from_secs(2);

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Alive)]
struct AliveJson {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    #[schema(example = "0.1.0")]
    version: &'static str,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Ready)]
struct ReadyJson {
    ready: bool,
    /// Why not, in plain words.
    reasons: Vec<String>,
}

/// The process answers: a restart would not help.
#[utoipa::path(
    get, path = "/healthz", tag = "Server",
    security(()),
    responses((status = 200, description = "It answers.", body = AliveJson)),
)]
pub(super) async fn alive() -> Response {
    let body = AliveJson {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    };
    Json(body).into_response()
}

/// Why new calls should go elsewhere; empty when they are welcome.
pub(super) async fn reasons(state: &AppState) -> Vec<String> {
    let mut reasons = (state.not_ready)();
    match tokio::time::timeout(DATABASE_PATIENCE, state.store.ping()).await {
        Ok(Ok(())) => {}
        // The address and the error may say where the database is: that is for the log.
        Ok(Err(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "not ready");
            reasons.push("the database fails".into());
        }
        Err(_) => reasons.push("the database does not answer".into()),
    }
    reasons
}

/// 200 when new calls are welcome, else 503 with the reasons.
#[utoipa::path(
    get, path = "/readyz", tag = "Server",
    security(()),
    responses((status = 200, description = "New calls are welcome.", body = ReadyJson, example = json!({ "ready": true, "reasons": [] })), (status = 503, description = "They should go elsewhere.", body = ReadyJson, example = json!({ "ready": false, "reasons": ["the database does not answer"] })),),
)]
pub(super) async fn ready(State(state): State<AppState>) -> Response {
    let reasons = reasons(&state).await;
    let status = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = ReadyJson {
        ready: reasons.is_empty(),
        reasons,
    };
    (status, Json(body)).into_response()
}

/// The server's figures, in Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", tag = "Server",
    responses((status = 200, description = "The figures.", body = String, content_type = "text/plain", example = "callscribe_streams_active 2\n")),
)]
pub(super) async fn metrics(State(state): State<AppState>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], (state.metrics)()).into_response()
}

//! `/api/v1/deliveries`: what other systems were told, every attempt, and once more on demand.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    AppState, HttpError,
    error::Params,
    paging::{PAGE, cursor, limit},
};
use crate::{
    ids::{BadId, CallSid},
    store::{self, DeliveryAttempt, DeliveryState, ToldDelivery, WhichDeliveries},
};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Those of one call.
    #[param(value_type = Option<CallSid>)]
    call: Option<String>,
    /// `waiting`, `delivered` or `dead`.
    state: Option<DeliveryState>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Deliveries)]
struct PageJson {
    deliveries: Vec<DeliveryJson>,
    /// Ask for it as `cursor`; null on the last page.
    next: Option<String>,
}

/// Without what is sent: that is the call's, and had there.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Delivery)]
struct DeliveryJson {
    id: String,
    call: String,
    target: String,
    event: String,
    /// The version of the transcript that it tells; 0 for none.
    version: u32,
    /// Which transcript that is, `final`, `live` or `none`, and why it was chosen.
    transcript_source: Option<String>,
    transcript_reason: Option<String>,
    state: DeliveryState,
    /// Why it is dead.
    reason: Option<String>,
    created_at: Timestamp,
    delivered_at: Option<Timestamp>,
    attempts: Vec<AttemptJson>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Attempt)]
struct AttemptJson {
    number: u32,
    started_at: Timestamp,
    took_ms: u32,
    http_status: Option<u32>,
    error: Option<String>,
}

/// What other systems were told, newest first.
#[utoipa::path(
    get, path = "/api/v1/deliveries", tag = "Work",
    params(Asked),
    responses((status = 200, description = "A page of deliveries, each with its attempts.", body = PageJson), (status = 400, description = "`bad_request`: limit: 1 to 200"),),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let limit = limit(asked.limit.unwrap_or(PAGE))?;
    let cursor = cursor(asked.cursor.as_deref())?;
    let which = WhichDeliveries {
        call: asked.call.as_deref().map(call).transpose()?,
        state: asked.state,
    };
    let (page, next) = state.store.deliveries(&which, cursor, limit).await?;
    let deliveries = page.into_iter().map(whole).collect();
    Ok(Json(PageJson { deliveries, next }).into_response())
}

/// Sends one again, whatever became of it before.
///
/// Under the same id, so that a target that took it knows it.
#[utoipa::path(
    post, path = "/api/v1/deliveries/{id}/redeliver", tag = "Work",
    params(("id" = String, Path, description = "The delivery's id.")),
    responses((status = 202, description = "It waits for its next attempt.", body = DeliveryJson), (status = 404, description = "`not_found`: there is no delivery of this id"), (status = 409, description = "`conflict`: it is being sent"),),
)]
pub(super) async fn redeliver(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    again(&state, &id).await?;
    let told = state.store.told_delivery(&id).await?;
    let told = told.ok_or_else(|| store::Error::NoDelivery(id))?;
    Ok((StatusCode::ACCEPTED, Json(whole(told))).into_response())
}

pub(super) async fn again(state: &AppState, id: &str) -> Result<(), HttpError> {
    let delivery = state.store.redeliver(id, state.clock.wall()).await?;
    tracing::info!(delivery = id, call = %delivery.call, target = delivery.target, "sent again on demand");
    Ok(())
}

fn call(text: &str) -> Result<CallSid, HttpError> {
    let parsed = text.parse();
    parsed.map_err(|error: BadId| HttpError::bad_request(format!("call: {error}")))
}

fn whole(told: ToldDelivery) -> DeliveryJson {
    let ToldDelivery {
        delivery,
        source,
        why,
        attempts,
    } = told;
    DeliveryJson {
        id: delivery.id,
        call: delivery.call.to_string(),
        target: delivery.target,
        event: delivery.event,
        version: delivery.version,
        transcript_source: source,
        transcript_reason: why,
        state: delivery.state,
        reason: delivery.reason,
        created_at: delivery.created_at,
        delivered_at: delivery.delivered_at,
        attempts: attempts.into_iter().map(attempt).collect(),
    }
}

fn attempt(attempt: DeliveryAttempt) -> AttemptJson {
    let DeliveryAttempt {
        number,
        started_at,
        took_ms,
        http_status,
        error,
    } = attempt;
    AttemptJson {
        number,
        started_at,
        took_ms,
        http_status,
        error,
    }
}

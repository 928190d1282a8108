//! `/api/v1/customers`: what a business knows of those who call.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    AppState, HttpError,
    error::Params,
    paging::{PAGE, cursor, limit},
};
use crate::{
    people::{
        Options, Unfit,
        customer::{Customer, Draft},
        phone::Party,
    },
    store::CustomerFilter,
};

#[derive(Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// The business's own id.
    external_id: Option<String>,
    /// In any form.
    phone: Option<String>,
    /// What the name begins with.
    name: Option<String>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200.
    limit: u32,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            external_id: None,
            phone: None,
            name: None,
            cursor: None,
            limit: PAGE,
        }
    }
}

#[derive(Serialize)]
struct PageJson {
    customers: Vec<Customer>,
    /// Ask for it as `cursor`; null on the last page.
    next: Option<String>,
}

/// Customers, newest first.
pub(super) async fn list(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let limit = limit(asked.limit)?;
    let before = cursor(asked.cursor.as_deref())?;
    let phone = asked.phone.as_deref();
    let filter = CustomerFilter {
        external_id: asked.external_id,
        phone: phone
            .map(|phone| number(phone, &state.people))
            .transpose()?,
        name: asked.name.filter(|name| !name.is_empty()),
    };
    let (customers, more) = state.store.customers(&filter, before, limit).await?;
    let last = customers.last().filter(|_| more);
    let next = last.map(|last| last.id.clone());
    Ok(Json(PageJson { customers, next }).into_response())
}

pub(super) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let customer = state.store.customer(&id).await?.ok_or_else(no_customer)?;
    Ok(Json(customer).into_response())
}

pub(super) async fn add(
    State(state): State<AppState>,
    draft: Result<Json<Draft>, JsonRejection>,
) -> Result<Response, HttpError> {
    let Json(draft) = draft?;
    let details = draft.check(state.people.region)?;
    let now = state.clock.wall();
    let made = state.store.add_customer(&details, now).await?;
    let place = format!("/api/v1/customers/{}", made.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(made)).into_response())
}

/// What is absent stays, what is empty is taken away.
pub(super) async fn change(
    State(state): State<AppState>,
    Path(id): Path<String>,
    draft: Result<Json<Draft>, JsonRejection>,
) -> Result<Response, HttpError> {
    let Json(draft) = draft?;
    let old = state.store.customer(&id).await?.ok_or_else(no_customer)?;
    let details = draft.over(&old.details, state.people.region)?;
    let now = state.clock.wall();
    let changed = state.store.change_customer(&id, &details, now).await?;
    Ok(Json(changed.ok_or_else(no_customer)?).into_response())
}

/// With the bookings.
pub(super) async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let now = state.clock.wall();
    match state.store.remove_customer(&id, now).await? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(no_customer()),
    }
}

/// A number to search for, as it is stored. A plus that was not escaped has become a space.
pub(super) fn number(phone: &str, options: &Arc<Options>) -> Result<String, HttpError> {
    let spelled = match phone.strip_prefix(' ') {
        Some(rest) => format!("+{rest}"),
        None => phone.to_owned(),
    };
    match Party::read(&spelled, options.region) {
        Party::Number(number) => Ok(number),
        _ => Err(HttpError::bad_request("phone: is no complete number")),
    }
}

pub(super) fn no_customer() -> HttpError {
    HttpError::not_found("there is no customer of this id")
}

impl From<Unfit> for HttpError {
    fn from(unfit: Unfit) -> Self {
        Self::bad_request(unfit.to_string())
    }
}

impl From<JsonRejection> for HttpError {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), "bad_request", rejection.body_text())
    }
}

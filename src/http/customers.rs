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
    leads,
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

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Asked {
    /// The business's own id.
    external_id: Option<String>,
    /// In any form.
    #[param(example = "+972541234567")]
    phone: Option<String>,
    /// What the name begins with.
    name: Option<String>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200.
    #[param(minimum = 1, maximum = 200)]
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

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Customers)]
struct PageJson {
    customers: Vec<Customer>,
    /// Ask for it as `cursor`; null on the last page.
    next: Option<String>,
}

/// Customers, newest first.
#[utoipa::path(
    get, path = "/api/v1/customers", tag = "People",
    params(Asked),
    responses((status = 200, description = "A page of customers.", body = PageJson), (status = 400, description = "`bad_request`: limit: 1 to 200"),),
)]
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

/// One customer.
#[utoipa::path(
    get, path = "/api/v1/customers/{id}", tag = "People",
    params(("id" = String, Path, description = "The customer's id.")),
    responses((status = 200, description = "The customer.", body = Customer), (status = 404, description = "`not_found`: there is no customer of this id"),),
)]
pub(super) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let customer = state.store.customer(&id).await?.ok_or_else(no_customer)?;
    Ok(Json(customer).into_response())
}

/// Adds a customer.
#[utoipa::path(
    post, path = "/api/v1/customers", tag = "People",
    request_body(content = Draft, example = json!({ "name": "Dana Levi", "phones": ["054-123-4567"], "language": "he" })),
    responses((status = 201, description = "The new customer.", body = Customer, headers(("location" = String, description = "Where it is had."))), (status = 400, description = "`bad_request`: a field cannot be that; the message says which"),
        (status = 409, description = "`conflict`: another customer has that external id"), (status = 413, description = "`bad_request`: the body is too long"), (status = 415, description = "`bad_request`: the body is not JSON"), (status = 422, description = "`bad_request`: the body is not a customer"),),
)]
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

/// Changes a customer: what is absent stays, what is empty is taken away.
#[utoipa::path(
    patch, path = "/api/v1/customers/{id}", tag = "People",
    params(("id" = String, Path, description = "The customer's id.")),
    request_body(content = Draft, example = json!({ "notes": "Prefers mornings." })),
    responses((status = 200, description = "The customer as it is now.", body = Customer), (status = 400, description = "`bad_request`: a field cannot be that; the message says which"),
        (status = 404, description = "`not_found`: there is no customer of this id"), (status = 409, description = "`conflict`: another customer has that external id"), (status = 413, description = "`bad_request`: the body is too long"), (status = 415, description = "`bad_request`: the body is not JSON"), (status = 422, description = "`bad_request`: the body is not a customer"),),
)]
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

/// Removes a customer with the bookings.
#[utoipa::path(
    delete, path = "/api/v1/customers/{id}", tag = "People",
    params(("id" = String, Path, description = "The customer's id.")),
    responses((status = 204, description = "It is gone."), (status = 404, description = "`not_found`: there is no customer of this id"),),
)]
pub(super) async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    match state.store.remove_customer(&id).await? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(no_customer()),
    }
}

/// A number to search for, as it is stored.
pub(super) fn number(phone: &str, options: &Arc<Options>) -> Result<String, HttpError> {
    match Party::read(&leads::number(phone), options.region) {
        Party::Number(number) => Ok(number),
        _ => Err(HttpError::bad_request("phone: is no complete number")),
    }
}

fn no_customer() -> HttpError {
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

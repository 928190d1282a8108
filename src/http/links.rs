//! `/api/v1/calls/{id}/link` and `/customer`: a person's word for whose call it was; and
//! `/api/v1/customers/{id}/context`: what whoever answers should know of a customer.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    AppState, HttpError,
    call_file::{no_call, sid},
    customers::no_customer,
    error::Params,
};
use crate::{
    people::{
        booking::Booking,
        context::{self, Contact},
        customer::{Customer, Draft},
    },
    store::{BookingFilter, ConversationFilter, Linked},
};

/// Bookings that are looked through for those that are told.
const LATEST: u32 = 50;

/// Whose call it was; null is nobody's.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = LinkWord)]
#[serde(deny_unknown_fields)]
pub(super) struct Word {
    customer_id: Option<String>,
    #[serde(default)]
    booking_id: Option<String>,
}

#[derive(Deserialize, Default, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Form {
    #[default]
    Text,
    Json,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// `text` or `json`; by the `Accept` header where it is not said.
    #[param(inline)]
    format: Option<Form>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CustomerContext)]
struct ContextJson<'a> {
    customer_id: &'a str,
    customer_name: &'a str,
    language: Option<&'a str>,
    preferences: &'a [String],
    recent_calls: &'a [Contact],
    bookings: Vec<BookingJson<'a>>,
    /// As an assistant reads it.
    text: &'a str,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ContextBooking)]
struct BookingJson<'a> {
    id: &'a str,
    starts_at: jiff::Timestamp,
    status: &'static str,
    guests: Option<u32>,
    title: &'a str,
}

/// Whose call it was, and what speaks for it.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/link", tag = "People",
    params(("id" = String, Path, description = "The call's id.")),
    responses((status = 200, description = "Whose call it was.", body = Linked), (status = 404, description = "`not_found`: this call is not there, or not linked yet"),),
)]
pub(super) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let linked = state.store.link_of(&sid(&id)?).await?;
    Ok(Json(linked.ok_or_else(no_link)?).into_response())
}

/// Says whose call it was: a person's word, which stands until it is taken back.
#[utoipa::path(
    put, path = "/api/v1/calls/{id}/link", tag = "People",
    params(("id" = String, Path, description = "The call's id.")),
    request_body(content = Word, example = json!({ "customer_id": null })),
    responses((status = 200, description = "The link as it is now.", body = Linked), (status = 404, description = "`not_found`: this call is not there, or not linked yet"), (status = 409, description = "`conflict`: there is no such customer, or the booking is not his"),
        (status = 413, description = "`bad_request`: the body is too long"), (status = 415, description = "`bad_request`: the body is not JSON"), (status = 422, description = "`bad_request`: the body is not a word on whose call it was"),),
)]
pub(super) async fn put(
    State(state): State<AppState>,
    Path(id): Path<String>,
    told: Result<Json<Word>, JsonRejection>,
) -> Result<Response, HttpError> {
    let Json(told) = told?;
    let call = sid(&id)?;
    state.store.link_of(&call).await?.ok_or_else(no_link)?;
    let (customer, booking) = (told.customer_id.as_deref(), told.booking_id.as_deref());
    let now = state.clock.wall();
    let linked = state.store.link_by_hand(&call, customer, booking, now);
    Ok(Json(linked.await?).into_response())
}

/// Takes the person's word back; the rule is asked again.
#[utoipa::path(
    delete, path = "/api/v1/calls/{id}/link", tag = "People",
    params(("id" = String, Path, description = "The call's id.")),
    responses((status = 204, description = "The rule is asked."), (status = 404, description = "`not_found`: this call is not there, or not linked yet"),),
)]
pub(super) async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let now = state.clock.wall();
    match state.store.unlink_by_hand(&sid(&id)?, now).await? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(no_link()),
    }
}

/// Makes a customer of the call's number; the calls of that number are linked to him.
#[utoipa::path(
    post, path = "/api/v1/calls/{id}/customer", tag = "People",
    params(("id" = String, Path, description = "The call's id.")),
    request_body(content = Draft, example = json!({ "name": "Dana Levi" })),
    responses((status = 201, description = "The new customer.", body = Customer, headers(("location" = String, description = "Where it is had."))), (status = 400, description = "`bad_request`: a field cannot be that; the message says which"), (status = 404, description = "`not_found`: this call is not there, or not linked yet"),
        (status = 409, description = "`conflict`: the call has no number, or another customer has that external id"), (status = 413, description = "`bad_request`: the body is too long"), (status = 415, description = "`bad_request`: the body is not JSON"), (status = 422, description = "`bad_request`: the body is not a customer"),),
)]
pub(super) async fn make_customer(
    State(state): State<AppState>,
    Path(id): Path<String>,
    draft: Result<Json<Draft>, JsonRejection>,
) -> Result<Response, HttpError> {
    let Json(mut draft) = draft?;
    let call = sid(&id)?;
    state.store.call(&call).await?.ok_or_else(no_call)?;
    let linked = state.store.link_of(&call).await?.ok_or_else(no_link)?;
    let number = number(linked)?;
    draft.phones.get_or_insert_default().insert(0, number);
    let details = draft.check(state.people.region)?;
    let made = state.store.add_customer(&details, state.clock.wall());
    let made = made.await?;
    let place = format!("/api/v1/customers/{}", made.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(made)).into_response())
}

/// What whoever answers should know of a customer: a text for an assistant, or the same as JSON.
#[utoipa::path(
    get, path = "/api/v1/customers/{id}/context", tag = "People",
    params(("id" = String, Path, description = "The customer's id."), Asked),
    responses((status = 200, description = "The text, or the same as JSON.", content((String = "text/plain"), (ContextJson = "application/json"))), (status = 404, description = "`not_found`: there is no customer of this id"),),
)]
pub(super) async fn context(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(asked): Params<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let customer = state.store.customer(&id).await?.ok_or_else(no_customer)?;
    let Told {
        calls,
        bookings,
        text,
    } = told(&state, &customer).await?;
    let accepts = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    let wants_json = accepts.is_some_and(|accepts| accepts.contains("application/json"));
    match asked
        .format
        .unwrap_or(if wants_json { Form::Json } else { Form::Text })
    {
        Form::Text => Ok(text.into_response()),
        Form::Json => {
            let body = ContextJson {
                customer_id: &customer.id,
                customer_name: &customer.details.name,
                language: customer.details.language.as_deref(),
                preferences: &customer.details.preferences,
                recent_calls: &calls,
                bookings: bookings.iter().map(booking).collect(),
                text: &text,
            };
            Ok(Json(body).into_response())
        }
    }
}

/// What there is to know of a customer.
pub(super) struct Told {
    calls: Vec<Contact>,
    bookings: Vec<Booking>,
    pub(super) text: String,
}

pub(super) async fn told(state: &AppState, customer: &Customer) -> Result<Told, HttpError> {
    let filter = ConversationFilter {
        customer: Some(customer.id.clone()),
        ..ConversationFilter::default()
    };
    let store = &state.store;
    let (calls, _) = store.conversations(&filter, None, context::CALLS).await?;
    let calls: Vec<Contact> = calls.into_iter().map(contact).collect();
    let bookings = bookings(state, customer.id.clone()).await?;
    let zone = state.people.time_zone.time_zone();
    let text = context::text(customer, &calls, &bookings, zone);
    Ok(Told {
        calls,
        bookings,
        text,
    })
}

/// Those that are still to come, the nearest first; where there is none, the last one.
async fn bookings(state: &AppState, customer: String) -> Result<Vec<Booking>, HttpError> {
    let filter = BookingFilter {
        customer: Some(customer),
        ..BookingFilter::default()
    };
    let (mut found, _) = state.store.bookings(&filter, None, LATEST).await?;
    // The booking of today counts as one to come.
    let since = state.clock.wall() - jiff::SignedDuration::from_hours(24);
    found.reverse();
    let past = found
        .iter()
        .filter(|one| one.details.starts.at < since)
        .count();
    let first = past.min(found.len().saturating_sub(1));
    Ok(found
        .into_iter()
        .skip(first)
        .take(context::BOOKINGS)
        .collect())
}

fn contact(call: crate::store::Conversation) -> Contact {
    let title = call.summary.map(|summary| summary.title);
    let about = title.filter(|title| !title.is_empty());
    let insights = call.insights.unwrap_or_default();
    Contact {
        called_at: call.linked.called_at,
        about: about.unwrap_or(call.linked.excerpt),
        sentiment: insights.sentiment,
        action_items: insights.action_items,
    }
}

fn booking(booking: &Booking) -> BookingJson<'_> {
    let details = &booking.details;
    BookingJson {
        id: &booking.id,
        starts_at: details.starts.at,
        status: details.status.as_str(),
        guests: details.guests,
        title: &details.title,
    }
}

fn number(linked: Linked) -> Result<String, HttpError> {
    linked.number.ok_or_else(|| {
        HttpError::new(
            StatusCode::CONFLICT,
            "conflict",
            "this call has no number that a customer could be found by",
        )
    })
}

pub(super) fn no_link() -> HttpError {
    HttpError::not_found("this call is not there, or not linked yet: that follows its transcript")
}

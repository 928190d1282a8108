//! `/api/v1/bookings`: what those who call have booked.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    AppState, HttpError, customers,
    error::Params,
    paging::{PAGE, limit},
};
use crate::{
    people::booking::{Booking, Draft, Status, When},
    store::{Booker, BookingFilter},
};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Asked {
    /// Of one customer.
    customer_id: Option<String>,
    /// The business's own id of the booking.
    external_id: Option<String>,
    /// How far it is.
    #[param(inline)]
    status: Option<Status>,
    /// That start at this moment or after it: RFC 3339.
    from: Option<Timestamp>,
    /// That start before this moment.
    to: Option<Timestamp>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: u32,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            customer_id: None,
            external_id: None,
            status: None,
            from: None,
            to: None,
            cursor: None,
            limit: PAGE,
        }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Bookings)]
struct PageJson<'a> {
    bookings: Vec<BookingJson<'a>>,
    /// Ask for it as `cursor`; null on the last page.
    next: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Booking)]
struct BookingJson<'a> {
    id: &'a str,
    external_id: Option<&'a str>,
    customer_id: &'a str,
    /// With the offset of the business's zone; of a day without a time, the day alone.
    starts_at: String,
    ends_at: Option<String>,
    status: Status,
    guests: Option<u32>,
    title: &'a str,
    notes: &'a str,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Bookings, latest start first.
#[utoipa::path(
    get, path = "/api/v1/bookings", tag = "People",
    params(Asked),
    responses((status = 200, description = "A page of bookings.", body = PageJson), (status = 400, description = "`bad_request`: limit: 1 to 200"),),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let limit = limit(asked.limit)?;
    let before = asked.cursor.as_deref().map(str::parse).transpose()?;
    let filter = BookingFilter {
        customer: asked.customer_id,
        external_id: asked.external_id,
        status: asked.status,
        from: asked.from,
        to: asked.to,
    };
    let (bookings, next) = state
        .store
        .bookings(&filter, before.as_ref(), limit)
        .await?;
    let zone = state.people.time_zone.time_zone();
    let body = PageJson {
        bookings: bookings.iter().map(|booking| json(booking, zone)).collect(),
        next: next.map(|place| place.to_string()),
    };
    Ok(Json(body).into_response())
}

/// One booking.
#[utoipa::path(
    get, path = "/api/v1/bookings/{id}", tag = "People",
    params(("id" = String, Path, description = "The booking's id.")),
    responses((status = 200, description = "The booking.", body = BookingJson), (status = 404, description = "`not_found`: there is no booking of this id"),),
)]
pub(super) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let booking = state.store.booking(&id).await?.ok_or_else(no_booking)?;
    Ok(answer(&state, &booking))
}

/// Adds a booking.
#[utoipa::path(
    post, path = "/api/v1/bookings", tag = "People",
    request_body(content = Draft, example = json!({ "customer_phone": "+972541234567", "starts_at": "2025-11-15T18:30", "guests": 4, "title": "Dinner" })),
    responses((status = 201, description = "The new booking.", body = BookingJson, headers(("location" = String, description = "Where it is had."))), (status = 400, description = "`bad_request`: a field cannot be that; the message says which"),
        (status = 409, description = "`conflict`: no customer, or more than one, is meant; or another booking has that external id"), (status = 413, description = "`bad_request`: the body is too long"), (status = 415, description = "`bad_request`: the body is not JSON"), (status = 422, description = "`bad_request`: the body is not a booking"),),
)]
pub(super) async fn add(
    State(state): State<AppState>,
    draft: Result<Json<Draft>, JsonRejection>,
) -> Result<Response, HttpError> {
    let Json(draft) = draft?;
    let of = booker(&state, &draft)?.ok_or_else(|| {
        HttpError::bad_request(
            "one of customer_id, customer_external_id and customer_phone says whose booking it is",
        )
    })?;
    let details = draft.check(state.people.time_zone.time_zone())?;
    let now = state.clock.wall();
    let made = state.store.add_booking(&of, &details, now).await?;
    let place = format!("/api/v1/bookings/{}", made.id);
    let body = answer(&state, &made);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], body).into_response())
}

/// Changes a booking: what is absent stays, what is empty is taken away.
#[utoipa::path(
    patch, path = "/api/v1/bookings/{id}", tag = "People",
    params(("id" = String, Path, description = "The booking's id.")),
    request_body(content = Draft, example = json!({ "status": "cancelled" })),
    responses((status = 200, description = "The booking as it is now.", body = BookingJson), (status = 400, description = "`bad_request`: a field cannot be that; the message says which"),
        (status = 404, description = "`not_found`: there is no booking of this id"), (status = 409, description = "`conflict`: no customer, or more than one, is meant; or another booking has that external id"), (status = 413, description = "`bad_request`: the body is too long"), (status = 415, description = "`bad_request`: the body is not JSON"), (status = 422, description = "`bad_request`: the body is not a booking"),),
)]
pub(super) async fn change(
    State(state): State<AppState>,
    Path(id): Path<String>,
    draft: Result<Json<Draft>, JsonRejection>,
) -> Result<Response, HttpError> {
    let Json(draft) = draft?;
    let of = booker(&state, &draft)?;
    let old = state.store.booking(&id).await?.ok_or_else(no_booking)?;
    let details = draft.over(&old.details, state.people.time_zone.time_zone())?;
    let now = state.clock.wall();
    let store = &state.store;
    let changed = store
        .change_booking(&id, of.as_ref(), &details, now)
        .await?;
    Ok(answer(&state, &changed.ok_or_else(no_booking)?))
}

/// Removes a booking.
#[utoipa::path(
    delete, path = "/api/v1/bookings/{id}", tag = "People",
    params(("id" = String, Path, description = "The booking's id.")),
    responses((status = 204, description = "It is gone."), (status = 404, description = "`not_found`: there is no booking of this id"),),
)]
pub(super) async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let now = state.clock.wall();
    match state.store.remove_booking(&id, now).await? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(no_booking()),
    }
}

pub(super) fn booker(state: &AppState, draft: &Draft) -> Result<Option<Booker>, HttpError> {
    Booker::of(draft, |phone| customers::number(phone, &state.people))
}

pub(super) fn no_booking() -> HttpError {
    HttpError::not_found("there is no booking of this id")
}

fn answer(state: &AppState, booking: &Booking) -> Response {
    Json(json(booking, state.people.time_zone.time_zone())).into_response()
}

fn json<'a>(booking: &'a Booking, zone: &TimeZone) -> BookingJson<'a> {
    let details = &booking.details;
    BookingJson {
        id: &booking.id,
        external_id: details.external_id.as_deref(),
        customer_id: &booking.customer_id,
        starts_at: told(details.starts, zone),
        ends_at: details.ends.map(|ends| told(ends, zone)),
        status: details.status,
        guests: details.guests,
        title: &details.title,
        notes: &details.notes,
        created_at: booking.created_at,
        updated_at: booking.updated_at,
    }
}

fn told(when: When, zone: &TimeZone) -> String {
    let local = when.at.to_zoned(zone.clone());
    match when.has_time {
        true => local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        false => local.date().to_string(),
    }
}

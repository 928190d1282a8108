//! Customers, their bookings, and whose calls they were.
//!
//! | file | |
//! |---|---|
//! | `customers`, `bookings` | the lists |
//! | `customer`, `booking` | one of them, with its calls |
//! | `edit_customer`, `edit_booking` | their forms, and the questions before they go |
//! | `review` | calls that are nobody's |
//! | `correct` | a person's word for whose call it was |
//! | `link` | whose call it was and why, on the page of a call and of a lead |
//! | `conversation` | a call in a list of them |
//!
//! A booking is told in the business's zone wherever the reader sits, because it takes place there. Calls are
//! told in the reader's own, as everywhere, but for a booking's page, where both stand on one line.

use std::collections::BTreeMap;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::Page;

use crate::{
    http::{AppState, HttpError},
    people::booking::{Booking, Details, Status, When},
};

pub(in crate::http) mod booking;
pub(in crate::http) mod bookings;
mod conversation;
pub(in crate::http) mod correct;
pub(in crate::http) mod customer;
pub(in crate::http) mod customers;
pub(in crate::http) mod edit_booking;
pub(in crate::http) mod edit_customer;
pub(in crate::http) mod link;
pub(in crate::http) mod review;

/// The lists, and the way from one to the other.
const LISTS: [(&str, &str); 3] = [
    ("/customers", "Customers"),
    ("/bookings", "Bookings"),
    ("/review", "Calls to review"),
];

fn lists(here: &str) -> Markup {
    html! {
        nav.choices aria-label="Customers, bookings and calls to review" {
            @for (place, name) in LISTS {
                a href=(place) aria-current=[(place == here).then_some("page")] { (name) }
            }
        }
    }
}

fn zone(state: &AppState) -> &TimeZone {
    state.people.time_zone.time_zone()
}

fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}

/// In the business's zone; scripts leave it as it is.
fn when(when: When, zone: &TimeZone) -> Markup {
    let local = when.at.to_zoned(zone.clone());
    html! {
        @if when.has_time {
            time.there datetime=(local.strftime("%Y-%m-%dT%H:%M:%S%:z")) { (local.strftime("%a %-d %b %Y, %H:%M")) }
        } @else {
            time.there datetime=(local.strftime("%Y-%m-%d")) { (local.strftime("%a %-d %b %Y")) }
        }
    }
}

/// From its start to its end; of an end on the same day the time alone.
fn lasting(details: &Details, zone: &TimeZone) -> Markup {
    let local = |when: When| when.at.to_zoned(zone.clone());
    let starts = details.starts;
    html! {
        (when(starts, zone))
        @if let Some(ends) = details.ends.filter(|ends| *ends != starts) {
            @if ends.has_time && local(ends).date() == local(starts).date() {
                "–" time.there datetime=(local(ends).strftime("%Y-%m-%dT%H:%M:%S%:z")) { (local(ends).strftime("%H:%M")) }
            } @else { " – " (when(ends, zone)) }
        }
    }
}

const fn label(status: Status) -> &'static str {
    match status {
        Status::Pending => "Pending",
        Status::Confirmed => "Confirmed",
        Status::InProgress => "In progress",
        Status::Completed => "Completed",
        Status::Cancelled => "Cancelled",
        Status::NoShow => "No show",
    }
}

fn badge(status: Status) -> Markup {
    let class = match status {
        Status::Pending => "badge finishing",
        Status::Confirmed | Status::InProgress => "badge final",
        Status::Completed => "badge",
        Status::Cancelled | Status::NoShow => "badge failed",
    };
    html! { span class=(class) { (label(status)) } }
}

fn title(details: &Details) -> Markup {
    html! { @if details.title.is_empty() { "Booking" } @else { bdi { (details.title) } } }
}

fn guests(details: &Details) -> Option<String> {
    details.guests.map(|guests| match guests {
        1 => "1 guest".into(),
        guests => format!("{guests} guests"),
    })
}

/// A booking in a list; with whose it is, where the list does not say so.
fn row(booking: &Booking, of: Option<&str>, zone: &TimeZone) -> Markup {
    let details = &booking.details;
    html! {
        li.entry {
            div.line {
                a.names href={ "/bookings/" (booking.id) } { (title(details)) }
                (badge(details.status))
                span.when { (lasting(details, zone)) }
            }
            div.line.quiet {
                @if let Some(name) = of { a href={ "/customers/" (booking.customer_id) } { bdi { (name) } } }
                @if let Some(guests) = guests(details) { span { (guests) } }
                @if let Some(id) = &details.external_id { span { "Your id " bdi { (id) } } }
            }
            @if !details.notes.is_empty() { p.note dir="auto" { (details.notes) } }
        }
    }
}

/// Names of customers, by their ids.
async fn names(
    state: &AppState,
    ids: impl Iterator<Item = &str>,
) -> Result<BTreeMap<String, String>, HttpError> {
    let mut names = BTreeMap::new();
    for id in ids {
        if names.contains_key(id) {
            continue;
        }
        if let Some(customer) = state.store.customer(id).await? {
            names.insert(customer.id, customer.details.name);
        }
    }
    Ok(names)
}

/// What fields are called before people.
const FIELDS: [(&str, &str); 12] = [
    ("customer_external_id", "Your id of the customer"),
    ("customer_id", "Customer"),
    ("customer_phone", "The customer’s number"),
    ("email", "E-mail"),
    ("ends_at", "End"),
    ("external_id", "Your id"),
    ("guests", "Guests"),
    ("language", "Language"),
    ("name", "Name"),
    ("phones", "Numbers"),
    ("preferences", "Preferences"),
    ("starts_at", "Start"),
];

/// Why what somebody typed was not taken.
fn refusal(problem: Option<&HttpError>) -> Markup {
    let told = |message: &str| {
        let (field, why) = message.split_once(": ").unwrap_or(("", message));
        match FIELDS.iter().find(|(known, _)| *known == field) {
            Some((_, name)) => format!("{name}: {why}"),
            None => super::sentence(message),
        }
    };
    html! {
        @if let Some(problem) = problem { p.banner role="alert" { "Not saved. " (told(&problem.message)) } }
    }
}

/// What is said where somebody else changed it since the form was opened; saving again is a choice.
fn meanwhile() -> HttpError {
    HttpError::new(
        StatusCode::CONFLICT,
        "conflict",
        "somebody else changed it meanwhile: what you see here is yours; save again to put it in the place of theirs",
    )
}

/// Where a form leads: onward, or back to itself with what was typed where that was not taken.
async fn answered(
    done: Result<String, HttpError>,
    again: impl AsyncFnOnce(&HttpError) -> Result<Page, HttpError>,
) -> Result<Response, HttpError> {
    match done {
        Ok(onward) => Ok(Redirect::to(&onward).into_response()),
        Err(problem) if problem.status.is_client_error() => {
            let page = again(&problem).await?;
            Ok((problem.status, page).into_response())
        }
        Err(problem) => Err(problem),
    }
}

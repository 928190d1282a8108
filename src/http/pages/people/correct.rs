//! `/calls/{id}/link`: a person's word for whose call it was, and about which booking. It stands until it is
//! taken back.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    super::{Page, day_and_time, filters::filled, sentence},
    badge,
    customers::by_name_or_number,
    lasting, link, title, zone,
};
use crate::{
    http::{
        AppState, HttpError,
        call_file::sid,
        error::{Params, Sent},
        links::no_link,
    },
    people::{booking::Booking, customer::Customer},
    store::{BookingFilter, Linked, LinkedBy},
};

/// Customers that are offered: those who have the number, and those who are looked for.
const CUSTOMERS: u32 = 10;
/// Bookings of one that are offered: the nearest to the call, …
const BOOKINGS: usize = 5;
/// … among so many, …
const AMONG: u32 = 200;
/// … of this time before it and after.
const NEAR: SignedDuration = SignedDuration::from_hours(180 * 24);

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    q: Option<String>,
    from: Option<String>,
}

/// A customer, and bookings that the call may be about.
struct Offer {
    customer: Customer,
    bookings: Vec<Booking>,
}

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(asked): Params<Asked>,
) -> Result<Page, HttpError> {
    let linked = state.store.link_of(&sid(&id)?).await?.ok_or_else(no_link)?;
    let typed = filled(asked.q.as_ref());
    let from = filled(asked.from.as_ref()).unwrap_or_default();
    let close = close(&state, &linked).await?;
    let found = match typed {
        Some(typed) => found(&state, &linked, &close, typed).await,
        None => Ok(Vec::new()),
    };
    let content = html! {
        p.back { a href=(onward(&id, from)) { @if from == "review" { "Calls to review" } @else { "Back to the call" } } }
        h1 { "Whose call was it?" }
        p {
            a href={ "/calls/" (id) } { @match &linked.number { Some(number) => { bdi.number { (number) } }, None => "The call" } }
            ", " (day_and_time(linked.called_at)) ". "
            span.quiet { (link::reason(&linked)) }
        }
        @if !linked.excerpt.is_empty() { p.excerpt dir="auto" { (linked.excerpt) } }
        (search(&id, typed, from))
        @if let Err(problem) = &found { p.banner role="alert" { (sentence(&problem.message)) " A number is looked for whole, with its area code." } }
        form.choice method="post" action={ "/calls/" (id) "/link" } {
            input type="hidden" name="from" value=(from);
            @if let (Some(_), Ok(found)) = (typed, &found) {
                fieldset {
                    legend { "Found" }
                    @if found.is_empty() { p.quiet { "Nobody else. A name is looked for by how its words begin, a number whole." } }
                    @for offer in found { (offered(offer, &linked, &state)) }
                }
            }
            @if !close.is_empty() {
                fieldset {
                    legend { "Linked, or has this number" }
                    @for offer in &close { (offered(offer, &linked, &state)) }
                }
            }
            fieldset {
                legend { "Nobody" }
                @let is_nobody = linked.customer_id.is_none() && linked.made_by == LinkedBy::Person;
                (choice("nobody", is_nobody, &html! { "It is nobody’s: a wrong number, a salesman, ourselves" }))
            }
            div.buttons { button { "Save" } a href=(onward(&id, from)) { "Leave it" } }
        }
        @if linked.made_by == LinkedBy::Person {
            form.choice method="post" action={ "/calls/" (id) "/unlink" } {
                p { "What a person said stands. It can be taken back: then it is found out again by the number and by what was said." }
                button { "Take it back" }
            }
        }
    };
    Ok(Page::new("Whose call was it?", "people", content))
}

fn search(id: &str, typed: Option<&str>, from: &str) -> Markup {
    html! {
        form.filters method="get" action={ "/calls/" (id) "/link" } role="search" aria-label="Find a customer" {
            @if !from.is_empty() { input type="hidden" name="from" value=(from); }
            label.wide { "Find a customer by name or number" input type="search" name="q" dir="auto" autocomplete="off" value=[typed]; }
            div.buttons { button { "Find" } }
        }
    }
}

fn offered(offer: &Offer, linked: &Linked, state: &AppState) -> Markup {
    let customer = &offer.customer;
    let is_his = linked.customer_id.as_ref() == Some(&customer.id);
    let details = &customer.details;
    let person = html! {
        strong { bdi { (details.name) } }
        @for phone in &details.phones { " " bdi.number.quiet { (phone.e164.as_ref().unwrap_or(&phone.raw)) } }
        @if !offer.bookings.is_empty() { " " span.badge { "No booking" } }
    };
    html! {
        div.offer {
            (choice(&customer.id, is_his && linked.booking_id.is_none(), &person))
            @for booking in &offer.bookings {
                @let value = format!("{}.{}", customer.id, booking.id);
                @let is_it = is_his && linked.booking_id.as_ref() == Some(&booking.id);
                (choice(&value, is_it, &html! {
                    (title(&booking.details)) ", " (lasting(&booking.details, zone(state))) " " (badge(booking.details.status))
                }))
            }
        }
    }
}

fn choice(value: &str, is_so: bool, label: &Markup) -> Markup {
    html! {
        label.option { input type="radio" name="choice" value=(value) required checked[is_so]; span { (label) } }
    }
}

/// Whom it is linked to, and those who have the number.
async fn close(state: &AppState, linked: &Linked) -> Result<Vec<Offer>, HttpError> {
    let mut customers = Vec::new();
    if let Some(id) = &linked.customer_id {
        customers.extend(state.store.customer(id).await?);
    }
    if let Some(number) = &linked.number {
        let (holders, _) = state.store.holders(number, linked.called_at).await?;
        let others = holders.into_iter().take(CUSTOMERS as usize);
        customers.extend(others.filter(|one| Some(&one.id) != linked.customer_id.as_ref()));
    }
    offers(state, linked, customers).await
}

/// Those that are not offered already.
async fn found(
    state: &AppState,
    linked: &Linked,
    close: &[Offer],
    typed: &str,
) -> Result<Vec<Offer>, HttpError> {
    let filter = by_name_or_number(Some(typed), state)?;
    let (mut customers, _) = state.store.customers(&filter, None, CUSTOMERS).await?;
    customers.retain(|one| close.iter().all(|offer| offer.customer.id != one.id));
    offers(state, linked, customers).await
}

async fn offers(
    state: &AppState,
    linked: &Linked,
    customers: Vec<Customer>,
) -> Result<Vec<Offer>, HttpError> {
    let mut offers = Vec::new();
    for customer in customers {
        let mut bookings = near(state, &customer, linked.called_at).await?;
        if let Some(id) = &linked.booking_id
            && !bookings.iter().any(|booking| booking.id == *id)
            && let Some(booking) = state.store.booking(id).await?
            && booking.customer_id == customer.id
        {
            bookings.push(booking);
        }
        offers.push(Offer { customer, bookings });
    }
    Ok(offers)
}

/// The nearest bookings, earliest first.
async fn near(
    state: &AppState,
    customer: &Customer,
    at: Timestamp,
) -> Result<Vec<Booking>, HttpError> {
    let filter = BookingFilter {
        customer: Some(customer.id.clone()),
        from: Some(at - NEAR),
        to: Some(at + NEAR),
        ..BookingFilter::default()
    };
    let (mut bookings, _) = state.store.bookings(&filter, None, AMONG).await?;
    bookings.sort_by_key(|booking| booking.details.starts.at.duration_since(at).abs());
    bookings.truncate(BOOKINGS);
    bookings.sort_by_key(|booking| booking.details.starts.at);
    Ok(bookings)
}

#[derive(Deserialize)]
pub(in crate::http) struct Told {
    /// `nobody`, a customer's id, or a customer's and a booking's with a dot between.
    choice: String,
    #[serde(default)]
    from: String,
}

pub(in crate::http) async fn save(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Sent(told): Sent<Told>,
) -> Result<Response, HttpError> {
    let call = sid(&id)?;
    state.store.link_of(&call).await?.ok_or_else(no_link)?;
    let (customer, booking) = match told.choice.split_once('.') {
        Some((customer, booking)) => (Some(customer), Some(booking)),
        None if told.choice == "nobody" => (None, None),
        None => (Some(told.choice.as_str()), None),
    };
    let now = state.clock.wall();
    let linked = state.store.link_by_hand(&call, customer, booking, now);
    linked.await?;
    Ok(Redirect::to(&onward(&id, &told.from)).into_response())
}

/// Back to the rule.
pub(in crate::http) async fn take_back(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    match state
        .store
        .unlink_by_hand(&sid(&id)?, state.clock.wall())
        .await?
    {
        true => Ok(Redirect::to(&onward(&id, "")).into_response()),
        false => Err(no_link()),
    }
}

fn onward(call: &str, from: &str) -> String {
    match from {
        "review" => "/review".into(),
        _ => format!("/calls/{call}"),
    }
}

//! `/bookings`: what those who call have booked, latest start first.

use axum::extract::State;
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    super::{
        Page,
        filters::{address, days_in, filled, one_of},
    },
    label, lists, names, row, zone, zone_name,
};
use crate::{
    http::{AppState, HttpError, access::Viewer, error::Params},
    people::booking::Status,
    store::{BookingFilter, Scope},
};

const BOOKINGS: u32 = 50;

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    customer: Option<String>,
    status: Option<String>,
    from: Option<String>,
    to: Option<String>,
    external_id: Option<String>,
    cursor: Option<String>,
}

impl Asked {
    fn filter(&self, state: &AppState) -> Result<BookingFilter, HttpError> {
        let (from, to) = days_in(zone(state), self.from.as_ref(), self.to.as_ref())?;
        Ok(BookingFilter {
            customer: filled(self.customer.as_ref()).map(ToOwned::to_owned),
            external_id: filled(self.external_id.as_ref()).map(ToOwned::to_owned),
            status: one_of(self.status.as_ref(), "status")?,
            from,
            to,
        })
    }

    fn address(&self, cursor: Option<&str>) -> String {
        let fields = [
            ("customer", filled(self.customer.as_ref())),
            ("status", filled(self.status.as_ref())),
            ("from", filled(self.from.as_ref())),
            ("to", filled(self.to.as_ref())),
            ("external_id", filled(self.external_id.as_ref())),
            ("cursor", cursor),
        ];
        address("/bookings", &fields)
    }

    fn is_filtered(&self) -> bool {
        self.address(None) != "/bookings"
    }
}

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
    viewer: Viewer,
) -> Result<Page, HttpError> {
    let zone = zone(&state);
    let filter = asked.filter(&state)?;
    let cursor = filled(asked.cursor.as_ref()).map(str::parse).transpose()?;
    let (bookings, next) = state
        .store
        .bookings(&filter, cursor.as_ref(), BOOKINGS)
        .await?;
    let of = bookings.iter().map(|booking| booking.customer_id.as_str());
    let names = names(&state, of.chain(filter.customer.as_deref())).await?;
    let whose = filter.customer.as_deref().and_then(|id| names.get(id));
    let next = next.map(|place| place.to_string());
    let content = html! {
        div.head {
            h1 { "Bookings" @if let Some(name) = whose { " of " bdi { (name) } } }
            @if viewer.may(Scope::PeopleWrite) {
                a.button href=(address("/bookings/new", &[("customer", filter.customer.as_deref())])) { "Add a booking" }
            }
        }
        (lists("/bookings"))
        (filters(&asked))
        div #bookings {
            @if bookings.is_empty() { (nothing(&asked)) } @else {
                ul.entries {
                    @for booking in &bookings {
                        (row(booking, names.get(&booking.customer_id).map(String::as_str), zone))
                    }
                }
                p.quiet { "In the time of " (zone_name(zone)) "." }
            }
            nav.pager aria-label="Pages" {
                @if filled(asked.cursor.as_ref()).is_some() { a href=(asked.address(None)) { "Latest bookings" } } @else { span {} }
                @if let Some(next) = &next { a rel="next" href=(asked.address(Some(next))) { "Earlier bookings" } }
            }
        }
    };
    Ok(Page::new("Bookings", "people", content))
}

fn filters(asked: &Asked) -> Markup {
    let status = filled(asked.status.as_ref());
    html! {
        form.filters method="get" action="/bookings" role="search" aria-label="Filter bookings" {
            @if let Some(customer) = filled(asked.customer.as_ref()) { input type="hidden" name="customer" value=(customer); }
            label { "Status"
                select name="status" {
                    option value="" { "All" }
                    @for one in Status::ALL {
                        option value=(one) selected[status == Some(one.as_str())] { (label(one)) }
                    }
                }
            }
            label { "From day" input type="date" name="from" value=[filled(asked.from.as_ref())]; }
            label { "To day" input type="date" name="to" value=[filled(asked.to.as_ref())]; }
            label { "Your id" input type="search" name="external_id" dir="auto" autocomplete="off" value=[filled(asked.external_id.as_ref())]; }
            div.buttons {
                button { "Filter" }
                @if asked.is_filtered() { a href="/bookings" { "Show all" } }
            }
        }
    }
}

fn nothing(asked: &Asked) -> Markup {
    html! {
        div.first {
            @if asked.is_filtered() {
                p { strong { "No booking is like that." } " Take a filter away, or " a href="/bookings" { "look at all bookings" } "." }
            } @else if filled(asked.cursor.as_ref()).is_some() {
                p { "There are no earlier bookings." }
            } @else {
                p { strong { "No bookings yet." } " Once there are some, a call near to one of its customer's is linked to it." }
                p { "Bring yours out of a CSV file on the server's machine:" }
                p { code { "callscribe import bookings.csv" } }
            }
        }
    }
}

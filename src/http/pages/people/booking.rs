//! `/bookings/{id}`: one booking, and its calls on a line of time: before it, while it lasted, and after.

use axum::extract::{Path, State};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use maud::{Markup, html};

use super::{
    super::{Page, day_and_time},
    badge, conversation, lasting, link, title, when, zone, zone_name,
};
use crate::{
    http::{
        AppState, HttpError,
        access::Viewer,
        bookings::no_booking,
        conversations::{Around, around},
        customers::no_customer,
    },
    people::{
        booking::{Booking, When},
        customer::Customer,
    },
    store::{Conversation, Scope},
};

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
    viewer: Viewer,
) -> Result<Page, HttpError> {
    let booking = state.store.booking(&id).await?.ok_or_else(no_booking)?;
    let customer = state.store.customer(&booking.customer_id).await?;
    let customer = customer.ok_or_else(no_customer)?;
    let around = around(&state, &booking).await?;
    let zone = zone(&state);
    let name = match booking.details.title.as_str() {
        "" => format!("Booking of {}", customer.details.name),
        title => title.to_owned(),
    };
    let content = html! {
        div.head {
            p.back { a href="/bookings" { "All bookings" } }
            @if viewer.may(Scope::PeopleWrite) {
                div.buttons {
                    a.button href={ "/bookings/" (id) "/edit" } { "Edit" }
                    a.danger href={ "/bookings/" (id) "/delete" } { "Delete …" }
                }
            }
        }
        section #booking {
            h1 { (title(&booking.details)) }
            (facts(&booking, &customer, zone))
        }
        section #timeline aria-labelledby="line" {
            h2 #line { "Its calls" }
            (timeline(&booking, &around, zone))
        }
    };
    Ok(Page::new(name, "people", content))
}

fn facts(booking: &Booking, customer: &Customer, zone: &TimeZone) -> Markup {
    let details = &booking.details;
    html! {
        dl {
            dt { "Of" } dd { a href={ "/customers/" (customer.id) } { bdi { (customer.details.name) } } }
            dt { "When" } dd { (lasting(details, zone)) " " span.quiet { "in " (zone_name(zone)) } }
            dt { "Status" } dd { (badge(details.status)) }
            @if let Some(guests) = details.guests { dt { "Guests" } dd { (guests) } }
            @if let Some(id) = &details.external_id { dt { "Your id" } dd { bdi { (id) } } }
            @if !details.notes.is_empty() { dt { "Notes" } dd.noted dir="auto" { (details.notes) } }
            dt { "Since" } dd { (day_and_time(booking.created_at)) }
        }
    }
}

/// Both the calls and the booking in the business's zone.
fn timeline(booking: &Booking, around: &Around, zone: &TimeZone) -> Markup {
    let details = &booking.details;
    let Around {
        before,
        during,
        after,
        ends,
    } = around;
    // Of a day without a time nobody can say how long before it was.
    let starts = details.starts.has_time.then_some(details.starts.at);
    let ends_at = details
        .ends
        .filter(|ends| ends.has_time)
        .map(|ends| ends.at);
    html! {
        ol.timeline {
            @for call in before { (stop(call, "before", starts, zone)) }
            li.stop.milestone {
                p.at { (when(details.starts, zone)) }
                p { strong { (title(details)) } @if details.starts.has_time { " begins" } @else { ", that day" } }
            }
            @for call in during { (stop(call, "in", starts, zone)) }
            @if !after.is_empty() || (details.ends.is_some() && !during.is_empty()) {
                li.stop.milestone {
                    p.at { (when(When { at: *ends, has_time: true }, zone)) }
                    p { @if details.ends.is_some() { "It ends" } @else { "Taken to be over: no end is known" } }
                }
            }
            @for call in after { (stop(call, "after", ends_at, zone)) }
        }
        @if before.is_empty() && during.is_empty() && after.is_empty() {
            p.quiet { "No calls about it yet. Those of its customer within 24 hours of it appear here by themselves." }
        }
    }
}

fn stop(
    call: &Conversation,
    side: &'static str,
    from: Option<Timestamp>,
    zone: &TimeZone,
) -> Markup {
    let at = call.linked.called_at;
    let called = When { at, has_time: true };
    html! {
        li.stop.(side) data-call=(call.linked.call) {
            p.at {
                (when(called, zone))
                @if let Some(from) = from { " · " (apart(at.duration_since(from).abs())) " " (side) }
            }
            a.names href={ "/calls/" (call.linked.call) } { (conversation::about(call)) }
            (conversation::content(call))
            p.because.quiet { (link::reason(&call.linked)) }
        }
    }
}

/// `12 min`, `5 h 20 min`, `3 days`.
fn apart(time: SignedDuration) -> String {
    let minutes = time.as_mins();
    match (minutes / 60, minutes % 60) {
        (hours @ 48.., _) => format!("{} days", hours / 24),
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_told_in_short() {
        for (minutes, expected) in [
            (0, "0 min"),
            (59, "59 min"),
            (60, "1 h"),
            (320, "5 h 20 min"),
            (47 * 60 + 59, "47 h 59 min"),
            (72 * 60 + 5, "3 days"),
        ] {
            assert_eq!(apart(SignedDuration::from_mins(minutes)), expected);
        }
    }
}

//! `/customers/{id}`: one customer, with what whoever answers is told, the bookings and the calls.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    super::{
        Page, day_and_time,
        filters::{address, filled},
    },
    conversation, lasting, link, row, title, zone, zone_name,
};
use crate::{
    http::{AppState, HttpError, access::Viewer, customers::no_customer, error::Params, links},
    insight::Sentiment,
    people::{booking::Booking, customer::Customer},
    store::{BookingFilter, Conversation, ConversationFilter, Scope, search::Query},
};

const CALLS: u32 = 20;
const BOOKINGS: u32 = 10;
const SENTIMENTS: [(&str, &str, Sentiment); 3] = [
    ("positive", "Positive", Sentiment::Positive),
    ("neutral", "Neutral", Sentiment::Neutral),
    ("negative", "Negative", Sentiment::Negative),
];

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    text: Option<String>,
    sentiment: Option<String>,
    cursor: Option<String>,
}

impl Asked {
    fn address(&self, customer: &str, cursor: Option<&str>) -> String {
        let fields = [
            ("text", filled(self.text.as_ref())),
            ("sentiment", filled(self.sentiment.as_ref())),
            ("cursor", cursor),
        ];
        address(&format!("/customers/{customer}"), &fields)
    }

    fn filter(&self, customer: &str) -> Result<ConversationFilter, HttpError> {
        let of = |word: &str| {
            let found = SENTIMENTS.iter().find(|(name, ..)| *name == word);
            let why = || HttpError::bad_request("sentiment: there is no such one");
            found.map(|(.., one)| *one).ok_or_else(why)
        };
        Ok(ConversationFilter {
            customer: Some(customer.to_owned()),
            sentiment: filled(self.sentiment.as_ref()).map(of).transpose()?,
            text: filled(self.text.as_ref()).map(Query::parse),
            ..ConversationFilter::default()
        })
    }

    fn is_filtered(&self) -> bool {
        let fields = [&self.text, &self.sentiment];
        fields.iter().any(|field| filled(field.as_ref()).is_some())
    }
}

/// All that the page shows.
struct Sheet {
    customer: Customer,
    context: String,
    bookings: Vec<Booking>,
    more_bookings: bool,
    calls: Vec<Conversation>,
    next: Option<String>,
    total: u32,
    /// Those that the calls are about.
    meant: BTreeMap<String, Booking>,
}

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(asked): Params<Asked>,
    viewer: Viewer,
) -> Result<Page, HttpError> {
    let sheet = Sheet::load(&state, &id, &asked).await?;
    let name = sheet.customer.details.name.clone();
    let may_write = viewer.may(Scope::PeopleWrite);
    let zone = zone(&state);
    let content = html! {
        div.head {
            p.back { a href="/customers" { "All customers" } }
            @if may_write {
                div.buttons {
                    a.button href={ "/customers/" (id) "/edit" } { "Edit" }
                    a.button href=(address("/bookings/new", &[("customer", Some(&id))])) { "Add a booking" }
                    a.danger href={ "/customers/" (id) "/delete" } { "Delete …" }
                }
            }
        }
        section #customer {
            h1 { bdi { (name) } }
            (facts(&sheet.customer))
        }
        section #context aria-labelledby="to-know" {
            h2 #to-know { "What whoever answers is told" }
            div.whose { (link::told(&sheet.context)) }
        }
        section #bookings aria-labelledby="booked" {
            h2 #booked { "Bookings" }
            @if sheet.bookings.is_empty() { p.quiet { "None." } } @else {
                ul.entries { @for booking in &sheet.bookings { (row(booking, None, zone)) } }
                p.quiet {
                    "In the time of " (zone_name(zone)) ". "
                    @if sheet.more_bookings { a href=(address("/bookings", &[("customer", Some(&id))])) { "All bookings" } }
                }
            }
        }
        (calls(&sheet, &asked, &state))
    };
    Ok(Page::new(name, "people", content))
}

impl Sheet {
    async fn load(state: &AppState, id: &str, asked: &Asked) -> Result<Self, HttpError> {
        let store = &state.store;
        let customer = store.customer(id).await?.ok_or_else(no_customer)?;
        let of = BookingFilter {
            customer: Some(id.to_owned()),
            ..BookingFilter::default()
        };
        let (bookings, more) = store.bookings(&of, None, BOOKINGS).await?;
        let cursor = filled(asked.cursor.as_ref()).map(str::parse).transpose()?;
        let filter = asked.filter(id)?;
        let (calls, next) = store.conversations(&filter, cursor.as_ref(), CALLS).await?;
        let mut meant = BTreeMap::new();
        for id in calls
            .iter()
            .filter_map(|call| call.linked.booking_id.as_ref())
        {
            if meant.contains_key(id) {
                continue;
            }
            if let Some(booking) = store.booking(id).await? {
                meant.insert(id.clone(), booking);
            }
        }
        Ok(Self {
            context: links::told(state, &customer).await?.text,
            total: store.calls_of_customer(id).await?,
            next: next.map(|next| next.to_string()),
            more_bookings: more.is_some(),
            customer,
            bookings,
            calls,
            meant,
        })
    }
}

fn facts(customer: &Customer) -> Markup {
    let details = &customer.details;
    html! {
        dl {
            dt { "Numbers" }
            dd {
                @if details.phones.is_empty() { span.quiet { "None: no call is found by itself." } }
                @for phone in &details.phones {
                    div {
                        @match &phone.e164 {
                            Some(number) => {
                                bdi.number { (number) }
                                @if *number != phone.raw { " " span.quiet { "brought as " bdi { (phone.raw) } } }
                            },
                            None => { bdi.number { (phone.raw) } " " span.quiet { "not complete: no call is found by it" } },
                        }
                    }
                }
            }
            @if !details.preferences.is_empty() {
                dt { "Preferences" }
                dd { ul.likes { @for one in &details.preferences { li dir="auto" { (one) } } } }
            }
            @if let Some(email) = &details.email { dt { "E-mail" } dd { bdi { (email) } } }
            @if let Some(language) = &details.language { dt { "Language" } dd { (language) } }
            @if let Some(id) = &details.external_id { dt { "Your id" } dd { bdi { (id) } } }
            @if !details.notes.is_empty() { dt { "Notes" } dd.noted dir="auto" { (details.notes) } }
            dt { "Since" } dd { (day_and_time(customer.created_at)) }
        }
    }
}

fn calls(sheet: &Sheet, asked: &Asked, state: &AppState) -> Markup {
    let id = &sheet.customer.id;
    html! {
        section aria-labelledby="called" {
            h2 #called { "Calls" @if sheet.total > 0 { " (" (sheet.total) ")" } }
            @if sheet.total > 0 { (filters(sheet, asked)) }
            div #calls {
                @if sheet.calls.is_empty() {
                    p.quiet {
                        @if sheet.next.is_some() { "None of the newest is like that; an older one may be." }
                        @else if asked.is_filtered() { "No call is like that." }
                        @else if sheet.total > 0 { "There are no older calls." }
                        @else { "No calls yet. Those of these numbers appear here by themselves." }
                    }
                } @else {
                    ul.entries {
                        @for call in &sheet.calls { (conversation::row(call, &linked(sheet, call, state))) }
                    }
                }
                nav.pager aria-label="Pages" {
                    @if filled(asked.cursor.as_ref()).is_some() { a href={ (asked.address(id, None)) "#called" } { "Newest calls" } } @else { span {} }
                    @if let Some(next) = &sheet.next { a rel="next" href={ (asked.address(id, Some(next))) "#called" } { "Older calls" } }
                }
            }
        }
    }
}

fn filters(sheet: &Sheet, asked: &Asked) -> Markup {
    let here = format!("/customers/{}", sheet.customer.id);
    let sentiment = filled(asked.sentiment.as_ref());
    html! {
        form.filters method="get" action=(here) role="search" aria-label="Filter the calls" {
            label.wide { "Words that were said" input type="search" name="text" dir="auto" value=[filled(asked.text.as_ref())]; }
            label { "Sentiment"
                select name="sentiment" {
                    option value="" { "All" }
                    @for (name, label, _) in SENTIMENTS { option value=(name) selected[sentiment == Some(name)] { (label) } }
                }
            }
            div.buttons {
                button { "Filter" }
                @if asked.is_filtered() { a href=(here) { "Show all" } }
            }
        }
    }
}

/// What booking a call is about, and why.
fn linked(sheet: &Sheet, call: &Conversation, state: &AppState) -> Markup {
    let booking = call
        .linked
        .booking_id
        .as_ref()
        .and_then(|id| sheet.meant.get(id));
    html! {
        div.because {
            @if let Some(booking) = booking {
                span { "About " a href={ "/bookings/" (booking.id) } { (title(&booking.details)) } ", " (lasting(&booking.details, zone(state))) ". " }
            }
            span.quiet { (link::reason(&call.linked)) }
        }
    }
}

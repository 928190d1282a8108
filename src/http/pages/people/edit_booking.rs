//! `/bookings/new`, `/bookings/{id}/edit` and `/delete`. Days and times are the business's.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    super::{Page, filters::filled},
    answered, label, lasting, meanwhile, refusal, title, zone, zone_name,
};
use crate::{
    http::{
        AppState, HttpError,
        bookings::{booker, no_booking},
        customers::no_customer,
        error::{Params, Sent},
    },
    people::{
        booking::{Booking, Details, Draft, Status, When},
        customer::Customer,
    },
};

/// What stands in the form.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(in crate::http) struct Form {
    customer: String,
    /// One of the two, where the customer is not known.
    customer_phone: String,
    customer_external_id: String,
    starts_day: String,
    starts_time: String,
    ends_day: String,
    ends_time: String,
    status: String,
    guests: String,
    title: String,
    notes: String,
    external_id: String,
    /// When the booking that is edited was last changed.
    seen: String,
}

impl Form {
    fn of(booking: &Booking, zone: &TimeZone) -> Self {
        let details = &booking.details;
        let (starts_day, starts_time) = fields(Some(details.starts), zone);
        let (ends_day, ends_time) = fields(details.ends, zone);
        let guests = details.guests.map(|guests| guests.to_string());
        Self {
            customer: booking.customer_id.clone(),
            starts_day,
            starts_time,
            ends_day,
            ends_time,
            status: details.status.to_string(),
            guests: guests.unwrap_or_default(),
            title: details.title.clone(),
            notes: details.notes.clone(),
            external_id: details.external_id.clone().unwrap_or_default(),
            seen: booking.updated_at.to_string(),
            ..Self::default()
        }
    }

    fn draft(&self) -> Draft {
        let some = |text: &str| Some(text.to_owned());
        let ends_day = match self.ends_day.trim() {
            "" if !self.ends_time.trim().is_empty() => &self.starts_day,
            _ => &self.ends_day,
        };
        Draft {
            external_id: some(&self.external_id),
            customer_id: some(&self.customer),
            customer_external_id: some(&self.customer_external_id),
            customer_phone: some(&self.customer_phone),
            starts_at: Some(moment(&self.starts_day, &self.starts_time)),
            ends_at: Some(moment(ends_day, &self.ends_time)),
            status: some(&self.status),
            guests: None,
            title: some(&self.title),
            notes: some(&self.notes),
        }
    }

    fn guests(&self) -> Result<Option<u32>, HttpError> {
        let parse = |text: &str| text.parse();
        let guests = Some(self.guests.trim()).filter(|text| !text.is_empty());
        let guests = guests.map(parse).transpose();
        guests.map_err(|_| HttpError::bad_request("guests: a number is meant, as 30"))
    }
}

/// Day and time, as fields of a form have them.
fn fields(when: Option<When>, zone: &TimeZone) -> (String, String) {
    let Some(when) = when else {
        return Default::default();
    };
    let local = when.at.to_zoned(zone.clone());
    let time = local.strftime("%H:%M").to_string();
    let day = local.date().to_string();
    (day, if when.has_time { time } else { String::new() })
}

fn moment(day: &str, time: &str) -> String {
    match (day.trim(), time.trim()) {
        (day, "") => day.to_owned(),
        (day, time) => format!("{day}T{time}"),
    }
}

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    customer: Option<String>,
}

pub(in crate::http) async fn new(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Page, HttpError> {
    let form = Form {
        customer: filled(asked.customer.as_ref()).unwrap_or_default().into(),
        status: Status::default().to_string(),
        ..Form::default()
    };
    added(&state, &form, None).await
}

pub(in crate::http) async fn add(
    State(state): State<AppState>,
    Sent(form): Sent<Form>,
) -> Result<Response, HttpError> {
    let again = async |problem: &HttpError| added(&state, &form, Some(problem)).await;
    answered(made(&state, &form).await, again).await
}

async fn made(state: &AppState, form: &Form) -> Result<String, HttpError> {
    let draft = Draft {
        guests: form.guests()?,
        ..form.draft()
    };
    let of = booker(state, &draft)?;
    let of = of.ok_or_else(|| {
        HttpError::bad_request("say whose it is: the customer’s number, or your id of the customer")
    })?;
    let details = draft.check(zone(state))?;
    let made = state.store.add_booking(&of, &details, state.clock.wall());
    Ok(format!("/bookings/{}", made.await?.id))
}

async fn added(
    state: &AppState,
    form: &Form,
    problem: Option<&HttpError>,
) -> Result<Page, HttpError> {
    let customer = match form.customer.as_str() {
        "" => None,
        id => Some(state.store.customer(id).await?.ok_or_else(no_customer)?),
    };
    let back = match &customer {
        Some(customer) => format!("/customers/{}", customer.id),
        None => "/bookings".into(),
    };
    let places = ["Add a booking", "/bookings/new", &back];
    Ok(sheet(places, form, customer.as_ref(), zone(state), problem))
}

pub(in crate::http) async fn edit(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Page, HttpError> {
    let booking = state.store.booking(&id).await?.ok_or_else(no_booking)?;
    edited(&state, &id, &Form::of(&booking, zone(&state)), None).await
}

pub(in crate::http) async fn change(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Sent(form): Sent<Form>,
) -> Result<Response, HttpError> {
    let old = state.store.booking(&id).await?.ok_or_else(no_booking)?;
    let form = Form {
        customer: old.customer_id.clone(),
        ..form
    };
    let done = changed(&state, &old, &form).await;
    let form = Form {
        seen: old.updated_at.to_string(),
        ..form
    };
    let again = async |problem: &HttpError| edited(&state, &id, &form, Some(problem)).await;
    answered(done, again).await
}

async fn changed(state: &AppState, old: &Booking, form: &Form) -> Result<String, HttpError> {
    if form.seen != old.updated_at.to_string() {
        return Err(meanwhile());
    }
    let zone = zone(state);
    let mut draft = form.draft();
    // What was not touched stays to the second, and in an hour that comes twice as well.
    let shown = Form::of(old, zone);
    if (&form.starts_day, &form.starts_time) == (&shown.starts_day, &shown.starts_time) {
        draft.starts_at = None;
    }
    if (&form.ends_day, &form.ends_time) == (&shown.ends_day, &shown.ends_time) {
        draft.ends_at = None;
    }
    let guests = form.guests()?;
    draft.guests = guests;
    let details = Details {
        guests,
        ..draft.over(&old.details, zone)?
    };
    let now = state.clock.wall();
    let changed = state.store.change_booking(&old.id, None, &details, now);
    Ok(format!(
        "/bookings/{}",
        changed.await?.ok_or_else(no_booking)?.id
    ))
}

async fn edited(
    state: &AppState,
    id: &str,
    form: &Form,
    problem: Option<&HttpError>,
) -> Result<Page, HttpError> {
    let customer = state.store.customer(&form.customer).await?;
    let path = format!("/bookings/{id}/edit");
    let places = ["Edit a booking", &path, &format!("/bookings/{id}")];
    Ok(sheet(places, form, customer.as_ref(), zone(state), problem))
}

fn sheet(
    [title, action, back]: [&str; 3],
    form: &Form,
    customer: Option<&Customer>,
    zone: &TimeZone,
    problem: Option<&HttpError>,
) -> Page {
    let content = html! {
        h1 { (title) }
        (refusal(problem))
        form.sheet method="post" action=(action) {
            input type="hidden" name="seen" value=(form.seen);
            (whose(form, customer))
            label { "What it is" input name="title" dir="auto" maxlength="300" autocomplete="off" value=(form.title); }
            div.pair {
                label { "Day" input type="date" name="starts_day" required value=(form.starts_day); }
                label { "Time" input type="time" name="starts_time" value=(form.starts_time); }
            }
            div.pair {
                label { "Ends on" input type="date" name="ends_day" value=(form.ends_day); }
                label { "at" input type="time" name="ends_time" value=(form.ends_time); }
            }
            p.quiet { "In the time of " (zone_name(zone)) ". Leave the time away where only the day is known." }
            div.pair {
                label { "Status"
                    select name="status" {
                        @for one in Status::ALL { option value=(one) selected[form.status == one.as_str()] { (label(one)) } }
                    }
                }
                label { "Guests" input type="number" name="guests" min="0" max="100000" value=(form.guests); }
            }
            label { "Your id" input name="external_id" dir="auto" maxlength="200" autocomplete="off" value=(form.external_id); }
            // A line break right after the tag is no part of the text.
            label { "Notes" textarea name="notes" rows="4" dir="auto" maxlength="10000" { "\n" (form.notes) } }
            div.buttons { button { "Save" } a href=(back) { "Leave it" } }
        }
    };
    Page::new(title, "people", content)
}

fn whose(form: &Form, customer: Option<&Customer>) -> Markup {
    html! {
        @if let Some(customer) = customer {
            input type="hidden" name="customer" value=(customer.id);
            p { "Of " a href={ "/customers/" (customer.id) } { bdi { (customer.details.name) } } }
        } @else {
            div.pair {
                label { "The customer’s number" input type="tel" name="customer_phone" dir="ltr" autocomplete="off" value=(form.customer_phone); }
                label { "or your id of the customer" input name="customer_external_id" dir="auto" autocomplete="off" value=(form.customer_external_id); }
            }
        }
    }
}

/// Says what goes before it goes.
pub(in crate::http) async fn ask(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Page, HttpError> {
    let booking = state.store.booking(&id).await?.ok_or_else(no_booking)?;
    let content = html! {
        div.confirm {
            h1 { "Delete this booking?" }
            p { strong { (title(&booking.details)) } ", " (lasting(&booking.details, zone(&state))) ", goes for good. Its calls stay, and are linked anew." }
            form method="post" action={ "/bookings/" (id) "/delete" } {
                div.buttons { button.danger { "Delete the booking" } a href={ "/bookings/" (id) } { "Keep it" } }
            }
        }
    };
    Ok(Page::new("Delete a booking", "people", content))
}

pub(in crate::http) async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    match state.store.remove_booking(&id, state.clock.wall()).await? {
        true => Ok(Redirect::to("/bookings").into_response()),
        false => Err(no_booking()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_hold_what_the_business_s_clocks_show() {
        let zone = TimeZone::get("Asia/Jerusalem").unwrap();
        for (at, has_time, expected) in [
            ("2025-11-12T16:30:00Z", true, ("2025-11-12", "18:30")),
            ("2025-07-12T21:30:00Z", true, ("2025-07-13", "00:30")),
            ("2025-11-11T22:00:00Z", false, ("2025-11-12", "")),
        ] {
            let at = at.parse().unwrap();
            let (day, time) = fields(Some(When { at, has_time }), &zone);
            assert_eq!((day.as_str(), time.as_str()), expected);
            let draft = Draft {
                starts_at: Some(moment(&day, &time)),
                ..Draft::default()
            };
            let read = draft.check(&zone).unwrap().starts;
            assert_eq!(read, When { at, has_time }, "and back");
        }
        assert_eq!(fields(None, &zone), (String::new(), String::new()));
    }

    #[test]
    fn an_end_without_a_day_is_on_the_same_day() {
        let form = |ends_day: &str, ends_time: &str| Form {
            starts_day: "2025-11-12".into(),
            ends_day: ends_day.into(),
            ends_time: ends_time.into(),
            ..Form::default()
        };
        for (day, time, expected) in [
            ("", "", ""),
            ("", "21:00", "2025-11-12T21:00"),
            ("2025-11-13", "", "2025-11-13"),
            ("2025-11-13", "01:00", "2025-11-13T01:00"),
        ] {
            let ends = form(day, time).draft().ends_at;
            assert_eq!(ends.as_deref(), Some(expected));
        }
    }
}

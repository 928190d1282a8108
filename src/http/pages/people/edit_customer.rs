//! `/customers/new`, `/customers/{id}/edit` and `/delete`; and `/calls/{id}/customer`, where a customer is made
//! of a call's number.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{super::Page, answered, meanwhile, refusal};
use crate::{
    http::{
        AppState, HttpError, call_file::sid, customers::no_customer, error::Sent, links::no_link,
    },
    people::customer::{Customer, Draft},
    store::BookingFilter,
};

/// Bookings that are counted before they go.
const COUNTED: u32 = 100;

/// What stands in the form.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::http) struct Form {
    name: String,
    /// One a line, as the preferences.
    phones: String,
    preferences: String,
    email: String,
    language: String,
    notes: String,
    external_id: String,
    /// When the customer that is edited was last changed.
    seen: String,
}

impl Form {
    fn of(customer: &Customer) -> Self {
        let details = &customer.details;
        let phones: Vec<&str> = details.phones.iter().map(|one| one.raw.as_str()).collect();
        Self {
            name: details.name.clone(),
            phones: phones.join("\n"),
            preferences: details.preferences.join("\n"),
            email: details.email.clone().unwrap_or_default(),
            language: details.language.clone().unwrap_or_default(),
            notes: details.notes.clone(),
            external_id: details.external_id.clone().unwrap_or_default(),
            seen: customer.updated_at.to_string(),
        }
    }

    fn draft(&self) -> Draft {
        let lines = |text: &str| text.lines().map(ToOwned::to_owned).collect();
        Draft {
            external_id: Some(self.external_id.clone()),
            name: Some(self.name.clone()),
            phones: Some(lines(&self.phones)),
            email: Some(self.email.clone()),
            language: Some(self.language.clone()),
            preferences: Some(lines(&self.preferences)),
            notes: Some(self.notes.clone()),
        }
    }
}

pub(in crate::http) async fn new() -> Page {
    sheet(
        "Add a customer",
        "/customers/new",
        "/customers",
        &Form::default(),
        None,
    )
}

pub(in crate::http) async fn add(
    State(state): State<AppState>,
    Sent(form): Sent<Form>,
) -> Result<Response, HttpError> {
    let again = async |problem: &HttpError| {
        let path = "/customers/new";
        Ok(sheet(
            "Add a customer",
            path,
            "/customers",
            &form,
            Some(problem),
        ))
    };
    answered(made(&state, &form).await, again).await
}

/// With the call's number, and the name that was heard.
pub(in crate::http) async fn of_call(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Page, HttpError> {
    let call = sid(&id)?;
    let linked = state.store.link_of(&call).await?.ok_or_else(no_link)?;
    let log = state.store.call_log(&call).await?;
    let heard = log.and_then(|log| log.meaning.insights.customer_name);
    let form = Form {
        name: heard.unwrap_or_default(),
        phones: linked.number.unwrap_or_default(),
        ..Form::default()
    };
    Ok(of_number(&id, &form, None))
}

pub(in crate::http) async fn add_of_call(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Sent(form): Sent<Form>,
) -> Result<Response, HttpError> {
    let call = sid(&id)?;
    state.store.link_of(&call).await?.ok_or_else(no_link)?;
    let again = async |problem: &HttpError| Ok(of_number(&id, &form, Some(problem)));
    answered(made(&state, &form).await, again).await
}

fn of_number(call: &str, form: &Form, problem: Option<&HttpError>) -> Page {
    let path = format!("/calls/{call}/customer");
    let back = format!("/calls/{call}");
    sheet(
        "Make a customer of this number",
        &path,
        &back,
        form,
        problem,
    )
}

async fn made(state: &AppState, form: &Form) -> Result<String, HttpError> {
    let details = form.draft().check(state.people.region)?;
    let made = state.store.add_customer(&details, state.clock.wall());
    Ok(format!("/customers/{}", made.await?.id))
}

pub(in crate::http) async fn edit(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Page, HttpError> {
    let customer = state.store.customer(&id).await?.ok_or_else(no_customer)?;
    Ok(edited(&id, &Form::of(&customer), None))
}

pub(in crate::http) async fn change(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Sent(mut form): Sent<Form>,
) -> Result<Response, HttpError> {
    let old = state.store.customer(&id).await?.ok_or_else(no_customer)?;
    let done = changed(&state, &old, &form).await;
    form.seen = old.updated_at.to_string();
    let again = async |problem: &HttpError| Ok(edited(&id, &form, Some(problem)));
    answered(done, again).await
}

async fn changed(state: &AppState, old: &Customer, form: &Form) -> Result<String, HttpError> {
    if form.seen != old.updated_at.to_string() {
        return Err(meanwhile());
    }
    let details = form.draft().over(&old.details, state.people.region)?;
    let now = state.clock.wall();
    let changed = state.store.change_customer(&old.id, &details, now).await?;
    Ok(format!(
        "/customers/{}",
        changed.ok_or_else(no_customer)?.id
    ))
}

fn edited(id: &str, form: &Form, problem: Option<&HttpError>) -> Page {
    let path = format!("/customers/{id}/edit");
    sheet(
        "Edit a customer",
        &path,
        &format!("/customers/{id}"),
        form,
        problem,
    )
}

fn sheet(
    title: &'static str,
    action: &str,
    back: &str,
    form: &Form,
    problem: Option<&HttpError>,
) -> Page {
    let content = html! {
        h1 { (title) }
        (refusal(problem))
        form.sheet method="post" action=(action) {
            input type="hidden" name="seen" value=(form.seen);
            label { "Name" input name="name" dir="auto" required maxlength="200" autocomplete="off" value=(form.name); }
            (lines("Numbers, one a line, in any form", "phones", &form.phones, "tel"))
            (lines("Preferences, one a line", "preferences", &form.preferences, "text"))
            label { "E-mail" input type="email" name="email" maxlength="254" autocomplete="off" value=(form.email); }
            label { "Language, as he or en-US" input name="language" maxlength="35" autocomplete="off" value=(form.language); }
            label { "Your id" input name="external_id" dir="auto" maxlength="200" autocomplete="off" value=(form.external_id); }
            // A line break right after the tag is no part of the text.
            label { "Notes" textarea name="notes" rows="4" dir="auto" maxlength="10000" { "\n" (form.notes) } }
            div.buttons { button { "Save" } a href=(back) { "Leave it" } }
        }
    };
    Page::new(title, "people", content)
}

fn lines(label: &str, name: &str, text: &str, mode: &str) -> Markup {
    html! {
        label { (label) textarea name=(name) rows="3" dir="auto" inputmode=(mode) { "\n" (text) } }
    }
}

/// Says what goes before it goes.
pub(in crate::http) async fn ask(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Page, HttpError> {
    let customer = state.store.customer(&id).await?.ok_or_else(no_customer)?;
    let of = BookingFilter {
        customer: Some(id.clone()),
        ..BookingFilter::default()
    };
    let (bookings, more) = state.store.bookings(&of, None, COUNTED).await?;
    let calls = state.store.calls_of_customer(&id).await?;
    let content = html! {
        div.confirm {
            h1 { "Delete this customer?" }
            p { strong { bdi { (customer.details.name) } } " goes for good"
                @match (bookings.len(), &more) {
                    (0, _) => ".",
                    (1, _) => ", with one booking.",
                    (n, None) => { ", with " (n) " bookings." },
                    (n, Some(_)) => { ", with more than " (n) " bookings." },
                }
            }
            p {
                @match calls { 0 => "No call is linked.", 1 => "The one call that is linked stays; it is nobody’s then.", n => { "The " (n) " calls that are linked stay; they are nobody’s then." } }
            }
            form method="post" action={ "/customers/" (id) "/delete" } {
                div.buttons { button.danger { "Delete the customer" } a href={ "/customers/" (id) } { "Keep it" } }
            }
        }
    };
    Ok(Page::new("Delete a customer", "people", content))
}

pub(in crate::http) async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    match state.store.remove_customer(&id, state.clock.wall()).await? {
        true => Ok(Redirect::to("/customers").into_response()),
        false => Err(no_customer()),
    }
}

//! `/customers`: who calls, as the business brought them; found by name, number or its own id.

use axum::extract::State;
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    super::{
        Page,
        filters::{address, filled},
        sentence,
    },
    lists,
};
use crate::{
    http::{AppState, HttpError, access::Viewer, customers::number, error::Params, paging},
    people::customer::Customer,
    store::{CustomerFilter, Scope},
};

const CUSTOMERS: u32 = 50;
/// Fewer digits are no number.
const DIGITS: usize = 3;

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    q: Option<String>,
    external_id: Option<String>,
    cursor: Option<String>,
}

impl Asked {
    fn filter(&self, state: &AppState) -> Result<CustomerFilter, HttpError> {
        Ok(CustomerFilter {
            external_id: filled(self.external_id.as_ref()).map(ToOwned::to_owned),
            ..by_name_or_number(filled(self.q.as_ref()), state)?
        })
    }

    fn address(&self, cursor: Option<&str>) -> String {
        let fields = [
            ("q", filled(self.q.as_ref())),
            ("external_id", filled(self.external_id.as_ref())),
            ("cursor", cursor),
        ];
        address("/customers", &fields)
    }

    fn is_filtered(&self) -> bool {
        self.address(None) != "/customers"
    }
}

/// What is typed into one field: digits are a number, anything else begins a word of a name.
pub(super) fn by_name_or_number(
    typed: Option<&str>,
    state: &AppState,
) -> Result<CustomerFilter, HttpError> {
    let Some(typed) = typed else {
        return Ok(CustomerFilter::default());
    };
    Ok(if is_number(typed) {
        let phone = Some(number(typed, &state.people)?);
        CustomerFilter {
            phone,
            ..CustomerFilter::default()
        }
    } else {
        CustomerFilter {
            word: Some(typed.to_owned()),
            ..CustomerFilter::default()
        }
    })
}

fn is_number(typed: &str) -> bool {
    let is_spelling = |c: char| c.is_ascii_digit() || " +-./()".contains(c);
    let digits = typed.chars().filter(char::is_ascii_digit).count();
    digits >= DIGITS && typed.chars().all(is_spelling)
}

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
    viewer: Viewer,
) -> Result<Page, HttpError> {
    let cursor = paging::cursor(filled(asked.cursor.as_ref()))?;
    let found = match asked.filter(&state) {
        Ok(filter) => Ok(state.store.customers(&filter, cursor, CUSTOMERS).await?),
        Err(problem) => Err(problem),
    };
    let content = html! {
        div.head {
            h1 { "Customers" }
            @if viewer.may(Scope::PeopleWrite) { a.button href="/customers/new" { "Add a customer" } }
        }
        (lists("/customers"))
        (filters(&asked))
        div #customers {
            @match &found {
                Ok((customers, more)) => {
                    @if customers.is_empty() { (nothing(&asked)) } @else {
                        ul.entries { @for customer in customers { (row(customer)) } }
                    }
                    (pager(&asked, customers.last().filter(|_| *more)))
                },
                Err(problem) => p.banner role="alert" { (sentence(&problem.message)) " A number is looked for whole, with its area code." },
            }
        }
    };
    Ok(Page::new("Customers", "people", content))
}

fn filters(asked: &Asked) -> Markup {
    html! {
        form.filters method="get" action="/customers" role="search" aria-label="Find customers" {
            label.wide { "Name or number" input type="search" name="q" dir="auto" autocomplete="off" value=[filled(asked.q.as_ref())]; }
            label { "Your id" input type="search" name="external_id" dir="auto" autocomplete="off" value=[filled(asked.external_id.as_ref())]; }
            div.buttons {
                button { "Find" }
                @if asked.is_filtered() { a href="/customers" { "Show all" } }
            }
        }
    }
}

fn nothing(asked: &Asked) -> Markup {
    html! {
        div.first {
            @if asked.is_filtered() {
                p { strong { "No customer is like that." } " A name is looked for by how its words begin, a number whole. " a href="/customers" { "Look at all customers" } "." }
            } @else if filled(asked.cursor.as_ref()).is_some() {
                p { "There are no older customers." }
            } @else {
                p { strong { "No customers yet." } " Once there are some, each call finds its own by the number, and whoever answers sees who rings." }
                p { "Bring yours out of a CSV file on the server's machine:" }
                p { code { "callscribe import customers.csv" } }
                p { "Or make one of a call: at " a href="/review" { "Calls to review" } "." }
            }
        }
    }
}

fn row(customer: &Customer) -> Markup {
    let details = &customer.details;
    html! {
        li.entry {
            div.line {
                a.names href={ "/customers/" (customer.id) } { bdi { (details.name) } }
                @if let Some(id) = &details.external_id { span.when { "Your id " bdi { (id) } } }
            }
            div.line.quiet {
                @for phone in &details.phones { bdi.number { (phone.e164.as_ref().unwrap_or(&phone.raw)) } }
                @if let Some(email) = &details.email { bdi { (email) } }
            }
            @if !details.preferences.is_empty() {
                ul.likes aria-label="Preferences" { @for one in &details.preferences { li dir="auto" { (one) } } }
            }
        }
    }
}

fn pager(asked: &Asked, last: Option<&Customer>) -> Markup {
    html! {
        nav.pager aria-label="Pages" {
            @if filled(asked.cursor.as_ref()).is_some() { a href=(asked.address(None)) { "Newest customers" } } @else { span {} }
            @if let Some(last) = last { a rel="next" href=(asked.address(Some(&last.id))) { "Older customers" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_number_and_anything_else_a_name() {
        for (typed, expected) in [
            ("+972 54-123-4567", true),
            ("(555) 012.3456", true),
            ("12", false),
            ("Dana", false),
            ("7 Stars 123", false),
            ("דנה", false),
            ("", false),
        ] {
            assert_eq!(is_number(typed), expected, "{typed}");
        }
    }
}

//! Who is at the other end, while the phone rings: on the lead, and on the call's page.

use jiff::Timestamp;
use maud::{Markup, html};
use serde::Serialize;

use super::{AppState, HttpError, access::Viewer, links};
use crate::{
    ids::CallSid,
    people::{
        customer::Customer,
        link::{Ends, link, nobody, other_side},
        said::Heard,
    },
    store::{Call, Lead, Scope},
};

/// A customer, and what to know of him.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = KnownCustomer)]
pub(super) struct Known {
    id: String,
    name: String,
    /// As `/api/v1/customers/{id}/context` has it.
    context: String,
}

/// By the numbers alone, nothing being said yet; `None` where they are nobody's, or of more than one.
async fn at_the_ring(
    state: &AppState,
    ends: &Ends<'_>,
    at: Timestamp,
) -> Result<Option<Known>, HttpError> {
    let found = match other_side(ends, &state.people) {
        Err(why) => nobody(why),
        Ok(number) => {
            let (holders, bookings) = state.store.holders(&number, at).await?;
            let zone = state.people.time_zone.time_zone();
            link(at, &Heard::default(), &holders, &bookings, zone)
        }
    };
    known(state, found.customer.as_deref()).await
}

/// The customer that a call is linked to, or who has the number before it is.
async fn of_call(
    state: &AppState,
    call: &CallSid,
    ends: &Ends<'_>,
    at: Timestamp,
) -> Result<Option<Known>, HttpError> {
    match state.store.link_of(call).await? {
        Some(linked) => known(state, linked.customer_id.as_deref()).await,
        None => at_the_ring(state, ends, at).await,
    }
}

/// From the first ring on, for whoever may know of customers.
pub(super) async fn of_lead(
    state: &AppState,
    lead: &Lead,
    viewer: &Viewer,
) -> Result<Option<Known>, HttpError> {
    if !viewer.may(Scope::PeopleRead) {
        return Ok(None);
    }
    let ends = Ends {
        from: lead.from.as_deref(),
        to: lead.to.as_deref(),
        direction: lead.direction.as_deref(),
    };
    of_call(state, &lead.call, &ends, lead.created_at).await
}

/// On the call's page.
pub(super) async fn section(
    state: &AppState,
    call: &Call,
    viewer: &Viewer,
) -> Result<Markup, HttpError> {
    let known = match state.store.call_ends(&call.sid).await? {
        Some(ends) if viewer.may(Scope::PeopleRead) => {
            of_call(state, &call.sid, &ends.sides(), ends.started_at).await?
        }
        _ => None,
    };
    Ok(told(known.as_ref()))
}

/// On the lead's page.
pub(super) async fn lead_section(
    state: &AppState,
    lead: &Lead,
    viewer: &Viewer,
) -> Result<Markup, HttpError> {
    let known = of_lead(state, lead, viewer).await?;
    Ok(told(known.as_ref()))
}

fn told(known: Option<&Known>) -> Markup {
    html! {
        section #people aria-label="The customer" {
            @if let Some(known) = known {
                div.meaning {
                    h2 { bdi { (known.name) } }
                    @for line in known.context.lines().skip(1) { p dir="auto" { (line) } }
                }
            }
        }
    }
}

async fn known(state: &AppState, customer: Option<&str>) -> Result<Option<Known>, HttpError> {
    let Some(id) = customer else { return Ok(None) };
    let Some(customer) = state.store.customer(id).await? else {
        return Ok(None);
    };
    let told = links::told(state, &customer).await?;
    let Customer { id, details, .. } = customer;
    Ok(Some(Known {
        id,
        name: details.name,
        context: told.text,
    }))
}

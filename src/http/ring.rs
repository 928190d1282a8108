//! Who is at the other end, while the phone rings: on the lead, and on the call's page.

use jiff::Timestamp;
use serde::Serialize;

use super::{AppState, HttpError, access::Viewer, links};
use crate::{
    people::{
        customer::Customer,
        link::{Ends, link, nobody, other_side},
        said::Heard,
    },
    store::{Lead, Scope},
};

/// A customer, and what to know of him.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = KnownCustomer)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) name: String,
    /// As `/api/v1/customers/{id}/context` has it.
    pub(super) context: String,
}

/// By the numbers alone, nothing being said yet; `None` where they are nobody's, or of more than one.
pub(super) async fn at_the_ring(
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

/// The same for a lead.
pub(super) async fn rings(state: &AppState, lead: &Lead) -> Result<Option<Known>, HttpError> {
    let ends = Ends {
        from: lead.from.as_deref(),
        to: lead.to.as_deref(),
        direction: lead.direction.as_deref(),
    };
    at_the_ring(state, &ends, lead.created_at).await
}

/// The customer that a lead's call is linked to, or who has the number before it is; for whoever may know of
/// customers.
pub(super) async fn of_lead(
    state: &AppState,
    lead: &Lead,
    viewer: &Viewer,
) -> Result<Option<Known>, HttpError> {
    if !viewer.may(Scope::PeopleRead) {
        return Ok(None);
    }
    match state.store.link_of(&lead.call).await? {
        Some(linked) => known(state, linked.customer_id.as_deref()).await,
        None => rings(state, lead).await,
    }
}

pub(super) async fn known(
    state: &AppState,
    customer: Option<&str>,
) -> Result<Option<Known>, HttpError> {
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

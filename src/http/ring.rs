//! Who is at the other end, while the phone rings: on the lead, and on the call's page.

use jiff::Timestamp;
use serde::Serialize;

use super::{AppState, HttpError, links};
use crate::people::{
    customer::Customer,
    link::{Ends, link, nobody, other_side},
    said::Heard,
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

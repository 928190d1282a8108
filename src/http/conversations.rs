//! `/api/v1/conversations/…`: the calls of a customer, about a booking, or found.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    AppState, HttpError,
    bookings::no_booking,
    customers::no_customer,
    error::Params,
    paging::{PAGE, limit},
};
use crate::{
    ids::CallSid,
    insight::{Insights, Sentiment},
    people::{booking::Booking, link::Parts},
    store::{Conversation, ConversationFilter, LinkedBy, search::Query},
};

/// Calls about one booking that are told.
const OF_A_BOOKING: u32 = 200;
/// How long a booking lasts that has no end.
const LASTS: SignedDuration = SignedDuration::from_hours(3);

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Asked {
    /// Of one customer.
    customer_id: Option<String>,
    /// About one booking.
    booking_id: Option<String>,
    /// That began at this moment or after it: RFC 3339.
    from: Option<Timestamp>,
    /// That began before this moment.
    to: Option<Timestamp>,
    /// `positive`, `neutral` or `negative`.
    #[param(inline)]
    sentiment: Option<Sentiment>,
    /// In what was said, as `/api/v1/search` takes it: words, "a phrase", `begin*`, `-without`, `OR`.
    text: Option<String>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: u32,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            customer_id: None,
            booking_id: None,
            from: None,
            to: None,
            sentiment: None,
            text: None,
            cursor: None,
            limit: PAGE,
        }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CustomerConversations)]
struct HistoryJson<'a> {
    customer_id: &'a str,
    customer_name: &'a str,
    total_calls: u32,
    #[serde(flatten)]
    page: PageJson<'a>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Conversations)]
struct PageJson<'a> {
    conversations: Vec<ConversationJson<'a>>,
    /// Ask for it as `cursor`; null on the last page.
    next: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = BookingConversations)]
struct BookingJson<'a> {
    booking_id: &'a str,
    customer_id: &'a str,
    before: Vec<ConversationJson<'a>>,
    during: Vec<ConversationJson<'a>>,
    after: Vec<ConversationJson<'a>>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Conversation)]
struct ConversationJson<'a> {
    id: &'a CallSid,
    call_started_at: Timestamp,
    duration_seconds: f64,
    /// `inbound` or `outbound`.
    call_type: &'static str,
    customer_id: Option<&'a str>,
    customer_name: Option<&'a str>,
    phone: Option<&'a str>,
    booking_id: Option<&'a str>,
    /// 200 characters.
    transcript_excerpt: &'a str,
    /// Null while nothing is understood of it.
    ai_insights: Option<InsightsJson<'a>>,
    /// Of the link, 0 to 100.
    confidence: u32,
    /// What speaks for the booking, in sum and in parts.
    score: u32,
    parts: Option<Parts>,
    /// Why there is no customer.
    why: Option<&'a str>,
    linked_by: LinkedBy,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ConversationInsights)]
struct InsightsJson<'a> {
    sentiment: Option<Sentiment>,
    topics: &'a [String],
    intent: Option<&'a str>,
    action_items: &'a [String],
}

/// A customer's calls, newest first.
#[utoipa::path(
    get, path = "/api/v1/conversations/customer/{id}", tag = "People",
    params(("id" = String, Path, description = "The customer's id."), Asked),
    responses((status = 200, description = "A page of the customer's calls.", body = HistoryJson), (status = 400, description = "`bad_request`: limit: 1 to 200"), (status = 404, description = "`not_found`: there is no customer of this id"),),
)]
pub(super) async fn of_customer(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let customer = state.store.customer(&id).await?.ok_or_else(no_customer)?;
    let total_calls = state.store.calls_of_customer(&id).await?;
    let asked = Asked {
        customer_id: Some(id),
        ..asked
    };
    let (found, next) = page(&state, asked, false).await?;
    let body = HistoryJson {
        customer_id: &customer.id,
        customer_name: &customer.details.name,
        total_calls,
        page: page_json(&found, next),
    };
    Ok(Json(body).into_response())
}

/// The calls about a booking, oldest first: before it, while it lasted, and after.
#[utoipa::path(
    get, path = "/api/v1/conversations/booking/{id}", tag = "People",
    params(("id" = String, Path, description = "The booking's id.")),
    responses((status = 200, description = "The calls about the booking.", body = BookingJson), (status = 404, description = "`not_found`: there is no booking of this id"),),
)]
pub(super) async fn of_booking(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let booking = state.store.booking(&id).await?.ok_or_else(no_booking)?;
    let around = around(&state, &booking).await?;
    let body = BookingJson {
        booking_id: &booking.id,
        customer_id: &booking.customer_id,
        before: around.before.iter().map(json).collect(),
        during: around.during.iter().map(json).collect(),
        after: around.after.iter().map(json).collect(),
    };
    Ok(Json(body).into_response())
}

/// The calls about a booking, each part oldest first.
pub(super) struct Around {
    pub(super) before: Vec<Conversation>,
    pub(super) during: Vec<Conversation>,
    pub(super) after: Vec<Conversation>,
    /// Where `after` begins.
    pub(super) ends: Timestamp,
}

pub(super) async fn around(state: &AppState, booking: &Booking) -> Result<Around, HttpError> {
    let asked = Asked {
        booking_id: Some(booking.id.clone()),
        limit: OF_A_BOOKING,
        ..Asked::default()
    };
    let (mut before, _) = page(state, asked, false).await?;
    before.reverse();
    let (starts, ends) = lasts(booking, state);
    let since = |calls: &[Conversation], at| calls.partition_point(|one| one.linked.called_at < at);
    let mut during = before.split_off(since(&before, starts));
    let after = during.split_off(since(&during, ends));
    Ok(Around {
        before,
        during,
        after,
        ends,
    })
}

/// Calls that fit, newest first.
#[utoipa::path(
    get, path = "/api/v1/conversations/search", tag = "People",
    params(Asked),
    responses((status = 200, description = "A page of the calls that fit.", body = PageJson), (status = 400, description = "`bad_request`: limit: 1 to 200"),),
)]
pub(super) async fn search(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let (found, next) = page(&state, asked, false).await?;
    Ok(Json(page_json(&found, next)).into_response())
}

/// Calls whose customer is not known, newest first, and why.
#[utoipa::path(
    get, path = "/api/v1/links/review", tag = "People",
    params(Asked),
    responses((status = 200, description = "A page of calls that are nobody's.", body = PageJson), (status = 400, description = "`bad_request`: limit: 1 to 200"),),
)]
pub(super) async fn review(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let (found, next) = page(&state, asked, true).await?;
    Ok(Json(page_json(&found, next)).into_response())
}

async fn page(
    state: &AppState,
    asked: Asked,
    for_review: bool,
) -> Result<(Vec<Conversation>, Option<String>), HttpError> {
    let limit = limit(asked.limit)?;
    let cursor = asked.cursor.as_deref().map(str::parse).transpose()?;
    let text = asked.text.as_deref().filter(|text| !text.trim().is_empty());
    let filter = ConversationFilter {
        customer: asked.customer_id,
        booking: asked.booking_id,
        from: asked.from,
        to: asked.to,
        sentiment: asked.sentiment,
        text: text.map(Query::parse),
        for_review,
    };
    let store = &state.store;
    let (found, next) = store.conversations(&filter, cursor.as_ref(), limit).await?;
    Ok((found, next.map(|cursor| cursor.to_string())))
}

/// From its start to its end; a day without a time lasts that day.
fn lasts(booking: &Booking, state: &AppState) -> (Timestamp, Timestamp) {
    let details = &booking.details;
    let end_of = |when: crate::people::booking::When| {
        let day = when.at.to_zoned(state.people.time_zone.time_zone().clone());
        day.tomorrow().map_or(when.at, |next| next.timestamp())
    };
    let ends = match details.ends {
        Some(ends) if ends.has_time => ends.at,
        Some(ends) => end_of(ends),
        None if details.starts.has_time => details.starts.at + LASTS,
        None => end_of(details.starts),
    };
    (details.starts.at, ends)
}

fn page_json(found: &[Conversation], next: Option<String>) -> PageJson<'_> {
    PageJson {
        conversations: found.iter().map(json).collect(),
        next,
    }
}

fn json(one: &Conversation) -> ConversationJson<'_> {
    let linked = &one.linked;
    let direction = one.direction.as_deref().unwrap_or_default();
    ConversationJson {
        id: &linked.call,
        call_started_at: linked.called_at,
        duration_seconds: one.duration.as_secs(),
        call_type: match direction.starts_with("outbound") {
            true => "outbound",
            false => "inbound",
        },
        customer_id: linked.customer_id.as_deref(),
        customer_name: one.customer_name.as_deref(),
        phone: linked.number.as_deref(),
        booking_id: linked.booking_id.as_deref(),
        transcript_excerpt: &linked.excerpt,
        ai_insights: one.insights.as_ref().map(insights),
        confidence: linked.confidence,
        score: linked.score,
        parts: linked.parts,
        why: linked.why.as_deref(),
        linked_by: linked.made_by,
    }
}

fn insights(insights: &Insights) -> InsightsJson<'_> {
    InsightsJson {
        sentiment: insights.sentiment,
        topics: &insights.topics,
        intent: insights.intent.as_deref(),
        action_items: &insights.action_items,
    }
}

//! `/audit` and `GET /api/v1/audit`: who came in, and what they listened to, exported, changed or deleted.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::{Page, day_and_time};
use crate::{
    http::{
        AppState, HttpError,
        error::Params,
        paging::{PAGE, cursor, limit},
    },
    store::{Actor, AuditEntry, WhichDeeds},
};

/// What the page calls each action.
const ACTIONS: [(&str, &str); 29] = [
    ("recording.fetched", "Listened to a recording"),
    ("transcript.exported", "Exported a transcript"),
    ("call.deleted", "Deleted a call"),
    ("recording.deleted", "Deleted a recording"),
    ("file.uploaded", "Uploaded audio files"),
    ("prompt.changed", "Changed a prompt"),
    ("prompt.deleted", "Deleted a prompt"),
    ("lead.changed", "Changed a lead"),
    ("customer.added", "Added a customer"),
    ("customer.changed", "Changed a customer"),
    ("customer.deleted", "Deleted a customer"),
    ("booking.added", "Added a booking"),
    ("booking.changed", "Changed a booking"),
    ("booking.deleted", "Deleted a booking"),
    ("link.changed", "Said whose call it was"),
    ("link.returned", "Took back whose call it was"),
    ("job.retried", "Tried a job again"),
    ("job.dropped", "Dropped a job"),
    ("delivery.repeated", "Told another system again"),
    ("login", "Logged in"),
    ("login.failed", "Failed to log in"),
    ("logout", "Logged out"),
    ("session.ended", "Ended a session"),
    ("account.added", "Added an account"),
    ("account.role", "Changed a role"),
    ("account.password", "Changed a password"),
    ("account.removed", "Removed an account"),
    ("token.added", "Made a token"),
    ("token.removed", "Removed a token"),
];

#[derive(Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(in crate::http) struct Asked {
    /// Of one account or token.
    name: Option<String>,
    /// `login`, `call.deleted`, …
    action: Option<String>,
    /// About one call, lead, account or token.
    object: Option<String>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = AuditLog)]
struct PageJson {
    entries: Vec<AuditEntry>,
    /// Ask for it as `cursor`; null on the last page.
    next: Option<String>,
}

async fn load(state: &AppState, asked: &Asked) -> Result<PageJson, HttpError> {
    let limit = limit(asked.limit.unwrap_or(PAGE))?;
    let cursor = cursor(asked.cursor.as_deref())?;
    // An empty field of a form asks for nothing.
    let given = |field: &Option<String>| {
        let field = field.as_deref().map(str::trim);
        field.filter(|text| !text.is_empty()).map(ToOwned::to_owned)
    };
    let which = WhichDeeds {
        name: given(&asked.name),
        action: given(&asked.action),
        object: given(&asked.object),
    };
    let (entries, next) = state.store.deeds(&which, cursor, limit).await?;
    Ok(PageJson { entries, next })
}

/// Who came in, and what they listened to, exported, changed or deleted; newest first.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "Server",
    params(Asked),
    responses((status = 200, description = "A page of entries.", body = PageJson), (status = 400, description = "`bad_request`: limit: 1 to 200"),),
)]
pub(in crate::http) async fn list(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    Ok(Json(load(&state, &asked).await?).into_response())
}

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Page, HttpError> {
    let page = load(&state, &asked).await?;
    let content = html! {
        h1 { "Audit log" }
        (filter(&asked))
        @if page.entries.is_empty() {
            p.quiet { "Nothing of that kind was done." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Entries" {
                table.audit {
                    thead { tr { th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "Of what" } th scope="col" { "From" } } }
                    tbody { @for entry in &page.entries { (row(entry)) } }
                }
            }
        }
        nav.pager aria-label="Pages" {
            @if asked.cursor.is_some() { a href=(address(&asked, None)) { "Newest" } } @else { span {} }
            @if let Some(next) = &page.next { a rel="next" href=(address(&asked, Some(next))) { "Older" } }
        }
    };
    Ok(Page::new("Audit log", "doors", content))
}

fn filter(asked: &Asked) -> Markup {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let chosen = text(&asked.action);
    html! {
        form.filter method="get" action="/audit" {
            label { "Who" input name="name" value=(text(&asked.name)) autocomplete="off" dir="auto"; }
            label { "What" select name="action" {
                option value="" { "Everything" }
                @for (action, words) in ACTIONS { option value=(action) selected[action == chosen] { (words) } }
            } }
            label { "Of what" input name="object" value=(text(&asked.object)) placeholder="a call's id" autocomplete="off"; }
            button { "Show" }
        }
    }
}

fn row(entry: &AuditEntry) -> Markup {
    let action = entry.action.as_str();
    let words = ACTIONS.iter().find(|(known, _)| *known == action);
    let is_call = ["call.", "recording.", "transcript."]
        .iter()
        .any(|of| action.starts_with(of));
    let (first, rest) = entry.object.split_once(' ').unwrap_or((&entry.object, ""));
    html! {
        tr {
            td { (day_and_time(entry.at)) }
            td { (who(entry)) }
            td { (words.map_or(action, |(_, words)| words)) }
            td {
                @if is_call { a href={ "/calls/" (first) } { (first) } } @else { bdi { (first) } }
                @if !rest.is_empty() { " " (rest) }
            }
            td { bdi { (entry.address) } }
        }
    }
}

fn who(entry: &AuditEntry) -> Markup {
    html! {
        @match entry.actor {
            Actor::Account => { bdi { (entry.name) } },
            Actor::Token => { "token " bdi { (entry.name) } },
            Actor::Open => { "somebody on this machine" },
            Actor::Console => { "the command line" },
            Actor::Stranger => { "a stranger" },
        }
    }
}

/// The page with the same filter, from `cursor` on.
fn address(asked: &Asked, cursor: Option<&str>) -> String {
    let fields = [
        ("name", asked.name.as_deref()),
        ("action", asked.action.as_deref()),
        ("object", asked.object.as_deref()),
        ("cursor", cursor),
    ];
    let given = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    let given = given.filter(|(_, value)| !value.is_empty());
    // Only its query is of interest.
    let url = reqwest::Url::parse_with_params("http://localhost/audit", given);
    let query = url.as_ref().ok().and_then(|url| url.query());
    query.map_or("/audit".into(), |query| format!("/audit?{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_deed_has_its_words() {
        for deed in crate::http::access::rights::deeds() {
            assert!(ACTIONS.iter().any(|(known, _)| *known == deed), "{deed}");
        }
    }
}

//! `/`: calls, live ones first, with what is being said on them. The address holds what the list is
//! narrowed down to.

use axum::extract::State;
use maud::{Markup, html};
use serde::Deserialize;

use super::{Page, badges, clock, day_and_time, names, narrow, sentence};
use crate::{
    http::{AppState, HttpError, error::Params, filter, search::remark},
    ids::Track,
    live::hub::{Hub, LastWords},
    store::{self, Call, CallFilter, CallState, Cursor, Which, search::Query},
};

/// Live calls on one page: more than anyone looks through.
const LIVE: u32 = 200;
const ENDED: u32 = 50;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::http) struct Asked {
    cursor: Option<String>,
    state: String,
    since: String,
    until: String,
    number: String,
    q: String,
}

impl Asked {
    fn filter(&self) -> Result<CallFilter, String> {
        Ok(CallFilter {
            which: filter::which(&self.state)?,
            since: filter::since(&self.since)?,
            until: filter::until(&self.until)?,
            number: filter::number(&self.number)?,
        })
    }

    fn is_narrowed(&self) -> bool {
        [&self.state, &self.since, &self.until, &self.number, &self.q]
            .iter()
            .any(|text| !text.is_empty())
    }

    fn address(&self, cursor: &str) -> String {
        narrow::address(
            "/",
            &[
                ("q", &self.q),
                ("state", &self.state),
                ("since", &self.since),
                ("until", &self.until),
                ("number", &self.number),
                ("cursor", cursor),
            ],
        )
    }
}

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Page, HttpError> {
    let position = state.hub.list_position();
    let cursor: Option<Cursor> = asked.cursor.as_deref().map(str::parse).transpose()?;
    let list = match asked.filter() {
        Ok(filter) => list(&state, &asked, &filter, cursor.as_ref()).await?,
        Err(problem) => html! { p.banner role="alert" { (sentence(&problem)) } },
    };
    let content = html! {
        h1 { "Calls" }
        (form(&asked))
        div #calls { (list) }
    };
    Ok(Page::new("Calls", "calls", content).at(position))
}

fn form(asked: &Asked) -> Markup {
    let fields = narrow::Fields {
        state: &asked.state,
        since: &asked.since,
        until: &asked.until,
        number: &asked.number,
    };
    html! {
        form.filters method="get" action="/" role="search" aria-label="Narrow the list down" {
            label.text { span { "Said" } input type="search" name="q" value=(asked.q) dir="auto" autocomplete="off" placeholder="Words, “a phrase”, begin*, -without"; }
            (narrow::fields(&fields))
            button { "Show" }
            @if asked.is_narrowed() { a.clear href="/" { "All calls" } }
        }
    }
}

async fn list(
    state: &AppState,
    asked: &Asked,
    filter: &CallFilter,
    cursor: Option<&Cursor>,
) -> Result<Markup, HttpError> {
    let query = Query::parse(&asked.q);
    let of = async |which, cursor, limit| {
        let filter = CallFilter {
            which,
            ..filter.clone()
        };
        if query.is_empty() {
            return state.store.calls_where(&filter, cursor, limit).await;
        }
        state
            .store
            .calls_saying(&query, &filter, cursor, limit)
            .await
    };
    let nothing = store::Page {
        calls: Vec::new(),
        next: None,
    };
    let first_page = cursor.is_none();
    let live = match filter.which {
        Which::All | Which::Live if first_page => of(Which::Live, None, LIVE).await?,
        _ => nothing.clone(),
    };
    let mut ended = match filter.which {
        Which::Live => nothing,
        Which::All => of(Which::Ended, cursor, ENDED).await?,
        which => of(which, cursor, ENDED).await?,
    };
    // One that ended between the two readings is in both.
    ended
        .calls
        .retain(|call| !live.calls.iter().any(|other| other.sid == call.sid));
    Ok(html! {
        @for each in query.remarks() { p.banner { (sentence(&remark(each))) } }
        @if first_page && live.calls.is_empty() && ended.calls.is_empty() {
            @if asked.is_narrowed() { (none_match(asked)) } @else { (no_calls()) }
        } @else {
            @if first_page && matches!(filter.which, Which::All | Which::Live) { (live_calls(&live, &state.hub)) }
            (ended_calls(&ended, asked, first_page))
        }
    })
}

fn no_calls() -> Markup {
    html! {
        div.first {
            p { strong { "No calls yet." } " They appear here by themselves." }
            p { "Point a Twilio media stream at this server, or stream a recording to it:" }
            p { code { "callscribe replay FILE.wav" } }
        }
    }
}

fn none_match(asked: &Asked) -> Markup {
    html! {
        div.first {
            p { strong { "No call is like that." } " One that comes in later and is like that appears here by itself." }
            p { "Take something out of the fields above, or see " a href="/" { "all calls" } "."
                @if !asked.q.is_empty() { " A Hebrew word is found behind its prefixes; the beginnings of other words are found with a star: " code { "lock*" } "." } }
        }
    }
}

fn live_calls(page: &store::Page, hub: &Hub) -> Markup {
    html! {
        section #live {
            h2 { "Live now" @if !page.calls.is_empty() { " (" (page.calls.len()) @if page.next.is_some() { "+" } ")" } }
            p.quiet hidden[!page.calls.is_empty()] { "Nobody is on the line." }
            ul.calls hidden[page.calls.is_empty()] {
                @for call in &page.calls { (row(call, Some(hub))) }
            }
        }
    }
}

fn ended_calls(page: &store::Page, asked: &Asked, first_page: bool) -> Markup {
    html! {
        section #earlier {
            h2 hidden[page.calls.is_empty()] { "Earlier" }
            ul.calls hidden[page.calls.is_empty()] {
                @for call in &page.calls { (row(call, None)) }
            }
            @if page.calls.is_empty() && !first_page { p.quiet { "There are no older calls." } }
            nav.pager aria-label="Pages" {
                @if !first_page { a href=(asked.address("")) { "Newest calls" } } @else { span {} }
                @if let Some(next) = &page.next { a #more rel="next" href=(asked.address(&next.to_string())) { "Older calls" } }
            }
        }
    }
}

fn row(call: &Call, hub: Option<&Hub>) -> Markup {
    html! {
        li data-call=(call.sid) data-started=(call.started_at.as_millisecond()) {
            a href={ "/calls/" (call.sid) } {
                span.badges { (badges(call)) }
                span.names { (names(call)) }
                span.when { (day_and_time(call.started_at)) }
                span.long { @if call.state != CallState::Live { (clock(call.duration)) } }
                @if let Some(hub) = hub { (last_words(call, hub.last_words(&call.sid).as_ref())) }
            }
        }
    }
}

/// What is being said; the script writes it over.
fn last_words(call: &Call, last: Option<&LastWords>) -> Markup {
    let name = |track: Track| {
        let (parameter, side) = match track {
            Track::Inbound => ("inbound_speaker", "Inbound"),
            Track::Outbound => ("outbound_speaker", "Outbound"),
        };
        let given = call
            .parameters
            .get(parameter)
            .filter(|name| !name.is_empty());
        given.map_or(side, String::as_str)
    };
    html! {
        span.last data-track=[last.map(|last| last.track)] data-inbound=(name(Track::Inbound)) data-outbound=(name(Track::Outbound)) {
            bdi.who { @if let Some(last) = last { (name(last.track)) } }
            span.words dir="auto" { @if let Some(last) = last { (last.text) } }
        }
    }
}

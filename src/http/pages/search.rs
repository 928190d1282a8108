//! `/search`: what was said, and when.

use axum::extract::State;
use maud::{Markup, html};

use super::{Page, clock, day_and_time, names, narrow, sentence};
use crate::{
    http::{
        AppState, HttpError,
        error::Params,
        search::{Asked, PAGE, address, remark},
    },
    ids::Track,
    store::search::{Found, Hit, Order, Search},
};

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Page, HttpError> {
    let content = match asked.search() {
        Err(problem) => html! { p.banner role="alert" { (sentence(&problem)) } },
        Ok(search) if search.query.is_empty() => html! { (remarks(&search)) (how_to()) },
        Ok(search) => {
            let cursor = asked.cursor()?;
            let found = state.store.search(&search, cursor.as_ref(), PAGE).await?;
            html! { (remarks(&search)) (results(&asked, &search, &found)) }
        }
    };
    let title = match asked.q.trim() {
        "" => "Search".to_owned(),
        typed => format!("{typed} · Search"),
    };
    Ok(Page::new(
        title,
        "search",
        html! { h1 { "Search" } (form(&asked)) div #found { (content) } },
    ))
}

fn form(asked: &Asked) -> Markup {
    let fields = narrow::Fields {
        state: &asked.state,
        since: &asked.since,
        until: &asked.until,
        number: &asked.number,
    };
    let option = |value: &str, now: &str, name: &str| {
        html! { option value=(value) selected[value == now] { (name) } }
    };
    let narrowed = [
        &asked.state,
        &asked.since,
        &asked.until,
        &asked.number,
        &asked.track,
        &asked.speaker,
        &asked.language,
        &asked.order,
    ];
    html! {
        form.search method="get" action="/search" role="search" aria-label="What was said" {
            div.ask {
                input #q type="search" name="q" value=(asked.q) dir="auto" autocomplete="off" autofocus[asked.q.is_empty()]
                    aria-label="What was said" placeholder="What was said";
                button { "Search" }
            }
            details.narrow open[narrowed.iter().any(|text| !text.is_empty())] {
                summary { "Narrow down" }
                div.filters {
                    (narrow::fields(&fields))
                    label { span { "Side" } select name="track" {
                        (option("", &asked.track, "Both")) (option("inbound", &asked.track, "Inbound")) (option("outbound", &asked.track, "Outbound"))
                    } }
                    label { span { "Speaker" } input type="text" name="speaker" value=(asked.speaker) dir="auto" autocomplete="off" placeholder="Name" size="10"; }
                    label { span { "Language" } select name="language" {
                        (option("", &asked.language, "All")) (option("en", &asked.language, "English")) (option("he", &asked.language, "Hebrew"))
                        @if !["", "en", "he"].contains(&asked.language.as_str()) { (option(&asked.language, &asked.language, &asked.language)) }
                    } }
                    label { span { "Order" } select name="order" {
                        (option("", &asked.order, "Best first")) (option("newest", &asked.order, "Newest first"))
                    } }
                    a.clear href=(narrow::address("/search", &[("q", &asked.q)])) { "Everywhere" }
                }
            }
        }
    }
}

fn remarks(search: &Search) -> Markup {
    html! { @for each in search.query.remarks() { p.banner { (sentence(&remark(each))) } } }
}

fn how_to() -> Markup {
    html! {
        div.hint {
            p { "Every transcript is searched, and the words of calls that go on. Each hit leads to its moment." }
            dl {
                dt { code { "open car" } } dd { "both words, said in one go" }
                dt { code { "\"open my car\"" } } dd { "these words, side by side" }
                dt { code { "lock*" } } dd { "words that begin so: locked, locksmith" }
                dt { code { "car -red" } } dd { "without a word" }
                dt { code { "car OR key" } } dd { "either of them" }
                dt { code { bdi { "בית" } } } dd { "found behind its prefixes too: " bdi { "הבית" } ", " bdi { "בבית" } }
            }
        }
    }
}

fn results(asked: &Asked, search: &Search, found: &Found) -> Markup {
    let first_page = asked.cursor.is_none();
    html! {
        p.count role="status" { (count(search, found, first_page)) }
        @if found.hits.is_empty() && found.next.is_none() && first_page { (nothing(asked)) }
        ol.hits { @for hit in &found.hits { (moment(hit)) } }
        nav.pager aria-label="Pages" {
            @if first_page { span {} } @else { a href=(page(asked, "")) { "First page" } }
            @if let Some(next) = found.next { a #more rel="next" href=(page(asked, &next.to_string())) { "More" } }
        }
    }
}

fn count(search: &Search, found: &Found, first_page: bool) -> String {
    let moments = |n: u32| {
        if n == 1 {
            "1 moment".to_owned()
        } else {
            format!("{n} moments")
        }
    };
    match found.count {
        Some(count) if count.more => format!(
            "{}+ moments. The best of the newest {} come first; “Newest first” goes through all of them.",
            count.at_least, count.at_least
        ),
        Some(count) if count.at_least > 0 => moments(count.at_least),
        Some(_) => String::new(),
        None if found.hits.is_empty() && first_page => match found.next {
            Some(_) => "Nothing among the newest; look further back.".into(),
            None => String::new(),
        },
        None => match search.order {
            Order::Newest => "The newest come first.".into(),
            Order::Best => String::new(),
        },
    }
}

fn nothing(asked: &Asked) -> Markup {
    html! {
        div.hint {
            p { strong { "Nobody said that." } }
            p { "Words are found as they were heard: try another spelling, fewer words, or a beginning (" code { "lock*" } ")." }
            @if page(asked, "") != narrow::address("/search", &[("q", &asked.q)]) {
                p { a href=(narrow::address("/search", &[("q", &asked.q)])) { "Search everywhere" } " instead of in these calls only." }
            }
        }
    }
}

fn moment(hit: &Hit) -> Markup {
    let side = match hit.track {
        Track::Inbound => "Inbound",
        Track::Outbound => "Outbound",
    };
    html! {
        li.(hit.track) {
            a href=(address(hit)) {
                span.where {
                    span.names { (names(&hit.call)) }
                    span.when { (day_and_time(hit.call.started_at)) }
                }
                span.said dir="auto" {
                    @for piece in &hit.excerpt {
                        @if piece.hit { mark { (piece.text) } } @else { (piece.text) }
                    }
                }
                span.who { span.play aria-hidden="true" { "▶ " } bdi { (hit.speaker.as_deref().unwrap_or(side)) } " at " (clock(hit.at)) }
            }
        }
    }
}

fn page(asked: &Asked, cursor: &str) -> String {
    narrow::address(
        "/search",
        &[
            ("q", &asked.q),
            ("state", &asked.state),
            ("since", &asked.since),
            ("until", &asked.until),
            ("number", &asked.number),
            ("track", &asked.track),
            ("speaker", &asked.speaker),
            ("language", &asked.language),
            ("order", &asked.order),
            ("cursor", cursor),
        ],
    )
}

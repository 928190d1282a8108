//! A call in a list of them: what it was about, what was said, and what is to be done.

use maud::{Markup, html};

use super::super::{clock, day_and_time};
use crate::{insight::Sentiment, store::Conversation, time::MediaTime};

/// `below` is what the list has to say of it.
pub(super) fn row(one: &Conversation, below: &Markup) -> Markup {
    let linked = &one.linked;
    html! {
        li.entry data-call=(linked.call) {
            div.line {
                a.names href={ "/calls/" (linked.call) } { (about(one)) }
                span.when { (day_and_time(linked.called_at)) }
            }
            (content(one))
            (below)
        }
    }
}

/// What is under its name.
pub(super) fn content(one: &Conversation) -> Markup {
    let linked = &one.linked;
    let insights = one.insights.clone().unwrap_or_default();
    let facts = [
        ("Wanted", insights.intent.unwrap_or_default()),
        ("Topics", insights.topics.join(", ")),
        ("To do", insights.action_items.join(", ")),
    ];
    html! {
        div.line.quiet {
            span { (way(one)) }
            @if one.duration > MediaTime::ZERO { span { (clock(one.duration)) } }
            @if let Some(sentiment) = insights.sentiment { (mood(sentiment)) }
        }
        @if !linked.excerpt.is_empty() { p.excerpt dir="auto" { (linked.excerpt) } }
        @if facts.iter().any(|(_, what)| !what.is_empty()) {
            div.gist { dl {
                @for (name, what) in &facts {
                    @if !what.is_empty() { div { dt { (name) } dd dir="auto" { (what) } } }
                }
            } }
        }
    }
}

/// The title of its summary, or else the number.
pub(super) fn about(one: &Conversation) -> Markup {
    let title = one.summary.as_ref().map(|summary| summary.title.as_str());
    html! {
        @match (title.filter(|title| !title.is_empty()), &one.linked.number) {
            (Some(title), _) => { bdi { (title) } },
            (None, Some(number)) => { bdi { (number) } },
            (None, None) => { bdi { (one.linked.call) } },
        }
    }
}

fn way(one: &Conversation) -> &'static str {
    let direction = one.direction.as_deref().unwrap_or_default();
    match direction.starts_with("outbound") {
        true => "Outgoing",
        false => "Incoming",
    }
}

fn mood(sentiment: Sentiment) -> Markup {
    let (class, word) = match sentiment {
        Sentiment::Positive => ("badge final", "Positive"),
        Sentiment::Neutral => ("badge", "Neutral"),
        Sentiment::Negative => ("badge failed", "Negative"),
    };
    html! { span class=(class) { (word) } }
}

//! What a call meant, on its page. All of it is words of people or of a model: text, never markup.

use maud::{Markup, html};

use crate::{
    insight::{Path, Sentiment},
    store::CallLog,
};

/// Empty until it is known; the script puts what comes later in its place.
pub(super) fn section(log: Option<&CallLog>) -> Markup {
    html! {
        section #meaning aria-label="What the call was about" {
            @if let Some(log) = log { (card(log)) }
        }
    }
}

fn card(log: &CallLog) -> Markup {
    let meaning = &log.meaning;
    let insights = &meaning.insights;
    let facts = [
        ("Service", &meaning.service),
        ("City", &meaning.city),
        ("Customer", &insights.customer_name),
        ("Wanted for", &insights.preferred_time),
        ("Intent", &insights.intent),
    ];
    let sentiment = insights.sentiment.map(|sentiment| match sentiment {
        Sentiment::Positive => "Positive",
        Sentiment::Neutral => "Neutral",
        Sentiment::Negative => "Negative",
    });
    let lists = [
        ("Topics", &insights.topics),
        ("To do", &insights.action_items),
    ];
    html! {
        div.meaning {
            @if !meaning.summary.title.is_empty() { h2 dir="auto" { (meaning.summary.title) } }
            @if !meaning.summary.points.is_empty() {
                ul { @for point in &meaning.summary.points { li dir="auto" { (point) } } }
            }
            dl {
                @for (name, value) in facts {
                    @if let Some(value) = value { dt { (name) } dd dir="auto" { (value) } }
                }
                @for (name, values) in lists {
                    @if !values.is_empty() { dt { (name) } dd dir="auto" { (values.join(", ")) } }
                }
                @if let Some(sentiment) = sentiment { dt { "Sentiment" } dd { (sentiment) } }
            }
            p.quiet {
                @if let Some(sure) = meaning.confidence { (sure / 10) " % sure of service and city. " }
                @match meaning.path {
                    Path::OnBox => { "Cut from the transcript on this machine." },
                    Path::Model => { "By a language model, held against the transcript." },
                }
            }
        }
    }
}

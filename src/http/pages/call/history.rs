//! What happened to the call, folded: it is for whoever asks why.

use maud::{Markup, html};

use crate::http::{
    pages::{clock, sentence},
    timeline::Event,
};

/// Of what happened again and again, on the page; the API has them all.
const PARTS: usize = 300;

pub(super) fn section(events: &[Event]) -> Markup {
    let troubles = events.iter().filter(|event| event.trouble).count();
    html! {
        section #history {
            details {
                summary {
                    "What happened"
                    @if troubles > 0 { ": " strong { (troubles) " of " (events.len()) " want a look" } }
                    @else { " (" (events.len()) ")" }
                }
                (list(events))
            }
        }
    }
}

fn list(events: &[Event]) -> Markup {
    html! {
        ol.events {
            @for event in events {
                li.event.trouble[event.trouble] {
                    span.when {
                        (moment(event.at))
                        @if let Some(until) = event.until && lasts(event) { " to " (moment(until)) }
                    }
                    div.what {
                        @if event.trouble { strong { "Look: " } }
                        span dir="auto" { (sentence(&event.text)) }
                        (details(event))
                        @if !event.parts.is_empty() && lasts(event) { (parts(&event.parts)) }
                    }
                }
            }
        }
    }
}

/// What was of one moment needs no list of its parts.
fn lasts(event: &Event) -> bool {
    let until = event.until.unwrap_or(event.at);
    until.as_second() > event.at.as_second()
}

fn parts(parts: &[Event]) -> Markup {
    html! {
        details {
            summary { "Each of the " (parts.len()) }
            ul.parts {
                @for part in parts.iter().take(PARTS) {
                    li {
                        @if let Some(position) = part.position { (clock(position)) " " }
                        (part.briefly())
                        @if let Some(track) = part.track { ", " (track) }
                    }
                }
                @if parts.len() > PARTS { li.quiet { "and " (parts.len() - PARTS) " more, which the API has" } }
            }
        }
    }
}

fn details(event: &Event) -> Markup {
    html! {
        @if event.parts.is_empty() && (event.position.is_some() || event.track.is_some()) {
            " " span.quiet {
                @if let Some(position) = event.position { "at " (clock(position)) " of the call" }
                @if event.position.is_some() && event.track.is_some() { ", " }
                @if let Some(track) = event.track { (track) }
            }
        }
    }
}

/// To the second, in UTC; the script turns it into the reader's time.
fn moment(at: jiff::Timestamp) -> Markup {
    let exact = jiff::Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
    html! { time.exact datetime=(exact) { (at.strftime("%m-%d %H:%M:%S")) } }
}

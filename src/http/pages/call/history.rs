//! What happened to the call, folded: it is for whoever asks why.

use maud::{Markup, html};

use crate::http::{
    pages::{clock, sentence},
    timeline::Event,
};

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
                        @if let Some(until) = event.until { " to " (moment(until)) }
                    }
                    div.what {
                        @if event.trouble { strong { "Look: " } }
                        span dir="auto" { (sentence(&event.text)) }
                        (details(event))
                        @if !event.parts.is_empty() {
                            details {
                                summary { "Each of the " (event.parts.len()) }
                                (list(&event.parts))
                            }
                        }
                    }
                }
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

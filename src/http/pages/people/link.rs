//! Whose call it was and why: a card on the page of a call and of a lead, from the first ring on.

use maud::{Markup, html};

use super::{badge, lasting, title, zone};
use crate::{
    http::{
        AppState, HttpError,
        access::Viewer,
        ring::{Known, at_the_ring, known, rings},
    },
    ids::CallSid,
    people::{booking::Booking, link::Parts},
    store::{Call, CallState, Lead, Linked, LinkedBy, Scope},
};

/// On the call's page.
pub(in crate::http) async fn of_call(
    state: &AppState,
    call: &Call,
    viewer: &Viewer,
) -> Result<Markup, HttpError> {
    if !viewer.may(Scope::PeopleRead) {
        return Ok(section(None, viewer));
    }
    let card = match Card::of_link(state, &call.sid).await? {
        Some(card) => Some(card),
        None => match state.store.call_ends(&call.sid).await? {
            Some(ends) => {
                let awaited = call.state != CallState::Live;
                let known = at_the_ring(state, &ends.sides(), ends.started_at).await?;
                Some(Card::of_ring(known, awaited))
            }
            None => None,
        },
    };
    Ok(section(card.as_ref(), viewer))
}

/// On the lead's.
pub(in crate::http) async fn of_lead(
    state: &AppState,
    lead: &Lead,
    viewer: &Viewer,
) -> Result<Markup, HttpError> {
    if !viewer.may(Scope::PeopleRead) {
        return Ok(section(None, viewer));
    }
    let card = match Card::of_link(state, &lead.call).await? {
        Some(card) => card,
        None => Card::of_ring(rings(state, lead).await?, false),
    };
    Ok(section(Some(&card), viewer))
}

struct Card {
    /// `None` while that follows.
    linked: Option<Linked>,
    known: Option<Known>,
    booking: Option<(Booking, Markup)>,
    awaited: bool,
}

impl Card {
    async fn of_link(state: &AppState, call: &CallSid) -> Result<Option<Self>, HttpError> {
        let Some(linked) = state.store.link_of(call).await? else {
            return Ok(None);
        };
        let booking = match &linked.booking_id {
            Some(id) => state.store.booking(id).await?,
            None => None,
        };
        Ok(Some(Self {
            known: known(state, linked.customer_id.as_deref()).await?,
            booking: booking.map(|booking| {
                let lasting = lasting(&booking.details, zone(state));
                (booking, lasting)
            }),
            linked: Some(linked),
            awaited: false,
        }))
    }

    fn of_ring(known: Option<Known>, awaited: bool) -> Self {
        Self {
            linked: None,
            known,
            booking: None,
            awaited,
        }
    }
}

fn section(card: Option<&Card>, viewer: &Viewer) -> Markup {
    let awaited = card.is_some_and(|card| card.awaited);
    html! {
        section #people aria-label="The customer" data-pending[awaited] {
            @if let Some(card) = card {
                @match (&card.known, &card.linked) {
                    (Some(known), linked) => (somebody(card, known, linked.as_ref(), viewer)),
                    (None, Some(linked)) => (nobody(linked, viewer)),
                    (None, None) => {},
                }
            }
        }
    }
}

fn somebody(card: &Card, known: &Known, linked: Option<&Linked>, viewer: &Viewer) -> Markup {
    html! {
        div.whose {
            h2 { a href={ "/customers/" (known.id) } { bdi { (known.name) } } }
            @if let Some((booking, lasting)) = &card.booking {
                p.line {
                    span { "About " a href={ "/bookings/" (booking.id) } { (title(&booking.details)) } ", " (lasting) }
                    (badge(booking.details.status))
                }
            }
            p.quiet {
                @match linked {
                    Some(linked) => (reason(linked)),
                    None => "Known by the number; what is said may tell more.",
                }
            }
            details open[linked.is_none()] {
                summary { "What to know" }
                (told(&known.context))
            }
            @if let Some(linked) = linked {
                @if viewer.may(Scope::PeopleWrite) {
                    p.buttons { a href={ "/calls/" (linked.call) "/link" } { "Correct it …" } }
                }
            }
        }
    }
}

fn nobody(linked: &Linked, viewer: &Viewer) -> Markup {
    html! {
        div.whose.nobody {
            h2 { "Nobody’s call" }
            p.quiet { (reason(linked)) }
            @if viewer.may(Scope::PeopleWrite) { (ways_out(linked, "")) }
        }
    }
}

/// What can be done about a call that is nobody's; `back` says where from.
pub(super) fn ways_out(linked: &Linked, back: &str) -> Markup {
    let base = format!("/calls/{}", linked.call);
    html! {
        p.buttons {
            @if linked.number.is_some() && linked.why.as_deref() == Some("unknown") {
                a.button href={ (base) "/customer" } { "Make a customer of this number" }
            }
            a.button href={ (base) "/link" (back) } { "Say whose it was" }
        }
    }
}

/// The context's lines, without the first, which is the name. All stand at the side of its own language.
pub(super) fn told(context: &str) -> Markup {
    html! { div.told dir="auto" { @for line in context.lines().skip(1) { p { (line) } } } }
}

/// Why it is linked as it is, or not at all.
pub(super) fn reason(linked: &Linked) -> Markup {
    html! {
        @match (linked.made_by, &linked.customer_id, linked.parts) {
            (LinkedBy::Person, Some(_), _) => "A person said so.",
            (LinkedBy::Person, None, _) => "A person said that it is nobody’s.",
            (LinkedBy::Rule, None, _) => (why(linked.why.as_deref())),
            (LinkedBy::Rule, Some(_), None) => {
                "Found by the number, " (linked.confidence) " % sure. No open booking starts within 24 hours of the call."
            },
            (LinkedBy::Rule, Some(_), Some(parts)) => {
                "Why this booking: " (speaks_for(parts)) " " (linked.confidence) " % sure."
            },
        }
    }
}

fn speaks_for(parts: Parts) -> String {
    let all = [
        ("exact date", parts.exact_date),
        ("within 3 hours", parts.within_3_h),
        ("same day", parts.same_day),
        ("named", parts.named),
    ];
    let there: Vec<String> = (all.iter().filter(|(_, points)| *points > 0))
        .map(|(what, points)| format!("{what} {points}"))
        .collect();
    let mut words = match there.as_slice() {
        [] => "it is the nearest.".to_owned(),
        [one] => format!("{one}."),
        several => format!("{}; {} in all.", several.join(", "), parts.score()),
    };
    if parts.agreeing > 0 {
        let things = if parts.agreeing == 1 {
            "thing"
        } else {
            "things"
        };
        let verb = if parts.agreeing == 1 { "fits" } else { "fit" };
        words += &format!(
            " {} {things} said {verb} it: time, meal or guests.",
            parts.agreeing
        );
    }
    words
}

fn why(word: Option<&str>) -> &'static str {
    match word.unwrap_or_default() {
        "withheld" => "The number was withheld, or is not known.",
        "no_number" => {
            "The other side has no number of a person: a service, an extension or an internet address."
        }
        "internal" => "Both numbers are our own.",
        "unknown" => "No customer has this number.",
        "ambiguous" => {
            "Several customers have this number, and nothing that was said tells them apart."
        }
        _ => "Nobody was found.",
    }
}

/// Who rings or rang, in a list.
pub(in crate::http) fn in_short(id: &str, name: &str) -> Markup {
    html! { p.rings { a href={ "/customers/" (id) } { bdi { (name) } } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_is_told_in_its_parts() {
        let none = Parts::default();
        for (parts, expected) in [
            (none, "it is the nearest."),
            (
                Parts {
                    same_day: 3,
                    ..none
                },
                "same day 3.",
            ),
            (
                Parts {
                    exact_date: 10,
                    named: 5,
                    agreeing: 1,
                    ..none
                },
                "exact date 10, named 5; 15 in all. 1 thing said fits it: time, meal or guests.",
            ),
        ] {
            assert_eq!(speaks_for(parts), expected);
        }
    }
}

//! What whoever answers should know of a customer, in a few lines: for an assistant, and for the eyes of a person
//! while the phone rings. In the customer's language, English or Hebrew, and never longer than [`LONGEST`].

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::{
    booking::{Booking, Status, When},
    customer::Customer,
};
use crate::insight::Sentiment;

/// Characters of the whole.
pub const LONGEST: usize = 2_000;
/// Calls that are told.
pub const CALLS: u32 = 5;
/// Bookings that are told: the next ones, or the last.
pub const BOOKINGS: usize = 3;
/// Characters of a line.
const LINE: usize = 240;

/// A call in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Contact {
    pub called_at: Timestamp,
    /// What it was about.
    pub about: String,
    pub sentiment: Option<Sentiment>,
    pub action_items: Vec<String>,
}

/// The words that are ours.
struct Labels {
    customer: &'static str,
    calls: &'static str,
    no_calls: &'static str,
    preferences: &'static str,
    booking: &'static str,
    guests: &'static str,
    to_do: &'static str,
    sentiments: [&'static str; 3],
    statuses: [&'static str; 6],
}

const ENGLISH: Labels = Labels {
    customer: "Customer",
    calls: "Recent calls, newest first",
    no_calls: "No calls yet",
    preferences: "Preferences",
    booking: "Booking",
    guests: "guests",
    to_do: "to do",
    sentiments: ["positive", "neutral", "negative"],
    statuses: [
        "pending",
        "confirmed",
        "in progress",
        "completed",
        "cancelled",
        "no show",
    ],
};
const HEBREW: Labels = Labels {
    customer: "לקוח",
    calls: "שיחות אחרונות, מהחדשה לישנה",
    no_calls: "עוד לא היו שיחות",
    preferences: "העדפות",
    booking: "הזמנה",
    guests: "אורחים",
    to_do: "לביצוע",
    sentiments: ["חיובי", "ניטרלי", "שלילי"],
    statuses: [
        "ממתינה",
        "מאושרת",
        "מתקיימת",
        "הסתיימה",
        "בוטלה",
        "לא הגיעו",
    ],
};

/// The text; `calls` and `bookings` in the order in which they are told.
#[must_use]
pub fn text(
    customer: &Customer,
    calls: &[Contact],
    bookings: &[Booking],
    zone: &TimeZone,
) -> String {
    let labels = labels(customer);
    let mut lines = vec![format!("{}: {}", labels.customer, customer.details.name)];
    match calls {
        [] => lines.push(format!("{}.", labels.no_calls)),
        calls => {
            lines.push(format!("{}:", labels.calls));
            lines.extend(calls.iter().map(|call| contact(call, labels, zone)));
        }
    }
    let preferences = &customer.details.preferences;
    if !preferences.is_empty() {
        lines.push(format!(
            "{}: {}",
            labels.preferences,
            preferences.join(", ")
        ));
    }
    lines.extend(bookings.iter().map(|one| booking(one, labels, zone)));
    let lines: Vec<String> = lines.iter().map(|line| cut(line, LINE)).collect();
    cut(&lines.join("\n"), LONGEST)
}

/// By his language, or where none is known by the letters of his name.
fn labels(customer: &Customer) -> &'static Labels {
    let details = &customer.details;
    let is_hebrew = match &details.language {
        Some(tag) => tag.split('-').next() == Some("he"),
        None => details.name.chars().any(|c| matches!(c, 'א'..='ת')),
    };
    if is_hebrew { &HEBREW } else { &ENGLISH }
}

fn contact(call: &Contact, labels: &Labels, zone: &TimeZone) -> String {
    let at = call.called_at.to_zoned(zone.clone());
    let about = call.about.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut line = format!("- {}: {about}", at.strftime("%Y-%m-%d %H:%M"));
    if let Some(sentiment) = call.sentiment {
        let _ = write!(line, " ({})", labels.sentiments[sentiment as usize]);
    }
    if !call.action_items.is_empty() {
        let _ = write!(line, "; {}: {}", labels.to_do, call.action_items.join(", "));
    }
    line
}

fn booking(booking: &Booking, labels: &Labels, zone: &TimeZone) -> String {
    let details = &booking.details;
    let status = match details.status {
        Status::Pending => 0,
        Status::Confirmed => 1,
        Status::InProgress => 2,
        Status::Completed => 3,
        Status::Cancelled => 4,
        Status::NoShow => 5,
    };
    let mut parts = vec![
        told(details.starts, zone),
        labels.statuses[status].to_owned(),
    ];
    parts.extend(
        details
            .guests
            .map(|guests| format!("{guests} {}", labels.guests)),
    );
    parts.extend(Some(details.title.clone()).filter(|title| !title.is_empty()));
    format!("{}: {}", labels.booking, parts.join(", "))
}

fn told(when: When, zone: &TimeZone) -> String {
    let local = when.at.to_zoned(zone.clone());
    let form = if when.has_time {
        "%Y-%m-%d %H:%M"
    } else {
        "%Y-%m-%d"
    };
    local.strftime(form).to_string()
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::{Region, booking, customer};

    fn person(name: &str, language: Option<&str>, preferences: &[&str]) -> Customer {
        let draft = customer::Draft {
            name: Some(name.into()),
            language: language.map(Into::into),
            preferences: Some(preferences.iter().map(|one| (*one).into()).collect()),
            ..customer::Draft::default()
        };
        Customer {
            id: "c".into(),
            details: draft.check(Region::default()).unwrap(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn booked(starts_at: &str) -> Booking {
        let draft = booking::Draft {
            starts_at: Some(starts_at.into()),
            guests: Some(30),
            ..booking::Draft::default()
        };
        Booking {
            id: "b".into(),
            customer_id: "c".into(),
            details: draft.check(&TimeZone::UTC).unwrap(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn contact(about: &str) -> Contact {
        Contact {
            called_at: "2024-11-15T10:27:00Z".parse().unwrap(),
            about: about.into(),
            sentiment: Some(Sentiment::Positive),
            action_items: vec!["add them".into()],
        }
    }

    #[test]
    fn it_tells_who_calls_and_what_there_was() {
        let john = person("John Smith", Some("en-US"), &["vegetarian", "parking"]);
        let calls = [contact("Asks for\nvegetarian options")];
        let found = text(&john, &calls, &[booked("2024-11-15")], &TimeZone::UTC);
        let expected = "Customer: John Smith\nRecent calls, newest first:\n\
             - 2024-11-15 10:27: Asks for vegetarian options (positive); to do: add them\n\
             Preferences: vegetarian, parking\nBooking: 2024-11-15, confirmed, 30 guests";
        assert_eq!(found, expected);
        let dana = person("דנה כהן", None, &[]);
        let found = text(&dana, &[], &[booked("2024-11-15T18:30")], &TimeZone::UTC);
        let expected =
            "לקוח: דנה כהן\nעוד לא היו שיחות.\nהזמנה: 2024-11-15 18:30, מאושרת, 30 אורחים";
        assert_eq!(found, expected);
    }

    #[test]
    fn it_is_bounded() {
        let long = "x".repeat(10_000);
        let likes = "y".repeat(200);
        let john = person("John", None, &[likes.as_str(); 50]);
        let calls: Vec<Contact> = (0..50).map(|_| contact(&long)).collect();
        let found = text(&john, &calls, &[booked("2024-11-15")], &TimeZone::UTC);
        assert_eq!(found.chars().count(), LONGEST);
        assert!(found.lines().all(|line| line.chars().count() <= LINE));
    }
}

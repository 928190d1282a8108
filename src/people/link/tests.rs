use super::*;
use crate::people::booking;

/// In New York, Friday, 15 November 2024, 10:27.
const CALLED: &str = "2024-11-15T10:27-05:00";

fn zone() -> TimeZone {
    TimeZone::get("America/New_York").unwrap()
}

fn person(name: &str) -> Customer {
    let draft = crate::people::customer::Draft {
        name: Some(name.into()),
        ..Default::default()
    };
    Customer {
        id: name.into(),
        details: draft.check(crate::people::Region::default()).unwrap(),
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn booked(id: &str, whose: &str, starts_at: &str, guests: u32) -> Booking {
    let draft = booking::Draft {
        starts_at: Some(starts_at.into()),
        guests: Some(guests),
        ..Default::default()
    };
    Booking {
        id: id.into(),
        customer_id: whose.into(),
        details: draft.check(&zone()).unwrap(),
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn linked(text: &str, holders: &[&str], bookings: &[Booking]) -> Link {
    let called: Timestamp = CALLED.parse().unwrap();
    let heard = Heard::of(text, &called.to_zoned(zone()));
    let holders: Vec<Customer> = holders.iter().map(|name| person(name)).collect();
    link(called, &heard, &holders, bookings, &zone())
}

#[test]
fn what_speaks_for_a_booking_is_added_up() {
    for (text, starts_at, expected) in [
        ("Hello", "2024-11-15", Some([10, 0, 3, 0, 0])),
        ("Hello", "2024-11-15T12:30", Some([10, 5, 3, 0, 0])),
        (
            "This is John, about today",
            "2024-11-15T18:30",
            Some([10, 0, 3, 5, 0]),
        ),
        (
            "John Smith. Next Friday, for 30 people",
            "2024-11-15",
            Some([0, 0, 3, 5, 1]),
        ),
        (
            "about tomorrow at nine",
            "2024-11-16T09:00",
            Some([10, 0, 0, 0, 1]),
        ),
        ("about tomorrow", "2024-11-15T12:00", Some([0, 5, 3, 0, 0])),
        (
            "about yesterday",
            "2024-11-14T20:00",
            Some([10, 0, 0, 0, 0]),
        ),
        ("Hello", "2024-11-14", Some([0, 0, 0, 0, 0])),
        ("Hello", "2024-11-16T11:00", None),
        ("Hello", "2024-11-13", None),
    ] {
        let found = linked(
            text,
            &["John Smith"],
            &[booked("b", "John Smith", starts_at, 30)],
        );
        let parts = expected.map(
            |[exact_date, within_3_h, same_day, named, agreeing]| Parts {
                exact_date,
                within_3_h,
                same_day,
                named,
                agreeing,
            },
        );
        assert_eq!(found.parts, parts, "{text} {starts_at}");
        assert_eq!(found.customer.as_deref(), Some("John Smith"));
    }
}

#[test]
fn what_is_over_is_no_candidate() {
    for (status, is_one) in [
        (Status::Pending, true),
        (Status::Confirmed, true),
        (Status::InProgress, true),
        (Status::Completed, false),
        (Status::Cancelled, false),
        (Status::NoShow, false),
    ] {
        let mut booking = booked("b", "Ann", "2024-11-15T12:00", 2);
        booking.details.status = status;
        let found = linked("Hello", &["Ann"], &[booking]);
        assert_eq!(found.booking.is_some(), is_one, "{status}");
    }
}

#[test]
fn equals_are_told_apart_by_what_was_said_and_then_by_nearness() {
    let dinner = [
        booked("early", "Ann", "2024-11-15T18:00", 4),
        booked("late", "Ann", "2024-11-15T21:00", 6),
    ];
    for (text, expected, confidence) in [
        ("It is about my table at nine pm", "late", 95),
        ("We are six now", "late", 95),
        ("A party of four", "early", 95),
        ("Hello", "early", 80),
        ("This is Ann", "early", 84),
    ] {
        let found = linked(text, &["Ann"], &dinner);
        assert_eq!(found.booking.as_deref(), Some(expected), "{text}");
        assert_eq!(found.confidence, confidence, "{text}");
    }
    let around = [
        booked("past", "Ann", "2024-11-15T09:27", 4),
        booked("to come", "Ann", "2024-11-15T13:00", 4),
    ];
    let found = linked("Hello", &["Ann"], &around);
    assert_eq!(found.booking.as_deref(), Some("to come"));
}

#[test]
fn a_family_is_told_apart_or_left_for_review() {
    let family = ["Ann Lee", "Bob Lee"];
    let bob_s = [booked("b", "Bob Lee", "2024-11-15T19:00", 4)];
    let both = [
        booked("a", "Ann Lee", "2024-11-15T19:00", 4),
        booked("b", "Bob Lee", "2024-11-15T19:00", 8),
    ];
    for (text, bookings, expected, confidence) in [
        ("This is Ann", &bob_s[..], Some(("Ann Lee", None)), 85),
        ("Hello", &bob_s, Some(("Bob Lee", Some("b"))), 70),
        ("Mrs. Lee here", &bob_s, Some(("Bob Lee", Some("b"))), 70),
        ("We are eight", &both, Some(("Bob Lee", Some("b"))), 70),
        ("Hello", &both, None, 0),
        ("Hello", &[], None, 0),
    ] {
        let found = linked(text, &family, bookings);
        let ids = found
            .customer
            .as_deref()
            .map(|who| (who, found.booking.as_deref()));
        assert_eq!((ids, found.confidence), (expected, confidence), "{text}");
        assert_eq!(
            found.why,
            expected.is_none().then_some(Why::Ambiguous),
            "{text}"
        );
    }
    assert_eq!(linked("Hello", &[], &[]).why, Some(Why::Unknown));
}

#[test]
fn the_customer_is_at_the_other_end() {
    let options: Options = serde_json::from_str(
        r#"{"region": "US", "own_numbers": ["+1 (202) 555-0100", "+12025550101"]}"#,
    )
    .unwrap();
    let (ours, theirs) = ("+12025550100", "+13105550123");
    for (from, to, direction, expected) in [
        (Some(theirs), Some(ours), Some("inbound"), Ok(theirs)),
        (Some(ours), Some(theirs), Some("outbound-api"), Ok(theirs)),
        // Whatever the provider calls it.
        (Some(ours), Some(theirs), Some("inbound"), Ok(theirs)),
        (Some(theirs), Some(ours), Some("outbound-dial"), Ok(theirs)),
        (
            Some("+442079460000"),
            Some(theirs),
            Some("outbound-dial"),
            Ok(theirs),
        ),
        (Some("(310) 555-0123"), None, None, Ok(theirs)),
        (
            Some(ours),
            Some("+12025550101"),
            Some("inbound"),
            Err(Why::Internal),
        ),
        (
            Some("anonymous"),
            Some(ours),
            Some("inbound"),
            Err(Why::Withheld),
        ),
        (None, Some(ours), Some("inbound"), Err(Why::Withheld)),
        (
            Some("sip:bob@example.com"),
            Some(ours),
            Some("inbound"),
            Err(Why::NoNumber),
        ),
        (Some("911"), Some(ours), Some("inbound"), Err(Why::NoNumber)),
    ] {
        let ends = Ends {
            from,
            to,
            direction,
        };
        let found = other_side(&ends, &options);
        assert_eq!(found, expected.map(Into::into), "{ends:?}");
    }
    for raw in ["202 555 0100", "office"] {
        let text = format!(r#"{{"own_numbers": ["{raw}"]}}"#);
        let error = serde_json::from_str::<Options>(&text).unwrap_err();
        assert!(error.to_string().contains(raw), "{error}");
    }
}

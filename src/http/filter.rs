//! How calls and what was said on them are narrowed down, in an address: `state`, `since`, `until`,
//! `number`, `q`. Forms send what was left empty too; that asks for nothing.

use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::store::{NumberEnd, Which};

/// The beginning of a day, or a moment, as somebody wrote it.
pub(super) fn since(text: &str) -> Result<Option<Timestamp>, String> {
    time(text, "since", SignedDuration::ZERO)
}

/// A day is meant to its end.
pub(super) fn until(text: &str) -> Result<Option<Timestamp>, String> {
    time(text, "until", SignedDuration::from_hours(24))
}

fn time(text: &str, name: &str, day: SignedDuration) -> Result<Option<Timestamp>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(Some(at));
    }
    let date = text
        .parse::<Date>()
        .ok()
        .filter(|_| text.len() == "2025-12-31".len());
    let at = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
    at.and_then(|at| at.timestamp().checked_add(day).ok())
        .map(Some)
        .ok_or_else(|| {
            format!("{name}: a day (2025-12-31, in UTC) or a moment (2025-12-31T23:59:00Z)")
        })
}

pub(super) fn number(text: &str) -> Result<Option<NumberEnd>, String> {
    match text.trim() {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|error| format!("number: {error}")),
    }
}

pub(super) fn which(text: &str) -> Result<Which, String> {
    let names = || Which::EACH.map(Which::as_str).join(", ");
    match text {
        "" => Ok(Which::All),
        text => text
            .parse()
            .map_err(|()| format!("state: one of {}", names())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_are_read_and_all_else_is_refused() {
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        for (text, from, to) in [
            ("", None, None),
            (" ", None, None),
            (
                "2025-12-31",
                at("2025-12-31T00:00:00Z"),
                at("2026-01-01T00:00:00Z"),
            ),
            (
                "2025-12-31T10:00:00Z",
                at("2025-12-31T10:00:00Z"),
                at("2025-12-31T10:00:00Z"),
            ),
        ] {
            assert_eq!((since(text), until(text)), (Ok(from), Ok(to)), "{text:?}");
        }
        for wrong in [
            "x",
            "2025-13-01",
            "20251231",
            "9999-12-31x",
            "2025",
            "31.12.2025",
        ] {
            assert!(since(wrong).is_err() && until(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_need_four_digits() {
        for (text, end) in [
            ("", None),
            ("+972 54-123", Some("97254123")),
            ("0541", None),
            ("054 123", Some("54123")),
        ] {
            let found = number(text).ok().flatten();
            assert_eq!(found.as_ref().map(NumberEnd::as_str), end, "{text}");
        }
        for wrong in ["123", "abc", "%", "0 0 0 0"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
        assert!(which("lively").is_err() && which("live") == Ok(Which::Live));
    }
}

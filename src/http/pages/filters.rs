//! What lists are filtered by, as a form sends it: fields that are empty ask for nothing.

use std::fmt::Write;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::http::HttpError;

/// A field that was filled in.
pub(super) fn filled(field: Option<&String>) -> Option<&str> {
    field
        .map(|text| text.trim())
        .filter(|text| !text.is_empty())
}

/// A field that names one of several things.
pub(super) fn one_of<T: std::str::FromStr>(
    field: Option<&String>,
    what: &str,
) -> Result<Option<T>, HttpError> {
    let parse = |text: &str| {
        let parsed = text.parse();
        parsed.map_err(|_| HttpError::bad_request(format!("{what}: there is no such one")))
    };
    filled(field).map(parse).transpose()
}

/// From the first day's beginning to the last day's end, in UTC.
pub(super) fn days(
    from: Option<&String>,
    to: Option<&String>,
) -> Result<(Option<Timestamp>, Option<Timestamp>), HttpError> {
    let midnight = |name: &str, field: Option<&String>, after: i64| {
        let parse = |text: &str| {
            let day: Date = text.parse().ok()?;
            let day = day.checked_add(after.days()).ok()?;
            Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
        };
        filled(field)
            .map(|text| {
                let why = || HttpError::bad_request(format!("{name}: a day is written 2026-01-31"));
                parse(text).ok_or_else(why)
            })
            .transpose()
    };
    Ok((midnight("from", from, 0)?, midnight("to", to, 1)?))
}

/// An address with these fields, without the empty ones.
pub(super) fn address(path: &str, fields: &[(&str, Option<&str>)]) -> String {
    let mut address = path.to_owned();
    let mut separator = '?';
    for (name, value) in fields {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            continue;
        };
        let _ = write!(address, "{separator}{name}=");
        separator = '&';
        for byte in value.bytes() {
            match byte {
                b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => {
                    address.push(char::from(b));
                }
                b => {
                    let _ = write!(address, "%{b:02X}");
                }
            }
        }
    }
    address
}

/// `512 B`, `1.4 MB`, `12 GB`: as disks are sold.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (count as f64, 0);
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{count} B"),
        _ if value < 9.95 => format!("{value:.1} {}", UNITS[unit]),
        _ => format!("{value:.0} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_and_in_order() {
        let field = |text: &str| Some(text.to_owned());
        let moment = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        for (from, to, expected) in [
            (None, field(""), (None, None)),
            (
                field("2026-01-31"),
                field(" 2026-01-31 "),
                (
                    moment("2026-01-31T00:00:00Z"),
                    moment("2026-02-01T00:00:00Z"),
                ),
            ),
        ] {
            let found = days(from.as_ref(), to.as_ref()).unwrap();
            assert_eq!(found, expected);
        }
        for bad in ["31.1.2026", "2026-02-30", "today", "9999-12-31"] {
            let error = days(None, Some(&bad.to_owned())).unwrap_err();
            assert!(error.message.starts_with("to: "), "{bad}");
        }
    }

    #[test]
    fn addresses_are_escaped() {
        for (fields, expected) in [
            (&[][..], "/leads"),
            (&[("a", None), ("b", Some(""))], "/leads"),
            (
                &[("phone", Some("+972")), ("text", Some("a&b ש"))],
                "/leads?phone=%2B972&text=a%26b%20%D7%A9",
            ),
        ] {
            assert_eq!(address("/leads", fields), expected);
        }
    }

    #[test]
    fn sizes_are_told_in_short() {
        for (count, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (9_949, "9.9 kB"),
            (9_950, "10 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (64_000_000_000, "64 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(bytes(count), expected, "{count}");
        }
    }
}

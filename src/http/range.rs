//! `Range` and `If-Range` of RFC 9110 §14, for one range of bytes.

use axum::http::{HeaderMap, header};

/// What part of a resource is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it: nothing, something that is not understood, or several ranges were asked for, which
    /// RFC 9110 lets a server answer in full.
    Whole,
    /// `start..=last`, within the resource.
    Part { start: u64, last: u64 },
    /// Nothing of what was asked for exists.
    Beyond,
}

/// Whether who asks has the resource of this strong `etag` already (`If-None-Match`).
pub(super) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let seen = headers.get(header::IF_NONE_MATCH);
    let mut seen = (seen.and_then(|seen| seen.to_str().ok()).into_iter())
        .flat_map(|seen| seen.split(','))
        .map(str::trim);
    seen.any(|one| one == etag || one == "*")
}

/// Reads the headers against a resource of `len` bytes. `etag`: the strong one of the resource; without
/// one, or with another one in `If-Range`, the range is void.
pub(super) fn wanted(headers: &HeaderMap, len: u64, etag: Option<&str>) -> Wanted {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(range) = text(header::RANGE) else {
        return Wanted::Whole;
    };
    if headers.contains_key(header::IF_RANGE) && text(header::IF_RANGE) != etag {
        return Wanted::Whole;
    }
    parse(range, len)
}

fn parse(range: &str, len: u64) -> Wanted {
    let Some((unit, spec)) = range.split_once('=') else {
        return Wanted::Whole;
    };
    let Some((first, last)) = spec.trim().split_once('-') else {
        return Wanted::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    match (first, last) {
        ("", suffix) => match number(suffix) {
            Some(0) => Wanted::Beyond,
            Some(n) => within(len.saturating_sub(n), u64::MAX, len),
            None => Wanted::Whole,
        },
        (first, "") => number(first).map_or(Wanted::Whole, |start| within(start, u64::MAX, len)),
        (first, last) => match (number(first), number(last)) {
            (Some(start), Some(last)) if start <= last => within(start, last, len),
            _ => Wanted::Whole,
        },
    }
}

fn within(start: u64, last: u64, len: u64) -> Wanted {
    if start >= len {
        return Wanted::Beyond;
    }
    Wanted::Part {
        start,
        last: last.min(len - 1),
    }
}

/// Digits only; more than fit are as good as the largest number.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_has_them() {
        use Wanted::{Beyond, Part, Whole};
        let part = |start, last| Part { start, last };
        for (range, expected) in [
            ("bytes=0-99", part(0, 99)),
            ("bytes=0-0", part(0, 0)),
            ("bytes=100-", part(100, 999)),
            ("bytes=999-", part(999, 999)),
            ("bytes=500-5000", part(500, 999)),
            ("bytes=500-99999999999999999999999", part(500, 999)),
            ("bytes=-1", part(999, 999)),
            ("bytes=-5000", part(0, 999)),
            ("BYTES= 0-9", part(0, 9)),
            ("bytes=1000-", Beyond),
            ("bytes=1000-2000", Beyond),
            ("bytes=99999999999999999999999-", Beyond),
            ("bytes=-0", Beyond),
            ("bytes=9-5", Whole),
            ("bytes=a-b", Whole),
            ("bytes=-", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=0-1,5-6", Whole),
            ("bytes 0-1", Whole),
            ("samples=0-1", Whole),
            ("", Whole),
        ] {
            assert_eq!(parse(range, 1000), expected, "{range:?}");
        }
        for range in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
            assert_eq!(parse(range, 0), Beyond, "{range:?} of nothing");
        }
    }

    #[test]
    fn a_range_of_a_changed_resource_is_void() {
        let headers = |if_range: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, "bytes=0-9".parse().unwrap());
            if let Some(value) = if_range {
                headers.insert(header::IF_RANGE, value.parse().unwrap());
            }
            headers
        };
        let part = Wanted::Part { start: 0, last: 9 };
        for (if_range, etag, expected) in [
            (None, Some("\"a\""), part),
            (None, None, part),
            (Some("\"a\""), Some("\"a\""), part),
            (Some("\"b\""), Some("\"a\""), Wanted::Whole),
            (Some("W/\"a\""), Some("\"a\""), Wanted::Whole),
            (
                Some("Wed, 21 Oct 2015 07:28:00 GMT"),
                Some("\"a\""),
                Wanted::Whole,
            ),
            (Some("\"a\""), None, Wanted::Whole),
        ] {
            assert_eq!(
                wanted(&headers(if_range), 100, etag),
                expected,
                "{if_range:?} {etag:?}"
            );
        }
    }
}

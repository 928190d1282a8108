//! `application/x-www-form-urlencoded`, read strictly: what is signed are names and values, so none may
//! be guessed.

use std::collections::BTreeMap;

/// The fields of a form in the order in which they came; a repeated name is there again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

/// A broken escape, or text that is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is no form: a broken escape, or not UTF-8")]
pub struct BadForm;

impl Form {
    /// # Errors
    /// When an escape is broken, or what comes out is not UTF-8.
    pub fn parse(body: &[u8]) -> Result<Self, BadForm> {
        let fields = body.split(|&b| b == b'&').filter(|field| !field.is_empty());
        let pairs = fields.map(|field| {
            let equals = field.iter().position(|&b| b == b'=');
            let (name, value) =
                equals.map_or((field, &[][..]), |at| (&field[..at], &field[at + 1..]));
            Ok((decode(name)?, decode(value)?))
        });
        pairs.collect::<Result<_, BadForm>>().map(Self)
    }

    /// The first value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All fields, as they are signed.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        let fields = self.0.iter();
        fields
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    /// The first values of all names but these.
    #[must_use]
    pub fn rest(&self, but: &[&str]) -> BTreeMap<String, String> {
        let others = self
            .0
            .iter()
            .filter(|(name, _)| !but.contains(&name.as_str()));
        others.rev().cloned().collect()
    }
}

fn decode(text: &[u8]) -> Result<String, BadForm> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => digit(rest.next())? << 4 | digit(rest.next())?,
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| BadForm)
}

fn digit(byte: Option<&u8>) -> Result<u8, BadForm> {
    let digit = char::from(*byte.ok_or(BadForm)?).to_digit(16);
    digit.and_then(|digit| digit.try_into().ok()).ok_or(BadForm)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(body: &str) -> Result<Vec<(String, String)>, BadForm> {
        Form::parse(body.as_bytes()).map(|form| form.0)
    }

    #[test]
    fn names_and_values_are_decoded() {
        for (body, expected) in [
            ("", &[][..]),
            ("a=1&b=2", &[("a", "1"), ("b", "2")]),
            ("&a=1&&", &[("a", "1")]),
            ("a", &[("a", "")]),
            ("=x", &[("", "x")]),
            ("a=b=c", &[("a", "b=c")]),
            ("a+b=%2B972+5%3d", &[("a b", "+972 5=")]),
            ("x=%D7%A9%D7%9C", &[("x", "של")]),
            ("x=של", &[("x", "של")]),
            ("a=1&a=2&a=1", &[("a", "1"), ("a", "2"), ("a", "1")]),
            ("a=%00", &[("a", "\0")]),
        ] {
            let expected: Vec<_> = expected
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect();
            assert_eq!(pairs(body), Ok(expected), "{body}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_form() {
        for body in ["a=%", "a=%1", "a=%zz", "%G0=a", "a=%+1", "a=%ff", "a=%D7"] {
            assert_eq!(pairs(body), Err(BadForm), "{body}");
        }
        assert_eq!(Form::parse(b"a=\xff"), Err(BadForm));
        assert_eq!(Form::parse(b"a=\xd7&b=\xa9"), Err(BadForm));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_is_read(fields in proptest::collection::vec((".*", ".*"), 0..6)) {
            let escaped = |text: &str| -> String {
                text.bytes().map(|b| format!("%{b:02x}")).collect()
            };
            let written = fields.iter().map(|(name, value)| {
                format!("{}={}", escaped(name), escaped(value))
            });
            let body: Vec<String> = written.collect();
            assert_eq!(pairs(&body.join("&")), Ok(fields));
        }

        #[test]
        fn no_body_is_too_odd(body: Vec<u8>) {
            let _ = Form::parse(&body);
        }
    }

    #[test]
    fn the_first_of_a_name_counts_and_all_are_signed() {
        let form = Form::parse(b"a=1&b=2&a=3&c=4&c=5").unwrap();
        assert_eq!((form.get("a"), form.get("d")), (Some("1"), None));
        assert_eq!(form.pairs().len(), 5);
        let rest = form.rest(&["a"]);
        assert_eq!(rest.len(), 2);
        assert_eq!(rest["c"], "4");
    }
}

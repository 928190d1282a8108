//! Phone numbers as they are written → one form in which they can be compared: E.164.
//!
//! Google's rules, by the `phonenumber` crate, decide what a number without a `+` is in the default
//! region. A number with a `+` is taken at its word even where no such number can exist: businesses write
//! `+1-555-0123` for `+15550123`, providers send it, and refusing it would lose a customer, while taking it
//! can only make two equal texts equal. Lengths are judged (`is_possible` in Google's terms), not area
//! codes: numbering plans change more often than this program.

use std::str::FromStr;

use phonenumber::{Mode, country::Id, metadata::DATABASE};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Digits of a national number without its area code or of a service, at most: seven are a subscriber's
/// number in North America and could be anybody's.
const SHORT_DIGITS: usize = 6;
/// ITU-T E.164: 15 digits at most. The least is ours: below it, it is no number of a person.
const E164_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// Digits from which a number without a plus may begin with another country's code: hardly a country has
/// national numbers so long.
const WITH_CODE: usize = 11;

/// What providers write where the caller withheld the number.
const WITHHELD: [&str; 8] = [
    "anonymous",
    "restricted",
    "unavailable",
    "unknown",
    "private",
    "blocked",
    "withheld",
    "no caller id",
];
/// The same words typed on a keypad, as Twilio sends them: ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN,
/// UNAVAILABLE, PRIVATE.
/// <https://help.twilio.com/articles/223179988>
const WITHHELD_KEYS: [&str; 6] = [
    "+266696687",
    "+7378742833",
    "+2562533",
    "+8656696",
    "+86282452253",
    "+7748283",
];

/// Who is at one end of a call, by what the provider or a business wrote.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum Party {
    /// E.164, with its plus: what people are found by.
    Number(String),
    /// Digits that are a service, an extension, or a number that lacks its area code: nobody's in particular.
    Short(String),
    /// `user@host`, in lower case.
    Sip(String),
    /// A name inside of the provider: `client:alice`.
    Client(String),
    /// The number was withheld.
    Withheld,
    /// Nothing that is a number.
    Other,
}

impl Party {
    /// Reads any form; `region` is where numbers without a country code are at home.
    #[must_use]
    pub fn read(raw: &str, region: Region) -> Self {
        let text = plain(raw);
        let lower = text.to_lowercase();
        if lower.is_empty() || WITHHELD.contains(&lower.as_str()) {
            return Self::Withheld;
        }
        let (scheme, rest) = match lower.split_once(':') {
            Some((scheme, rest)) => (scheme, rest),
            None => ("", lower.as_str()),
        };
        match scheme {
            "sip" | "sips" => sip(rest),
            "client" => Self::Client(text[scheme.len() + 1..].trim().to_owned()),
            "" | "tel" | "whatsapp" | "callto" => number(rest, region),
            _ => Self::Other,
        }
    }

    /// The number in E.164, where it is one.
    #[must_use]
    pub fn e164(&self) -> Option<&str> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }
}

/// A country, as ISO 3166 writes it: `US`, `IL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(Id);

/// There is no numbering plan of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a region is two letters, as US or IL; {0:?} is none")]
pub struct BadRegion(String);

/// The United States: what providers' examples are written in.
impl Default for Region {
    fn default() -> Self {
        Self(Id::US)
    }
}

impl FromStr for Region {
    type Err = BadRegion;
    fn from_str(text: &str) -> Result<Self, BadRegion> {
        let id = text.trim().to_ascii_uppercase().parse();
        id.map(Self).map_err(|_| BadRegion(text.into()))
    }
}

impl TryFrom<String> for Region {
    type Error = BadRegion;
    fn try_from(text: String) -> Result<Self, BadRegion> {
        text.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.0.as_ref().into()
    }
}

/// Loads the numbering plans: tens of milliseconds, better before the first call than in it.
pub fn warm_up() {
    let _ = DATABASE.by_id("US");
}

/// Digits of any script are digits, marks of direction and odd spaces are gone.
fn plain(raw: &str) -> String {
    let invisible = |c: &char| {
        matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
            || c.is_control()
    };
    let letters = raw.nfkc().filter(|c| !invisible(c));
    let text: String = letters.map(|c| ascii_digit(c).unwrap_or(c)).collect();
    text.trim().to_owned()
}

/// Arabic-Indic and Persian digits; full-width ones are NFKC's.
fn ascii_digit(c: char) -> Option<char> {
    let value = match c {
        '\u{0660}'..='\u{0669}' => u32::from(c) - 0x0660,
        '\u{06F0}'..='\u{06F9}' => u32::from(c) - 0x06F0,
        _ => return None,
    };
    char::from_digit(value, 10)
}

/// A SIP address whose user is an international number is that number: it came over a trunk.
fn sip(address: &str) -> Party {
    let address = address.split([';', '?']).next().unwrap_or_default();
    let user = address.split('@').next().unwrap_or_default();
    if user.starts_with('+')
        && let Some(number) = international(user)
    {
        return Party::Number(number);
    }
    match address.is_empty() {
        true => Party::Other,
        false => Party::Sip(address.to_owned()),
    }
}

fn number(text: &str, region: Region) -> Party {
    if WITHHELD_KEYS.contains(&text) {
        return Party::Withheld;
    }
    let bare = text.split([';', ',']).next().unwrap_or_default();
    let own = without_extension(bare);
    if own.starts_with('+') {
        return international(own).map_or(Party::Other, Party::Number);
    }
    let digits: String = own.chars().filter(char::is_ascii_digit).collect();
    let letters = own.chars().filter(|c| c.is_alphabetic()).count();
    if digits.is_empty() || letters > digits.len() + 7 {
        return Party::Other;
    }
    if letters == 0 && digits.len() <= SHORT_DIGITS {
        return Party::Short(digits);
    }
    national(own, &digits, region).unwrap_or(match digits.len() {
        0..=SHORT_DIGITS => Party::Other,
        _ if E164_DIGITS.contains(&digits.len()) => Party::Short(digits),
        _ => Party::Other,
    })
}

/// A number without its plus: at home in the region, or, with digits enough, one with a country code. What
/// exists goes before what only is as long as a number.
fn national(text: &str, digits: &str, region: Region) -> Option<Party> {
    let at_home = phonenumber::parse(Some(region.0), text).ok();
    let long = digits.len() >= WITH_CODE;
    let abroad = phonenumber::parse(None, format!("+{digits}")).ok();
    let readings = [at_home, abroad.filter(|_| long)];
    let exists = |number: &&phonenumber::PhoneNumber| number.is_valid();
    let could = |number: &&phonenumber::PhoneNumber| is_possible(number);
    let best = readings.iter().flatten().find(exists);
    let best = best.or_else(|| readings.iter().flatten().find(could))?;
    Some(Party::Number(best.format().mode(Mode::E164).to_string()))
}

fn international(text: &str) -> Option<String> {
    // `+44 (0)20 …`: so written, it is dialled at home only, whether or not such a number exists.
    let text = &text.replace("(0)", "");
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if text.chars().any(char::is_alphabetic) || !E164_DIGITS.contains(&digits.len()) {
        return None;
    }
    // `+972 050 …`: the trunk's zero, which is no part of it. Italy's zeros are.
    let parsed = phonenumber::parse(None, text).ok();
    let possible = parsed.filter(is_possible);
    Some(possible.map_or(format!("+{digits}"), |number| {
        number.format().mode(Mode::E164).to_string()
    }))
}

/// By its length as a line or a mobile, in any country of its code. Other uses have lengths of their own
/// that subscribers' numbers without an area code would fit.
fn is_possible(number: &phonenumber::PhoneNumber) -> bool {
    let length = u16::try_from(number.national().to_string().len()).unwrap_or(u16::MAX);
    let plans = DATABASE.by_code(&number.code().value());
    plans.into_iter().flatten().any(|plan| {
        let uses = plan.descriptors();
        [uses.fixed_line(), uses.mobile()]
            .into_iter()
            .flatten()
            .any(|of| of.possible_length().contains(&length))
    })
}

/// `… ext. 12`, `… x12`, `… שלוחה 12`: reached through the number before it.
fn without_extension(text: &str) -> &str {
    let lower = text.to_lowercase();
    let marks = ["extension", "ext", "שלוחה", "x", "#"];
    let cut = marks
        .iter()
        .filter_map(|mark| lower.find(mark))
        .filter(|at| {
            text.get(..*at).is_some_and(has_digits) && text.get(*at..).is_some_and(has_digits)
        })
        .min();
    cut.map_or(text, |at| &text[..at])
        .trim_end_matches([' ', ';', ',', '.', '-'])
}

fn has_digits(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(raw: &str, region: &str) -> Party {
        Party::read(raw, region.parse().unwrap())
    }

    #[test]
    fn every_way_of_writing_a_number_is_that_number() {
        for (region, expected, written) in [
            (
                "US",
                "+15550123456",
                &[
                    "(555) 012-3456",
                    "+1-555-012-3456",
                    "15550123456",
                    "555-012-3456",
                    "555.012.3456",
                    "1 555 012 3456",
                    "+1 (555) 012-3456",
                    "+15550123456",
                    "tel:+1-555-012-3456",
                    "whatsapp:+15550123456",
                    "\u{202A}+1 555 012 3456\u{202C}",
                    "\u{200E}(555)\u{00A0}012\u{2011}3456",
                    "５５５ ０１２ ３４５６",
                    "011 1 555 012 3456",
                    "+1-555-012-3456 ext. 12",
                    "(555) 012-3456 x7",
                    "sip:+15550123456@trunk.example.com;user=phone",
                ][..],
            ),
            (
                "IL",
                "+972541234567",
                &[
                    "054-1234567",
                    "054-123-4567",
                    "0541234567",
                    "+972541234567",
                    "+972 54 123 4567",
                    "+972-(0)54-123-4567",
                    "972541234567",
                    "00972541234567",
                    "٠٥٤١٢٣٤٥٦٧",
                    "054-1234567 שלוחה 3",
                ],
            ),
            ("IL", "+97231234567", &["03-1234567", "+972 3 123 4567"]),
            ("IL", "+12025550123", &["+1 202 555 0123", "12025550123"]),
            ("US", "+15550123", &["+1-555-0123", "+15550123"]),
            (
                "GB",
                "+442079460958",
                &["020 7946 0958", "+44 (0)20 7946 0958"],
            ),
            ("IT", "+390612345678", &["06 1234 5678", "+39 06 1234 5678"]),
            (
                "FR",
                "+33123456789",
                &["01 23 45 67 89", "0033 1 23 45 67 89"],
            ),
            (
                "DE",
                "+493012345678",
                &["030 12345678", "+49 (0) 30 12345678"],
            ),
        ] {
            for raw in written {
                assert_eq!(
                    read(raw, region),
                    Party::Number(expected.into()),
                    "{raw:?} in {region}"
                );
            }
        }
    }

    #[test]
    fn a_trunk_s_zero_is_no_part_of_a_number_that_does_not_exist_either() {
        for raw in ["07700 900107", "+44 (0)7700 900107", "0044 7700 900107"] {
            assert_eq!(
                read(raw, "GB"),
                Party::Number("+447700900107".into()),
                "{raw}"
            );
        }
    }

    #[test]
    fn what_is_no_number_of_a_person_is_what_it_is() {
        for (raw, expected) in [
            ("555-0123", Party::Short("5550123".into())),
            ("911", Party::Short("911".into())),
            ("*6050", Party::Short("6050".into())),
            ("12345", Party::Short("12345".into())),
            ("", Party::Withheld),
            ("  ", Party::Withheld),
            ("Anonymous", Party::Withheld),
            ("Restricted", Party::Withheld),
            ("+266696687", Party::Withheld),
            ("+86282452253", Party::Withheld),
            ("client:Alice", Party::Client("Alice".into())),
            (
                "sip:Alice@PBX.example.com",
                Party::Sip("alice@pbx.example.com".into()),
            ),
            (
                "sip:1001@pbx.example.com;transport=tls",
                Party::Sip("1001@pbx.example.com".into()),
            ),
            ("sip:", Party::Other),
            ("mailto:a@b", Party::Other),
            ("Dana", Party::Other),
            ("+", Party::Other),
            ("+12", Party::Other),
            ("+1234567890123456789", Party::Other),
            ("12345678901234567890", Party::Other),
        ] {
            assert_eq!(read(raw, "US"), expected, "{raw:?}");
        }
    }

    #[test]
    fn a_region_is_known_or_refused() {
        assert_eq!(String::from("il".parse::<Region>().unwrap()), "IL");
        for bad in ["", "XX", "Israel", "1"] {
            assert!(bad.parse::<Region>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_and_what_was_read_stays(raw in "\\PC{0,40}") {
            if let Party::Number(number) = read(&raw, "US") {
                prop_assert_eq!(read(&number, "IL"), Party::Number(number.clone()), "{}", raw);
            }
        }

        #[test]
        fn a_possible_number_is_the_same_however_it_is_grouped(
            digits in "[2-9][0-9]{2}[2-9][0-9]{6}", breaks in proptest::collection::vec(0..4_usize, 10),
        ) {
            let separators = ["", " ", "-", "."];
            let grouped: String = digits.chars().zip(&breaks).map(|(d, b)| format!("{d}{}", separators[*b])).collect();
            let expected = Party::Number(format!("+1{digits}"));
            prop_assert_eq!(read(&grouped, "US"), expected.clone());
            prop_assert_eq!(read(&format!("+1 {grouped}"), "IL"), expected);
        }
    }
}

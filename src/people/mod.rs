//! Numbers → people: whose call that was.
//!
//! | file | what it does |
//! |---|---|
//! | [`phone`] | any form of a number becomes E.164, or what else it is |
//! | [`customer`], [`booking`] | what a business brings: checked here, once, for the API and for imports |
//! | [`sheet`] | the same out of a CSV file, line by line |
//! | [`said`] | what was said on a call that tells one booking from another: days, times, guests, names |
//! | [`link`] | whose call that was, about which booking, and how sure that is |
//! | [`context`] | what whoever answers should know of a customer, in a few lines |
//! | [`labelled`] | calls whose customers and bookings are known, and how many of them are found |
//!
//! A business's own ids (`external_id`) are kept beside ours, so that bringing the same twice changes
//! rather than doubles.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub mod booking;
pub mod context;
pub mod customer;
pub mod labelled;
pub mod link;
pub mod phone;
pub mod said;
pub mod sheet;

pub use phone::Region;

/// Where the business is at home.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Where numbers without a country code are at home: `US`, `IL`.
    pub region: Region,
    /// In which bookings without an offset are meant: `America/New_York`, `Asia/Jerusalem`.
    pub time_zone: Zone,
    /// Our own numbers, with their country codes: the other end of their calls is the customer.
    pub own_numbers: Vec<OwnNumber>,
}

impl Options {
    /// Whether a number in E.164 is ours.
    #[must_use]
    pub fn is_own(&self, number: &str) -> bool {
        self.own_numbers.iter().any(|own| own.0 == number)
    }
}

/// A number of the business's, in E.164.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OwnNumber(String);

impl TryFrom<String> for OwnNumber {
    type Error = String;
    fn try_from(raw: String) -> Result<Self, String> {
        match phone::Party::read(&raw, Region::default()) {
            phone::Party::Number(number) if raw.trim().starts_with('+') => Ok(Self(number)),
            _ => Err(format!(
                "{raw:?} is no number with its country code, as +15550100123"
            )),
        }
    }
}

impl From<OwnNumber> for String {
    fn from(own: OwnNumber) -> Self {
        own.0
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            region: Region::default(),
            time_zone: Zone(TimeZone::UTC),
            own_numbers: Vec::new(),
        }
    }
}

/// A time zone by its IANA name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

impl Zone {
    #[must_use]
    pub const fn time_zone(&self) -> &TimeZone {
        &self.0
    }
}

impl TryFrom<String> for Zone {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        TimeZone::get(&name)
            .map(Self)
            .map_err(|_| format!("there is no time zone {name:?}: Europe/Berlin is one"))
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.0.iana_name().unwrap_or("UTC").into()
    }
}

/// What a business brought cannot be: names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct Unfit {
    pub field: &'static str,
    pub why: String,
}

impl Unfit {
    fn new(field: &'static str, why: impl Into<String>) -> Self {
        let why = why.into();
        Self { field, why }
    }
}

/// Without space around it and no longer than `most` characters; empty is none.
fn short(field: &'static str, text: Option<String>, most: usize) -> Result<Option<String>, Unfit> {
    let text = text.map(|text| text.trim().to_owned());
    match text.filter(|text| !text.is_empty()) {
        Some(text) if text.chars().count() > most => {
            Err(Unfit::new(field, format!("{most} characters at most")))
        }
        text => Ok(text),
    }
}

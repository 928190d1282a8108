//! Calls whose customers and bookings are known, and how many of them are found.
//!
//! A set is a folder: `business.json` (the [`Options`]), `customers.csv` and `bookings.csv` as they are imported,
//! and `calls.jsonl`: a call a line, with the external ids of its customer and booking, or null where there is
//! none to be found. Calls to be left for review have no customer: guessing one is an error as well.

use std::{fs, path::Path};

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    Options, Unfit,
    booking::Booking,
    customer::Customer,
    link::{self, Ends, Link, link, nobody, other_side},
    said::Heard,
    sheet::{Kind, Sheet},
};

/// Customers, bookings and calls of one business.
pub struct Set {
    options: Options,
    customers: Vec<Customer>,
    bookings: Vec<Booking>,
    calls: Vec<Labelled>,
}

/// A call, and what it should be linked to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labelled {
    pub id: String,
    /// What it tries: `family`, `outbound`, …
    pub kind: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub direction: Option<String>,
    /// When it began.
    pub at: Timestamp,
    /// What was said.
    pub text: String,
    pub customer: Option<String>,
    pub booking: Option<String>,
}

/// What became of one call.
pub struct Verdict<'a> {
    pub call: &'a Labelled,
    pub found: Link,
}

/// A set cannot be read: says where.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {why}")]
pub struct Unreadable {
    place: String,
    why: String,
}

impl Verdict<'_> {
    #[must_use]
    pub fn has_customer(&self) -> bool {
        self.found.customer == self.call.customer
    }

    #[must_use]
    pub fn has_booking(&self) -> bool {
        self.found.booking == self.call.booking
    }
}

impl Set {
    /// # Errors
    /// When a file is missing, or a line of it cannot be what it should be.
    pub fn read(folder: &Path) -> Result<Self, Unreadable> {
        let options: Options = serde_json::from_str(&text(folder, "business.json")?)
            .map_err(|error| unreadable("business.json", 0, &error))?;
        let customers = customers(&text(folder, "customers.csv")?, &options)?;
        let bookings = bookings(&text(folder, "bookings.csv")?, &options)?;
        let calls = text(folder, "calls.jsonl")?;
        let calls = (1..).zip(calls.lines()).map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| unreadable("calls.jsonl", number, &error))
        });
        Ok(Self {
            calls: calls.collect::<Result<_, _>>()?,
            options,
            customers,
            bookings,
        })
    }

    /// Links every call, as a job would.
    #[must_use]
    pub fn judge(&self) -> Vec<Verdict<'_>> {
        let judged = self.calls.iter().map(|call| Verdict {
            call,
            found: self.link(call),
        });
        judged.collect()
    }

    fn link(&self, call: &Labelled) -> Link {
        let ends = Ends {
            from: call.from.as_deref(),
            to: call.to.as_deref(),
            direction: call.direction.as_deref(),
        };
        let number = match other_side(&ends, &self.options) {
            Ok(number) => number,
            Err(why) => return nobody(why),
        };
        let has_it = |customer: &&Customer| {
            let mut phones = customer.details.phones.iter();
            phones.any(|phone| phone.e164.as_deref() == Some(number.as_str()))
        };
        let holders: Vec<Customer> = self.customers.iter().filter(has_it).cloned().collect();
        let near = |booking: &&Booking| {
            let away = booking.details.starts.at.duration_since(call.at);
            away.abs() <= link::WITHIN * 2
        };
        let bookings: Vec<Booking> = self.bookings.iter().filter(near).cloned().collect();
        let zone = self.options.time_zone.time_zone();
        let heard = Heard::of(&call.text, &call.at.to_zoned(zone.clone()));
        link(call.at, &heard, &holders, &bookings, zone)
    }
}

fn customers(text: &str, options: &Options) -> Result<Vec<Customer>, Unreadable> {
    let name = "customers.csv";
    let mut sheet = Sheet::open(text.as_bytes(), Some(Kind::Customers))
        .map_err(|error| unreadable(name, 1, &error))?;
    let mut customers = Vec::new();
    while let Some(line) = sheet
        .customer()
        .map_err(|error| unreadable(name, 0, &error))?
    {
        let details = line.draft.and_then(|draft| draft.check(options.region));
        let details = details.map_err(|error| unreadable(name, line.number, &error))?;
        customers.push(Customer {
            id: details.external_id.clone().unwrap_or_default(),
            details,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        });
    }
    Ok(customers)
}

fn bookings(text: &str, options: &Options) -> Result<Vec<Booking>, Unreadable> {
    let name = "bookings.csv";
    let mut sheet = Sheet::open(text.as_bytes(), Some(Kind::Bookings))
        .map_err(|error| unreadable(name, 1, &error))?;
    let mut bookings = Vec::new();
    while let Some(line) = sheet
        .booking()
        .map_err(|error| unreadable(name, 0, &error))?
    {
        let checked = line.draft.and_then(|draft| {
            let of = draft.customer_external_id.clone();
            let of = of.ok_or_else(|| Unfit::new("customer_external_id", "is missing"))?;
            Ok((of, draft.check(options.time_zone.time_zone())?))
        });
        let (customer_id, details) =
            checked.map_err(|error| unreadable(name, line.number, &error))?;
        bookings.push(Booking {
            id: details.external_id.clone().unwrap_or_default(),
            customer_id,
            details,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        });
    }
    Ok(bookings)
}

fn text(folder: &Path, name: &str) -> Result<String, Unreadable> {
    let path = folder.join(name);
    fs::read_to_string(&path).map_err(|error| unreadable(&path.display().to_string(), 0, &error))
}

/// `line` 0: of the file as a whole.
fn unreadable(file: &str, line: u64, why: &dyn std::fmt::Display) -> Unreadable {
    let place = match line {
        0 => file.to_owned(),
        line => format!("{file}, line {line}"),
    };
    Unreadable {
        place,
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half a point above what is promised would be a change for the worse going unnoticed.
    #[test]
    fn the_labelled_calls_find_their_customers_and_bookings() {
        let sets = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/people");
        let (mut all, mut customers, mut bookings) = (0, 0, 0);
        for name in ["new-york", "jerusalem", "london"] {
            let set = Set::read(&sets.join(name)).unwrap();
            for verdict in set.judge() {
                all += 1;
                customers += usize::from(verdict.has_customer());
                bookings += usize::from(verdict.has_booking());
            }
        }
        println!("{customers} customers and {bookings} bookings of {all} calls");
        assert!(all >= 200);
        assert!(customers * 100 > all * 95, "{customers} of {all}");
        assert!(bookings * 100 > all * 80, "{bookings} of {all}");
    }
}

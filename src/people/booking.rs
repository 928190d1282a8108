//! Bookings, as a business brings them.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{Unfit, short};

const TITLE: usize = 300;
const EXTERNAL_ID: usize = 200;
const NOTES: usize = 10_000;
const GUESTS: u32 = 100_000;

/// How far a booking is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[schema(as = BookingStatus)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Pending,
    #[default]
    Confirmed,
    InProgress,
    Completed,
    Cancelled,
    NoShow,
}

impl Status {
    const ALL: [Self; 6] = [
        Self::Pending,
        Self::Confirmed,
        Self::InProgress,
        Self::Completed,
        Self::Cancelled,
        Self::NoShow,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::NoShow => "no_show",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = Unfit;
    fn from_str(text: &str) -> Result<Self, Unfit> {
        let found = Self::ALL.into_iter().find(|s| s.as_str() == text.trim());
        found.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|status| status.as_str()).collect();
            Unfit::new("status", format!("is one of {}", names.join(", ")))
        })
    }
}

/// When something is: to the minute, or on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// Of a day: its first moment in the business's zone.
    pub at: Timestamp,
    pub has_time: bool,
}

/// A booking as brought. Over one that is there: what is absent stays, what is empty is taken away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[schema(as = BookingDraft)]
#[serde(default, deny_unknown_fields)]
pub struct Draft {
    /// The business's own id.
    pub external_id: Option<String>,
    /// Whose it is: our id of the customer. One of the three is enough.
    pub customer_id: Option<String>,
    /// The business's own id of the customer.
    pub customer_external_id: Option<String>,
    /// A number that is one customer's alone.
    pub customer_phone: Option<String>,
    /// `2024-11-15`, `2024-11-15T18:30` in the business's zone, or with an offset.
    pub starts_at: Option<String>,
    pub ends_at: Option<String>,
    #[schema(value_type = Option<Status>)]
    pub status: Option<String>,
    pub guests: Option<u32>,
    /// What it is: "hibachi party".
    pub title: Option<String>,
    pub notes: Option<String>,
}

/// What is known of a booking; checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    pub external_id: Option<String>,
    pub starts: When,
    pub ends: Option<When>,
    pub status: Status,
    pub guests: Option<u32>,
    pub title: String,
    pub notes: String,
}

/// A booking as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    pub id: String,
    pub customer_id: String,
    pub details: Details,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Draft {
    /// A new booking; whose it is, is not looked at.
    ///
    /// # Errors
    /// When a field cannot be what it should be, or the start is missing.
    pub fn check(self, zone: &TimeZone) -> Result<Details, Unfit> {
        let starts = self.starts_at.as_deref().unwrap_or_default();
        let empty = Details {
            external_id: None,
            starts: when("starts_at", starts, zone)?,
            ends: None,
            status: Status::default(),
            guests: None,
            title: String::new(),
            notes: String::new(),
        };
        self.over(&empty, zone)
    }

    /// A booking that is there, changed by what this has.
    ///
    /// # Errors
    /// As [`Draft::check`].
    pub fn over(self, old: &Details, zone: &TimeZone) -> Result<Details, Unfit> {
        let kept = |field, brought: Option<String>, was: &str, most| match brought {
            Some(brought) => Ok(short(field, Some(brought), most)?.unwrap_or_default()),
            None => Ok(was.to_owned()),
        };
        let starts = self.starts_at.map(|text| when("starts_at", &text, zone));
        let ends = match self.ends_at {
            Some(text) if text.trim().is_empty() => None,
            Some(text) => Some(when("ends_at", &text, zone)?),
            None => old.ends,
        };
        let starts = starts.unwrap_or(Ok(old.starts))?;
        if ends.is_some_and(|ends| ends.at < starts.at) {
            return Err(Unfit::new("ends_at", "is before starts_at"));
        }
        if self.guests.is_some_and(|guests| guests > GUESTS) {
            return Err(Unfit::new("guests", format!("{GUESTS} at most")));
        }
        let status = self.status.filter(|status| !status.trim().is_empty());
        let status = status.map(|status| status.parse());
        let external_id = old.external_id.as_deref().unwrap_or_default();
        let external_id = kept("external_id", self.external_id, external_id, EXTERNAL_ID)?;
        Ok(Details {
            external_id: Some(external_id).filter(|id| !id.is_empty()),
            starts,
            ends,
            status: status.unwrap_or(Ok(old.status))?,
            guests: self.guests.or(old.guests),
            title: kept("title", self.title, &old.title, TITLE)?,
            notes: kept("notes", self.notes, &old.notes, NOTES)?,
        })
    }
}

impl Details {
    /// Names of the fields in which the two differ.
    #[must_use]
    pub fn changed_from(&self, old: &Self) -> Vec<&'static str> {
        let differs = [
            ("external_id", self.external_id != old.external_id),
            ("starts_at", self.starts != old.starts),
            ("ends_at", self.ends != old.ends),
            ("status", self.status != old.status),
            ("guests", self.guests != old.guests),
            ("title", self.title != old.title),
            ("notes", self.notes != old.notes),
        ];
        let changed = differs.into_iter().filter(|(_, differs)| *differs);
        changed.map(|(field, _)| field).collect()
    }
}

/// A time that the clocks leave out in spring is the moment after the gap, one that they show twice in
/// autumn the first of the two: as RFC 5545 (3.3.5) has it.
fn when(field: &'static str, text: &str, zone: &TimeZone) -> Result<When, Unfit> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Unfit::new(field, "is missing"));
    }
    let refused = || {
        Unfit::new(
            field,
            "is a day as 2024-11-15, or a time as 2024-11-15T18:30, with an offset or without",
        )
    };
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(When { at, has_time: true });
    }
    let has_time = text.contains(':');
    let local = match has_time {
        true => text.parse::<civil::DateTime>(),
        false => text
            .parse::<civil::Date>()
            .map(|day| day.to_datetime(civil::Time::MIN)),
    };
    let local = local.map_err(|_| refused())?;
    let zoned = local.to_zoned(zone.clone()).map_err(|_| refused())?;
    let at = zoned.timestamp();
    Ok(When { at, has_time })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn on(starts_at: &str) -> Draft {
        Draft {
            starts_at: Some(starts_at.into()),
            ..Draft::default()
        }
    }

    #[test]
    fn times_are_meant_in_the_business_s_zone() {
        for (text, name, expected, has_time) in [
            (
                "2024-11-15",
                "America/New_York",
                "2024-11-15T05:00:00Z",
                false,
            ),
            (
                "2024-11-15T18:30",
                "America/New_York",
                "2024-11-15T23:30:00Z",
                true,
            ),
            (
                "2024-11-15 18:30",
                "Asia/Jerusalem",
                "2024-11-15T16:30:00Z",
                true,
            ),
            (
                "2024-11-15T18:30:00+01:00",
                "Asia/Jerusalem",
                "2024-11-15T17:30:00Z",
                true,
            ),
            (
                "2024-11-15T18:30:00Z",
                "Asia/Jerusalem",
                "2024-11-15T18:30:00Z",
                true,
            ),
            // In the gap of spring, and in the hour of autumn that comes twice.
            (
                "2024-03-10T02:30",
                "America/New_York",
                "2024-03-10T07:30:00Z",
                true,
            ),
            (
                "2024-11-03T01:30",
                "America/New_York",
                "2024-11-03T05:30:00Z",
                true,
            ),
            // A day that begins at one o'clock.
            ("2024-04-26", "Africa/Cairo", "2024-04-25T22:00:00Z", false),
        ] {
            let details = on(text).check(&zone(name)).unwrap();
            let at = expected.parse().unwrap();
            assert_eq!(details.starts, When { at, has_time }, "{text} in {name}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let day = || on("2024-11-15T18:30");
        for (draft, field) in [
            (Draft::default(), "starts_at"),
            (on("tomorrow"), "starts_at"),
            (on("15/11/2024"), "starts_at"),
            (on("2024-02-30"), "starts_at"),
            (on("2024-11-15T25:00"), "starts_at"),
            (
                Draft {
                    ends_at: Some("2024-11-15T18:00".into()),
                    ..day()
                },
                "ends_at",
            ),
            (
                Draft {
                    ends_at: Some("late".into()),
                    ..day()
                },
                "ends_at",
            ),
            (
                Draft {
                    status: Some("maybe".into()),
                    ..day()
                },
                "status",
            ),
            (
                Draft {
                    guests: Some(1_000_000),
                    ..day()
                },
                "guests",
            ),
            (
                Draft {
                    title: Some("x".repeat(301)),
                    ..day()
                },
                "title",
            ),
        ] {
            let error = draft.clone().check(&zone("UTC")).unwrap_err();
            assert_eq!(error.field, field, "{draft:?}");
        }
    }

    #[test]
    fn what_is_absent_stays() {
        let utc = zone("UTC");
        let old = Draft {
            status: Some("pending".into()),
            guests: Some(30),
            title: Some("party".into()),
            ..on("2024-11-15")
        };
        let old = old.check(&utc).unwrap();
        let change = Draft {
            status: Some("confirmed".into()),
            ends_at: Some("2024-11-16".into()),
            ..Draft::default()
        };
        let new = change.over(&old, &utc).unwrap();
        assert_eq!(new.changed_from(&old), ["ends_at", "status"]);
        assert_eq!((new.guests, new.title.as_str()), (Some(30), "party"));
    }
}

//! Calls as they are read: one, and pages of them.
//!
//! A number is asked for by its end, four digits or more, however the rest was written: people know the
//! last digits, and country codes come and go. The last four are in an index; the others are compared.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Error, Store,
    db::{Row, args},
};
use crate::{ids::CallSid, time::MediaTime};

/// Where a call is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// A stream is open.
    Live,
    /// The streams are closed; the final pass waits or runs.
    Finishing,
    /// The final pass is done; what is served, and why, is settled.
    Final,
    /// The final pass is done, and there is no text, live or final.
    Empty,
    /// The final pass was given up; the live text is served.
    Failed,
}

impl CallState {
    const ALL: [Self; 5] = [
        Self::Live,
        Self::Finishing,
        Self::Final,
        Self::Empty,
        Self::Failed,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Finishing => "finishing",
            Self::Final => "final",
            Self::Empty => "empty",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for CallState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CallState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let found = Self::ALL.into_iter().find(|s| s.as_str() == text);
        found.ok_or(())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub sid: CallSid,
    pub account_sid: Option<String>,
    pub direction: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    /// ISO 639-1, where it was fixed; what was detected stands with the version.
    pub language: Option<String>,
    pub parameters: BTreeMap<String, String>,
    pub state: CallState,
    /// A crash of this service cut the call short.
    pub interrupted: bool,
    /// Step of the overload ladder that the live text is at; 0 is none.
    pub degraded: u32,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// From the first stream's start to the last one's end; zero while the first stream is open.
    pub duration: MediaTime,
    /// The version that [`Store::transcript`] gives by default.
    pub served_version: u32,
    /// Why it is that one.
    pub served_reason: String,
}

/// Which calls a page lists, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = WhichCalls)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    #[default]
    All,
    Live,
    /// All but the live ones.
    Ended,
    Finishing,
    Final,
    Empty,
    Failed,
}

impl FromStr for Which {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::EACH
            .into_iter()
            .find(|which| which.as_str() == text)
            .ok_or(())
    }
}

impl Which {
    pub const EACH: [Self; 7] = [
        Self::All,
        Self::Live,
        Self::Ended,
        Self::Finishing,
        Self::Final,
        Self::Empty,
        Self::Failed,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Live => "live",
            Self::Ended => "ended",
            Self::Finishing => "finishing",
            Self::Final => "final",
            Self::Empty => "empty",
            Self::Failed => "failed",
        }
    }

    /// Whether a call in that state is one of them.
    #[must_use]
    pub fn holds(self, state: CallState) -> bool {
        match self {
            Self::All => true,
            Self::Ended => state != CallState::Live,
            one => one.as_str() == state.as_str(),
        }
    }
}

/// The last digits of a phone number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberEnd(String);

impl NumberEnd {
    /// Digits that are looked up; fewer are no number's end.
    pub const LEAST: usize = 4;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn looked_up(&self) -> &str {
        &self.0[self.0.len() - Self::LEAST..]
    }
}

/// Fewer than four digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("of a number, its last four digits at least")]
pub struct TooShort;

impl FromStr for NumberEnd {
    type Err = TooShort;
    fn from_str(text: &str) -> Result<Self, TooShort> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        // A national number has a zero where the international one has its country.
        let digits = digits.trim_start_matches('0');
        if digits.len() < Self::LEAST {
            return Err(TooShort);
        }
        Ok(Self(digits.to_owned()))
    }
}

/// Which calls are listed; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallFilter {
    pub which: Which,
    /// Began then or later.
    pub since: Option<Timestamp>,
    /// Began before.
    pub until: Option<Timestamp>,
    /// Of either side.
    pub number: Option<NumberEnd>,
}

/// Where a page ended: opaque text to whoever pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    started_ms: i64,
    sid: CallSid,
}

impl Cursor {
    pub(super) fn new(at: Timestamp, sid: &CallSid) -> Self {
        Self {
            started_ms: at.as_millisecond(),
            sid: sid.clone(),
        }
    }

    pub(super) fn of(call: &Call) -> Self {
        Self::new(call.started_at, &call.sid)
    }

    /// Where no call is known that it could be of.
    pub(super) fn at_second(second: i64) -> Option<Self> {
        Some(Self {
            started_ms: second.checked_mul(1000)?,
            sid: "0".parse().ok()?,
        })
    }

    pub(super) const fn started_ms(&self) -> i64 {
        self.started_ms
    }

    pub(super) const fn sid(&self) -> &CallSid {
        &self.sid
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.started_ms, self.sid)
    }
}

impl FromStr for Cursor {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let (ms, sid) = text.split_once('.').ok_or(Error::BadCursor)?;
        Ok(Self {
            started_ms: ms.parse().map_err(|_| Error::BadCursor)?,
            sid: sid.parse().map_err(|_| Error::BadCursor)?,
        })
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub calls: Vec<Call>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

impl Store {
    /// # Errors
    /// When the database fails.
    pub async fn call(&self, sid: &CallSid) -> Result<Option<Call>, Error> {
        let row = self
            .db
            .row("SELECT * FROM calls WHERE sid = $1", args![sid.as_str()])
            .await?;
        row.as_ref().map(call_from).transpose()
    }

    /// At most `limit` calls after the cursor, newest first. Calls that come in meanwhile never shift
    /// a page.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn calls(
        &self,
        which: Which,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page, Error> {
        let filter = CallFilter {
            which,
            ..CallFilter::default()
        };
        self.calls_where(&filter, after, limit).await
    }

    /// The same of those that pass a filter.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn calls_where(
        &self,
        filter: &CallFilter,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page, Error> {
        let (ms, sid) = after.map_or((i64::MAX, ""), |c| (c.started_ms, c.sid.as_str()));
        let ms_of = |at: Option<Timestamp>, none| at.map_or(none, |at| at.as_millisecond());
        let number = filter.number.as_ref();
        let args = args![
            ms,
            sid,
            i64::from(limit) + 1,
            ms_of(filter.since, i64::MIN),
            ms_of(filter.until, i64::MAX),
            filter.which.as_str(),
            number.map_or("", NumberEnd::as_str),
            number.map_or("", NumberEnd::looked_up),
        ];
        let rows = self.db.rows(listing(filter), args).await?;
        let mut calls = rows.iter().map(call_from).collect::<Result<Vec<_>, _>>()?;
        let more = calls.len() > limit as usize;
        calls.truncate(limit as usize);
        let next = calls.last().filter(|_| more).map(Cursor::of);
        Ok(Page { calls, next })
    }
}

/// `$1` to `$8`: cursor, limit, from, to, state, the number's end and what of it is in the index.
macro_rules! listing {
    ($first:literal) => {
        concat!(
            "SELECT * FROM calls WHERE ",
            $first,
            " AND (started_at, sid) < ($1, $2) AND started_at >= $4 AND started_at < $5
              AND ($6 = 'all' OR state = $6 OR ($6 = 'ended' AND state <> 'live'))
              AND ($7 = '' OR from_number LIKE '%' || $7 OR to_number LIKE '%' || $7) AND $8 <> '-'
              ORDER BY started_at DESC, sid DESC LIMIT $3"
        )
    };
}

/// A text a filter: each finds its index, and "newest first" has a place to start from.
fn listing(filter: &CallFilter) -> &'static str {
    const EITHER_SIDE: &str = concat!(
        "SELECT * FROM (SELECT * FROM (",
        listing!("substr(from_number, length(from_number) - 3) = $8"),
        ") caller UNION SELECT * FROM (",
        listing!("substr(to_number, length(to_number) - 3) = $8"),
        ") called) either ORDER BY started_at DESC, sid DESC LIMIT $3"
    );
    match filter {
        CallFilter {
            number: Some(_), ..
        } => EITHER_SIDE,
        CallFilter {
            which: Which::All | Which::Ended,
            ..
        } => listing!("1 = 1"),
        _ => listing!("state = $6"),
    }
}

pub(super) fn call_from(row: &Row) -> Result<Call, Error> {
    Ok(Call {
        sid: row.parsed("sid")?,
        account_sid: row.maybe_text("account_sid")?,
        direction: row.maybe_text("direction")?,
        from: row.maybe_text("from_number")?,
        to: row.maybe_text("to_number")?,
        language: row.maybe_text("language")?,
        parameters: row.json("parameters")?,
        state: row.parsed("state")?,
        interrupted: row.int("interrupted")? != 0,
        degraded: row.count("degraded")?,
        started_at: row.time("started_at")?,
        ended_at: row.maybe_time("ended_at")?,
        duration: row.media("duration")?,
        served_version: row.count("served_version")?,
        served_reason: row.text("served_reason")?,
    })
}

#[cfg(test)]
mod tests;

//! Calls as they are read: one, and pages of them.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Error, Store,
    db::{Row, args},
};
use crate::{ids::CallSid, time::MediaTime};

/// Where a call is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    #[default]
    All,
    Live,
    /// All but the live ones.
    Ended,
}

/// Where a page ended: opaque text to whoever pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    started_ms: i64,
    sid: CallSid,
}

impl Cursor {
    pub(super) fn new(at: Timestamp, sid: CallSid) -> Self {
        Self {
            started_ms: at.as_millisecond(),
            sid,
        }
    }

    /// What comes after, newest first, is less than these two.
    pub(super) fn bounds(cursor: Option<&Self>) -> (i64, &str) {
        cursor.map_or((i64::MAX, ""), |c| (c.started_ms, c.sid.as_str()))
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
        // A text a filter: each finds its index, and "newest first" has a place to start from.
        let sql = match which {
            Which::All => {
                "SELECT * FROM calls WHERE (started_at, sid) < ($1, $2)
                 ORDER BY started_at DESC, sid DESC LIMIT $3"
            }
            Which::Live => {
                "SELECT * FROM calls WHERE (started_at, sid) < ($1, $2)
                 AND state = 'live' ORDER BY started_at DESC, sid DESC LIMIT $3"
            }
            Which::Ended => {
                "SELECT * FROM calls WHERE (started_at, sid) < ($1, $2)
                 AND state <> 'live' ORDER BY started_at DESC, sid DESC LIMIT $3"
            }
        };
        let (ms, sid) = Cursor::bounds(after);
        let rows = self
            .db
            .rows(sql, args![ms, sid, i64::from(limit) + 1])
            .await?;
        let mut calls = rows.iter().map(call_from).collect::<Result<Vec<_>, _>>()?;
        let more = calls.len() > limit as usize;
        calls.truncate(limit as usize);
        let last = calls.last().filter(|_| more);
        let next = last.map(|call| Cursor::new(call.started_at, call.sid.clone()));
        Ok(Page { calls, next })
    }
}

fn call_from(row: &Row) -> Result<Call, Error> {
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

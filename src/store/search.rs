//! Search over what was said: the version that each call serves, and on live calls what is committed.
//!
//! What is found is a stretch of speech (a segment), in which all that was asked for was said; words of two
//! different turns are not found together, for a moment is what is wanted: a click plays it. [`query`]
//! says how typed text is understood, [`fold`] what a word is, [`index`] how the index is kept.
//!
//! SQLite searches by FTS5, PostgreSQL by `tsvector` and GIN. Both get words that were folded here, in the
//! same way, and are asked one thing only: the numbers of the newest entries that match. Numbers follow the
//! beginnings of calls, so FTS5 gives them newest first by itself and stops early. GIN cannot: it would
//! collect half a million entries of a common word first. Therefore PostgreSQL is asked for one span of
//! time after the other, back from the newest, each wider than the one before; entries are marked with
//! the hour, the day and the month in which their call began, so that the index itself keeps to the span.
//!
//! The price of that: only the newest [`RANKED`] matches are ranked against each other. Of a word that was
//! said ten thousand times the best among the newest are found, and "newest first" goes back through all of
//! them, page by page. Nothing counts all matches; more than are ranked are "200+".
//!
//! A filter by number or by a state that few calls have becomes a set of calls, and these are marks in the
//! index; where more than [`FEW_CALLS`] qualify, matches are looked at one by one, at most [`ROUNDS`] times
//! [`RANKED`] of them for a page.

use std::{collections::HashMap, fmt, str::FromStr};

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    Call, CallFilter, Error, Store, Which,
    calls::{NumberEnd, call_from},
    db::{Db, Row, args},
    rows::words_from,
};
use crate::{
    ids::{CallSid, Track},
    speech::Word,
    time::MediaTime,
};

mod fold;
pub(super) mod index;
mod query;
mod rank;
mod spans;
mod syntax;
mod talks;
#[cfg(test)]
mod tests;

use index::{CALL, SECOND};
pub use query::{Query, Remark};
pub use rank::Piece;
use spans::Span;

/// The newest matches, which are ranked.
pub const RANKED: u32 = 200;
/// Hits of a page at most.
pub const LARGEST_PAGE: u32 = 50;
/// A filter that as many calls pass at most is a set of calls.
const FEW_CALLS: u32 = 200;
/// Looks for a page, each at [`RANKED`] matches, where most of them may not pass the filter.
const ROUNDS: u32 = 8;

/// What is looked for, and where. All that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct Search {
    pub query: Query,
    /// Of calls that began then or later.
    pub since: Option<Timestamp>,
    /// Of calls that began before.
    pub until: Option<Timestamp>,
    /// Of either side of the call.
    pub number: Option<NumberEnd>,
    pub which: Which,
    pub track: Option<Track>,
    /// Words of the speaker's name.
    pub speaker: Option<String>,
    /// ISO 639-1.
    pub language: Option<String>,
    pub order: Order,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The best of the newest [`RANKED`].
    #[default]
    Best,
    /// By the beginning of the call, and backwards within it.
    Newest,
}

/// A moment at which it was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub call: Call,
    pub track: Track,
    pub speaker: Option<String>,
    /// Of the stretch of speech, in call time.
    pub start: MediaTime,
    pub end: MediaTime,
    /// Of the first word that was looked for.
    pub at: MediaTime,
    pub excerpt: Vec<Piece>,
}

/// Where a page ended: opaque text to whoever pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchCursor {
    /// So many of the ranked ones were given, of those below a number.
    After { given: u32, below: i64 },
    /// All from this number on were given.
    Below(i64),
}

impl fmt::Display for SearchCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After { given, below } => write!(f, "a{given}.{below}"),
            Self::Below(id) => write!(f, "b{id}"),
        }
    }
}

impl FromStr for SearchCursor {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let number = |text: &str| text.parse().map_err(|_| Error::BadCursor);
        if let Some((given, below)) = text.strip_prefix('a').and_then(|rest| rest.split_once('.')) {
            let given = given.parse().map_err(|_| Error::BadCursor)?;
            return Ok(Self::After {
                given,
                below: number(below)?,
            });
        }
        Ok(Self::Below(number(
            text.strip_prefix('b').ok_or(Error::BadCursor)?,
        )?))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub hits: Vec<Hit>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<SearchCursor>,
    /// How many moments there are; exact up to [`RANKED`], and not known where it is "newest first".
    pub count: Option<Count>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Count {
    pub at_least: u32,
    pub more: bool,
}

/// A match, before it is read as a whole.
pub(super) struct Match {
    pub(super) id: i64,
    pub(super) call: CallSid,
    text: String,
}

/// Matches from some number down.
pub(super) struct Matches {
    pub(super) found: Vec<Match>,
    /// Where those begin that were not looked at.
    pub(super) rest: Option<i64>,
}

impl Store {
    /// At most `limit` (and [`LARGEST_PAGE`]) moments after the cursor. Nothing, where nothing is looked for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn search(
        &self,
        search: &Search,
        after: Option<&SearchCursor>,
        limit: u32,
    ) -> Result<Found, Error> {
        let limit = limit.min(LARGEST_PAGE);
        match (search.order, after) {
            (Order::Best, None) => self.best(search, 0, i64::MAX, limit).await,
            (Order::Best, Some(SearchCursor::After { given, below })) => {
                self.best(search, *given, *below, limit).await
            }
            (Order::Newest, None) => self.newest(search, i64::MAX, limit).await,
            (Order::Newest, Some(SearchCursor::Below(id))) => self.newest(search, *id, limit).await,
            _ => Err(Error::BadCursor),
        }
    }

    /// `below` keeps what comes in meanwhile from shifting a page.
    async fn best(
        &self,
        search: &Search,
        given: u32,
        below: i64,
        limit: u32,
    ) -> Result<Found, Error> {
        let matches = self.matches(search, below, RANKED).await?;
        let below = matches.found.first().map_or(below, |newest| newest.id + 1);
        let all = u32::try_from(matches.found.len()).unwrap_or(u32::MAX);
        let mut ranked: Vec<(f64, i64)> = matches
            .found
            .iter()
            .map(|found| {
                let tokens = fold::tokens(&found.text);
                (
                    rank::score(&search.query.marks(&tokens), tokens.len()),
                    found.id,
                )
            })
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
        let page = ranked.iter().skip(given as usize).take(limit as usize);
        let page: Vec<i64> = page.map(|(_, id)| *id).collect();
        let given = given.saturating_add(limit);
        Ok(Found {
            hits: self.hits(search, &page).await?,
            next: (given < all).then_some(SearchCursor::After { given, below }),
            count: Some(Count {
                at_least: all,
                more: matches.rest.is_some(),
            }),
        })
    }

    async fn newest(&self, search: &Search, below: i64, limit: u32) -> Result<Found, Error> {
        let matches = self.matches(search, below, limit).await?;
        let page: Vec<i64> = matches.found.iter().map(|found| found.id).collect();
        Ok(Found {
            hits: self.hits(search, &page).await?,
            next: matches.rest.map(SearchCursor::Below),
            count: None,
        })
    }

    /// The newest `wanted` matches below a number, or fewer where the filter lets few pass.
    pub(super) async fn matches(
        &self,
        search: &Search,
        mut below: i64,
        wanted: u32,
    ) -> Result<Matches, Error> {
        let mut found = Vec::new();
        let nothing = Matches {
            found: Vec::new(),
            rest: None,
        };
        if search.query.is_empty() {
            return Ok(nothing);
        }
        let Some(sought) = self.sought(search).await? else {
            return Ok(nothing);
        };
        let filtered = sought.filtered;
        for _ in 0..ROUNDS {
            let look = if filtered { RANKED.max(wanted) } else { wanted };
            let ids = sought.newest(&self.db, below, look + 1).await?;
            let more = ids.len() > look as usize;
            let ids = &ids[..ids.len().min(look as usize)];
            let Some(lowest) = ids.last() else { break };
            for (found_one, call) in self.read(ids).await? {
                if !filtered || passes(search, &call) {
                    found.push(found_one);
                }
            }
            below = *lowest;
            if found.len() >= wanted as usize {
                let is_cut = found.len() > wanted as usize;
                found.truncate(wanted as usize);
                let last = found.last().map_or(below, |found| found.id);
                return Ok(Matches {
                    found,
                    rest: (more || is_cut).then_some(last),
                });
            }
            if !more {
                return Ok(Matches { found, rest: None });
            }
        }
        Ok(Matches {
            rest: (!found.is_empty() || filtered).then_some(below),
            found,
        })
    }

    /// What the index is asked; `None` where no call passes the filter.
    async fn sought(&self, search: &Search) -> Result<Option<Sought>, Error> {
        let mut marks = syntax::Marks::new();
        marks.extend(search.track.map(|track| vec![syntax::of_track(track)]));
        marks.extend(
            search
                .language
                .as_deref()
                .map(|code| vec![syntax::of_language(code)]),
        );
        let name = search
            .speaker
            .iter()
            .flat_map(|name| syntax::of_speaker(name));
        marks.extend(name.map(|word| vec![word]));
        let few = search.number.is_some() || !matches!(search.which, Which::All | Which::Ended);
        let mut filtered = few || search.which == Which::Ended;
        if few {
            let filter = CallFilter {
                which: search.which,
                since: search.since,
                until: search.until,
                number: search.number.clone(),
            };
            let page = self.calls_where(&filter, None, FEW_CALLS).await?;
            if page.calls.is_empty() {
                return Ok(None);
            }
            if page.next.is_none() {
                filtered = false;
                let mut calls = Vec::new();
                for call in &page.calls {
                    calls.extend(self.base_of(&call.sid).await?.map(syntax::of_call));
                }
                if calls.is_empty() {
                    return Ok(None);
                }
                marks.push(calls);
            }
        }
        let first = |at: Timestamp| {
            at.as_second()
                .clamp(0, i64::from(u32::MAX))
                .saturating_mul(SECOND)
        };
        Ok(Some(Sought {
            from: search.since.map_or(0, first),
            to: search.until.map_or(i64::MAX, first),
            query: search.query.clone(),
            marks,
            filtered,
        }))
    }

    /// Where a call's entries begin.
    pub(super) async fn base_of(&self, call: &CallSid) -> Result<Option<i64>, Error> {
        let sql = "SELECT base FROM search_calls WHERE call_sid = $1";
        let row = self.db.row(sql, args![call.as_str()]).await?;
        row.map(|row| row.int("base")).transpose()
    }

    /// Matches with the facts of their calls that a filter asks for, newest first.
    async fn read(&self, ids: &[i64]) -> Result<Vec<(Match, Facts)>, Error> {
        let mut all = Vec::with_capacity(ids.len());
        for rows in self.rows_of(READ, ids).await? {
            let facts = Facts {
                state: rows.parsed("state")?,
                numbers: [
                    rows.maybe_text("from_number")?,
                    rows.maybe_text("to_number")?,
                ],
            };
            let found = Match {
                id: rows.int("id")?,
                call: rows.parsed("sid")?,
                text: rows.text("text")?,
            };
            all.push((found, facts));
        }
        all.sort_by_key(|(found, _)| std::cmp::Reverse(found.id));
        Ok(all)
    }

    async fn hits(&self, search: &Search, ids: &[i64]) -> Result<Vec<Hit>, Error> {
        let rows = self.rows_of(HITS, ids).await?;
        let mut hits = rows
            .iter()
            .map(|row| Ok((row.int("id")?, hit_from(row, &search.query)?)))
            .collect::<Result<HashMap<_, _>, Error>>()?;
        Ok(ids.iter().filter_map(|id| hits.remove(id)).collect())
    }

    /// Rows of entries, a handful at a time: a text has a fixed number of values.
    async fn rows_of(&self, sql: &'static str, ids: &[i64]) -> Result<Vec<Row>, Error> {
        let mut all = Vec::with_capacity(ids.len());
        for some in ids.chunks(LARGEST_PAGE as usize) {
            let mut args: Vec<_> = some.iter().map(|id| super::db::Arg::from(*id)).collect();
            args.resize_with(LARGEST_PAGE as usize, || super::db::Arg::Int(None));
            all.extend(self.db.rows(sql, &args).await?);
        }
        Ok(all)
    }
}

struct Sought {
    query: Query,
    marks: syntax::Marks,
    /// The index does not know all of the filter.
    filtered: bool,
    from: i64,
    to: i64,
}

impl Sought {
    /// Numbers of the newest matches below a number.
    async fn newest(&self, db: &Db, below: i64, limit: u32) -> Result<Vec<i64>, Error> {
        let below = below.min(self.to);
        match db {
            Db::Sqlite { .. } => {
                let matching = syntax::fts5(&self.query, &self.marks);
                let args = args![matching, below, self.from, i64::from(limit)];
                ids(&db.rows(BY_FTS5, args).await?)
            }
            Db::Postgres(_) => self.by_spans(db, below, limit).await,
        }
    }

    async fn by_spans(&self, db: &Db, below: i64, limit: u32) -> Result<Vec<i64>, Error> {
        let ends = "SELECT COALESCE(MIN(base), 0) AS lowest, COALESCE(MAX(base), 0) AS highest
            FROM search_calls";
        let Some(row) = db.row(ends, &[]).await? else {
            return Ok(Vec::new());
        };
        let from = self.from.max(row.int("lowest")?);
        let to = below.min(row.int("highest")?.saturating_add(CALL));
        let mut found = Vec::new();
        for Span { from, to, marks } in spans::back(from, to) {
            let mut all = self.marks.clone();
            all.extend(Some(marks).filter(|marks| !marks.is_empty()));
            let matching = syntax::tsquery(&self.query, &all);
            let rest = i64::from(limit) - i64::try_from(found.len()).unwrap_or(i64::MAX);
            let rows = db
                .rows_afresh(BY_TSVECTOR, args![matching, to, from, rest])
                .await?;
            found.extend(ids(&rows)?);
            if found.len() >= limit as usize {
                break;
            }
        }
        Ok(found)
    }
}

const BY_FTS5: &str = "SELECT rowid AS id FROM search_text
    WHERE search_text MATCH $1 AND rowid < $2 AND rowid >= $3 ORDER BY rowid DESC LIMIT $4";

/// `+ 0`: in order of the numbers it would go through all of the span, hoping for an early end.
const BY_TSVECTOR: &str = "SELECT id FROM search_text
    WHERE lexemes @@ CAST($1 AS TSQUERY) AND id < $2 AND id >= $3 ORDER BY id + 0 DESC LIMIT $4";

/// Fifty numbers, some of which may be null.
macro_rules! of_entries {
    ($select:literal) => {
        concat!(
            $select,
            " FROM search_entries e
                JOIN segments s ON s.call_sid = e.call_sid AND s.version = e.version
                    AND s.stream = e.stream AND s.track = e.track AND s.number = e.number
                JOIN calls c ON c.sid = e.call_sid
              WHERE e.id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33,
                $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50)"
        )
    };
}
const READ: &str = of_entries!("SELECT e.id, c.sid, c.state, c.from_number, c.to_number, s.text");
const HITS: &str =
    of_entries!("SELECT c.*, e.id, s.track, s.speaker, s.start_at, s.end_at, s.text, s.words");

fn ids(rows: &[Row]) -> Result<Vec<i64>, Error> {
    rows.iter().map(|row| row.int("id")).collect()
}

struct Facts {
    state: super::CallState,
    numbers: [Option<String>; 2],
}

fn passes(search: &Search, call: &Facts) -> bool {
    let is_number = |number: &NumberEnd| {
        call.numbers
            .iter()
            .flatten()
            .any(|known| known.ends_with(number.as_str()))
    };
    search.which.holds(call.state) && search.number.as_ref().is_none_or(is_number)
}

fn hit_from(row: &Row, query: &Query) -> Result<Hit, Error> {
    let text = row.text("text")?;
    let marks = query.marks(&fold::tokens(&text));
    let first = marks.first().map_or(0, |mark| mark.range.start);
    let start = row.media("start_at")?;
    Ok(Hit {
        call: call_from(row)?,
        track: row.parsed("track")?,
        speaker: row.maybe_text("speaker")?,
        start,
        end: row.media("end_at")?,
        at: moment(&text, first, &words_from(row)?).unwrap_or(start),
        excerpt: rank::excerpt(&text, &marks),
    })
}

/// When the word began that is at a place of the text; known where words are what the text is made of.
fn moment(text: &str, place: usize, words: &[Word]) -> Option<MediaTime> {
    let before = text[..place].split_whitespace().count();
    let in_a_word = text[..place]
        .chars()
        .next_back()
        .is_some_and(|c| !c.is_whitespace());
    let counted = text.split_whitespace().count() == words.len();
    let word = words.get(before.saturating_sub(usize::from(in_a_word)))?;
    counted.then_some(word.start)
}

//! Calls on which something was said, as a list of calls asks for them.

use super::{
    super::{Call, CallFilter, Cursor, Error, Page, Store, calls::call_from},
    Query, ROUNDS, Search, among_fifty,
    index::{CALL, SECOND},
};

/// Matches looked at in one go: many may be of the same call.
const AT_ONCE: u32 = 200;

impl Store {
    /// At most `limit` calls after the cursor that pass the filter and on which it was said, by their
    /// beginning, newest first. A page may be short and have a next one all the same.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn calls_saying(
        &self,
        query: &Query,
        filter: &CallFilter,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page, Error> {
        let search = Search {
            query: query.clone(),
            since: filter.since,
            until: filter.until,
            number: filter.number.clone(),
            which: filter.which,
            ..Search::default()
        };
        let mut below = match after {
            Some(cursor) => self.place_of(cursor).await?,
            None => i64::MAX,
        };
        let mut parts = Vec::new();
        for _ in 0..ROUNDS {
            let matches = self.matches(&search, below, AT_ONCE).await?;
            for found in matches.found {
                if found >= below {
                    continue;
                }
                if parts.len() == limit as usize {
                    let calls = self.calls_at(&parts).await?;
                    let next = calls.last().map(Cursor::of);
                    return Ok(Page { calls, next });
                }
                below = beginning(found);
                parts.push(below);
            }
            let Some(rest) = matches.rest else {
                let calls = self.calls_at(&parts).await?;
                return Ok(Page { calls, next: None });
            };
            below = below.min(rest);
        }
        let calls = self.calls_at(&parts).await?;
        let next = calls
            .last()
            .map(Cursor::of)
            .or_else(|| Cursor::at_second(below / SECOND));
        Ok(Page { calls, next })
    }

    /// The calls that have these parts of the numbers, in the same order.
    async fn calls_at(&self, parts: &[i64]) -> Result<Vec<Call>, Error> {
        let rows = self.rows_of(AT, parts).await?;
        let mut calls = rows
            .iter()
            .map(|row| Ok((row.int("base")?, call_from(row)?)))
            .collect::<Result<Vec<_>, Error>>()?;
        calls.sort_by_key(|(base, _)| std::cmp::Reverse(*base));
        Ok(calls.into_iter().map(|(_, call)| call).collect())
    }

    /// Where the entries of the call begin that a page ended with.
    pub(super) async fn place_of(&self, cursor: &Cursor) -> Result<i64, Error> {
        let known = self.base_of(cursor.sid()).await?;
        Ok(known.unwrap_or_else(|| (cursor.started_ms() / 1000).saturating_mul(SECOND)))
    }
}

const AT: &str = among_fifty!(
    "SELECT c.*, i.base FROM search_calls i JOIN calls c ON c.sid = i.call_sid WHERE i.base"
);

/// Of the call that an entry belongs to: each has its part of the numbers.
pub(super) const fn beginning(id: i64) -> i64 {
    id - id % CALL
}

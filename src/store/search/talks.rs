//! Calls on which something was said, as a list of calls asks for them.

use super::{
    super::{CallFilter, Cursor, Error, Page, Store},
    Query, ROUNDS, Search,
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
        let mut calls = Vec::new();
        for _ in 0..ROUNDS {
            let matches = self.matches(&search, below, AT_ONCE).await?;
            for found in matches.found.iter() {
                if found.id >= below {
                    continue;
                }
                if calls.len() == limit as usize {
                    let next = calls.last().map(Cursor::of);
                    return Ok(Page { calls, next });
                }
                calls.extend(self.call(&found.call).await?);
                below = beginning(found.id);
            }
            let Some(rest) = matches.rest else {
                return Ok(Page { calls, next: None });
            };
            below = below.min(rest);
        }
        let next = calls
            .last()
            .map(Cursor::of)
            .or_else(|| Cursor::at_second(below / SECOND));
        Ok(Page { calls, next })
    }

    /// Where the entries of the call begin that a page ended with.
    async fn place_of(&self, cursor: &Cursor) -> Result<i64, Error> {
        let known = self.base_of(cursor.sid()).await?;
        Ok(known.unwrap_or_else(|| (cursor.started_ms() / 1000).saturating_mul(SECOND)))
    }
}

/// Of the call that an entry belongs to: each has its part of the numbers.
const fn beginning(id: i64) -> i64 {
    id - id % CALL
}

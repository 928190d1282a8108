//! Conversations in which something was said.
//!
//! Where a customer or a booking is given, its calls are gone through, [`FEW_CALLS`] at a time, each lot of
//! them as marks for the index. Otherwise the index is asked first, and whose the calls are after it. Either
//! way a page may be short and have a next one all the same.

use std::{cmp::Reverse, collections::HashSet};

use super::{
    super::{Conversation, ConversationFilter, Cursor, Error, Store, db::args},
    FEW_CALLS, LARGEST_PAGE, Query, ROUNDS, Sought,
    index::{CALL, SECOND},
    syntax,
    talks::beginning,
};

/// Entries looked at in one go: many may be of the same call.
const AT_ONCE: u32 = 200;

type Page = (Vec<Conversation>, Option<Cursor>);

impl Store {
    pub(in crate::store) async fn conversations_saying(
        &self,
        query: &Query,
        filter: &ConversationFilter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, Error> {
        if query.is_empty() {
            return Ok((Vec::new(), None));
        }
        match filter.customer.is_some() || filter.booking.is_some() {
            true => self.among(query, filter, after, limit).await,
            false => self.anywhere(query, filter, after, limit).await,
        }
    }

    async fn among(
        &self,
        query: &Query,
        filter: &ConversationFilter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, Error> {
        let (mut found, mut after) = (Vec::new(), after.cloned());
        for _ in 0..ROUNDS {
            let (mut bases, next) = self.places(filter, after.as_ref(), FEW_CALLS).await?;
            let said = self.saying(query, &bases).await?;
            bases.retain(|base| said.contains(base));
            for some in bases.chunks(LARGEST_PAGE as usize) {
                if found.len() > limit {
                    break;
                }
                let mut some = self.conversations_at(filter, some).await?;
                // The index orders those of the same second otherwise.
                some.sort_by_cached_key(|one| {
                    Reverse((one.linked.called_at, one.linked.call.to_string()))
                });
                found.extend(some);
            }
            if found.len() > limit {
                found.truncate(limit);
                let next = found.last().map(Conversation::cursor);
                return Ok((found, next));
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        Ok((found, after))
    }

    /// Where the entries begin of those calls on which it was said.
    async fn saying(&self, query: &Query, bases: &[i64]) -> Result<HashSet<i64>, Error> {
        let mut said = HashSet::new();
        let (Some(first), Some(last)) = (bases.iter().min(), bases.iter().max()) else {
            return Ok(said);
        };
        let sought = Sought {
            query: query.clone(),
            marks: vec![bases.iter().map(|base| syntax::of_call(*base)).collect()],
            filtered: false,
            from: *first,
            to: last + CALL,
        };
        let mut below = i64::MAX;
        loop {
            let ids = sought.newest(&self.db, below, AT_ONCE).await?;
            said.extend(ids.iter().map(|id| beginning(*id)));
            match ids.last() {
                Some(last) if ids.len() >= AT_ONCE as usize => below = beginning(*last),
                _ => return Ok(said),
            }
        }
    }

    async fn anywhere(
        &self,
        query: &Query,
        filter: &ConversationFilter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, Error> {
        let secs = |at: jiff::Timestamp| at.as_second().clamp(0, i64::from(u32::MAX));
        let sought = Sought {
            query: query.clone(),
            marks: syntax::Marks::new(),
            filtered: false,
            from: filter.from.map_or(0, |from| secs(from) * SECOND),
            // The index knows whole seconds.
            to: filter.to.map_or(i64::MAX, |to| (secs(to) + 1) * SECOND),
        };
        let mut below = match after {
            Some(cursor) => self.place_of(cursor).await?,
            None => i64::MAX,
        };
        let mut found: Vec<Conversation> = Vec::new();
        for _ in 0..ROUNDS {
            let ids = sought.newest(&self.db, below, AT_ONCE).await?;
            let mut bases: Vec<i64> = ids.iter().map(|id| beginning(*id)).collect();
            bases.dedup();
            for some in bases.chunks(LARGEST_PAGE as usize) {
                for one in self.conversations_at(filter, some).await? {
                    if found.len() == limit {
                        let next = found.last().map(Conversation::cursor);
                        return Ok((found, next));
                    }
                    found.push(one);
                }
            }
            match bases.last() {
                Some(last) if ids.len() >= AT_ONCE as usize => below = *last,
                _ => return Ok((found, None)),
            }
        }
        let last = self.db.row(LAST, args![below]).await?;
        let next = last
            .map(|row| Ok::<_, Error>(Cursor::at(row.time("started_at")?, &row.parsed("sid")?)));
        Ok((found, next.transpose()?))
    }
}

const LAST: &str = "SELECT calls.sid, calls.started_at FROM search_calls
    JOIN calls ON calls.sid = search_calls.call_sid WHERE search_calls.base = $1";

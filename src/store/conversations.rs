//! Calls as conversations of customers: whose they were beside what they meant, newest first.

use jiff::Timestamp;

use super::{
    Cursor, Error, Linked, Store,
    db::{Arg, Row, args},
    links::linked_from,
    search::Query,
};
use crate::{
    insight::{Insights, Sentiment, Summary},
    time::MediaTime,
};

/// Which conversations a page lists; all that are given must hold.
#[derive(Debug, Clone, Default)]
pub struct ConversationFilter {
    pub customer: Option<String>,
    pub booking: Option<String>,
    /// That began at this moment or after it.
    pub from: Option<Timestamp>,
    /// That began before this moment.
    pub to: Option<Timestamp>,
    pub sentiment: Option<Sentiment>,
    /// In what was said.
    pub text: Option<Query>,
    /// Whose customer is not known.
    pub for_review: bool,
}

/// A call, and whose it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    pub linked: Linked,
    pub customer_name: Option<String>,
    pub direction: Option<String>,
    pub duration: MediaTime,
    /// What it meant, once that is known.
    pub insights: Option<Insights>,
    pub summary: Option<Summary>,
}

/// `$1` to `$3`: the cursor and the limit; `$4` to `$8`: customer, booking, the earliest start, sentiment,
/// each of which but the start may be null, and whether only those for review are meant.
macro_rules! select_links {
    ($what:literal, $first:literal, $rest:literal) => {
        concat!(
            $what,
            " WHERE ",
            $first,
            " AND (links.called_at, links.call_sid) < ($1, $2) AND links.called_at >= $6
              AND ($4 IS NULL OR links.customer_id = $4)
              AND ($5 IS NULL OR links.booking_id = $5)
              AND ($7 IS NULL OR links.sentiment = $7)
              AND ($8 = 0 OR (links.customer_id IS NULL AND links.made_by = 'rule')) ",
            $rest
        )
    };
}

macro_rules! select_conversations {
    ($first:literal, $rest:literal) => {
        select_links!(
            "SELECT links.*, customers.name AS customer_name, calls.direction, calls.duration,
                call_log.insights, call_log.summary
             FROM links JOIN calls ON calls.sid = links.call_sid
                LEFT JOIN customers ON customers.id = links.customer_id
                LEFT JOIN call_log ON call_log.call_sid = links.call_sid",
            $first,
            $rest
        )
    };
}

macro_rules! places {
    ($first:literal) => {
        select_links!(
            "SELECT links.call_sid, links.called_at, search_calls.base
             FROM links JOIN search_calls ON search_calls.call_sid = links.call_sid",
            $first,
            "ORDER BY links.called_at DESC, links.call_sid DESC LIMIT $3"
        )
    };
}

/// A text a filter: each finds its index.
macro_rules! listed {
    ($first:literal) => {
        select_conversations!(
            $first,
            "ORDER BY links.called_at DESC, links.call_sid DESC LIMIT $3"
        )
    };
}

impl Store {
    /// At most `limit` conversations after the cursor, newest first, and where the next page begins. Where
    /// a text is looked for, a page may be short and have a next one all the same.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn conversations(
        &self,
        filter: &ConversationFilter,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<(Vec<Conversation>, Option<Cursor>), Error> {
        match &filter.text {
            Some(query) => {
                self.conversations_saying(query, filter, after, limit as usize)
                    .await
            }
            None => self.listed(filter, after, limit).await,
        }
    }

    /// Whatever was said.
    async fn listed(
        &self,
        filter: &ConversationFilter,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<(Vec<Conversation>, Option<Cursor>), Error> {
        let sql = match filter {
            ConversationFilter {
                booking: Some(_), ..
            } => listed!("links.booking_id = $5"),
            ConversationFilter {
                customer: Some(_), ..
            } => listed!("links.customer_id = $4"),
            ConversationFilter {
                for_review: true, ..
            } => listed!("links.customer_id IS NULL AND links.made_by = 'rule'"),
            ConversationFilter {
                sentiment: Some(_), ..
            } => listed!("links.sentiment = $7"),
            _ => listed!("1 = 1"),
        };
        let args = filter.args(after, limit.saturating_add(1));
        let rows = self.db.rows(sql, &args).await?;
        let mut found = rows
            .iter()
            .map(conversation_from)
            .collect::<Result<Vec<_>, _>>()?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = found.last().filter(|_| more).map(Conversation::cursor);
        Ok((found, next))
    }

    /// Of a customer's or a booking's calls, where their entries in the index begin; and where the list
    /// goes on.
    pub(super) async fn places(
        &self,
        filter: &ConversationFilter,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<(Vec<i64>, Option<Cursor>), Error> {
        let sql = match filter.booking {
            Some(_) => places!("links.booking_id = $5"),
            None => places!("links.customer_id = $4"),
        };
        let rows = self.db.rows(sql, &filter.args(after, limit)).await?;
        let bases = rows.iter().map(|row| row.int("base"));
        let bases = bases.collect::<Result<Vec<_>, _>>()?;
        let last = rows.last().filter(|_| rows.len() >= limit as usize);
        let next = last.map(|row| {
            let call = row.parsed("call_sid")?;
            Ok::<_, Error>(Cursor::at(row.time("called_at")?, &call))
        });
        Ok((bases, next.transpose()?))
    }

    /// Those calls whose entries in the index begin at one of at most fifty numbers, as far as they pass
    /// the filter; highest number first.
    pub(super) async fn conversations_at(
        &self,
        filter: &ConversationFilter,
        bases: &[i64],
    ) -> Result<Vec<Conversation>, Error> {
        let mut args = Vec::from(filter.args(None, 0));
        args.extend(bases.iter().map(|base| Arg::from(*base)));
        args.resize_with(args.len().max(8 + 50), || Arg::Int(None));
        let rows = self.db.rows(AT_BASES, &args).await?;
        rows.iter().map(conversation_from).collect()
    }

    /// How many calls a customer's are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn calls_of_customer(&self, customer: &str) -> Result<u32, Error> {
        let sql = "SELECT COUNT(*) AS n FROM links WHERE customer_id = $1";
        let row = self.db.row(sql, args![customer]).await?;
        row.map_or(Ok(0), |row| row.count("n"))
    }
}

impl ConversationFilter {
    fn args<'a>(&'a self, after: Option<&'a Cursor>, limit: u32) -> [Arg<'a>; 8] {
        let (ms, sid) = Cursor::bounds(after);
        // Where the list ends is one more place for it to begin.
        let (ms, sid) = match self.to.map(Timestamp::as_millisecond) {
            Some(to) if to <= ms => (to, ""),
            _ => (ms, sid),
        };
        let from = self.from.map_or(i64::MIN, Timestamp::as_millisecond);
        [
            ms.into(),
            sid.into(),
            limit.into(),
            self.customer.as_deref().into(),
            self.booking.as_deref().into(),
            from.into(),
            self.sentiment.map(Sentiment::as_str).into(),
            i64::from(self.for_review).into(),
        ]
    }
}

impl Conversation {
    pub(super) fn cursor(&self) -> Cursor {
        Cursor::at(self.linked.called_at, &self.linked.call)
    }
}

const AT_BASES: &str = select_conversations!(
    "links.call_sid IN (SELECT call_sid FROM search_calls
        WHERE base IN ($9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
            $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42,
            $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58))",
    "AND $3 = 0 ORDER BY (SELECT base FROM search_calls WHERE call_sid = links.call_sid) DESC"
);

fn conversation_from(row: &Row) -> Result<Conversation, Error> {
    let insights = row.maybe_text("insights")?;
    let summary = row.maybe_text("summary")?;
    Ok(Conversation {
        linked: linked_from(row)?,
        customer_name: row.maybe_text("customer_name")?,
        direction: row.maybe_text("direction")?,
        duration: row.media("duration")?,
        insights: insights.map(|_| row.json("insights")).transpose()?,
        summary: summary.map(|_| row.json("summary")).transpose()?,
    })
}

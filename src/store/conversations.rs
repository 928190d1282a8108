//! Calls as conversations of customers: whose they were beside what they meant, newest first.

use jiff::Timestamp;

use super::{
    Cursor, Error, Linked, Store,
    db::{Row, args},
    links::linked_from,
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
    pub text: Option<String>,
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

/// `$1` to `$3`: the cursor and the limit; `$4` to `$9`: customer, booking, from, to, and patterns of the
/// sentiment and of the text, each of which may be null.
macro_rules! select_conversations {
    ($first:literal) => {
        concat!(
            "SELECT links.*, customers.name AS customer_name, calls.direction, calls.duration,
                call_log.insights, call_log.summary
             FROM links JOIN calls ON calls.sid = links.call_sid
                LEFT JOIN customers ON customers.id = links.customer_id
                LEFT JOIN call_log ON call_log.call_sid = links.call_sid
             WHERE (links.called_at, links.call_sid) < ($1, $2) AND ",
            $first,
            " AND ($4 IS NULL OR links.customer_id = $4)
              AND ($5 IS NULL OR links.booking_id = $5)
              AND ($6 IS NULL OR links.called_at >= $6) AND ($7 IS NULL OR links.called_at < $7)
              AND ($8 IS NULL OR call_log.insights LIKE $8)
              AND ($9 IS NULL OR EXISTS (SELECT 1 FROM segments
                WHERE segments.call_sid = links.call_sid
                    AND segments.version = calls.served_version
                    AND LOWER(segments.text) LIKE $9 ESCAPE '!'))
              ORDER BY links.called_at DESC, links.call_sid DESC LIMIT $3"
        )
    };
}

impl Store {
    /// At most `limit` conversations after the cursor, newest first, and where the next page begins.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn conversations(
        &self,
        filter: &ConversationFilter,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<(Vec<Conversation>, Option<Cursor>), Error> {
        // A text a filter: each finds its index.
        let sql = match filter {
            ConversationFilter {
                booking: Some(_), ..
            } => select_conversations!("links.booking_id = $5"),
            ConversationFilter {
                customer: Some(_), ..
            } => select_conversations!("links.customer_id = $4"),
            ConversationFilter {
                for_review: true, ..
            } => select_conversations!("links.customer_id IS NULL AND links.made_by = 'rule'"),
            _ => select_conversations!("1 = 1"),
        };
        let (ms, sid) = Cursor::bounds(after);
        let sentiment = filter.sentiment.map(|sentiment| {
            let json = super::rows::to_json(&sentiment);
            format!("%\"sentiment\":{json}%")
        });
        let args = args![
            ms,
            sid,
            i64::from(limit) + 1,
            filter.customer.as_deref(),
            filter.booking.as_deref(),
            filter.from,
            filter.to,
            sentiment,
            filter.text.as_deref().map(pattern),
        ];
        let rows = self.db.rows(sql, args).await?;
        let mut found = rows
            .iter()
            .map(conversation_from)
            .collect::<Result<Vec<_>, _>>()?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let last = found.last().filter(|_| more);
        let next = last.map(|last| Cursor::at(last.linked.called_at, &last.linked.call));
        Ok((found, next))
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

/// Of a text that is contained, in any case; its own wildcards are letters.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

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

//! Whose call it was: what the rule found, what a person said, and what has to be looked at again.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{
    Error, NewJob, Store,
    bookings::booking_from,
    customers::customer_from,
    db::{Row, Tx, args},
    jobs,
    rows::to_json,
    streams::lock_call,
};
use crate::{
    ids::CallSid,
    insight::{Insights, Sentiment},
    people::{
        booking::Booking,
        customer::Customer,
        link::{Ends, Link, Parts, WITHIN},
    },
};

/// Calls of a number that are nobody's and are looked at again when a customer comes, the newest first.
const AGAIN: u32 = 10_000;
/// Those that are somebody's are told apart anew as far back as this, and so many of them.
const ANEW_WITHIN: SignedDuration = SignedDuration::from_hours(30 * 24);
const ANEW: u32 = 200;
/// Customers who share a number, at most: a switchboard of more is nobody's.
const HOLDERS: u32 = 50;
const BOOKINGS: u32 = 500;
/// [`WITHIN`], as the rows have it.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Who made a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkedBy {
    Rule,
    /// It stands until he takes it back.
    Person,
}

/// What a call is linked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Link)]
pub struct Linked {
    pub call: CallSid,
    pub called_at: Timestamp,
    /// E.164 of the other side, where it is one.
    pub number: Option<String>,
    pub customer_id: Option<String>,
    pub booking_id: Option<String>,
    pub score: u32,
    /// What speaks for the booking.
    pub parts: Option<Parts>,
    pub confidence: u32,
    /// Why there is no customer.
    pub why: Option<String>,
    pub made_by: LinkedBy,
    pub excerpt: String,
}

/// The ends of a call, by its streams or else by the provider's word when it rang.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallEnds {
    pub from: Option<String>,
    pub to: Option<String>,
    pub direction: Option<String>,
    pub started_at: Timestamp,
}

impl CallEnds {
    #[must_use]
    pub fn sides(&self) -> Ends<'_> {
        Ends {
            from: self.from.as_deref(),
            to: self.to.as_deref(),
            direction: self.direction.as_deref(),
        }
    }
}

impl Store {
    /// `None` where there is no such call.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn call_ends(&self, call: &CallSid) -> Result<Option<CallEnds>, Error> {
        let row = self
            .db
            .row(
                "SELECT COALESCE(calls.from_number, leads.from_number) AS from_number,
                    COALESCE(calls.to_number, leads.to_number) AS to_number,
                    COALESCE(calls.direction, leads.direction) AS direction, calls.started_at
                 FROM calls LEFT JOIN leads ON leads.call_sid = calls.sid WHERE calls.sid = $1",
                args![call.as_str()],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(CallEnds {
            from: row.maybe_text("from_number")?,
            to: row.maybe_text("to_number")?,
            direction: row.maybe_text("direction")?,
            started_at: row.time("started_at")?,
        }))
    }

    /// Those who have a number, and their bookings that start near a moment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn holders(
        &self,
        number: &str,
        near: Timestamp,
    ) -> Result<(Vec<Customer>, Vec<Booking>), Error> {
        let sql = "SELECT customers.* FROM customer_phones
             JOIN customers ON customers.id = customer_phones.customer_id
             WHERE customer_phones.e164 = $1 ORDER BY customers.id LIMIT $2";
        let rows = self.db.rows(sql, args![number, HOLDERS]).await?;
        let holders = rows.iter().map(customer_from).collect::<Result<_, _>>()?;
        // A booking of a day alone begins with the day.
        let sql = "SELECT bookings.* FROM customer_phones
             JOIN bookings ON bookings.customer_id = customer_phones.customer_id
                AND bookings.starts_at BETWEEN $2 AND $3
             WHERE customer_phones.e164 = $1 ORDER BY bookings.starts_at, bookings.id LIMIT $4";
        let args = args![number, near - WITHIN * 2, near + WITHIN, BOOKINGS];
        let rows = self.db.rows(sql, args).await?;
        let bookings = rows.iter().map(booking_from).collect::<Result<_, _>>()?;
        Ok((holders, bookings))
    }

    /// Writes what the rule found; what a person said stays. Gives what stands then; `None` where the call
    /// is gone.
    ///
    /// # Errors
    /// When the database fails, or what was found was removed meanwhile.
    pub async fn linked(
        &self,
        call: &CallSid,
        number: Option<&str>,
        found: &Link,
        excerpt: &str,
        at: Timestamp,
    ) -> Result<Option<Linked>, Error> {
        let mut tx = self.db.begin().await?;
        match lock_call(&mut tx, call, at).await {
            Err(Error::NoCall(_)) => return Ok(None),
            locked => locked?,
        }
        let log = tx
            .row(
                "SELECT insights FROM call_log WHERE call_sid = $1",
                args![call.as_str()],
            )
            .await?;
        let insights: Option<Insights> = log.map(|log| log.json("insights")).transpose()?;
        let score = found.parts.map_or(0, Parts::score);
        let row = tx.row(
            "INSERT INTO links (call_sid, called_at, number, customer_id, booking_id, parts, score,
                confidence, why, made_by, excerpt, sentiment, created_at, updated_at)
             SELECT sid, started_at, $2, $3, $4, $5, $6, $7, $8, 'rule', $9, $11, $10, $10
             FROM calls WHERE sid = $1
             ON CONFLICT (call_sid) DO UPDATE SET number = excluded.number,
                excerpt = excluded.excerpt, sentiment = excluded.sentiment,
                updated_at = excluded.updated_at,
                customer_id = CASE links.made_by WHEN 'rule' THEN excluded.customer_id
                    ELSE links.customer_id END,
                booking_id = CASE links.made_by WHEN 'rule' THEN excluded.booking_id
                    ELSE links.booking_id END,
                parts = CASE links.made_by WHEN 'rule' THEN excluded.parts ELSE links.parts END,
                score = CASE links.made_by WHEN 'rule' THEN excluded.score ELSE links.score END,
                confidence = CASE links.made_by WHEN 'rule' THEN excluded.confidence
                    ELSE links.confidence END,
                why = CASE links.made_by WHEN 'rule' THEN excluded.why ELSE links.why END
             RETURNING *",
            args![
                call.as_str(),
                number,
                found.customer.as_deref(),
                found.booking.as_deref(),
                found.parts.map(|parts| to_json(&parts)),
                score,
                found.confidence,
                found.why.map(|why| why.as_str()),
                excerpt,
                at,
                insights
                    .and_then(|log| log.sentiment)
                    .map(Sentiment::as_str),
            ],
        )
        .await?;
        tx.commit().await?;
        row.as_ref().map(linked_from).transpose()
    }

    /// A person's word: whose call it was, and about which booking; neither is nobody's.
    ///
    /// # Errors
    /// When there is no such customer, the booking is not his, the call is not linked yet, or the database
    /// fails.
    pub async fn link_by_hand(
        &self,
        call: &CallSid,
        customer: Option<&str>,
        booking: Option<&str>,
        at: Timestamp,
    ) -> Result<Linked, Error> {
        let mut tx = self.db.begin().await?;
        check(&mut tx, customer, booking).await?;
        let changed = tx
            .run(
                "UPDATE links SET customer_id = $2, booking_id = $3, parts = NULL, score = 0,
                    confidence = 100, why = NULL, made_by = 'person', updated_at = $4
                 WHERE call_sid = $1",
                args![call.as_str(), customer, booking, at],
            )
            .await?;
        tx.commit().await?;
        let made = self.link_of(call).await?.filter(|_| changed > 0);
        made.ok_or_else(|| Error::NoCall(call.to_string()))
    }

    /// A person takes his word back: the rule is asked again. Whether there is such a link.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unlink_by_hand(&self, call: &CallSid, at: Timestamp) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let changed = tx
            .run(
                "UPDATE links SET made_by = 'rule', updated_at = $2 WHERE call_sid = $1",
                args![call.as_str(), at],
            )
            .await?;
        if changed > 0 {
            jobs::queue(&mut tx, &NewJob::link(call, at), at).await?;
        }
        tx.commit().await?;
        Ok(changed > 0)
    }

    /// `None` where the call is not there, or its transcript is not settled yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn link_of(&self, call: &CallSid) -> Result<Option<Linked>, Error> {
        let sql = "SELECT * FROM links WHERE call_sid = $1";
        let row = self.db.row(sql, args![call.as_str()]).await?;
        row.as_ref().map(linked_from).transpose()
    }
}

async fn check(tx: &mut Tx, customer: Option<&str>, booking: Option<&str>) -> Result<(), Error> {
    let refused = |why: &str| Err(Error::Refused(why.into()));
    if let Some(customer) = customer {
        let sql = "SELECT id FROM customers WHERE id = $1";
        if tx.row(sql, args![customer]).await?.is_none() {
            return refused("customer_id: there is no such customer");
        }
    }
    if let Some(booking) = booking {
        let sql = "SELECT id FROM bookings WHERE id = $1 AND customer_id = $2";
        if tx.row(sql, args![booking, customer]).await?.is_none() {
            return refused("booking_id: this customer has no such booking");
        }
    }
    Ok(())
}

/// What a call meant is known by now.
pub(super) async fn felt(
    tx: &mut Tx,
    call: &CallSid,
    felt: Option<Sentiment>,
) -> Result<(), Error> {
    let sql = "UPDATE links SET sentiment = $2 WHERE call_sid = $1";
    tx.run(sql, args![call.as_str(), felt.map(Sentiment::as_str)])
        .await
        .map(drop)
}

/// The calls of a customer's numbers are looked at again, as far as the rule linked them.
pub(super) async fn again_by_customer(tx: &mut Tx, id: &str, at: Timestamp) -> Result<(), Error> {
    let nobody_s = tx
        .rows(
            "SELECT links.call_sid FROM customer_phones
             JOIN links ON links.number = customer_phones.e164
             WHERE customer_phones.customer_id = $1 AND links.customer_id IS NULL
                AND links.made_by = 'rule'
             ORDER BY links.called_at DESC LIMIT $2",
            args![id, AGAIN],
        )
        .await?;
    queue_all(tx, &nobody_s, at).await?;
    let somebody_s = tx
        .rows(
            "SELECT call_sid, called_at FROM links
             WHERE customer_id = $1 AND made_by = 'rule' AND called_at >= $2
             UNION SELECT links.call_sid, links.called_at FROM customer_phones
             JOIN links ON links.number = customer_phones.e164 AND links.called_at >= $2
             WHERE customer_phones.customer_id = $1 AND links.made_by = 'rule'
                AND links.customer_id IS NOT NULL
             ORDER BY called_at DESC LIMIT $3",
            args![id, at - ANEW_WITHIN, ANEW],
        )
        .await?;
    queue_all(tx, &somebody_s, at).await
}

/// The calls that a booking starts near to are looked at again, and those that are linked to it.
pub(super) async fn again_by_booking(tx: &mut Tx, id: &str, at: Timestamp) -> Result<(), Error> {
    let rows = tx
        .rows(
            "SELECT links.call_sid FROM bookings
             JOIN customer_phones ON customer_phones.customer_id = bookings.customer_id
             JOIN links ON links.number = customer_phones.e164
                AND links.called_at BETWEEN bookings.starts_at - $2 AND bookings.starts_at + $3
             WHERE bookings.id = $1 AND links.made_by = 'rule'
             UNION SELECT call_sid FROM links WHERE booking_id = $1 AND made_by = 'rule'
             LIMIT $4",
            args![id, DAY_MS, 2 * DAY_MS, ANEW],
        )
        .await?;
    queue_all(tx, &rows, at).await
}

async fn queue_all(tx: &mut Tx, rows: &[Row], at: Timestamp) -> Result<(), Error> {
    for row in rows {
        let call: CallSid = row.parsed("call_sid")?;
        jobs::queue(tx, &NewJob::link_again(&call, at), at).await?;
    }
    Ok(())
}

/// Before a customer goes: his calls are nobody's, and the rule is asked whose they are now.
pub(super) async fn let_go(tx: &mut Tx, customer: &str, at: Timestamp) -> Result<(), Error> {
    let rows = tx
        .rows(
            "UPDATE links SET customer_id = NULL, booking_id = NULL, parts = NULL, score = 0,
                confidence = 0, why = 'unknown', made_by = 'rule', updated_at = $2
             WHERE customer_id = $1 RETURNING call_sid",
            args![customer, at],
        )
        .await?;
    queue_all(tx, &rows, at).await
}

pub(super) fn linked_from(row: &Row) -> Result<Linked, Error> {
    let parts = row.maybe_text("parts")?;
    Ok(Linked {
        call: row.parsed("call_sid")?,
        called_at: row.time("called_at")?,
        number: row.maybe_text("number")?,
        customer_id: row.maybe_text("customer_id")?,
        booking_id: row.maybe_text("booking_id")?,
        score: row.count("score")?,
        parts: parts.map(|_| row.json("parts")).transpose()?,
        confidence: row.count("confidence")?,
        why: row.maybe_text("why")?,
        made_by: match row.text("made_by")?.as_str() {
            "rule" => LinkedBy::Rule,
            "person" => LinkedBy::Person,
            other => return Err(Error::corrupt("made_by", other)),
        },
        excerpt: row.text("excerpt")?,
    })
}

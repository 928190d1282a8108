//! Deliveries: what each target is told, every attempt at it, and how it ended.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    DELIVER, Error, NewJob, Store,
    db::{Row, Tx, args},
    jobs,
};
use crate::ids::CallSid;

/// Runs of a delivery's job. A delivery counts its own tries, by the schedule of `webhooks`; this only
/// stops one that kills its workers again and again.
const DELIVER_RUNS: u32 = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// For its first try or a further one.
    Waiting,
    /// The target took it.
    Delivered,
    /// Given up, with the reason, until somebody asks for it again.
    Dead,
}

impl DeliveryState {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeliveryState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Waiting, Self::Delivered, Self::Dead];
        all.into_iter().find(|s| s.as_str() == text).ok_or(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The same at every try: receivers tell repetitions by it.
    pub id: String,
    pub call: CallSid,
    /// The target's name.
    pub target: String,
    pub event: String,
    pub version: u32,
    /// What is sent, to the byte.
    pub body: String,
    pub state: DeliveryState,
    /// Failed ones since it was queued last.
    pub tries: u32,
    /// Why it is dead.
    pub reason: Option<String>,
    pub created_at: Timestamp,
    pub delivered_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// From 1.
    pub number: u32,
    pub started_at: Timestamp,
    pub took_ms: u32,
    pub http_status: Option<u32>,
    /// None where the target took it.
    pub error: Option<String>,
}

/// An attempt that was made, and what follows from it.
#[derive(Debug, Clone)]
pub struct NewAttempt {
    pub started_at: Timestamp,
    pub took_ms: u32,
    pub http_status: Option<u32>,
    pub error: Option<String>,
    pub then: Then,
}

/// A delivery beside what it tells and every attempt at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldDelivery {
    pub delivery: Delivery,
    /// Which transcript it tells, `final`, `live` or `none`, and why that one was chosen. None of an alert.
    pub source: Option<String>,
    pub why: Option<String>,
    /// Oldest first.
    pub attempts: Vec<DeliveryAttempt>,
}

/// What follows an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    Delivered,
    Again,
    Dead { reason: String },
}

/// Which deliveries a page lists, newest first.
#[derive(Debug, Clone, Default)]
pub struct WhichDeliveries {
    pub call: Option<CallSid>,
    pub state: Option<DeliveryState>,
}

impl NewJob {
    /// One delivery.
    #[must_use]
    pub fn deliver(delivery: &str, run_at: Timestamp) -> Self {
        Self {
            kind: DELIVER,
            key: delivery.into(),
            payload: serde_json::json!({ "delivery": delivery }),
            priority: 0,
            run_at,
            max_attempts: DELIVER_RUNS,
        }
    }
}

impl Store {
    /// # Errors
    /// When the database fails.
    pub async fn delivery(&self, id: &str) -> Result<Option<Delivery>, Error> {
        let row = self
            .db
            .row("SELECT * FROM deliveries WHERE id = $1", args![id])
            .await?;
        row.as_ref().map(delivery_from).transpose()
    }

    /// The delivery whose job runs. A dead one lives again: somebody had its job tried again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_delivery(&self, id: &str) -> Result<Option<Delivery>, Error> {
        let found = self.delivery(id).await?;
        if !found
            .as_ref()
            .is_some_and(|d| d.state == DeliveryState::Dead)
        {
            return Ok(found);
        }
        let mut tx = self.db.begin().await?;
        let row = reopen(&mut tx, id).await?;
        tx.commit().await?;
        row.as_ref().map(delivery_from).transpose()
    }

    /// Keeps an attempt and what follows from it. Gives its number.
    ///
    /// # Errors
    /// When the database fails, or the delivery is not there.
    pub async fn note_attempt(
        &self,
        id: &str,
        attempt: &NewAttempt,
        at: Timestamp,
    ) -> Result<u32, Error> {
        let (state, failed, reason) = match &attempt.then {
            Then::Delivered => (DeliveryState::Delivered, 0_i64, None),
            Then::Again => (DeliveryState::Waiting, 1, None),
            Then::Dead { reason } => (DeliveryState::Dead, 1, Some(reason)),
        };
        let delivered_at = Some(at).filter(|_| state == DeliveryState::Delivered);
        let mut tx = self.db.begin().await?;
        // First: whoever else notes an attempt of this delivery waits for this transaction. A worker that
        // lost its lease may fail after the next one was heard: delivered it stays.
        let found = tx
            .run(
                "UPDATE deliveries SET state = CASE WHEN state = 'delivered' THEN state ELSE $2 END,
                    reason = CASE WHEN state = 'delivered' THEN reason ELSE $4 END,
                    tries = tries + $3, delivered_at = COALESCE($5, delivered_at) WHERE id = $1",
                args![
                    id,
                    state.as_str(),
                    failed,
                    reason.map(String::as_str),
                    delivered_at
                ],
            )
            .await?;
        if found == 0 {
            return Err(Error::NoDelivery(id.into()));
        }
        let row = tx
            .one(
                "INSERT INTO delivery_attempts (delivery_id, number, started_at, took_ms, http_status,
                    error)
                 SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5 FROM delivery_attempts
                 WHERE delivery_id = $1 RETURNING number",
                args![
                    id,
                    attempt.started_at,
                    attempt.took_ms,
                    attempt.http_status,
                    attempt.error.as_deref(),
                ],
            )
            .await?;
        tx.commit().await?;
        row.count("number")
    }

    /// Gives up a delivery that waits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bury_delivery(&self, id: &str, reason: &str) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        bury(&mut tx, id, reason).await?;
        tx.commit().await
    }

    /// Sends a delivery again, under the same id, whatever became of it before. One that waits is due
    /// at once.
    ///
    /// # Errors
    /// When the database fails, or the delivery is not there.
    pub async fn redeliver(&self, id: &str, at: Timestamp) -> Result<Delivery, Error> {
        let mut tx = self.db.begin().await?;
        let row = reopen(&mut tx, id).await?;
        let row = row.ok_or_else(|| Error::NoDelivery(id.into()))?;
        jobs::queue(&mut tx, &NewJob::deliver(id, at), at).await?;
        tx.commit().await?;
        delivery_from(&row)
    }

    /// At most `limit` deliveries after the one that `after` names, newest first, and where the next
    /// page begins.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deliveries(
        &self,
        which: &WhichDeliveries,
        after: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<ToldDelivery>, Option<String>), Error> {
        let (page_sql, attempts_sql) = which.texts();
        let call = which.call.as_ref().map(CallSid::as_str);
        let state = which.state.map(DeliveryState::as_str);
        let rows = self
            .db
            .rows(page_sql, args![call, state, after, i64::from(limit) + 1])
            .await?;
        let mut page = rows.iter().map(told_from).collect::<Result<Vec<_>, _>>()?;
        let more = page.len() > limit as usize;
        page.truncate(limit as usize);
        let next = page.last().filter(|_| more);
        let next = next.map(|last| last.delivery.id.clone());
        let attempts = self
            .db
            .rows(attempts_sql, args![call, state, after, i64::from(limit)])
            .await?;
        for row in &attempts {
            let id = row.text("delivery_id")?;
            // What changed between the two readings is not on the page.
            if let Some(told) = page.iter_mut().find(|told| told.delivery.id == id) {
                told.attempts.push(attempt_from(row)?);
            }
        }
        Ok((page, next))
    }

    /// One delivery beside what it tells.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn told_delivery(&self, id: &str) -> Result<Option<ToldDelivery>, Error> {
        let row = self.db.row(ONE_TOLD, args![id]).await?;
        let Some(mut told) = row.as_ref().map(told_from).transpose()? else {
            return Ok(None);
        };
        told.attempts = self.delivery_attempts(id).await?;
        Ok(Some(told))
    }

    /// All attempts at a delivery, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delivery_attempts(&self, id: &str) -> Result<Vec<DeliveryAttempt>, Error> {
        let rows = self
            .db
            .rows(
                "SELECT * FROM delivery_attempts WHERE delivery_id = $1 ORDER BY number",
                args![id],
            )
            .await?;
        rows.iter().map(attempt_from).collect()
    }
}

/// `$1` to `$4`: call and state, each of which may be null, the cursor and the limit.
macro_rules! select_told {
    ($columns:literal, $which:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM (SELECT * FROM deliveries WHERE ",
            $which,
            " AND ($3 IS NULL OR id < $3) ORDER BY id DESC LIMIT $4) d ",
            $rest
        )
    };
}

/// A page, and the attempts at all that is on it.
macro_rules! page_texts {
    ($which:literal) => {
        (
            select_told!(
                "d.*, a.source, a.reason AS why",
                $which,
                "LEFT JOIN announcements a ON a.call_sid = d.call_sid AND a.event = d.event
                    AND a.version = d.version ORDER BY d.id DESC"
            ),
            select_told!(
                "t.*",
                $which,
                "JOIN delivery_attempts t ON t.delivery_id = d.id ORDER BY t.delivery_id, t.number"
            ),
        )
    };
}

const ONE_TOLD: &str = "SELECT d.*, a.source, a.reason AS why FROM deliveries d
    LEFT JOIN announcements a ON a.call_sid = d.call_sid AND a.event = d.event
        AND a.version = d.version WHERE d.id = $1";

impl WhichDeliveries {
    /// A text for each index that can serve.
    const fn texts(&self) -> (&'static str, &'static str) {
        if self.call.is_some() {
            page_texts!("call_sid = $1 AND ($2 IS NULL OR state = $2)")
        } else if self.state.is_some() {
            page_texts!("$1 IS NULL AND state = $2")
        } else {
            page_texts!("$1 IS NULL AND $2 IS NULL")
        }
    }
}

async fn reopen(tx: &mut Tx, id: &str) -> Result<Option<Row>, Error> {
    tx.row(
        "UPDATE deliveries SET state = 'waiting', tries = 0, reason = NULL WHERE id = $1 RETURNING *",
        args![id],
    )
    .await
}

pub(super) async fn bury(tx: &mut Tx, id: &str, reason: &str) -> Result<(), Error> {
    tx.run(
        "UPDATE deliveries SET state = 'dead', reason = $2 WHERE id = $1 AND state = 'waiting'",
        args![id, reason],
    )
    .await
    .map(drop)
}

fn delivery_from(row: &Row) -> Result<Delivery, Error> {
    Ok(Delivery {
        id: row.text("id")?,
        call: row.parsed("call_sid")?,
        target: row.text("target")?,
        event: row.text("event")?,
        version: row.count("version")?,
        body: row.text("body")?,
        state: row.parsed("state")?,
        tries: row.count("tries")?,
        reason: row.maybe_text("reason")?,
        created_at: row.time("created_at")?,
        delivered_at: row.maybe_time("delivered_at")?,
    })
}

fn told_from(row: &Row) -> Result<ToldDelivery, Error> {
    Ok(ToldDelivery {
        delivery: delivery_from(row)?,
        source: row.maybe_text("source")?,
        why: row.maybe_text("why")?,
        attempts: Vec::new(),
    })
}

pub(super) fn attempt_from(row: &Row) -> Result<DeliveryAttempt, Error> {
    let status = row.maybe_int("http_status")?;
    Ok(DeliveryAttempt {
        number: row.count("number")?,
        started_at: row.time("started_at")?,
        took_ms: row.count("took_ms")?,
        http_status: status.and_then(|status| status.try_into().ok()),
        error: row.maybe_text("error")?,
    })
}

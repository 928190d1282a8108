//! What is deleted: everything about one call on demand, and what was said once its time is up.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use super::{
    CallState, Error, RecordingPart, Store,
    db::{Tx, args},
};
use crate::ids::{CallSid, StreamSid};

/// Calls whose words are deleted by one transaction.
const AT_ONCE: u32 = 100;

/// Whose data is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    Call(CallSid),
    /// A person's number: who called us, or was called by us.
    Number(String),
}

/// What was known of a call, and is not any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Forgotten {
    pub call: CallSid,
    /// Rows by table, without those that had none.
    pub rows: Vec<(&'static str, u64)>,
    /// Files that the rows named: they are somebody else's to delete.
    #[serde(skip)]
    pub files: Vec<PathBuf>,
    /// The provider's recordings of it.
    #[serde(skip)]
    pub recordings: Vec<StreamSid>,
}

/// Each table with what belongs to a call in it; who refers to another comes before it.
const TABLES: [(&str, &str); 18] = [
    (
        "jobs",
        "DELETE FROM jobs WHERE job_key = $1
            OR job_key IN (SELECT recording_sid FROM provider_recordings WHERE call_sid = $1)
            OR job_key IN (SELECT id FROM deliveries WHERE call_sid = $1)",
    ),
    (
        "delivery_attempts",
        "DELETE FROM delivery_attempts WHERE delivery_id IN
            (SELECT id FROM deliveries WHERE call_sid = $1)",
    ),
    ("deliveries", "DELETE FROM deliveries WHERE call_sid = $1"),
    (
        "announcements",
        "DELETE FROM announcements WHERE call_sid = $1",
    ),
    ("call_log", "DELETE FROM call_log WHERE call_sid = $1"),
    (
        "provider_recordings",
        "DELETE FROM provider_recordings WHERE call_sid = $1",
    ),
    ("links", "DELETE FROM links WHERE call_sid = $1"),
    (
        "domain_specific",
        "DELETE FROM domain_specific WHERE general_id IN
            (SELECT id FROM general WHERE call_sid = $1)",
    ),
    ("general", "DELETE FROM general WHERE call_sid = $1"),
    ("files", "DELETE FROM files WHERE call_sid = $1"),
    ("leads", "DELETE FROM leads WHERE call_sid = $1"),
    ("traces", "DELETE FROM traces WHERE call_sid = $1"),
    ("analyses", "DELETE FROM analyses WHERE call_sid = $1"),
    ("notes", "DELETE FROM notes WHERE call_sid = $1"),
    ("segments", "DELETE FROM segments WHERE call_sid = $1"),
    ("versions", "DELETE FROM versions WHERE call_sid = $1"),
    ("recordings", "DELETE FROM recordings WHERE call_sid = $1"),
    ("streams", "DELETE FROM streams WHERE call_sid = $1"),
];

impl Store {
    /// The calls that somebody's data is in, oldest first; none where nothing is known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn calls_of(&self, whose: &Whose) -> Result<Vec<CallSid>, Error> {
        let number = match whose {
            Whose::Call(call) => return self.known(call).await,
            Whose::Number(number) => number.trim(),
        };
        // As providers write it, and without the plus that a form may have made a blank.
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        if digits.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self
            .db
            .rows(
                "SELECT sid, MIN(at) AS at FROM (
                    SELECT sid, started_at AS at, CASE WHEN direction LIKE 'outbound%'
                            THEN to_number ELSE from_number END AS person FROM calls
                    UNION ALL
                    SELECT call_sid AS sid, created_at AS at, CASE WHEN direction LIKE 'outbound%'
                            THEN to_number ELSE from_number END AS person FROM leads
                 ) found WHERE person IN ($1, $2, $3) GROUP BY sid ORDER BY 2, 1",
                args![number, format!("+{digits}"), digits],
            )
            .await?;
        rows.iter().map(|row| row.parsed("sid")).collect()
    }

    async fn known(&self, call: &CallSid) -> Result<Vec<CallSid>, Error> {
        let found = self
            .db
            .row(
                "SELECT sid FROM calls WHERE sid = $1
                 UNION SELECT call_sid FROM leads WHERE call_sid = $1
                 UNION SELECT call_sid FROM provider_recordings WHERE call_sid = $1
                 UNION SELECT call_sid FROM call_log WHERE call_sid = $1
                 UNION SELECT call_sid FROM deliveries WHERE call_sid = $1",
                args![call.as_str()],
            )
            .await?;
        Ok(found.map(|_| call.clone()).into_iter().collect())
    }

    /// Deletes every row about a call and says what went; with `dry_run` it only says so. A job that runs
    /// for it loses its lease, and can write nothing of it any more.
    ///
    /// # Errors
    /// When the database fails, or the call goes on: its streams would write what nobody deletes.
    pub async fn forget_call(&self, call: &CallSid, dry_run: bool) -> Result<Forgotten, Error> {
        let mut tx = self.db.begin().await?;
        let locked = tx
            .row(
                "UPDATE calls SET updated_at = updated_at WHERE sid = $1 RETURNING state",
                args![call.as_str()],
            )
            .await?;
        if let Some(row) = locked
            && row.parsed::<CallState>("state")? == CallState::Live
        {
            return Err(Error::Live(call.to_string()));
        }
        let (files, recordings) = named(&mut tx, call).await?;
        let mut rows = Vec::new();
        let calls = ("calls", "DELETE FROM calls WHERE sid = $1");
        for (table, sql) in TABLES.into_iter().chain([calls]) {
            let gone = tx.run(sql, args![call.as_str()]).await?;
            if gone > 0 {
                rows.push((table, gone));
            }
        }
        if !dry_run {
            tx.commit().await?;
        }
        Ok(Forgotten {
            call: call.clone(),
            rows,
            files,
            recordings,
        })
    }

    /// Deletes what was said on calls that ended before `before`, what was made of it, and what was told of
    /// it to others; that there was a call, and who called whom, stays. Gives how many calls.
    ///
    /// # Errors
    /// When the database fails; what was deleted until then stays deleted.
    pub async fn forget_words(&self, before: Timestamp) -> Result<u32, Error> {
        let mut all = 0;
        loop {
            let mut tx = self.db.begin().await?;
            let rows = tx.rows(WITH_WORDS, args![before, AT_ONCE]).await?;
            for row in &rows {
                let call: CallSid = row.parsed("sid")?;
                for sql in WITHOUT_WORDS {
                    tx.run(sql, args![call.as_str()]).await?;
                }
                all += 1;
            }
            tx.commit().await?;
            if rows.len() < AT_ONCE as usize {
                return Ok(all);
            }
        }
    }
}

const WITH_WORDS: &str = "SELECT sid FROM calls
    WHERE ended_at < $1 AND state NOT IN ('live', 'finishing') AND (
        EXISTS (SELECT 1 FROM segments s WHERE s.call_sid = calls.sid)
        OR EXISTS (SELECT 1 FROM traces t WHERE t.call_sid = calls.sid)
        OR EXISTS (SELECT 1 FROM deliveries d
            WHERE d.call_sid = calls.sid AND d.state <> 'waiting')
        OR EXISTS (SELECT 1 FROM call_log l WHERE l.call_sid = calls.sid
            AND COALESCE(l.final_transcript, l.transcription, l.summary) IS NOT NULL))
    ORDER BY ended_at, sid LIMIT $2";

const WITHOUT_WORDS: [&str; 8] = [
    "DELETE FROM segments WHERE call_sid = $1",
    "DELETE FROM traces WHERE call_sid = $1",
    "UPDATE links SET excerpt = '', sentiment = NULL WHERE call_sid = $1",
    "UPDATE domain_specific SET data = '{}' WHERE general_id IN
        (SELECT id FROM general WHERE call_sid = $1)",
    "UPDATE general SET agent_name = NULL, customer_name = NULL, topics = '[]', action_items = '[]',
        notes = '[]' WHERE call_sid = $1",
    "DELETE FROM deliveries WHERE call_sid = $1 AND state <> 'waiting'",
    "UPDATE call_log SET final_transcript = NULL, transcription = NULL, summary = NULL,
        insights = '{}' WHERE call_sid = $1",
    "UPDATE calls SET served_reason = 'what was said is deleted: its time was up' WHERE sid = $1",
];

/// The files and the provider's recordings that a call's rows name.
async fn named(tx: &mut Tx, call: &CallSid) -> Result<(Vec<PathBuf>, Vec<StreamSid>), Error> {
    let rows = tx
        .rows(
            "SELECT parts FROM recordings WHERE call_sid = $1",
            args![call.as_str()],
        )
        .await?;
    let mut files = Vec::new();
    for row in &rows {
        let parts: Vec<RecordingPart> = row.json("parts")?;
        files.extend(parts.into_iter().map(|part| part.path));
    }
    let rows = tx
        .rows(
            "SELECT recording_sid FROM provider_recordings WHERE call_sid = $1",
            args![call.as_str()],
        )
        .await?;
    let recordings = rows.iter().map(|row| row.parsed("recording_sid"));
    Ok((files, recordings.collect::<Result<_, _>>()?))
}

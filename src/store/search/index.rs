//! The index is kept in the same transaction as the text: an entry for each segment of the version that a
//! call serves. Entries hang on their segments, so that whoever deletes text deletes it here too.
//!
//! Entries are numbered by when their call began, so that "newest first" is the order of numbers: each
//! call has a part of the numbers to itself.

use super::{
    super::{
        Error, LiveSegment, Store,
        db::{Arg, Row, Tx, args},
        segments::LIVE,
    },
    fold, syntax,
};
use crate::ids::{CallSid, Track};

/// Numbers of a second, and of a call: 16,384 calls may begin in the same second, and each may have
/// 131,072 entries. What is beyond is not found.
pub(super) const SECOND: i64 = 1 << 31;
pub(super) const CALL: i64 = 1 << 17;
/// Words of an entry; the place of a word is below 16,384 on PostgreSQL.
const MOST_WORDS: usize = 4000;
/// Another transaction may take the same number: then the next one is tried.
const TRIES: u32 = 8;
/// Calls that are put into the index by one transaction when an older database is opened.
const AT_ONCE: u32 = 20;

/// What is said in an entry.
struct Said<'a> {
    text: &'a str,
    track: Track,
    speaker: Option<&'a str>,
    language: Option<&'a str>,
}

impl Store {
    /// Puts the calls into the index that were there before it was.
    pub(in crate::store) async fn index_older_calls(&self) -> Result<(), Error> {
        let mut all = 0;
        loop {
            let mut tx = self.db.begin().await?;
            let waiting = "SELECT call_sid FROM search_calls WHERE version IS NULL
                ORDER BY base LIMIT $1";
            let rows = tx.rows(waiting, args![AT_ONCE]).await?;
            for row in &rows {
                renew(&mut tx, &row.parsed("call_sid")?).await?;
            }
            tx.commit().await?;
            all += rows.len();
            if rows.len() < AT_ONCE as usize {
                break;
            }
        }
        if all > 0 {
            tracing::info!(
                calls = all,
                "what was said on older calls can be searched now"
            );
        }
        Ok(())
    }
}

/// Makes the entries of a call those of the version that it serves.
pub(in crate::store) async fn renew(tx: &mut Tx, call: &CallSid) -> Result<(), Error> {
    let Some(base) = part_of(tx, call).await? else {
        return Ok(());
    };
    let drop = "DELETE FROM search_entries WHERE call_sid = $1";
    tx.run(drop, args![call.as_str()]).await?;
    let rows = tx.rows(SERVED, args![call.as_str()]).await?;
    let rows = &rows[..rows.len().min(usize::try_from(CALL).unwrap_or(usize::MAX))];
    let (mut entries, mut bodies) = (Vec::new(), Vec::new());
    for (id, row) in (base..).zip(rows) {
        entries.push(entry(id, call, row)?);
        let text = row.text("text")?;
        let (speaker, language) = (row.maybe_text("speaker")?, row.maybe_text("language")?);
        let said = Said {
            text: &text,
            track: row.parsed("track")?,
            speaker: speaker.as_deref(),
            language: language.as_deref(),
        };
        bodies.push(vec![id.into(), body(tx, base, &said).into()]);
    }
    tx.insert_all(
        "INSERT INTO search_entries (id, call_sid, version, stream, track, number) VALUES",
        &entries,
    )
    .await?;
    let (into, then) = match tx {
        Tx::Sqlite(_) => ("INSERT INTO search_text (rowid, body) VALUES", ""),
        Tx::Postgres(_) => (
            "INSERT INTO search_text (id, lexemes)
                SELECT id, CAST(body AS TSVECTOR) FROM (VALUES",
            ") AS new (id, body)",
        ),
    };
    tx.insert_all_by(into, &bodies, then).await?;
    tx.run(
        "UPDATE search_calls SET version = (SELECT served_version FROM calls WHERE sid = $1)
         WHERE call_sid = $1",
        args![call.as_str()],
    )
    .await?;
    Ok(())
}

const SERVED: &str = "SELECT s.version, s.stream, s.track, s.number, s.speaker, s.text,
        COALESCE(v.language, c.language) AS language
    FROM calls c JOIN versions v ON v.call_sid = c.sid AND v.version = c.served_version
        JOIN segments s ON s.call_sid = v.call_sid AND s.version = v.version
    WHERE c.sid = $1 ORDER BY s.start_at, s.end_at, s.track, s.stream, s.number";

fn entry<'a>(id: i64, call: &'a CallSid, row: &Row) -> Result<Vec<Arg<'a>>, Error> {
    Ok(vec![
        id.into(),
        call.as_str().into(),
        row.int("version")?.into(),
        row.int("stream")?.into(),
        row.text("track")?.into(),
        row.int("number")?.into(),
    ])
}

/// The same for a call that may serve the same version as before: only where it does not.
pub(in crate::store) async fn renew_if_changed(tx: &mut Tx, call: &CallSid) -> Result<(), Error> {
    let changed = "SELECT 1 AS n FROM search_calls i JOIN calls c ON c.sid = i.call_sid
        WHERE i.call_sid = $1 AND COALESCE(i.version, 0) <> c.served_version";
    match tx.row(changed, args![call.as_str()]).await? {
        Some(_) => renew(tx, call).await,
        None => Ok(()),
    }
}

/// Puts live text that was written just now into the index, if it is what the call serves.
pub(in crate::store) async fn add_live(tx: &mut Tx, live: &LiveSegment) -> Result<(), Error> {
    let call = &live.stream.call;
    let key = |base: i64| -> [Arg<'_>; 7] {
        [
            call.as_str().into(),
            LIVE.into(),
            live.stream.number.into(),
            live.segment.track.as_str().into(),
            i64::try_from(live.utterance).unwrap_or(i64::MAX).into(),
            base.into(),
            (base + CALL).into(),
        ]
    };
    let mut known = tx.row(KNOWN, &key(0)[..5]).await?;
    if known.is_none() && part_of(tx, call).await?.is_some() {
        known = tx.row(KNOWN, &key(0)[..5]).await?;
    }
    let Some(known) = known else { return Ok(()) };
    let (base, language) = (known.int("base")?, known.maybe_text("language")?);
    let said = Said {
        text: &live.segment.text,
        track: live.segment.track,
        speaker: live.segment.speaker.as_deref(),
        language: language.as_deref(),
    };
    let body = body(tx, base, &said);
    if let Some(id) = known.maybe_int("id")? {
        let sql = match tx {
            Tx::Sqlite(_) => "UPDATE search_text SET body = $2 WHERE rowid = $1",
            Tx::Postgres(_) => {
                "UPDATE search_text SET lexemes = CAST($2 AS TSVECTOR) WHERE id = $1"
            }
        };
        tx.run(sql, args![id, body]).await?;
        return Ok(());
    }
    let mut new = None;
    for _ in 0..TRIES {
        new = tx.row(NEXT, &key(base)).await?;
        if new.is_some() {
            break;
        }
    }
    let Some(row) = new else { return Ok(()) };
    let sql = match tx {
        Tx::Sqlite(_) => "INSERT INTO search_text (rowid, body) VALUES ($1, $2)",
        Tx::Postgres(_) => {
            "INSERT INTO search_text (id, lexemes) VALUES ($1, CAST($2 AS TSVECTOR))"
        }
    };
    tx.run(sql, args![row.int("id")?, body]).await?;
    Ok(())
}

/// A call that serves its live text, and the entry of an utterance where it has one.
const KNOWN: &str = "SELECT i.base, c.language, (SELECT e.id FROM search_entries e
        WHERE e.call_sid = $1 AND e.version = $2 AND e.stream = $3 AND e.track = $4
            AND e.number = $5) AS id
    FROM search_calls i JOIN calls c ON c.sid = i.call_sid
    WHERE i.call_sid = $1 AND c.served_version = $2";

const NEXT: &str = "INSERT INTO search_entries (id, call_sid, version, stream, track, number)
    SELECT next.id, $1, $2, $3, $4, $5
    FROM (SELECT COALESCE(MAX(id) + 1, $6) AS id FROM search_entries
            WHERE id >= $6 AND id < $7) next
    WHERE next.id < $7
    ON CONFLICT (id) DO NOTHING RETURNING id";

/// Where a call's numbers begin. `None` for a call that is not there, or that began in a second with far
/// too many others.
async fn part_of(tx: &mut Tx, call: &CallSid) -> Result<Option<i64>, Error> {
    for _ in 0..TRIES {
        let known = "SELECT base FROM search_calls WHERE call_sid = $1";
        if let Some(row) = tx.row(known, args![call.as_str()]).await? {
            return row.int("base").map(Some);
        }
        let new = "INSERT INTO search_calls (call_sid, base, version)
            SELECT c.sid, COALESCE((SELECT MAX(i.base) + 131072 FROM search_calls i
                    WHERE i.base >= c.first AND i.base < c.first + 2147483648), c.first), c.version
            FROM (SELECT sid, started_at / 1000 * 2147483648 AS first, served_version AS version
                    FROM calls WHERE sid = $1) c
            WHERE 1 = 1 ON CONFLICT DO NOTHING";
        tx.run(new, args![call.as_str()]).await?;
    }
    Ok(None)
}

/// What the database indexes of it.
fn body(tx: &Tx, base: i64, said: &Said<'_>) -> String {
    let tokens = fold::tokens(said.text).into_iter().take(MOST_WORDS);
    let words: Vec<String> = tokens.map(|token| token.word.into_owned()).collect();
    let language = said.language.or_else(|| {
        let is_hebrew = said.text.chars().any(fold::is_hebrew);
        is_hebrew.then_some("he")
    });
    let mut marks = vec![syntax::of_track(said.track), syntax::of_call(base)];
    marks.extend(language.map(syntax::of_language));
    marks.extend(said.speaker.into_iter().flat_map(syntax::of_speaker));
    match tx {
        Tx::Sqlite(_) => syntax::fts5_body(&words, &marks),
        Tx::Postgres(_) => syntax::tsvector(&words, &marks, base / SECOND),
    }
}

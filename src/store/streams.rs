//! A call's streams open and close, and the call with them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ANALYSE, CallState, Error, NewJob, Store, TRANSCRIBE,
    db::{Row, Tx, args},
    jobs,
    rows::to_json,
    search,
};
use crate::{
    ids::{CallSid, StreamSid, Track},
    speech::ModelInfo,
    time::MediaTime,
};

/// What is known of a call when its first stream starts. What a later stream adds fills what was unknown.
#[derive(Debug, Clone)]
pub struct NewCall {
    pub sid: CallSid,
    pub account_sid: Option<String>,
    /// `inbound` or `outbound`, as the custom parameters said.
    pub direction: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    /// ISO 639-1, where it was fixed; `None` is detected.
    pub language: Option<String>,
    pub parameters: BTreeMap<String, String>,
    /// The engine of the live text, for its version's record.
    pub live_model: Option<ModelInfo>,
}

#[derive(Debug, Clone)]
pub struct NewStream {
    pub sid: StreamSid,
    /// What the tracks' speakers are called, by [`Track::index`].
    pub speakers: [Option<String>; 2],
    pub parameters: BTreeMap<String, String>,
    pub opened_at: Timestamp,
}

/// A stream's place in its call. A provider may use a stream id again; the number is new each time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StreamKey {
    pub call: CallSid,
    /// From 1.
    pub number: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    pub key: StreamKey,
    pub sid: StreamSid,
    pub speakers: [Option<String>; 2],
    pub parameters: BTreeMap<String, String>,
    /// Call time of the stream's first sample: stream time + position = call time. By wall clock.
    pub position: MediaTime,
    /// Zero while it is open.
    pub duration: MediaTime,
    pub opened_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub end_reason: Option<String>,
}

impl Stream {
    #[must_use]
    pub fn speaker(&self, track: Track) -> Option<&str> {
        self.speakers[track.index()].as_deref()
    }
}

/// How a stream ended.
#[derive(Debug, Clone)]
pub struct StreamEnd {
    pub at: Timestamp,
    /// `stop`, `closed`, `idle` and the like.
    pub reason: String,
    /// Audio, gaps filled.
    pub duration: MediaTime,
    /// The stream's counters, as JSON; null for none.
    pub counters: serde_json::Value,
}

impl Store {
    /// Opens a stream, and its call where that is new. The call is `live` from here on: a final pass
    /// that waits for it is called off, because the last stream's close asks for another.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_stream(&self, call: &NewCall, new: &NewStream) -> Result<Stream, Error> {
        let mut tx = self.db.begin().await?;
        let started = upsert_call(&mut tx, call, new.opened_at).await?;
        upsert_live_version(&mut tx, call, new.opened_at).await?;
        search::index::renew_if_changed(&mut tx, &call.sid).await?;
        let row = tx
            .one(
                "SELECT COALESCE(MAX(number), 0) + 1 AS number FROM streams WHERE call_sid = $1",
                args![call.sid.as_str()],
            )
            .await?;
        let number = row.count("number")?;
        let since = new.opened_at.as_millisecond() - started.as_millisecond();
        let position = MediaTime::from_ms(u64::try_from(since).unwrap_or(0));
        let [inbound, outbound] = &new.speakers;
        tx.run(
            "INSERT INTO streams (call_sid, number, sid, node, inbound_speaker, outbound_speaker,
                parameters, position, opened_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            args![
                call.sid.as_str(),
                number,
                new.sid.as_str(),
                &self.node,
                inbound.as_deref(),
                outbound.as_deref(),
                to_json(&new.parameters),
                position,
                new.opened_at,
            ],
        )
        .await?;
        for kind in [TRANSCRIBE, ANALYSE] {
            jobs::call_off(&mut tx, kind, call.sid.as_str()).await?;
        }
        tx.commit().await?;
        Ok(Stream {
            key: StreamKey {
                call: call.sid.clone(),
                number,
            },
            sid: new.sid.clone(),
            speakers: new.speakers.clone(),
            parameters: new.parameters.clone(),
            position,
            duration: MediaTime::ZERO,
            opened_at: new.opened_at,
            closed_at: None,
            end_reason: None,
        })
    }

    /// Closes a stream, once: a second close changes nothing. The last open stream's close makes the
    /// call `finishing` and queues its final pass. Gives the call's state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn close_stream(&self, key: &StreamKey, end: &StreamEnd) -> Result<CallState, Error> {
        let mut tx = self.db.begin().await?;
        lock_call(&mut tx, &key.call, end.at).await?;
        let closed = tx
            .run(
                "UPDATE streams SET closed_at = $3, end_reason = $4, duration = $5, counters = $6
                 WHERE call_sid = $1 AND number = $2 AND closed_at IS NULL",
                args![
                    key.call.as_str(),
                    key.number,
                    end.at,
                    &end.reason,
                    end.duration,
                    to_json(&end.counters),
                ],
            )
            .await?;
        if closed > 0 {
            settle(&mut tx, &key.call, end.at, end.at + self.transcribe_after).await?;
        }
        let state = tx
            .one(
                "SELECT state FROM calls WHERE sid = $1",
                args![key.call.as_str()],
            )
            .await?
            .parsed("state")?;
        tx.commit().await?;
        Ok(state)
    }

    /// A call's streams, in the order in which they came.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn streams(&self, call: &CallSid) -> Result<Vec<Stream>, Error> {
        let rows = self
            .db
            .rows(
                "SELECT * FROM streams WHERE call_sid = $1 ORDER BY number",
                args![call.as_str()],
            )
            .await?;
        rows.iter().map(stream_from).collect()
    }
}

/// Takes the call's row, so that whoever else changes this call waits for this transaction.
pub(super) async fn lock_call(tx: &mut Tx, call: &CallSid, at: Timestamp) -> Result<(), Error> {
    let found = tx
        .run(
            "UPDATE calls SET updated_at = $2 WHERE sid = $1",
            args![call.as_str(), at],
        )
        .await?;
    if found == 0 {
        return Err(Error::NoCall(call.to_string()));
    }
    Ok(())
}

/// Makes a call without open streams `finishing`, and queues its final pass, its analysis and its
/// announcement.
pub(super) async fn settle(
    tx: &mut Tx,
    call: &CallSid,
    at: Timestamp,
    transcribe_at: Timestamp,
) -> Result<(), Error> {
    let finished = tx
        .run(
            "UPDATE calls SET state = 'finishing', ended_at = $2,
                duration = (SELECT MAX(position + duration) FROM streams WHERE call_sid = $1)
             WHERE sid = $1 AND NOT EXISTS
                (SELECT 1 FROM streams WHERE call_sid = $1 AND closed_at IS NULL)",
            args![call.as_str(), at],
        )
        .await?;
    if finished > 0 {
        jobs::queue(tx, &NewJob::transcribe(call, transcribe_at), at).await?;
        jobs::queue(tx, &NewJob::analyse(call, transcribe_at), at).await?;
        jobs::queue(tx, &NewJob::announce(call, at), at).await?;
    }
    Ok(())
}

async fn upsert_call(tx: &mut Tx, call: &NewCall, at: Timestamp) -> Result<Timestamp, Error> {
    tx.one(
        "INSERT INTO calls (sid, account_sid, direction, from_number, to_number, language, parameters,
            state, started_at, served_version, served_reason, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'live', $8, 1, 'live text', $8)
         ON CONFLICT (sid) DO UPDATE SET
            account_sid = COALESCE(calls.account_sid, excluded.account_sid),
            direction = COALESCE(calls.direction, excluded.direction),
            from_number = COALESCE(calls.from_number, excluded.from_number),
            to_number = COALESCE(calls.to_number, excluded.to_number),
            language = COALESCE(calls.language, excluded.language),
            state = 'live', ended_at = NULL, served_version = 1,
            served_reason = 'the call goes on: live text', updated_at = excluded.updated_at
         RETURNING started_at",
        args![
            call.sid.as_str(),
            call.account_sid.as_deref(),
            call.direction.as_deref(),
            call.from.as_deref(),
            call.to.as_deref(),
            call.language.as_deref(),
            to_json(&call.parameters),
            at,
        ],
    )
    .await?
    .time("started_at")
}

async fn upsert_live_version(tx: &mut Tx, call: &NewCall, at: Timestamp) -> Result<(), Error> {
    let model = call.live_model.as_ref();
    tx.run(
        "INSERT INTO versions (call_sid, version, kind, model, model_sha256, parameters, language,
            reason, duration, coverage, created_at)
         VALUES ($1, 1, 'live', $2, $3, 'null', $4, 'heard while the call went on', 0, '[]', $5)
         ON CONFLICT (call_sid, version) DO UPDATE SET
            model = COALESCE(versions.model, excluded.model),
            model_sha256 = COALESCE(versions.model_sha256, excluded.model_sha256),
            language = COALESCE(versions.language, excluded.language)",
        args![
            call.sid.as_str(),
            model.map(|m| m.name.as_str()),
            model.map(|m| m.sha256.as_str()),
            call.language.as_deref(),
            at,
        ],
    )
    .await?;
    Ok(())
}

pub(super) fn stream_from(row: &Row) -> Result<Stream, Error> {
    Ok(Stream {
        key: StreamKey {
            call: row.parsed("call_sid")?,
            number: row.count("number")?,
        },
        sid: row.parsed("sid")?,
        speakers: [
            row.maybe_text("inbound_speaker")?,
            row.maybe_text("outbound_speaker")?,
        ],
        parameters: row.json("parameters")?,
        position: row.media("position")?,
        duration: row.media("duration")?,
        opened_at: row.time("opened_at")?,
        closed_at: row.maybe_time("closed_at")?,
        end_reason: row.maybe_text("end_reason")?,
    })
}

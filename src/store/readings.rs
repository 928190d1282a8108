//! What was read out of an uploaded file: a row in `general`, and one in `domain_specific` that refers to it.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    Error, Store,
    db::{Row, args},
    notes::new_id,
    rows::to_json,
};
use crate::{
    ids::CallSid,
    insight::{
        Path, Tokens,
        domain::{Detected, Extracted, General, Pair, Useless},
    },
};

/// What the two stages made of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub pair: Pair,
    /// Per mille.
    pub confidence: u32,
    /// None where that stage failed.
    pub detected_by: Option<Path>,
    pub extracted_by: Option<Path>,
    pub general: General,
    pub specific: Map<String, Value>,
    /// Of stage one and of stage two.
    pub tokens: [Tokens; 2],
    pub notes: Vec<String>,
    /// Which stage failed, and why.
    pub failed: Option<(u32, String)>,
}

impl Reading {
    /// Of both stages.
    #[must_use]
    pub fn of(detected: Detected, extracted: Extracted) -> Self {
        Self {
            pair: detected.pair,
            confidence: detected.confidence,
            detected_by: Some(detected.path),
            extracted_by: Some(extracted.path),
            general: extracted.general,
            specific: extracted.specific,
            tokens: [detected.tokens, extracted.tokens],
            notes: extracted.notes,
            failed: extracted.failed.map(|why| (2, why)),
        }
    }

    /// Of a file whose domain could not be told.
    #[must_use]
    pub fn failed(Useless { why, tokens }: Useless) -> Self {
        Self {
            pair: Pair::unknown(),
            confidence: 0,
            detected_by: None,
            extracted_by: None,
            general: General::default(),
            specific: Map::new(),
            tokens: [tokens, Tokens::default()],
            notes: Vec::new(),
            failed: Some((1, why)),
        }
    }

    fn total(&self) -> u64 {
        let each = self
            .tokens
            .iter()
            .map(|tokens| tokens.input + tokens.output);
        each.sum()
    }
}

impl Store {
    /// Keeps what was read out of that version of a file's transcript, instead of what was read before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_reading(
        &self,
        call: &CallSid,
        version: u32,
        reading: &Reading,
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let [one, two] = reading.tokens;
        let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
        let general = &reading.general;
        let sentiment = general.sentiment.map(|sentiment| to_json(&sentiment));
        let sentiment = sentiment.map(|text| text.trim_matches('"').to_owned());
        let failed = reading.failed.as_ref();
        let row = tx
            .row(
                "INSERT INTO general (id, call_sid, file_name, version, domain, category, confidence,
                    detected_by, extracted_by, sentiment, agent_name, customer_name, resolution,
                    topics, action_items, stage1_input, stage1_output, stage2_input, stage2_output,
                    total_tokens, notes, failed_stage, failed, created_at, updated_at)
                 SELECT $1, call_sid, file_name, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
                    $15, $16, $17, $18, $19, $20, $21, $22, $23, $23 FROM files WHERE call_sid = $2
                 ON CONFLICT (call_sid) DO UPDATE SET version = excluded.version,
                    domain = excluded.domain, category = excluded.category,
                    confidence = excluded.confidence, detected_by = excluded.detected_by,
                    extracted_by = excluded.extracted_by, sentiment = excluded.sentiment,
                    agent_name = excluded.agent_name, customer_name = excluded.customer_name,
                    resolution = excluded.resolution, topics = excluded.topics,
                    action_items = excluded.action_items, stage1_input = excluded.stage1_input,
                    stage1_output = excluded.stage1_output, stage2_input = excluded.stage2_input,
                    stage2_output = excluded.stage2_output, total_tokens = excluded.total_tokens,
                    notes = excluded.notes, failed_stage = excluded.failed_stage,
                    failed = excluded.failed, updated_at = excluded.updated_at
                 RETURNING id",
                args![
                    new_id(at),
                    call.as_str(),
                    version,
                    &reading.pair.domain,
                    &reading.pair.category,
                    reading.confidence,
                    reading.detected_by.map(Path::as_str),
                    reading.extracted_by.map(Path::as_str),
                    sentiment,
                    general.agent_name.as_deref(),
                    general.customer_name.as_deref(),
                    general.resolution.as_deref(),
                    to_json(&general.topics),
                    to_json(&general.action_items),
                    count(one.input),
                    count(one.output),
                    count(two.input),
                    count(two.output),
                    count(reading.total()),
                    to_json(&reading.notes),
                    failed.map(|(stage, _)| *stage),
                    failed.map(|(_, why)| why.as_str()),
                    at,
                ],
            )
            .await?;
        // Deleted meanwhile.
        let Some(row) = row else { return Ok(()) };
        tx.run(
            "INSERT INTO domain_specific (general_id, data) VALUES ($1, $2)
             ON CONFLICT (general_id) DO UPDATE SET data = excluded.data",
            args![row.text("id")?, to_json(&reading.specific)],
        )
        .await?;
        tx.commit().await
    }

    /// What was read out of a file, and out of which version of its transcript.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reading(&self, call: &CallSid) -> Result<Option<(u32, Reading)>, Error> {
        let row = self
            .db
            .row(
                "SELECT g.*, d.data FROM general g JOIN domain_specific d ON d.general_id = g.id
                 WHERE g.call_sid = $1",
                args![call.as_str()],
            )
            .await?;
        row.map(|row| Ok((row.count("version")?, reading_from(&row)?)))
            .transpose()
    }
}

fn reading_from(row: &Row) -> Result<Reading, Error> {
    let path = |column| -> Result<Option<Path>, Error> {
        let there = row.maybe_text(column)?.is_some();
        there.then(|| row.parsed(column)).transpose()
    };
    let tokens = |input, output| -> Result<Tokens, Error> {
        Ok(Tokens {
            input: u64::try_from(row.int(input)?).unwrap_or(0),
            output: u64::try_from(row.int(output)?).unwrap_or(0),
        })
    };
    let sentiment = row.maybe_text("sentiment")?.map(Value::String);
    let sentiment = sentiment.map(serde_json::from_value).transpose();
    let stage = row
        .maybe_int("failed_stage")?
        .and_then(|n| u32::try_from(n).ok());
    Ok(Reading {
        pair: Pair {
            domain: row.text("domain")?,
            category: row.text("category")?,
        },
        confidence: row.count("confidence")?,
        detected_by: path("detected_by")?,
        extracted_by: path("extracted_by")?,
        general: General {
            agent_name: row.maybe_text("agent_name")?,
            customer_name: row.maybe_text("customer_name")?,
            sentiment: sentiment.map_err(|_| Error::corrupt("sentiment", "no sentiment"))?,
            resolution: row.maybe_text("resolution")?,
            topics: row.json("topics")?,
            action_items: row.json("action_items")?,
        },
        specific: row.json("data")?,
        tokens: [
            tokens("stage1_input", "stage1_output")?,
            tokens("stage2_input", "stage2_output")?,
        ],
        notes: row.json("notes")?,
        failed: stage.zip(row.maybe_text("failed")?),
    })
}

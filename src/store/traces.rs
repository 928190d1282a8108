//! How live text came to be: by what build, from which models, in which steps.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Error, RecordingKey, Store, StreamKey, db::args, rows::to_json};
use crate::{
    ids::CallSid,
    speech::{ModelInfo, live::Trace},
};

/// The live text of one track of one stream, as it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveTrace {
    pub key: RecordingKey,
    /// Version of the program.
    pub build: String,
    pub models: LiveModels,
    pub trace: Trace,
}

/// What heard it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveModels {
    pub live: ModelInfo,
    /// For overload, where there is one.
    pub small: Option<ModelInfo>,
}

impl Store {
    /// Keeps how a track's live text came to be.
    ///
    /// # Errors
    /// When the database fails, or the stream is not there.
    pub async fn put_trace(&self, trace: &LiveTrace, at: Timestamp) -> Result<(), Error> {
        let RecordingKey { stream, track } = &trace.key;
        let mut tx = self.db.begin().await?;
        tx.run(
            "INSERT INTO traces (call_sid, stream, track, build, models, trace, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (call_sid, stream, track) DO UPDATE SET build = excluded.build,
                models = excluded.models, trace = excluded.trace",
            args![
                stream.call.as_str(),
                stream.number,
                track.as_str(),
                &trace.build,
                to_json(&trace.models),
                to_json(&trace.trace),
                at,
            ],
        )
        .await?;
        tx.commit().await
    }

    /// How a call's live text came to be, by stream and track.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn traces(&self, call: &CallSid) -> Result<Vec<LiveTrace>, Error> {
        let rows = self
            .db
            .rows(
                "SELECT * FROM traces WHERE call_sid = $1 ORDER BY stream, track",
                args![call.as_str()],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(LiveTrace {
                    key: RecordingKey {
                        stream: StreamKey {
                            call: call.clone(),
                            number: row.count("stream")?,
                        },
                        track: row.parsed("track")?,
                    },
                    build: row.text("build")?,
                    models: row.json("models")?,
                    trace: row.json("trace")?,
                })
            })
            .collect()
    }
}

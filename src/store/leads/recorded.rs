//! Recordings that the provider made, as it tells of them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::{
    Error, NewJob, Store,
    db::{Tx, args},
    jobs,
    rows::to_json,
};
use crate::ids::{CallSid, RecordingSid};

/// A recording that is done, or never will be.
#[derive(Debug, Clone)]
pub struct NewProviderRecording {
    pub sid: RecordingSid,
    pub call: CallSid,
    pub account_sid: Option<String>,
    pub status: ProviderStatus,
    pub duration_s: Option<u32>,
    pub channels: Option<u32>,
    /// What else the provider said.
    pub details: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderStatus {
    /// Its audio is at this address, as the provider wrote it.
    Completed { url: String },
    /// Too short, or nothing but silence.
    Absent,
    /// The provider could not make it; its code for why.
    Failed { code: Option<String> },
}

impl ProviderStatus {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Completed { .. } => "completed",
            Self::Absent => "absent",
            Self::Failed { .. } => "failed",
        }
    }

    /// Why there is nothing to fetch.
    fn reason(&self) -> Option<String> {
        match self {
            Self::Completed { .. } => None,
            Self::Absent => Some("too short, or nothing but silence".into()),
            Self::Failed { code: Some(code) } => {
                Some(format!("the provider could not record: error {code}"))
            }
            Self::Failed { code: None } => Some("the provider could not record".into()),
        }
    }
}

/// What [`Store::recording_done`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingNews {
    /// Nobody knows the call; nothing was made.
    UnknownCall,
    /// It will be fetched.
    Queued,
    /// There is nothing to fetch; that is on record.
    Noted,
    /// It was told before.
    Again,
}

impl Store {
    /// Takes note of a provider's recording, once, and queues its download in the same transaction where
    /// there is something to fetch.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recording_done(
        &self,
        new: &NewProviderRecording,
        at: Timestamp,
    ) -> Result<RecordingNews, Error> {
        let mut tx = self.db.begin().await?;
        if !is_known(&mut tx, &new.call).await? {
            return Ok(RecordingNews::UnknownCall);
        }
        let url = match &new.status {
            ProviderStatus::Completed { url } => Some(url),
            _ => None,
        };
        let news = match (insert(&mut tx, new, url, at).await?, url) {
            (false, _) => RecordingNews::Again,
            (true, None) => RecordingNews::Noted,
            (true, Some(_)) => {
                let job = NewJob::download(new.sid.as_str(), at);
                jobs::queue(&mut tx, &job, at).await?;
                RecordingNews::Queued
            }
        };
        tx.commit().await?;
        Ok(news)
    }
}

/// It rang here, or streamed here.
async fn is_known(tx: &mut Tx, call: &CallSid) -> Result<bool, Error> {
    let row = tx
        .row(
            "SELECT call_sid FROM leads WHERE call_sid = $1
             UNION ALL SELECT sid FROM calls WHERE sid = $1",
            args![call.as_str()],
        )
        .await?;
    Ok(row.is_some())
}

/// Whether it is new.
async fn insert(
    tx: &mut Tx,
    new: &NewProviderRecording,
    url: Option<&String>,
    at: Timestamp,
) -> Result<bool, Error> {
    let outcome = if url.is_some() { "waiting" } else { "failed" };
    let made = tx
        .run(
            "INSERT INTO provider_recordings (recording_sid, call_sid, account_sid, status, url,
                duration_s, channels, details, outcome, reason, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
             ON CONFLICT (recording_sid) DO NOTHING",
            args![
                new.sid.as_str(),
                new.call.as_str(),
                new.account_sid.as_deref(),
                new.status.as_str(),
                url,
                new.duration_s,
                new.channels,
                to_json(&new.details),
                outcome,
                new.status.reason(),
                at,
            ],
        )
        .await?;
    Ok(made > 0)
}

//! Recordings that the provider made: what it said of them, and what became of them.

use std::str::FromStr;

use jiff::Timestamp;

use super::{
    DOWNLOAD, Error, NewJob, Store,
    db::{Row, Tx, args},
    jobs,
};
use crate::ids::{CallSid, StreamSid};

/// What became of a recording of the provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingOutcome {
    Waiting,
    /// It was fetched, and is a recording of the call.
    Used,
    /// There was no need of it.
    Unused,
    Failed,
}

impl RecordingOutcome {
    const ALL: [Self; 4] = [Self::Waiting, Self::Used, Self::Unused, Self::Failed];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Used => "used",
            Self::Unused => "unused",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for RecordingOutcome {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let found = Self::ALL.into_iter().find(|o| o.as_str() == text);
        found.ok_or(())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ProviderRecording {
    /// `RE…`.
    pub sid: StreamSid,
    pub call: CallSid,
    pub account_sid: Option<String>,
    /// `completed`, `absent` or `failed`, as the provider said.
    pub status: String,
    pub url: Option<String>,
    pub duration_s: Option<u32>,
    pub channels: Option<u32>,
    /// What else the provider said, by the names that it uses.
    pub details: serde_json::Value,
    pub outcome: RecordingOutcome,
    /// Why.
    pub reason: Option<String>,
    /// When the provider told of it.
    pub created_at: Timestamp,
}

impl Store {
    /// # Errors
    /// When the database fails.
    pub async fn provider_recording(
        &self,
        sid: &StreamSid,
    ) -> Result<Option<ProviderRecording>, Error> {
        let row = self.db.row(SELECT, args![sid.as_str()]).await?;
        row.as_ref().map(recording_from).transpose()
    }

    /// There is no need of the recording: the announcement need not wait for it. `false` where it does not wait any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recording_unused(
        &self,
        sid: &StreamSid,
        reason: &str,
        at: Timestamp,
    ) -> Result<bool, Error> {
        self.settle_recording(sid, RecordingOutcome::Unused, reason, at)
            .await
    }

    /// The recording cannot be had. Its call goes on with what there is: the announcement need not wait
    /// any longer, and a lead that had nothing but this recording has failed. `false` where it does not
    /// wait any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recording_failed(
        &self,
        sid: &StreamSid,
        reason: &str,
        at: Timestamp,
    ) -> Result<bool, Error> {
        self.settle_recording(sid, RecordingOutcome::Failed, reason, at)
            .await
    }

    async fn settle_recording(
        &self,
        sid: &StreamSid,
        outcome: RecordingOutcome,
        reason: &str,
        at: Timestamp,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let Some(call) = decide(&mut tx, sid, outcome, reason, at).await? else {
            return Ok(false);
        };
        if outcome == RecordingOutcome::Failed {
            tx.run(
                "UPDATE leads SET status = 'failed', reason = $2, updated_at = $3
                 WHERE call_sid = $1 AND status = 'new'
                 AND NOT EXISTS (SELECT 1 FROM calls WHERE sid = $1)
                 AND NOT EXISTS (SELECT 1 FROM provider_recordings
                    WHERE call_sid = $1 AND outcome = 'waiting')",
                args![call.as_str(), format!("no recording: {reason}"), at],
            )
            .await?;
        }
        announce(&mut tx, &call, at).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Recordings that wait for a job that is not there: it was given up in the moment of a crash, and
    /// they have failed, or they get another. Gives how many.
    ///
    /// # Errors
    /// When the database fails; what was done until then stays.
    pub async fn adopt_forgotten_downloads(&self, at: Timestamp) -> Result<u32, Error> {
        let rows = self
            .db
            .rows(
                "SELECT recording_sid, (SELECT MAX(last_error) FROM jobs WHERE kind = $1
                        AND job_key = recording_sid AND jobs.state = 'dead') AS dead
                 FROM provider_recordings WHERE outcome = 'waiting' AND status = 'completed'
                 AND NOT EXISTS (SELECT 1 FROM jobs WHERE kind = $1 AND job_key = recording_sid
                        AND jobs.state IN ('queued', 'running'))
                 ORDER BY recording_sid",
                args![DOWNLOAD],
            )
            .await?;
        let mut adopted = 0;
        for row in &rows {
            let sid: StreamSid = row.parsed("recording_sid")?;
            let is_done = match row.maybe_text("dead")? {
                Some(reason) => self.recording_failed(&sid, &reason, at).await?,
                None => {
                    self.enqueue_if_none(&NewJob::download(sid.as_str(), at), at)
                        .await?
                }
            };
            adopted += u32::from(is_done);
        }
        Ok(adopted)
    }
}

const SELECT: &str = "SELECT * FROM provider_recordings WHERE recording_sid = $1";

/// Settles what became of a recording, once; gives its call.
pub(super) async fn decide(
    tx: &mut Tx,
    sid: &StreamSid,
    outcome: RecordingOutcome,
    reason: &str,
    at: Timestamp,
) -> Result<Option<CallSid>, Error> {
    let row = tx
        .row(
            "UPDATE provider_recordings SET outcome = $2, reason = $3, updated_at = $4
             WHERE recording_sid = $1 AND outcome = 'waiting' RETURNING call_sid",
            args![sid.as_str(), outcome.as_str(), reason, at],
        )
        .await?;
    row.map(|row| row.parsed("call_sid")).transpose()
}

/// Whoever announces the call looks again; of a call that goes on, its end asks for that.
async fn announce(tx: &mut Tx, call: &CallSid, at: Timestamp) -> Result<(), Error> {
    let is_live = "SELECT sid FROM calls WHERE sid = $1 AND state = 'live'";
    if tx.row(is_live, args![call.as_str()]).await?.is_some() {
        return Ok(());
    }
    let job = NewJob::announce(call, at);
    jobs::queue(tx, &job, at).await.map(drop)
}

fn recording_from(row: &Row) -> Result<ProviderRecording, Error> {
    let maybe_count = |column| -> Result<Option<u32>, Error> {
        let found = row.maybe_int(column)?;
        Ok(found.and_then(|n| u32::try_from(n).ok()))
    };
    Ok(ProviderRecording {
        sid: row.parsed("recording_sid")?,
        call: row.parsed("call_sid")?,
        account_sid: row.maybe_text("account_sid")?,
        status: row.text("status")?,
        url: row.maybe_text("url")?,
        duration_s: maybe_count("duration_s")?,
        channels: maybe_count("channels")?,
        details: row.json("details")?,
        outcome: row.parsed("outcome")?,
        reason: row.maybe_text("reason")?,
        created_at: row.time("created_at")?,
    })
}

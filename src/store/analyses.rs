//! What was found in a call's recordings.

use jiff::Timestamp;

use super::{Error, Note, Store, db::args, notes, rows::to_json};
use crate::{analysis::Analysis, ids::CallSid};

impl Store {
    /// Keeps the analysis of a call, in place of a former one, and the alerts that it raises as the
    /// call's notes, in place of the former ones. A call that was deleted meanwhile keeps none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_analysis(
        &self,
        call: &CallSid,
        analysis: &Analysis,
        alerts: &[Note],
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let kept = tx
            .run(
                "INSERT INTO analyses (call_sid, verdict, analysis, created_at)
                 SELECT sid, $2, $3, $4 FROM calls WHERE sid = $1
                 ON CONFLICT (call_sid) DO UPDATE SET verdict = excluded.verdict,
                    analysis = excluded.analysis, created_at = excluded.created_at",
                args![call.as_str(), analysis.verdict(), to_json(analysis), at],
            )
            .await?;
        if kept > 0 {
            tx.run(
                "DELETE FROM notes WHERE call_sid = $1 AND kind = 'recording_alert'",
                args![call.as_str()],
            )
            .await?;
            for alert in alerts {
                notes::insert(&mut tx, alert, at).await?;
            }
        }
        tx.commit().await
    }

    /// What the analysis of a call found, once it is done.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn analysis(&self, call: &CallSid) -> Result<Option<Analysis>, Error> {
        let row = self
            .db
            .row(
                "SELECT analysis FROM analyses WHERE call_sid = $1",
                args![call.as_str()],
            )
            .await?;
        row.map(|row| row.json("analysis")).transpose()
    }
}

//! Recordings whose end the rows never heard of: the database failed in that moment.

use anyhow::Context as _;

use super::{Context, Trouble};
use crate::{
    ids::CallSid,
    store::{Recording, RecordingEnd},
    tasks,
};

/// Closes what is open still by what lies on disk, and gives all recordings of the call.
pub(super) async fn adopt(
    context: &Context,
    call: &CallSid,
    recordings: Vec<Recording>,
) -> Result<Vec<Recording>, Trouble> {
    let open = recordings.iter().filter(|r| r.closed_at.is_none());
    let open: Vec<_> = open.map(|r| (r.key.clone(), r.parts.clone())).collect();
    if open.is_empty() {
        return Ok(recordings);
    }
    for (key, parts) in open {
        let path = parts.into_iter().next().map(|part| part.path);
        let found = tasks::blocking("find recording", move || {
            RecordingEnd::on_disk(&path.unwrap_or_default())
        });
        let end = found.await.context("the look for a recording died")?;
        let end = end.unwrap_or_else(|| RecordingEnd {
            parts: vec![],
            gaps: vec![],
            detail: serde_json::Value::Null,
            failed: Some("its file was not found".into()),
        });
        let now = context.clock.wall();
        context.store.record_closed(&key, &end, now).await?;
    }
    Ok(context.store.recordings(call).await?)
}

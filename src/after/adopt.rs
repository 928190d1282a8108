//! A call that is over, with all its recordings: also those whose end the rows never heard of, because
//! the database failed in that moment.

use std::time::Duration;

use anyhow::Context as _;

use super::{Context, Trouble};
use crate::{
    ids::CallSid,
    store::{Call, CallState, Recording, RecordingEnd, RecordingState, Stream},
    tasks,
    time::MediaTime,
};

/// How long a recording may take to be closed after its stream; then what is on disk is taken.
const CLOSE_WITHIN: Duration = Duration::from_secs(30);

/// What the jobs after a call begin with: the call, its streams, and its recordings, closed. `None` where
/// there is nothing to do: it was deleted meanwhile, or it goes on, and the close of its last stream asks
/// again.
pub(super) async fn over(
    context: &Context,
    call: &CallSid,
) -> Result<Option<(Call, Vec<Stream>, Vec<Recording>)>, Trouble> {
    let known = context.store.call(call).await?;
    let Some(known) = known.filter(|known| known.state != CallState::Live) else {
        return Ok(None);
    };
    let streams = context.store.streams(call).await?;
    let recordings = context.store.recordings(call).await?;
    wait_for_open(context, &streams, &recordings)?;
    let recordings = adopt(context, call, recordings).await?;
    let recordings = without_superseded(&streams, recordings);
    Ok(Some((known, streams, recordings)))
}

/// Where a downloaded recording holds most of one of ours, which lacked too much, only it counts: nobody's
/// words come twice.
fn without_superseded(streams: &[Stream], recordings: Vec<Recording>) -> Vec<Recording> {
    let is_usable =
        |one: &Recording| one.state != RecordingState::Deleted && one.duration > MediaTime::ZERO;
    let downloaded: Vec<&Stream> = streams
        .iter()
        .filter(|stream| stream.is_downloaded())
        .filter(|stream| {
            let mut its = recordings.iter().filter(|one| one.key.stream == stream.key);
            its.any(is_usable)
        })
        .collect();
    let is_within = |stream: &Stream| {
        let (start, end) = (stream.position, stream.position + stream.duration);
        downloaded.iter().any(|other| {
            let from = start.max(other.position);
            let to = end.min(other.position + other.duration);
            to.saturating_sub(from).0 * 2 >= stream.duration.0
        })
    };
    let superseded: Vec<&Stream> = streams
        .iter()
        .filter(|stream| !stream.is_downloaded() && is_within(stream))
        .collect();
    let stays = |one: &Recording| !superseded.iter().any(|s| s.key == one.key.stream);
    recordings.into_iter().filter(stays).collect()
}

/// The stream is closed before its recordings where the disk is slow.
fn wait_for_open(
    context: &Context,
    streams: &[Stream],
    recordings: &[Recording],
) -> Result<(), Trouble> {
    let now = context.clock.wall();
    let is_fresh = |recording: &Recording| {
        recording.closed_at.is_none()
            && streams.iter().any(|stream| {
                let closed = stream.closed_at.unwrap_or(now);
                stream.key == recording.key.stream && now < closed + CLOSE_WITHIN
            })
    };
    match recordings.iter().any(is_fresh) {
        true => Err(Trouble::Soon("a recording is still being closed".into())),
        false => Ok(()),
    }
}

/// Closes what is open still by what lies on disk, and gives all recordings of the call.
async fn adopt(
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

//! Once a day: recordings that are old enough become Ogg Opus.

use anyhow::Context as _;
use jiff::SignedDuration;
use metrics::counter;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Context, Job, Trouble, daily};
use crate::{
    recordings::archive::{self, is_archived},
    store::{Recording, RecordingPart, RecordingState, StreamKey},
    tasks,
};

/// Streams that are looked up at once.
const AT_ONCE: u32 = 100;

/// Archives the recordings older than the configured days. One that cannot be packed stays as it is until
/// tomorrow, and the others go on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Archive {}

impl Job for Archive {
    const KIND: &'static str = "archive";

    async fn run(&self, context: &Context, stop: &CancellationToken) -> Result<(), Trouble> {
        if context.archive_days > 0 {
            archive_all(context, stop).await?;
        }
        daily::tomorrow(context, Self::KIND).await?;
        Ok(())
    }

    async fn given_up(&self, context: &Context, _reason: &str) {
        daily::tomorrow_all_the_same(context, Self::KIND).await;
    }
}

async fn archive_all(context: &Context, stop: &CancellationToken) -> Result<(), Trouble> {
    let age = SignedDuration::from_hours(24 * i64::from(context.archive_days));
    let before = context.clock.wall() - age;
    let (mut archived, mut failed) = (0_u32, 0_u32);
    let mut last = None;
    loop {
        let streams = (context.store).to_archive(before, last.as_ref(), AT_ONCE);
        let streams = streams.await?;
        for stream in &streams {
            if stop.is_cancelled() {
                return Err(Trouble::Soon("the service stops".into()));
            }
            match archive_stream(context, stream).await {
                Ok(tracks) => archived += tracks,
                Err(error) => {
                    failed += 1;
                    counter!("callscribe_recordings_archive_failed_total").increment(1);
                    tracing::warn!(call = %stream.call, stream = stream.number, error = format!("{error:#}"), "a recording cannot be archived");
                }
            }
        }
        last = streams.into_iter().next_back();
        if last.is_none() {
            break;
        }
    }
    counter!("callscribe_recordings_archived_total").increment(archived.into());
    tracing::info!(recordings = archived, failed, "old recordings archived");
    Ok(())
}

/// Packs the tracks of a stream; gives how many.
async fn archive_stream(context: &Context, stream: &StreamKey) -> anyhow::Result<u32> {
    let recordings = context.store.recordings(&stream.call).await?;
    let (keys, files): (Vec<_>, Vec<_>) = (recordings.into_iter())
        .filter(|recording| recording.key.stream == *stream && is_ready(recording))
        .map(|recording| {
            let paths = recording.parts.into_iter().map(|part| part.path);
            (recording.key, paths.collect())
        })
        .unzip();
    let packed = tasks::aside("archive", move || archive::pack(files));
    let packed = packed.await.context("the archiving died")??;
    let part = |(channel, &frames): (usize, &u64)| RecordingPart {
        path: packed.path.clone(),
        frames,
        channel,
    };
    let parts = packed.frames.iter().enumerate().map(part);
    let moved: Vec<_> = keys.into_iter().zip(parts).collect();
    if !context.store.record_archived(&moved).await? {
        // It was deleted, or another node was faster.
        return Ok(0);
    }
    let settled = tasks::blocking("archive", move || packed.settle());
    (settled.await.context("the archiving died")?).context("its WAVs cannot all be removed")?;
    Ok(u32::try_from(moved.len()).unwrap_or(u32::MAX))
}

fn is_ready(recording: &Recording) -> bool {
    let settled = matches!(
        recording.state,
        RecordingState::Closed | RecordingState::Failed
    );
    let in_wavs =
        !recording.parts.is_empty() && !recording.parts.iter().any(|part| is_archived(&part.path));
    settled && in_wavs && recording.duration > crate::time::MediaTime::ZERO
}

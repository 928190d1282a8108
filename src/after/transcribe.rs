//! The final pass of a call: its recordings are heard again, whole, and the result replaces the live text.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::{Context, HeardTrack, Job, NoHearing, Told, Trouble, adopt::over};
use crate::{
    ids::CallSid,
    speech::ModelInfo,
    store::{Call, FinalText, Recording, RecordingState, Stream, TRANSCRIBE},
    tasks,
    time::MediaTime,
    transcript::{Segment, StreamCoverage, call_coverage, merge},
};

/// Hears all recordings of a call (streams, tracks, parts) and replaces its transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcribe {
    pub call: CallSid,
}

/// A recording, what was heard on it, and what it lacks.
struct Heard {
    recording: Recording,
    position: MediaTime,
    stream_duration: MediaTime,
    speaker: Option<String>,
    track: HeardTrack,
    /// For people: `inbound recording of stream 1: disk full`.
    lacking: Option<String>,
}

impl Job for Transcribe {
    const KIND: &'static str = TRANSCRIBE;

    async fn run(&self, context: &Context, stop: &CancellationToken) -> Result<(), Trouble> {
        let Some((call, streams, recordings)) = over(context, &self.call).await? else {
            return Ok(());
        };
        let usable =
            |r: &Recording| r.state != RecordingState::Deleted && r.duration > MediaTime::ZERO;
        if !recordings.iter().any(usable) {
            return self.settle(context, nothing_to_hear(&recordings)).await;
        }
        let model = match context.hearing.model() {
            Ok(model) => model,
            Err(NoHearing::Off(why)) => return self.settle(context, why).await,
            Err(why) => return Err(trouble(context, why)),
        };
        let heard = hear_all(context, &call, streams, recordings, stop).await?;
        self.replace(context, &call, model, heard).await
    }

    async fn will_retry(&self, context: &Context, reason: &str) {
        self.tell_failure(context, reason, false).await;
    }

    async fn given_up(&self, context: &Context, reason: &str) {
        self.tell_failure(context, reason, true).await;
    }
}

impl Transcribe {
    /// No final pass: the live text is what there is.
    async fn settle(&self, context: &Context, why: String) -> Result<(), Trouble> {
        let now = context.clock.wall();
        let state = context
            .store
            .settle_without_final(&self.call, &why, now)
            .await?;
        tracing::info!(call = %self.call, %state, reason = why, "no final pass");
        let told = Told::Settled { state, reason: why };
        (context.observer)(&self.call, &told);
        Ok(())
    }

    async fn replace(
        &self,
        context: &Context,
        call: &Call,
        model: ModelInfo,
        heard: Vec<Heard>,
    ) -> Result<(), Trouble> {
        let text = final_text(context, call, model, heard);
        let now = context.clock.wall();
        let replaced = context.store.replace_transcript(&text, now).await?;
        metrics::counter!("callscribe_transcripts_total", "state" => replaced.state.as_str())
            .increment(1);
        tracing::info!(
            call = %self.call,
            version = replaced.version,
            served = replaced.served_version,
            reason = replaced.served_reason,
            "final pass done"
        );
        (context.observer)(&self.call, &Told::Replaced(replaced));
        Ok(())
    }

    async fn tell_failure(&self, context: &Context, reason: &str, given_up: bool) {
        let now = context.clock.wall();
        let stored = context
            .store
            .final_failed(&self.call, reason, given_up, now);
        if let Err(error) = stored.await {
            tracing::error!(call = %self.call, %error, "the failed final pass cannot be noted");
        }
        let reason = reason.to_owned();
        let told = match given_up {
            true => Told::GivenUp { reason },
            false => Told::Waiting { reason },
        };
        (context.observer)(&self.call, &told);
    }
}

fn nothing_to_hear(recordings: &[Recording]) -> String {
    match recordings.iter().find_map(|r| r.failed.as_deref()) {
        Some(failed) => format!("the recording failed ({failed})"),
        None if recordings.is_empty() => "the call was not recorded".into(),
        None => "the recordings hold no audio".into(),
    }
}

async fn hear_all(
    context: &Context,
    call: &Call,
    streams: Vec<Stream>,
    recordings: Vec<Recording>,
    stop: &CancellationToken,
) -> Result<Vec<Heard>, Trouble> {
    let mut all = Vec::new();
    let total = recordings.iter().map(|r| r.duration);
    let total = total.fold(MediaTime::ZERO, |sum, length| sum + length);
    let _under = context.progress.begin(&call.sid, total);
    let mut before = MediaTime::ZERO;
    for recording in recordings {
        let stream = streams.iter().find(|s| s.key == recording.key.stream);
        let stream = stream.context("a recording without its stream")?;
        let (track, unreadable) = hear(context, call, &recording, before, stop).await?;
        before += recording.duration;
        let lacking = unreadable.or_else(|| recording.failed.clone()).map(|why| {
            let (track, number) = (recording.key.track, recording.key.stream.number);
            format!("the {track} recording of stream {number}: {why}")
        });
        all.push(Heard {
            position: stream.position,
            stream_duration: stream.duration.max(recording.duration),
            speaker: stream.speaker(recording.key.track).map(Into::into),
            recording,
            track,
            lacking,
        });
    }
    Ok(all)
}

/// What one recording says, after `before` of others. One that cannot be read says nothing, and why; the others
/// still count.
async fn hear(
    context: &Context,
    call: &Call,
    recording: &Recording,
    before: MediaTime,
    stop: &CancellationToken,
) -> Result<(HeardTrack, Option<String>), Trouble> {
    if recording.state == RecordingState::Deleted {
        return Ok((
            HeardTrack::default(),
            Some("deleted, its time was up".into()),
        ));
    }
    if recording.duration == MediaTime::ZERO {
        return Ok((HeardTrack::default(), None));
    }
    let hearing = Arc::clone(&context.hearing);
    let parts = recording.parts.clone();
    let (language, stop) = (call.language.clone(), stop.clone());
    let (progress, sid) = (context.progress.clone(), call.sid.clone());
    let heard = tasks::blocking("final pass", move || {
        let far = |at| progress.heard(&sid, before + at);
        hearing.hear(&parts, language.as_deref(), &far, &stop)
    });
    match heard.await.context("the final pass died")? {
        Ok(track) => Ok((track, None)),
        Err(NoHearing::Unreadable(why)) => {
            tracing::warn!(call = %call.sid, track = %recording.key.track, error = why, "a recording cannot be read");
            Ok((HeardTrack::default(), Some(why)))
        }
        Err(why) => Err(trouble(context, why)),
    }
}

fn trouble(context: &Context, why: NoHearing) -> Trouble {
    match why {
        NoHearing::NotYet(why) => Trouble::NotYet {
            why,
            again_in: Duration::from_secs(context.options.model_retry_s.into()),
        },
        NoHearing::Stopped => Trouble::Soon(why.to_string()),
        NoHearing::Off(why) | NoHearing::Unreadable(why) | NoHearing::Failed(why) => {
            Trouble::Failed(anyhow::anyhow!(why))
        }
    }
}

fn final_text(context: &Context, call: &Call, model: ModelInfo, heard: Vec<Heard>) -> FinalText {
    let parameters = context.hearing.parameters();
    let fingerprint = fingerprint(call, &model, &parameters, &heard);
    let lacking: Vec<&str> = heard.iter().filter_map(|h| h.lacking.as_deref()).collect();
    let reason = match &lacking[..] {
        [] => "after the call".into(),
        lacking => format!("after the call, without {}", lacking.join("; ")),
    };
    let language = call.language.clone().or_else(|| main_language(&heard));
    let coverage = coverage(call.duration, &heard);
    let segments = heard.into_iter().flat_map(segments).collect();
    FinalText {
        call: call.sid.clone(),
        model,
        parameters,
        language,
        duration: call.duration,
        segments: merge(segments),
        coverage,
        reason,
        fingerprint,
    }
}

fn segments(heard: Heard) -> impl Iterator<Item = Segment> {
    let Heard {
        recording,
        position,
        speaker,
        track,
        ..
    } = heard;
    let utterances = track.utterances.into_iter();
    utterances.map(move |(start, end, text, words)| {
        let segment = Segment {
            track: recording.key.track,
            speaker: speaker.clone(),
            start,
            end,
            text,
            words,
        };
        segment.shifted(position)
    })
}

fn coverage(duration: MediaTime, heard: &[Heard]) -> Vec<crate::transcript::TrackSpan> {
    let streams: Vec<StreamCoverage> = heard
        .iter()
        .map(|heard| StreamCoverage {
            track: heard.recording.key.track,
            position: heard.position,
            duration: heard.stream_duration,
            spans: heard.track.coverage.clone(),
            gaps: heard.recording.gaps.clone(),
            failed: heard.lacking.is_some(),
        })
        .collect();
    call_coverage(duration, &streams)
}

/// The language in which most was said.
fn main_language(heard: &[Heard]) -> Option<String> {
    let said = |heard: &Heard| -> usize {
        let texts = heard
            .track
            .utterances
            .iter()
            .map(|(_, _, text, _)| text.len());
        texts.sum()
    };
    let most = heard
        .iter()
        .filter(|h| h.track.language.is_some())
        .max_by_key(|h| said(h));
    most.and_then(|heard| heard.track.language.clone())
}

/// The same recordings, model and parameters make the same version.
fn fingerprint(
    call: &Call,
    model: &ModelInfo,
    parameters: &serde_json::Value,
    heard: &[Heard],
) -> String {
    let recordings: Vec<_> = heard
        .iter()
        .map(|h| (&h.recording.key, &h.recording.parts, h.lacking.is_some()))
        .collect();
    let all = serde_json::json!([model, parameters, call.language, recordings]);
    let digest = Sha256::digest(all.to_string());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

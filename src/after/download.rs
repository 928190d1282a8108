//! A recording that the provider made: fetched, and made a recording of the call, where ours do not cover
//! it. Whatever comes of it is stored with its reason, and the call goes on with the best there is.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use metrics::counter;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{
    Context, Job, Told, Trouble,
    fetch::{NoFetch, Wanted},
};
use crate::{
    audio::decode,
    ids::{StreamSid, Track},
    recordings::{
        self, Spec,
        import::{ImportError, downloads, import},
    },
    store::{
        self, CallState, DOWNLOAD, Downloaded, ProviderRecording, RecordingEnd, RecordingOutcome,
    },
    tasks,
};

mod cover;

use cover::{Cover, cover, start};

/// How long a call that goes on is left alone: its own recording decides.
const WHILE_LIVE: Duration = Duration::from_secs(5);

/// Fetches one recording and hands it to the jobs that follow a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Download {
    /// `RE…`.
    pub recording: StreamSid,
}

impl Job for Download {
    const KIND: &'static str = DOWNLOAD;

    async fn run(&self, context: &Context, stop: &CancellationToken) -> Result<(), Trouble> {
        let known = context.store.provider_recording(&self.recording).await?;
        let is_waiting = |known: &ProviderRecording| known.outcome == RecordingOutcome::Waiting;
        let Some(theirs) = known.filter(is_waiting) else {
            return Ok(());
        };
        if theirs.status != "completed" {
            let reason = format!("the provider says that it is {}", theirs.status);
            return self.fail(context, &reason).await;
        }
        match judge(context, &theirs).await? {
            Cover::Whole(why) => self.pass_over(context, &why).await,
            Cover::Lacks(what) => self.take(context, &theirs, &what, stop).await,
        }
    }

    async fn given_up(&self, context: &Context, reason: &str) {
        if let Err(error) = self.note_failure(context, reason).await {
            tracing::error!(recording = %self.recording, %error, "a lost recording cannot be noted: the next start does it");
        }
    }
}

impl Download {
    /// Ours is as good: it is on the call's time line, and has been heard live.
    async fn pass_over(&self, context: &Context, why: &str) -> Result<(), Trouble> {
        let now = context.clock.wall();
        let store = &context.store;
        if store.recording_unused(&self.recording, why, now).await? {
            tracing::info!(recording = %self.recording, reason = why, "a recording of the provider's is not needed");
            count(RecordingOutcome::Unused);
        }
        Ok(())
    }

    async fn take(
        &self,
        context: &Context,
        theirs: &ProviderRecording,
        what: &str,
        stop: &CancellationToken,
    ) -> Result<(), Trouble> {
        let folder = downloads(&context.recordings);
        let Some(url) = theirs.url.clone() else {
            return self.fail(context, "the provider gave no address").await;
        };
        let wanted = Wanted {
            recording: self.recording.clone(),
            url,
            channels: theirs.channels,
            account_sid: theirs.account_sid.clone(),
        };
        let file = tokio::select! {
            () = stop.cancelled() => return Err(stopping()),
            fetched = context.fetcher.fetch(&wanted, &folder) => fetched,
        };
        let file = match file {
            Ok(file) => file,
            Err(NoFetch::NotReady(why)) => return self.not_ready(context, theirs, why).await,
            Err(NoFetch::Failed(why)) => return Err(Trouble::Failed(anyhow::anyhow!(why))),
            Err(NoFetch::Refused(why)) => return self.fail(context, &why).await,
        };
        let downloaded = make_recordings(context, theirs, file, stop).await?;
        let now = context.clock.wall();
        let reason = format!("{what}; {} s were downloaded", seconds(&downloaded));
        let store = &context.store;
        if store.recording_used(&downloaded, &reason, now).await? {
            tracing::info!(recording = %self.recording, call = %theirs.call, reason, "a recording of the provider's is used");
            count(RecordingOutcome::Used);
            (context.observer)(&theirs.call, &Told::Lead);
            return Ok(());
        }
        // Somebody was faster, or the call was deleted meanwhile: then its audio goes too.
        if store.provider_recording(&self.recording).await?.is_none() {
            discard(context, theirs).await;
        }
        Ok(())
    }

    async fn not_ready(
        &self,
        context: &Context,
        theirs: &ProviderRecording,
        why: String,
    ) -> Result<(), Trouble> {
        let passed = context.clock.wall().duration_since(theirs.created_at);
        let passed = Duration::try_from(passed).unwrap_or(Duration::ZERO);
        match context.fetcher.options().next_look(passed) {
            Some(again_in) => Err(Trouble::NotYet { why, again_in }),
            None => {
                let waited = passed.as_secs();
                self.fail(context, &format!("{why}, still not after {waited} s"))
                    .await
            }
        }
    }

    /// It cannot be had. The rows are told before the job is dead: a crash in between tells them again.
    async fn fail(&self, context: &Context, reason: &str) -> Result<(), Trouble> {
        self.note_failure(context, reason).await?;
        Err(Trouble::Hopeless(anyhow::anyhow!(reason.to_owned())))
    }

    async fn note_failure(&self, context: &Context, reason: &str) -> Result<(), store::Error> {
        let now = context.clock.wall();
        let noted = context.store.recording_failed(&self.recording, reason, now);
        if noted.await? {
            count(RecordingOutcome::Failed);
        }
        Ok(())
    }
}

/// What the call's own recordings are worth, once they are all closed.
async fn judge(context: &Context, theirs: &ProviderRecording) -> Result<Cover, Trouble> {
    let call = context.store.call(&theirs.call).await?;
    let streams = context.store.streams(&theirs.call).await?;
    let ours = context.store.recordings(&theirs.call).await?;
    let is_live = call.is_some_and(|call| call.state == CallState::Live);
    if is_live || ours.iter().any(|one| one.closed_at.is_none()) {
        return Err(Trouble::NotYet {
            why: "our own recording of the call is not done".into(),
            again_in: WHILE_LIVE,
        });
    }
    let may_lack = Duration::from_secs(context.fetcher.options().may_lack_s.into());
    Ok(cover(theirs, &streams, &ours, may_lack))
}

/// Decodes the file into WAVs of ours. A file that holds no audio is thrown away, so that another try
/// fetches it anew.
async fn make_recordings(
    context: &Context,
    theirs: &ProviderRecording,
    file: PathBuf,
    stop: &CancellationToken,
) -> Result<Downloaded, Trouble> {
    let (folder, sid, call) = (
        context.recordings.clone(),
        theirs.sid.clone(),
        theirs.call.clone(),
    );
    let started = start(theirs).at;
    let mono = mono_track(theirs);
    let stop = stop.clone();
    let work = move || {
        let spec = |track: &Track| Spec {
            call_sid: call.clone(),
            stream_sid: sid.clone(),
            track: *track,
            speaker: None,
            started,
        };
        let made = decoded(&folder, &file, mono, spec, &stop);
        if matches!(made, Err(ImportError::Audio(_))) {
            let _ = std::fs::remove_file(&file);
        }
        made
    };
    let made = tasks::blocking("import", work).await;
    let tracks = match made.context("the import of a recording died")? {
        Ok(tracks) => tracks,
        Err(ImportError::Stopped) => return Err(stopping()),
        Err(error) => return Err(Trouble::Failed(error.into())),
    };
    Ok(Downloaded {
        sid: theirs.sid.clone(),
        started_at: started,
        tracks,
    })
}

fn decoded(
    folder: &Path,
    file: &Path,
    mono: Track,
    spec: impl Fn(&Track) -> Spec,
    stop: &CancellationToken,
) -> Result<Vec<(Track, RecordingEnd)>, ImportError> {
    let mut audio = decode::open(file)?;
    // Twilio's first channel is the caller, or whoever was called first.
    let tracks = match audio.channels() {
        1 => vec![mono],
        _ => Track::ALL.to_vec(),
    };
    let specs: Vec<Spec> = tracks.iter().map(spec).collect();
    let made = import(folder, &mut audio, &specs, || stop.is_cancelled())?;
    let ends = made.into_iter().map(RecordingEnd::from);
    Ok(tracks.into_iter().zip(ends).collect())
}

/// Whose the only channel is: the caller's, unless only the other side was recorded.
fn mono_track(theirs: &ProviderRecording) -> Track {
    let said = theirs.details.get("RecordingTrack");
    let said = said.and_then(serde_json::Value::as_str);
    said.and_then(|track| track.parse().ok())
        .unwrap_or(Track::Inbound)
}

fn seconds(downloaded: &Downloaded) -> u64 {
    let ends = downloaded.tracks.iter().map(|(_, end)| end);
    let frames = ends.map(|end| end.parts.iter().map(|part| part.frames).sum::<u64>());
    frames.max().unwrap_or(0) / crate::time::ENGINE_RATE
}

async fn discard(context: &Context, theirs: &ProviderRecording) {
    let (folder, call) = (context.recordings.clone(), theirs.call.clone());
    let gone = tasks::blocking("discard", move || {
        recordings::retention::delete_call(&folder, &call)
    });
    if !matches!(gone.await, Ok(Ok(_))) {
        tracing::error!(call = %theirs.call, "the audio of a deleted call stays: `callscribe purge` deletes it");
    }
}

fn stopping() -> Trouble {
    Trouble::Soon("the service is stopping".into())
}

fn count(outcome: RecordingOutcome) {
    counter!("callscribe_provider_recordings_total", "outcome" => outcome.as_str()).increment(1);
}

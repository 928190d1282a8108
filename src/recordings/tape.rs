//! The recorder's face to a call: one [`Tape`] for each track of each stream.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{
    recorder::Queue,
    sidecar::{Gap, Mark, State},
};
use crate::{
    audio::level::{Levels, Verdict},
    ids::{CallSid, StreamSid, Track},
    time::MediaTime,
};

/// Gaps that a sidecar lists; further ones are only counted.
const GAPS: usize = 10_000;
/// Marks that a sidecar lists; further ones are left out.
const MARKS: usize = 1_000;

/// Why a recording fails that was opened too late.
pub(super) const STOPPED: &str = "the recorder had stopped";

/// Whose audio a tape holds.
#[derive(Debug, Clone)]
pub struct Spec {
    pub call_sid: CallSid,
    pub stream_sid: StreamSid,
    pub track: Track,
    /// Who speaks, as the call named them; the track's name stands in the file name where nobody did.
    pub speaker: Option<String>,
    /// When the stream started: sample 0.
    pub started: Timestamp,
}

/// How a tape is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The first part.
    pub path: PathBuf,
    /// Why audio is being lost, if it is.
    pub failed: Option<String>,
    /// Samples lost so far.
    pub dropped: u64,
}

/// What a closed tape left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The first part; it may be missing when the recording failed.
    pub path: PathBuf,
    /// All parts, in order.
    pub parts: Vec<PathBuf>,
    /// Samples at 16 kHz in all parts.
    pub frames: u64,
    pub gaps: Vec<Gap>,
    pub levels: Levels,
    pub verdict: Verdict,
    /// Why audio is missing from the end, if it is.
    pub failed: Option<String>,
    /// Samples that are missing from the end.
    pub dropped: u64,
}

impl Summary {
    /// How much audio the parts hold.
    #[must_use]
    pub const fn duration(&self) -> MediaTime {
        MediaTime::from_engine_samples(self.frames)
    }
}

/// Takes the samples of one track. Nothing here waits: not for the disk, and for the writer no longer
/// than it takes to swap two buffers.
#[derive(Debug)]
pub struct Tape {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    closed: bool,
}

impl Tape {
    pub(super) const fn new(shared: Arc<Shared>, queue: Arc<Queue>) -> Self {
        Self {
            shared,
            queue,
            closed: false,
        }
    }

    /// Appends 16 kHz samples. They are on disk within half a second. When the disk stalls for longer
    /// than the buffer lasts, this recording ends there and says so; announced silence, which comes all
    /// at once, does not count.
    pub fn write(&self, samples: &[i16]) {
        let mut inbox = self.shared.inbox();
        let open = inbox.failed.is_none() && inbox.ended.is_none();
        inbox.expect(samples.len());
        if open && inbox.samples.len() + samples.len() > self.shared.bound + inbox.silence {
            let seconds = self.shared.bound as u64 / crate::time::ENGINE_RATE;
            let text = format!("the disk did not keep up: {seconds} s of audio waited for it");
            self.shared.fail(&mut inbox, "overflow", text);
        }
        if inbox.failed.is_some() || inbox.ended.is_some() {
            inbox.drop_samples(samples.len());
        } else {
            inbox.samples.extend_from_slice(samples);
        }
    }

    /// Notes that `len` of audio at `at` was lost; the silence in its place comes by [`Self::write`].
    pub fn gap(&self, at: MediaTime, len: MediaTime) {
        let mut inbox = self.shared.inbox();
        inbox.changed = true;
        inbox.announced += usize::try_from(len.as_engine_samples()).unwrap_or(0);
        let listed = inbox.gaps.len();
        match inbox.gaps.last_mut() {
            Some(last) if last.at + last.len == at => last.len += len,
            _ if listed < GAPS => inbox.gaps.push(Gap { at, len }),
            _ => inbox.gaps_unlisted += 1,
        }
    }

    /// Notes a named moment.
    pub fn mark(&self, name: &str, at: MediaTime) {
        let mut inbox = self.shared.inbox();
        if inbox.marks.len() < MARKS {
            inbox.changed = true;
            inbox.marks.push(Mark {
                name: name.to_owned(),
                at,
            });
        }
    }

    /// Whether more than half of what may wait for the disk does.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.shared.inbox().samples.len() > self.shared.bound / 2
    }

    #[must_use]
    pub fn status(&self) -> Status {
        let inbox = self.shared.inbox();
        Status {
            path: inbox.path.clone(),
            failed: inbox.failed.clone(),
            dropped: inbox.dropped,
        }
    }

    /// Closes the recording. The order goes out at once; the future only waits for it to be done, and
    /// may be dropped.
    pub fn close(mut self) -> impl Future<Output = Summary> + Send + 'static {
        let (reply, summary) = oneshot::channel();
        self.end(State::Complete, Some(reply));
        let shared = Arc::clone(&self.shared);
        async move {
            summary
                .await
                .unwrap_or_else(|_| shared.summary_without_writer())
        }
    }

    fn end(&mut self, state: State, reply: Option<oneshot::Sender<Summary>>) {
        self.closed = true;
        self.shared.inbox().closing = Some(Closing { state, reply });
        if !self.queue.close(self.shared.id) {
            self.shared.abandon();
        }
    }
}

impl Drop for Tape {
    /// The fallback for a call that could not close its tape.
    fn drop(&mut self) {
        if !self.closed {
            self.end(State::Interrupted, None);
        }
    }
}

/// What tape and writer share.
#[derive(Debug)]
pub(super) struct Shared {
    pub id: u64,
    pub spec: Spec,
    /// The most samples that wait in the inbox. Beyond it the recording fails; audio is never dropped
    /// from its middle.
    bound: usize,
    inbox: Mutex<Inbox>,
}

/// What the tape has gathered since the last sweep, and what both know.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    pub samples: Vec<i16>,
    /// Silence that [`Tape::gap`] announced and that has not come yet, in samples.
    announced: usize,
    /// … and that is among `samples`.
    silence: usize,
    pub gaps: Vec<Gap>,
    pub gaps_unlisted: u64,
    pub marks: Vec<Mark>,
    /// The sidecar lags behind `gaps` or `marks`.
    pub changed: bool,
    pub path: PathBuf,
    pub failed: Option<String>,
    pub dropped: u64,
    pub closing: Option<Closing>,
    /// The writer closed the recording before the tape did: the process is going down.
    pub ended: Option<Summary>,
}

#[derive(Debug)]
pub(super) struct Closing {
    pub state: State,
    pub reply: Option<oneshot::Sender<Summary>>,
}

impl Shared {
    pub(super) fn new(id: u64, spec: Spec, bound: usize, path: PathBuf) -> Self {
        let inbox = Inbox {
            path,
            ..Inbox::default()
        };
        Self {
            id,
            spec,
            bound,
            inbox: Mutex::new(inbox),
        }
    }

    pub(super) fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes, logs and counts the first failure of this recording.
    pub(super) fn fail(&self, inbox: &mut Inbox, reason: &'static str, text: String) {
        if inbox.failed.is_some() {
            return;
        }
        metrics::counter!("callscribe_recording_failures_total", "reason" => reason).increment(1);
        tracing::error!(
            call = %self.spec.call_sid,
            stream = %self.spec.stream_sid,
            track = %self.spec.track,
            reason,
            error = text,
            "recording failed; the call goes on without it"
        );
        inbox.failed = Some(text);
    }

    /// The writer is gone: whoever waits for it is let go.
    pub(super) fn abandon(&self) {
        let closing = self.inbox().closing.take();
        drop(closing);
    }

    /// What can be said when no writer answers: what it said when it stopped, or that it failed.
    fn summary_without_writer(&self) -> Summary {
        let mut inbox = self.inbox();
        if let Some(summary) = inbox.ended.take() {
            return summary;
        }
        self.fail(&mut inbox, "stopped", STOPPED.to_owned());
        Summary {
            path: inbox.path.clone(),
            parts: vec![inbox.path.clone()],
            frames: 0,
            gaps: inbox.gaps.clone(),
            levels: Levels::default(),
            verdict: Verdict::Empty,
            failed: inbox.failed.clone(),
            dropped: inbox.dropped,
        }
    }
}

impl Inbox {
    /// Takes what waits, in exchange for an empty buffer.
    pub(super) fn swap(&mut self, samples: &mut Vec<i16>) {
        std::mem::swap(&mut self.samples, samples);
        self.silence = 0;
    }

    fn expect(&mut self, samples: usize) {
        let silence = self.announced.min(samples);
        self.announced -= silence;
        self.silence += silence;
    }

    pub(super) fn drop_samples(&mut self, samples: usize) {
        self.dropped += samples as u64;
        metrics::counter!("callscribe_recording_dropped_samples_total").increment(samples as u64);
    }
}

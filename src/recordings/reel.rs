//! The writer's side of one tape: its files, its levels, its sidecar.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    Options, name,
    part::OpenPart,
    sidecar::{Part, SCHEMA, Sidecar, State},
    tape::{Shared, Summary},
};
use crate::{
    audio::{level::Meter, wav::SAMPLE},
    time::{ENGINE_RATE, MediaTime},
};

/// Sweeps between two looks at whether the file was deleted (3 s).
const LOOK_EVERY: u64 = 8;
/// Sweeps between two sidecars while recording, when gaps or marks came in (10 s).
pub(super) const SIDECAR_EVERY: u64 = 25;
/// Names that are tried before the recording fails.
const NAMES: u32 = 100;
/// A buffer that a stall has blown up beyond this many samples (4 s) is not kept.
const KEEP: usize = 1 << 16;

/// Buffers that serve all tapes in turn: swapping one with a tape's leaves that tape another, as large.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Empty between two tapes.
    samples: Vec<i16>,
    bytes: Vec<u8>,
}

pub(super) struct Reel {
    shared: Arc<Shared>,
    folder: PathBuf,
    part_data: u64,
    /// The name that was reserved, and the one that the files have.
    reserved: String,
    stem: String,
    /// Every part stays open, and so locked; the last one is written. Empty when none could be made.
    parts: Vec<OpenPart>,
    meter: Meter,
    /// A write failed: the file has ended.
    broken: bool,
}

impl Reel {
    /// Makes the files.
    pub(super) fn start(options: &Options, shared: Arc<Shared>, reserved: String) -> Self {
        let mut reel = Self {
            shared,
            folder: options.folder.clone(),
            part_data: options.part_data(),
            stem: reserved.clone(),
            reserved,
            parts: Vec::new(),
            meter: Meter::default(),
            broken: false,
        };
        match reel.create() {
            Ok(part) => {
                reel.parts.push(part);
                reel.log_start();
                reel.write_sidecar(State::Recording, None);
            }
            Err(error) => reel.broke(
                "create",
                &format!("cannot make a file in {}", options.folder.display()),
                &error,
            ),
        }
        reel
    }

    pub(super) fn id(&self) -> u64 {
        self.shared.id
    }

    pub(super) fn reserved(&self) -> &str {
        &self.reserved
    }

    /// Takes what the tape has gathered to disk.
    pub(super) fn sweep(&mut self, scratch: &mut Scratch, sweeps: u64) {
        self.drain(scratch);
        let turn = sweeps.wrapping_add(self.shared.id);
        if turn.is_multiple_of(LOOK_EVERY) {
            self.look();
        }
        if turn.is_multiple_of(SIDECAR_EVERY) && self.shared.inbox().changed {
            self.write_sidecar(State::Recording, None);
        }
    }

    /// Writes the rest and the sidecar, and tells whoever waits.
    pub(super) fn finish(mut self, scratch: &mut Scratch, now: Timestamp) {
        self.drain(scratch);
        self.look();
        let closing = self.shared.inbox().closing.take();
        let (state, reply) = closing.map_or((State::Interrupted, None), |c| (c.state, c.reply));
        let failed = self.shared.inbox().failed.is_some();
        let state = if failed { State::Failed } else { state };
        self.write_sidecar(state, Some(now));
        let summary = self.summary();
        self.log_end(state, &summary);
        match reply {
            // Nobody may be waiting any more.
            Some(reply) => drop(reply.send(summary)),
            None => self.shared.inbox().ended = Some(summary),
        }
    }

    fn drain(&mut self, scratch: &mut Scratch) {
        let mut samples = std::mem::take(&mut scratch.samples);
        self.shared.inbox().swap(&mut samples);
        if !samples.is_empty() {
            self.keep(&samples, &mut scratch.bytes);
            samples.clear();
        }
        if samples.capacity() <= KEEP {
            scratch.samples = samples;
        }
    }

    fn keep(&mut self, samples: &[i16], bytes: &mut Vec<u8>) {
        if self.broken {
            self.shared.inbox().drop_samples(samples.len());
            return;
        }
        let before = self.data();
        let written = self.append(samples, bytes);
        let kept = usize::try_from((self.data() - before) / SAMPLE).unwrap_or(samples.len());
        self.meter.push(&samples[..kept]);
        metrics::counter!("callscribe_recording_bytes_total").increment(self.data() - before);
        if let Err(error) = written {
            self.shared.inbox().drop_samples(samples.len() - kept);
            self.broke("write", "cannot write the recording", &error);
        }
    }

    /// Appends to the last part, and goes on in a new one where it is full.
    fn append(&mut self, mut samples: &[i16], bytes: &mut Vec<u8>) -> io::Result<()> {
        while !samples.is_empty() {
            let room = self
                .parts
                .last()
                .map_or(0, |part| self.part_data - part.data());
            let fits = samples
                .len()
                .min(usize::try_from(room / SAMPLE).unwrap_or(usize::MAX));
            if fits == 0 {
                let path = name::part_path(&self.folder, &self.stem, self.parts.len() + 1);
                self.parts.push(OpenPart::create(&path)?);
                self.write_sidecar(State::Recording, None);
                continue;
            }
            let (now, later) = samples.split_at(fits);
            if let Some(part) = self.parts.last_mut() {
                part.append(now, bytes)?;
            }
            samples = later;
        }
        Ok(())
    }

    /// Notices a recording that was deleted under way.
    fn look(&mut self) {
        if !self.broken && !self.parts.iter().all(OpenPart::is_linked) {
            let gone = io::Error::from(io::ErrorKind::NotFound);
            self.broke(
                "removed",
                "the file was removed while it was being written",
                &gone,
            );
        }
    }

    /// Makes the first part, under another name where the reserved one has a file already.
    fn create(&mut self) -> io::Result<OpenPart> {
        let spec = &self.shared.spec;
        let mut attempt = 0;
        loop {
            let path = name::part_path(&self.folder, &self.stem, 1);
            match OpenPart::create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < NAMES => {
                    attempt += 1;
                    let speaker = spec.speaker.as_deref();
                    self.stem =
                        name::stem(speaker, spec.track, &spec.stream_sid, spec.started, attempt);
                }
                done => {
                    self.shared.inbox().path = path;
                    return done;
                }
            }
        }
    }

    fn broke(&mut self, reason: &'static str, what: &str, error: &io::Error) {
        self.broken = true;
        self.shared
            .fail(&mut self.shared.inbox(), reason, format!("{what}: {error}"));
    }

    fn data(&self) -> u64 {
        self.parts.iter().map(OpenPart::data).sum()
    }

    fn paths(&self) -> Vec<PathBuf> {
        let numbers = 1..=self.parts.len().max(1);
        numbers
            .map(|number| name::part_path(&self.folder, &self.stem, number))
            .collect()
    }

    fn summary(&self) -> Summary {
        let inbox = self.shared.inbox();
        Summary {
            path: inbox.path.clone(),
            parts: self.paths(),
            frames: self.data() / SAMPLE,
            gaps: inbox.gaps.clone(),
            levels: self.meter.levels(),
            verdict: self.meter.verdict(),
            failed: inbox.failed.clone(),
            dropped: inbox.dropped,
        }
    }

    /// A sidecar that cannot be written is worth a line, and no more: the audio is what counts.
    fn write_sidecar(&self, state: State, ended_at: Option<Timestamp>) {
        if self.parts.is_empty() {
            return;
        }
        let sidecar = self.sidecar(state, ended_at);
        let path = name::sidecar_path(&self.folder, &self.stem);
        if let Err(error) = sidecar.write(&path) {
            metrics::counter!("callscribe_recording_failures_total", "reason" => "sidecar")
                .increment(1);
            let spec = &self.shared.spec;
            tracing::warn!(call = %spec.call_sid, stream = %spec.stream_sid, %error, "no sidecar");
        }
    }

    fn sidecar(&self, state: State, ended_at: Option<Timestamp>) -> Sidecar {
        let spec = &self.shared.spec;
        let mut inbox = self.shared.inbox();
        inbox.changed = false;
        let closed = ended_at.is_some();
        let frames = self.data() / SAMPLE;
        Sidecar {
            schema: SCHEMA,
            state,
            call_sid: spec.call_sid.clone(),
            stream_sid: spec.stream_sid.clone(),
            track: spec.track,
            speaker: spec.speaker.clone(),
            started_at: spec.started,
            ended_at,
            sample_rate: ENGINE_RATE,
            frames,
            duration: MediaTime::from_engine_samples(frames),
            parts: self.listed(),
            gaps: inbox.gaps.clone(),
            gaps_unlisted: inbox.gaps_unlisted,
            marks: inbox.marks.clone(),
            levels: closed.then(|| self.meter.levels()),
            verdict: closed.then(|| self.meter.verdict()),
            failed: inbox.failed.clone(),
            dropped: inbox.dropped,
        }
    }

    fn listed(&self) -> Vec<Part> {
        let paths = self.paths();
        let parts = paths.iter().zip(&self.parts);
        parts
            .map(|(path, part)| Part {
                file: file_name(path),
                frames: part.data() / SAMPLE,
                channel: 0,
            })
            .collect()
    }

    fn log_start(&self) {
        let spec = &self.shared.spec;
        tracing::info!(
            call = %spec.call_sid,
            stream = %spec.stream_sid,
            track = %spec.track,
            file = name::for_log(&self.stem),
            "recording"
        );
    }

    fn log_end(&self, state: State, summary: &Summary) {
        let spec = &self.shared.spec;
        tracing::info!(
            call = %spec.call_sid,
            stream = %spec.stream_sid,
            track = %spec.track,
            file = name::for_log(&self.stem),
            seconds = summary.duration().as_secs(),
            frames = summary.frames,
            gaps = summary.gaps.len(),
            rms = summary.levels.active_rms,
            verdict = summary.verdict.as_str(),
            dropped = summary.dropped,
            ?state,
            "recording closed"
        );
        metrics::counter!("callscribe_recordings_total", "verdict" => summary.verdict.as_str())
            .increment(1);
    }
}

impl Drop for Reel {
    /// Where the writer panics, nobody waits for ever.
    fn drop(&mut self) {
        self.shared.abandon();
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

//! One recording through the final pass, or through the live engine over simulated time.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};

use super::{corpus::Item, watch::Watch};
use crate::{
    audio::resample::Upsampler,
    cli::{
        phone::{Choice, Source},
        transcribe::{self, Bar},
    },
    ids::Track,
    speech::{
        Decoded, Engine, EngineError, Session, final_pass,
        live::{self, Level, Listener, Window},
    },
    time::{Clock, ENGINE_RATE, MediaTime, WIRE_RATE},
    transcript::{Document, Segment, merge},
};

/// What was understood of a recording, and at what cost.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) texts: BTreeMap<Track, String>,
    /// All tracks, by time.
    pub(super) merged: String,
    /// Of all tracks together.
    pub(super) track_seconds: f64,
    pub(super) cpu_seconds: f64,
    pub(super) wall_seconds: f64,
    /// What viewers of the live words saw.
    pub(super) watch: Option<Watch>,
}

/// Clocks around a piece of work.
struct Meter {
    clock: Clock,
    began: Instant,
    cpu: Duration,
}

impl Meter {
    fn start() -> Self {
        let clock = Clock::system();
        Self {
            began: clock.now(),
            clock,
            cpu: cpu(ClockId::ProcessCPUTime),
        }
    }

    fn stop(&self, heard: &mut Heard) {
        let wall = self.clock.now().saturating_duration_since(self.began);
        heard.wall_seconds = wall.as_secs_f64();
        let cpu = cpu(ClockId::ProcessCPUTime).saturating_sub(self.cpu);
        heard.cpu_seconds = cpu.as_secs_f64();
    }
}

fn cpu(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

/// As `callscribe transcribe` does.
pub(super) fn finally(
    item: &Item,
    bar: &Bar,
    engine: &dyn Engine,
    session: &mut dyn Session,
    options: &final_pass::Options,
) -> anyhow::Result<Heard> {
    let meter = Meter::start();
    let document = transcribe::hear(&item.path, bar, engine, session, options)?;
    let mut heard = Heard::of(&document);
    meter.stop(&mut heard);
    Ok(heard)
}

impl Heard {
    fn of(document: &Document) -> Self {
        let mut heard = Self::default();
        for span in &document.coverage {
            heard.texts.entry(span.track).or_default();
            heard.track_seconds += (span.end.saturating_sub(span.start)).as_secs();
        }
        heard.take(&document.segments);
        heard
    }

    fn take(&mut self, segments: &[Segment]) {
        for segment in segments {
            let text = self.texts.entry(segment.track).or_default();
            for text in [text, &mut self.merged] {
                text.push_str(if text.is_empty() { "" } else { " " });
                text.push_str(segment.text.trim());
            }
        }
    }
}

/// As the gateway hears a call: mu-law of 8 kHz in frames of 20 ms. Stream time is the clock and each
/// decode takes its CPU time, one worker a track: the figures of a machine with nothing else to do.
pub(super) fn live(
    item: &Item,
    bar: &Bar,
    engine: &dyn Engine,
    options: &live::Options,
    language: Option<&str>,
) -> anyhow::Result<Heard> {
    let source = Source::read(&item.path, Choice::AsItIs)?;
    let tracks = source.tracks();
    let longest = MediaTime::from_secs(source.seconds());
    bar.expect(tracks.len(), Some(longest));
    let meter = Meter::start();
    let mut heard = Heard::default();
    let mut all = Watch::default();
    let mut segments = Vec::new();
    for track in tracks {
        let ulaw = source.ulaw(track);
        let audio = upsampled(ulaw);
        heard.texts.entry(track).or_default();
        #[expect(clippy::cast_precision_loss, reason = "a length in seconds")]
        let seconds = ulaw.len() as f64 / WIRE_RATE as f64;
        heard.track_seconds += seconds;
        let watch = Line {
            session: engine.session()?,
            listener: listener(options, language),
            watch: Watch::new(options),
            pending: None,
            now: 0.0,
        }
        .run(&audio, |at| bar.at(track.index(), at))?;
        segments.extend(watch.segments(track));
        all.add(watch);
    }
    heard.take(&merge(segments));
    heard.watch = Some(all);
    meter.stop(&mut heard);
    Ok(heard)
}

fn listener(options: &live::Options, language: Option<&str>) -> Listener {
    let mut listener = Listener::new(options.clone(), language.map(str::to_owned));
    // The clock of the simulation has all the time that there is.
    listener.set_level(Level::Brisk);
    listener
}

fn upsampled(ulaw: &[u8]) -> Vec<i16> {
    let (mut upsampler, mut audio) = (Upsampler::new(), Vec::new());
    for frame in ulaw.chunks(160) {
        upsampler.process(frame, &mut audio);
    }
    upsampler.finish(&mut audio);
    audio
}

/// Samples of a frame: 20 ms.
const FRAME: usize = 320;

/// Frames of silence in which the last answers come in: half a minute.
const AFTER: usize = 1_500;

type Answer = Result<Decoded, EngineError>;

/// One track while it is listened to.
struct Line {
    session: Box<dyn Session>,
    listener: Listener,
    watch: Watch,
    /// An answer, and when it is there.
    pending: Option<(f64, Answer)>,
    /// Seconds of the stream.
    now: f64,
}

impl Line {
    fn run(mut self, audio: &[i16], mut progress: impl FnMut(MediaTime)) -> anyhow::Result<Watch> {
        let mut window = Window::default();
        let mut frames = audio.chunks(FRAME);
        let mut after = 0;
        let mut samples = 0;
        while after < AFTER && !self.watch.finished() {
            match frames.next() {
                Some(frame) => {
                    self.listener.push(frame);
                    samples += frame.len() as u64;
                    progress(MediaTime::from_engine_samples(samples));
                }
                None if after == 0 => {
                    self.listener.finish();
                    after = 1;
                }
                None => after += 1,
            }
            #[expect(clippy::cast_precision_loss, reason = "20 ms")]
            let frame = FRAME as f64 / ENGINE_RATE as f64;
            self.now += frame;
            self.watch.drain(&mut self.listener, self.now);
            while self.answered() && self.listener.window(&mut window).is_some() {
                self.look(&mut window);
            }
        }
        Ok(self.watch)
    }

    /// Hands in the answer that is there by now; false while one is waited for.
    fn answered(&mut self) -> bool {
        match self.pending.take() {
            Some((due, answer)) if due > self.now => {
                self.pending = Some((due, answer));
                false
            }
            Some((due, answer)) => {
                self.listener.answer(answer);
                self.watch.drain(&mut self.listener, due);
                true
            }
            None => true,
        }
    }

    fn look(&mut self, window: &mut Window) {
        let before = cpu(ClockId::ThreadCPUTime);
        let answer = self.session.decode(&window.request());
        let took = cpu(ClockId::ThreadCPUTime).saturating_sub(before);
        window.took(took);
        self.pending = Some((self.now + took.as_secs_f64(), answer));
    }
}

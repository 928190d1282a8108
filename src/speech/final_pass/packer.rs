//! Recording → windows: drops long silences, keeps short pauses as they are, cuts at pauses.

use std::collections::VecDeque;

use super::{
    Options,
    window::{Kept, Pause, Window},
};
use crate::{
    speech::vad::{FRAME, Vad},
    time::MediaTime,
};

/// A window with less voice than this holds a click: 0.1 s, in frames.
const LEAST_VOICED: usize = 6;
/// A window is cut in its last part, from so many hundredths of its length on.
const EARLIEST_CUT: usize = 60;
/// Pauses longer than this are all as good for a cut: s.
const GOOD_PAUSE: f32 = 1.5;
/// A second of a fuller window is worth so many seconds of a longer pause.
const FULLNESS: f32 = 0.06;

pub(super) struct Packer {
    vad: Vad,
    /// Frames to be kept before and after voice.
    lead: usize,
    trail: usize,
    /// Longest window, in frames.
    longest: usize,
    /// Audio since the first frame that is not decided on, and those frames.
    audio: VecDeque<f32>,
    undecided: VecDeque<Kept>,
    /// What was pushed, as voice activity takes it.
    coarse: Vec<i16>,
    /// Frames since voice.
    since_voice: usize,
    open: Window,
    /// Runs of voice, in samples of the recording.
    voiced: Vec<std::ops::Range<u64>>,
    /// Samples pushed, and how many of them began a frame.
    pushed: u64,
    in_frame: usize,
}

impl Packer {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            vad: Vad::new(options.voice.clone()),
            lead: frames(f64::from(options.lead_ms)),
            trail: frames(f64::from(options.trail_ms)),
            longest: frames(f64::from(options.window_s.clamp(5.0, 30.0)) * 1000.0).min(MAX_FRAMES),
            audio: VecDeque::new(),
            undecided: VecDeque::new(),
            coarse: Vec::new(),
            since_voice: usize::MAX,
            open: Window::default(),
            voiced: Vec::new(),
            pushed: 0,
            in_frame: 0,
        }
    }

    pub(super) fn push(&mut self, samples: &[f32]) {
        self.pushed += samples.len() as u64;
        self.in_frame = (self.in_frame + samples.len()) % FRAME;
        self.audio.extend(samples);
        self.coarse.clear();
        self.coarse
            .extend(samples.iter().map(|&sample| quantised(sample)));
        let mut told = Vec::new();
        self.vad.push(&self.coarse, |frame| told.push(frame));
        for frame in told {
            self.decide(frame.into());
        }
    }

    /// A window, once there is enough for a full one.
    pub(super) fn poll(&mut self) -> Option<Window> {
        while self.open.frames.len() >= self.longest {
            let whole = self.open.slice(0..self.longest);
            let full = self.open.take_before(cut(&whole));
            if holds_voice(&full) {
                return Some(full);
            }
        }
        None
    }

    /// The end of the window that was polled last, to be heard again with what follows it.
    pub(super) fn put_back(&mut self, end: Window) {
        self.open.prepend(end);
    }

    /// What is left at the end of the recording.
    pub(super) fn finish(&mut self) -> Option<Window> {
        // What does not fill a frame is padded with silence.
        let missing = (FRAME - self.in_frame) % FRAME;
        self.audio.extend(std::iter::repeat_n(0.0, missing));
        let mut told = Vec::new();
        self.vad
            .push(&[0; FRAME][..missing], |frame| told.push(frame));
        for frame in told {
            self.decide(frame.into());
        }
        let rest = std::mem::take(&mut self.open);
        holds_voice(&rest).then_some(rest)
    }

    /// Runs of voice in the recording, and its length.
    pub(super) fn heard(self) -> (Vec<std::ops::Range<u64>>, MediaTime) {
        let duration = MediaTime::from_engine_samples(self.pushed.next_multiple_of(2));
        (self.voiced, duration)
    }

    fn decide(&mut self, frame: Kept) {
        self.undecided.push_back(frame);
        if frame.voiced {
            self.note_voice(frame.source);
            self.since_voice = 0;
            self.keep(self.undecided.len());
        } else {
            self.since_voice = self.since_voice.saturating_add(1);
            if self.since_voice <= self.trail {
                self.keep(self.undecided.len());
            } else if self.undecided.len() > self.lead {
                self.drop_oldest();
            }
        }
    }

    fn note_voice(&mut self, source: u64) {
        let end = source + FRAME as u64;
        match self.voiced.last_mut() {
            Some(run) if run.end == source => run.end = end,
            _ => self.voiced.push(source..end),
        }
    }

    fn keep(&mut self, count: usize) {
        for frame in self.undecided.drain(..count) {
            let mut samples = [0.0; FRAME];
            for (sample, from) in samples.iter_mut().zip(self.audio.drain(..FRAME)) {
                *sample = from;
            }
            self.open.push(frame, &samples);
        }
    }

    fn drop_oldest(&mut self) {
        self.undecided.pop_front();
        self.audio.drain(..FRAME);
    }
}

/// 30 s: what the engine takes.
const MAX_FRAMES: usize = 30 * 16_000 / FRAME;

/// Whole frames in so many milliseconds.
fn frames(ms: f64) -> usize {
    let samples = MediaTime::from_secs(ms / 1000.0).as_engine_samples();
    usize::try_from(samples / FRAME as u64).unwrap_or(MAX_FRAMES)
}

#[expect(clippy::cast_possible_truncation, reason = "float to int saturates")]
fn quantised(sample: f32) -> i16 {
    (sample * 32_768.0).round() as i16
}

fn holds_voice(window: &Window) -> bool {
    window.frames.iter().filter(|frame| frame.voiced).count() >= LEAST_VOICED
}

/// The frame to cut a full window at: in a long pause, as late as may be; within speech where it is
/// quietest.
fn cut(window: &Window) -> usize {
    let count = window.frames.len();
    let earliest = count * EARLIEST_CUT / 100;
    let pauses = window.pauses();
    let late = pauses.iter().filter(|pause| pause.middle() >= earliest);
    let worth = |pause: &Pause| pause.seconds.min(GOOD_PAUSE) + FULLNESS * pause.at();
    match late.max_by(|a, b| worth(a).total_cmp(&worth(b))) {
        Some(best) => best.middle(),
        None => window.quietest(earliest, count),
    }
}

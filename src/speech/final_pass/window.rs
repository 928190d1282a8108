//! Packed speech, and the way back from its time to the recording's.

use crate::{
    speech::{
        Word,
        filter::Voice,
        vad::{self, FRAME},
    },
    time::MediaTime,
};

/// A frame of 16 ms that a window holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Kept {
    /// First sample in the recording, at 16 kHz.
    pub(super) source: u64,
    pub(super) voiced: bool,
    pub(super) dbfs: f32,
}

impl From<vad::Frame> for Kept {
    fn from(frame: vad::Frame) -> Self {
        Self {
            source: frame.start,
            voiced: frame.voiced,
            dbfs: frame.dbfs,
        }
    }
}

/// Speech with its short pauses; long silences are left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Window {
    /// 16 kHz; [`FRAME`] of them to each frame.
    pub(super) samples: Vec<f32>,
    pub(super) frames: Vec<Kept>,
}

/// An unvoiced run of frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pause {
    pub(super) first: usize,
    /// One past the last.
    pub(super) end: usize,
    /// Seconds in the recording, with what was left out.
    pub(super) seconds: f32,
}

impl Pause {
    /// Where to cut: the middle, or where silence was left out.
    pub(super) const fn middle(&self) -> usize {
        self.first.midpoint(self.end)
    }

    /// Where that is in the window; s.
    #[expect(clippy::cast_precision_loss, reason = "a window is short")]
    pub(super) fn at(&self) -> f32 {
        self.middle() as f32 * FRAME as f32 / 16_000.0
    }
}

impl Window {
    pub(super) fn push(&mut self, frame: Kept, samples: &[f32]) {
        self.frames.push(frame);
        self.samples.extend_from_slice(samples);
    }

    /// Seconds of audio in it.
    #[expect(clippy::cast_precision_loss, reason = "a window is short")]
    pub(super) fn seconds(&self) -> f32 {
        self.samples.len() as f32 / 16_000.0
    }

    pub(super) fn start(&self) -> MediaTime {
        let first = self.frames.first().map_or(0, |frame| frame.source);
        MediaTime::from_engine_samples(first)
    }

    /// One past its last sample, in the recording.
    pub(super) fn end(&self) -> MediaTime {
        let end = self.frames.last().map_or(0, |f| f.source + FRAME as u64);
        MediaTime::from_engine_samples(end)
    }

    /// How much voice it holds.
    #[expect(clippy::cast_precision_loss, reason = "a window is short")]
    pub(super) fn voice(&self) -> Voice {
        let voiced = || self.frames.iter().filter(|frame| frame.voiced);
        let power: f32 = voiced().map(|f| 10_f32.powf(f.dbfs / 10.0)).sum();
        let count = voiced().count();
        Voice {
            seconds: count as f32 * FRAME as f32 / 16_000.0,
            dbfs: 10.0 * (power / count.max(1) as f32).max(1e-10).log10(),
        }
    }

    /// Unvoiced runs between voiced ones, in order.
    #[expect(clippy::cast_precision_loss, reason = "a pause is short")]
    pub(super) fn pauses(&self) -> Vec<Pause> {
        let mut pauses = Vec::new();
        let mut last_voiced = None;
        for (at, frame) in self.frames.iter().enumerate().filter(|(_, f)| f.voiced) {
            if let Some(before) = last_voiced.replace(at)
                && before + 1 < at
            {
                let apart = frame.source - self.frames[before].source - FRAME as u64;
                pauses.push(Pause {
                    first: before + 1,
                    end: at,
                    seconds: apart as f32 / 16_000.0,
                });
            }
        }
        pauses
    }

    /// A part of it.
    pub(super) fn slice(&self, frames: std::ops::Range<usize>) -> Self {
        Self {
            samples: self.samples[frames.start * FRAME..frames.end * FRAME].to_vec(),
            frames: self.frames[frames].to_vec(),
        }
    }

    /// Takes the part before a frame; the rest stays.
    pub(super) fn take_before(&mut self, frame: usize) -> Self {
        let samples = self.samples.split_off(frame * FRAME);
        let frames = self.frames.split_off(frame);
        std::mem::replace(self, Self { samples, frames })
    }

    /// Puts an earlier window before this one.
    pub(super) fn prepend(&mut self, mut earlier: Self) {
        earlier.samples.append(&mut self.samples);
        earlier.frames.append(&mut self.frames);
        *self = earlier;
    }

    /// How many frames from this one on are voiced.
    pub(super) fn voiced_from(&self, frame: usize) -> usize {
        let rest = self.frames.iter().skip(frame);
        rest.filter(|frame| frame.voiced).count()
    }

    /// The quietest frame of a range.
    pub(super) fn quietest(&self, first: usize, end: usize) -> usize {
        let level = |at: &usize| self.frames[*at].dbfs;
        (first..end.min(self.frames.len()))
            .min_by(|a, b| level(a).total_cmp(&level(b)))
            .unwrap_or(first)
    }

    /// The word in the recording's time. Its edges are drawn in to the voice nearest to them, since the
    /// engine lets words reach into the pauses beside them; a word over a silence that was left out
    /// belongs to the side with more of its voice.
    pub(super) fn place(&self, word: &Word) -> Word {
        let count = self.frames.len();
        let first = self.frame(word.start).min(count.saturating_sub(1));
        let end = (self.frame(word.end) + 1).clamp(first + 1, count.max(first + 1));
        let side = self.fullest_side(first..end.min(count));
        let (mut start, mut stop) = (self.source(word.start), self.source(word.end));
        if let (Some(from), Some(to)) = (side.first(), side.last()) {
            start = start.max(from.source);
            stop = stop.min(to.source + FRAME as u64);
        }
        let start = MediaTime::from_engine_samples(start);
        Word {
            start,
            end: MediaTime::from_engine_samples(stop).max(start),
            ..word.clone()
        }
    }

    /// Of a run of frames, the stretch without left-out silence that holds most voice, less the
    /// unvoiced frames at its edges.
    fn fullest_side(&self, frames: std::ops::Range<usize>) -> &[Kept] {
        let joins = |a: &Kept, b: &Kept| a.source + FRAME as u64 == b.source;
        let voiced = |side: &&[Kept]| side.iter().filter(|frame| frame.voiced).count();
        let run = self.frames.get(frames).unwrap_or_default();
        let side = run.chunk_by(joins).max_by_key(voiced).unwrap_or_default();
        let Some(from) = side.iter().position(|frame| frame.voiced) else {
            return side;
        };
        let to = side.iter().rposition(|frame| frame.voiced).unwrap_or(from);
        &side[from..=to]
    }

    /// The frame at a time of the window.
    pub(super) fn frame(&self, at: MediaTime) -> usize {
        usize::try_from(at.as_engine_samples() / FRAME as u64).unwrap_or(usize::MAX)
    }

    /// The sample in the recording at a time of the window.
    fn source(&self, at: MediaTime) -> u64 {
        let inside = at.as_engine_samples() % FRAME as u64;
        match self.frames.get(self.frame(at)) {
            Some(frame) => frame.source + inside,
            None => self.end().as_engine_samples(),
        }
    }
}

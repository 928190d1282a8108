//! Samples → utterances: voice activity with pre-roll, endpoint, and a cut where someone speaks for too
//! long. Stream time is the count of samples.

use std::collections::VecDeque;

use super::Options;
use crate::{
    speech::{
        filter,
        vad::{FRAME, Frame, Vad},
    },
    time::ENGINE_RATE,
};

/// Samples at 16 kHz in a millisecond.
const PER_MS: u64 = 16;
const FRAME_LEN: u64 = FRAME as u64;

/// Cuts one track into utterances.
pub(super) struct Turns {
    vad: Vad,
    preroll: u64,
    endpoint: u64,
    dip_after: u64,
    dip: u64,
    longest: u64,
    tail: u64,
    audio: Audio,
    open: Option<Open>,
    /// Frames of the open utterance.
    frames: VecDeque<Frame>,
    fresh: Vec<Frame>,
    /// No utterance reaches back before this: it belongs to the one before.
    taken: u64,
}

/// The utterance that is being spoken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Open {
    pub(super) start: u64,
    /// First sample after the last voiced frame.
    pub(super) voice_end: u64,
    pub(super) voice: Voiced,
}

/// What was voice in an utterance.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Voiced {
    pub(super) samples: u64,
    /// Sum over its frames.
    dbfs: f32,
}

impl Voiced {
    fn add(&mut self, frame: &Frame) {
        if frame.voiced {
            self.samples += FRAME_LEN;
            self.dbfs += frame.dbfs;
        }
    }

    /// As the filter of invented text asks for it.
    #[expect(clippy::cast_precision_loss, reason = "an utterance is short")]
    pub(super) fn level(self) -> filter::Voice {
        let frames = (self.samples / FRAME_LEN).max(1) as f32;
        filter::Voice {
            seconds: self.samples as f32 / ENGINE_RATE as f32,
            dbfs: self.dbfs / frames,
        }
    }
}

/// An utterance that has ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ended {
    pub(super) start: u64,
    pub(super) voice_end: u64,
    pub(super) voice: Voiced,
    /// The speaker went on: what follows is the next utterance.
    pub(super) cut: bool,
    pub(super) audio: Vec<i16>,
}

impl Ended {
    pub(super) fn end(&self) -> u64 {
        self.start + self.audio.len() as u64
    }
}

impl Turns {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            vad: Vad::new(options.vad.clone()),
            preroll: u64::from(options.preroll_ms) * PER_MS,
            endpoint: u64::from(options.endpoint_ms) * PER_MS,
            dip_after: u64::from(options.dip_after_ms) * PER_MS,
            dip: u64::from(options.dip_ms) * PER_MS,
            longest: u64::from(options.longest_ms) * PER_MS,
            tail: u64::from(options.tail_ms) * PER_MS,
            audio: Audio::default(),
            open: None,
            frames: VecDeque::new(),
            fresh: Vec::new(),
            taken: 0,
        }
    }

    /// First sample not yet heard.
    pub(super) fn now(&self) -> u64 {
        self.audio.end()
    }

    pub(super) fn open(&self) -> Option<Open> {
        self.open
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.audio.samples.len()
    }

    /// Audio of the open utterance, up to now.
    pub(super) fn open_audio(&self) -> &[i16] {
        self.open
            .map_or(&[], |open| self.audio.range(open.start, self.now()))
    }

    /// Takes the next samples. `settled` is the end of the committed words: no cut before it.
    pub(super) fn push(&mut self, samples: &[i16], settled: u64, mut ended: impl FnMut(Ended)) {
        self.audio.samples.extend_from_slice(samples);
        let mut fresh = std::mem::take(&mut self.fresh);
        self.vad.push(samples, |frame| fresh.push(frame));
        for frame in fresh.drain(..) {
            if let Some(utterance) = self.frame(frame, settled) {
                ended(utterance);
            }
        }
        self.fresh = fresh;
        if self.open.is_none() {
            // What the pre-roll may still want, and the frames over which voice begins.
            let keep = self.preroll + 16 * FRAME_LEN;
            self.audio.drop_before(self.now().saturating_sub(keep));
        }
    }

    /// Steps over lost audio; the open utterance ends where it begins.
    pub(super) fn skip(&mut self, samples: u64) -> Option<Ended> {
        let ended = self.end_now();
        self.vad.skip(samples);
        self.audio = Audio {
            start: self.now() + samples,
            samples: Vec::new(),
        };
        ended
    }

    /// Ends the open utterance here: there is no more audio.
    pub(super) fn end_now(&mut self) -> Option<Ended> {
        self.open.map(|open| self.end(open, self.now()))
    }

    fn frame(&mut self, frame: Frame, settled: u64) -> Option<Ended> {
        let Some(mut open) = self.open else {
            if frame.voiced {
                self.begin(frame);
            }
            return None;
        };
        self.frames.push_back(frame);
        if frame.voiced {
            open.voice_end = frame.end();
        }
        open.voice.add(&frame);
        self.open = Some(open);
        let (length, silence) = (frame.end() - open.start, frame.end() - open.voice_end);
        if silence >= self.endpoint {
            return Some(self.end(open, open.voice_end + self.tail));
        }
        if length >= self.dip_after && silence >= self.dip {
            return Some(self.end(open, open.voice_end + silence / 2));
        }
        (length >= self.longest).then(|| self.cut(settled))
    }

    fn begin(&mut self, frame: Frame) {
        let start = frame.start.saturating_sub(self.preroll);
        let mut voice = Voiced::default();
        voice.add(&frame);
        self.open = Some(Open {
            start: start.max(self.taken).max(self.audio.start),
            voice_end: frame.end(),
            voice,
        });
        self.frames.clear();
        self.frames.push_back(frame);
    }

    fn end(&mut self, open: Open, end: u64) -> Ended {
        let end = end.min(self.now());
        self.open = None;
        self.taken = end;
        Ended {
            start: open.start,
            voice_end: open.voice_end.min(end),
            voice: open.voice,
            cut: open.voice_end > end,
            audio: self.audio.range(open.start, end).to_vec(),
        }
    }

    /// Cuts an utterance that is too long at the quietest point of its last third that no committed
    /// word reaches; what follows opens the next.
    fn cut(&mut self, settled: u64) -> Ended {
        let Some(open) = self.open else {
            unreachable!("only an open utterance is too long")
        };
        let last = self.frames.len() - 1;
        let earliest = settled.max(open.start + self.longest * 2 / 3);
        let at = (1..last)
            .filter(|&n| self.frames[n].start >= earliest)
            .min_by(|&a, &b| self.loudness(a).total_cmp(&self.loudness(b)))
            .unwrap_or(last);
        let end = self.frames[at].start + FRAME_LEN / 2;
        let (mut before, mut after) = (Voiced::default(), Voiced::default());
        for frame in &self.frames {
            let side = if frame.start < end {
                &mut before
            } else {
                &mut after
            };
            side.add(frame);
        }
        let voice_end = open.voice_end;
        let ended = self.end(
            Open {
                voice: before,
                ..open
            },
            end,
        );
        self.frames.drain(..=at);
        self.audio.drop_before(end);
        self.open = Some(Open {
            start: end,
            voice_end: voice_end.max(end),
            voice: after,
        });
        ended
    }

    /// Of a frame and its neighbours: one frame's dip is no pause.
    fn loudness(&self, n: usize) -> f32 {
        self.frames[n - 1].dbfs + self.frames[n].dbfs + self.frames[n + 1].dbfs
    }
}

/// Samples with their place in the stream; as short as what is still wanted.
#[derive(Debug, Default)]
struct Audio {
    start: u64,
    samples: Vec<i16>,
}

impl Audio {
    fn end(&self) -> u64 {
        self.start + self.samples.len() as u64
    }

    fn range(&self, from: u64, to: u64) -> &[i16] {
        &self.samples[self.index(from)..self.index(to)]
    }

    fn drop_before(&mut self, sample: u64) {
        let index = self.index(sample);
        // Moving what stays is cheap only when much goes with it.
        if index >= 8192 {
            self.samples.drain(..index);
            self.start += index as u64;
        }
    }

    fn index(&self, sample: u64) -> usize {
        let offset = sample.saturating_sub(self.start);
        usize::try_from(offset).map_or(self.samples.len(), |n| n.min(self.samples.len()))
    }
}

//! Voice activity, streaming: earshot's recurrent network over 16 ms frames, an energy gate over an
//! adaptive noise floor, and hysteresis. Deterministic, and the same however the audio is cut into
//! pushes. It hears hold music as voice most of the time (earshot: 88 % of frames): what the engine
//! says of such windows is [`super::filter`]'s to refuse.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::time::MediaTime;

/// Samples of a frame at 16 kHz: 16 ms, earshot's fixed size.
pub const FRAME: usize = 256;
/// The level of digital silence, where the logarithm would have no end.
const SILENCE_DBFS: f32 = -100.0;

/// Once voice has begun, the gate is lower by this: words end quietly.
const LEAVE_GRACE_DB: f32 = 2.0;

/// How voice is told from the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Score (0 to 1) at which voice begins.
    pub enter: f32,
    /// Score under which voice ends.
    pub leave: f32,
    /// Frames of 16 ms in a row over `enter` before voice begins.
    pub enter_frames: u32,
    /// Frames of 16 ms in a row under `leave` before voice ends.
    pub leave_frames: u32,
    /// Nothing quieter than this is voice; dBFS.
    pub quietest_dbfs: f32,
    /// Nothing closer to the noise floor than this is voice; dB.
    pub over_floor_db: f32,
    /// The noise floor never counts as higher than this while the level moves as speech does, so
    /// that someone who speaks without a pause is not taken for noise; dBFS.
    pub highest_floor_dbfs: f32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enter: 0.5,
            leave: 0.35,
            enter_frames: 3,
            leave_frames: 4,
            quietest_dbfs: -65.0,
            over_floor_db: 4.0,
            highest_floor_dbfs: -42.0,
        }
    }
}

/// The verdict on 16 ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// First sample, counted at 16 kHz since the stream's start.
    pub start: u64,
    /// After gate and hysteresis.
    pub voiced: bool,
    /// earshot's score, 0 to 1, before gate and hysteresis.
    pub score: f32,
    /// Root mean square of the frame; dBFS.
    pub dbfs: f32,
}

impl Frame {
    #[must_use]
    pub const fn time(&self) -> MediaTime {
        MediaTime::from_engine_samples(self.start)
    }

    /// First sample after the frame.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.start + FRAME as u64
    }
}

/// Voice activity of one track.
pub struct Vad {
    options: Options,
    detector: Box<earshot::Detector>,
    floor: NoiseFloor,
    pending: [i16; FRAME],
    filled: usize,
    next: u64,
    voiced: bool,
    streak: u32,
}

impl Vad {
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            detector: Box::new(earshot::Detector::const_default()),
            floor: NoiseFloor::default(),
            pending: [0; FRAME],
            filled: 0,
            next: 0,
            voiced: false,
            streak: 0,
        }
    }

    /// Takes the next samples of 16 kHz, any number, and tells of every frame that they
    /// complete, in order. Less than a frame is kept for the next push.
    pub fn push(&mut self, mut samples: &[i16], mut tell: impl FnMut(Frame)) {
        while !samples.is_empty() {
            let take = samples.len().min(FRAME - self.filled);
            self.pending[self.filled..self.filled + take].copy_from_slice(&samples[..take]);
            self.filled += take;
            samples = &samples[take..];
            if self.filled == FRAME {
                self.filled = 0;
                tell(self.frame());
            }
        }
    }

    /// Steps over audio that was skipped: the count of samples goes on.
    pub fn skip(&mut self, samples: u64) {
        self.next += self.filled as u64 + samples;
        self.filled = 0;
        self.voiced = false;
        self.streak = 0;
    }

    fn frame(&mut self) -> Frame {
        let dbfs = dbfs(&self.pending);
        let score = self.detector.predict_i16(&self.pending);
        self.floor.hear(dbfs);
        let floor = match self.floor.dbfs() {
            floor if self.floor.is_steady() => floor,
            floor => floor.min(self.options.highest_floor_dbfs),
        };
        let gate = (floor + self.options.over_floor_db).max(self.options.quietest_dbfs);
        let grace = if self.voiced { LEAVE_GRACE_DB } else { 0.0 };
        self.decide(score, dbfs >= gate - grace);
        let start = self.next;
        self.next += FRAME as u64;
        Frame {
            start,
            voiced: self.voiced,
            score,
            dbfs,
        }
    }

    fn decide(&mut self, score: f32, loud: bool) {
        let (turns, needed) = if self.voiced {
            let ends = score < self.options.leave || !loud;
            (ends, self.options.leave_frames)
        } else {
            let begins = score >= self.options.enter && loud;
            (begins, self.options.enter_frames)
        };
        self.streak = if turns { self.streak + 1 } else { 0 };
        if self.streak >= needed {
            self.voiced = !self.voiced;
            self.streak = 0;
        }
    }
}

/// The quietest level of the last seconds, by minimum statistics: the least of the short means of
/// [`Self::SPANS`] spans. Follows a rising floor within that time and a falling one at once.
#[derive(Debug, Default)]
struct NoiseFloor {
    mean: Option<f32>,
    span: Range,
    span_frames: u32,
    spans: VecDeque<Range>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Range {
    least: f32,
    most: f32,
}

impl NoiseFloor {
    const SPANS: usize = 8;
    /// 0.5 s each: 4 s in all, longer than anyone speaks without a dip.
    const SPAN_FRAMES: u32 = 31;
    /// Of a new frame in the short mean: about 80 ms.
    const WEIGHT: f32 = 0.2;
    /// Speech moves by 20 dB and more within 4 s, a hiss by two.
    const STEADY_DB: f32 = 6.0;

    fn hear(&mut self, dbfs: f32) {
        let mean = self
            .mean
            .map_or(dbfs, |mean| mean + Self::WEIGHT * (dbfs - mean));
        self.mean = Some(mean);
        self.span = if self.span_frames == 0 {
            Range {
                least: mean,
                most: mean,
            }
        } else {
            Range {
                least: self.span.least.min(mean),
                most: self.span.most.max(mean),
            }
        };
        self.span_frames += 1;
        if self.span_frames == Self::SPAN_FRAMES {
            self.span_frames = 0;
            self.spans.push_back(self.span);
            if self.spans.len() > Self::SPANS {
                self.spans.pop_front();
            }
        }
    }

    fn known(&self) -> bool {
        self.spans.len() >= Self::SPANS
    }

    /// Digital silence until the first spans have passed: speech from the first moment is voice.
    fn dbfs(&self) -> f32 {
        if !self.known() {
            return SILENCE_DBFS;
        }
        let spans = self.spans.iter().map(|span| span.least);
        spans.fold(self.span.least, f32::min)
    }

    /// The level of the last spans hardly moved: a hiss or a hum, not a voice.
    fn is_steady(&self) -> bool {
        let most = self.spans.iter().map(|span| span.most);
        self.known() && most.fold(self.span.most, f32::max) - self.dbfs() < Self::STEADY_DB
    }
}

/// Root mean square of samples; dBFS, −100 for silence.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "a frame is short: its energy fits 53 bits"
)]
pub fn dbfs(samples: &[i16]) -> f32 {
    let energy: i64 = samples
        .iter()
        .map(|&sample| i64::from(sample) * i64::from(sample))
        .sum();
    if energy == 0 {
        return SILENCE_DBFS;
    }
    let mean = energy as f64 / samples.len() as f64 / (32_768.0 * 32_768.0);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a level needs no more than f32"
    )]
    let dbfs = (10.0 * mean.log10()) as f32;
    dbfs.max(SILENCE_DBFS)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn frames(audio: &[i16], cuts: impl Iterator<Item = usize>) -> Vec<Frame> {
        let mut vad = Vad::new(Options::default());
        let (mut frames, mut rest) = (Vec::new(), audio);
        for cut in cuts {
            let (head, tail) = rest.split_at(cut.min(rest.len()));
            vad.push(head, |frame| frames.push(frame));
            rest = tail;
            if rest.is_empty() {
                break;
            }
        }
        frames
    }

    fn whole(audio: &[i16]) -> Vec<Frame> {
        frames(audio, std::iter::once(audio.len()))
    }

    fn share_voiced(frames: &[Frame]) -> f32 {
        let voiced = u16::try_from(frames.iter().filter(|f| f.voiced).count()).unwrap();
        f32::from(voiced) / f32::from(u16::try_from(frames.len()).unwrap())
    }

    /// White noise of a peak amplitude, the same on every run.
    fn noise(samples: usize, peak: i16) -> Vec<i16> {
        let mut state = 1_u32;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let unit = i32::from(u16::try_from(state >> 16).unwrap()) - 32_768;
            i16::try_from(unit * i32::from(peak) / 32_768).unwrap()
        })
        .take(samples)
        .collect()
    }

    #[test]
    fn silence_and_noise_are_never_voice() {
        for (peak, known_after) in [
            (0, 0),
            (1, 0),
            (30, 0),
            (300, 0),
            (3000, 260),
            (30_000, 260),
        ] {
            let frames = whole(&noise(160_000, peak));
            assert_eq!(frames.len(), 625);
            assert!(
                frames[known_after..].iter().all(|frame| !frame.voiced),
                "noise of {peak} taken for voice"
            );
        }
    }

    #[test]
    fn the_cut_of_pushes_changes_nothing() {
        let mut audio = noise(20_000, 400);
        for (n, sample) in audio.iter_mut().enumerate().skip(5000) {
            // A buzz with a voice's pitch: scores move, so a lost or doubled sample would show.
            *sample += if n % 133 < 20 { 6000 } else { -900 };
        }
        let expected = whole(&audio);
        for size in [1, 7, 160, 255, 256, 257, 320, 8000] {
            assert_eq!(
                frames(&audio, std::iter::repeat(size)),
                expected,
                "pushes of {size}"
            );
        }
    }

    #[test]
    fn frames_are_counted_through_skips() {
        let mut vad = Vad::new(Options::default());
        let mut starts = Vec::new();
        vad.push(&[0; 300], |frame| starts.push(frame.start));
        vad.skip(1000);
        vad.push(&[0; 256], |frame| starts.push(frame.start));
        assert_eq!(starts, [0, 1300]);
    }

    #[test]
    fn the_floor_rises_in_seconds_and_falls_at_once() {
        let mut floor = NoiseFloor::default();
        let mut hear = |dbfs: f32, frames: u32| {
            for _ in 0..frames {
                floor.hear(dbfs);
            }
            floor.dbfs()
        };
        assert!(hear(-60.0, 247) < -99.0, "no floor before 4 s");
        assert!((hear(-60.0, 1) + 60.0).abs() < 0.1);
        assert!((hear(-30.0, 200) + 60.0).abs() < 0.1, "speech is no floor");
        assert!((hear(-30.0, 100) + 30.0).abs() < 0.1, "lasting noise is");
        assert!((hear(-70.0, 40) + 70.0).abs() < 0.2);
    }

    #[test]
    fn levels_are_root_mean_squares() {
        for (samples, expected) in [
            (vec![0; 256], -100.0),
            (vec![i16::MIN; 256], 0.0),
            (vec![1; 256], -90.309),
            (vec![3277, -3277], -19.999),
        ] {
            assert!((dbfs(&samples) - expected).abs() < 0.01, "{expected}");
        }
    }

    #[test]
    fn read_speech_is_voice() {
        let Some(shared) = std::env::var_os("CALLSCRIBE_SHARED").map(PathBuf::from) else {
            eprintln!("skipped: CALLSCRIBE_SHARED names no folder with recordings");
            return;
        };
        let mut heard = 0;
        for entry in std::fs::read_dir(shared.join("speech/read_en")).unwrap() {
            let path = entry.unwrap().path();
            let mut reader = hound::WavReader::open(&path).unwrap();
            let audio: Vec<i16> = reader.samples().map(Result::unwrap).collect();
            let share = share_voiced(&whole(&audio));
            assert!(share > 0.45, "{}: {share}", path.display());
            heard += 1;
        }
        assert!(heard > 0);
    }
}

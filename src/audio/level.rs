//! How loud a recording is and whether it can be used, measured as it is written.

use serde::{Deserialize, Serialize};

use crate::time::MediaTime;

/// Samples of 20 ms at 16 kHz: the grain in which speech and silence are told apart.
const FRAME: usize = 320;
/// A frame of this RMS or more (−47 dBFS) is active. Line noise of mu-law calls lies at 30 to 80, soft
/// speech above 300.
pub const ACTIVE_RMS: u64 = 150;
/// As loud as a sample may be before it counts as clipped: mu-law ends at 32124.
const CLIPPED: u16 = 32_000;

/// Less active sound than this is [`Verdict::Silent`]: a click, not speech.
pub const LEAST_ACTIVE: MediaTime = MediaTime::from_ms(200);
/// Active RMS of a good recording, 16-bit scale: −36 to −12 dBFS. (The usual "500 to 2000" is of whole
/// files, which grow quieter with every pause; that number is in [`Levels::rms`].)
pub const GOOD_ACTIVE_RMS: std::ops::RangeInclusive<f32> = 500.0..=8000.0;
/// More clipped samples than this share of the active ones are heard as distortion.
pub const CLIPPED_SHARE: f32 = 0.001;

/// What was measured, on the 16-bit scale.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Levels {
    /// Of everything, silence too.
    pub rms: f32,
    /// Of the frames of 20 ms that are not silence; 0 where there is none.
    pub active_rms: f32,
    /// 0 to 32768.
    pub peak: u16,
    /// Samples at the end of the scale.
    pub clipped_samples: u64,
    /// Their share of the active samples, 0 to 1.
    pub clipped_share: f32,
    /// The mean sample.
    pub dc_offset: f32,
    /// Share of 20 ms frames that are silence, 0 to 1.
    pub silence_share: f32,
}

/// Whether the recording is fit to be listened to and transcribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No sample at all.
    Empty,
    /// Less than 0.2 s of sound.
    Silent,
    /// Over 0.1 % of the sound is cut off at full scale.
    Clipped,
    /// Sound under 500 RMS.
    Quiet,
    /// Sound over 8000 RMS.
    Loud,
    Good,
}

impl Verdict {
    /// As in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Silent => "silent",
            Self::Clipped => "clipped",
            Self::Quiet => "quiet",
            Self::Loud => "loud",
            Self::Good => "good",
        }
    }
}

/// Measures 16 kHz audio piece by piece, in constant memory.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    /// The frame that is not full yet.
    frame: Sums,
    all: Sums,
    active: Sums,
    peak: u16,
    clipped: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    samples: u64,
    squares: u64,
    sum: i64,
}

impl Meter {
    pub fn push(&mut self, mut samples: &[i16]) {
        while !samples.is_empty() {
            let room = FRAME - usize::try_from(self.frame.samples).unwrap_or(0);
            let (piece, rest) = samples.split_at(room.min(samples.len()));
            self.take(piece);
            samples = rest;
            if piece.len() == room {
                self.close_frame();
            }
        }
    }

    /// Samples measured so far.
    #[must_use]
    pub const fn samples(&self) -> u64 {
        self.all.samples + self.frame.samples
    }

    /// What has been measured so far; the last, unfinished frame counts.
    #[must_use]
    pub fn levels(&self) -> Levels {
        let done = self.closed();
        Levels {
            rms: done.all.rms(),
            active_rms: done.active.rms(),
            peak: self.peak,
            clipped_samples: self.clipped,
            clipped_share: ratio(self.clipped, done.active.samples),
            dc_offset: done.all.mean(),
            silence_share: ratio(done.all.samples - done.active.samples, done.all.samples),
        }
    }

    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let (done, levels) = (self.closed(), self.levels());
        if done.all.samples == 0 {
            Verdict::Empty
        } else if done.active.samples < LEAST_ACTIVE.as_engine_samples() {
            Verdict::Silent
        } else if levels.clipped_share > CLIPPED_SHARE {
            Verdict::Clipped
        } else if levels.active_rms < *GOOD_ACTIVE_RMS.start() {
            Verdict::Quiet
        } else if levels.active_rms > *GOOD_ACTIVE_RMS.end() {
            Verdict::Loud
        } else {
            Verdict::Good
        }
    }

    fn take(&mut self, piece: &[i16]) {
        let (mut squares, mut sum, mut peak) = (0_u64, 0_i32, 0_u16);
        for &sample in piece {
            let size = sample.unsigned_abs();
            squares += u64::from(u32::from(size) * u32::from(size));
            sum += i32::from(sample);
            peak = peak.max(size);
        }
        if peak >= CLIPPED {
            self.clipped += piece.iter().filter(|s| s.unsigned_abs() >= CLIPPED).count() as u64;
        }
        self.peak = self.peak.max(peak);
        self.frame.samples += piece.len() as u64;
        self.frame.squares += squares;
        self.frame.sum += i64::from(sum);
    }

    fn close_frame(&mut self) {
        let frame = std::mem::take(&mut self.frame);
        self.all.add(&frame);
        if frame.squares >= frame.samples * ACTIVE_RMS * ACTIVE_RMS {
            self.active.add(&frame);
        }
    }

    fn closed(&self) -> Self {
        let mut meter = self.clone();
        if meter.frame.samples > 0 {
            meter.close_frame();
        }
        meter
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a level needs three digits"
)]
impl Sums {
    const fn add(&mut self, other: &Self) {
        self.samples += other.samples;
        self.squares += other.squares;
        self.sum += other.sum;
    }

    fn rms(&self) -> f32 {
        (self.squares as f64 / self.samples.max(1) as f64).sqrt() as f32
    }

    fn mean(&self) -> f32 {
        (self.sum as f64 / self.samples.max(1) as f64) as f32
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a share needs three digits"
)]
fn ratio(part: u64, whole: u64) -> f32 {
    (part as f64 / whole.max(1) as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(samples: &[i16]) -> Meter {
        let mut meter = Meter::default();
        meter.push(samples);
        meter
    }

    fn tone(amplitude: f64, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|n| {
                let phase = f64::from(u32::try_from(n % 16).unwrap()) / 16.0;
                #[expect(clippy::cast_possible_truncation, reason = "the amplitude fits")]
                let sample = (amplitude * (std::f64::consts::TAU * phase).sin()).round() as i16;
                sample
            })
            .collect()
    }

    #[test]
    fn verdicts_by_example() {
        let second = 16_000;
        let clipped: Vec<i16> = tone(40_000.0, second);
        for (name, samples, verdict) in [
            ("nothing", vec![], Verdict::Empty),
            ("digital silence", vec![0; second], Verdict::Silent),
            ("line noise", tone(80.0, second), Verdict::Silent),
            (
                "a click",
                [vec![0; second], vec![20_000; 300]].concat(),
                Verdict::Silent,
            ),
            ("whisper", tone(500.0, second), Verdict::Quiet),
            ("speech", tone(2500.0, second), Verdict::Good),
            (
                "speech in silence",
                [vec![0; 20 * second], tone(2500.0, second)].concat(),
                Verdict::Good,
            ),
            ("shouting", tone(15_000.0, second), Verdict::Loud),
            ("clipped", clipped, Verdict::Clipped),
        ] {
            assert_eq!(measure(&samples).verdict(), verdict, "{name}");
        }
    }

    #[test]
    fn the_numbers_are_right() {
        let levels = measure(&[vec![0; 16_000], tone(1000.0, 16_000)].concat()).levels();
        assert!((levels.active_rms - 707.1).abs() < 1.0, "{levels:?}");
        assert!((levels.rms - 500.0).abs() < 1.0, "{levels:?}");
        assert!((levels.silence_share - 0.5).abs() < 1e-6, "{levels:?}");
        assert_eq!((levels.peak, levels.clipped_samples), (1000, 0));
        let offset = measure(&[-300; 1000]).levels();
        assert!((offset.dc_offset + 300.0).abs() < 1e-3);
        let loudest = measure(&[i16::MIN; 10]).levels();
        assert_eq!((loudest.peak, loudest.clipped_samples), (32_768, 10));
    }

    #[test]
    fn pieces_do_not_matter() {
        let samples = [tone(900.0, 5000), vec![3; 700], tone(30_000.0, 1234)].concat();
        let whole = measure(&samples);
        for piece in [1, 7, 319, 320, 321, 4000] {
            let mut meter = Meter::default();
            samples.chunks(piece).for_each(|part| meter.push(part));
            assert_eq!(meter.levels(), whole.levels(), "{piece}");
            assert_eq!((meter.samples(), meter.verdict()), (6934, whole.verdict()));
        }
    }

    #[test]
    fn an_hour_of_full_scale_does_not_overflow() {
        let mut meter = Meter::default();
        for _ in 0..3600 {
            meter.push(&[i16::MIN; 16_000]);
        }
        assert!((meter.levels().rms - 32_768.0).abs() < 1.0);
    }
}

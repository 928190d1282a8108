//! What is heard at which frequency: bandwidth, mains hum, and the picture of both.

use std::{f32::consts::TAU, sync::Arc};

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex32};
use serde::{Deserialize, Serialize};

use super::columns::{Columns, Merge};
use crate::time::ENGINE_RATE;

/// Half a second: bins of 2 Hz tell hum from its neighbours.
const BLOCK: usize = 8192;
/// 32 ms, half overlapping: what a spectrogram of speech is drawn with.
const SLICE: usize = 512;
const HOP: usize = SLICE / 2;
/// Columns of the picture.
const MOST_COLUMNS: usize = 1200;

/// Bands of the mean spectrum; Hz.
const BAND_HZ: usize = 100;
/// Sound reaches as far as a band is this near to the loudest. The noise of mu-law, 38 dB under the
/// sound and spread over all bands, stays below.
const REACH_DB: f32 = 40.0;

/// Mains hum and its harmonics.
const MAINS_HZ: [f32; 2] = [50.0, 60.0];
const HARMONICS: usize = 6;
/// A harmonic stands out by this over the frequencies beside it; dB.
const STANDS_OUT_DB: f32 = 12.0;
/// Of the harmonics, so many must.
const LEAST_HARMONICS: usize = 2;
/// It is never as quiet as this where it disturbs; dBFS.
const QUIETEST_HUM_DBFS: f32 = -65.0;
/// A voice may hold such a tone for a while; hum goes on for more than this share of the recording.
const HUM_SHARE: f32 = 0.6;

/// A tone of the mains.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Hum {
    /// 50 or 60.
    pub hz: f32,
    /// With its harmonics; dBFS.
    pub dbfs: f32,
}

/// Frames of a transform, half a second each.
pub(super) struct Spectrum {
    transform: Transform,
    block: Vec<f32>,
    /// Mean power by bin, of the blocks with sound.
    sum: Vec<f64>,
    blocks: usize,
    /// For each of the mains, the levels of the blocks in which it was heard; dBFS.
    hums: [Vec<f32>; 2],
}

impl Default for Spectrum {
    fn default() -> Self {
        Self {
            transform: Transform::new(BLOCK),
            block: Vec::with_capacity(BLOCK),
            sum: vec![0.0; BLOCK / 2 + 1],
            blocks: 0,
            hums: Default::default(),
        }
    }
}

impl Spectrum {
    pub(super) fn push(&mut self, mut samples: &[i16]) {
        while !samples.is_empty() {
            let (piece, rest) = samples.split_at(samples.len().min(BLOCK - self.block.len()));
            self.block
                .extend(piece.iter().map(|s| f32::from(*s) / 32_768.0));
            samples = rest;
            if self.block.len() == BLOCK {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        let power = self.transform.power(&self.block);
        self.blocks += 1;
        for (sum, bin) in self.sum.iter_mut().zip(power) {
            *sum += f64::from(*bin);
        }
        for (mains, heard) in MAINS_HZ.iter().zip(&mut self.hums) {
            heard.extend(hum(power, *mains));
        }
        self.block.clear();
    }

    /// The highest frequency that the sound reaches; Hz.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "bands are few"
    )]
    pub(super) fn bandwidth(&self) -> Option<f32> {
        let bins = |band: usize| {
            let at = |hz: usize| hz * BLOCK / ENGINE_RATE as usize;
            at(band * BAND_HZ)..at((band + 1) * BAND_HZ)
        };
        let count = ENGINE_RATE as usize / 2 / BAND_HZ;
        let power: Vec<f64> = (0..count)
            .map(|band| self.sum[bins(band)].iter().sum())
            .collect();
        let loudest = power.iter().copied().fold(0.0, f64::max);
        if loudest <= 0.0 {
            return None;
        }
        let least = loudest * 10_f64.powf(f64::from(-REACH_DB / 10.0));
        let highest = power.iter().rposition(|band| *band >= least)?;
        Some(((highest + 1) * BAND_HZ) as f32)
    }

    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub(super) fn hum(&mut self) -> Option<Hum> {
        let needed = (self.blocks as f32 * HUM_SHARE).max(2.0);
        let heard = self
            .hums
            .iter_mut()
            .zip(MAINS_HZ)
            .max_by_key(|(heard, _)| heard.len());
        let (levels, hz) = heard.filter(|(heard, _)| heard.len() as f32 >= needed)?;
        levels.sort_by(f32::total_cmp);
        let dbfs = levels[levels.len() / 2];
        Some(Hum { hz, dbfs })
    }
}

/// The level of mains hum in a block's power, if it is there; dBFS.
fn hum(power: &[f32], mains: f32) -> Option<f32> {
    let (mut count, mut total) = (0, 0.0);
    for harmonic in 1..=HARMONICS {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a bin"
        )]
        let bin = (mains * harmonic as f32 * BLOCK as f32 / ENGINE_RATE as f32).round() as usize;
        let tone: f32 = power[bin - 2..=bin + 2].iter().sum();
        let beside = power[bin - 10..bin - 4]
            .iter()
            .chain(&power[bin + 5..bin + 11]);
        let beside = beside.sum::<f32>() / 12.0 * 5.0;
        if decibels(tone) - decibels(beside) >= STANDS_OUT_DB {
            count += 1;
            total += tone;
        }
    }
    let dbfs = decibels(total);
    (count >= LEAST_HARMONICS && dbfs >= QUIETEST_HUM_DBFS).then_some(dbfs)
}

/// Power by time and frequency, in as many columns as a picture has.
pub struct Spectrogram {
    transform: Transform,
    slice: Vec<f32>,
    columns: Columns<Slice>,
}

/// Power by bin, of [`Spectrogram::BINS`].
#[derive(Clone)]
struct Slice(Vec<f32>);

impl Default for Spectrogram {
    fn default() -> Self {
        Self {
            transform: Transform::new(SLICE),
            slice: Vec::with_capacity(SLICE),
            columns: Columns::new(MOST_COLUMNS),
        }
    }
}

impl Spectrogram {
    /// From 0 to half the rate.
    pub const BINS: usize = SLICE / 2;

    pub fn push(&mut self, mut samples: &[i16]) {
        while !samples.is_empty() {
            let (piece, rest) = samples.split_at(samples.len().min(SLICE - self.slice.len()));
            self.slice
                .extend(piece.iter().map(|s| f32::from(*s) / 32_768.0));
            samples = rest;
            if self.slice.len() == SLICE {
                let power = self.transform.power(&self.slice);
                self.columns.push(&Slice(power[..Self::BINS].to_vec()));
                self.slice.drain(..HOP);
            }
        }
    }

    /// Columns of time, each from the lowest to the highest frequency; dBFS.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = impl Iterator<Item = f32>> {
        let columns = self.columns.get().iter();
        columns.map(|slice| slice.0.iter().map(|power| decibels(*power)))
    }
}

impl Merge for Slice {
    /// The louder: a short sound is still to be seen in a long picture.
    fn merge(&mut self, next: &Self) {
        for (power, other) in self.0.iter_mut().zip(&next.0) {
            *power = power.max(*other);
        }
    }
}

/// A windowed transform of one length.
struct Transform {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    input: Vec<f32>,
    output: Vec<Complex32>,
    scratch: Vec<Complex32>,
    power: Vec<f32>,
}

impl Transform {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand samples")]
    fn new(length: usize) -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(length);
        let hann = |n: usize| 0.5 - 0.5 * (TAU * n as f32 / length as f32).cos();
        Self {
            window: (0..length).map(hann).collect(),
            input: fft.make_input_vec(),
            output: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            power: vec![0.0; length / 2 + 1],
            fft,
        }
    }

    /// Power by bin; their sum is the mean square of the samples, whose scale is −1 to 1.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand samples")]
    fn power(&mut self, samples: &[f32]) -> &[f32] {
        for ((input, sample), window) in self.input.iter_mut().zip(samples).zip(&self.window) {
            *input = sample * window;
        }
        let done =
            self.fft
                .process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch);
        debug_assert!(done.is_ok(), "the buffers are the plan's own");
        // Two sides of the spectrum, and the window's mean square of 3/8.
        let length = self.input.len() as f32;
        let scale = 2.0 / (length * length * 0.375);
        for (power, bin) in self.power.iter_mut().zip(&self.output) {
            *power = bin.norm_sqr() * scale;
        }
        &self.power
    }
}

fn decibels(power: f32) -> f32 {
    10.0 * power.max(1e-12).log10()
}

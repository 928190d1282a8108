//! 8 → 16 kHz by a half-band filter. Every second output sample *is* the input sample; the ones between
//! are interpolated from 16 neighbours on either side. Each of them is summed in the same order wherever
//! the audio was cut into frames, so the cut leaves no trace, to the bit.
//!
//! Why not the FFT resampler of [`super::Resampler`], which rejects images better: it costs four times
//! the CPU of a frame and tens of kilobytes of tables a track, delays by 10 ms instead of 2 and answers
//! only whole chunks (`benches/audio.rs` prints both). What is left of images, −70 dB, lies 30 dB below
//! the noise of mu-law itself.

use std::{f64::consts::PI, sync::LazyLock};

use crate::audio::mulaw;

/// Input samples on either side of an interpolated one.
const REACH: usize = 16;
const TAPS: usize = 2 * REACH;
/// Shape of the Kaiser window: 70 dB of rejection.
const KAISER_BETA: f64 = 7.0;
/// Output pairs that are computed side by side: as many as fill the vector registers of SSE2.
const LANES: usize = 32;
/// What a block of pairs looks at.
const SPAN: usize = TAPS + LANES - 1;

static COEFFICIENTS: LazyLock<[f32; TAPS]> = LazyLock::new(coefficients);

/// The state of one track: never share it between tracks.
///
/// Output sample `2n` is input sample `n`. What comes out trails what went in by [`Self::DELAY`] input
/// samples, which [`Self::finish`] gives back; in all it is exactly two samples for each byte.
#[derive(Debug, Clone)]
pub struct Upsampler {
    /// `REACH - 1` samples that are out already, then those that wait for the ones after them.
    window: Vec<f32>,
}

impl Default for Upsampler {
    fn default() -> Self {
        Self::new()
    }
}

impl Upsampler {
    /// How far the output trails the input, in input samples (2 ms).
    pub const DELAY: usize = REACH;

    #[must_use]
    pub fn new() -> Self {
        let mut window = Vec::with_capacity(TAPS + 160);
        window.resize(REACH - 1, 0.0);
        Self { window }
    }

    /// Decodes mu-law bytes, any number of them, and appends what can be said at 16 kHz to `out`.
    pub fn process(&mut self, ulaw: &[u8], out: &mut Vec<i16>) {
        let samples = ulaw.iter().map(|byte| f32::from(mulaw::decode(*byte)));
        self.window.extend(samples);
        self.drain(out);
    }

    /// As [`Self::process`], for samples that are decoded already.
    pub fn process_samples(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        self.window
            .extend(samples.iter().map(|sample| f32::from(*sample)));
        self.drain(out);
    }

    /// Appends what was held back, and starts anew.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        self.window.resize(self.window.len() + REACH, 0.0);
        self.drain(out);
        self.window.clear();
        self.window.resize(REACH - 1, 0.0);
    }

    fn drain(&mut self, out: &mut Vec<i16>) {
        let pairs = self.window.len().saturating_sub(TAPS - 1);
        let start = out.len();
        out.resize(start + 2 * pairs, 0);
        let (blocks, rest) = out[start..].as_chunks_mut();
        let mut at = 0;
        for block in blocks {
            if let Some(span) = self.window[at..].first_chunk() {
                *block = interpolate(span);
            }
            at += LANES;
        }
        if !rest.is_empty() {
            let mut span = [0.0; SPAN];
            span[..self.window.len() - at].copy_from_slice(&self.window[at..]);
            rest.copy_from_slice(&interpolate(&span)[..rest.len()]);
        }
        self.window.drain(..pairs);
    }
}

/// Pairs of an input sample and the one halfway to the next.
fn interpolate(span: &[f32; SPAN]) -> [i16; 2 * LANES] {
    let mut sums = [0.0; LANES];
    for (k, tap) in COEFFICIENTS.iter().enumerate() {
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum += tap * span[k + lane];
        }
    }
    let mut out = [0; 2 * LANES];
    for (lane, pair) in out.as_chunks_mut().0.iter_mut().enumerate() {
        *pair = [rounded(span[REACH - 1 + lane]), rounded(sums[lane])];
    }
    out
}

/// The nearest sample of 16 bits. Added to 1.5 · 2^23 a float is rounded to a whole number, which then
/// stands in its lowest bits: four at once where a conversion would go one by one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "clamped to the range of i16"
)]
fn rounded(sample: f32) -> i16 {
    const MAGIC: f32 = 12_582_912.0;
    let whole = (sample + MAGIC).to_bits() as i32 - MAGIC.to_bits() as i32;
    whole.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

/// Windowed sinc at half-sample points, scaled so that a constant stays what it is.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small numbers, to the precision of the samples"
)]
fn coefficients() -> [f32; TAPS] {
    let mut ideal = [0.0; TAPS];
    for (place, tap) in ideal.iter_mut().enumerate() {
        let t = place as f64 - (REACH as f64 - 0.5);
        let edge = t / REACH as f64;
        let window = bessel_i0(KAISER_BETA * (1.0 - edge * edge).sqrt()) / bessel_i0(KAISER_BETA);
        *tap = (PI * t).sin() / (PI * t) * window;
    }
    let sum: f64 = ideal.iter().sum();
    ideal.map(|tap| (tap / sum) as f32)
}

/// The modified Bessel function of order zero, by its series.
fn bessel_i0(x: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-16 {
        term *= (x / 2.0 / k) * (x / 2.0 / k);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
#[path = "halfband_tests.rs"]
mod tests;

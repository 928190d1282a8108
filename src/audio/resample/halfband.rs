//! 8 → 16 kHz by a half-band filter. Every second output sample *is* the input sample; the ones between
//! are interpolated from 16 neighbours on either side. In integers, so that the result does not depend
//! on how the audio was cut into frames, nor on the machine.
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
/// Coefficients are in units of 2^-14: their absolute sum is under 2, so 32 products of full-scale
/// samples stay inside 32 bits.
const FRACTION_BITS: u32 = 14;
const HALF: i32 = 1 << (FRACTION_BITS - 1);

static COEFFICIENTS: LazyLock<[i16; TAPS]> = LazyLock::new(coefficients);

/// The state of one track: never share it between tracks.
///
/// Output sample `2n` is input sample `n`. What comes out trails what went in by [`Self::DELAY`] input
/// samples, which [`Self::finish`] gives back; in all it is exactly two samples for each byte.
#[derive(Debug, Clone)]
pub struct Upsampler {
    /// `REACH - 1` samples that are out already, then those that wait for the ones after them.
    window: Vec<i16>,
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
        window.resize(REACH - 1, 0);
        Self { window }
    }

    /// Decodes mu-law bytes, any number of them, and appends what can be said at 16 kHz to `out`.
    pub fn process(&mut self, ulaw: &[u8], out: &mut Vec<i16>) {
        mulaw::decode_into(ulaw, &mut self.window);
        self.drain(out);
    }

    /// As [`Self::process`], for samples that are decoded already.
    pub fn process_samples(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        self.window.extend_from_slice(samples);
        self.drain(out);
    }

    /// Appends what was held back, and starts anew.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        self.window.resize(self.window.len() + REACH, 0);
        self.drain(out);
        self.window.clear();
        self.window.resize(REACH - 1, 0);
    }

    fn drain(&mut self, out: &mut Vec<i16>) {
        let taps: &[i16; TAPS] = &COEFFICIENTS;
        out.reserve(2 * self.window.len());
        let mut done = 0;
        for window in self.window.array_windows::<TAPS>() {
            out.push(window[REACH - 1]);
            out.push(between(window, taps));
            done += 1;
        }
        self.window.drain(..done);
    }
}

/// The sample halfway between the two in the middle of `window`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped to the range of i16"
)]
fn between(window: &[i16; TAPS], taps: &[i16; TAPS]) -> i16 {
    let mut sum = 0;
    for (sample, tap) in window.iter().zip(taps) {
        sum += i32::from(*sample) * i32::from(*tap);
    }
    ((sum + HALF) >> FRACTION_BITS).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

/// Windowed sinc at half-sample points, scaled so that a constant stays what it is.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "under 1 in units of 2^-14"
)]
fn coefficients() -> [i16; TAPS] {
    let mut ideal = [0.0; TAPS];
    for (place, tap) in ideal.iter_mut().enumerate() {
        let t = place as f64 - (REACH as f64 - 0.5);
        let edge = t / REACH as f64;
        let window = bessel_i0(KAISER_BETA * (1.0 - edge * edge).sqrt()) / bessel_i0(KAISER_BETA);
        *tap = (PI * t).sin() / (PI * t) * window;
    }
    let sum: f64 = ideal.iter().sum();
    let unit = f64::from(1 << FRACTION_BITS);
    ideal.map(|tap| (tap / sum * unit).round() as i16)
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

//! Any rate → 16 kHz, one channel, by rubato's FFT resampler: for files, where quality comes before delay.

use rubato::{
    Fft, FixedSync, Resampler as _, WindowFunction, audioadapter_buffers::direct::SequentialSlice,
};

use crate::time::ENGINE_RATE;

/// Rates that files are seen with, and a margin.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;
/// Length of a block, about: long enough for a steep filter.
const BLOCK_MS: usize = 128;

/// Why a rate cannot be resampled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a sample rate of {0} Hz is outside 1,000 to 768,000")]
pub struct BadRate(pub u32);

/// The state of one channel. Output sample `n` lies at the time of input sample `n * rate / 16000`; the
/// total is the input's length at 16 kHz, rounded up.
pub struct Resampler {
    rate: u64,
    /// `None` where the rate is 16 kHz already.
    fft: Option<Box<Fft<f32>>>,
    /// Input that waits for a whole block.
    waiting: Vec<f32>,
    block: Vec<f32>,
    /// Output samples still to be thrown away: the filter's delay.
    delay: usize,
    taken: u64,
    given: u64,
}

impl Resampler {
    /// # Errors
    /// When no file has such a rate.
    pub fn new(rate: u32) -> Result<Self, BadRate> {
        if !RATES.contains(&rate) {
            return Err(BadRate(rate));
        }
        let fft = if u64::from(rate) == ENGINE_RATE {
            None
        } else {
            Some(Box::new(plan(rate).ok_or(BadRate(rate))?))
        };
        let sizes = fft.as_ref().map(|fft| {
            (
                fft.input_frames_next(),
                fft.output_frames_next(),
                fft.output_delay(),
            )
        });
        let (input, output, delay) = sizes.unwrap_or_default();
        Ok(Self {
            rate: u64::from(rate),
            fft,
            waiting: Vec::with_capacity(input),
            block: vec![0.0; output],
            delay,
            taken: 0,
            given: 0,
        })
    }

    /// Takes any number of samples and appends what can be said at 16 kHz to `out`.
    pub fn process(&mut self, mut samples: &[f32], out: &mut Vec<f32>) {
        self.taken += samples.len() as u64;
        let Some(input) = self.fft.as_ref().map(|fft| fft.input_frames_next()) else {
            self.given += samples.len() as u64;
            out.extend_from_slice(samples);
            return;
        };
        while !samples.is_empty() {
            let fits = samples.len().min(input - self.waiting.len());
            self.waiting.extend_from_slice(&samples[..fits]);
            samples = &samples[fits..];
            if self.waiting.len() == input {
                self.run(u64::MAX, out);
            }
        }
    }

    /// Appends what was held back: nothing may follow.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        let Some(input) = self.fft.as_ref().map(|fft| fft.input_frames_next()) else {
            return;
        };
        let total = (self.taken * ENGINE_RATE).div_ceil(self.rate);
        while self.given < total {
            self.waiting.resize(input, 0.0);
            self.run(total, out);
        }
        self.waiting.clear();
    }

    /// Resamples the waiting block; `total` is where the output ends.
    #[expect(
        clippy::expect_used,
        reason = "the buffers have the sizes that the resampler named"
    )]
    fn run(&mut self, total: u64, out: &mut Vec<f32>) {
        let Some(fft) = &mut self.fft else { return };
        let (input, output) = (self.waiting.len(), self.block.len());
        let from = SequentialSlice::new(&self.waiting, 1, input).expect("one channel");
        let mut to = SequentialSlice::new_mut(&mut self.block, 1, output).expect("one channel");
        fft.process_into_buffer(&from, &mut to, None)
            .expect("whole blocks");
        self.waiting.clear();
        let late = self.delay.min(output);
        self.delay -= late;
        let left = usize::try_from(total - self.given).unwrap_or(usize::MAX);
        let fresh = &self.block[late..];
        let fresh = &fresh[..fresh.len().min(left)];
        out.extend_from_slice(fresh);
        self.given += fresh.len() as u64;
    }
}

fn plan(rate: u32) -> Option<Fft<f32>> {
    let engine = u32::try_from(ENGINE_RATE).ok()?;
    let unit = (rate / gcd(rate, engine)) as usize;
    // In a block of odd length, in or out, the filter's middle would fall between two samples.
    let even = 2 * unit;
    let block = rate as usize * BLOCK_MS / 1000;
    Fft::new_custom(
        rate as usize,
        engine as usize,
        block.next_multiple_of(even),
        1,
        1,
        WindowFunction::BlackmanHarris2,
        FixedSync::Both,
    )
    .ok()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
#[path = "any_tests.rs"]
mod tests;

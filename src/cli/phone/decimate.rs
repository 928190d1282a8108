//! 16 kHz → mu-law at 8 kHz, for files that no phone has spoken yet.

use anyhow::Context;
use rubato::{
    Fft, FixedSync, Resampler, WindowFunction, audioadapter_buffers::direct::SequentialSlice,
};

use crate::audio::mulaw;

/// Input samples at a time: 64 ms, long enough for a steep filter.
const BLOCK: usize = 1024;

/// The state of one channel. Output sample `n` lies at the time of input sample `2n`; the total is half
/// the input's, rounded up.
pub(super) struct Decimator {
    fft: Fft<f32>,
    waiting: Vec<f32>,
    block: Vec<f32>,
    /// Output samples still to be thrown away: the filter's delay.
    delay: usize,
    taken: usize,
    given: usize,
}

impl Decimator {
    pub(super) fn new() -> anyhow::Result<Self> {
        let window = WindowFunction::BlackmanHarris2;
        let fft = Fft::new_custom(16_000, 8_000, BLOCK, 1, 1, window, FixedSync::Both)
            .context("no resampler from 16 to 8 kHz")?;
        Ok(Self {
            waiting: Vec::with_capacity(fft.input_frames_next()),
            block: vec![0.0; fft.output_frames_next()],
            delay: fft.output_delay(),
            taken: 0,
            given: 0,
            fft,
        })
    }

    /// Takes samples from −1 to 1 and appends what can be said of them.
    pub(super) fn process(&mut self, mut samples: &[f32], ulaw: &mut Vec<u8>) {
        self.taken += samples.len();
        let input = self.fft.input_frames_next();
        while !samples.is_empty() {
            let fits = samples.len().min(input - self.waiting.len());
            self.waiting.extend_from_slice(&samples[..fits]);
            samples = &samples[fits..];
            if self.waiting.len() == input {
                self.run(usize::MAX, ulaw);
            }
        }
    }

    /// Appends what was held back.
    pub(super) fn finish(mut self, ulaw: &mut Vec<u8>) {
        let total = self.taken.div_ceil(2);
        let input = self.fft.input_frames_next();
        while self.given < total {
            self.waiting.resize(input, 0.0);
            self.run(total, ulaw);
        }
    }

    #[expect(
        clippy::expect_used,
        reason = "the buffers have the sizes that the resampler named"
    )]
    fn run(&mut self, total: usize, ulaw: &mut Vec<u8>) {
        let (input, output) = (self.waiting.len(), self.block.len());
        let from = SequentialSlice::new(&self.waiting, 1, input).expect("one channel");
        let mut to = SequentialSlice::new_mut(&mut self.block, 1, output).expect("one channel");
        self.fft
            .process_into_buffer(&from, &mut to, None)
            .expect("whole blocks");
        self.waiting.clear();
        let late = self.delay.min(output);
        self.delay -= late;
        let fresh = &self.block[late..];
        let fresh = &fresh[..fresh.len().min(total - self.given)];
        ulaw.extend(fresh.iter().map(|sample| mulaw::encode(to_i16(*sample))));
        self.given += fresh.len();
    }
}

#[expect(clippy::cast_possible_truncation, reason = "float to int saturates")]
fn to_i16(sample: f32) -> i16 {
    (sample * 32_768.0).round() as i16
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "a sine fits")]
    fn tone(hz: f64, samples: u32) -> Vec<f32> {
        let at = |n: u32| (0.5 * (TAU * hz * f64::from(n) / 16_000.0).sin()) as f32;
        (0..samples).map(at).collect()
    }

    fn decimate(input: &[f32], piece: usize) -> Vec<u8> {
        let (mut decimator, mut ulaw) = (Decimator::new().unwrap(), Vec::new());
        input
            .chunks(piece)
            .for_each(|samples| decimator.process(samples, &mut ulaw));
        decimator.finish(&mut ulaw);
        ulaw
    }

    #[test]
    fn a_tone_comes_out_in_its_place_and_what_a_phone_cannot_say_does_not() {
        for (hz, passes) in [
            (300.0, true),
            (1000.0, true),
            (3000.0, true),
            (5000.0, false),
        ] {
            let ulaw = decimate(&tone(hz, 32_000), 777);
            assert_eq!(ulaw.len(), 16_000, "{hz} Hz");
            let wanted = tone(hz, 32_000);
            let mut worst: f64 = 0.0;
            for n in 400..15_600 {
                let wanted = if passes {
                    f64::from(wanted[n * 2])
                } else {
                    0.0
                };
                let got = f64::from(mulaw::decode(ulaw[n])) / 32_768.0;
                worst = worst.max((got - wanted).abs());
            }
            assert!(worst < 0.02, "{hz} Hz: {worst}");
        }
    }

    #[test]
    fn the_length_is_half_whatever_the_pieces() {
        for len in [0_u32, 1, 2, 1023, 1024, 1025, 16_001] {
            for piece in [1, 160, 100_000] {
                let halves = usize::try_from(len.div_ceil(2)).unwrap();
                assert_eq!(decimate(&tone(440.0, len), piece).len(), halves, "{len}");
            }
        }
    }
}

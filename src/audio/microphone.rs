//! A microphone's packets → 16 kHz, while it speaks. Opus is decoded at 16 kHz at once, so nothing is left
//! to resample; PCM of any rate goes through the resampler that files go through. What is put in as so
//! many seconds comes out as so many: the encoder's delay is taken from the start and made up for at the
//! end.

use audiopus::{Channels, MutSignals, SampleRate, coder};

use super::{opus::GRANULES, resample::Resampler};
use crate::{
    time::{ENGINE_RATE, MediaTime},
    wire::microphone::Codec,
};

/// Samples of the longest packet, 120 ms.
const LONGEST: usize = 1920;
/// What a decoder can make up at once, 2.5 ms, in samples (RFC 6716, section 2.1.4).
const STEP: usize = 40;

/// Why no audio of a kind can be decoded.
#[derive(Debug, thiserror::Error)]
#[error("this audio cannot be decoded: {0}")]
pub struct CannotDecode(String);

/// The state of one microphone.
pub struct Decoder(Kind);

enum Kind {
    Opus(Opus),
    Pcm(Box<Pcm>),
}

struct Opus {
    decoder: coder::Decoder,
    /// Samples of the encoder's delay: in all, and still to be taken away.
    delay: usize,
    skip: usize,
    pcm: Vec<i16>,
}

struct Pcm {
    rate: u64,
    resampler: Resampler,
    raw: Vec<f32>,
    fresh: Vec<f32>,
}

impl Decoder {
    /// # Errors
    /// When the codec's library refuses, or the rate is none that can be resampled.
    pub fn new(codec: Codec) -> Result<Self, CannotDecode> {
        Ok(Self(match codec {
            Codec::Opus { pre_skip } => {
                let decoder = coder::Decoder::new(SampleRate::Hz16000, Channels::Mono);
                let delay = usize::try_from(u64::from(pre_skip) / GRANULES).unwrap_or(0);
                Kind::Opus(Opus {
                    decoder: decoder.map_err(|error| CannotDecode(error.to_string()))?,
                    delay,
                    skip: delay,
                    pcm: vec![0; LONGEST],
                })
            }
            Codec::Pcm { rate } => Kind::Pcm(Box::new(Pcm {
                rate: rate.into(),
                resampler: Resampler::new(rate).map_err(|bad| CannotDecode(bad.to_string()))?,
                raw: Vec::new(),
                fresh: Vec::new(),
            })),
        }))
    }

    /// Appends the audio of a packet of `samples` (at the codec's rate) to `out`; silence, and `false`,
    /// where it cannot be decoded.
    pub fn packet(&mut self, bytes: &[u8], samples: u64, out: &mut Vec<i16>) -> bool {
        match &mut self.0 {
            Kind::Opus(opus) => opus.packet(bytes, samples, out),
            Kind::Pcm(pcm) => {
                let pairs = bytes.as_chunks::<2>().0.iter();
                let floats = pairs.map(|pair| f32::from(i16::from_le_bytes(*pair)) / 32_768.0);
                pcm.raw.clear();
                pcm.raw.extend(floats);
                pcm.resample(out);
                true
            }
        }
    }

    /// Appends silence, where audio is missing.
    pub fn silence(&mut self, length: MediaTime, out: &mut Vec<i16>) {
        match &mut self.0 {
            Kind::Opus(opus) => {
                let length = usize::try_from(length.as_engine_samples()).unwrap_or(0);
                opus.keep_silence(length, out);
            }
            Kind::Pcm(pcm) => {
                let length = length.0 * pcm.rate / crate::time::WIRE_RATE;
                pcm.raw.clear();
                pcm.raw.resize(usize::try_from(length).unwrap_or(0), 0.0);
                pcm.resample(out);
            }
        }
    }

    /// Appends what was held back; nothing may follow.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        match &mut self.0 {
            Kind::Opus(opus) => opus.finish(out),
            Kind::Pcm(pcm) => {
                pcm.fresh.clear();
                pcm.resampler.finish(&mut pcm.fresh);
                out.extend(pcm.fresh.iter().map(|sample| whole(*sample)));
            }
        }
    }
}

impl Opus {
    fn packet(&mut self, bytes: &[u8], samples: u64, out: &mut Vec<i16>) -> bool {
        let decoded = bytes.try_into().and_then(|packet| {
            let pcm = MutSignals::try_from(&mut self.pcm)?;
            self.decoder.decode(Some(packet), pcm, false)
        });
        let wanted = usize::try_from(samples / GRANULES).map_or(LONGEST, |n| n.min(LONGEST));
        match decoded {
            Ok(count) if count == wanted => {
                let skip = self.skip.min(count);
                self.skip -= skip;
                out.extend_from_slice(&self.pcm[skip..count]);
                true
            }
            _ => {
                self.keep_silence(wanted, out);
                false
            }
        }
    }

    fn keep_silence(&mut self, length: usize, out: &mut Vec<i16>) {
        let skip = self.skip.min(length);
        self.skip -= skip;
        out.resize(out.len() + length - skip, 0);
    }

    /// What the encoder had not said yet: the decoder makes it up from what came before.
    fn finish(&mut self, out: &mut Vec<i16>) {
        let missing = self.delay - self.skip;
        let steps = missing.next_multiple_of(STEP).min(LONGEST);
        let made = MutSignals::try_from(&mut self.pcm[..steps])
            .and_then(|pcm| self.decoder.decode(None, pcm, false))
            .unwrap_or(0);
        let made = made.min(missing);
        out.extend_from_slice(&self.pcm[..made]);
        out.resize(out.len() + missing - made, 0);
    }
}

impl Pcm {
    fn resample(&mut self, out: &mut Vec<i16>) {
        self.fresh.clear();
        self.resampler.process(&self.raw, &mut self.fresh);
        out.extend(self.fresh.iter().map(|sample| whole(*sample)));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "float to int saturates")]
fn whole(sample: f32) -> i16 {
    (sample * 32_768.0).round() as i16
}

/// A browser's encoder, for tests: 20 ms packets of what is at 48 kHz.
#[doc(hidden)]
pub mod probe {
    use audiopus::{Application, Channels, SampleRate, coder::Encoder};

    use super::ENGINE_RATE;

    /// The packets, and the encoder's delay in samples at 48 kHz.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "for tests: an encoder that is always to be had"
    )]
    pub fn packets(samples: &[i16]) -> (Vec<Vec<u8>>, u16) {
        let encoder = Encoder::new(SampleRate::Hz48000, Channels::Mono, Application::Voip)
            .expect("an encoder");
        let delay = encoder.lookahead().expect("its delay");
        let mut packet = [0; 1500];
        let packets = samples.chunks_exact(960).map(|block| {
            let length = encoder.encode(block, &mut packet).expect("a packet");
            packet[..length].to_vec()
        });
        (
            packets.collect(),
            u16::try_from(delay).expect("a short delay"),
        )
    }

    /// A tone of `hertz`, 8000 loud, at a rate.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "8,000 fits")]
    pub fn tone(hertz: f64, rate: u32, ms: u32) -> Vec<i16> {
        let step = hertz / f64::from(rate) * std::f64::consts::TAU;
        let count = u64::from(rate) * u64::from(ms) / 1000;
        let sample = |n: u64| ((n as f64 * step).sin() * 8000.0) as i16;
        debug_assert!(count < 100 * 60 * ENGINE_RATE);
        (0..count).map(sample).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rms(samples: &[i16]) -> f64 {
        let sum: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
        (sum / samples.len() as f64).sqrt()
    }

    fn by_opus(samples: &[i16]) -> Vec<i16> {
        let (packets, pre_skip) = probe::packets(samples);
        let mut decoder = Decoder::new(Codec::Opus { pre_skip }).unwrap();
        let mut out = Vec::new();
        for packet in &packets {
            assert!(decoder.packet(packet, 960, &mut out));
        }
        decoder.finish(&mut out);
        out
    }

    fn by_pcm(samples: &[i16], rate: u32) -> Vec<i16> {
        let mut decoder = Decoder::new(Codec::Pcm { rate }).unwrap();
        let mut out = Vec::new();
        for block in samples.chunks(rate as usize / 50) {
            let bytes: Vec<u8> = block.iter().flat_map(|s| s.to_le_bytes()).collect();
            assert!(decoder.packet(&bytes, block.len() as u64, &mut out));
        }
        decoder.finish(&mut out);
        out
    }

    /// Of every kind of audio: its length to the sample, its level to a decibel, up to 7 kHz, where a
    /// telephone has long ended.
    #[test]
    fn what_is_spoken_comes_out_as_long_and_as_loud() {
        for hertz in [300.0, 1000.0, 3000.0, 5000.0, 7000.0] {
            for (kind, out) in [
                ("opus", by_opus(&probe::tone(hertz, 48_000, 2000))),
                ("pcm 48", by_pcm(&probe::tone(hertz, 48_000, 2000), 48_000)),
                (
                    "pcm 44.1",
                    by_pcm(&probe::tone(hertz, 44_100, 2000), 44_100),
                ),
                ("pcm 16", by_pcm(&probe::tone(hertz, 16_000, 2000), 16_000)),
            ] {
                assert_eq!(out.len(), 32_000, "{kind} {hertz}");
                let decibels = 20.0 * (rms(&out[8000..24_000]) / (8000.0 / 2_f64.sqrt())).log10();
                // Opus at 7 kHz stands at the edge of what it keeps for voices.
                let near = if hertz > 6000.0 && kind == "opus" {
                    3.0
                } else {
                    1.0
                };
                assert!(decibels.abs() < near, "{kind} {hertz}: {decibels} dB");
            }
        }
    }

    /// A click comes out where it went in, to a millisecond.
    #[test]
    fn the_encoders_delay_does_not_shift_what_is_said() {
        let mut samples = vec![0_i16; 48_000];
        samples[24_000..24_048].fill(20_000);
        let mut shifted = Vec::new();
        for out in [by_opus(&samples), by_pcm(&samples, 48_000)] {
            let loudest = (0..out.len())
                .max_by_key(|n| out[*n].unsigned_abs())
                .unwrap();
            shifted.push(loudest);
        }
        for at in shifted {
            assert!((7984..8032).contains(&at), "{at}, not 8000 to 8016");
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_silence_of_its_length() {
        let mut decoder = Decoder::new(Codec::Opus { pre_skip: 312 }).unwrap();
        let mut out = Vec::new();
        // Two frames of unequal size, the first longer than the packet.
        assert!(!decoder.packet(&[0xFA, 200, 1], 1920, &mut out));
        decoder.silence(MediaTime::from_ms(100), &mut out);
        assert!(decoder.packet(&probe::packets(&[0; 960]).0[0], 960, &mut out));
        decoder.finish(&mut out);
        assert_eq!(out.len(), 640 + 1600 + 320);
        assert!(out[..2000].iter().all(|sample| *sample == 0));
    }

    #[test]
    fn noise_for_packets_breaks_nothing() {
        let mut decoder = Decoder::new(Codec::Opus { pre_skip: 312 }).unwrap();
        let (mut out, mut seed) = (Vec::new(), 1_u32);
        for length in (1..400).cycle().take(4000) {
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    seed.to_be_bytes()[0]
                })
                .collect();
            if let Some(samples) = (Codec::Opus { pre_skip: 312 }).samples(&bytes) {
                out.clear();
                decoder.packet(&bytes, samples, &mut out);
                assert!(out.len() as u64 <= samples / 3);
            }
        }
    }
}

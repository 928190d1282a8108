//! To 16 kHz. [`Upsampler`] doubles telephone audio, sample by sample as it comes, for the recording and
//! the live engine; [`Resampler`] takes any rate, for files. Both give WAV time = stream time: the delay
//! of their filters is taken out, and [`Upsampler::finish`] / [`Resampler::finish`] give back the end.

mod any;
mod halfband;

pub use any::{BadRate, Resampler};
pub use halfband::Upsampler;

//! Timed audio → samples: mu-law, resampling, decoding of files, Opus for archives, levels. Slices in, the caller's buffer
//! out; nothing here knows a clock or a call. Delay is compensated everywhere: sample 2n at 16 kHz is
//! sample n at 8 kHz.

pub mod decode;
pub mod level;
pub mod microphone;
pub mod mulaw;
mod ogg;
pub mod opus;
pub mod pcm;
pub mod resample;
pub mod sniff;
pub mod source;
pub mod wav;

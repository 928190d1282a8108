//! Timed audio → samples: mu-law, resampling, decoding of files, levels. Pure: slices in, the caller's
//! buffer out; nothing here knows a clock, a call or a folder. Delay is compensated everywhere: sample
//! 2n at 16 kHz is sample n at 8 kHz.

pub mod mulaw;
pub mod resample;

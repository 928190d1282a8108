//! timed audio → samples: mu-law, resampling, decoding of files, levels. Pure: slices in, the caller's buffer out.

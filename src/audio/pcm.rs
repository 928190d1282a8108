//! Reading our own recordings: the parts of one track as one stretch of samples, from any place.

use std::{
    fs::File,
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    source::{Error, Source},
    wav,
};

/// Samples that are read at once.
const BLOCK: usize = 1 << 16;

/// A recording, by its parts in order. What counts is what lies in the files: a header that lags behind,
/// as after a crash or while the call lasts, is overruled.
#[derive(Debug)]
pub struct WavSource {
    parts: Vec<Part>,
    at: u64,
    bytes: Vec<u8>,
    samples: Vec<i16>,
}

#[derive(Debug)]
struct Part {
    path: PathBuf,
    file: File,
    samples: u64,
}

impl WavSource {
    /// # Errors
    /// When a part is missing or is no recording of ours.
    pub fn open<P: AsRef<Path>>(parts: &[P]) -> Result<Self, Error> {
        let parts = parts
            .iter()
            .map(|path| Part::open(path.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            parts,
            at: 0,
            bytes: Vec::new(),
            samples: Vec::new(),
        })
    }

    /// Samples in all parts, as they were when the source was opened.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.parts.iter().map(|part| part.samples).sum()
    }

    /// The next [`Source::read`] starts here; beyond the end there is nothing to read.
    pub const fn seek(&mut self, sample: u64) {
        self.at = sample;
    }

    /// Appends the samples of `range`, cut to what there is, to `out` as −1 to 1; leaves the place of
    /// [`Source::read`] alone.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read_range(&mut self, range: Range<u64>, out: &mut Vec<f32>) -> Result<usize, Error> {
        let mut samples = std::mem::take(&mut self.samples);
        samples.clear();
        let read = self.read_samples(range, &mut samples);
        out.extend(samples.iter().map(|sample| f32::from(*sample) / 32_768.0));
        self.samples = samples;
        read
    }

    /// As [`Self::read_range`], on the 16-bit scale.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read_samples(&mut self, range: Range<u64>, out: &mut Vec<i16>) -> Result<usize, Error> {
        let before = out.len();
        let mut first = 0;
        for part in &self.parts {
            let from = range.start.max(first);
            let to = range.end.min(first + part.samples);
            if from < to {
                part.read(from - first..to - first, &mut self.bytes, out)?;
            }
            first += part.samples;
        }
        Ok(out.len() - before)
    }
}

impl Source for WavSource {
    fn read(&mut self, out: &mut Vec<f32>, max: usize) -> Result<usize, Error> {
        let end = self.at.saturating_add(max as u64);
        let got = self.read_range(self.at..end, out)?;
        self.at += got as u64;
        Ok(got)
    }

    fn length(&self) -> Option<u64> {
        Some(self.samples())
    }
}

impl Part {
    fn open(path: &Path) -> Result<Self, Error> {
        let failed = |error| Error::io(path, error);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut header = [0; wav::HEADER];
        let read = file.read_exact_at(&mut header, 0);
        if read.is_err() || wav::sizes(&header).is_none() {
            return Err(Error::NotARecording {
                path: path.to_owned(),
            });
        }
        let samples = (length - wav::HEADER as u64) / wav::SAMPLE;
        Ok(Self {
            path: path.to_owned(),
            file,
            samples,
        })
    }

    fn read(
        &self,
        range: Range<u64>,
        bytes: &mut Vec<u8>,
        out: &mut Vec<i16>,
    ) -> Result<(), Error> {
        let mut at = range.start;
        while at < range.end {
            let count = usize::try_from(range.end - at).unwrap_or(BLOCK).min(BLOCK);
            bytes.resize(count * size_of::<i16>(), 0);
            self.file
                .read_exact_at(bytes, wav::HEADER as u64 + at * wav::SAMPLE)
                .map_err(|error| Error::io(&self.path, error))?;
            let pairs = bytes.as_chunks::<2>().0.iter();
            out.extend(pairs.map(|pair| i16::from_le_bytes(*pair)));
            at += count as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn part(dir: &Path, name: &str, samples: &[i16], header_says: u64) -> PathBuf {
        let mut bytes = wav::header(header_says).to_vec();
        bytes.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
        let path = dir.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Parts of 3, 0 and 5 samples: 0 to 7 in units of 1/32768.
    fn eight(dir: &Path) -> WavSource {
        let parts = [
            part(dir, "a.wav", &[0, 1, 2], 6),
            part(dir, "b.wav", &[], 0),
            part(dir, "c.wav", &[3, 4, 5, 6, 7], 2),
        ];
        WavSource::open(&parts).unwrap()
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the samples were whole numbers"
    )]
    fn whole(samples: &[f32]) -> Vec<i32> {
        samples.iter().map(|s| (s * 32_768.0) as i32).collect()
    }

    #[test]
    fn any_range_is_read_across_the_parts() {
        let dir = tempfile::tempdir().unwrap();
        let mut source = eight(dir.path());
        assert_eq!(source.length(), Some(8));
        for from in 0..10 {
            for to in from..12 {
                let mut out = vec![0.5];
                let got = source.read_range(from..to, &mut out).unwrap();
                let expected: Vec<i32> = (from.min(8)..to.min(8))
                    .map(|n| i32::try_from(n).unwrap())
                    .collect();
                assert_eq!(
                    (got, whole(&out[1..])),
                    (expected.len(), expected),
                    "{from}..{to}"
                );
            }
        }
    }

    #[test]
    fn reading_on_ends_at_the_end_and_seeks() {
        let dir = tempfile::tempdir().unwrap();
        let mut source = eight(dir.path());
        let mut out = Vec::new();
        let sizes: Vec<usize> = (0..4).map(|_| source.read(&mut out, 3).unwrap()).collect();
        assert_eq!((sizes, whole(&out)), (vec![3, 3, 2, 0], (0..8).collect()));
        source.seek(6);
        out.clear();
        assert_eq!(source.read(&mut out, 100).unwrap(), 2);
        assert_eq!(whole(&out), [6, 7]);
        source.seek(u64::MAX);
        assert_eq!(source.read(&mut out, 100).unwrap(), 0);
    }

    #[test]
    fn blocks_meet_without_a_seam() {
        let dir = tempfile::tempdir().unwrap();
        let samples: Vec<i16> = (0..150_000_u32)
            .map(|n| i16::try_from(n % 30_000).unwrap())
            .collect();
        let path = part(dir.path(), "long.wav", &samples, 0);
        let mut out = Vec::new();
        WavSource::open(&[path])
            .unwrap()
            .read(&mut out, usize::MAX)
            .unwrap();
        let expected: Vec<i32> = samples.iter().map(|s| i32::from(*s)).collect();
        assert_eq!(whole(&out), expected);
    }

    #[test]
    fn what_is_not_a_recording_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.wav");
        fs::write(&path, "RIFF").unwrap();
        for (path, words) in [
            (path, "not a 16 kHz recording"),
            (dir.path().join("none.wav"), "No such file"),
        ] {
            let error = WavSource::open(&[&path]).unwrap_err().to_string();
            assert!(
                error.contains(words) && error.contains(path.to_str().unwrap()),
                "{error}"
            );
        }
    }
}

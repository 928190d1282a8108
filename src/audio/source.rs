//! Where the final pass gets its audio: 16 kHz mono samples in sequence, with flat memory.

use std::{io, path::PathBuf};

/// One track of audio, read from its start to its end.
pub trait Source: Send {
    /// Appends at most `max` samples (16 kHz, −1 to 1) to `out` and says how many; 0 is the end.
    ///
    /// # Errors
    /// When the file behind it cannot be read or decoded any further.
    fn read(&mut self, out: &mut Vec<f32>, max: usize) -> Result<usize, Error>;

    /// How many samples there are in all, where that is known before the end. Of a damaged or compressed
    /// file it is an estimate.
    fn length(&self) -> Option<u64>;
}

/// Why audio cannot be read; always names the file. What the system said is part of the message, and
/// therefore no `source`: a chain would say it twice.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {why}", path.display())]
    Io { path: PathBuf, why: io::Error },
    #[error("{}: the file is empty", path.display())]
    EmptyFile { path: PathBuf },
    #[error("{}: there is no audio in it", path.display())]
    NoAudio { path: PathBuf },
    #[error("{}: not an audio file that can be read here: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("{}: at {at:.2} s: {why}", path.display())]
    Damaged { path: PathBuf, at: f64, why: String },
    #[error("{}: there is no channel {channel}, only {channels}", path.display())]
    NoChannel {
        path: PathBuf,
        channel: usize,
        channels: usize,
    },
    #[error("{}: longer than {most} s", path.display())]
    TooLong { path: PathBuf, most: u64 },
    #[error("{}: not a 16 kHz recording of this program", path.display())]
    NotARecording { path: PathBuf },
}

impl Error {
    pub(super) fn io(path: &std::path::Path, why: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            why,
        }
    }
}

/// Samples in memory, for tests and short clips.
#[derive(Debug, Clone)]
pub struct Clip {
    samples: Vec<f32>,
    at: usize,
}

impl Clip {
    /// Takes 16 kHz samples from −1 to 1.
    #[must_use]
    pub const fn new(samples: Vec<f32>) -> Self {
        Self { samples, at: 0 }
    }
}

impl Source for Clip {
    fn read(&mut self, out: &mut Vec<f32>, max: usize) -> Result<usize, Error> {
        let rest = &self.samples[self.at..];
        let piece = &rest[..rest.len().min(max)];
        out.extend_from_slice(piece);
        self.at += piece.len();
        Ok(piece.len())
    }

    fn length(&self) -> Option<u64> {
        Some(self.samples.len() as u64)
    }
}

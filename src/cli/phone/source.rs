//! A file as a phone would say it: mu-law at 8 kHz, by track.
//!
//! A WAV that is at 8 kHz already, mu-law or 16-bit, goes through as it is: the former byte by byte, the
//! latter by G.711's own table. Anything else is decoded, brought to 8 kHz and encoded.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, bail, ensure};

use super::decimate::Decimator;
use crate::{
    audio::{decode, mulaw},
    ids::Track,
    time::WIRE_RATE,
};

/// What is sent of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Both channels of a stereo file; a mono file as the inbound track.
    AsItIs,
    /// One track: its channel of a stereo file, or the whole of a mono file.
    Only(Track),
    /// Both tracks: the file must be stereo.
    Both,
}

/// Audio to be sent. Clones share it.
#[derive(Debug, Clone)]
pub struct Source {
    tracks: Vec<(Track, Arc<[u8]>)>,
}

impl Source {
    /// Mu-law at 8 kHz by track.
    #[must_use]
    pub fn new(tracks: impl IntoIterator<Item = (Track, Vec<u8>)>) -> Self {
        let share = |(track, ulaw): (Track, Vec<u8>)| (track, ulaw.into());
        Self {
            tracks: tracks.into_iter().map(share).collect(),
        }
    }

    /// Reads a file whole.
    ///
    /// # Errors
    /// When it cannot be read, is no audio, holds none, or has not the channels that were asked for.
    pub fn read(path: &Path, choice: Choice) -> anyhow::Result<Self> {
        let channels = match read_8k(path)? {
            Some(channels) => channels,
            None => read_any(path)?,
        };
        let mono = channels.len() == 1;
        ensure!(
            channels.len() <= 2,
            "{} has {} channels: a call has one or two",
            path.display(),
            channels.len()
        );
        ensure!(!channels[0].is_empty(), "{} holds no audio", path.display());
        let pairs = Track::ALL.into_iter().zip(channels);
        Ok(match choice {
            Choice::Both if mono => {
                bail!("{} is mono: --both needs a stereo file", path.display())
            }
            Choice::Only(track) if mono => Self::new(pairs.map(|(_, ulaw)| (track, ulaw))),
            Choice::Only(track) => Self::new(pairs.filter(|(t, _)| *t == track)),
            Choice::AsItIs | Choice::Both => Self::new(pairs),
        })
    }

    /// The tracks that are sent.
    #[must_use]
    pub fn tracks(&self) -> Vec<Track> {
        self.tracks.iter().map(|(track, _)| *track).collect()
    }

    /// The length of each track in bytes, which are samples.
    #[must_use]
    pub fn lengths(&self) -> Vec<(Track, usize)> {
        self.tracks.iter().map(|(t, u)| (*t, u.len())).collect()
    }

    /// A track's audio; empty when there is no such track.
    #[must_use]
    pub fn ulaw(&self, track: Track) -> &[u8] {
        let found = self.tracks.iter().find(|(t, _)| *t == track);
        found.map_or(&[], |(_, ulaw)| ulaw)
    }

    /// The length of the longest track, in seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    pub fn seconds(&self) -> f64 {
        let longest = self.tracks.iter().map(|(_, u)| u.len()).max();
        longest.unwrap_or(0) as f64 / WIRE_RATE as f64
    }
}

/// The channels of a WAV at 8 kHz whose coding needs no decoder; `None` for any other file.
fn read_8k(path: &Path) -> anyhow::Result<Option<Vec<Vec<u8>>>> {
    const PCM: u16 = 1;
    const MULAW: u16 = 7;
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let Some((format, data)) = wav_chunks(&bytes) else {
        return Ok(None);
    };
    let u16_at = |at: usize| u16::from_le_bytes([format[at], format[at + 1]]);
    let rate = u64::from(u16_at(4)) | u64::from(u16_at(6)) << 16;
    // An extensible format names its coding at the start of a longer id.
    let coding = match u16_at(0) {
        0xFFFE if format.len() >= 26 => u16_at(24),
        tag => tag,
    };
    let channels = usize::from(u16_at(2));
    if rate != WIRE_RATE || channels == 0 {
        return Ok(None);
    }
    let channel = |n: usize| -> Option<Vec<u8>> {
        match (coding, u16_at(14)) {
            (MULAW, 8) => Some(data.iter().skip(n).step_by(channels).copied().collect()),
            (PCM, 16) => Some(
                data.chunks_exact(2)
                    .skip(n)
                    .step_by(channels)
                    .map(|s| mulaw::encode(i16::from_le_bytes([s[0], s[1]])))
                    .collect(),
            ),
            _ => None,
        }
    };
    Ok((0..channels).map(channel).collect())
}

/// The bodies of `fmt ` and `data`. A data chunk whose size was never written, or that was cut off, goes
/// to the end of the file.
fn wav_chunks(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    if bytes.get(..4)? != b"RIFF" || bytes.get(8..12)? != b"WAVE" {
        return None;
    }
    let (mut at, mut format) = (12, None);
    loop {
        let head = bytes.get(at..at + 8)?;
        let size = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let size = usize::try_from(size).ok()?;
        let body = at + 8;
        let rest = &bytes[body..];
        match &head[..4] {
            b"fmt " => format = Some(rest.get(..size).filter(|f| f.len() >= 16)?),
            b"data" if size == 0 || size > rest.len() => return Some((format?, rest)),
            b"data" => return Some((format?, &rest[..size])),
            _ => {}
        }
        at = body.checked_add(size)?.checked_add(size % 2)?;
    }
}

fn read_any(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut file = decode::open(path)?;
    let mut decimators = Vec::new();
    for _ in 0..file.channels() {
        decimators.push((Decimator::new()?, Vec::new()));
    }
    while let Some(block) = file.next_block()? {
        for (samples, (decimator, ulaw)) in block.iter().zip(&mut decimators) {
            decimator.process(samples, ulaw);
        }
    }
    let finish = |(decimator, mut ulaw): (Decimator, Vec<u8>)| {
        decimator.finish(&mut ulaw);
        ulaw
    };
    Ok(decimators.into_iter().map(finish).collect())
}

#[cfg(test)]
mod tests;

//! A file as a phone would say it: mu-law at 8 kHz, by track.
//!
//! A WAV that is at 8 kHz already, mu-law or 16-bit, goes through as it is: the former byte by byte, the
//! latter by G.711's own table. Anything else is decoded, brought to 8 kHz and encoded.

use std::{borrow::Cow, fs, ops::Range, path::Path, sync::Arc};

use anyhow::{Context, bail, ensure};

use super::{
    decimate::Decimator,
    pace::{FRAME_LEN, Frame},
};
use crate::{
    audio::{decode, mulaw},
    ids::Track,
    time::{MediaTime, WIRE_RATE},
    wire::payload,
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

/// Audio to be sent, or a part of it. Clones and parts share it.
#[derive(Debug, Clone)]
pub struct Source {
    tracks: Vec<Sound>,
    /// What of it is sent, in frames.
    part: Range<usize>,
    marks: Vec<(MediaTime, String)>,
}

#[derive(Debug, Clone)]
struct Sound {
    track: Track,
    ulaw: Arc<[u8]>,
    /// The same in base64, frame by frame, where it is sent more than once.
    base64: Option<Arc<str>>,
    /// What of it is sent at all, in order; the rest was never heard.
    pieces: Arc<[Range<usize>]>,
}

/// A whole frame in base64.
const BASE64_LEN: usize = FRAME_LEN.div_ceil(3) * 4;

impl Source {
    /// Mu-law at 8 kHz by track.
    #[must_use]
    pub fn new(tracks: impl IntoIterator<Item = (Track, Vec<u8>)>) -> Self {
        let whole = |(track, ulaw): (Track, Vec<u8>)| {
            let piece = 0..ulaw.len();
            (track, ulaw, vec![piece])
        };
        Self::in_pieces(tracks.into_iter().map(whole), Vec::new())
    }

    /// The same, of which only these pieces are sent, and marks that come back by the way.
    #[must_use]
    pub fn in_pieces(
        tracks: impl IntoIterator<Item = (Track, Vec<u8>, Vec<Range<usize>>)>,
        marks: Vec<(MediaTime, String)>,
    ) -> Self {
        let share = |(track, ulaw, pieces): (Track, Vec<u8>, Vec<Range<usize>>)| Sound {
            track,
            ulaw: ulaw.into(),
            base64: None,
            pieces: pieces.into(),
        };
        Self {
            tracks: tracks.into_iter().map(share).collect(),
            part: 0..usize::MAX,
            marks,
        }
    }

    /// Encodes the whole for all who share it: worth its memory where many calls send the same.
    #[must_use]
    pub fn encoded(mut self) -> Self {
        let whole = |sound: &&mut Sound| sound.pieces.first() == Some(&(0..sound.ulaw.len()));
        for sound in self.tracks.iter_mut().filter(whole) {
            let frames = sound.ulaw.chunks(FRAME_LEN);
            let base64: String = frames.map(payload::encode).collect();
            sound.base64 = Some(base64.into());
        }
        self
    }

    /// These frames of it, counted from where it begins itself.
    #[must_use]
    pub fn part(&self, frames: Range<u64>) -> Self {
        let place = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let from = |n: u64| self.part.start.saturating_add(place(n));
        let part = from(frames.start)..from(frames.end).min(self.part.end);
        Self {
            tracks: self.tracks.clone(),
            part,
            marks: Vec::new(),
        }
    }

    /// The length of the longest track, in frames.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.longest().div_ceil(FRAME_LEN) as u64
    }

    /// A frame's audio as the wire has it.
    #[must_use]
    pub fn payload(&self, frame: Frame) -> Cow<'_, str> {
        match self.sound(frame.track).and_then(|s| s.base64.as_deref()) {
            Some(base64) => {
                let nth = self.part.start.saturating_add(frame.start / FRAME_LEN);
                let start = nth.saturating_mul(BASE64_LEN).min(base64.len());
                let end = (start + BASE64_LEN).min(base64.len());
                Cow::Borrowed(&base64[start..end])
            }
            None => Cow::Owned(payload::encode(&self.ulaw(frame.track)[frame.range()])),
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
        self.tracks.iter().map(|sound| sound.track).collect()
    }

    /// What of each track is sent, in bytes, which are samples, since the stream's start.
    #[must_use]
    pub fn pieces(&self) -> Vec<(Track, Vec<Range<usize>>)> {
        let pieces = |sound: &Sound| {
            let part = self.part_of(sound);
            let within = |piece: &Range<usize>| {
                let start = piece.start.clamp(part.start, part.end);
                let end = piece.end.clamp(part.start, part.end);
                start - part.start..end - part.start
            };
            (sound.track, sound.pieces.iter().map(within).collect())
        };
        self.tracks.iter().map(pieces).collect()
    }

    /// Marks that came back while it was heard, in order.
    #[must_use]
    pub fn marks(&self) -> &[(MediaTime, String)] {
        &self.marks
    }

    /// A track's audio; empty when there is no such track.
    #[must_use]
    pub fn ulaw(&self, track: Track) -> &[u8] {
        self.sound(track)
            .map_or(&[], |sound| &sound.ulaw[self.part_of(sound)])
    }

    /// The length of the longest track, in seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    pub fn seconds(&self) -> f64 {
        self.longest() as f64 / WIRE_RATE as f64
    }

    fn longest(&self) -> usize {
        let lengths = self.tracks.iter().map(|sound| self.part_of(sound).len());
        lengths.max().unwrap_or(0)
    }

    /// The bytes of a sound that are in the part.
    fn part_of(&self, sound: &Sound) -> Range<usize> {
        let at = |frames: usize| frames.saturating_mul(FRAME_LEN).min(sound.ulaw.len());
        let end = at(self.part.end);
        at(self.part.start).min(end)..end
    }

    fn sound(&self, track: Track) -> Option<&Sound> {
        self.tracks.iter().find(|sound| sound.track == track)
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

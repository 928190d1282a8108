//! Files of any kind → 16 kHz: WAV (PCM, float, mu-law, A-law, ADPCM) and MP3, any rate, any number of
//! channels, a block at a time. A WAV that was cut off, or whose header was never finished, is decoded as
//! far as it goes.

pub mod probe;
mod riff;

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use symphonia::core::{
    codecs::audio::{AudioDecoder, AudioDecoderOptions},
    errors::Error as Failure,
    formats::{FormatReader, TrackType, probe::Hint},
    io::MediaSourceStream,
    packet::Packet,
};

use riff::Bytes;

use super::{
    resample::Resampler,
    source::{Error, Source},
};
use crate::time::{ENGINE_RATE, MediaTime};

/// More than any microphone array has.
const MOST_CHANNELS: usize = 64;

/// Opens a file and looks at its beginning.
///
/// # Errors
/// When it cannot be opened, is empty, or is no audio that can be read here.
pub fn open(path: &Path) -> Result<Decoder, Error> {
    Decoder::open(path)
}

/// A file that is being decoded.
pub struct Decoder {
    path: PathBuf,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    rate: u32,
    /// In samples of `rate`.
    frames_hint: Option<u64>,
    /// One for each channel; only `wanted` channels are resampled.
    resamplers: Vec<Resampler>,
    wanted: Option<usize>,
    planes: Vec<Vec<f32>>,
    block: Vec<Vec<f32>>,
    /// Frames of `rate` decoded so far.
    frames: u64,
    damaged: u64,
    ended: bool,
}

impl Decoder {
    fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|error| Error::io(path, error))?;
        Self::over(path, file)
    }

    fn over(path: &Path, bytes: impl Bytes + 'static) -> Result<Self, Error> {
        let failed = |error| Error::io(path, error);
        if bytes.length().map_err(failed)? == 0 {
            return Err(Error::EmptyFile {
                path: path.to_owned(),
            });
        }
        let unreadable = |why: &dyn std::fmt::Display| Error::Unreadable {
            path: path.to_owned(),
            why: why.to_string(),
        };
        let source = riff::Shown::new(bytes).map_err(failed)?;
        let stream = MediaSourceStream::new(Box::new(source), Default::default());
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|e| e.to_str()) {
            hint.with_extension(extension);
        }
        let format = symphonia::default::get_probe()
            .probe(&hint, stream, Default::default(), Default::default())
            .map_err(|failure| unreadable(&failure))?;
        let track = format
            .default_track(TrackType::Audio)
            .ok_or_else(|| Error::NoAudio {
                path: path.to_owned(),
            })?;
        let parameters = track.codec_params.as_ref().and_then(|p| p.audio());
        let parameters = parameters.ok_or_else(|| unreadable(&"its coding is unknown"))?;
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|failure| unreadable(&failure))?;
        let rate = parameters
            .sample_rate
            .ok_or_else(|| unreadable(&"it names no sample rate"))?;
        let channels = parameters
            .channels
            .as_ref()
            .map_or(0, |channels| channels.count());
        if !(1..=MOST_CHANNELS).contains(&channels) {
            return Err(unreadable(&format!("it has {channels} channels")));
        }
        let resamplers: Result<Vec<_>, _> = (0..channels).map(|_| Resampler::new(rate)).collect();
        Ok(Self {
            path: path.to_owned(),
            track: track.id,
            rate,
            frames_hint: track.num_frames,
            resamplers: resamplers.map_err(|bad| unreadable(&bad))?,
            wanted: None,
            planes: Vec::new(),
            block: vec![Vec::new(); channels],
            frames: 0,
            damaged: 0,
            ended: false,
            format,
            decoder,
        })
    }

    #[must_use]
    pub fn channels(&self) -> usize {
        self.block.len()
    }

    /// Samples a second in the file.
    #[must_use]
    pub const fn rate(&self) -> u32 {
        self.rate
    }

    /// The length that the file claims to have.
    #[must_use]
    pub fn duration(&self) -> Option<MediaTime> {
        self.length().map(MediaTime::from_engine_samples)
    }

    fn length(&self) -> Option<u64> {
        let frames = self.frames_hint?;
        Some((frames * ENGINE_RATE).div_ceil(u64::from(self.rate)))
    }

    /// Packets that could not be decoded; silence stands in their place.
    #[must_use]
    pub const fn damaged(&self) -> u64 {
        self.damaged
    }

    /// The next samples of every channel, 16 kHz, −1 to 1; `None` at the end. All channels have the same
    /// length, which varies from block to block.
    ///
    /// # Errors
    /// When the file cannot be read any further, or ended without a single sample.
    pub fn next_block(&mut self) -> Result<Option<&[Vec<f32>]>, Error> {
        self.block.iter_mut().for_each(Vec::clear);
        while !self.ended && self.filled() == 0 {
            match self.next_packet()? {
                Some(packet) => self.decode(&packet)?,
                None => self.end()?,
            }
        }
        Ok((self.filled() > 0).then_some(&self.block))
    }

    fn filled(&self) -> usize {
        self.block[self.wanted.unwrap_or(0)].len()
    }

    fn next_packet(&mut self) -> Result<Option<Packet>, Error> {
        loop {
            match self.format.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => return Ok(Some(packet)),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                // The file was cut off, or goes on as something else.
                Err(Failure::IoError(e)) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Ok(None);
                }
                Err(Failure::ResetRequired) => return Ok(None),
                Err(Failure::IoError(error)) => return Err(Error::io(&self.path, error)),
                Err(failure) => return Err(self.broken(&failure)),
            }
        }
    }

    fn decode(&mut self, packet: &Packet) -> Result<(), Error> {
        match self.decoder.decode(packet) {
            Ok(audio) => {
                audio.copy_to_vecs_planar(&mut self.planes);
            }
            Err(Failure::DecodeError(_) | Failure::IoError(_)) => {
                self.damaged += 1;
                let frames = usize::try_from(packet.dur.get()).unwrap_or(0);
                self.planes.clear();
                self.planes.resize(self.block.len(), vec![0.0; frames]);
            }
            Err(failure) => return Err(self.broken(&failure)),
        }
        if self.planes.len() != self.block.len() {
            return Err(self.broken(&"the number of channels changes"));
        }
        self.frames += self.planes[0].len() as u64;
        let channels = self
            .planes
            .iter_mut()
            .zip(&mut self.resamplers)
            .zip(&mut self.block);
        for (channel, ((plane, resampler), out)) in channels.enumerate() {
            if self.wanted.is_none_or(|wanted| wanted == channel) {
                plane.iter_mut().for_each(|sample| *sample = sane(*sample));
                resampler.process(plane, out);
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        self.ended = true;
        if self.frames == 0 {
            return Err(Error::NoAudio {
                path: self.path.clone(),
            });
        }
        for (resampler, out) in self.resamplers.iter_mut().zip(&mut self.block) {
            resampler.finish(out);
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "a place for a reader")]
    fn broken(&self, why: &dyn std::fmt::Display) -> Error {
        let at = self.frames as f64 / f64::from(self.rate);
        Error::Damaged {
            path: self.path.clone(),
            at,
            why: why.to_string(),
        }
    }
}

/// The engine turns one NaN into a page of exclamation marks.
fn sane(sample: f32) -> f32 {
    if sample.is_finite() {
        sample.clamp(-1.0, 1.0)
    } else {
        0.0
    }
}

/// One channel of a file.
pub struct ChannelSource {
    decoder: Decoder,
    channel: usize,
    /// Decoded, from `at` on not yet read.
    waiting: Vec<f32>,
    at: usize,
}

impl ChannelSource {
    /// Opens channel `channel`, from 0, of a file.
    ///
    /// # Errors
    /// As [`open`], and when there is no such channel.
    pub fn open(path: &Path, channel: usize) -> Result<Self, Error> {
        let mut decoder = open(path)?;
        let channels = decoder.channels();
        if channel >= channels {
            return Err(Error::NoChannel {
                path: path.to_owned(),
                channel,
                channels,
            });
        }
        decoder.wanted = Some(channel);
        Ok(Self {
            decoder,
            channel,
            waiting: Vec::new(),
            at: 0,
        })
    }
}

impl Source for ChannelSource {
    fn read(&mut self, out: &mut Vec<f32>, max: usize) -> Result<usize, Error> {
        let mut got = 0;
        while got < max {
            if self.at == self.waiting.len() {
                let Some(block) = self.decoder.next_block()? else {
                    break;
                };
                self.waiting.clear();
                self.waiting.extend_from_slice(&block[self.channel]);
                self.at = 0;
            }
            let rest = &self.waiting[self.at..];
            let piece = &rest[..rest.len().min(max - got)];
            out.extend_from_slice(piece);
            self.at += piece.len();
            got += piece.len();
        }
        Ok(got)
    }

    fn length(&self) -> Option<u64> {
        self.decoder.length()
    }
}

#[cfg(test)]
mod tests;

//! Files of any kind → 16 kHz, any rate, any number of channels, a block at a time: WAV (PCM, float, mu-law,
//! A-law, ADPCM), MP3, AAC and ALAC (alone or in M4A), FLAC, Vorbis, and Opus in Ogg, WebM and Matroska. A WAV that was cut off, or whose header was never finished, is decoded as
//! far as it goes.

mod ogg;
mod opus;
pub mod probe;
mod riff;

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use symphonia::core::{
    codecs::audio::{AudioDecoder, AudioDecoderOptions, well_known::CODEC_ID_OPUS},
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
    coding: Coding,
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
    most_frames: u64,
    damaged: u64,
    ended: bool,
}

enum Coding {
    Opus(Box<opus::Reader>),
    Other(Other),
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
        if opus::is_ogg_opus(&bytes).map_err(failed)? {
            return Self::opus(path, bytes);
        }
        let unreadable = |why: &dyn std::fmt::Display| unreadable(path, why);
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
        let (track_id, frames_hint) = (track.id, track.num_frames);
        if parameters.codec == CODEC_ID_OPUS {
            let head = parameters.extra_data.as_deref().unwrap_or_default();
            let voice = opus::Voice::new(head).map_err(|why| unreadable(&why))?;
            let channels = voice.channels();
            let coding = Coding::Other(Other {
                format,
                decoder: Codec::Opus(voice),
                track: track_id,
            });
            // Its frames are counted in the container's own units.
            return Self::new(path, coding, opus::RATE, channels, None);
        }
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
        let coding = Coding::Other(Other {
            format,
            decoder: Codec::Symphonia { decoder, rate },
            track: track_id,
        });
        Self::new(path, coding, rate, channels, frames_hint)
    }

    fn opus(path: &Path, bytes: impl Bytes + 'static) -> Result<Self, Error> {
        let reader = opus::Reader::open(Box::new(bytes)).map_err(|refusal| match refusal {
            opus::Refusal::Io(error) => Error::io(path, error),
            opus::Refusal::Unreadable(why) => unreadable(path, &why),
        })?;
        let frames = reader.frames().map_err(|error| Error::io(path, error))?;
        let channels = reader.channels();
        let coding = Coding::Opus(Box::new(reader));
        Self::new(path, coding, opus::RATE, channels, frames)
    }

    fn new(
        path: &Path,
        coding: Coding,
        rate: u32,
        channels: usize,
        frames_hint: Option<u64>,
    ) -> Result<Self, Error> {
        if !(1..=MOST_CHANNELS).contains(&channels) {
            let why = format!("it has {channels} channels");
            return Err(unreadable(path, &why));
        }
        let resamplers: Result<Vec<_>, _> = (0..channels).map(|_| Resampler::new(rate)).collect();
        Ok(Self {
            path: path.to_owned(),
            coding,
            rate,
            frames_hint,
            resamplers: resamplers.map_err(|bad| unreadable(path, &bad))?,
            wanted: None,
            planes: Vec::new(),
            block: vec![Vec::new(); channels],
            frames: 0,
            most_frames: u64::MAX,
            damaged: 0,
            ended: false,
        })
    }

    #[must_use]
    pub fn channels(&self) -> usize {
        self.block.len()
    }

    /// Samples a second in the file; of Opus, which has no rate of its own, 16,000.
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
        let samples = frames.saturating_mul(ENGINE_RATE);
        Some(samples.div_ceil(u64::from(self.rate)))
    }

    /// Refuses more than so many seconds: whatever the file claims, it is told only once they are decoded.
    pub fn limit(&mut self, most_seconds: u32) {
        self.most_frames = u64::from(most_seconds) * u64::from(self.rate);
    }

    /// Packets that could not be decoded, and gaps in an Ogg file; silence stands in their place.
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
            if self.next_planes()? {
                self.resample()?;
            } else {
                self.end()?;
            }
        }
        Ok((self.filled() > 0).then_some(&self.block))
    }

    fn filled(&self) -> usize {
        self.block[self.wanted.unwrap_or(0)].len()
    }

    /// Decodes on into `planes`; `false` at the end.
    fn next_planes(&mut self) -> Result<bool, Error> {
        match &mut self.coding {
            Coding::Opus(reader) => {
                let more = reader.next(&mut self.planes);
                self.damaged = reader.damaged();
                more.map_err(|error| Error::io(&self.path, error))
            }
            Coding::Other(other) => match other.next(&mut self.planes) {
                Ok(Step::Decoded) => Ok(true),
                Ok(Step::Damaged { frames }) => {
                    self.damaged += 1;
                    self.planes.clear();
                    self.planes.resize(self.block.len(), vec![0.0; frames]);
                    Ok(true)
                }
                Ok(Step::End) => Ok(false),
                Err(Failure::IoError(error)) => Err(Error::io(&self.path, error)),
                Err(failure) => Err(self.broken(&failure)),
            },
        }
    }

    fn resample(&mut self) -> Result<(), Error> {
        if self.planes.len() != self.block.len() {
            return Err(self.broken(&"the number of channels changes"));
        }
        self.frames += self.planes[0].len() as u64;
        if self.frames > self.most_frames {
            return Err(Error::TooLong {
                path: self.path.clone(),
                most: self.most_frames / u64::from(self.rate),
            });
        }
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

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::Unreadable {
        path: path.to_owned(),
        why: why.to_string(),
    }
}

/// What symphonia reads.
struct Other {
    format: Box<dyn FormatReader>,
    decoder: Codec,
    track: u32,
}

enum Codec {
    Symphonia {
        decoder: Box<dyn AudioDecoder>,
        rate: u32,
    },
    /// Which symphonia finds in a container, and cannot decode.
    Opus(opus::Voice),
}

enum Step {
    Decoded,
    Damaged { frames: usize },
    End,
}

impl Other {
    fn next(&mut self, planes: &mut Vec<Vec<f32>>) -> Result<Step, Failure> {
        let Some(packet) = self.next_packet()? else {
            return Ok(Step::End);
        };
        let (decoder, rate) = match &mut self.decoder {
            Codec::Symphonia { decoder, rate } => (decoder, *rate),
            Codec::Opus(voice) => return Ok(voice.step(&packet.data, planes)),
        };
        match decoder.decode(&packet) {
            Ok(audio) => {
                audio.copy_to_vecs_planar(planes);
                Ok(Step::Decoded)
            }
            // A file may claim any length for a packet; none has more than a second.
            Err(Failure::DecodeError(_) | Failure::IoError(_)) => Ok(Step::Damaged {
                frames: usize::try_from(packet.dur.get().min(rate.into())).unwrap_or(0),
            }),
            Err(failure) => Err(failure),
        }
    }

    fn next_packet(&mut self) -> Result<Option<Packet>, Failure> {
        loop {
            match self.format.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => return Ok(Some(packet)),
                Ok(Some(_)) => {}
                // The file was cut off, or goes on as something else.
                Err(Failure::IoError(e)) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Ok(None);
                }
                Err(Failure::ResetRequired) => return Ok(None),
                other => return other,
            }
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

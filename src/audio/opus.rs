//! Tracks → one Ogg Opus file (RFC 7845), for archives: a tenth of the WAV. A second track becomes the
//! right channel. What is packed comes back sample for sample at its place and length by
//! [`decode`](super::decode): the encoder's delay stands in the file as pre-skip, and its last page says
//! where the audio ends.

use std::io::{self, Write};

use audiopus::{Application, Bandwidth, Bitrate, Channels, SampleRate, Signal, coder::Encoder};

use super::{
    ogg,
    source::{self, Source},
};
use crate::time::ENGINE_RATE;

/// Granules are samples at 48 kHz, whatever the rate of the audio (RFC 7845, section 4).
pub(super) const GRANULES: u64 = 48_000 / ENGINE_RATE;
/// Samples of a packet, 20 ms, the usual one (RFC 6716, section 2.1.4).
const PACKET: usize = 320;
/// A page a second: that is what a damaged page costs.
const PACKETS_A_PAGE: u64 = 50;
/// No packet with one frame is longer (RFC 6716, section 3.4), but for its first byte.
const LONGEST_PACKET: usize = 1 + 1275;
/// Bits a second of a track, on average; see `benches/RESULTS.md` for what fewer and more cost.
const BITRATE: i32 = 28_000;
/// The stream is alone in its file: any number does, and the same audio gives the same file.
const SERIAL: u32 = 0x6361_6C6C;

/// Why tracks cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error(transparent)]
    Source(#[from] source::Error),
    /// The file cannot be written.
    #[error("cannot write: {0}")]
    Write(io::Error),
    #[error("one or two tracks can be packed, not {0}")]
    Tracks(usize),
    #[error("Opus: {0}")]
    Encoder(String),
}

/// Packs one track (mono) or two (left, right) and says how many samples (16 kHz) each channel has: as
/// many as the longer track, silence stands at the end of the shorter. Tracks without a sample give a
/// sound file in which there is no audio. `out` is written a page at a time and flushed.
///
/// # Errors
/// When a track cannot be read, `out` cannot be written, or the tracks are not one or two.
pub fn pack(tracks: Vec<Box<dyn Source>>, out: impl Write) -> Result<u64, PackError> {
    let (channels, count) = match tracks.len() {
        1 => (Channels::Mono, 1),
        2 => (Channels::Stereo, 2),
        other => return Err(PackError::Tracks(other)),
    };
    let encoder = encoder(channels, count).map_err(codec)?;
    let delay = encoder.lookahead().map_err(codec)?;
    let mut out = ogg::Writer::new(out, SERIAL);
    heads(&mut out, count, delay).map_err(PackError::Write)?;

    let mut tracks: Vec<Track> = tracks.into_iter().map(Track::new).collect();
    let mut both = vec![0.0; PACKET * tracks.len()];
    let mut packet = [0; LONGEST_PACKET];
    let (mut packets, mut samples) = (0, 0);
    loop {
        let mut got = 0;
        for (at, track) in tracks.iter_mut().enumerate() {
            got = got.max(track.next(both.iter_mut().skip(at).step_by(usize::from(count)))?);
        }
        samples += got as u64;
        // The encoder holds back its delay: packets are drawn until that has come out too.
        let end = samples + u64::from(delay);
        let whole = packets * PACKET as u64;
        if got == 0 && packets > 0 && whole >= end {
            break;
        }
        if packets > 0 && packets % PACKETS_A_PAGE == 0 {
            out.turn().map_err(PackError::Write)?;
        }
        let length = encoder.encode_float(&both, &mut packet).map_err(codec)?;
        packets += 1;
        let granule = end.min(whole + PACKET as u64) * GRANULES;
        out.packet(&packet[..length], granule)
            .map_err(PackError::Write)?;
    }
    out.finish().map_err(PackError::Write)?;
    Ok(samples)
}

fn codec(error: audiopus::Error) -> PackError {
    PackError::Encoder(error.to_string())
}

fn encoder(channels: Channels, count: u8) -> audiopus::Result<Encoder> {
    // Of the two applications this one stays nearer to the input: it has no high-pass, and measured on
    // a call its noise lies 6 to 10 dB lower.
    let mut encoder = Encoder::new(SampleRate::Hz16000, channels, Application::Audio)?;
    encoder.set_signal(Signal::Voice)?;
    encoder.set_vbr(true)?;
    // A telephone has nothing above 4 kHz: no bit goes there.
    encoder.set_max_bandwidth(Bandwidth::Narrowband)?;
    encoder.set_vbr_constraint(false)?;
    encoder.set_bitrate(Bitrate::BitsPerSecond(BITRATE * i32::from(count)))?;
    Ok(encoder)
}

/// The two packets before the audio, each on a page of its own (RFC 7845, section 5).
fn heads(out: &mut ogg::Writer<impl Write>, channels: u8, delay: u32) -> io::Result<()> {
    let pre_skip = u16::try_from(u64::from(delay) * GRANULES).map_err(io::Error::other)?;
    let mut head = b"OpusHead\x01".to_vec();
    head.push(channels);
    head.extend(pre_skip.to_le_bytes());
    head.extend((SampleRate::Hz16000 as u32).to_le_bytes());
    // A gain of 0 dB; channel mapping family 0.
    head.extend([0, 0, 0]);
    out.packet(&head, 0)?;
    out.turn()?;

    let vendor = concat!("callscribe ", env!("CARGO_PKG_VERSION"), " (libopus)");
    let mut tags = b"OpusTags".to_vec();
    tags.extend(
        u32::try_from(vendor.len())
            .map_err(io::Error::other)?
            .to_le_bytes(),
    );
    tags.extend(vendor.as_bytes());
    tags.extend(0_u32.to_le_bytes());
    out.packet(&tags, 0)?;
    out.turn()
}

struct Track {
    source: Box<dyn Source>,
    samples: Vec<f32>,
    ended: bool,
}

impl Track {
    fn new(source: Box<dyn Source>) -> Self {
        Self {
            source,
            samples: Vec::with_capacity(PACKET),
            ended: false,
        }
    }

    /// Puts the next samples of a packet into `places`, silence after the end, and says how many it had.
    fn next<'a>(
        &mut self,
        places: impl Iterator<Item = &'a mut f32>,
    ) -> Result<usize, source::Error> {
        self.samples.clear();
        while !self.ended && self.samples.len() < PACKET {
            let more = PACKET - self.samples.len();
            self.ended = self.source.read(&mut self.samples, more)? == 0;
        }
        let samples = self.samples.iter().copied().chain(std::iter::repeat(0.0));
        for (place, sample) in places.zip(samples) {
            *place = sample;
        }
        Ok(self.samples.len())
    }
}

#[cfg(test)]
mod tests;

//! Ogg Opus (RFC 7845) → 16 kHz, from any encoder, mono or stereo. Granules, in samples at 48 kHz, say
//! where the audio of each page lies: what the encoder put before the start and after the end is taken
//! away, and where pages are missing silence keeps what follows at its place.

use std::{collections::VecDeque, io};

use audiopus::{Channels, MutSignals, SampleRate, coder, packet};

use super::{
    Step,
    ogg::{self, Packets, Pages},
    riff::Bytes,
};
use crate::audio::{
    ogg::{FIRST, LAST, Page},
    opus::GRANULES,
};

/// Opus is decoded at any of a few rates; at this one nothing is left to resample.
pub(super) const RATE: u32 = 16_000;
/// Frames of the longest packet, 120 ms (RFC 6716, section 3.4).
const LONGEST_PACKET: usize = 1920;
/// A longer gap, in granules (a minute), is no loss of pages but a false granule.
const LONGEST_GAP: u64 = 60 * 48_000;

/// Whether a file is one of Ogg, and not of those codings in Ogg that begin otherwise. The first page's
/// body begins at byte 28.
pub(super) fn is_ogg_opus(file: &dyn Bytes) -> io::Result<bool> {
    let mut start = [0; 36];
    let got = file.read_at(&mut start, 0)?;
    let others = [&b"\x01vorbis"[..], b"\x7fFLAC"];
    let is_other = others.iter().any(|other| start[28..].starts_with(other));
    Ok(got >= 4 && start.starts_with(b"OggS") && !is_other)
}

/// Why a file cannot be opened.
#[derive(Debug)]
pub(super) enum Refusal {
    Io(io::Error),
    Unreadable(String),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The first stream of Opus in a file.
pub(super) struct Reader {
    file: Box<dyn Bytes>,
    pages: Pages,
    joined: Packets,
    decoder: coder::Decoder,
    head: Head,
    /// Packets of the current page.
    packets: VecDeque<Vec<u8>>,
    /// The granules where the audio begins and where the current page ends.
    start: u64,
    end: Option<u64>,
    /// Frames: of a gap, to be taken away, and up to the end once that is known.
    gap: u64,
    skip: u64,
    left: Option<u64>,
    pcm: Vec<f32>,
    damaged: u64,
}

/// What stands at the head of the stream (RFC 7845, section 5.1).
struct Head {
    serial: u32,
    channels: usize,
    /// In granules.
    pre_skip: u64,
    /// In 256ths of a dB.
    gain: i32,
}

impl Reader {
    pub(super) fn open(file: Box<dyn Bytes>) -> Result<Self, Refusal> {
        let mut pages = Pages::default();
        let head = Head::find(&mut pages, &*file)?;
        let channels = match head.channels {
            1 => Channels::Mono,
            _ => Channels::Stereo,
        };
        let failed = |error: audiopus::Error| Refusal::Unreadable(error.to_string());
        let decoder = coder::Decoder::new(SampleRate::Hz16000, channels).map_err(failed)?;
        decoder.set_gain(head.gain).map_err(failed)?;
        let mut reader = Self {
            pages,
            joined: Packets::default(),
            decoder,
            packets: VecDeque::new(),
            start: 0,
            end: None,
            gap: 0,
            skip: (head.pre_skip + GRANULES / 2) / GRANULES,
            left: None,
            pcm: vec![0.0; LONGEST_PACKET * head.channels],
            damaged: 0,
            head,
            file,
        };
        // The first page of audio says when it begins.
        while reader.packets.is_empty() && reader.turn()? {}
        Ok(reader)
    }

    pub(super) const fn channels(&self) -> usize {
        self.head.channels
    }

    /// Packets and gaps for which silence stands.
    pub(super) const fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Frames in all, by the last page.
    pub(super) fn frames(&self) -> io::Result<Option<u64>> {
        let end = ogg::last_granule(&*self.file, self.head.serial)?;
        Ok(end.map(|end| {
            let all = end.saturating_sub(self.start);
            all.saturating_sub(self.head.pre_skip).div_ceil(GRANULES)
        }))
    }

    /// The next frames, channel by channel; `false` at the end.
    pub(super) fn next(&mut self, planes: &mut Vec<Vec<f32>>) -> io::Result<bool> {
        loop {
            let frames = if self.gap > 0 {
                self.silence()
            } else if let Some(packet) = self.packets.pop_front() {
                self.decode(&packet)
            } else if self.left.is_none() && self.turn()? {
                continue;
            } else {
                return Ok(false);
            };
            let skip = self.skip.min(frames as u64);
            self.skip -= skip;
            let Some(skip) = usize::try_from(skip).ok().filter(|skip| *skip < frames) else {
                continue;
            };
            let channels = self.head.channels;
            let kept = &self.pcm[skip * channels..frames * channels];
            planes.resize(channels, Vec::new());
            for (channel, plane) in planes.iter_mut().enumerate() {
                plane.clear();
                plane.extend(kept.iter().skip(channel).step_by(channels));
            }
            return Ok(true);
        }
    }

    fn silence(&mut self) -> usize {
        let frames =
            usize::try_from(self.gap).map_or(LONGEST_PACKET, |gap| gap.min(LONGEST_PACKET));
        self.gap -= frames as u64;
        self.pcm.fill(0.0);
        frames
    }

    /// Decodes a packet into `pcm`; silence where it cannot be.
    fn decode(&mut self, packet: &[u8]) -> usize {
        let decoded = packet.try_into().and_then(|packet| {
            let out = MutSignals::try_from(&mut self.pcm)?;
            self.decoder.decode_float(Some(packet), out, false)
        });
        let frames = decoded.unwrap_or_else(|_| {
            self.damaged += 1;
            self.pcm.fill(0.0);
            usize::try_from(length(packet) / GRANULES).map_or(0, |n| n.min(LONGEST_PACKET))
        });
        let Some(left) = &mut self.left else {
            return frames;
        };
        let kept = usize::try_from(*left).map_or(frames, |left| left.min(frames));
        *left -= kept as u64;
        kept
    }

    /// Goes on to the next page of the stream; `false` where there is none.
    fn turn(&mut self) -> io::Result<bool> {
        while let Some(page) = self.pages.next(&*self.file)? {
            if page.serial != self.head.serial {
                continue;
            }
            // Another stream follows that was given the same number.
            if page.flags & FIRST != 0 {
                return Ok(false);
            }
            self.take(&page);
            return Ok(true);
        }
        Ok(false)
    }

    /// Takes the packets of a page, and finds the place of their audio (RFC 7845, section 4).
    fn take(&mut self, page: &Page) {
        let mut packets = self.joined.of(page);
        if self.end.is_none() {
            packets.retain(|packet| !packet.starts_with(b"OpusTags"));
        }
        let last = page.flags & LAST != 0;
        let length: u64 = packets.iter().map(|packet| length(packet)).sum();
        if !packets.is_empty() {
            let claimed = page.granule;
            let before = self.end.unwrap_or_else(|| {
                self.start = claimed.unwrap_or(0).saturating_sub(length);
                self.start
            });
            let counted = before.saturating_add(length);
            let end = claimed.unwrap_or(counted);
            let gap = end.saturating_sub(counted);
            if (GRANULES..=LONGEST_GAP).contains(&gap) {
                self.gap = gap / GRANULES;
                self.damaged += 1;
            }
            if last {
                let beyond = counted.saturating_sub(end).min(length);
                self.left = Some(length / GRANULES - beyond / GRANULES);
            }
            self.end = Some(end);
        } else if last {
            self.left = Some(0);
        }
        self.packets = packets.into();
    }
}

impl Head {
    fn find(pages: &mut Pages, file: &dyn Bytes) -> Result<Self, Refusal> {
        while let Some(page) = pages.next(file)? {
            if page.flags & FIRST == 0 {
                break;
            }
            if page.body.starts_with(b"OpusHead") {
                return Self::parse(&page.body, page.serial).map_err(Refusal::Unreadable);
            }
        }
        let why = "an Ogg file whose head is damaged or not of Opus";
        Err(Refusal::Unreadable(why.into()))
    }

    /// Of an `OpusHead` packet.
    fn parse(packet: &[u8], serial: u32) -> Result<Self, String> {
        let Some(
            [
                version,
                channels,
                skip_0,
                skip_1,
                _,
                _,
                _,
                _,
                gain_0,
                gain_1,
                family,
            ],
        ) = packet.get(8..).and_then(<[u8]>::first_chunk)
        else {
            return Err("the head of its Opus is cut off".into());
        };
        match (version >> 4, family, channels) {
            (0, 0, 1 | 2) => Ok(Self {
                serial,
                channels: usize::from(*channels),
                pre_skip: u16::from_le_bytes([*skip_0, *skip_1]).into(),
                gain: i16::from_le_bytes([*gain_0, *gain_1]).into(),
            }),
            (0, 0, _) => Err(format!("it has {channels} channels")),
            (0, ..) => Err(format!("its channels are laid out by family {family}")),
            _ => Err(format!("Opus in Ogg of version {version}")),
        }
    }
}

/// Opus whose packets another container holds.
pub(super) struct Voice {
    decoder: coder::Decoder,
    channels: usize,
    /// Frames to be taken away still.
    skip: u64,
    pcm: Vec<f32>,
}

impl Voice {
    /// `head` is the `OpusHead` that the container keeps (RFC 7845, section 5.1).
    pub(super) fn new(head: &[u8]) -> Result<Self, String> {
        if !head.starts_with(b"OpusHead") {
            return Err("the head of its Opus is missing".into());
        }
        let head = Head::parse(head, 0)?;
        let channels = match head.channels {
            1 => Channels::Mono,
            _ => Channels::Stereo,
        };
        let failed = |error: audiopus::Error| error.to_string();
        let decoder = coder::Decoder::new(SampleRate::Hz16000, channels).map_err(failed)?;
        decoder.set_gain(head.gain).map_err(failed)?;
        Ok(Self {
            decoder,
            channels: head.channels,
            skip: (head.pre_skip + GRANULES / 2) / GRANULES,
            pcm: vec![0.0; LONGEST_PACKET * head.channels],
        })
    }

    pub(super) const fn channels(&self) -> usize {
        self.channels
    }

    /// Decodes a packet, channel by channel.
    pub(super) fn step(&mut self, packet: &[u8], planes: &mut Vec<Vec<f32>>) -> Step {
        let decoded = packet.try_into().and_then(|packet| {
            let out = MutSignals::try_from(&mut self.pcm)?;
            self.decoder.decode_float(Some(packet), out, false)
        });
        let Ok(frames) = decoded else {
            let frames = length(packet) / GRANULES;
            return Step::Damaged {
                frames: usize::try_from(frames).map_or(0, |n| n.min(LONGEST_PACKET)),
            };
        };
        let skip = usize::try_from(self.skip).map_or(frames, |skip| skip.min(frames));
        self.skip -= skip as u64;
        let kept = &self.pcm[skip * self.channels..frames * self.channels];
        planes.resize(self.channels, Vec::new());
        for (channel, plane) in planes.iter_mut().enumerate() {
            plane.clear();
            plane.extend(kept.iter().skip(channel).step_by(self.channels));
        }
        Step::Decoded
    }
}

/// Granules that a packet lasts; 0 where it is none.
fn length(bytes: &[u8]) -> u64 {
    let samples = bytes
        .try_into()
        .and_then(|packet| packet::nb_samples(packet, SampleRate::Hz48000));
    samples.map_or(0, |samples| samples as u64)
}

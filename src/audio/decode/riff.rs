//! A file as the decoder is to see it. A WAV is shown as its format and its samples alone, with sizes
//! that are true: so one that was cut off, whose writer died, that is longer than its own size fields
//! (RF64), or whose format chunk is shorter than the decoder insists on is read all the same.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    os::unix::fs::FileExt,
};

use symphonia::core::io::MediaSource;

/// Chunks that are looked at before the audio is given up on.
const MOST_CHUNKS: usize = 64;
/// A longer format chunk is nonsense.
const LONGEST_FORMAT: u32 = 4096;
const PCM: u16 = 1;

/// Something with bytes at places.
pub(super) trait Bytes: Send + Sync {
    fn length(&self) -> io::Result<u64>;
    /// Reads some bytes; none at the end.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
}

impl Bytes for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, at)
    }
}

impl Bytes for Vec<u8> {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let rest = usize::try_from(at)
            .ok()
            .and_then(|at| self.get(at..))
            .unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

pub(super) struct Shown<B> {
    file: B,
    /// What is shown before the file's own bytes.
    head: Vec<u8>,
    body: Range<u64>,
    at: u64,
}

impl<B: Bytes> Shown<B> {
    pub(super) fn new(file: B) -> io::Result<Self> {
        let length = file.length()?;
        let (head, body) = wave(&file, length).unwrap_or((Vec::new(), 0..length));
        Ok(Self {
            file,
            head,
            body,
            at: 0,
        })
    }

    fn length(&self) -> u64 {
        self.head.len() as u64 + (self.body.end - self.body.start)
    }
}

/// A new head for a WAV and where its samples lie; `None` where there is nothing to better.
fn wave(file: &impl Bytes, length: u64) -> Option<(Vec<u8>, Range<u64>)> {
    let [a, b, c, d, _, _, _, _, form @ ..] = read::<12>(file, 0)?;
    if !matches!(&[a, b, c, d], b"RIFF" | b"RF64") || &form != b"WAVE" {
        return None;
    }
    let (mut at, mut format, mut long_size) = (12, None, None);
    for _ in 0..MOST_CHUNKS {
        let chunk: [u8; 8] = read(file, at)?;
        let size = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
        let body = at + 8;
        match &chunk[..4] {
            b"fmt " if (16..=LONGEST_FORMAT).contains(&size) => {
                format = Some(read_vec(file, body, size as usize)?);
            }
            b"ds64" => long_size = Some(u64::from_le_bytes(read(file, body + 8)?)),
            b"data" => {
                let size = if size == u32::MAX {
                    long_size
                } else {
                    Some(u64::from(size))
                };
                // A size of nothing was never filled in.
                let size = size.filter(|size| *size > 0).unwrap_or(u64::MAX);
                let end = body.saturating_add(size).min(length);
                return Some((head(format?, end - body), body..end));
            }
            _ => {}
        }
        at = body + u64::from(size) + u64::from(size % 2);
    }
    None
}

fn head(mut format: Vec<u8>, data: u64) -> Vec<u8> {
    if format.len() == 16 && format[..2] != PCM.to_le_bytes() {
        format.extend(0_u16.to_le_bytes());
    }
    format.resize(format.len().next_multiple_of(2), 0);
    // The decoder reads on to the end where the size says u32::MAX.
    let sized = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    let mut head = b"RIFF".to_vec();
    head.extend(sized(4 + 8 + format.len() as u64 + 8 + data));
    head.extend(b"WAVEfmt ");
    head.extend(sized(format.len() as u64));
    head.extend(format);
    head.extend(b"data");
    head.extend(sized(data));
    head
}

fn read<const N: usize>(file: &impl Bytes, at: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    fill(file, &mut bytes, at)?;
    Some(bytes)
}

fn read_vec(file: &impl Bytes, at: u64, len: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; len];
    fill(file, &mut bytes, at)?;
    Some(bytes)
}

fn fill(file: &impl Bytes, buffer: &mut [u8], at: u64) -> Option<()> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], at.checked_add(done as u64)?) {
            Ok(0) | Err(_) => return None,
            Ok(more) => done += more,
        }
    }
    Some(())
}

impl<B: Bytes> Read for Shown<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let head = usize::try_from(self.at)
            .ok()
            .and_then(|at| self.head.get(at..));
        let count = match head {
            Some(head) if !head.is_empty() => {
                let count = head.len().min(buffer.len());
                buffer[..count].copy_from_slice(&head[..count]);
                count
            }
            _ => {
                let from = self.body.start + (self.at - self.head.len() as u64);
                let left = self.body.end.saturating_sub(from);
                let count = buffer
                    .len()
                    .min(usize::try_from(left).unwrap_or(usize::MAX));
                self.file.read_at(&mut buffer[..count], from)?
            }
        };
        self.at += count as u64;
        Ok(count)
    }
}

impl<B: Bytes> Seek for Shown<B> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.length().checked_add_signed(by),
        };
        self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl<B: Bytes> MediaSource for Shown<B> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length())
    }
}

//! Old recordings as Ogg Opus, a tenth of the size: the tracks of a stream side by side in one file, which
//! takes the name of the first. Whoever opens one gets the WAV of a track, unpacked; so all that reads
//! recordings reads archived ones too.
//!
//! A file is written beside the WAVs, read back and counted before it gets its name; the WAVs go last,
//! after the rows are told ([`Packed::settle`]). A crash in between leaves both, and packing again comes to
//! the same.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use tempfile::NamedTempFile;

use super::sidecar::{self, Sidecar};
use crate::audio::{
    decode::{self, ChannelSource},
    opus::{self, PackError},
    pcm::WavSource,
    source::{Error, Source},
    wav,
};

/// What an archived recording's name ends in.
pub const EXTENSION: &str = "opus";
/// Unpacked files of a process that died begin so.
const UNPACKED: &str = ".unpacked-";
/// Recordings that are kept unpacked: both tracks of two calls that are listened to.
const SHELF: usize = 4;
/// Samples unpacked at once: 4 s.
const BLOCK: usize = 1 << 16;

/// A track's files, in order.
pub type Files = Vec<PathBuf>;

#[must_use]
pub fn is_archived(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == EXTENSION)
}

/// Tracks in one file, with their WAVs still there.
#[derive(Debug)]
pub struct Packed {
    pub path: PathBuf,
    /// Of each track: samples at [`crate::time::ENGINE_RATE`], as many as its WAVs had.
    pub frames: Vec<u64>,
    wavs: Vec<Files>,
}

/// Packs one or two tracks of one stream, the first as the left channel.
///
/// # Errors
/// When a WAV cannot be read, the disk refuses, or what was written does not read back whole. Nothing
/// changed then.
pub fn pack(tracks: Vec<Files>) -> Result<Packed, PackError> {
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    let mut frames = Vec::new();
    for files in &tracks {
        let source = WavSource::open(files)?;
        frames.push(source.samples());
        sources.push(Box::new(source));
    }
    let first = tracks.iter().flatten().next();
    let path = first.cloned().unwrap_or_default().with_extension(EXTENSION);
    let failed = |why| Error::Io {
        path: path.clone(),
        why,
    };
    if tracks.is_empty() || tracks.iter().any(Vec::is_empty) {
        return Err(failed(io::ErrorKind::NotFound.into()).into());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let fresh = temporary(folder).map_err(failed)?;
    let mut out = BufWriter::new(fresh.as_file());
    opus::pack(sources, &mut out)?;
    let file = out
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    let longest = frames.iter().copied().max().unwrap_or(0);
    let read = count(fresh.path(), tracks.len())?;
    if read != longest {
        let text = format!("{read} samples of {longest} read back");
        return Err(failed(io::Error::new(io::ErrorKind::InvalidData, text)).into());
    }
    fresh.persist(&path).map_err(|error| failed(error.error))?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)?;
    Ok(Packed {
        path,
        frames,
        wavs: tracks,
    })
}

impl Packed {
    /// Lets the sidecars name the archive and removes the WAVs. The rows must say so before.
    ///
    /// # Errors
    /// When the disk refuses; what is left then is only too much.
    pub fn settle(&self) -> io::Result<()> {
        for (channel, (files, frames)) in self.wavs.iter().zip(&self.frames).enumerate() {
            if let Some(first) = files.first() {
                let beside = first.with_extension("json");
                match Sidecar::read(&beside) {
                    Ok(mut sidecar) => {
                        sidecar.parts = vec![sidecar::Part {
                            file: file_name(&self.path),
                            frames: *frames,
                            channel,
                        }];
                        sidecar.write(&beside)?;
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            for file in files {
                fs::remove_file(file)?;
            }
        }
        Ok(())
    }
}

/// Opens a track by its files, archived ones by the channel that is its own.
///
/// # Errors
/// When a file is missing or cannot be read, or there is no room to unpack it.
pub fn open<'a>(files: impl IntoIterator<Item = (&'a Path, usize)>) -> Result<WavSource, Error> {
    let (mut paths, mut unpacked) = (Vec::new(), Vec::new());
    for (path, channel) in files {
        if is_archived(path) {
            let file = unpack(path, channel)?;
            paths.push(file.path().to_owned());
            unpacked.push(file);
        } else {
            paths.push(path.to_owned());
        }
    }
    // Unpacked files lose their names here and are gone once they are closed.
    WavSource::open(&paths)
}

/// Unpacked recordings for those who ask again and again for pieces of them.
#[derive(Debug, Default)]
pub struct Shelf {
    /// The newest last.
    unpacked: Mutex<Vec<(PathBuf, usize, NamedTempFile)>>,
}

impl Shelf {
    /// Opens a channel of an archived recording as a WAV. Blocks, at the first time for as long as it takes
    /// to decode it.
    ///
    /// # Errors
    /// As [`open`].
    pub fn open(&self, path: &Path, channel: usize) -> Result<File, Error> {
        let lock = || self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |(one, of, _): &(PathBuf, usize, NamedTempFile)| one == path && *of == channel;
        let taken = {
            let mut shelf = lock();
            let at = shelf.iter().position(same);
            at.map(|at| shelf.remove(at).2)
        };
        // Not under the lock: others are served meanwhile.
        let unpacked = match taken {
            Some(unpacked) => unpacked,
            None => unpack(path, channel)?,
        };
        let file = unpacked.reopen().map_err(|why| Error::Io {
            path: path.to_owned(),
            why,
        })?;
        let mut shelf = lock();
        shelf.push((path.to_owned(), channel, unpacked));
        let over = shelf.len().saturating_sub(SHELF);
        shelf.drain(..over);
        Ok(file)
    }
}

/// Removes what a process that died had unpacked.
pub(super) fn clear(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNPACKED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The samples of one channel in a WAV of ours beside the archive.
fn unpack(path: &Path, channel: usize) -> Result<NamedTempFile, Error> {
    let mut source = ChannelSource::open(path, channel)?;
    let failed = |why| Error::Io {
        path: path.to_owned(),
        why,
    };
    let file = temporary(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
    let mut out = BufWriter::new(file.as_file());
    out.write_all(&wav::header(0)).map_err(failed)?;
    let (mut samples, mut total) = (Vec::new(), 0);
    while source.read(&mut samples, BLOCK)? > 0 {
        total += samples.len() as u64;
        for sample in samples.drain(..) {
            out.write_all(&pcm16(sample).to_le_bytes())
                .map_err(failed)?;
        }
    }
    out.flush().map_err(failed)?;
    drop(out);
    let header = wav::header(total * wav::SAMPLE);
    (file.as_file().write_all_at(&header, 0)).map_err(failed)?;
    Ok(file)
}

/// The samples that a file with so many channels has in each of them.
fn count(path: &Path, channels: usize) -> Result<u64, Error> {
    let mut decoder = decode::open(path)?;
    if decoder.channels() < channels {
        return Err(Error::NoChannel {
            path: path.to_owned(),
            channel: channels - 1,
            channels: decoder.channels(),
        });
    }
    let mut total = 0;
    while let Some(block) = decoder.next_block()? {
        total += block[0].len() as u64;
    }
    Ok(total)
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to the scale")]
fn pcm16(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

/// For whom the WAVs are: as the umask says.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(UNPACKED)
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;

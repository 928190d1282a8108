//! One open WAV file: samples are appended first, then the header that speaks of them is corrected.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
};

use crate::audio::wav;

/// A file that is being written. It stays locked (advisory) while it is open, so that another process
/// neither "recovers" nor deletes it.
#[derive(Debug)]
pub(super) struct OpenPart {
    file: File,
    /// Bytes of samples that are in the file.
    data: u64,
}

impl OpenPart {
    /// Makes a new file, and the folder when it is missing.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let open = || {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .open(path)
        };
        let file = open().or_else(|error| match (error.kind(), path.parent()) {
            (io::ErrorKind::NotFound, Some(folder)) => {
                std::fs::create_dir_all(folder)?;
                open()
            }
            _ => Err(error),
        })?;
        Self::adopt(file)
    }

    /// Takes over an empty file.
    pub(super) fn adopt(file: File) -> io::Result<Self> {
        // Where the file system knows no locks the recording goes on without.
        let _ = file.try_lock();
        let part = Self { file, data: 0 };
        part.write_header()?;
        Ok(part)
    }

    /// Bytes of samples in the file.
    pub(super) const fn data(&self) -> u64 {
        self.data
    }

    /// Appends samples and then corrects the header. After an error the file holds, and its header
    /// speaks of, the whole samples that could be written. `scratch` is for the bytes; what is in it
    /// does not matter.
    pub(super) fn append(&mut self, samples: &[i16], scratch: &mut Vec<u8>) -> io::Result<()> {
        scratch.resize(size_of_val(samples), 0);
        for (bytes, sample) in scratch.chunks_exact_mut(size_of::<i16>()).zip(samples) {
            bytes.copy_from_slice(&sample.to_le_bytes());
        }
        let written = write_all(&self.file, scratch, wav::HEADER as u64 + self.data);
        let whole = match &written {
            Ok(()) => scratch.len() as u64,
            Err((partly, _)) => partly / wav::SAMPLE * wav::SAMPLE,
        };
        self.data += whole;
        let header = self.write_header();
        written.map_err(|(_, error)| error).and(header)
    }

    /// Whether the file still has a name: a deleted one takes audio that nobody will find.
    pub(super) fn is_linked(&self) -> bool {
        self.file.metadata().is_ok_and(|meta| meta.nlink() > 0)
    }

    fn write_header(&self) -> io::Result<()> {
        self.file.write_all_at(&wav::header(self.data), 0)
    }
}

/// As `write_all_at`, but says how many bytes went in before the error.
fn write_all(file: &File, bytes: &[u8], at: u64) -> Result<(), (u64, io::Error)> {
    let mut done = 0;
    while done < bytes.len() {
        match file.write_at(&bytes[done..], at + done as u64) {
            Ok(0) => return Err((done as u64, io::ErrorKind::WriteZero.into())),
            Ok(more) => done += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err((done as u64, error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples_of(path: &Path) -> Vec<i16> {
        hound::WavReader::open(path)
            .unwrap()
            .into_samples()
            .map(Result::unwrap)
            .collect()
    }

    #[test]
    fn the_file_is_valid_after_every_append() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("made/at/need/a.wav");
        let mut part = OpenPart::create(&path).unwrap();
        let mut all = Vec::new();
        assert_eq!(samples_of(&path), all);
        for piece in [&[1, -2, i16::MIN][..], &[], &[i16::MAX; 5000]] {
            part.append(piece, &mut Vec::new()).unwrap();
            all.extend_from_slice(piece);
            assert_eq!(samples_of(&path), all);
        }
        assert_eq!(part.data(), 2 * all.len() as u64);
    }

    #[test]
    fn a_file_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wav");
        std::fs::write(&path, "precious").unwrap();
        assert_eq!(
            OpenPart::create(&path).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    }

    #[test]
    fn a_full_disk_is_an_error_with_its_name() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = OpenPart::adopt(full).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_deleted_file_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wav");
        let part = OpenPart::create(&path).unwrap();
        assert!(part.is_linked());
        std::fs::remove_file(&path).unwrap();
        assert!(!part.is_linked());
    }

    #[test]
    fn an_open_file_is_locked_and_a_closed_one_free() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wav");
        let part = OpenPart::create(&path).unwrap();
        let other = File::open(&path).unwrap();
        assert!(matches!(
            other.try_lock(),
            Err(std::fs::TryLockError::WouldBlock)
        ));
        drop(part);
        assert!(other.try_lock().is_ok());
    }
}

//! What the recordings take of the disk, by what lies in their folder. Listing a folder takes time, so
//! whoever asks often keeps the answer for a while.

use std::{
    fs::{self, DirEntry},
    io,
    path::Path,
};

use jiff::Timestamp;
use serde::Serialize;

use super::{archive::is_archived, folder, import::downloads};

/// Files that are looked at: more are not worth the time, and the answer says that it counts part of them.
const MOST_FILES: usize = 200_000;

/// Bytes, and how many files hold them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Share {
    pub bytes: u64,
    pub files: u64,
}

/// Of a folder of recordings.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Usage {
    /// WAVs and what stands beside them.
    #[schema(required = false)]
    pub recordings: Share,
    /// Packed recordings.
    #[schema(required = false)]
    pub archive: Share,
    /// What was fetched from the provider.
    #[schema(required = false)]
    pub downloads: Share,
    /// When the oldest recording began.
    pub oldest: Option<Timestamp>,
    /// There were more files than are counted.
    #[schema(required = false)]
    pub partial: bool,
    /// Bytes that may still be written, and all there are, of the disk.
    pub free: Option<u64>,
    pub total: Option<u64>,
}

/// Counts. Blocks for as long as the disk takes to list the folder.
///
/// # Errors
/// When the folder cannot be listed. A missing folder holds nothing.
pub fn usage(folder: &Path) -> io::Result<Usage> {
    let mut usage = Usage::default();
    let mut left = MOST_FILES;
    each(folder, &mut left, |entry, bytes| {
        let share = match is_archived(&entry.path()) {
            true => &mut usage.archive,
            false => &mut usage.recordings,
        };
        share.add(bytes);
        let started = folder::started(&entry.path());
        usage.oldest = [usage.oldest, started].into_iter().flatten().min();
    })?;
    each(&downloads(folder), &mut left, |_, bytes| {
        usage.downloads.add(bytes);
    })?;
    usage.partial = left == 0;
    if let Ok(disk) = rustix::fs::statvfs(folder) {
        usage.free = Some(disk.f_bavail.saturating_mul(disk.f_frsize));
        usage.total = Some(disk.f_blocks.saturating_mul(disk.f_frsize));
    }
    Ok(usage)
}

impl Share {
    const fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.files += 1;
    }
}

fn each(folder: &Path, left: &mut usize, mut count: impl FnMut(&DirEntry, u64)) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        // Gone meanwhile: then it takes nothing.
        let Ok(about) = entry.metadata() else {
            continue;
        };
        if !about.is_file() {
            continue;
        }
        let Some(fewer) = left.checked_sub(1) else {
            return Ok(());
        };
        *left = fewer;
        count(&entry, about.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_by_what_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let stem = "inbound_MZ0123456789abcdef0123456789abcdef_2026010";
        fs::create_dir_all(downloads(dir.path())).unwrap();
        for (name, bytes) in [
            (format!("{stem}2_120000.wav"), 100),
            (format!("{stem}2_120000.json"), 10),
            (format!("{stem}1_120000.opus"), 7),
            ("music_1999.wav".to_owned(), 5),
        ] {
            fs::write(dir.path().join(name), vec![0; bytes]).unwrap();
        }
        fs::write(downloads(dir.path()).join("RE1.mp3"), [0; 3]).unwrap();
        let usage = usage(dir.path()).unwrap();
        let share = |bytes, files| Share { bytes, files };
        assert_eq!(usage.recordings, share(115, 3));
        assert_eq!(usage.archive, share(7, 1));
        assert_eq!(usage.downloads, share(3, 1));
        assert_eq!(usage.oldest, "2026-01-01T12:00:00Z".parse().ok());
        assert!(usage.free <= usage.total && usage.total > Some(0));
        assert!(!usage.partial);
    }

    #[test]
    fn no_folder_takes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let usage = usage(&dir.path().join("none")).unwrap();
        assert_eq!(usage, Usage::default());
    }
}

//! Deleting recordings: those that are too old, and those of one call. A file is deleted when its name
//! is ours and its sidecar, or where that is missing its header, is ours too; nothing else is touched.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};

use super::{
    folder::{self, Found},
    name,
    sidecar::Sidecar,
};
use crate::ids::CallSid;

/// What a deletion did.
#[derive(Debug, Default)]
pub struct Deleted {
    /// Every file that is gone: WAV parts, archives and sidecars.
    pub files: Vec<PathBuf>,
    /// Recordings that are still there, and why: in use, or the disk refused.
    pub kept: Vec<(PathBuf, io::Error)>,
}

/// Deletes the recordings that started more than `days` before `now`; 0 days deletes none.
///
/// # Errors
/// When the folder cannot be listed. A missing folder holds no recordings.
pub fn purge(folder: &Path, days: u32, now: Timestamp) -> io::Result<Deleted> {
    let mut deleted = Deleted::default();
    if days == 0 {
        return Ok(deleted);
    }
    let age = SignedDuration::from_hours(24 * i64::from(days));
    let limit = now.checked_sub(age).unwrap_or(Timestamp::MIN);
    for (stem, recording) in folder::recordings(folder)? {
        if recording.started < limit && is_ours(folder, &stem, &recording) {
            deleted.remove(folder, &stem, &recording);
        }
    }
    Ok(deleted)
}

/// Deletes all recordings of one call.
///
/// # Errors
/// When the folder cannot be listed.
pub fn delete_call(folder: &Path, call: &CallSid) -> io::Result<Deleted> {
    let mut deleted = Deleted::default();
    for (stem, recording) in folder::recordings(folder)? {
        let sidecar = Sidecar::read(&name::sidecar_path(folder, &stem));
        if sidecar.is_ok_and(|sidecar| sidecar.call_sid == *call) {
            deleted.remove(folder, &stem, &recording);
        }
    }
    Ok(deleted)
}

impl Deleted {
    /// The sidecar goes last: as long as it is there a second try finds what the first one left.
    fn remove(&mut self, folder: &Path, stem: &str, recording: &Found) {
        let sidecar = name::sidecar_path(folder, stem);
        for path in recording.audio().chain([&sidecar]) {
            match remove_unless_in_use(path) {
                Ok(()) => self.files.push(path.clone()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    self.kept.push((path.clone(), error));
                    return;
                }
            }
        }
    }
}

/// Removes a file that no recorder, of this process or another, is writing.
fn remove_unless_in_use(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => Err(io::ErrorKind::ResourceBusy.into()),
        _ => fs::remove_file(path),
    }
}

fn is_ours(folder: &Path, stem: &str, recording: &Found) -> bool {
    match Sidecar::read(&name::sidecar_path(folder, stem)) {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let archive = recording.archive.as_deref();
            folder::has_our_header(&name::part_path(folder, stem, 1))
                || archive.is_some_and(folder::is_ogg)
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audio::wav,
        recordings::folder::tests::{names, sidecar_for},
    };

    const STREAM: &str = "MZ0123456789abcdef0123456789abcdef";

    /// A recording with `parts` parts and, for a call, a sidecar.
    fn record(folder: &Path, time: &str, parts: usize, call: Option<&str>) -> String {
        let stem = format!("inbound_{STREAM}_{time}");
        for number in 1..=parts {
            fs::write(name::part_path(folder, &stem, number), wav::header(0)).unwrap();
        }
        if let Some(call) = call {
            sidecar_for(&stem, call)
                .write(&name::sidecar_path(folder, &stem))
                .unwrap();
        }
        stem
    }

    #[test]
    fn old_recordings_go_and_all_else_stays() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        record(folder, "20260101_120000", 3, Some("CA1"));
        record(folder, "20260102_120000", 1, None);
        let young = record(folder, "20260103_120001", 1, Some("CA2"));
        let foreign = [
            "interview_bob_20250101_120000.wav",
            "music.wav",
            "notes_of_20250101_120000.json",
            "readme.txt",
        ];
        for name in foreign {
            fs::write(folder.join(name), "RIFF but not ours").unwrap();
        }
        let now: Timestamp = "2026-01-10T12:00:00Z".parse().unwrap();
        assert!(purge(folder, 0, now).unwrap().files.is_empty());
        let deleted = purge(folder, 7, now).unwrap();
        assert_eq!(
            (deleted.files.len(), deleted.kept.len()),
            (5, 0),
            "{deleted:?}"
        );
        let mut expected: Vec<String> = foreign.map(str::to_owned).to_vec();
        expected.extend([format!("{young}.json"), format!("{young}.wav")]);
        expected.sort();
        assert_eq!(names(folder), expected);
    }

    #[test]
    fn one_call_is_deleted_and_its_neighbours_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        record(folder, "20260101_120000", 2, Some("CA1"));
        record(folder, "20260101_120001", 1, Some("CA1"));
        let other = record(folder, "20260101_120002", 1, Some("CA2"));
        let deleted = delete_call(folder, &"CA1".parse().unwrap()).unwrap();
        assert_eq!(deleted.files.len(), 5);
        assert_eq!(
            names(folder),
            [format!("{other}.json"), format!("{other}.wav")]
        );
    }

    #[test]
    fn a_recording_in_use_is_kept_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let stem = record(dir.path(), "20260101_120000", 1, Some("CA1"));
        let path = name::part_path(dir.path(), &stem, 1);
        let live = File::open(&path).unwrap();
        live.lock().unwrap();
        let call = "CA1".parse().unwrap();
        let deleted = delete_call(dir.path(), &call).unwrap();
        assert!(deleted.files.is_empty());
        assert_eq!(deleted.kept[0].0, path);
        drop(live);
        assert_eq!(delete_call(dir.path(), &call).unwrap().files.len(), 2);
    }

    #[test]
    fn no_folder_is_no_recordings() {
        let dir = tempfile::tempdir().unwrap();
        let deleted = purge(&dir.path().join("none"), 7, Timestamp::UNIX_EPOCH).unwrap();
        assert!(deleted.files.is_empty() && deleted.kept.is_empty());
    }
}

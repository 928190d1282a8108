//! Deleting recordings: those that are too old, and those of one call. A file is deleted when its name
//! is ours and its sidecar, or where that is missing its header, is ours too; nothing else is touched.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};

use super::{
    archive::is_archived,
    folder::{self, Found},
    import::downloads,
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
    let limit = now.checked_sub(age(days)).unwrap_or(Timestamp::MIN);
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

/// What [`delete_call`] would delete.
///
/// # Errors
/// When the folder cannot be listed.
pub fn files_of_call(folder: &Path, call: &CallSid) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for (stem, recording) in folder::recordings(folder)? {
        let sidecar = name::sidecar_path(folder, &stem);
        if Sidecar::read(&sidecar).is_ok_and(|read| read.call_sid == *call) {
            files.extend(recording.audio().cloned());
            files.push(sidecar);
        }
    }
    Ok(files)
}

/// These files of one recording, or of all that share an archive, as far as they are there, and after them
/// the sidecars that tell of them.
///
/// # Errors
/// When the folder cannot be listed.
pub fn files_of_recording(folder: &Path, audio: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    // A folder may be written in another way now than when the row was.
    let here = |path: &PathBuf| match path.is_file() {
        true => path.clone(),
        false => folder.join(path.file_name().unwrap_or_default()),
    };
    let mut files: Vec<PathBuf> = audio.iter().map(here).collect();
    files.sort();
    files.dedup();
    let mut beside: Vec<PathBuf> = files.iter().map(|p| p.with_extension("json")).collect();
    // An archive has the name of its first track; the other tracks' sidecars name it.
    let archives: Vec<&PathBuf> = files.iter().filter(|path| is_archived(path)).collect();
    if !archives.is_empty() {
        for stem in folder::recordings(folder)?.into_keys() {
            let path = name::sidecar_path(folder, &stem);
            let names_one = |sidecar: Sidecar| {
                let mut parts = sidecar.parts.iter();
                parts.any(|part| archives.iter().any(|a| a.ends_with(&part.file)))
            };
            if Sidecar::read(&path).is_ok_and(names_one) {
                beside.push(path);
            }
        }
    }
    beside.sort();
    beside.dedup();
    files.extend(beside);
    files.retain(|path| path.is_file());
    Ok(files)
}

/// Deletes files in this order, and stops where one is in use: what tells of it stays then, too.
#[must_use]
pub fn delete_files(files: &[PathBuf]) -> Deleted {
    let mut deleted = Deleted::default();
    for path in files {
        match remove_unless_in_use(path) {
            Ok(()) => deleted.files.push(path.clone()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                deleted.kept.push((path.clone(), error));
                break;
            }
        }
    }
    deleted
}

/// Deletes what was downloaded, and what was half made of it, more than `days` before `now`; 0 days
/// deletes nothing. Gives how many files.
///
/// # Errors
/// When the folder cannot be listed.
pub fn purge_downloads(folder: &Path, days: u32, now: Timestamp) -> io::Result<u64> {
    let entries = match fs::read_dir(downloads(folder)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let limit = now.checked_sub(age(days)).unwrap_or(Timestamp::MIN);
    let mut gone = 0;
    for entry in entries.filter(|_| days > 0) {
        let entry = entry?;
        let changed = entry.metadata().and_then(|metadata| metadata.modified());
        let is_old = changed
            .ok()
            .and_then(|changed| Timestamp::try_from(changed).ok())
            .is_some_and(|changed| changed < limit);
        if is_old && entry.file_type()?.is_file() {
            match remove_unless_in_use(&entry.path()) {
                Ok(()) => gone += 1,
                Err(error) => {
                    tracing::warn!(path = %entry.path().display(), %error, "an old download cannot be deleted");
                }
            }
        }
    }
    Ok(gone)
}

fn age(days: u32) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(days))
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
///
/// # Errors
/// When one is, or the disk refuses.
pub fn remove_unless_in_use(path: &Path) -> io::Result<()> {
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
    fn old_downloads_go_and_young_ones_stay() {
        let dir = tempfile::tempdir().unwrap();
        let folder = downloads(dir.path());
        fs::create_dir_all(folder.join("a folder")).unwrap();
        for name in ["RE1.mp3", "RE2.mp3", "importing-x.part"] {
            fs::write(folder.join(name), "ID3").unwrap();
        }
        let now: Timestamp = "2026-01-10T12:00:00Z".parse().unwrap();
        let set = |name: &str, days: i64| {
            let at = std::time::SystemTime::from(now - SignedDuration::from_hours(24 * days));
            let file = File::options().write(true).open(folder.join(name));
            file.unwrap().set_modified(at).unwrap();
        };
        set("RE1.mp3", 8);
        set("RE2.mp3", 6);
        set("importing-x.part", 8);
        assert_eq!(purge_downloads(dir.path(), 0, now).unwrap(), 0);
        assert_eq!(purge_downloads(dir.path(), 7, now).unwrap(), 2);
        assert_eq!(names(&folder), ["RE2.mp3", "a folder"]);
        assert_eq!(
            purge_downloads(&dir.path().join("none"), 7, now).unwrap(),
            0
        );
    }

    #[test]
    fn no_folder_is_no_recordings() {
        let dir = tempfile::tempdir().unwrap();
        let deleted = purge(&dir.path().join("none"), 7, Timestamp::UNIX_EPOCH).unwrap();
        assert!(deleted.files.is_empty() && deleted.kept.is_empty());
    }
}

use std::{fs::File, os::unix::fs::MetadataExt};

use super::*;
use crate::{
    audio::{level::Verdict, wav},
    recordings::folder::tests::sidecar_for,
};

const STEM: &str = "agent_MZ1_20260501_102030";

/// A folder with one recording: what its header says, and the bytes behind it.
struct Crash {
    dir: tempfile::TempDir,
}

impl Crash {
    fn new(header_says: u64, data: &[u8]) -> Self {
        let crash = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        crash.part(1, header_says, data);
        crash.sidecar(&sidecar_for(STEM, "CA1"));
        crash
    }

    fn path(&self, part: usize) -> PathBuf {
        name::part_path(self.dir.path(), STEM, part)
    }

    fn part(&self, number: usize, header_says: u64, data: &[u8]) {
        let bytes = [&wav::header(header_says)[..], data].concat();
        fs::write(self.path(number), bytes).unwrap();
    }

    fn sidecar(&self, sidecar: &Sidecar) {
        sidecar
            .write(&name::sidecar_path(self.dir.path(), STEM))
            .unwrap();
    }

    fn read_sidecar(&self) -> Sidecar {
        Sidecar::read(&name::sidecar_path(self.dir.path(), STEM)).unwrap()
    }

    fn recover(&self) -> Vec<Recovered> {
        recover(self.dir.path())
    }
}

fn samples_of(path: &Path) -> usize {
    hound::WavReader::open(path)
        .unwrap()
        .into_samples::<i16>()
        .map(Result::unwrap)
        .count()
}

#[test]
fn a_header_that_lags_is_corrected_and_the_sidecar_finished() {
    for (name, says, bytes, frames, repaired) in [
        (
            "the crash came between samples and header",
            32_000,
            48_000,
            24_000,
            true,
        ),
        ("half a sample was written", 32_000, 48_001, 24_000, true),
        ("no header was corrected yet", 0, 12_800, 6_400, true),
        ("the file was cut off", 32_000, 1_601, 800, true),
        (
            "all was written, only the close was not",
            32_000,
            32_000,
            16_000,
            false,
        ),
        ("nothing was written yet", 0, 0, 0, false),
    ] {
        let crash = Crash::new(says, &vec![0x10; bytes]);
        let recovered = crash.recover();
        let one = &recovered[0];
        assert_eq!((one.frames, one.repaired), (frames, repaired), "{name}");
        assert_eq!(one.call_sid.as_ref().map(CallSid::as_str), Some("CA1"));
        assert_eq!(
            (&one.path, &one.parts),
            (&crash.path(1), &vec![crash.path(1)])
        );
        assert_eq!(samples_of(&crash.path(1)) as u64, frames, "{name}");
        let length = fs::metadata(crash.path(1)).unwrap().len();
        assert_eq!(length, wav::HEADER as u64 + 2 * frames, "{name}");

        let sidecar = crash.read_sidecar();
        assert_eq!(
            (sidecar.state, sidecar.frames),
            (State::Interrupted, frames),
            "{name}"
        );
        assert_eq!(sidecar.duration, MediaTime::from_engine_samples(frames));
        assert_eq!(sidecar.parts[0].frames, frames);
        assert!(sidecar.ended_at.is_some());
        let verdict = if frames == 0 {
            Verdict::Empty
        } else {
            Verdict::Good
        };
        let verdict = if frames == 800 {
            Verdict::Silent
        } else {
            verdict
        };
        assert_eq!(sidecar.verdict, Some(verdict), "{name}");
        assert!(crash.recover().is_empty(), "{name}: once is enough");
    }
}

#[test]
fn a_crash_right_after_the_creation_leaves_an_empty_recording() {
    for bytes in [&b""[..], &b"RIFF"[..], &[0; 20][..]] {
        let crash = Crash::new(0, &[]);
        fs::write(crash.path(1), bytes).unwrap();
        assert_eq!(crash.recover()[0].frames, 0);
        assert_eq!(samples_of(&crash.path(1)), 0);
    }
}

#[test]
fn all_parts_are_finished() {
    let crash = Crash::new(2000, &[1; 2000]);
    crash.part(2, 2000, &[1; 2000]);
    crash.part(3, 0, &[1; 300]);
    let one = crash.recover().remove(0);
    assert_eq!((one.frames, one.repaired, one.parts.len()), (2150, true, 3));
    let listed: Vec<u64> = crash
        .read_sidecar()
        .parts
        .iter()
        .map(|part| part.frames)
        .collect();
    assert_eq!(listed, [1000, 1000, 150]);
}

/// Every file of a folder: bytes, inode and times.
fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>, u64, i64, i64)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let meta = fs::metadata(&path).unwrap();
            (
                path.clone(),
                fs::read(&path).unwrap(),
                meta.ino(),
                meta.mtime_nsec(),
                meta.ctime_nsec(),
            )
        })
        .collect();
    files.sort();
    files
}

#[test]
fn healthy_and_foreign_files_stay_byte_identical() {
    let crash = Crash::new(4000, &[9; 4000]);
    crash.sidecar(&Sidecar {
        state: State::Complete,
        ..sidecar_for(STEM, "CA1")
    });
    let folder = crash.dir.path();
    let mut chunk_after = wav::header(100).to_vec();
    chunk_after[4..8].copy_from_slice(&(36_u32 + 100 + 12).to_le_bytes());
    chunk_after.extend([0; 112]);
    for (name, bytes) in [
        (
            "healthy_without_20260501_102030.wav",
            [&wav::header(50)[..], &[1; 50]].concat(),
        ),
        ("other_program_20260501_102030.wav", chunk_after),
        (
            "other_text_20260501_102030.wav",
            b"these are not the samples you are looking for, really".to_vec(),
        ),
        ("other_empty_20260501_102030.wav", Vec::new()),
        ("broken_sidecar_20260501_102030.json", b"{".to_vec()),
        (
            "broken_sidecar_20260501_102030.wav",
            [&wav::header(0)[..], &[1; 50]].concat(),
        ),
        (
            "future_sidecar_20260501_102030.json",
            b"{\"schema\": 2}".to_vec(),
        ),
        ("music.wav", [&wav::header(0)[..], &[1; 50]].concat()),
        ("readme.txt", b"hello".to_vec()),
        ("\u{5e9}.wav", Vec::new()),
    ] {
        fs::write(folder.join(name), bytes).unwrap();
    }
    fs::create_dir(folder.join("sub")).unwrap();
    fs::remove_dir(folder.join("sub")).unwrap();
    let before = snapshot(folder);
    assert_eq!(crash.recover(), []);
    assert_eq!(snapshot(folder), before);
}

#[test]
fn a_recording_in_progress_is_left_alone() {
    let crash = Crash::new(0, &[1; 1000]);
    let live = File::open(crash.path(1)).unwrap();
    live.lock().unwrap();
    let before = snapshot(crash.dir.path());
    assert_eq!(crash.recover(), []);
    assert_eq!(snapshot(crash.dir.path()), before);
    drop(live);
    assert_eq!(crash.recover().len(), 1);
}

#[test]
fn gaps_and_marks_survive_and_missing_files_are_said() {
    let crash = Crash::new(0, &[1; 1000]);
    let gap = crate::recordings::Gap {
        at: MediaTime::from_ms(10),
        len: MediaTime::from_ms(20),
    };
    crash.sidecar(&Sidecar {
        gaps: vec![gap],
        ..sidecar_for(STEM, "CA1")
    });
    crash.recover();
    assert_eq!(crash.read_sidecar().gaps, [gap]);

    let crash = Crash::new(0, &[]);
    fs::remove_file(crash.path(1)).unwrap();
    assert_eq!(crash.recover()[0].parts, Vec::<PathBuf>::new());
    let sidecar = crash.read_sidecar();
    assert_eq!(
        (sidecar.state, sidecar.failed.as_deref()),
        (State::Failed, Some("the files are gone"))
    );
    assert!(crash.recover().is_empty());
}

#[test]
fn a_sidecar_that_was_half_written_is_cleared_away() {
    let crash = Crash::new(0, &[]);
    let half = name::sidecar_path(crash.dir.path(), STEM).with_extension("json.tmp");
    fs::write(&half, "{").unwrap();
    crash.recover();
    assert!(!half.exists());
}

#[test]
fn no_folder_is_nothing_to_do() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(recover(&dir.path().join("none")), []);
}

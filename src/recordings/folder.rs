//! What lies in a folder of recordings.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{archive, name};
use crate::audio::wav;

/// The files of one stem.
#[derive(Debug)]
pub(super) struct Found {
    pub started: Timestamp,
    /// By number, from 1.
    pub parts: BTreeMap<usize, PathBuf>,
    /// What they were packed into.
    pub archive: Option<PathBuf>,
}

impl Found {
    pub(super) fn audio(&self) -> impl Iterator<Item = &PathBuf> {
        self.parts.values().chain(&self.archive)
    }
}

/// Everything that has a name of ours, by stem. A missing folder holds nothing.
pub(super) fn recordings(folder: &Path) -> io::Result<BTreeMap<String, Found>> {
    let mut found = BTreeMap::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let is_archive = archive::is_archived(&path);
        let Some(named) = named(&path) else {
            continue;
        };
        let fresh = Found {
            started: named.started,
            parts: BTreeMap::new(),
            archive: None,
        };
        let recording = found.entry(named.stem).or_insert(fresh);
        if let Some(part) = named.part {
            recording.parts.insert(part, path);
        } else if is_archive {
            recording.archive = Some(path);
        }
    }
    Ok(found)
}

fn named(path: &Path) -> Option<name::Named> {
    // An archive is named as the sidecar is.
    let name = match archive::is_archived(path) {
        true => path.with_extension("json"),
        false => path.to_owned(),
    };
    name::parse(name.file_name()?.to_str()?)
}

/// When a recording began, by the name of one of its files.
pub(super) fn started(path: &Path) -> Option<Timestamp> {
    named(path).map(|named| named.started)
}

/// Whether a file starts as our recordings do.
pub(super) fn has_our_header(path: &Path) -> bool {
    let mut bytes = [0; wav::HEADER];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut bytes));
    read.is_ok() && wav::sizes(&bytes).is_some()
}

pub(super) fn is_ogg(path: &Path) -> bool {
    let mut bytes = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut bytes));
    read.is_ok() && &bytes == b"OggS"
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        ids::{StreamSid, Track},
        recordings::sidecar::{Part, SCHEMA, Sidecar, State},
        time::{ENGINE_RATE, MediaTime},
    };

    /// A sidecar as it stands right after the recording was opened.
    pub(in crate::recordings) fn sidecar_for(stem: &str, call: &str) -> Sidecar {
        let stream: StreamSid = stem.split('_').nth(1).unwrap().parse().unwrap();
        Sidecar {
            schema: SCHEMA,
            state: State::Recording,
            call_sid: call.parse().unwrap(),
            stream_sid: stream,
            track: Track::Inbound,
            speaker: None,
            started_at: name::parse(&format!("{stem}.wav")).unwrap().started,
            ended_at: None,
            sample_rate: ENGINE_RATE,
            frames: 0,
            duration: MediaTime::ZERO,
            parts: vec![Part {
                file: format!("{stem}.wav"),
                frames: 0,
                channel: 0,
            }],
            gaps: Vec::new(),
            gaps_unlisted: 0,
            marks: Vec::new(),
            levels: None,
            verdict: None,
            failed: None,
            dropped: 0,
        }
    }

    /// What lies in a folder, sorted.
    pub(in crate::recordings) fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

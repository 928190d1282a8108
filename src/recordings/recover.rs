//! What a crash left behind, finished at the next start: headers that lag behind their samples, and
//! sidecars that still say `recording`. A healthy file is not written to, a foreign one not touched.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{
    archive,
    folder::{self, Found},
    name,
    repair::{Visit, Visited, visit},
    sidecar::{Part, Sidecar, State},
};
use crate::{
    audio::{level::Meter, pcm::WavSource, wav::SAMPLE},
    ids::{CallSid, StreamSid, Track},
    time::MediaTime,
};

/// Bytes of samples whose levels are measured at one start, at most: about two seconds of it. The levels
/// of what is beyond stay unknown; the audio is all there.
const MEASURED: u64 = 2 << 30;
/// Samples that are measured at once.
const BLOCK: u64 = 1 << 16;

/// A recording that had to be finished.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovered {
    /// The first part.
    pub path: PathBuf,
    pub parts: Vec<PathBuf>,
    /// What the sidecar knows; without one, nothing.
    pub call_sid: Option<CallSid>,
    pub stream_sid: Option<StreamSid>,
    pub track: Option<Track>,
    /// Samples at 16 kHz in all parts.
    pub frames: u64,
    /// Whether a header had to be corrected.
    pub repaired: bool,
}

/// Finishes what a former process could not. Call it before a recorder is started in `folder`; what
/// another process is recording there is left alone. What cannot be finished is logged and left.
#[must_use]
pub fn recover(folder: &Path) -> Vec<Recovered> {
    let found = match folder::recordings(folder) {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(folder = %folder.display(), %error, "cannot list the recordings");
            return Vec::new();
        }
    };
    if let Err(error) = archive::clear(folder) {
        tracing::warn!(folder = %folder.display(), %error, "unpacked recordings stay");
    }
    let mut recovered = Vec::new();
    let (mut foreign, mut measured) = (0, 0);
    for (stem, found) in found {
        match recover_one(folder, &stem, &found, &mut measured) {
            Ok(Outcome::Nothing) => {}
            Ok(Outcome::Foreign) => foreign += 1,
            Ok(Outcome::Finished(one)) => {
                metrics::counter!("callscribe_recordings_recovered_total").increment(1);
                tracing::warn!(
                    call = one.call_sid.as_ref().map(CallSid::as_str),
                    file = name::for_log(&stem),
                    frames = one.frames,
                    repaired = one.repaired,
                    "finished a recording that was interrupted"
                );
                recovered.push(one);
            }
            Err(error) => {
                tracing::error!(file = name::for_log(&stem), %error, "cannot finish a recording");
            }
        }
    }
    if foreign > 0 {
        tracing::info!(
            files = foreign,
            "not recordings of this program: left alone"
        );
    }
    recovered
}

enum Outcome {
    Nothing,
    Foreign,
    Finished(Recovered),
}

fn recover_one(
    folder: &Path,
    stem: &str,
    found: &Found,
    measured: &mut u64,
) -> io::Result<Outcome> {
    let sidecar_path = name::sidecar_path(folder, stem);
    let _ = fs::remove_file(sidecar_path.with_extension("json.tmp"));
    let sidecar = match Sidecar::read(&sidecar_path) {
        Ok(sidecar) => Some(sidecar),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let ended = found
        .parts
        .values()
        .next_back()
        .and_then(|path| last_write(path));
    let mut visited = Vec::new();
    for path in found.parts.values() {
        match visit(path, sidecar.is_some())? {
            Visit::Done(part) => visited.push(part),
            Visit::Foreign => return Ok(Outcome::Foreign),
            Visit::InUse => return Ok(Outcome::Nothing),
        }
    }
    let repaired = visited.iter().any(|part| part.repaired);
    let open = sidecar
        .as_ref()
        .is_some_and(|sidecar| sidecar.state == State::Recording);
    if !repaired && !open {
        return Ok(Outcome::Nothing);
    }
    let parts: Vec<PathBuf> = found.parts.values().cloned().collect();
    let frames = visited.iter().map(|part| part.data / SAMPLE).sum();
    let one = Recovered {
        path: name::part_path(folder, stem, 1),
        call_sid: sidecar.as_ref().map(|sidecar| sidecar.call_sid.clone()),
        stream_sid: sidecar.as_ref().map(|sidecar| sidecar.stream_sid.clone()),
        track: sidecar.as_ref().map(|sidecar| sidecar.track),
        parts,
        frames,
        repaired,
    };
    if let Some(mut sidecar) = sidecar {
        finish(&mut sidecar, &one, &visited, ended, measured);
        sidecar.write(&sidecar_path)?;
    }
    Ok(Outcome::Finished(one))
}

/// Completes the sidecar by what the files hold.
fn finish(
    sidecar: &mut Sidecar,
    one: &Recovered,
    visited: &[Visited],
    ended: Option<Timestamp>,
    measured: &mut u64,
) {
    sidecar.state = State::Interrupted;
    sidecar.ended_at = sidecar.ended_at.or(ended);
    sidecar.frames = one.frames;
    sidecar.duration = MediaTime::from_engine_samples(one.frames);
    let listed = one.parts.iter().zip(visited).map(|(path, part)| Part {
        file: path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        frames: part.data / SAMPLE,
        channel: 0,
    });
    sidecar.parts = listed.collect();
    if one.parts.is_empty() {
        sidecar.state = State::Failed;
        sidecar
            .failed
            .get_or_insert_with(|| "the files are gone".to_owned());
    }
    *measured += one.frames * SAMPLE;
    let meter = if *measured <= MEASURED {
        measure(&one.parts)
    } else {
        None
    };
    sidecar.levels = meter.as_ref().map(Meter::levels);
    sidecar.verdict = meter.as_ref().map(Meter::verdict);
}

fn measure(parts: &[PathBuf]) -> Option<Meter> {
    let mut source = WavSource::open(parts).ok()?;
    let (mut meter, mut samples) = (Meter::default(), Vec::new());
    for start in (0..source.samples()).step_by(usize::try_from(BLOCK).ok()?) {
        samples.clear();
        source
            .read_samples(start..start + BLOCK, &mut samples)
            .ok()?;
        meter.push(&samples);
    }
    Some(meter)
}

fn last_write(path: &Path) -> Option<Timestamp> {
    let modified = fs::metadata(path).ok()?.modified().ok()?;
    Timestamp::try_from(modified).ok()
}

#[cfg(test)]
#[path = "recover_tests.rs"]
mod tests;

//! What recordings come to, as rows keep it.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{RecordingEnd, RecordingPart, RecoveredRecording};
use crate::{
    recordings::{Recovered, Sidecar, Summary},
    time::MediaTime,
};

impl From<Summary> for RecordingEnd {
    fn from(summary: Summary) -> Self {
        Self {
            detail: json!({"levels": summary.levels, "verdict": summary.verdict}),
            gaps: summary.gaps.iter().map(|gap| (gap.at, gap.len)).collect(),
            parts: parts(&summary.parts, summary.frames),
            failed: summary.failed,
        }
    }
}

impl From<Recovered> for RecoveredRecording {
    fn from(recovered: Recovered) -> Self {
        let sidecar = Sidecar::read(&recovered.path.with_extension("json")).ok();
        let sidecar = sidecar.as_ref();
        let gaps = sidecar.map_or(&[][..], |sidecar| &sidecar.gaps);
        let end = RecordingEnd {
            detail: sidecar.map_or_else(
                Default::default,
                |s| json!({"levels": s.levels, "verdict": s.verdict}),
            ),
            gaps: gaps
                .iter()
                .map(|gap| (gap.at, gap.len))
                .collect::<Vec<(MediaTime, MediaTime)>>(),
            parts: parts(&recovered.parts, recovered.frames),
            failed: sidecar.and_then(|sidecar| sidecar.failed.clone()),
        };
        Self { end }
    }
}

/// The only part holds all frames; of several, each one's header says how many.
fn parts(paths: &[PathBuf], frames: u64) -> Vec<RecordingPart> {
    let in_header =
        |path: &Path| hound::WavReader::open(path).map_or(0, |wav| wav.duration().into());
    let held = |path: &Path| {
        if paths.len() == 1 {
            frames
        } else {
            in_header(path)
        }
    };
    paths
        .iter()
        .map(|path| RecordingPart {
            frames: held(path),
            path: path.clone(),
        })
        .collect()
}

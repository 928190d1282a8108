//! The JSON beside each recording: whose audio it is, where its gaps are, how good it is.

use std::{fs, io, path::Path};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    audio::level::{Levels, Verdict},
    ids::{CallSid, StreamSid, Track},
    time::MediaTime,
};

/// The version of this layout. A reader refuses another one.
pub(super) const SCHEMA: u32 = 1;

/// What the JSON file says. Times within the audio are seconds since the stream's start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sidecar {
    pub schema: u32,
    pub state: State,
    pub call_sid: CallSid,
    pub stream_sid: StreamSid,
    pub track: Track,
    /// As the call named it; `None` when it did not.
    pub speaker: Option<String>,
    pub started_at: Timestamp,
    /// When the recording was closed, or found after a crash.
    pub ended_at: Option<Timestamp>,
    /// Samples a second.
    pub sample_rate: u64,
    /// Samples in all parts.
    pub frames: u64,
    /// Seconds in all parts.
    pub duration: MediaTime,
    /// The files, in order; more than one only beyond the size of a WAV.
    pub parts: Vec<Part>,
    /// Silence that was put where audio was lost, in order.
    pub gaps: Vec<Gap>,
    /// Gaps beyond the number that is listed.
    pub gaps_unlisted: u64,
    pub marks: Vec<Mark>,
    /// `None` while recording.
    pub levels: Option<Levels>,
    pub verdict: Option<Verdict>,
    /// Why audio is missing from the end, if it is.
    pub failed: Option<String>,
    /// Samples that came after the failure and were not kept.
    pub dropped: u64,
}

/// Where a recording stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Recording,
    /// Closed by the end of its stream.
    Complete,
    /// Ended with the process: a crash, or a shutdown that could not wait.
    Interrupted,
    /// Closed, but audio is missing; `failed` says why.
    Failed,
}

/// One file of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Name within the folder.
    pub file: String,
    pub frames: u64,
    /// Which of the file's channels it is.
    #[serde(default)]
    pub channel: usize,
}

/// A stretch of lost audio that is silence in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub at: MediaTime,
    pub len: MediaTime,
}

/// A named moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub name: String,
    pub at: MediaTime,
}

impl Sidecar {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is no sidecar, or is one of another schema.
    pub fn read(path: &Path) -> io::Result<Self> {
        let sidecar: Self = serde_json::from_slice(&fs::read(path)?)?;
        if sidecar.schema != SCHEMA {
            let text = format!("sidecar schema {}, not {SCHEMA}", sidecar.schema);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(sidecar)
    }

    /// Writes the file in one step: a reader sees the old text or the new, never a half.
    ///
    /// # Errors
    /// When the disk refuses; the old text is still there then.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let fresh = path.with_extension("json.tmp");
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        let done = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, path));
        if done.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        done
    }
}

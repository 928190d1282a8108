//! What can be set about recordings.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    audio::wav::{MOST_DATA, SAMPLE},
    time::ENGINE_RATE,
};

/// Settings of the recorder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Whether calls are recorded. Without a recording there is no transcription after the call.
    pub enabled: bool,
    /// Where the files go; made when the first one is opened.
    pub folder: PathBuf,
    /// Recordings older than this many days are deleted; 0 keeps them for ever.
    pub retention_days: u32,
    /// Recordings older than this many days become Ogg Opus, a tenth of the size, and are served as the WAVs
    /// that they were; `callscribe rerun` then comes near the words of the time, not to the last bit. 0
    /// leaves them as they are.
    pub archive_days: u32,
    /// Seconds of audio that wait in memory, for each track, while the disk stalls. What comes after
    /// that fails the recording, never the call. A burst after a stall of the network waits here too.
    /// One second is 32 kB.
    pub buffer_seconds: u32,
    /// Bytes of samples after which a recording goes on in another file (`…_2.wav`): a WAV cannot hold
    /// more than 4 GiB, which is 37 hours.
    pub part_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enabled: true,
            folder: PathBuf::from("audio_recordings"),
            retention_days: 7,
            archive_days: 0,
            buffer_seconds: 60,
            part_bytes: 4_000_000_000,
        }
    }
}

impl Options {
    /// The bound of a tape's buffer, in samples.
    pub(super) fn buffer_samples(&self) -> usize {
        let samples = u64::from(self.buffer_seconds.max(1)) * ENGINE_RATE;
        usize::try_from(samples).unwrap_or(usize::MAX)
    }

    /// The bound of a file, in bytes of samples: whole samples, at least one, at most what a WAV holds.
    pub(super) const fn part_data(&self) -> u64 {
        let even = self.part_bytes / SAMPLE * SAMPLE;
        if even < SAMPLE {
            SAMPLE
        } else if even > MOST_DATA {
            MOST_DATA
        } else {
            even
        }
    }
}

//! Audio that was recorded elsewhere becomes a recording of ours: a WAV and a sidecar for each track, named
//! and laid out as the recorder's are.
//!
//! Nothing has a name of ours before it is whole, and the names are the same every time: who does it again
//! writes the same files, and a crash leaves no more than a temporary file in the folder of downloads.

use std::{
    fs::{File, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{
    name,
    part::OpenPart,
    sidecar::{Part, SCHEMA, Sidecar, State},
    tape::{Spec, Summary},
};
use crate::{
    audio::{
        decode::Decoder,
        level::Meter,
        source,
        wav::{MOST_DATA, SAMPLE},
    },
    time::{ENGINE_RATE, MediaTime},
};

/// Samples of a track that are written at once: 4 s.
const BLOCK: usize = 1 << 16;

/// The folder, in that of the recordings, of what was downloaded and what is half made of it. Nothing in
/// it is ever looked at as a recording.
#[must_use]
pub fn downloads(folder: &Path) -> PathBuf {
    folder.join("downloads")
}

/// Why no recording was made.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The audio cannot be read: another copy of it may be better.
    #[error(transparent)]
    Audio(#[from] source::Error),
    #[error("the recording cannot be written: {0}")]
    Disk(#[from] io::Error),
    #[error("the recording is longer than a file holds, 37 hours")]
    TooLong,
    /// It was asked to stop.
    #[error("stopped")]
    Stopped,
}

/// Writes the first channels of `audio` as the tracks of `specs`, in that order, into `folder`. Where the
/// audio breaks off in the middle the recording says so, and holds what came before. Blocks; memory does not
/// grow with the length.
///
/// # Errors
/// When there is no audio, the disk refuses, or `stop` says so. No file is left then.
pub fn import(
    folder: &Path,
    audio: &mut Decoder,
    specs: &[Spec],
    stop: impl Fn() -> bool,
) -> Result<Vec<Summary>, ImportError> {
    std::fs::create_dir_all(downloads(folder))?;
    let tracks = specs.iter().map(|spec| Track::new(folder, spec.clone()));
    let mut tracks = tracks.collect::<Result<Vec<_>, _>>()?;
    let broken = loop {
        if stop() {
            return Err(ImportError::Stopped);
        }
        match audio.next_block() {
            Ok(Some(block)) => {
                for (track, plane) in tracks.iter_mut().zip(block) {
                    track.push(plane)?;
                }
            }
            Ok(None) => break None,
            Err(error @ source::Error::TooLong { .. }) => return Err(error.into()),
            Err(error) if tracks.iter().all(Track::is_empty) => return Err(error.into()),
            Err(error) => break Some(error.to_string()),
        }
    };
    let finished = tracks
        .into_iter()
        .map(|track| track.finish(folder, broken.clone()));
    let finished = finished.collect();
    File::open(folder)?.sync_all()?;
    finished
}

/// A track that is being written under a temporary name.
struct Track {
    spec: Spec,
    file: NamedTempFile,
    part: OpenPart,
    meter: Meter,
    samples: Vec<i16>,
    scratch: Vec<u8>,
}

impl Track {
    fn new(folder: &Path, spec: Spec) -> io::Result<Self> {
        let file = tempfile::Builder::new()
            .prefix("importing-")
            .suffix(".part")
            // As the recorder's files are: less what the process's mask takes.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(downloads(folder))?;
        Ok(Self {
            spec,
            part: OpenPart::adopt(file.as_file().try_clone()?)?,
            file,
            meter: Meter::default(),
            samples: Vec::with_capacity(BLOCK),
            scratch: Vec::new(),
        })
    }

    fn is_empty(&self) -> bool {
        self.part.data() == 0 && self.samples.is_empty()
    }

    fn push(&mut self, plane: &[f32]) -> Result<(), ImportError> {
        self.samples
            .extend(plane.iter().map(|sample| whole(*sample)));
        if self.samples.len() >= BLOCK {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), ImportError> {
        if self.part.data() + self.samples.len() as u64 * SAMPLE > MOST_DATA {
            return Err(ImportError::TooLong);
        }
        self.part.append(&self.samples, &mut self.scratch)?;
        self.meter.push(&self.samples);
        self.samples.clear();
        Ok(())
    }

    /// Gives the file its name, and then a sidecar.
    fn finish(mut self, folder: &Path, broken: Option<String>) -> Result<Summary, ImportError> {
        self.write()?;
        self.file.as_file().sync_all()?;
        let spec = &self.spec;
        let stem = name::stem(
            spec.speaker.as_deref(),
            spec.track,
            &spec.stream_sid,
            spec.started,
            0,
        );
        let path = name::part_path(folder, &stem, 1);
        let sidecar = self.sidecar(&path, broken);
        self.file.persist(&path).map_err(|error| error.error)?;
        sidecar.write(&name::sidecar_path(folder, &stem))?;
        Ok(Summary {
            parts: vec![path.clone()],
            path,
            frames: sidecar.frames,
            gaps: Vec::new(),
            levels: self.meter.levels(),
            verdict: self.meter.verdict(),
            failed: sidecar.failed,
            dropped: 0,
        })
    }

    fn sidecar(&self, path: &Path, failed: Option<String>) -> Sidecar {
        let frames = self.part.data() / SAMPLE;
        let duration = MediaTime::from_engine_samples(frames);
        let length = std::time::Duration::from_millis(duration.as_ms());
        Sidecar {
            schema: SCHEMA,
            state: match failed {
                Some(_) => State::Failed,
                None => State::Complete,
            },
            call_sid: self.spec.call_sid.clone(),
            stream_sid: self.spec.stream_sid.clone(),
            track: self.spec.track,
            speaker: self.spec.speaker.clone(),
            started_at: self.spec.started,
            ended_at: Some(self.spec.started + length),
            sample_rate: ENGINE_RATE,
            frames,
            duration,
            parts: vec![Part {
                file: path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                frames,
                channel: 0,
            }],
            gaps: Vec::new(),
            gaps_unlisted: 0,
            marks: Vec::new(),
            levels: Some(self.meter.levels()),
            verdict: Some(self.meter.verdict()),
            failed,
            dropped: 0,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "cut to what a sample holds"
)]
fn whole(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audio::{decode, pcm::WavSource},
        ids::Track as Side,
        recordings::{folder::tests::names, recover, retention},
    };

    const MP3: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/audio/stereo_440_1000.mp3"
    );

    fn spec(track: Side) -> Spec {
        Spec {
            call_sid: "CA1".parse().unwrap(),
            stream_sid: "RE1".parse().unwrap(),
            track,
            speaker: None,
            started: "2026-03-09T10:00:00Z".parse().unwrap(),
        }
    }

    fn imported(folder: &Path) -> Vec<Summary> {
        let mut audio = decode::open(Path::new(MP3)).unwrap();
        import(folder, &mut audio, &Side::ALL.map(spec), || false).unwrap()
    }

    #[test]
    fn each_channel_becomes_a_recording_that_stands_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let tracks = imported(dir.path());
        let expected = [
            "downloads",
            "inbound_RE1_20260309_100000.json",
            "inbound_RE1_20260309_100000.wav",
            "outbound_RE1_20260309_100000.json",
            "outbound_RE1_20260309_100000.wav",
        ];
        assert_eq!(names(dir.path()), expected);
        assert_eq!(names(&downloads(dir.path())), [""; 0]);
        for (track, rms) in tracks.iter().zip([8485.0, 4243.0]) {
            // Two seconds, and what the coding adds at both ends.
            assert!((32_000..34_000).contains(&track.frames), "{track:?}");
            assert!(
                (track.levels.active_rms / rms - 1.0).abs() < 0.1,
                "{track:?}"
            );
            let source = WavSource::open(&track.parts).unwrap();
            assert_eq!(source.samples(), track.frames);
        }
        assert_eq!(recover(dir.path()), [], "nothing is left to finish");
        // Again, after a crash: the same files.
        let bytes = std::fs::read(&tracks[0].path).unwrap();
        assert_eq!(imported(dir.path()), tracks);
        assert_eq!(std::fs::read(&tracks[0].path).unwrap(), bytes);
        assert_eq!(names(dir.path()), expected);
        let gone = retention::delete_call(dir.path(), &"CA1".parse().unwrap()).unwrap();
        assert_eq!(gone.files.len(), 4);
    }

    #[test]
    fn what_is_stopped_or_no_audio_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut audio = decode::open(Path::new(MP3)).unwrap();
        let stopped = import(dir.path(), &mut audio, &[spec(Side::Inbound)], || true);
        assert!(matches!(stopped, Err(ImportError::Stopped)), "{stopped:?}");
        let empty = dir.path().join("empty.mp3");
        std::fs::write(&empty, b"\xff\xfb\x90\xc4 and nothing that could be played").unwrap();
        if let Ok(mut audio) = decode::open(&empty) {
            let none = import(dir.path(), &mut audio, &[spec(Side::Inbound)], || false);
            assert!(matches!(none, Err(ImportError::Audio(_))), "{none:?}");
        }
        assert_eq!(names(dir.path()), ["downloads", "empty.mp3"]);
        assert_eq!(names(&downloads(dir.path())), [""; 0]);
    }
}

//! An uploaded file → a call: decoded into recordings of ours, then heard and read by the jobs that follow
//! any call.
//!
//! What is no audio is refused before anything is stored. Where the audio breaks off in the middle, what came
//! before is kept, and said. Two channels are two speakers, unless both hold the same. Where the database
//! fails the file is heard at once instead, and nothing of it is kept.

use std::{io, sync::Arc};

use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempPath};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{Context, HeardTrack, NoHearing, progress::Sound, read_file::read};
use crate::{
    audio::{decode, sniff::Kind, source},
    ids::{CallSid, StreamSid, Track},
    insight::{Said, domain::starting},
    recordings::{
        Spec,
        import::{ImportError, downloads, import},
    },
    store::{Downloaded, NewFile, Prompt, Reading, RecordingEnd, open_parts},
    tasks,
    time::ENGINE_RATE,
    transcript::{Document, Segment, merge},
};

/// Compared at once: 10 s of a track.
const PIECE: u64 = 10 * ENGINE_RATE;
/// Of the sound of both channels, the part in which they may differ and still be one.
const SAME: f64 = 0.01;
/// Characters of a file's name that are kept.
const LONGEST_NAME: usize = 200;

/// What may be uploaded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The largest file, in bytes.
    pub most_bytes: u64,
    /// The longest one, in seconds of sound.
    pub most_seconds: u32,
    /// Files in one request.
    pub most_files: u32,
    /// Files decoded at once; further ones wait.
    pub at_once: u32,
    /// Seconds for which a request waits for its answer; then it gets a 202 and asks again.
    pub wait_s: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            most_bytes: 268_435_456,
            most_seconds: 14_400,
            most_files: 20,
            at_once: 2,
            wait_s: 120,
        }
    }
}

/// Takes in files. One a process: it bounds how many are decoded at once.
pub struct Files {
    context: Context,
    options: Options,
    slots: Semaphore,
}

/// A file that came whole.
pub struct Upload {
    pub name: String,
    pub kind: Kind,
    pub path: TempPath,
    pub bytes: u64,
    /// ISO 639-1, where the sender fixed it.
    pub language: Option<String>,
}

/// What became of a file.
pub struct Taken {
    pub file: NewFile,
    /// Its audio broke off in the middle, and why.
    pub broken: Option<String>,
    /// Why nothing of it is stored.
    pub unstored: Option<String>,
}

/// Why a file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("there is no sound in the file")]
    NoSound,
    #[error("the file cannot be decoded: {0}")]
    Unreadable(String),
    #[error("the file is longer than {0} s (files.most_seconds)")]
    TooLong(u32),
    #[error("the file cannot be kept: {0}")]
    Failed(String),
}

impl Files {
    #[must_use]
    pub fn new(context: Context, options: Options) -> Self {
        let slots = Semaphore::new(options.at_once.max(1) as usize);
        Self {
            context,
            options,
            slots,
        }
    }

    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// What is heard of a file by now, and all of its sound; `None` where this process does not hear it.
    #[must_use]
    pub fn progress(&self, call: &CallSid) -> Option<Sound> {
        self.context.progress.of(call)
    }

    /// A place for what comes in; it goes with the value, and a crash leaves it to the purge of downloads.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn spool(&self) -> io::Result<NamedTempFile> {
        let folder = downloads(&self.context.recordings);
        std::fs::create_dir_all(&folder)?;
        let mut builder = tempfile::Builder::new();
        builder
            .prefix("upload-")
            .suffix(".part")
            .tempfile_in(folder)
    }

    /// Decodes a file and makes a call of it. Whoever drops this future half way loses the file.
    ///
    /// # Errors
    /// When the file is not what it should be, or the disk refuses; nothing is kept of it then.
    pub async fn take(self: Arc<Self>, upload: Upload) -> Result<Taken, Refused> {
        let failed = |error: &dyn std::fmt::Display| Refused::Failed(error.to_string());
        let _slot = self.slots.acquire().await.map_err(|error| failed(&error))?;
        let id = format!("FI{}", uuid::Uuid::new_v4().simple());
        let call: CallSid = id.parse().map_err(|error| failed(&error))?;
        let now = self.context.clock.wall();
        let (files, sid) = (Arc::clone(&self), call.clone());
        let decoded = tasks::aside("decode file", move || {
            let ends = files.decode(&sid, &upload, now);
            ends.map(|ends| (ends, upload))
        });
        let (mut ends, upload) = decoded.await.map_err(|error| failed(&error))??;
        let path = upload.path.display().to_string();
        for (_, end) in &mut ends {
            end.failed = end.failed.take().map(|why| why.replace(&path, "the file"));
        }
        let mut audio = Downloaded {
            sid: id.parse().map_err(|error| failed(&error))?,
            started_at: now,
            tracks: ends,
        };
        audio.started_at = now - std::time::Duration::from_millis(audio.duration().as_ms());
        let file = NewFile {
            call,
            name: plain_name(&upload.name),
            kind: upload.kind.suffix().trim_start_matches('.').to_owned(),
            bytes: upload.bytes,
            language: upload.language,
            speakers: match audio.tracks.len() {
                1 => [Some("Speaker"), None],
                _ => [Some("Customer"), Some("Agent")],
            },
            audio,
        };
        let stored = self.context.store.add_file(&file, now).await;
        if let Err(error) = &stored {
            tracing::error!(file = %file.call, %error, "an uploaded file cannot be stored");
        }
        Ok(Taken {
            broken: file
                .audio
                .tracks
                .iter()
                .find_map(|(_, end)| end.failed.clone()),
            unstored: stored.err().map(|error| error.to_string()),
            file,
        })
    }

    /// Blocks.
    fn decode(
        &self,
        call: &CallSid,
        upload: &Upload,
        now: jiff::Timestamp,
    ) -> Result<Vec<(Track, RecordingEnd)>, Refused> {
        let refused = |error| self.refused(error);
        let mut audio = decode::open(&upload.path).map_err(|error| refused(error.into()))?;
        audio.limit(self.options.most_seconds);
        let stream: StreamSid = call
            .as_str()
            .parse()
            .map_err(|_| Refused::Failed("it has no id".into()))?;
        let specs: Vec<Spec> = Track::ALL
            .into_iter()
            .take(audio.channels())
            .map(|track| Spec {
                call_sid: call.clone(),
                stream_sid: stream.clone(),
                track,
                speaker: None,
                started: now,
            })
            .collect();
        let made = import(&self.context.recordings, &mut audio, &specs, || false);
        let ends = made.map_err(refused)?.into_iter().map(RecordingEnd::from);
        let mut ends: Vec<_> = Track::ALL.into_iter().zip(ends).collect();
        if let [(_, one), (_, other)] = &ends[..]
            && same_sound(one, other).map_err(|error| refused(error.into()))?
        {
            remove(other);
            ends.truncate(1);
        }
        Ok(ends)
    }

    fn refused(&self, error: ImportError) -> Refused {
        match error {
            ImportError::Audio(source::Error::TooLong { .. }) | ImportError::TooLong => {
                Refused::TooLong(self.options.most_seconds)
            }
            ImportError::Audio(source::Error::NoAudio { .. } | source::Error::EmptyFile { .. }) => {
                Refused::NoSound
            }
            // Without the path: it is a place of ours.
            ImportError::Audio(
                source::Error::Unreadable { why, .. } | source::Error::Damaged { why, .. },
            ) => Refused::Unreadable(why),
            error => {
                tracing::error!(%error, "an uploaded file cannot be decoded");
                Refused::Failed("the server's log says why".into())
            }
        }
    }

    /// Hears and reads a file without the database. Of one that is not stored the audio is deleted then.
    ///
    /// # Errors
    /// When there is no model, or it failed.
    pub async fn process(
        self: Arc<Self>,
        file: NewFile,
        is_stored: bool,
    ) -> Result<(Document, Reading), NoHearing> {
        let failed = |error: &dyn std::fmt::Display| NoHearing::Failed(error.to_string());
        let _slot = self.slots.acquire().await.map_err(|error| failed(&error))?;
        let files = Arc::clone(&self);
        let heard = tasks::blocking("hear file", move || {
            let heard = files.hear_all(&file);
            if !is_stored {
                file.audio.tracks.iter().for_each(|(_, end)| remove(end));
            }
            heard
        });
        let document = heard.await.map_err(|error| failed(&error))??;
        let said = Said::of(&document.segments, document.language.clone());
        let prompts: Vec<Prompt> = starting().into_iter().map(Prompt::without_text).collect();
        let reading = read(&self.context, said, &prompts, false).await;
        Ok((document, reading))
    }

    fn hear_all(&self, file: &NewFile) -> Result<Document, NoHearing> {
        let hearing = &self.context.hearing;
        let model = hearing.model()?;
        let (mut segments, mut language) = (Vec::new(), file.language.clone());
        for (track, end) in &file.audio.tracks {
            let stop = CancellationToken::new();
            let heard = hearing.hear(&end.parts, file.language.as_deref(), &|_| {}, &stop)?;
            language = language.or_else(|| heard.language.clone());
            let speaker = file.speakers[track.index()].map(ToOwned::to_owned);
            segments.extend(said(*track, speaker.as_ref(), heard));
        }
        Ok(Document {
            duration: file.audio.duration(),
            language,
            model: Some(model.name),
            segments: merge(segments),
            coverage: Vec::new(),
        })
    }
}

fn said(
    track: Track,
    speaker: Option<&String>,
    heard: HeardTrack,
) -> impl Iterator<Item = Segment> {
    let utterances = heard.utterances.into_iter();
    utterances.map(move |(start, end, text, words)| Segment {
        track,
        speaker: speaker.cloned(),
        start,
        end,
        text,
        words,
    })
}

/// Whether both tracks hold the same, as music and voice memos do. Blocks.
fn same_sound(one: &RecordingEnd, other: &RecordingEnd) -> Result<bool, source::Error> {
    let (mut one, mut other) = (open_parts(&one.parts)?, open_parts(&other.parts)?);
    let (mut at, mut sound, mut apart) = (0, 0.0, 0.0);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        one.read_samples(at..at + PIECE, &mut left)?;
        other.read_samples(at..at + PIECE, &mut right)?;
        if left.is_empty() || right.is_empty() {
            return Ok(apart <= sound * SAME);
        }
        for (left, right) in left.iter().zip(&right) {
            let (left, right) = (f64::from(*left), f64::from(*right));
            sound += left * left + right * right;
            apart += (left - right) * (left - right);
        }
        at += PIECE;
    }
}

/// A recording that nobody knows of. Blocks.
fn remove(end: &RecordingEnd) {
    for part in &end.parts {
        let sidecar = part.path.with_extension("json");
        for file in [&part.path, &sidecar] {
            if let Err(error) = std::fs::remove_file(file) {
                tracing::warn!(%error, "a file of an upload stays");
            }
        }
    }
}

/// The last part of a path by anybody's manner, without what has no place on a page.
fn plain_name(name: &str) -> String {
    let bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(|c| !bad(*c))
        .take(LONGEST_NAME)
        .collect();
    match clean.trim() {
        "" | "." | ".." => "file".into(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::plain_name;

    #[test]
    fn names_are_hostile() {
        for (name, plain) in [
            ("call.mp3", "call.mp3"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\dana\\call.wav", "call.wav"),
            ("שיחה.m4a", "שיחה.m4a"),
            ("a\u{202e}3pm.exe\0\n", "a3pm.exe"),
            ("", "file"),
            ("..", "file"),
            ("/", "file"),
        ] {
            assert_eq!(plain_name(name), plain, "{name:?}");
        }
        assert_eq!(plain_name(&"x".repeat(900)).len(), 200);
    }
}

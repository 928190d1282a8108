//! Files → reports: which belong together, and what each holds.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;

use super::Ears;
use crate::{
    analysis::{Analysis, Picture, Probe, plot},
    audio::decode,
    ids::Track,
    recordings::Sidecar,
    transcript::{Document, Segment},
};

/// One recording: a file, or the files of both tracks of a stream.
pub(super) struct Recording {
    /// For people.
    pub(super) name: String,
    files: Vec<PathBuf>,
    /// Of each file, where it has one channel.
    tracks: Vec<Track>,
    stream: Option<String>,
}

/// What is known of a recording.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) name: String,
    pub(super) files: Vec<Metadata>,
    #[serde(flatten)]
    pub(super) analysis: Analysis,
    pub(super) verdict: &'static str,
    /// Words, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) segments: Option<Vec<Segment>>,
    #[serde(skip)]
    pictures: Vec<Picture>,
}

/// What the file says of itself.
#[derive(Serialize)]
pub(super) struct Metadata {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) sample_rate: u32,
    pub(super) channels: usize,
    /// Packets that could not be decoded.
    pub(super) damaged: u64,
}

/// The recordings that `patterns` name, and which of these names none, and why.
pub(super) fn recordings(patterns: &[String]) -> Vec<Result<Recording, (String, anyhow::Error)>> {
    let (mut recordings, mut failed): (Vec<Recording>, Vec<_>) = Default::default();
    for pattern in patterns {
        let files = files(pattern).unwrap_or_else(|error| {
            failed.push((pattern.clone(), error));
            Vec::new()
        });
        for file in files {
            let sidecar = Sidecar::read(&file.with_extension("json")).ok();
            let stream = sidecar
                .as_ref()
                .filter(|s| s.parts.len() == 1)
                .map(|s| s.stream_sid.to_string());
            let track = sidecar
                .as_ref()
                .map_or(Track::Inbound, |sidecar| sidecar.track);
            let other = recordings.iter_mut().find(|other| {
                stream.is_some() && other.stream == stream && !other.tracks.contains(&track)
            });
            match other {
                Some(other) => {
                    // Their names differ by the track alone.
                    other.name = format!("{}, both tracks", stream.unwrap_or_default());
                    other.files.push(file);
                    other.tracks.push(track);
                }
                None => recordings.push(Recording {
                    name: name(&file),
                    files: vec![file],
                    tracks: vec![track],
                    stream,
                }),
            }
        }
    }
    let failed = failed.into_iter().map(Err);
    recordings.into_iter().map(Ok).chain(failed).collect()
}

/// The file of that name, or all that match it.
fn files(pattern: &str) -> anyhow::Result<Vec<PathBuf>> {
    let is_pattern = pattern.contains(['*', '?', '[']);
    if Path::new(pattern).exists() || !is_pattern {
        return Ok(vec![PathBuf::from(pattern)]);
    }
    let found = glob::glob(pattern).with_context(|| format!("the pattern {pattern:?}"))?;
    let found: Vec<_> = found
        .filter_map(Result::ok)
        .filter(|path| path.is_file())
        .collect();
    if found.is_empty() {
        bail!("no file matches {pattern:?}");
    }
    Ok(found)
}

fn name(file: &Path) -> String {
    file.file_name()
        .unwrap_or(file.as_os_str())
        .to_string_lossy()
        .into_owned()
}

pub(super) fn report(
    recording: &Recording,
    pictures: bool,
    mut ears: Option<&mut Ears>,
) -> anyhow::Result<Report> {
    let probe = || {
        if pictures {
            Probe::with_spectrogram()
        } else {
            Probe::default()
        }
    };
    let (mut probes, mut files, mut segments) = (Vec::new(), Vec::new(), Vec::new());
    for (file, track) in recording.files.iter().zip(&recording.tracks) {
        let mut decoder = decode::open(file)?;
        let channels = decoder.channels();
        if channels > Track::ALL.len() {
            bail!(
                "{} has {channels} channels: mono and stereo can be analysed",
                file.display()
            );
        }
        let tracks = if channels == 1 {
            std::slice::from_ref(track)
        } else {
            &Track::ALL[..]
        };
        let mut these: Vec<_> = tracks.iter().map(|track| (*track, probe())).collect();
        let mut samples = Vec::new();
        while let Some(block) = decoder.next_block()? {
            for (channel, (_, probe)) in block.iter().zip(&mut these) {
                samples.clear();
                samples.extend(channel.iter().map(|sample| from_unit(*sample)));
                probe.push(&samples);
            }
        }
        files.push(Metadata {
            path: file.clone(),
            bytes: std::fs::metadata(file).map_or(0, |metadata| metadata.len()),
            sample_rate: decoder.rate(),
            channels,
            damaged: decoder.damaged(),
        });
        if let Some(ears) = &mut ears {
            let Document {
                segments: heard, ..
            } = ears.hear(file)?;
            let placed = |segment: Segment| Segment {
                track: if channels == 1 { *track } else { segment.track },
                ..segment
            };
            segments.extend(heard.into_iter().map(placed));
        }
        probes.append(&mut these);
    }
    probes.sort_by_key(|(track, _)| track.index());
    let (analysis, pictures) = Analysis::of(probes);
    Ok(Report {
        name: recording.name.clone(),
        files,
        verdict: analysis.verdict(),
        analysis,
        segments: ears.is_some().then(|| crate::transcript::merge(segments)),
        pictures,
    })
}

impl Report {
    pub(super) fn svg(&self) -> String {
        let words: Vec<Vec<_>> = (self.analysis.tracks.iter())
            .map(|track| {
                let mine = self
                    .segments
                    .iter()
                    .flatten()
                    .filter(|s| s.track == track.track);
                mine.flat_map(|segment| segment.words.iter().cloned())
                    .collect()
            })
            .collect();
        let panels: Vec<_> = (self.analysis.tracks.iter().zip(&self.pictures).zip(&words))
            .map(|((analysis, picture), words)| plot::Panel {
                analysis,
                picture,
                words,
            })
            .collect();
        plot::svg(&self.name, &self.analysis, &panels)
    }

    /// Of the picture's file.
    pub(super) fn stem(&self) -> String {
        let first = self.files.first().and_then(|file| file.path.file_stem());
        first.map_or_else(
            || self.name.clone(),
            |stem| stem.to_string_lossy().into_owned(),
        )
    }
}

/// The decoder is within −1 to 1.
#[expect(clippy::cast_possible_truncation, reason = "within the scale")]
fn from_unit(sample: f32) -> i16 {
    (sample * 32_768.0).round().min(32_767.0) as i16
}

//! From files to figures: in all, by set, by speaker or track.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    report::{FileScore, Speech},
    watch::LiveFigures,
};
use crate::transcript::wer::{self, Counts, Interval};

/// The name of the figures over all files.
pub(super) const ALL: &str = "all";

/// The figures of some files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Figures {
    /// [`ALL`], a set, or a set with a speaker or track of it.
    pub(super) of: String,
    pub(super) files: usize,
    pub(super) counts: Counts,
    /// Errors by words, 0.1 being 10 %; none where no words are known.
    pub(super) wer: Option<f64>,
    /// None for fewer than five files or turns.
    pub(super) interval: Option<Interval>,
    pub(super) cost: Option<Cost>,
    pub(super) invented: Option<Invented>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) live: Option<Live>,
}

/// What it took. Of whole files only: tracks are heard together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Cost {
    pub(super) track_seconds: f64,
    /// Seconds of work for a second of a track; 0.1 is ten times as fast as it was spoken.
    pub(super) real_time_factor: f64,
    pub(super) cpu_per_second: f64,
}

/// Of sounds without speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Invented {
    pub(super) files: usize,
    pub(super) files_with_words: usize,
    pub(super) words: usize,
}

/// Of live words; seconds of the stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Live {
    pub(super) words: usize,
    /// From the end of each word to when it was first seen.
    pub(super) shown: Option<Spread>,
    /// From the end of each word to when it was there to stay.
    pub(super) committed: Option<Spread>,
    /// From when an utterance was known to be over to its last word.
    pub(super) endpoint_to_final: Option<Spread>,
    /// Words shown and not kept by words in the end.
    pub(super) unstable: f64,
    pub(super) retractions: usize,
    pub(super) unsettled: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Spread {
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) most: f64,
}

impl Spread {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let at = |share: f64| values[(last as f64 * share).round() as usize];
        Some(Self {
            p50: at(0.5),
            p95: at(0.95),
            most: at(1.0),
        })
    }
}

/// Figures in all, then of every set, then of those who speak in a set if there are several.
pub(super) fn figures(files: &[FileScore]) -> Vec<Figures> {
    let mut sets: BTreeMap<&str, Vec<&FileScore>> = BTreeMap::new();
    for file in files {
        sets.entry(&file.set).or_default().push(file);
    }
    let mut all = vec![of_files(ALL, &files.iter().collect::<Vec<_>>())];
    all.extend(sets.iter().map(|(set, files)| of_files(set, files)));
    for (set, files) in sets {
        let speakers = speakers(files);
        if speakers.len() > 1 {
            let figures = speakers
                .iter()
                .map(|(who, units)| of_units(set, who, units));
            all.extend(figures);
        }
    }
    all
}

/// The counts of everyone who speaks, by name, and in which file.
fn speakers(files: Vec<&FileScore>) -> BTreeMap<&str, Vec<(&str, Counts)>> {
    let mut speakers: BTreeMap<&str, Vec<(&str, Counts)>> = BTreeMap::new();
    for file in files {
        for unit in &file.units {
            let units = speakers.entry(&unit.who).or_default();
            units.push((&file.file, unit.counts));
        }
    }
    speakers
}

fn of_units(set: &str, who: &str, units: &[(&str, Counts)]) -> Figures {
    let counts: Vec<Counts> = units.iter().map(|(_, counts)| *counts).collect();
    let mut files: Vec<&str> = units.iter().map(|(file, _)| *file).collect();
    files.dedup();
    let sum: Counts = counts.iter().copied().sum();
    Figures {
        of: format!("{set}: {}", if who.is_empty() { "unnamed" } else { who }),
        files: files.len(),
        wer: sum.rate(),
        interval: wer::interval(&counts),
        counts: sum,
        cost: None,
        invented: None,
        live: None,
    }
}

fn of_files(name: &str, files: &[&FileScore]) -> Figures {
    let units = files.iter().flat_map(|file| &file.units);
    let units: Vec<Counts> = units.map(|unit| unit.counts).collect();
    let counts: Counts = units.iter().copied().sum();
    Figures {
        of: name.to_owned(),
        files: files.len(),
        wer: counts.rate(),
        interval: wer::interval(&units),
        counts,
        cost: cost(files),
        invented: invented(files),
        live: live(files),
    }
}

fn cost(files: &[&FileScore]) -> Option<Cost> {
    let sum = |of: fn(&FileScore) -> f64| files.iter().map(|file| of(file)).sum::<f64>();
    let track_seconds = sum(|file| file.track_seconds);
    (track_seconds > 0.0).then(|| Cost {
        track_seconds,
        real_time_factor: sum(|file| file.wall_seconds) / track_seconds,
        cpu_per_second: sum(|file| file.cpu_seconds) / track_seconds,
    })
}

fn invented(files: &[&FileScore]) -> Option<Invented> {
    let silent = files.iter().filter(|file| file.speech == Speech::None);
    let words: Vec<usize> = silent.map(|file| file.invented).collect();
    (!words.is_empty()).then(|| Invented {
        files: words.len(),
        files_with_words: words.iter().filter(|words| **words > 0).count(),
        words: words.iter().sum(),
    })
}

fn live(files: &[&FileScore]) -> Option<Live> {
    let mut all: Option<LiveFigures> = None;
    for live in files.iter().filter_map(|file| file.live.as_ref()) {
        all.get_or_insert_default().add(live);
    }
    all.map(|all| Live {
        words: all.words,
        unstable: all.unstable_share(),
        retractions: all.retractions,
        unsettled: all.unsettled,
        shown: Spread::of(all.shown),
        committed: Spread::of(all.committed),
        endpoint_to_final: Spread::of(all.ended),
    })
}

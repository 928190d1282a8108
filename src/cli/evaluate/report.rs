//! Everything that an evaluation found, as it is written to JSON and read again for `--against`.

use std::{fs, path::Path};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::{
    corpus::{Item, Said},
    figures::Figures,
    hear::Heard,
    watch::{LiveFigures, Watch},
};
use crate::{
    cli::reference::{CallText, Turn},
    ids::Track,
    speech::{ModelInfo, final_pass, live},
    transcript::wer::{self, Counts},
};

/// How intervals come about, in words.
pub(super) const METHOD: &str = "95 % percentile bootstrap over files, of calls over turns, five at least; 1,000 resamples, seeded";

/// An evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Report {
    /// Of callscribe.
    pub(super) version: String,
    pub(super) parameters: Parameters,
    /// What is wrong with the folder.
    pub(super) problems: Vec<String>,
    pub(super) runs: Vec<Run>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Parameters {
    pub(super) folder: String,
    pub(super) only: Option<String>,
    pub(super) limit: Option<usize>,
    pub(super) interval: String,
    pub(super) resamples: usize,
    pub(super) seed: u64,
    pub(super) final_pass: final_pass::Options,
    pub(super) live: live::Options,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Final,
    Live,
}

/// One model over all files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) kind: Kind,
    pub(super) model: ModelInfo,
    /// ISO 639-1; none was detected file by file.
    pub(super) language: Option<String>,
    /// Files that could not be heard, and why.
    pub(super) failed: Vec<String>,
    pub(super) files: Vec<FileScore>,
    /// In all, by set and by speaker or track.
    pub(super) figures: Vec<Figures>,
}

/// A file as it was understood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct FileScore {
    pub(super) file: String,
    pub(super) set: String,
    /// Of all its tracks together.
    pub(super) track_seconds: f64,
    pub(super) cpu_seconds: f64,
    pub(super) wall_seconds: f64,
    pub(super) speech: Speech,
    pub(super) texts: Vec<Text>,
    /// Words against what is known to be said: the file, or each turn of a call.
    pub(super) units: Vec<Unit>,
    /// Words understood where nobody speaks.
    pub(super) invented: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) live: Option<LiveFigures>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Speech {
    Known,
    Unknown,
    None,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Text {
    pub(super) track: Track,
    pub(super) understood: String,
}

/// What intervals are drawn from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unit {
    /// The speaker of a file, the track of a call.
    pub(super) who: String,
    /// Of a call's track, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) turn: Option<usize>,
    pub(super) said: String,
    #[serde(flatten)]
    pub(super) counts: Counts,
}

impl Report {
    /// Reads what [`Self::write`] wrote.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        serde_json::from_str(&text).with_context(|| format!("{name} is no evaluation of ours"))
    }

    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    }
}

impl FileScore {
    pub(super) fn new(item: &Item, heard: Heard) -> Self {
        let (speech, units) = match &item.said {
            Said::Nothing => (Speech::None, Vec::new()),
            Said::Unknown => (Speech::Unknown, Vec::new()),
            Said::Text { speaker, text } => {
                let unit = Unit {
                    who: speaker.clone(),
                    turn: None,
                    said: text.clone(),
                    counts: wer::compare(text, &heard.merged),
                };
                (Speech::Known, vec![unit])
            }
            Said::Call(call) => (Speech::Known, turns(call, &heard)),
        };
        let invented = match speech {
            Speech::None => wer::words(&heard.merged).len(),
            Speech::Known | Speech::Unknown => 0,
        };
        let texts = heard.texts.into_iter();
        Self {
            file: item.name.clone(),
            set: item.set().to_owned(),
            track_seconds: heard.track_seconds,
            cpu_seconds: heard.cpu_seconds,
            wall_seconds: heard.wall_seconds,
            speech,
            texts: texts
                .map(|(track, understood)| Text { track, understood })
                .collect(),
            units,
            invented,
            live: heard.watch.map(Watch::into_figures),
        }
    }
}

/// Each track's turns against its text. Of a mono file all turns are against the one text there is.
fn turns(call: &CallText, heard: &Heard) -> Vec<Unit> {
    let together = heard.texts.len() < 2 && call.tracks().len() > 1;
    let mut units = Vec::new();
    let mut compare = |turns: Vec<&Turn>, understood: &str| {
        let parts = turns.iter().map(|turn| turn.text.as_str());
        let counts = wer::compare_parts(parts, understood);
        for (n, (turn, counts)) in turns.iter().zip(counts).enumerate() {
            units.push(Unit {
                who: turn.track.to_string(),
                turn: Some(n),
                said: turn.text.clone(),
                counts,
            });
        }
    };
    if together {
        compare(call.turns.iter().collect(), &heard.merged);
        return units;
    }
    let only = heard
        .texts
        .values()
        .next()
        .filter(|_| heard.texts.len() == 1);
    for track in call.tracks() {
        let understood = heard.texts.get(&track).or(only);
        compare(
            call.turns_of(track).collect(),
            understood.map_or("", String::as_str),
        );
    }
    units
}

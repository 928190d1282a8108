//! Recordings → findings: how loud, how clean and how whole each track is, and what of it explains a
//! bad transcript. One pass over the samples, memory bounded whatever the length.
//!
//! Thresholds stand in [`findings`], each with the number it was chosen by; a finding says what was
//! measured and what it was held against, so that a reader can disagree.

use serde::{Deserialize, Serialize};

use crate::{
    audio::level::{Levels, Verdict},
    ids::Track,
    time::MediaTime,
};

mod columns;
mod dropouts;
pub mod findings;
mod outline;
pub mod plot;
mod probe;
mod quiet;
mod spectrum;
pub mod wave;
#[cfg(test)]
pub(crate) mod tests;

pub use columns::{Columns, Envelope};
pub use findings::{Finding, Kind};
pub use probe::{Picture, Probe};
pub use spectrum::{Hum, Spectrogram};

/// What is known of a whole recording. Times are seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Analysis {
    pub duration: MediaTime,
    pub tracks: Vec<TrackAnalysis>,
    /// Of the time in which anybody speaks, the share in which both do, 0 to 1; `None` for one track.
    pub double_talk_share: Option<f32>,
    /// What a person should know, the worst first; empty for a good recording.
    pub findings: Vec<Finding>,
}

/// What is known of one track.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TrackAnalysis {
    pub track: Track,
    pub duration: MediaTime,
    pub levels: Levels,
    pub verdict: Verdict,
    /// Share in which a voice was heard, 0 to 1.
    pub speech_share: f32,
    /// Stretches of half a second and more under the level of sound, in order.
    pub silences: Vec<Span>,
    /// Silences beyond the number that is listed.
    pub silences_unlisted: u64,
    /// Runs of exact zero within sound: audio that was lost on the way.
    pub dropouts: Dropouts,
    /// Level that the quietest tenth keeps to; dBFS. `None` for less than a second.
    pub noise_dbfs: Option<f32>,
    /// Speech over noise; dB.
    pub snr_db: Option<f32>,
    /// The highest frequency that the sound reaches; Hz. `None` without sound.
    pub bandwidth_hz: Option<f32>,
    /// Mains hum, where there is any.
    pub hum: Option<Hum>,
}

/// From when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Stretch)]
pub struct Span {
    pub start: MediaTime,
    pub end: MediaTime,
}

/// Runs of exact zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Dropouts {
    pub count: u64,
    pub total: MediaTime,
    pub longest: MediaTime,
}

impl Analysis {
    /// Puts together what the probes of one recording's tracks measured, and what can be drawn of each.
    #[must_use]
    pub fn of(probes: Vec<(Track, Probe)>) -> (Self, Vec<Picture>) {
        let double_talk_share = match probes.as_slice() {
            [(_, one), (_, other)] => Some(double_talk(one.voiced(), other.voiced())),
            _ => None,
        };
        let finish = |(track, probe): (Track, Probe)| probe.finish(track);
        let (tracks, pictures): (Vec<TrackAnalysis>, _) = probes.into_iter().map(finish).unzip();
        let duration = tracks.iter().map(|track| track.duration).max();
        let mut analysis = Self {
            duration: duration.unwrap_or_default(),
            tracks,
            double_talk_share,
            findings: Vec::new(),
        };
        analysis.findings = findings::all(&analysis);
        (analysis, pictures)
    }

    /// In one word: the worst finding, or `good`.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        self.findings
            .first()
            .map_or("good", |finding| finding.kind.as_str())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs three digits")]
fn double_talk(one: &[bool], other: &[bool]) -> f32 {
    let both = one.iter().zip(other).filter(|(a, b)| **a && **b).count();
    let spoken = |voiced: &[bool]| voiced.iter().filter(|voiced| **voiced).count();
    let any = spoken(one) + spoken(other) - both;
    both as f32 / any.max(1) as f32
}

//! What of the measurements a person should know, and the thresholds that decide it.

use serde::{Deserialize, Serialize};

use super::{Analysis, TrackAnalysis};
use crate::{
    audio::level::{self, Verdict},
    ids::Track,
    time::MediaTime,
};

/// A mean sample further from zero than this is an offset; 16-bit scale. Mu-law of a silent line has 0
/// to 8; a hundred is heard as a click at every start and stop.
pub const DC_OFFSET: f32 = 100.0;
/// Hum over this is heard under speech of normal level (−26 dBFS); dBFS.
pub const HUM_DBFS: f32 = -55.0;
/// Speech less than this over the noise loses words: whisper's error rate rises from about 10 dB down
/// (arXiv 2212.04356, figure 5); dB.
pub const SNR_DB: f32 = 10.0;
/// Telephone speech reaches 3,400 Hz; under this, consonants go; Hz.
pub const BANDWIDTH_HZ: f32 = 2500.0;
/// Audio lost in so many places a minute is heard.
pub const DROPOUTS_A_MINUTE: f64 = 2.0;
/// Share of the speech in which both talk: people who wait for each other stay under a tenth. More is
/// echo, or one speaker on both tracks.
pub const DOUBLE_TALK_SHARE: f32 = 0.4;
/// One side is silent where the other has spoken for so long.
pub const ONE_WAY: MediaTime = MediaTime::from_ms(3000);
/// A track with less voice than this is silent for the whole call.
pub const NO_VOICE: MediaTime = MediaTime::from_ms(300);

/// What was found, and what it was held against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Finding {
    pub kind: Kind,
    /// `None`: it is about the call.
    pub track: Option<Track>,
    /// Measured, in the threshold's unit.
    pub value: f64,
    pub threshold: f64,
    /// For a person.
    pub text: String,
}

/// Kinds of findings, the worst first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[schema(as = FindingKind)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Empty,
    OneWay,
    Silent,
    Dropouts,
    Clipped,
    Quiet,
    Loud,
    Noisy,
    Hum,
    Muffled,
    DcOffset,
    DoubleTalk,
}

impl Kind {
    /// As in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::OneWay => "one_way",
            Self::Silent => "silent",
            Self::Dropouts => "dropouts",
            Self::Clipped => "clipped",
            Self::Quiet => "quiet",
            Self::Loud => "loud",
            Self::Noisy => "noisy",
            Self::Hum => "hum",
            Self::Muffled => "muffled",
            Self::DcOffset => "dc_offset",
            Self::DoubleTalk => "double_talk",
        }
    }
}

/// The worst first.
pub(super) fn all(analysis: &Analysis) -> Vec<Finding> {
    let mut findings: Vec<_> = analysis.tracks.iter().flat_map(of_track).collect();
    findings.extend(one_way(&analysis.tracks));
    findings.extend(double_talk(analysis));
    // Who is silent while the other talks is silent, too: once is enough.
    let told: Vec<_> = (findings.iter())
        .filter(|f| f.kind == Kind::OneWay)
        .map(|f| f.track)
        .collect();
    findings.retain(|f| f.kind != Kind::Silent || !told.contains(&f.track));
    findings.sort_by_key(|finding| finding.kind);
    findings
}

fn of_track(track: &TrackAnalysis) -> Vec<Finding> {
    let found = |kind, value: f64, threshold: f64, text| Finding {
        kind,
        track: Some(track.track),
        value,
        threshold,
        text,
    };
    let mut findings = Vec::new();
    findings.extend(of_level(track));
    let minutes = (track.duration.as_secs() / 60.0).max(1.0);
    #[expect(clippy::cast_precision_loss, reason = "few")]
    let rate = track.dropouts.count as f64 / minutes;
    if rate >= DROPOUTS_A_MINUTE {
        let (count, total) = (track.dropouts.count, track.dropouts.total.as_secs());
        let text = format!(
            "{count} places where the sound breaks off, {total:.1} s in all: audio was lost on the way"
        );
        findings.push(found(Kind::Dropouts, rate, DROPOUTS_A_MINUTE, text));
    }
    let heard = !matches!(track.verdict, Verdict::Empty | Verdict::Silent);
    if let Some(snr) = track.snr_db.filter(|snr| heard && *snr < SNR_DB) {
        let text = format!("speech is only {snr:.0} dB over the noise");
        findings.push(found(Kind::Noisy, snr.into(), SNR_DB.into(), text));
    }
    if let Some(hum) = track.hum.filter(|hum| hum.dbfs > HUM_DBFS) {
        let text = format!("mains hum of {:.0} Hz at {:.0} dBFS", hum.hz, hum.dbfs);
        findings.push(found(Kind::Hum, hum.dbfs.into(), HUM_DBFS.into(), text));
    }
    if let Some(hz) = track.bandwidth_hz.filter(|hz| heard && *hz < BANDWIDTH_HZ) {
        let text = format!("muffled: nothing over {hz:.0} Hz, a telephone reaches 3,400");
        findings.push(found(Kind::Muffled, hz.into(), BANDWIDTH_HZ.into(), text));
    }
    let offset = track.levels.dc_offset;
    if offset.abs() > DC_OFFSET {
        let text = format!("the wave is off centre by {offset:.0}");
        findings.push(found(Kind::DcOffset, offset.into(), DC_OFFSET.into(), text));
    }
    findings
}

/// What [`crate::audio::level`] makes of the level.
fn of_level(track: &TrackAnalysis) -> Option<Finding> {
    let levels = &track.levels;
    let active = f64::from(levels.active_rms);
    let (kind, value, threshold, text) = match track.verdict {
        Verdict::Good => return None,
        Verdict::Empty => (Kind::Empty, 0.0, 0.0, "no sample at all".to_owned()),
        Verdict::Silent => {
            let share = f64::from(1.0 - levels.silence_share) * track.duration.as_secs();
            (
                Kind::Silent,
                share,
                level::LEAST_ACTIVE.as_secs(),
                "less than 0.2 s of sound".to_owned(),
            )
        }
        Verdict::Clipped => {
            let share = f64::from(levels.clipped_share);
            let text = format!(
                "{:.1} % of the sound is cut off at full scale",
                share * 100.0
            );
            (Kind::Clipped, share, level::CLIPPED_SHARE.into(), text)
        }
        Verdict::Quiet => {
            let text = format!("sound of {active:.0} RMS: 500 and more is normal");
            let least = f64::from(*level::GOOD_ACTIVE_RMS.start());
            (Kind::Quiet, active, least, text)
        }
        Verdict::Loud => {
            let text = format!("sound of {active:.0} RMS: 8,000 and less is normal");
            let most = f64::from(*level::GOOD_ACTIVE_RMS.end());
            (Kind::Loud, active, most, text)
        }
    };
    let track = Some(track.track);
    Some(Finding {
        kind,
        track,
        value,
        threshold,
        text,
    })
}

fn one_way(tracks: &[TrackAnalysis]) -> Option<Finding> {
    let [one, other] = tracks else { return None };
    let voice = |track: &TrackAnalysis| f64::from(track.speech_share) * track.duration.as_secs();
    let (silent, talks) = if voice(one) < voice(other) {
        (one, other)
    } else {
        (other, one)
    };
    let (nothing, talked) = (voice(silent), voice(talks));
    (nothing < NO_VOICE.as_secs() && talked >= ONE_WAY.as_secs()).then(|| Finding {
        kind: Kind::OneWay,
        track: Some(silent.track),
        value: nothing,
        threshold: NO_VOICE.as_secs(),
        text: format!("nobody is heard here, while the other side speaks for {talked:.0} s"),
    })
}

fn double_talk(analysis: &Analysis) -> Option<Finding> {
    let share = analysis
        .double_talk_share
        .filter(|share| *share > DOUBLE_TALK_SHARE)?;
    Some(Finding {
        kind: Kind::DoubleTalk,
        track: None,
        value: share.into(),
        threshold: DOUBLE_TALK_SHARE.into(),
        text: format!(
            "both sides speak at once for {:.0} % of the speech: echo, or one speaker on both tracks",
            share * 100.0
        ),
    })
}

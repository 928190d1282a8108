//! One track, measured as it is read.

use super::{
    Columns, Envelope, Spectrogram, TrackAnalysis, dropouts, outline::Outline, spectrum::Spectrum,
};
use crate::{
    audio::level::Meter,
    ids::Track,
    speech::vad::{self, Frame, Vad},
    time::MediaTime,
};

/// Columns of the level over time.
const MOST_COLUMNS: usize = 1200;
/// Frames of 16 ms that tell of the noise: 1 s.
const ENOUGH_NOISE: u64 = 62;
/// Levels are counted in steps of 1 dB from here up to 0 dBFS.
const LOWEST_DBFS: i32 = -100;

/// Measures 16 kHz audio piece by piece.
pub struct Probe {
    meter: Meter,
    vad: Vad,
    heard: Heard,
    outline: Outline,
    dropouts: dropouts::Finder,
    spectrum: Spectrum,
    spectrogram: Option<Spectrogram>,
}

/// What can be drawn of a track.
pub struct Picture {
    /// Level over time, by stretches of so many times 20 ms.
    pub envelope: Columns<Envelope>,
    /// Where it was asked for.
    pub spectrogram: Option<Spectrogram>,
}

/// What voice activity says.
struct Heard {
    voiced: Vec<bool>,
    /// Frames by level.
    levels: [u64; 101],
    /// Mean square of the voiced frames, summed.
    voice: f64,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            meter: Meter::default(),
            vad: Vad::new(vad::Options::default()),
            heard: Heard {
                voiced: Vec::new(),
                levels: [0; 101],
                voice: 0.0,
            },
            outline: Outline::new(MOST_COLUMNS),
            dropouts: dropouts::Finder::default(),
            spectrum: Spectrum::default(),
            spectrogram: None,
        }
    }
}

impl Probe {
    /// One that also draws a spectrogram.
    #[must_use]
    pub fn with_spectrogram() -> Self {
        Self {
            spectrogram: Some(Spectrogram::default()),
            ..Self::default()
        }
    }

    pub fn push(&mut self, samples: &[i16]) {
        self.meter.push(samples);
        let heard = &mut self.heard;
        self.vad.push(samples, |frame| heard.take(&frame));
        self.dropouts.push(samples);
        self.spectrum.push(samples);
        if let Some(spectrogram) = &mut self.spectrogram {
            spectrogram.push(samples);
        }
        self.outline.push(samples);
    }

    /// Whether each 16 ms held a voice.
    #[must_use]
    pub fn voiced(&self) -> &[bool] {
        &self.heard.voiced
    }

    #[must_use]
    pub const fn duration(&self) -> MediaTime {
        MediaTime::from_engine_samples(self.meter.samples())
    }

    pub(super) fn finish(mut self, track: Track) -> (TrackAnalysis, Picture) {
        let duration = self.duration();
        let levels = self.meter.levels();
        let (envelope, silences, _) = self.outline.finish();
        let (silences, silences_unlisted) = silences.finish(duration);
        let noise_dbfs = self.heard.noise_dbfs();
        let analysis = TrackAnalysis {
            track,
            duration,
            verdict: self.meter.verdict(),
            speech_share: self.heard.share(),
            silences,
            silences_unlisted,
            dropouts: self.dropouts.found(),
            noise_dbfs,
            snr_db: (noise_dbfs.zip(self.heard.voice_dbfs())).map(|(noise, voice)| voice - noise),
            bandwidth_hz: self.spectrum.bandwidth(),
            hum: self.spectrum.hum(),
            levels,
        };
        let picture = Picture {
            envelope,
            spectrogram: self.spectrogram,
        };
        (analysis, picture)
    }
}

impl Heard {
    fn take(&mut self, frame: &Frame) {
        self.voiced.push(frame.voiced);
        if frame.voiced {
            self.voice += 10_f64.powf(f64::from(frame.dbfs) / 10.0);
        }
        #[expect(clippy::cast_possible_truncation, reason = "a level in whole dB")]
        let step = (frame.dbfs.round() as i32).clamp(LOWEST_DBFS, 0) - LOWEST_DBFS;
        self.levels[usize::try_from(step).unwrap_or(0)] += 1;
    }

    fn spoken(&self) -> usize {
        self.voiced.iter().filter(|voiced| **voiced).count()
    }

    #[expect(clippy::cast_precision_loss, reason = "a share needs three digits")]
    fn share(&self) -> f32 {
        self.spoken() as f32 / self.voiced.len().max(1) as f32
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a level needs three digits"
    )]
    fn voice_dbfs(&self) -> Option<f32> {
        let spoken = self.spoken();
        (spoken > 0).then(|| (10.0 * (self.voice / spoken as f64).log10()) as f32)
    }

    /// The level that the quietest tenth of the recording keeps to: between words and phrases there is
    /// that much silence in any speech, and voice activity is not needed, which takes loud noise for
    /// voice.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_wrap,
        clippy::cast_possible_truncation,
        reason = "a level in whole dB"
    )]
    fn noise_dbfs(&self) -> Option<f32> {
        let all: u64 = self.levels.iter().sum();
        let mut before = 0;
        let tenth = self.levels.iter().position(|count| {
            before += count;
            before * 10 >= all
        })?;
        (all >= ENOUGH_NOISE).then_some((tenth as i32 + LOWEST_DBFS) as f32)
    }
}

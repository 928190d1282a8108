//! One track of one stream: what its audio goes through, in the read loop, without waiting. A track is fed
//! by a phone or by a microphone, never by both.

use metrics::counter;

use crate::{
    audio::resample::Upsampler,
    ids::Track,
    recordings::{Summary, Tape},
    speech::ears::Ear,
    time::MediaTime,
};

/// Mu-law or 16 kHz samples in; 16 kHz samples to the tape and to the ear: the very same ones.
pub(super) struct Line {
    track: Track,
    upsampler: Upsampler,
    tape: Option<Tape>,
    ear: Option<Ear>,
    samples: Vec<i16>,
    /// Samples at 8 kHz so far.
    reached: MediaTime,
    failure_told: bool,
}

impl Line {
    #[must_use]
    pub(super) fn new(track: Track, tape: Option<Tape>, ear: Option<Ear>) -> Self {
        Self {
            track,
            upsampler: Upsampler::new(),
            tape,
            ear,
            samples: Vec::new(),
            reached: MediaTime::ZERO,
            failure_told: false,
        }
    }

    /// Audio that follows what came before.
    pub(super) fn write(&mut self, ulaw: &[u8]) {
        self.samples.clear();
        self.upsampler.process(ulaw, &mut self.samples);
        self.reached += MediaTime(ulaw.len() as u64);
        self.hand_on();
    }

    /// The same, at 16 kHz already.
    pub(super) fn write_samples(&mut self, samples: &[i16]) {
        self.samples.clear();
        self.samples.extend_from_slice(samples);
        self.reached += MediaTime::from_engine_samples(samples.len() as u64);
        self.hand_on();
    }

    /// Silence that was filled in; it went through [`Line::write`] as audio.
    pub(super) fn gap(&self, at: MediaTime, len: MediaTime) {
        counter!("callscribe_gap_milliseconds_total", "track" => self.track.as_str())
            .increment(len.as_ms());
        if let Some(tape) = &self.tape {
            tape.gap(at, len);
        }
    }

    /// A moment of the stream that has a name.
    pub(super) fn mark(&self, name: &str, at: MediaTime) {
        if let Some(tape) = &self.tape {
            tape.mark(name, at);
        }
    }

    /// Whether the disk is far behind.
    pub(super) fn is_behind(&self) -> bool {
        self.tape.as_ref().is_some_and(Tape::is_behind)
    }

    /// Why this track's recording stopped and where the stream was; once.
    pub(super) fn new_failure(&mut self) -> Option<(MediaTime, String)> {
        if self.failure_told {
            return None;
        }
        let failed = self.tape.as_ref()?.status().failed?;
        self.failure_told = true;
        Some((self.reached, failed))
    }

    /// Hands on what the resampler still holds, and closes both ends. `None` where nothing is recorded.
    pub(super) async fn close(mut self) -> Option<Summary> {
        self.samples.clear();
        self.upsampler.finish(&mut self.samples);
        self.hand_on();
        if let Some(ear) = self.ear.take() {
            ear.finish();
        }
        match self.tape.take() {
            Some(tape) => Some(tape.close().await),
            None => None,
        }
    }

    fn hand_on(&self) {
        if let Some(tape) = &self.tape {
            tape.write(&self.samples);
        }
        if let Some(ear) = &self.ear {
            ear.push(&self.samples);
        }
    }
}

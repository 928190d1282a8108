//! One stream of a call, by hand: what the driver, the recorder and the final pass would do.

use std::{path::PathBuf, time::Duration};

use callscribe::{
    ids::{CallSid, Track},
    live::hub::{CallEvent, Utterance},
    speech::{ModelInfo, Word},
    store::{
        CallState, FinalText, LiveSegment, NewCall, NewRecording, RecordingEnd, RecordingKey,
        RecordingPart, StreamEnd, StreamKey,
    },
    time::MediaTime,
    transcript::Segment,
};

use super::site::Site;

/// A call of which nothing is known but its id.
pub(crate) fn nobody(sid: &str) -> NewCall {
    NewCall {
        sid: sid.parse().unwrap(),
        account_sid: None,
        direction: None,
        from: None,
        to: None,
        language: None,
        parameters: Default::default(),
        live_model: Some(model("tiny.en")),
    }
}

fn model(name: &str) -> ModelInfo {
    ModelInfo {
        name: name.into(),
        sha256: "00".into(),
        multilingual: true,
    }
}

/// Words of 0.4 s each.
pub(crate) fn words(start: f64, text: &str) -> Vec<Word> {
    let mut at = MediaTime::from_secs(start);
    let mut words = Vec::new();
    for text in text.split_whitespace() {
        let end = at + MediaTime::from_ms(400);
        words.push(Word {
            text: text.into(),
            start: at,
            end,
            confidence: 0.9,
        });
        at = end;
    }
    words
}

pub(crate) fn segment(track: Track, speaker: Option<String>, start: f64, text: &str) -> Segment {
    let words = words(start, text);
    Segment {
        track,
        speaker,
        start: MediaTime::from_secs(start),
        end: words[words.len() - 1].end,
        text: text.into(),
        words,
    }
}

/// One stream of a call, by hand.
pub(crate) struct Line<'a> {
    pub(crate) site: &'a Site,
    pub(crate) call: CallSid,
    pub(crate) stream: StreamKey,
    pub(crate) speakers: [Option<String>; 2],
}

impl Line<'_> {
    pub(crate) fn publish(&self, event: CallEvent) {
        self.site.hub.publish(&self.call, event);
    }

    pub(crate) fn state(&self, state: CallState) {
        self.publish(CallEvent::State {
            state,
            interrupted: false,
            reason: None,
        });
    }

    pub(crate) fn of(&self, track: Track, utterance: u64) -> Utterance {
        Utterance {
            stream: self.stream.number,
            track,
            utterance,
        }
    }

    pub(crate) fn partial(&self, track: Track, utterance: u64, start: f64, text: &str) {
        self.publish(CallEvent::Partial {
            of: self.of(track, utterance),
            start: MediaTime::from_secs(start),
            words: words(start, text),
        });
    }

    pub(crate) fn delta(&self, track: Track, utterance: u64, start: f64, text: &str) {
        self.publish(CallEvent::Delta {
            of: self.of(track, utterance),
            words: words(start, text),
        });
    }

    /// Said, stored and told.
    pub(crate) async fn said(&self, track: Track, utterance: u64, start: f64, text: &str) {
        self.stored(track, utterance, start, text).await;
        self.completed(track, utterance, start, text);
    }

    pub(crate) async fn stored(&self, track: Track, utterance: u64, start: f64, text: &str) {
        let live = LiveSegment {
            stream: self.stream.clone(),
            utterance,
            segment: segment(track, self.speakers[track.index()].clone(), start, text),
        };
        self.site.store.append_segments(&[live]).await.unwrap();
    }

    pub(crate) fn completed(&self, track: Track, utterance: u64, start: f64, text: &str) {
        let said = segment(track, None, start, text);
        self.publish(CallEvent::Completed {
            of: self.of(track, utterance),
            start: said.start,
            end: said.end,
            text: said.text,
            words: said.words,
            language: "en".into(),
        });
    }

    /// Begins a recording whose file holds `samples` already.
    pub(crate) async fn record(&self, track: Track, samples: &[i16]) -> PathBuf {
        let name = format!("{}_{}_{track}.wav", self.call, self.stream.number);
        let path = self.wav(&name, samples);
        let new = NewRecording {
            key: self.recording(track),
            speaker: self.speakers[track.index()]
                .clone()
                .unwrap_or_else(|| track.to_string()),
            path: path.clone(),
            opened_at: self.site.clock.wall(),
        };
        self.site.store.record_opened(&new).await.unwrap();
        path
    }

    /// A file of a recording.
    pub(crate) fn wav(&self, name: &str, samples: &[i16]) -> PathBuf {
        let path = self.site.dir.path().join(name);
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 16_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        samples
            .iter()
            .for_each(|&sample| writer.write_sample(sample).unwrap());
        writer.finalize().unwrap();
        path
    }

    pub(crate) async fn record_closed(
        &self,
        track: Track,
        path: &std::path::Path,
        failed: Option<&str>,
    ) {
        let none = serde_json::Value::Null;
        self.record_ended(track, &[path], &[], failed, none).await;
    }

    /// `detail`: levels and verdict, as the sidecar has them.
    pub(crate) async fn record_judged(
        &self,
        track: Track,
        path: &std::path::Path,
        failed: Option<&str>,
        detail: serde_json::Value,
    ) {
        self.record_ended(track, &[path], &[], failed, detail).await;
    }

    /// A recording of several files, with gaps (`[at, length]` in ms).
    pub(crate) async fn record_closed_with(
        &self,
        track: Track,
        paths: &[&std::path::Path],
        gaps: &[(u64, u64)],
        failed: Option<&str>,
    ) {
        let none = serde_json::Value::Null;
        self.record_ended(track, paths, gaps, failed, none).await;
    }

    async fn record_ended(
        &self,
        track: Track,
        paths: &[&std::path::Path],
        gaps: &[(u64, u64)],
        failed: Option<&str>,
        detail: serde_json::Value,
    ) {
        let part = |path: &&std::path::Path| RecordingPart {
            path: path.to_path_buf(),
            frames: (std::fs::metadata(path).unwrap().len() - 44) / 2,
            channel: 0,
        };
        let gap = |&(at, long): &(u64, u64)| (MediaTime::from_ms(at), MediaTime::from_ms(long));
        let end = RecordingEnd {
            parts: paths.iter().map(part).collect(),
            gaps: gaps.iter().map(gap).collect(),
            detail,
            failed: failed.map(ToOwned::to_owned),
        };
        let at = self.site.clock.wall();
        let key = self.recording(track);
        self.site.store.record_closed(&key, &end, at).await.unwrap();
    }

    pub(crate) fn recording(&self, track: Track) -> RecordingKey {
        RecordingKey {
            stream: self.stream.clone(),
            track,
        }
    }

    /// The stream closes after `seconds`; the call waits for its final pass.
    pub(crate) async fn hang_up(&self, seconds: u64) {
        self.site.clock.advance(Duration::from_secs(seconds));
        let end = StreamEnd {
            at: self.site.clock.wall(),
            reason: "stop".into(),
            duration: MediaTime::from_ms(seconds * 1000),
            counters: serde_json::Value::Null,
        };
        let state = self
            .site
            .store
            .close_stream(&self.stream, &end)
            .await
            .unwrap();
        self.state(state);
    }

    /// The final pass is done: as the job would have it.
    pub(crate) async fn finish(&self, segments: &[(Track, f64, &str)]) {
        let segments = segments.iter().map(|&(track, start, text)| {
            segment(track, self.speakers[track.index()].clone(), start, text)
        });
        let text = FinalText {
            call: self.call.clone(),
            model: model("base"),
            parameters: serde_json::json!({ "beam": 5 }),
            language: Some("en".into()),
            duration: MediaTime::from_ms(45_000),
            segments: segments.collect(),
            coverage: vec![],
            reason: "after the call".into(),
            fingerprint: "once".into(),
        };
        let at = self.site.clock.wall();
        let replaced = self.site.store.replace_transcript(&text, at).await.unwrap();
        self.publish(CallEvent::Replaced {
            version: replaced.served_version,
            reason: replaced.served_reason,
        });
        self.state(replaced.state);
        self.publish(CallEvent::Ended {
            state: replaced.state,
        });
    }
}

//! Where a started stream's outputs are put: samples on each track's [`Line`], facts with the clerk.

use std::collections::BTreeMap;

use metrics::counter;

use super::{
    Gateway,
    clerk::{Clerk, Closing, Fact, NewTrack},
    line::Line,
};
use crate::{
    call::{Counters, Direction, EndReason, Output, StreamInfo},
    ids::Track,
    recordings::Spec,
    store::{NewCall, NewStream, NoteKind},
    time::MediaTime,
};

pub(super) struct Desk {
    gateway: Gateway,
    info: StreamInfo,
    language: Option<String>,
    lines: [Option<Line>; 2],
    clerk: Clerk,
}

impl Desk {
    /// Opens the stream: its rows, and a line for every track that it declares.
    pub(super) fn open(gateway: &Gateway, info: &StreamInfo) -> Self {
        let language = language(gateway, info);
        let clerk = Clerk::start(
            gateway.clone(),
            new_call(gateway, info, language.clone()),
            new_stream(gateway, info),
        );
        let mut desk = Self {
            gateway: gateway.clone(),
            info: info.clone(),
            language,
            lines: [None, None],
            clerk,
        };
        for &track in &info.tracks {
            desk.line(track);
        }
        tracing::info!(call = %info.call_sid, stream = %info.stream_sid, tracks = ?info.tracks, "stream started");
        desk
    }

    pub(super) fn take(&mut self, output: &Output<'_>) {
        match *output {
            Output::Audio { track, ulaw, .. } => self.line(track).write(ulaw),
            Output::Gap { track, at, len } => self.line(track).gap(at, len),
            Output::Dtmf { track, digit, at } => {
                self.clerk.tell(Fact::Note {
                    track: Some(track),
                    at,
                    kind: NoteKind::Dtmf {
                        digit: digit.into(),
                    },
                });
            }
            Output::Mark { name, at } => {
                for line in self.lines.iter().flatten() {
                    line.mark(name, at);
                }
                self.clerk.tell(Fact::Note {
                    track: None,
                    at,
                    kind: NoteKind::Mark { name: name.into() },
                });
            }
            _ => {}
        }
    }

    /// Takes audio that is at 16 kHz already.
    pub(super) fn hear(&mut self, track: Track, samples: &[i16]) {
        self.line(track).write_samples(samples);
    }

    /// Whether the disk is far behind this stream.
    pub(super) fn is_behind(&self) -> bool {
        self.lines.iter().flatten().any(Line::is_behind)
    }

    /// Says on the call, once, that a recording failed.
    pub(super) fn look_at_tapes(&mut self) {
        for (track, line) in Track::ALL.into_iter().zip(&mut self.lines) {
            let Some((at, reason)) = line.as_mut().and_then(Line::new_failure) else {
                continue;
            };
            self.clerk.tell(Fact::Note {
                track: Some(track),
                at,
                kind: NoteKind::RecordingFailed { reason },
            });
        }
    }

    /// Closes recordings, waits for the last words, and stores the end.
    pub(super) async fn close(self, reason: EndReason, counters: &Counters) {
        let duration = MediaTime(
            Track::ALL
                .map(|track| counters.emitted(track))
                .into_iter()
                .max()
                .unwrap_or(0),
        );
        let mut recordings = Vec::new();
        for (track, line) in Track::ALL.into_iter().zip(self.lines) {
            let Some(line) = line else { continue };
            if let Some(summary) = line.close().await {
                recordings.push((track, summary));
            }
        }
        tracing::info!(
            call = %self.info.call_sid, stream = %self.info.stream_sid, reason = reason.as_str(), %duration,
            frames = counters.frames.iter().sum::<u64>(), "stream ended"
        );
        let closing = Closing {
            reason: reason.as_str(),
            duration,
            counters: as_json(counters),
            recordings,
        };
        self.clerk.close(closing).await;
    }

    /// The track's line; a track that speaks without having been declared gets one then.
    fn line(&mut self, track: Track) -> &mut Line {
        let Self {
            gateway,
            info,
            language,
            lines,
            clerk,
        } = self;
        lines[track.index()]
            .get_or_insert_with(|| open_line(gateway, info, language.clone(), clerk, track))
    }
}

fn open_line(
    gateway: &Gateway,
    info: &StreamInfo,
    language: Option<String>,
    clerk: &Clerk,
    track: Track,
) -> Line {
    let speaker = info.speaker(track).to_owned();
    let tape = gateway.recorder.as_ref().map(|recorder| {
        recorder.open(&Spec {
            call_sid: info.call_sid.clone(),
            stream_sid: info.stream_sid.clone(),
            track,
            speaker: Some(speaker.clone()),
            started: gateway.clock.wall(),
        })
    });
    let (ear, heard) = match &gateway.ears {
        Some(ears) => {
            let (ear, heard) = ears.listen(&info.stream_sid, track, language);
            (Some(ear), Some(heard))
        }
        None => (None, None),
    };
    let recording = tape.as_ref().map(|tape| tape.status().path);
    clerk.tell(Fact::Track(Box::new(NewTrack {
        track,
        speaker,
        recording,
        heard,
    })));
    Line::new(track, tape, ear)
}

/// The stream's own parameter, where it names a language; else the configured one.
fn language(gateway: &Gateway, info: &StreamInfo) -> Option<String> {
    match info.language() {
        Some(code) if code.len() <= 3 && code.bytes().all(|b| b.is_ascii_lowercase()) => {
            Some(code.to_owned())
        }
        Some(_) => {
            counter!("callscribe_stream_anomalies_total", "kind" => "bad_language").increment(1);
            gateway.language.clone()
        }
        None => gateway.language.clone(),
    }
}

fn new_call(gateway: &Gateway, info: &StreamInfo, language: Option<String>) -> NewCall {
    let direction = info.direction().map(|direction| match direction {
        Direction::Inbound => "inbound".to_owned(),
        Direction::Outbound => "outbound".to_owned(),
        Direction::Browser => "browser".to_owned(),
    });
    NewCall {
        sid: info.call_sid.clone(),
        account_sid: info.account_sid.clone(),
        direction,
        from: info.parameters.get("from").cloned(),
        to: info.parameters.get("to").cloned(),
        language,
        parameters: info.parameters.clone(),
        live_model: gateway
            .ears
            .as_ref()
            .map(|ears| ears.lanes().live_model().clone()),
    }
}

fn new_stream(gateway: &Gateway, info: &StreamInfo) -> NewStream {
    NewStream {
        sid: info.stream_sid.clone(),
        speakers: Track::ALL.map(|track| {
            info.tracks
                .contains(&track)
                .then(|| info.speaker(track).to_owned())
        }),
        parameters: info.parameters.clone(),
        opened_at: gateway.clock.wall(),
    }
}

fn as_json(counters: &Counters) -> serde_json::Value {
    let per_track =
        |values: [u64; 2]| serde_json::json!({"inbound": values[0], "outbound": values[1]});
    let anomalies: BTreeMap<_, _> = counters
        .anomalies()
        .map(|(anomaly, count)| (anomaly.as_str(), count))
        .collect();
    serde_json::json!({
        "messages": counters.messages,
        "frames": per_track(counters.frames),
        "placed_samples": per_track(counters.placed),
        "filled_samples": per_track(counters.filled),
        "padded_samples": per_track(counters.padded),
        "trimmed_samples": per_track(counters.trimmed),
        "anomalies": anomalies,
    })
}

//! All that is known of one call, stored and live: what its page, its API answer and its snapshot show.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{AppState, HttpError};
use crate::{
    analysis::Analysis,
    ids::{CallSid, Track},
    live::hub::{CallEvent, CallView, OpenUtterance},
    store::{Call, CallLog, CallState, Note, Recording, Stream, Transcript, Version, VersionKind},
    time::MediaTime,
    transcript::Segment,
};

pub(super) struct CallFile {
    pub(super) call: Call,
    pub(super) streams: Vec<Stream>,
    pub(super) versions: Vec<Version>,
    pub(super) recordings: Vec<Recording>,
    pub(super) notes: Vec<Note>,
    /// Of the recordings, once it is done.
    pub(super) analysis: Option<Analysis>,
    /// What it meant, once that is known.
    pub(super) log: Option<CallLog>,
    /// The version asked for, or the served one; with what the hub knows beyond it.
    pub(super) transcript: Transcript,
    /// Utterances being spoken.
    pub(super) open: Vec<OpenUtterance>,
    /// The newest event that this takes account of.
    pub(super) position: u64,
}

/// The id as it stands in an address.
pub(super) fn sid(text: &str) -> Result<CallSid, HttpError> {
    text.parse().map_err(|_| no_call())
}

pub(super) fn no_call() -> HttpError {
    HttpError::not_found("there is no call of this id")
}

/// Nothing more will come on such a call.
pub(super) fn is_settled(state: CallState) -> bool {
    !matches!(state, CallState::Live | CallState::Finishing)
}

impl CallFile {
    /// Reads it as of now.
    pub(super) async fn load(
        state: &AppState,
        sid: &CallSid,
        version: Option<u32>,
    ) -> Result<Self, HttpError> {
        let known = state.store.call(sid).await?.ok_or_else(no_call)?;
        // The hub first: what happens between the two readings is in both, and is told apart by time.
        let (position, view) = if is_settled(known.state) {
            (0, CallView::default())
        } else {
            state.hub.view(sid)
        };
        Self::load_beside(state, sid, version, position, &view).await
    }

    /// Reads what is stored, beside what the hub said a moment before.
    pub(super) async fn load_beside(
        state: &AppState,
        sid: &CallSid,
        version: Option<u32>,
        position: u64,
        view: &CallView,
    ) -> Result<Self, HttpError> {
        let store = &state.store;
        let mut call = store.call(sid).await?.ok_or_else(no_call)?;
        if call.state == CallState::Live {
            call.degraded = view.degraded.unwrap_or(call.degraded);
        }
        let streams = store.streams(sid).await?;
        let mut transcript = store.transcript(sid, version).await?.ok_or_else(|| {
            HttpError::not_found("this call has no such version of its transcript")
        })?;
        let mut open = Vec::new();
        if transcript.version.kind == VersionKind::Live && !is_settled(call.state) {
            open.clone_from(&view.open);
            add_what_is_on_its_way(&mut transcript.segments, view, &streams);
        }
        Ok(Self {
            versions: store.versions(sid).await?,
            recordings: store.recordings(sid).await?,
            notes: store.notes(sid).await?,
            analysis: store.analysis(sid).await?,
            log: store.call_log(sid).await?,
            call,
            streams,
            transcript,
            open,
            position,
        })
    }

    /// Whether the call serves a final version, and not the live text that it kept.
    pub(super) fn serves_final(&self) -> bool {
        let served = self.call.served_version;
        self.versions
            .iter()
            .any(|version| version.version == served && version.kind == VersionKind::Final)
    }

    /// What the speakers are called: by track, and by stream and track (`1-inbound`) where they have names.
    pub(super) fn speakers(&self) -> BTreeMap<String, String> {
        let mut names = BTreeMap::from(Track::ALL.map(|track| {
            let nameless = nameless(track);
            (track.to_string(), nameless.label().to_owned())
        }));
        for stream in &self.streams {
            for track in Track::ALL {
                if let Some(name) = stream.speaker(track) {
                    names.insert(format!("{}-{track}", stream.key.number), name.to_owned());
                }
            }
        }
        names
    }
}

fn nameless(track: Track) -> Segment {
    Segment {
        track,
        speaker: None,
        start: MediaTime::ZERO,
        end: MediaTime::ZERO,
        text: String::new(),
        words: Vec::new(),
    }
}

/// Utterances reach viewers a moment before they reach the store. Those that the hub has stand instead
/// of what is stored of them; those still being spoken are shown beside, so their stored pieces go.
fn add_what_is_on_its_way(segments: &mut Vec<Segment>, view: &CallView, streams: &[Stream]) {
    for open in &view.open {
        if let Some(last) = open.committed.last() {
            drop_pieces(segments, open.of.track, open.start, last.end);
        }
    }
    for event in &view.settled {
        let CallEvent::Completed {
            of,
            start,
            end,
            text,
            words,
            ..
        } = event
        else {
            continue;
        };
        let stream = streams.iter().find(|s| s.key.number == of.stream);
        drop_pieces(segments, of.track, *start, *end);
        segments.push(Segment {
            speaker: stream
                .and_then(|s| s.speaker(of.track))
                .map(ToOwned::to_owned),
            start: *start,
            end: *end,
            text: text.clone(),
            words: words.clone(),
            ..nameless(of.track)
        });
    }
    segments.sort_by_key(|segment| (segment.start, segment.end, segment.track));
}

/// A speaker says one thing at a time: what overlaps by more than half of the shorter is the same.
fn drop_pieces(segments: &mut Vec<Segment>, track: Track, start: MediaTime, end: MediaTime) {
    segments.retain(|segment| {
        let shared = segment
            .end
            .min(end)
            .saturating_sub(segment.start.max(start));
        let shorter = segment
            .end
            .saturating_sub(segment.start)
            .min(end.saturating_sub(start));
        segment.track != track || shared.0 * 2 <= shorter.0
    });
}

/// As the API gives a call.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Call)]
pub(super) struct CallJson<'a> {
    id: &'a CallSid,
    state: CallState,
    interrupted: bool,
    /// Step of the overload ladder that the live words are at; 0 is none.
    degraded: u32,
    direction: Option<&'a str>,
    from: Option<&'a str>,
    to: Option<&'a str>,
    language: Option<&'a str>,
    started_at: jiff::Timestamp,
    ended_at: Option<jiff::Timestamp>,
    /// Seconds; 0 while the first stream is open.
    duration: MediaTime,
    parameters: &'a BTreeMap<String, String>,
    /// The version of the transcript that is served, and why it is that one.
    served_version: u32,
    served_reason: &'a str,
}

impl<'a> From<&'a Call> for CallJson<'a> {
    fn from(call: &'a Call) -> Self {
        Self {
            id: &call.sid,
            state: call.state,
            interrupted: call.interrupted,
            degraded: call.degraded,
            direction: call.direction.as_deref(),
            from: call.from.as_deref(),
            to: call.to.as_deref(),
            language: call.language.as_deref(),
            started_at: call.started_at,
            ended_at: call.ended_at,
            duration: call.duration,
            parameters: &call.parameters,
            served_version: call.served_version,
            served_reason: &call.served_reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::hub::Utterance;

    fn segment(track: Track, start: u64, end: u64, text: &str) -> Segment {
        Segment {
            start: MediaTime::from_ms(start),
            end: MediaTime::from_ms(end),
            text: text.into(),
            ..nameless(track)
        }
    }

    fn completed(track: Track, start: u64, end: u64, text: &str) -> CallEvent {
        CallEvent::Completed {
            of: Utterance {
                stream: 1,
                track,
                utterance: 0,
            },
            start: MediaTime::from_ms(start),
            end: MediaTime::from_ms(end),
            text: text.into(),
            words: vec![],
            language: "en".into(),
        }
    }

    #[test]
    fn what_is_on_its_way_to_the_store_is_shown_once() {
        use Track::{Inbound, Outbound};
        let stored = [
            segment(Inbound, 0, 900, "hello"),
            segment(Inbound, 1000, 1400, "half of"),
            segment(Outbound, 1000, 2000, "the other"),
        ];
        for (settled, expected) in [
            (vec![], &["hello", "half of", "the other"][..]),
            (
                vec![completed(Inbound, 1000, 2000, "half of it")],
                &["hello", "half of it", "the other"],
            ),
            (
                vec![completed(Inbound, 1350, 2000, "another")],
                &["hello", "half of", "the other", "another"],
            ),
            (
                vec![completed(Outbound, 3000, 4000, "new")],
                &["hello", "half of", "the other", "new"],
            ),
        ] {
            let view = CallView {
                settled,
                ..CallView::default()
            };
            let mut segments = stored.to_vec();
            add_what_is_on_its_way(&mut segments, &view, &[]);
            let texts: Vec<&str> = segments.iter().map(|s| s.text.as_str()).collect();
            assert_eq!(texts, expected);
        }
    }
}

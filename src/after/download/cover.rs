//! Whether what we recorded ourselves of a call covers what the provider recorded of it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};

use crate::{
    ids::Track,
    store::{ProviderRecording, Recording, RecordingState, Stream},
    time::MediaTime,
};

/// Where a recording lies on the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) at: Timestamp,
    /// The provider said so; else it is counted back from when it told of the recording.
    pub(super) is_known: bool,
}

/// When a recording started.
pub(super) fn start(recording: &ProviderRecording) -> Start {
    let said = recording.details.get("RecordingStartTime");
    let said = said.and_then(serde_json::Value::as_str).and_then(moment);
    let length = SignedDuration::from_secs(recording.duration_s.unwrap_or(0).into());
    Start {
        at: said.unwrap_or(recording.created_at - length),
        is_known: said.is_some(),
    }
}

/// `Thu, 17 Jan 2019 18:42:53 +0000`, or ISO 8601.
fn moment(text: &str) -> Option<Timestamp> {
    let rfc = rfc2822::parse(text).map(|zoned| zoned.timestamp());
    rfc.ok().or_else(|| text.parse().ok())
}

/// What our recordings are to the provider's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cover {
    /// They hold all of it, and why that is so.
    Whole(String),
    /// They do not, and what they lack.
    Lacks(String),
}

/// Judges by time and by tracks: what is in both, less the gaps of ours.
pub(super) fn cover(
    theirs: &ProviderRecording,
    streams: &[Stream],
    ours: &[Recording],
    may_lack: Duration,
) -> Cover {
    let Some(said) = theirs.duration_s.filter(|said| *said > 0) else {
        return Cover::Lacks("how long it is is not known".into());
    };
    let audible: Vec<_> = ours.iter().filter(|one| is_audible(one)).collect();
    if audible.is_empty() {
        return Cover::Lacks("we have no recording of this call".into());
    }
    let has = |track| audible.iter().any(|one| one.key.track == track);
    let tracks = Track::ALL.into_iter().filter(|track| has(*track)).count();
    let channels = theirs.channels.unwrap_or(1).min(2) as usize;
    if tracks < channels {
        return Cover::Lacks(format!(
            "ours has {tracks} track and theirs {channels} channels"
        ));
    }
    let said = Duration::from_secs(said.into());
    let covered = covered(start(theirs), said, streams, &audible);
    let (has, of) = (covered.as_secs(), said.as_secs());
    if covered + may_lack.max(said / 20) < said {
        return Cover::Lacks(format!("ours has {has} s of its {of} s"));
    }
    Cover::Whole(format!(
        "our own recording of the stream has {has} s of its {of} s, on {tracks} track(s)"
    ))
}

fn is_audible(recording: &Recording) -> bool {
    recording.state != RecordingState::Deleted
        && recording.duration > MediaTime::ZERO
        && !recording.parts.is_empty()
}

/// How much of their time our streams recorded.
fn covered(start: Start, said: Duration, streams: &[Stream], ours: &[&Recording]) -> Duration {
    let mut spans: Vec<(Timestamp, Timestamp)> = Vec::new();
    let mut lost = Duration::ZERO;
    for stream in streams {
        let its = ours.iter().filter(|one| one.key.stream == stream.key);
        let Some(longest) = its.max_by_key(|one| one.duration) else {
            continue;
        };
        lost += longest.gaps.iter().map(|(_, length)| span(*length)).sum();
        let (mut from, mut to) = (stream.opened_at, stream.opened_at + span(longest.duration));
        if start.is_known {
            from = from.max(start.at);
            to = to.min(start.at + said);
        }
        spans.push((from, to));
    }
    spans.sort_unstable();
    let (mut sum, mut reached) = (Duration::ZERO, Timestamp::MIN);
    for (from, to) in spans {
        let from = from.max(reached);
        if from < to {
            sum += to.duration_since(from).unsigned_abs();
            reached = to;
        }
    }
    sum.saturating_sub(lost)
}

fn span(length: MediaTime) -> Duration {
    Duration::from_millis(length.as_ms())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::{RecordingKey, RecordingOutcome, RecordingPart, StreamKey, testing::*};

    fn theirs(duration: u32, channels: u32, start: Option<&str>) -> ProviderRecording {
        ProviderRecording {
            sid: "RE1".parse().unwrap(),
            call: call_sid("CA1"),
            account_sid: None,
            status: "completed".into(),
            url: None,
            duration_s: Some(duration),
            channels: Some(channels),
            details: json!({ "RecordingStartTime": start }),
            outcome: RecordingOutcome::Waiting,
            reason: None,
            created_at: at(100),
        }
    }

    /// A stream, the lengths of its tracks, and the length of a gap in each.
    fn ours(number: u32, from: i64, tracks: &[u64], gap: u64) -> (Stream, Vec<Recording>) {
        let key = StreamKey {
            call: call_sid("CA1"),
            number,
        };
        let recordings = Track::ALL
            .into_iter()
            .zip(tracks)
            .map(|(track, lasted)| Recording {
                key: RecordingKey {
                    stream: key.clone(),
                    track,
                },
                speaker: "x".into(),
                state: RecordingState::Closed,
                parts: vec![RecordingPart {
                    path: "x.wav".into(),
                    frames: lasted * 16_000,
                    channel: 0,
                }],
                duration: secs(*lasted),
                gaps: vec![(secs(0), secs(gap))],
                detail: json!(null),
                failed: None,
                opened_at: at(from),
                closed_at: Some(at(from)),
            });
        let recordings = recordings.collect();
        let stream = Stream {
            key,
            sid: "MZ1".parse().unwrap(),
            speakers: [None, None],
            parameters: Default::default(),
            position: secs(0),
            duration: secs(0),
            opened_at: at(from),
            closed_at: Some(at(from)),
            end_reason: None,
        };
        (stream, recordings)
    }

    fn is_whole(theirs: &ProviderRecording, ours: Vec<(Stream, Vec<Recording>)>) -> bool {
        let (streams, recordings): (Vec<_>, Vec<_>) = ours.into_iter().unzip();
        let recordings = recordings.concat();
        let cover = cover(theirs, &streams, &recordings, Duration::from_secs(5));
        matches!(cover, Cover::Whole(_))
    }

    #[test]
    fn cover_by_example() {
        let minute = theirs(60, 2, None);
        // at(0) is Tue, 14 Nov 2023 22:13:20 UTC.
        let placed = theirs(60, 1, Some("Tue, 14 Nov 2023 22:13:20 +0000"));
        let hour = theirs(3600, 2, None);
        for (name, theirs, ours, expected) in [
            ("nothing", &minute, vec![], false),
            ("all of it", &minute, vec![ours(1, 0, &[60, 60], 0)], true),
            (
                "a little less",
                &minute,
                vec![ours(1, 0, &[56, 56], 0)],
                true,
            ),
            ("too little", &minute, vec![ours(1, 0, &[54, 54], 0)], false),
            (
                "a twentieth",
                &hour,
                vec![ours(1, 0, &[3421, 3421], 0)],
                true,
            ),
            ("more", &hour, vec![ours(1, 0, &[3419, 3419], 0)], false),
            ("one track", &minute, vec![ours(1, 0, &[60], 0)], false),
            (
                "lost audio",
                &minute,
                vec![ours(1, 0, &[60, 60], 20)],
                false,
            ),
            (
                "two streams",
                &minute,
                vec![ours(1, 0, &[30, 30], 0), ours(2, 31, &[29, 29], 0)],
                true,
            ),
            (
                "twice the same half",
                &minute,
                vec![ours(1, 0, &[30, 30], 0), ours(2, 0, &[30, 30], 0)],
                false,
            ),
            (
                "another minute",
                &placed,
                vec![ours(1, 60, &[60], 0)],
                false,
            ),
            ("the same minute", &placed, vec![ours(1, 0, &[90], 0)], true),
            (
                "no length",
                &theirs(0, 1, None),
                vec![ours(1, 0, &[60], 0)],
                false,
            ),
        ] {
            assert_eq!(is_whole(theirs, ours), expected, "{name}");
        }
    }

    #[test]
    fn the_start_is_as_said_or_counted_back() {
        for (said, at_secs, is_known) in [
            (Some("Tue, 14 Nov 2023 22:13:30 +0000"), 10, true),
            (Some("2023-11-14T22:13:30Z"), 10, true),
            (Some("yesterday"), 40, false),
            (None, 40, false),
        ] {
            let found = start(&theirs(60, 1, said));
            let expected = Start {
                at: at(at_secs),
                is_known,
            };
            assert_eq!(found, expected, "{said:?}");
        }
    }
}

//! The coverage of a call: of its streams' tracks, laid on the call's clock.

use super::TrackSpan;
use crate::{
    ids::Track,
    speech::coverage::{CoverageKind, Span},
    time::MediaTime,
};

/// Audio that is missing for less than this is as good as silence: a lost frame or two.
const LEAST_GAP: MediaTime = MediaTime::from_ms(200);

/// What the final pass found on one track of one stream.
#[derive(Debug, Clone)]
pub struct StreamCoverage {
    pub track: Track,
    /// Call time of the stream's first sample.
    pub position: MediaTime,
    /// Of the stream; the recording may be shorter.
    pub duration: MediaTime,
    /// In stream time, from zero on.
    pub spans: Vec<Span>,
    /// Audio that never came, in stream time: position and length.
    pub gaps: Vec<(MediaTime, MediaTime)>,
    /// The recording holds less than was heard.
    pub failed: bool,
}

/// Coverage of every track that has a recording, from zero to `duration` without hole or overlap.
/// Where there was no stream, the recording stopped early, or audio was lost, it is
/// [`CoverageKind::NotUnderstood`]; a track that merely ended before its stream was silent. Where two
/// streams of a track overlap, the better understood one counts.
#[must_use]
pub fn call_coverage(duration: MediaTime, streams: &[StreamCoverage]) -> Vec<TrackSpan> {
    let mut all = Vec::new();
    for track in Track::ALL {
        let of_track: Vec<&StreamCoverage> = streams.iter().filter(|s| s.track == track).collect();
        if of_track.is_empty() {
            continue;
        }
        let known: Vec<Span> = of_track.into_iter().flat_map(on_call_clock).collect();
        all.extend(flatten(&known, duration).into_iter().map(|span| TrackSpan {
            track,
            start: span.start,
            end: span.end,
            kind: span.kind,
        }));
    }
    all
}

/// One stream's spans, gaps marked, to the stream's end.
fn on_call_clock(stream: &StreamCoverage) -> Vec<Span> {
    let mut spans = Vec::new();
    for span in &stream.spans {
        if span.kind == CoverageKind::Silence {
            mark_gaps(*span, &stream.gaps, &mut spans);
        } else {
            spans.push(*span);
        }
    }
    let recorded = spans.last().map_or(MediaTime::ZERO, |span| span.end);
    if recorded < stream.duration {
        spans.push(Span {
            start: recorded,
            end: stream.duration,
            kind: if stream.failed {
                CoverageKind::NotUnderstood
            } else {
                CoverageKind::Silence
            },
        });
    }
    for span in &mut spans {
        span.start += stream.position;
        span.end += stream.position;
    }
    spans
}

/// Cuts what was lost out of what seemed silent.
fn mark_gaps(silence: Span, gaps: &[(MediaTime, MediaTime)], out: &mut Vec<Span>) {
    let mut reached = silence.start;
    for (at, length) in gaps.iter().filter(|(_, length)| *length >= LEAST_GAP) {
        let start = (*at).max(reached);
        let end = (*at + *length).min(silence.end);
        if start >= end {
            continue;
        }
        if reached < start {
            out.push(Span {
                start: reached,
                end: start,
                ..silence
            });
        }
        out.push(Span {
            start,
            end,
            kind: CoverageKind::NotUnderstood,
        });
        reached = end;
    }
    if reached < silence.end {
        out.push(Span {
            start: reached,
            ..silence
        });
    }
}

/// Spans that may overlap and leave holes, as one abutting row over `0..duration`.
fn flatten(known: &[Span], duration: MediaTime) -> Vec<Span> {
    let mut borders: Vec<MediaTime> = known
        .iter()
        .flat_map(|span| [span.start, span.end])
        .chain([MediaTime::ZERO, duration])
        .filter(|at| *at <= duration)
        .collect();
    borders.sort_unstable();
    borders.dedup();
    let mut row: Vec<Span> = Vec::new();
    for pair in borders.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        let kind = known
            .iter()
            .filter(|span| span.start <= start && end <= span.end)
            .map(|span| span.kind)
            .min_by_key(|kind| rank(*kind))
            .unwrap_or(CoverageKind::NotUnderstood);
        match row.last_mut() {
            Some(last) if last.kind == kind => last.end = end,
            _ => row.push(Span { start, end, kind }),
        }
    }
    row
}

const fn rank(kind: CoverageKind) -> u8 {
    match kind {
        CoverageKind::Text => 0,
        CoverageKind::Silence => 1,
        CoverageKind::NotUnderstood => 2,
    }
}

#[cfg(test)]
mod tests {
    use CoverageKind::{NotUnderstood, Silence, Text};

    use super::*;
    use crate::speech::coverage::covers;

    fn span(start: u64, end: u64, kind: CoverageKind) -> Span {
        Span {
            start: MediaTime::from_ms(start * 1000),
            end: MediaTime::from_ms(end * 1000),
            kind,
        }
    }

    fn stream(position: u64, duration: u64, spans: Vec<Span>) -> StreamCoverage {
        StreamCoverage {
            track: Track::Inbound,
            position: MediaTime::from_ms(position * 1000),
            duration: MediaTime::from_ms(duration * 1000),
            spans,
            gaps: vec![],
            failed: false,
        }
    }

    fn check(duration: u64, streams: &[StreamCoverage], expected: &[Span]) {
        let duration = MediaTime::from_ms(duration * 1000);
        let spans: Vec<Span> = call_coverage(duration, streams)
            .iter()
            .map(|s| Span {
                start: s.start,
                end: s.end,
                kind: s.kind,
            })
            .collect();
        assert_eq!(spans, expected);
        assert_eq!(covers(&spans, duration), Ok(()));
    }

    #[test]
    fn one_stream_is_taken_as_it_is() {
        let spans = vec![
            span(0, 2, Silence),
            span(2, 8, Text),
            span(8, 10, NotUnderstood),
        ];
        check(10, &[stream(0, 10, spans.clone())], &spans);
    }

    #[test]
    fn a_track_that_ended_early_was_silent_and_a_failed_one_is_unknown() {
        let healthy = stream(0, 10, vec![span(0, 6, Text)]);
        check(
            10,
            std::slice::from_ref(&healthy),
            &[span(0, 6, Text), span(6, 10, Silence)],
        );
        let failed = StreamCoverage {
            failed: true,
            ..healthy
        };
        check(
            10,
            &[failed],
            &[span(0, 6, Text), span(6, 10, NotUnderstood)],
        );
        let nothing = StreamCoverage {
            failed: true,
            ..stream(0, 10, vec![])
        };
        check(10, &[nothing], &[span(0, 10, NotUnderstood)]);
    }

    #[test]
    fn time_between_streams_is_marked() {
        check(
            20,
            &[
                stream(0, 5, vec![span(0, 5, Text)]),
                stream(12, 8, vec![span(0, 8, Silence)]),
            ],
            &[
                span(0, 5, Text),
                span(5, 12, NotUnderstood),
                span(12, 20, Silence),
            ],
        );
    }

    #[test]
    fn overlapping_streams_keep_the_better_understood() {
        check(
            10,
            &[
                stream(0, 6, vec![span(0, 6, Silence)]),
                stream(4, 6, vec![span(0, 6, Text)]),
            ],
            &[span(0, 4, Silence), span(4, 10, Text)],
        );
    }

    #[test]
    fn lost_audio_is_not_silence() {
        let mut lossy = stream(0, 10, vec![span(0, 6, Silence), span(6, 10, Text)]);
        let ms = MediaTime::from_ms;
        lossy.gaps = vec![
            (ms(1000), ms(2000)),
            (ms(4000), ms(20)),
            (ms(5000), ms(3000)),
        ];
        check(
            10,
            &[lossy],
            &[
                span(0, 1, Silence),
                span(1, 3, NotUnderstood),
                span(3, 5, Silence),
                span(5, 6, NotUnderstood),
                span(6, 10, Text),
            ],
        );
    }
}

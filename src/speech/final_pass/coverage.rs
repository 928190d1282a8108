//! What became of every second: text where words are, not understood where voice gave none, silence.

use std::ops::Range;

use crate::{
    speech::{
        Word,
        coverage::{CoverageKind, Span},
    },
    time::MediaTime,
};

/// Words closer than this are one text: the pauses of speech are part of it.
const PAUSE: MediaTime = MediaTime::from_ms(1_000);
/// Voice so near to a word belongs to it: words' times are no more exact.
const NEAR: MediaTime = MediaTime::from_ms(400);
/// Voice shorter than this is a click or a breath.
const BREATH: MediaTime = MediaTime::from_ms(300);
/// Runs of voice closer than this are one.
const BRIDGE: MediaTime = MediaTime::from_ms(300);

/// Spans of a track from zero to `duration`; `voiced` are runs of samples at 16 kHz.
pub(super) fn spans(words: &[Word], voiced: &[Range<u64>], duration: MediaTime) -> Vec<Span> {
    let texts = joined(words.iter().map(|word| word.start..word.end), PAUSE);
    let times = voiced.iter().map(|run| {
        MediaTime::from_engine_samples(run.start)..MediaTime::from_engine_samples(run.end)
    });
    let mut marked: Vec<(Range<MediaTime>, CoverageKind)> = Vec::new();
    for voice in joined(times, BRIDGE) {
        for lost in without(voice, &texts) {
            if lost.end.saturating_sub(lost.start) >= BREATH {
                marked.push((lost, CoverageKind::NotUnderstood));
            }
        }
    }
    marked.extend(texts.into_iter().map(|text| (text, CoverageKind::Text)));
    marked.sort_by_key(|(range, _)| range.start);
    abutting(marked, duration)
}

/// Ranges in order, those closer than `gap` made one.
fn joined(ranges: impl Iterator<Item = Range<MediaTime>>, gap: MediaTime) -> Vec<Range<MediaTime>> {
    let mut sorted: Vec<_> = ranges.collect();
    sorted.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<MediaTime>> = Vec::new();
    for range in sorted {
        match joined.last_mut() {
            Some(last) if range.start <= last.end + gap => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// What of `voice` is not near any of `texts`.
fn without(voice: Range<MediaTime>, texts: &[Range<MediaTime>]) -> Vec<Range<MediaTime>> {
    let mut rest = Vec::new();
    let mut from = voice.start;
    for text in texts {
        let (start, end) = (text.start.saturating_sub(NEAR), text.end + NEAR);
        if end <= from || start >= voice.end {
            continue;
        }
        if start > from {
            rest.push(from..start);
        }
        from = from.max(end);
    }
    if from < voice.end {
        rest.push(from..voice.end);
    }
    rest
}

/// Marked ranges with silence between them, cut to `0..duration`.
fn abutting(marked: Vec<(Range<MediaTime>, CoverageKind)>, duration: MediaTime) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut reached = MediaTime::ZERO;
    let mut add = |start: MediaTime, end: MediaTime, kind| {
        if end <= start {
            return;
        }
        match spans.last_mut() {
            Some(last) if last.kind == kind => last.end = end,
            _ => spans.push(Span { start, end, kind }),
        }
    };
    for (range, kind) in marked {
        let (start, end) = (range.start.max(reached), range.end.min(duration));
        if end <= start {
            continue;
        }
        add(reached, start, CoverageKind::Silence);
        add(start, end, kind);
        reached = end;
    }
    add(reached, duration, CoverageKind::Silence);
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::coverage::covers;

    #[test]
    fn every_second_is_text_silence_or_not_understood() {
        use CoverageKind::{NotUnderstood, Silence, Text};
        // Words and voice in seconds, over ten seconds.
        for (words, voiced, expected) in [
            (&[][..], &[][..], &[(10.0, Silence)][..]),
            (
                &[(1.0, 2.0)],
                &[(1.0, 2.0)],
                &[(1.0, Silence), (2.0, Text), (10.0, Silence)],
            ),
            (
                &[(1.0, 2.0), (2.8, 4.0), (6.0, 7.0)],
                &[(1.0, 4.2), (6.0, 7.0)],
                &[
                    (1.0, Silence),
                    (4.0, Text),
                    (6.0, Silence),
                    (7.0, Text),
                    (10.0, Silence),
                ],
            ),
            (
                &[(1.0, 2.0)],
                &[(1.0, 2.0), (5.0, 8.0)],
                &[
                    (1.0, Silence),
                    (2.0, Text),
                    (5.0, Silence),
                    (8.0, NotUnderstood),
                    (10.0, Silence),
                ],
            ),
            // Voice beside a word belongs to it, a second of it does not; a click is nothing.
            (
                &[(1.0, 2.0)],
                &[(0.7, 5.0), (7.0, 7.1)],
                &[
                    (1.0, Silence),
                    (2.0, Text),
                    (2.4, Silence),
                    (5.0, NotUnderstood),
                    (10.0, Silence),
                ],
            ),
            // Nothing reaches beyond the recording.
            (
                &[(9.0, 12.0)],
                &[(9.0, 12.0)],
                &[(9.0, Silence), (10.0, Text)],
            ),
            (&[(0.0, 10.0)], &[], &[(10.0, Text)]),
        ] {
            let word = |&(start, end): &(f64, f64)| Word {
                text: "word".into(),
                start: MediaTime::from_secs(start),
                end: MediaTime::from_secs(end),
                confidence: 1.0,
            };
            let words: Vec<Word> = words.iter().map(word).collect();
            let samples = |s: &f64| MediaTime::from_secs(*s).as_engine_samples();
            let voiced: Vec<_> = voiced.iter().map(|(a, b)| samples(a)..samples(b)).collect();
            let duration = MediaTime::from_secs(10.0);
            let spans = spans(&words, &voiced, duration);
            covers(&spans, duration).unwrap();
            let seen: Vec<_> = spans.iter().map(|s| (s.end.as_secs(), s.kind)).collect();
            assert_eq!(seen, expected);
        }
    }
}

//! Two tracks, and several streams, become one list in the order of talk.

use super::Segment;
use crate::{
    ids::Track,
    speech::{Word, text},
    time::MediaTime,
};

/// A pause in a speaker's words that is as good a place to be interrupted as a sentence's end.
const PAUSE: MediaTime = MediaTime::from_ms(300);
/// How far from the interruption such a place may lie: beyond, the talk reads better in one piece.
const REACH: MediaTime = MediaTime::from_ms(3_000);
/// A piece of fewer words is no turn of its own.
const LEAST_WORDS: usize = 2;

/// Orders segments of all tracks and streams by time. A long one that another speaker interrupts is
/// cut at the sentence's end or pause nearest to the interruption, so that the talk reads as it went;
/// words are never changed, dropped or reordered within a speaker.
#[must_use]
pub fn merge(segments: Vec<Segment>) -> Vec<Segment> {
    let interruptions: Vec<(Track, MediaTime)> =
        segments.iter().map(|s| (s.track, s.start)).collect();
    let mut merged = Vec::with_capacity(segments.len());
    for segment in segments {
        let others = interruptions
            .iter()
            .filter(|(track, at)| {
                *track != segment.track && segment.start < *at && *at < segment.end
            })
            .map(|(_, at)| *at)
            .collect();
        split(segment, others, &mut merged);
    }
    merged.sort_by_key(|s| (s.start, s.end, s.track));
    merged
}

fn split(mut rest: Segment, mut interruptions: Vec<MediaTime>, out: &mut Vec<Segment>) {
    // Words can be split only where they are the text.
    if text(&rest.words) != rest.text {
        out.push(rest);
        return;
    }
    interruptions.sort_unstable();
    for at in interruptions {
        let Some(cut) = cut_near(&rest.words, at) else {
            continue;
        };
        let tail = rest.words.split_off(cut);
        let later = Segment {
            track: rest.track,
            speaker: rest.speaker.clone(),
            start: tail[0].start,
            end: rest.end,
            text: text(&tail),
            words: tail,
        };
        rest.end = rest.words.last().map_or(rest.end, |word| word.end);
        rest.text = text(&rest.words);
        out.push(std::mem::replace(&mut rest, later));
    }
    out.push(rest);
}

/// The index of the word before which to cut.
fn cut_near(words: &[Word], at: MediaTime) -> Option<usize> {
    (LEAST_WORDS..(words.len() + 1).saturating_sub(LEAST_WORDS))
        .filter(|&i| {
            let before = &words[i - 1];
            let sentence = before
                .text
                .ends_with(['.', '?', '!', '…', '。', '？', '！']);
            sentence || words[i].start.saturating_sub(before.end) >= PAUSE
        })
        .map(|i| (words[i].start.0.abs_diff(at.0), i))
        .filter(|(distance, _)| *distance <= REACH.0)
        .min()
        .map(|(_, i)| i)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of half a second each from `start` seconds on; `|` is a pause of a second.
    fn segment(track: Track, start: u64, text: &str) -> Segment {
        let mut at = start * 1000;
        let mut words = Vec::new();
        for token in text.split(' ') {
            if token == "|" {
                at += 1000;
                continue;
            }
            words.push(Word {
                text: token.into(),
                start: MediaTime::from_ms(at),
                end: MediaTime::from_ms(at + 500),
                confidence: 1.0,
            });
            at += 500;
        }
        Segment {
            track,
            speaker: None,
            start: words[0].start,
            end: words[words.len() - 1].end,
            text: super::text(&words),
            words,
        }
    }

    fn check(segments: Vec<Segment>, expected: &[&str]) {
        let said = |segments: &[Segment], track| -> Vec<Word> {
            let of = segments.iter().filter(|s| s.track == track);
            of.flat_map(|s| s.words.clone()).collect()
        };
        let before: Vec<_> = Track::ALL.map(|t| said(&segments, t)).into();
        let merged = merge(segments);
        let after: Vec<_> = Track::ALL.map(|t| said(&merged, t)).into();
        assert_eq!(before, after, "words are kept in order");
        let read: Vec<String> = merged
            .iter()
            .map(|s| format!("{} {}: {}", s.start.as_ms() / 1000, &s.label()[..1], s.text))
            .collect();
        assert_eq!(read, expected);
    }

    const I: Track = Track::Inbound;
    const O: Track = Track::Outbound;

    #[test]
    fn turns_come_in_the_order_of_talk() {
        check(
            vec![
                segment(I, 0, "Hello there."),
                segment(I, 6, "Fine, thanks."),
                segment(O, 3, "How are you?"),
            ],
            &[
                "0 I: Hello there.",
                "3 O: How are you?",
                "6 I: Fine, thanks.",
            ],
        );
        check(vec![], &[]);
    }

    #[test]
    fn a_long_turn_is_cut_where_another_speaker_comes_in() {
        let long = "I was there yesterday. Then it rained all day long and I went home.";
        check(
            vec![segment(I, 0, long), segment(O, 2, "Right.")],
            &[
                "0 I: I was there yesterday.",
                "2 O: Right.",
                "2 I: Then it rained all day long and I went home.",
            ],
        );
        check(
            vec![
                segment(I, 0, "so there we | were again on the road"),
                segment(O, 2, "Where?"),
            ],
            &[
                "0 I: so there we",
                "2 O: Where?",
                "2 I: were again on the road",
            ],
        );
    }

    #[test]
    fn without_a_place_to_cut_the_turn_stays_whole() {
        check(
            vec![
                segment(I, 0, "one two three four five six seven"),
                segment(O, 1, "Yes."),
            ],
            &["0 I: one two three four five six seven", "1 O: Yes."],
        );
        let mut unlike = segment(I, 0, "One. Two three. Four. Five six.");
        unlike.text = "一二三四".into();
        let merged = merge(vec![unlike.clone(), segment(O, 1, "Yes.")]);
        assert_eq!(
            merged[0], unlike,
            "words that are not the text are left alone"
        );
    }

    #[test]
    fn two_streams_of_a_call_follow_each_other() {
        let second = segment(I, 0, "Back again.").shifted(MediaTime::from_ms(60_000));
        check(
            vec![segment(I, 0, "Hello there."), second, segment(O, 30, "Hm.")],
            &["0 I: Hello there.", "30 O: Hm.", "60 I: Back again."],
        );
    }
}

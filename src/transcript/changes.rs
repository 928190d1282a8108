//! What changed from one version of a transcript to another, word by word and speaker by speaker.
//!
//! Case and punctuation alone are no change: a final pass rewrites nearly all of both, and what a reader
//! looks for is another word. `similar` compares and not [`super::wer::align`], which finds the fewest
//! errors but takes a byte for each pair of words: 100 MB for a talk of an hour and a half.

use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::Segment;
use crate::{ids::Track, time::MediaTime};

/// A word this long before or after a turn may still be of it: versions differ by that much.
const NEAR: MediaTime = MediaTime::from_ms(1500);

/// The newer text, with what the older one had instead.
#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Changes {
    /// Words that both have.
    pub same: usize,
    /// Words that only the older one has.
    pub removed: usize,
    /// Words that only the newer one has.
    pub added: usize,
    /// In order of time; a turn that only the older one has is one of its own.
    pub turns: Vec<ChangedTurn>,
}

/// What one speaker said at one go.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ChangedTurn {
    pub track: Track,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    pub start: MediaTime,
    pub end: MediaTime,
    pub pieces: Vec<Piece>,
}

/// Words that share their fate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ChangedPiece)]
pub struct Piece {
    pub kind: Fate,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    Same,
    /// Only the older version has it.
    Removed,
    /// Only the newer version has it.
    Added,
}

impl ChangedTurn {
    /// Whether anything differs.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.pieces.iter().any(|piece| piece.kind != Fate::Same)
    }

    fn of(segment: &Segment) -> Self {
        Self {
            track: segment.track,
            speaker: segment.speaker.clone(),
            start: segment.start,
            end: segment.end,
            pieces: Vec::new(),
        }
    }

    fn push(&mut self, kind: Fate, word: &str) {
        match self.pieces.last_mut() {
            Some(last) if last.kind == kind => {
                last.text.push(' ');
                last.text.push_str(word);
            }
            _ => self.pieces.push(Piece {
                kind,
                text: word.to_owned(),
            }),
        }
    }

    fn is_near(&self, at: MediaTime) -> bool {
        at + NEAR >= self.start && at <= self.end + NEAR
    }
}

/// Compares two versions. Takes time that grows with the length and the differences: not for an async thread.
#[must_use]
pub fn changes(older: &[Segment], newer: &[Segment]) -> Changes {
    let mut all = Changes::default();
    for track in Track::ALL {
        let (old, new) = (Side::of(older, track), Side::of(newer, track));
        Walk::new(&old, &new).along(&mut all);
    }
    all.turns.retain(|turn| !turn.pieces.is_empty());
    all.turns
        .sort_by_key(|turn| (turn.start, turn.end, turn.track));
    all
}

/// One speaker's words in one version.
struct Side<'a> {
    segments: Vec<&'a Segment>,
    words: Vec<Placed<'a>>,
    /// As they are compared.
    keys: Vec<String>,
}

struct Placed<'a> {
    text: &'a str,
    at: MediaTime,
    segment: usize,
}

impl<'a> Side<'a> {
    fn of(segments: &'a [Segment], track: Track) -> Self {
        let segments: Vec<_> = segments.iter().filter(|s| s.track == track).collect();
        let words: Vec<_> = (segments.iter().enumerate())
            .flat_map(|(n, segment)| placed(segment, n))
            .collect();
        let keys = words.iter().map(|word| key(word.text)).collect();
        Self {
            segments,
            words,
            keys,
        }
    }
}

/// The words as they stand in the text, each with its time where that is known.
fn placed(segment: &Segment, number: usize) -> impl Iterator<Item = Placed<'_>> {
    let count = segment.text.split_whitespace().count();
    let timed = segment.words.len() == count;
    (segment.text.split_whitespace().enumerate()).map(move |(n, text)| Placed {
        text,
        at: match timed {
            true => segment.words[n].start,
            false => segment.start,
        },
        segment: number,
    })
}

/// Letters and digits, small; of what has none, all of it.
fn key(word: &str) -> String {
    let letters: String = (word.chars().filter(|c| c.is_alphanumeric()))
        .flat_map(char::to_lowercase)
        .collect();
    match letters.is_empty() {
        true => word.to_owned(),
        false => letters,
    }
}

/// Along both sides of one speaker at once.
struct Walk<'a> {
    old: &'a Side<'a>,
    new: &'a Side<'a>,
    turns: Vec<ChangedTurn>,
    /// Turns that only the older version has, and which of its segments they are.
    lost: Vec<(usize, ChangedTurn)>,
}

impl<'a> Walk<'a> {
    fn new(old: &'a Side<'a>, new: &'a Side<'a>) -> Self {
        Self {
            old,
            new,
            turns: new.segments.iter().map(|s| ChangedTurn::of(s)).collect(),
            lost: Vec::new(),
        }
    }

    fn along(mut self, all: &mut Changes) {
        for step in capture_diff_slices(Algorithm::Myers, &self.old.keys, &self.new.keys) {
            let (old, new) = (step.old_range(), step.new_range());
            if matches!(step, DiffOp::Equal { .. }) {
                all.same += new.len();
                new.for_each(|n| self.stays(n, Fate::Same));
                continue;
            }
            all.removed += old.len();
            all.added += new.len();
            let before = new.start;
            old.for_each(|n| self.goes(n, before));
            new.for_each(|n| self.stays(n, Fate::Added));
        }
        all.turns.append(&mut self.turns);
        all.turns
            .extend(self.lost.into_iter().map(|(_, turn)| turn));
    }

    fn stays(&mut self, word: usize, kind: Fate) {
        let word = &self.new.words[word];
        self.turns[word.segment].push(kind, word.text);
    }

    /// A word of the older version, which stood before the newer one's word `before`: it is shown in the
    /// turn that was spoken then, the one that goes on or the one that begins there.
    fn goes(&mut self, word: usize, before: usize) {
        let word = &self.old.words[word];
        let turn_of = |n: usize| self.new.words.get(n).map(|word| word.segment);
        let around = [before.checked_sub(1).and_then(turn_of), turn_of(before)];
        let home = (around.into_iter().flatten()).find(|turn| self.turns[*turn].is_near(word.at));
        let turn = match (home, self.lost.last()) {
            (Some(turn), _) => &mut self.turns[turn],
            (None, Some((of, _))) if *of == word.segment => {
                let last = self.lost.len() - 1;
                &mut self.lost[last].1
            }
            (None, _) => {
                let segment = self.old.segments[word.segment];
                let turn = ChangedTurn {
                    start: word.at,
                    ..ChangedTurn::of(segment)
                };
                self.lost.push((word.segment, turn));
                let last = self.lost.len() - 1;
                &mut self.lost[last].1
            }
        };
        turn.push(Fate::Removed, word.text);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::speech::Word;

    /// `track second text`, words of 0.4 s.
    fn segments(lines: &[(Track, u64, &str)]) -> Vec<Segment> {
        lines
            .iter()
            .map(|&(track, second, text)| {
                let start = MediaTime::from_ms(second * 1000);
                let words = text.split_whitespace().zip(0_u64..).map(|(text, n)| Word {
                    text: text.into(),
                    start: start + MediaTime::from_ms(n * 400),
                    end: start + MediaTime::from_ms(n * 400 + 400),
                    confidence: 0.9,
                });
                let words: Vec<Word> = words.collect();
                Segment {
                    track,
                    speaker: None,
                    start,
                    end: words.last().map_or(start, |word| word.end),
                    text: text.into(),
                    words,
                }
            })
            .collect()
    }

    /// A line a turn: `-removed-`, `+added+`.
    fn shown(changes: &Changes) -> Vec<String> {
        let piece = |piece: &Piece| match piece.kind {
            Fate::Same => piece.text.clone(),
            Fate::Removed => format!("-{}-", piece.text),
            Fate::Added => format!("+{}+", piece.text),
        };
        let turn = |turn: &ChangedTurn| {
            let pieces: Vec<String> = turn.pieces.iter().map(piece).collect();
            format!("{} {}", turn.start.as_ms() / 1000, pieces.join(" "))
        };
        changes.turns.iter().map(turn).collect()
    }

    #[test]
    fn each_speakers_words_are_compared_where_they_were_said() {
        use Track::{Inbound as I, Outbound as O};
        for (name, older, newer, expected) in [
            ("nothing at all", &[][..], &[][..], &[][..]),
            (
                "case and punctuation are no change",
                &[(I, 0, "hello there")],
                &[(I, 0, "Hello, there.")],
                &["0 Hello, there."],
            ),
            (
                "another word",
                &[(I, 0, "open my cart please")],
                &[(I, 0, "Open my car, please.")],
                &["0 Open my -cart- +car,+ please."],
            ),
            (
                "more and less",
                &[(I, 0, "well hello")],
                &[(I, 0, "hello again")],
                &["0 -well- hello +again+"],
            ),
            (
                "Hebrew",
                &[(I, 0, "אני צריך פריצת לוטו")],
                &[(I, 0, "אני צריך פריצת לוטו, בבית שאן.")],
                &["0 אני צריך פריצת לוטו, +בבית שאן.+"],
            ),
            (
                "turns cut in another place",
                &[(I, 0, "one two three four")],
                &[(I, 0, "one two"), (I, 1, "three four")],
                &["0 one two", "1 three four"],
            ),
            (
                "one speaker's words are not the other's",
                &[(I, 0, "yes"), (O, 1, "no")],
                &[(I, 0, "no"), (O, 1, "no")],
                &["0 -yes- +no+", "1 no"],
            ),
            (
                "a turn that went",
                &[
                    (I, 0, "hello"),
                    (I, 20, "thanks for watching"),
                    (I, 40, "bye"),
                ],
                &[(I, 0, "hello"), (I, 40, "bye")],
                &["0 hello", "20 -thanks for watching-", "40 bye"],
            ),
            (
                "a turn that came",
                &[(I, 0, "hello")],
                &[(I, 0, "hello"), (I, 9, "who is there")],
                &["0 hello", "9 +who is there+"],
            ),
            ("all of it went", &[(I, 3, "hello")], &[], &["3 -hello-"]),
        ] {
            let found = changes(&segments(older), &segments(newer));
            assert_eq!(shown(&found), expected, "{name}");
        }
    }

    #[test]
    fn words_without_times_are_where_their_turn_is() {
        let mut older = segments(&[(Track::Inbound, 5, "hello you there")]);
        older[0].words.clear();
        let newer = segments(&[(Track::Inbound, 5, "hello there")]);
        assert_eq!(shown(&changes(&older, &newer)), ["5 hello -you- there"]);
    }

    proptest! {
        #[test]
        fn no_word_is_lost_or_invented(
            older in proptest::collection::vec((0_u64..60, "[a-c]( [a-c]){0,5}"), 0..8),
            newer in proptest::collection::vec((0_u64..60, "[a-c]( [a-c]){0,5}"), 0..8),
        ) {
            let lines = |texts: &[(u64, String)]| {
                let mut lines: Vec<_> = texts.iter()
                    .map(|(at, text)| (Track::Inbound, *at, text.as_str())).collect();
                lines.sort();
                segments(&lines)
            };
            let (older, newer) = (lines(&older), lines(&newer));
            let found = changes(&older, &newer);
            let count = |segments: &[Segment]| segments.iter().map(|s| s.words.len()).sum::<usize>();
            prop_assert_eq!(found.same + found.removed, count(&older));
            prop_assert_eq!(found.same + found.added, count(&newer));
            let kept = |kinds: &[Fate]| {
                let pieces = found.turns.iter().flat_map(|turn| &turn.pieces);
                let kept = pieces.filter(|piece| kinds.contains(&piece.kind));
                kept.map(|piece| piece.text.split(' ').count()).sum::<usize>()
            };
            prop_assert_eq!(kept(&[Fate::Same, Fate::Added]), count(&newer));
            prop_assert_eq!(kept(&[Fate::Removed]), count(&older) - found.same);
        }
    }
}

//! How good a hit is, and what of its text is shown.
//!
//! The rank is our own, so that both databases give the same hits in the same order: BM25 of a hit's marks
//! against its length, without the rarity of words (all that is found has every word that had to be there,
//! so rarity would say little, and to know it every entry of a word would have to be counted).

use super::query::Mark;

/// BM25's usual constants, and an utterance of usual length.
const SATURATION: f64 = 1.2;
const LENGTH_MATTERS: f64 = 0.75;
const USUAL_WORDS: f64 = 12.0;
/// A word behind a prefix, or begun only, is worth this much of what was typed.
const INEXACT: f64 = 0.7;
/// Characters of an excerpt before its first mark, and in all.
const BEFORE: usize = 80;
const EXCERPT: usize = 300;

/// A piece of an excerpt.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = ExcerptPiece)]
pub struct Piece {
    pub text: String,
    /// This is what was looked for.
    pub hit: bool,
}

pub(super) fn score(marks: &[Mark], words: usize) -> f64 {
    let found: f64 = marks
        .iter()
        .map(|mark| if mark.exact { 1.0 } else { INEXACT })
        .sum();
    let words = f64::from(u32::try_from(words).unwrap_or(u32::MAX));
    let length = 1.0 - LENGTH_MATTERS + LENGTH_MATTERS * words / USUAL_WORDS;
    found * (SATURATION + 1.0) / (found + SATURATION * length)
}

/// The text around its first mark, in pieces; `…` where something is left out.
pub(super) fn excerpt(text: &str, marks: &[Mark]) -> Vec<Piece> {
    let first = marks.first().map_or(0, |mark| mark.range.start);
    let start = start_of(text, first);
    let end = text[start..]
        .char_indices()
        .nth(EXCERPT)
        .map_or(text.len(), |(at, _)| {
            let cut = start + at;
            text[start..cut]
                .rfind(char::is_whitespace)
                .map_or(cut, |blank| start + blank)
        });
    let mut pieces = Vec::new();
    let mut say = |text: &str, hit| {
        if !text.is_empty() {
            pieces.push(Piece {
                text: text.to_owned(),
                hit,
            });
        }
    };
    if start > 0 {
        say("… ", false);
    }
    let mut at = start;
    for mark in marks
        .iter()
        .filter(|mark| mark.range.start >= start && mark.range.end <= end)
    {
        say(&text[at..mark.range.start], false);
        say(&text[mark.range.clone()], true);
        at = mark.range.end;
    }
    say(&text[at..end.max(at)], false);
    if end < text.len() {
        say(" …", false);
    }
    pieces
}

/// A word's beginning, some characters before the first mark.
fn start_of(text: &str, first: usize) -> usize {
    let Some((at, _)) = text[..first].char_indices().rev().nth(BEFORE) else {
        return 0;
    };
    let blank = text[at..first]
        .char_indices()
        .find(|(_, c)| c.is_whitespace());
    blank.map_or(at, |(blank, c)| at + blank + c.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::super::{fold::tokens, query::Query};
    use super::*;

    fn shown(typed: &str, text: &str) -> String {
        let marks = Query::parse(typed).marks(&tokens(text));
        let pieces = excerpt(text, &marks).into_iter();
        pieces
            .map(|p| {
                if p.hit {
                    format!("[{}]", p.text)
                } else {
                    p.text
                }
            })
            .collect()
    }

    #[test]
    fn an_excerpt_has_the_hit_and_what_is_around_it() {
        assert_eq!(shown("car", "My car."), "My [car].");
        assert_eq!(shown("בית", "בדרך הבית"), "בדרך [הבית]");
        assert_eq!(shown("none", "My car."), "My car.");
        let long = format!(
            "{} the car stands {}",
            "before ".repeat(60),
            "after ".repeat(80)
        );
        let shown = shown("car", &long);
        assert!(
            shown.starts_with("… before ") && shown.ends_with("after …"),
            "{shown}"
        );
        assert!(shown.contains("the [car] stands"), "{shown}");
        assert!(shown.chars().count() < EXCERPT + 10, "{shown}");
    }

    #[test]
    fn more_marks_in_fewer_words_are_better() {
        let of = |typed: &str, text: &str| {
            let tokens = tokens(text);
            score(&Query::parse(typed).marks(&tokens), tokens.len())
        };
        assert!(of("car", "car car") > of("car", "car key"));
        assert!(of("car", "a car") > of("car", "a car that is red"));
        assert!(of("בית", "בית אחד") > of("בית", "הבית אחד"));
    }
}

//! Whether a name was said. Speech recognition writes names by their sound, so a long one counts when it sounds
//! alike; a name that is a word of every day counts only where somebody says who he is.

use super::tokens::Token;
use crate::insight::distance;

/// Letters of a name that may be another spelling of what was heard.
const LONG: usize = 4;
/// Edits (of two each) that a name of so many letters may differ by: half of one up to five letters.
const NEAR: [(usize, u32); 3] = [(LONG, 1), (6, 2), (9, 3)];
/// Words behind which somebody says a name.
const CUES: [&str; 16] = [
    "is",
    "im",
    "am",
    "name",
    "names",
    "mr",
    "mrs",
    "ms",
    "miss",
    "under",
    "כאנ",
    "שמי",
    "לי",
    "מדבר",
    "מדברת",
    "אני",
];
/// Titles and letters that are no names.
const TITLES: [&str; 10] = [
    "mr",
    "mrs",
    "ms",
    "dr",
    "miss",
    "the",
    "and",
    "מר",
    "גברת",
    "משפחת",
];
/// Words of every day that are names too, or sound like one.
const COMMON: [&str; 58] = [
    "will", "well", "may", "mark", "rose", "grace", "hope", "joy", "bill", "grant", "rich", "art",
    "faith", "summer", "april", "june", "august", "rob", "sue", "pat", "jack", "green", "brown",
    "white", "black", "young", "king", "long", "short", "day", "night", "table", "please",
    "thanks", "there", "their", "this", "that", "have", "time", "some", "same", "more", "very",
    "here", "come", "call", "like", "make", "with", "אור", "טוב", "גיל", "שלומ", "שיר", "מור",
    "טל", "חנ",
];

/// How many parts of a name were said: first, last.
pub(super) fn parts_said(tokens: &[Token], name: &str) -> usize {
    let parts = super::tokens::of(name);
    let mut said = 0;
    for part in &parts {
        let letters = part.text.chars().count();
        let is_name = letters > 1 && part.number.is_none() && !part.is_one_of(&TITLES);
        said += usize::from(is_name && is_said(tokens, &part.text));
    }
    said
}

fn is_said(tokens: &[Token], name: &str) -> bool {
    let letters: Vec<char> = name.chars().collect();
    let near = NEAR.iter().rev().find(|(least, _)| letters.len() >= *least);
    tokens.iter().enumerate().any(|(at, token)| {
        let is_told = || {
            let before = at.checked_sub(1).map(|before| &tokens[before]);
            before.is_some_and(|before| before.is_one_of(&CUES))
        };
        if token.forms().any(|form| form == name) {
            return !COMMON.contains(&name) || is_told();
        }
        let Some((_, most)) = near else {
            return false;
        };
        if COMMON.contains(&token.text.as_str()) || token.number.is_some() {
            return false;
        }
        let heard: Vec<char> = token.text.chars().collect();
        heard.len() >= LONG && distance(&heard, &letters, *most).is_some()
    })
}

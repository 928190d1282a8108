//! A title and two points, cut out of what was said.
//!
//! Sentences are cut into clauses, clauses are weighed, the best three are taken and shortened by
//! leaving words out; no word is added or changed, so that nothing can be told that was not said. The
//! weight is that of SumBasic (A. Nenkova, L. Vanderwende, "The impact of frequency on summarization",
//! 2005), which goes back to H. P. Luhn's "The automatic creation of literature abstracts" (1958): how
//! often a clause's words are said in the call, falling for words that are told already. To it comes
//! what a business wants to know: a service or city by name, a wish or a trouble, a figure or a time. Greetings count
//! for nothing, and are told only where there is nothing else.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use super::{
    Said, Summary,
    words::{Words, clean},
};

mod clauses;
mod phrases;

use clauses::{Clause, Token};

/// Words of a summary, all in all.
pub(super) const FEWEST: usize = 10;
pub(super) const MOST: usize = 30;
const TITLE: usize = 8;
pub(super) const POINT: usize = 11;
/// A title and two points.
const PARTS: usize = 3;
/// Characters of one word that are shown: a script without spaces has sentences as long as this.
const WORD_CHARACTERS: usize = 60;

/// For a named service, a named city, a wish or a trouble, a figure or a time.
const SERVICE: f32 = 2.0;
const CITY: f32 = 2.0;
const WISH: f32 = 1.2;
const FIGURE: f32 = 0.6;

/// `named`: words that name a service, and those that name a city.
pub(super) fn summarise(said: &Said, words: &Words, named: [&[Range<usize>]; 2]) -> Summary {
    let tokens = clauses::tokens(said, words, named);
    let clauses = clauses::clauses(&tokens);
    let mut parts = choose(&tokens, &clauses);
    fill(&tokens, &mut parts);
    let Some(title) = parts.first().cloned() else {
        return Summary::default();
    };
    let mut points = parts.split_off(1);
    points.sort_by_key(|part| part.start);
    let shown = |part: &Range<usize>| shown(said, &tokens[part.clone()]);
    Summary {
        title: shown(&title),
        points: points
            .iter()
            .map(shown)
            .filter(|point| !point.is_empty())
            .collect(),
    }
}

/// The best clauses, the best first, each cut to its room.
fn choose(tokens: &[Token], clauses: &[Clause]) -> Vec<Range<usize>> {
    let mut weights = frequencies(tokens);
    let mut left: Vec<&Clause> = clauses
        .iter()
        .filter(|clause| !clause.is_greeting)
        .collect();
    if left.is_empty() {
        left = clauses.iter().collect();
    }
    let mut parts: Vec<Range<usize>> = Vec::new();
    while parts.len() < PARTS {
        let is_title = parts.is_empty();
        let scored = left
            .iter()
            .map(|clause| weigh(tokens, clause, &weights, is_title));
        // Of equals the earlier one: people say first what they want.
        let best =
            scored.enumerate().fold(
                None,
                |best: Option<(usize, f32)>, (index, score)| match best {
                    Some((_, most)) if most >= score => best,
                    _ => Some((index, score)),
                },
            );
        let Some((index, _)) = best else { break };
        let clause = left.swap_remove(index);
        left.sort_by_key(|clause| clause.at.start);
        let room = if is_title { TITLE } else { POINT };
        parts.push(cut(tokens, clause.at.clone(), room));
        for token in &tokens[clause.at.clone()] {
            if let Some(weight) = weights.get_mut(&token.letters) {
                *weight *= *weight;
            }
        }
        left.retain(|other| !is_told(tokens, other, &parts));
    }
    parts
}

/// Whether all words of a clause are in a part already.
fn is_told(tokens: &[Token], clause: &Clause, parts: &[Range<usize>]) -> bool {
    let mut words = tokens[clause.at.clone()].iter();
    words.all(|word| {
        let told = parts.iter().flat_map(|part| &tokens[part.clone()]);
        told.into_iter().any(|other| other.letters == word.letters)
    })
}

/// The share of the call's words that each content word has.
fn frequencies(tokens: &[Token]) -> HashMap<String, f32> {
    let mut counts: HashMap<String, f32> = HashMap::new();
    let mut all = 0.0;
    for token in tokens.iter().filter(|token| token.is_content) {
        *counts.entry(token.letters.clone()).or_default() += 1.0;
        all += 1.0;
    }
    for count in counts.values_mut() {
        // A call is short: by the root, a word said twice does not drown what was said once.
        *count = (*count / all).sqrt();
    }
    counts
}

/// Where somebody is makes a point, and no title.
fn weigh(tokens: &[Token], clause: &Clause, weights: &HashMap<String, f32>, is_title: bool) -> f32 {
    let words = &tokens[clause.at.clone()];
    let content = words.iter().filter(|word| word.is_content);
    let weight: f32 = content.filter_map(|word| weights.get(&word.letters)).sum();
    let any = |is: fn(&Token) -> bool, worth| if words.iter().any(is) { worth } else { 0.0 };
    let extra = any(|word| word.is_service, SERVICE)
        + any(|word| word.is_city, if is_title { 0.0 } else { CITY })
        + any(|word| word.is_figure, FIGURE)
        + if clause.is_wish { WISH } else { 0.0 };
    let count = f32::from(u8::try_from(words.len()).unwrap_or(u8::MAX));
    // Neither the mean, which likes two words, nor the sum, which likes many.
    let addressed = any(|word| word.is_addressed, 1.0);
    weight / count.sqrt() * (1.0 + extra) * (1.0 - addressed) * (count / 4.0).min(1.0)
}

/// So many words of a clause: from the first that tells something on, around what is named.
fn cut(tokens: &[Token], at: Range<usize>, room: usize) -> Range<usize> {
    let shown = |range: Range<usize>| count(tokens, &range);
    let mut start = at.start;
    while start + 1 < at.end && (tokens[start].is_filler || tokens[start].is_link) {
        start += 1;
    }
    let last_named = (start..at.end)
        .rev()
        .find(|&word| tokens[word].is_service || tokens[word].is_city);
    if let Some(last) = last_named {
        while shown(start..last + 1) > room {
            start += 1;
        }
    }
    let mut end = at.end;
    while shown(start..end) > room {
        end -= 1;
    }
    while end > start + 1
        && shown(start..end) > 3
        && (tokens[end - 1].is_filler || tokens[end - 1].is_loose)
    {
        end -= 1;
    }
    start..end
}

/// Where that is too little, parts grow into their neighbours and new ones are begun, until there are
/// enough words, or all are told.
fn fill(tokens: &[Token], parts: &mut Vec<Range<usize>>) {
    while !parts.is_empty() && parts.iter().map(|part| count(tokens, part)).sum::<usize>() < FEWEST
    {
        let Some(at) = untold(tokens, parts) else {
            return;
        };
        // Across speakers at the last only: one line should be one person's words.
        if let Some((index, part)) = grown(tokens, parts, false) {
            parts[index] = part;
        } else if parts.len() < PARTS {
            parts.push(at..at + 1);
        } else if let Some((index, part)) = grown(tokens, parts, true) {
            parts[index] = part;
        } else {
            return;
        }
    }
}

fn count(tokens: &[Token], part: &Range<usize>) -> usize {
    tokens[part.clone()]
        .iter()
        .filter(|token| !token.is_filler)
        .count()
}

/// A part with one more word, where there is room and a free word beside it.
fn grown(tokens: &[Token], parts: &[Range<usize>], across: bool) -> Option<(usize, Range<usize>)> {
    let is_free = |at: usize| at < tokens.len() && !parts.iter().any(|part| part.contains(&at));
    parts.iter().enumerate().find_map(|(index, part)| {
        let room = if index == 0 { TITLE } else { POINT };
        if count(tokens, part) >= room {
            return None;
        }
        let fits =
            |at: usize| is_free(at) && (across || tokens[at].turn == tokens[part.start].turn);
        if fits(part.end) {
            return Some((index, part.start..part.end + 1));
        }
        let before = part.start.checked_sub(1).filter(|&at| fits(at))?;
        Some((index, before..part.end))
    })
}

/// The first word that no part tells.
fn untold(tokens: &[Token], parts: &[Range<usize>]) -> Option<usize> {
    let told: HashSet<&str> = parts
        .iter()
        .flat_map(|part| &tokens[part.clone()])
        // A word said twice in a row is a filler the second time, and not shown.
        .filter(|token| !token.is_filler)
        .map(|token| token.letters.as_str())
        .collect();
    let is_new = |token: &Token| !token.is_filler && !told.contains(token.letters.as_str());
    (0..tokens.len()).find(|&at| is_new(&tokens[at]))
}

/// As it was said, without fillers and the stops at the end.
fn shown(said: &Said, tokens: &[Token]) -> String {
    let words = tokens.iter().filter(|token| !token.is_filler).map(|token| {
        let text = &said.turns[token.turn].text[token.start..token.end];
        let cleaned = clean(text);
        cleaned.chars().take(WORD_CHARACTERS).collect::<String>()
    });
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    let text = words.join(" ");
    let loose = |c: char| c.is_whitespace() || ".,;:-–—…،、。".contains(c);
    text.trim_matches(loose).to_owned()
}

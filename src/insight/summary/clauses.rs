//! A call's text in words as they are shown, and in clauses.

use std::ops::Range;

use super::phrases::{self, FILLERS, GREETINGS, LINKS, STOP, TIMES, WISHES};
use crate::insight::{
    Said,
    words::{Words, fold},
};

/// A word as it is written, with the stops at it.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "marks of a word; most words have none, many have several"
)]
pub(super) struct Token {
    pub(super) turn: usize,
    /// Bytes in the turn's text.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Folded.
    pub(super) letters: String,
    /// Ends a sentence, or a clause.
    stop: Stop,
    /// Tells something: no stop word and no filler.
    pub(super) is_content: bool,
    pub(super) is_filler: bool,
    /// A word that joins a clause to the one before: no way to begin.
    pub(super) is_link: bool,
    /// No way to end.
    pub(super) is_loose: bool,
    pub(super) is_figure: bool,
    /// Part of a service's name.
    pub(super) is_service: bool,
    pub(super) is_city: bool,
    pub(super) is_addressed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    None,
    Comma,
    Full,
}

/// Words of one speaker that belong together.
pub(super) struct Clause {
    pub(super) at: Range<usize>,
    pub(super) is_greeting: bool,
    /// Says what somebody needs, or what is wrong.
    pub(super) is_wish: bool,
}

/// A clause of fewer words is left with the next one.
const SHORT: usize = 3;

pub(super) fn tokens(said: &Said, words: &Words, named: [&[Range<usize>]; 2]) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut next = 0;
    let [fillers, stops, links, times] = [&FILLERS[..], &STOP, &LINKS, &TIMES].map(phrases::folded);
    for (turn, text) in said.turns.iter().enumerate() {
        for written in text.text.split_whitespace() {
            let start = written.as_ptr().addr() - text.text.as_ptr().addr();
            let end = start + written.len();
            let first = next;
            while words
                .all
                .get(next)
                .is_some_and(|w| w.turn == turn && w.start < end)
            {
                next += 1;
            }
            let letters: String = fold(written).collect();
            if letters.is_empty() {
                continue;
            }
            if first == next && next >= words.all.len() {
                return tokens;
            }
            let is_repeated = tokens
                .last()
                .is_some_and(|last| last.turn == turn && last.letters == letters);
            let is_filler = fillers.contains(&letters) || is_repeated;
            let of_name = |at: &Range<usize>| at.start < next && first < at.end;
            let [is_service, is_city] = named.map(|places| places.iter().any(of_name));
            let is_figure =
                times.contains(&letters) || letters.contains(|c: char| c.is_ascii_digit());
            tokens.push(Token {
                turn,
                start,
                end,
                stop: stop(written),
                is_content: !is_filler
                    && !stops.contains(&letters)
                    && (letters.chars().count() > 2 || is_figure),
                is_filler,
                is_link: links.contains(&letters),
                is_loose: stops.contains(&letters),
                is_figure,
                is_service,
                is_city,
                is_addressed: words.all[first..next].iter().any(|word| word.is_addressed),
                letters,
            });
        }
    }
    tokens
}

fn stop(written: &str) -> Stop {
    match written
        .trim_end_matches(['"', '\'', ')', '”', '’'])
        .chars()
        .next_back()
    {
        Some('.' | '!' | '?' | ';' | '…' | '。' | '！' | '？') => Stop::Full,
        Some(',' | ':' | '-' | '–' | '—' | '،' | '、') => Stop::Comma,
        _ => Stop::None,
    }
}

pub(super) fn clauses(tokens: &[Token]) -> Vec<Clause> {
    let mut clauses = Vec::new();
    let mut start = 0;
    let words: Vec<&str> = tokens.iter().map(|token| token.letters.as_str()).collect();
    let greets = phrases::said(&words, &GREETINGS);
    let wishes = phrases::said(&words, &WISHES);
    for at in 0..tokens.len() {
        let length = at + 1 - start;
        let ends = match tokens.get(at + 1) {
            None => true,
            Some(next) if next.turn != tokens[at].turn => true,
            Some(next) => match tokens[at].stop {
                Stop::Full => true,
                Stop::Comma => length >= SHORT || greets[at],
                Stop::None => length >= super::POINT || (next.is_link && length >= 2 * SHORT),
            },
        };
        if ends {
            let at = start..at + 1;
            start = at.end;
            let polite = at
                .clone()
                .filter(|&word| greets[word] || tokens[word].is_filler);
            clauses.push(Clause {
                is_greeting: polite.count() * 5 >= at.len() * 3,
                is_wish: wishes[at.clone()].contains(&true),
                at,
            });
        }
    }
    clauses
}

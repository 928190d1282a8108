//! A text as words and numbers, in letters as they are compared.

use crate::insight::fold;

/// Words that are looked at: more is not speech.
const MOST: usize = 40_000;

/// A word, or a run of digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// Folded.
    pub(super) text: String,
    /// Of digits.
    pub(super) number: Option<u32>,
    /// What stands between it and the one before: one character, or nothing at all (`7pm`).
    pub(super) before: Before,
    pub(super) is_capital: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    Nothing,
    One(char),
    More,
}

impl Token {
    pub(super) fn is_one_of(&self, words: &[&str]) -> bool {
        words.contains(&self.text.as_str())
    }

    /// The word, and what is left of it without a Hebrew preposition, article or conjunction or two.
    pub(super) fn forms(&self) -> impl Iterator<Item = &str> {
        let text = self.text.as_str();
        let mut rest = Some(text);
        let first = text;
        std::iter::from_fn(move || {
            let now = rest?;
            let stripped = now.strip_prefix(['ב', 'ל', 'ה', 'ו', 'ש', 'מ', 'כ']);
            let long = stripped.filter(|left| left.chars().count() > 1);
            rest = long.filter(|left| first.chars().count() - left.chars().count() <= 2);
            Some(now)
        })
    }

    /// Whether a Hebrew preposition `letter` stands before one of the words, or before nothing (`ב-15`).
    pub(super) fn led_by(&self, letter: char) -> Option<&str> {
        self.text.strip_prefix(letter)
    }

    pub(super) fn is_joined_by(&self, marks: &[char]) -> bool {
        matches!(self.before, Before::One(c) if marks.contains(&c))
    }
}

pub(super) fn of(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let (mut written, mut between) = (String::new(), String::new());
    // The end of the text ends the last word.
    for c in text.chars().chain(['\n']) {
        let digit = |c: char| c.is_numeric();
        let is_inside = c.is_alphanumeric() || matches!(c, '\u{591}'..='\u{5c7}');
        let is_apostrophe = matches!(c, '\'' | '’' | '׳' | '״' | '"') && !written.is_empty();
        let turns = written
            .chars()
            .last()
            .is_some_and(|last| digit(last) != digit(c));
        if !written.is_empty() && (!(is_inside || is_apostrophe) || (is_inside && turns)) {
            tokens.extend(token(&written, &between));
            written.clear();
            between.clear();
        }
        match is_inside || is_apostrophe {
            true => written.push(c),
            false => between.push(c),
        }
        if tokens.len() >= MOST {
            break;
        }
    }
    tokens
}

fn token(written: &str, between: &str) -> Option<Token> {
    let text: String = fold(written).collect();
    let mut marks = between.chars();
    let before = match (marks.next(), marks.next()) {
        (None, _) => Before::Nothing,
        (Some(one), None) => Before::One(one),
        _ => Before::More,
    };
    (!text.is_empty()).then(|| Token {
        number: text.parse().ok(),
        before,
        is_capital: written.starts_with(char::is_uppercase),
        text,
    })
}

//! A text's words as they are compared: without case, accents, vowel points and final letters.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{Said, addressed};

/// Words that are looked at; a call of four hours has about as many. More is not speech.
pub(super) const MOST_WORDS: usize = 40_000;

/// The words of a call, in order.
pub(super) struct Words {
    pub(super) all: Vec<Word>,
    /// Whether anything is written with a capital: then a name without one is doubtful.
    pub(super) has_capitals: bool,
}

pub(super) struct Word {
    /// Folded letters and digits.
    pub(super) letters: Vec<char>,
    /// Number of the sentence, through all turns.
    pub(super) sentence: usize,
    pub(super) turn: usize,
    /// Where it begins in the turn's text, in bytes.
    pub(super) start: usize,
    pub(super) after_comma: bool,
    pub(super) is_capital: bool,
    /// Said to a machine rather than to a person: evidence of nothing.
    pub(super) is_addressed: bool,
}

impl Words {
    pub(super) fn of(said: &Said) -> Self {
        let mut all = Vec::new();
        let mut sentence = 0;
        for (turn, text) in said.turns.iter().enumerate() {
            sentence += 1;
            for mut word in of_text(&text.text, turn) {
                word.sentence += sentence;
                all.push(word);
            }
            sentence = all.last().map_or(sentence, |word: &Word| word.sentence);
            if all.len() > MOST_WORDS {
                break;
            }
        }
        all.truncate(MOST_WORDS);
        addressed::mark(&mut all);
        Self {
            has_capitals: all.iter().any(|word| word.is_capital),
            all,
        }
    }

    /// Of a text that stands alone.
    pub(super) fn of_one(text: &str) -> Self {
        let all: Vec<Word> = of_text(text, 0).collect();
        Self {
            has_capitals: all.iter().any(|word| word.is_capital),
            all,
        }
    }
}

impl Word {
    /// `folded`: in letters as they are compared.
    pub(super) fn is(&self, folded: &str) -> bool {
        self.letters.iter().copied().eq(folded.chars())
    }
}

fn of_text(text: &str, turn: usize) -> impl Iterator<Item = Word> {
    let (mut sentence, mut reached) = (0, 0);
    spans(text).map(move |(start, end)| {
        let between = &text[reached..start];
        let ends = between.char_indices().any(|(at, c)| {
            let next = text[reached + at + c.len_utf8()..].chars().next();
            matches!(c, '!' | '?' | ';' | '…' | '\n' | '。' | '！' | '？')
                || (c == '.' && next.is_none_or(char::is_whitespace))
        });
        sentence += usize::from(ends);
        reached = end;
        let written = &text[start..end];
        Word {
            letters: fold(written).collect(),
            sentence,
            turn,
            start,
            after_comma: between.contains([',', '،', '、', ':', '-', '–', '—']),
            is_capital: written.starts_with(char::is_uppercase),
            is_addressed: false,
        }
    })
}

/// Runs of letters and digits; an apostrophe or gershayim between two letters is inside a word (ת"א).
fn spans(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let inside = |c: char| c.is_alphanumeric() || is_combining_mark(c);
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(char::is_alphanumeric)?;
        let mut end = start;
        let mut letters = text[start..].char_indices().peekable();
        while let Some((at, c)) = letters.next() {
            let next = letters.peek().is_some_and(|(_, next)| inside(*next));
            let joins = matches!(c, '\'' | '’' | '׳' | '״' | '"') && next;
            if !inside(c) && !joins {
                break;
            }
            end = start + at + c.len_utf8();
        }
        rest = end;
        Some((start, end))
    })
}

/// Letters and digits alone, in lower case, without accents and vowel points, final letters as others.
pub(crate) fn fold(text: &str) -> impl Iterator<Item = char> {
    text.nfkd()
        .filter(|c| c.is_alphanumeric() && !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'ך' => 'כ',
            'ם' => 'מ',
            'ן' => 'נ',
            'ף' => 'פ',
            'ץ' => 'צ',
            other => other,
        })
}

/// Without what has no place on a page: control characters, and those that turn the direction of text
/// around.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if text.contains(bad) {
        Cow::Owned(text.replace(bad, ""))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let words = Words::of_one(text);
        let found: Vec<String> = words
            .all
            .iter()
            .map(|w| w.letters.iter().collect())
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn words_are_folded() {
        check("Hello, WORLD.", &["hello", "world"]);
        check("שָׁלוֹם, ירושלים!", &["שלומ", "ירושלימ"]);
        check("ת\"א ות״א", &["תא", "ותא"]);
        check("תל-אביב תל־אביב", &["תל", "אביב", "תל", "אביב"]);
        check("the locksmith's 'key'", &["the", "locksmiths", "key"]);
        check("Zürich São", &["zurich", "sao"]);
        check("", &[]);
        check("?! …", &[]);
        check("3.5 a.m. 7", &["3", "5", "a", "m", "7"]);
    }

    #[test]
    fn sentences_end_at_stops() {
        let words = Words::of_one("One two. Three 3.5, four? Five");
        let sentences: Vec<usize> = words.all.iter().map(|w| w.sentence).collect();
        assert_eq!(sentences, [0, 0, 1, 1, 1, 1, 2]);
        assert!(words.all[5].after_comma);
    }
}

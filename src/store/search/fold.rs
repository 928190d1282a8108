//! Text → words as the index has them, each with its place in the text.
//!
//! A word is a run of letters and digits, in small letters and without accents or niqqud. Apostrophes and
//! gershayim inside a word are dropped (`don't` is `dont`, `צה"ל` is `צהל`), and so are signs that are not
//! seen. Final letters stay as they are: nobody writes one where the other belongs. There is no stemming:
//! a word that was found is the word that was asked for, and `word*` finds its forms.

use std::{borrow::Cow, ops::Range};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// A longer word is cut: nobody asks for all of it.
const LONGEST_WORD: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// In bytes of the text.
    pub range: Range<usize>,
    pub word: Cow<'a, str>,
}

pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut open: Option<Range<usize>> = None;
    let mut letters = text.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, letter)) = letters.next() {
        let end = at + letter.len_utf8();
        let after = letters.peek().map_or(' ', |(_, next)| *next);
        match &mut open {
            Some(range) if is_letter(letter) || is_combining_mark(letter) => range.end = end,
            Some(_) if is_unseen(letter) || joins(before, letter, after) => {}
            Some(range) => {
                found.extend(token(text, range.clone()));
                open = None;
            }
            None if is_letter(letter) => open = Some(at..end),
            None => {}
        }
        if !is_combining_mark(letter) && !is_unseen(letter) {
            before = letter;
        }
    }
    if let Some(range) = open {
        found.extend(token(text, range));
    }
    found
}

fn token(text: &str, range: Range<usize>) -> Option<Token<'_>> {
    let raw = &text[range.clone()];
    let plain = raw
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let word = if plain && raw.len() <= LONGEST_WORD {
        Cow::Borrowed(raw)
    } else {
        let folded = raw.nfkd().flat_map(char::to_lowercase).nfkd();
        let folded: String = folded
            .filter(|c| is_letter(*c))
            .take(LONGEST_WORD)
            .collect();
        Cow::Owned(folded)
    };
    (!word.is_empty()).then_some(Token { range, word })
}

/// Many points and accents count as alphabetic.
fn is_letter(c: char) -> bool {
    c.is_alphanumeric() && !is_combining_mark(c)
}

pub(crate) fn is_hebrew(c: char) -> bool {
    ('\u{05d0}'..='\u{05ea}').contains(&c)
}

/// A sign between two letters that belongs to their word. A quotation mark does so in Hebrew only, where
/// it is typed for gershayim.
pub(crate) fn joins(before: char, sign: char, after: char) -> bool {
    match sign {
        '\'' | '\u{2019}' | '\u{05f3}' | '\u{05f4}' => is_letter(before) && is_letter(after),
        '"' => is_hebrew(before) && is_hebrew(after),
        _ => false,
    }
}

/// Soft hyphens, joiners and marks of direction.
const fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_folded() {
        for (text, words) in [
            ("", &[][..]),
            (" -- … ", &[]),
            ("Hello, World!", &["hello", "world"]),
            ("don't  o’clock 'quoted'", &["dont", "oclock", "quoted"]),
            ("Café NAÏVE ﬁn", &["cafe", "naive", "fin"]),
            ("2:30 e-mail a_b", &["2", "30", "e", "mail", "a", "b"]),
            ("שָׁלוֹם, מה שלומך?", &["שלום", "מה", "שלומך"]),
            (
                "צה\"ל ג'ירפה ת״א בית־שאן",
                &["צהל", "גירפה", "תא", "בית", "שאן"],
            ),
            ("אמר \"שלום\" לי", &["אמר", "שלום", "לי"]),
            ("\u{200f}שלום\u{200e} so\u{ad}ft", &["שלום", "soft"]),
            ("\u{5b8}", &[]),
        ] {
            let found: Vec<_> = tokens(text).into_iter().map(|t| t.word).collect();
            assert_eq!(found, words, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_plain_words_in_their_places(text in ".{0,60}") {
            let mut reached = 0;
            for token in tokens(&text) {
                prop_assert!(token.range.start >= reached && token.range.end > token.range.start);
                prop_assert!(text.get(token.range.clone()).is_some());
                prop_assert!(token.word.chars().all(is_letter));
                reached = token.range.end;
                let again = tokens(&token.word);
                prop_assert_eq!(again.len(), 1, "{:?}", token.word);
                prop_assert_eq!(&again[0].word, &token.word);
            }
        }
    }
}

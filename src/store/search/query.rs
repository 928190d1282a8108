//! What somebody typed → a closed tree of what is meant. Whatever is typed means something: there are no
//! errors, and no sign of it reaches a database as syntax.
//!
//! `word word` both, in one stretch of speech; `"a phrase"` side by side; `begin*` any word that begins so,
//! from three letters; `-word` and `-"a phrase"` without it; `OR` (or `|`) between alternatives, each of
//! which is a whole of its own.
//!
//! A Hebrew word is found behind each of the one-letter prefixes too: `בית` finds `הבית` and `ובית`. The
//! letters are put before what was typed, and never taken away from it: `הר` without its first letter is no
//! word, and who types `הבית` means it. Phrases and beginnings are taken to the letter.

use std::ops::Range;

use super::fold::{Token, is_hebrew, joins, tokens};

/// Typed text beyond this many characters is not read.
const LONGEST: usize = 400;
/// Words, phrases and beginnings beyond this many are not looked for.
const MOST_TERMS: usize = 12;
/// Letters before a star: fewer begin so many words that they say nothing.
const SHORTEST_PREFIX: usize = 3;
/// And, the, in, to, from, that, like.
const PREFIXES: [char; 7] = ['ו', 'ה', 'ב', 'ל', 'מ', 'ש', 'כ'];

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// One of them has to hold; none of them is without something to find.
    pub(super) any: Vec<Clause>,
    pub(super) remarks: Vec<Remark>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Clause {
    pub all: Vec<Term>,
    pub none: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Term {
    Word(String),
    Prefix(String),
    /// Two words or more.
    Phrase(Vec<String>),
}

/// How something was taken that was perhaps meant otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// Too few letters before the star: taken as a word.
    ShortPrefix(String),
    /// Only what must not be there.
    OnlyWithout,
    /// Text or terms too many.
    CutOff,
}

impl Query {
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        let cut = text
            .char_indices()
            .nth(LONGEST)
            .map_or(text.len(), |(at, _)| at);
        if cut < text.len() {
            query.remarks.push(Remark::CutOff);
        }
        let (mut clause, mut terms) = (Clause::default(), 0);
        for piece in pieces(&text[..cut]) {
            if let Piece::Or = piece {
                query.add(std::mem::take(&mut clause));
                continue;
            }
            if terms == MOST_TERMS {
                query.remarks.push(Remark::CutOff);
                break;
            }
            let Piece::Term {
                text,
                without,
                quoted,
            } = piece
            else {
                continue;
            };
            let Some(term) = query.term(text, quoted) else {
                continue;
            };
            terms += 1;
            if without {
                clause.none.push(term)
            } else {
                clause.all.push(term)
            }
        }
        query.add(clause);
        query
    }

    /// Nothing is looked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.any.is_empty()
    }

    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    fn add(&mut self, clause: Clause) {
        if !clause.all.is_empty() {
            self.any.push(clause);
        } else if !clause.none.is_empty() {
            self.remarks.push(Remark::OnlyWithout);
        }
    }

    fn term(&mut self, text: &str, quoted: bool) -> Option<Term> {
        let mut words: Vec<String> = tokens(text)
            .into_iter()
            .map(|t| t.word.into_owned())
            .collect();
        if words.len() > 1 {
            words.truncate(MOST_TERMS);
            return Some(Term::Phrase(words));
        }
        let word = words.pop()?;
        if quoted || !text.ends_with('*') {
            return Some(Term::Word(word));
        }
        if word.chars().count() < SHORTEST_PREFIX {
            self.remarks.push(Remark::ShortPrefix(word.clone()));
            return Some(Term::Word(word));
        }
        Some(Term::Prefix(word))
    }

    /// Where in a text the sought is. `holds` says whether the text is one that is sought.
    pub(super) fn marks(&self, tokens: &[Token<'_>]) -> Vec<Mark> {
        let terms = || self.any.iter().flat_map(|clause| &clause.all);
        let mut marks = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let longest = terms().filter_map(|term| term.at(&tokens[at..])).max();
            if let Some((length, exact)) = longest {
                let range = tokens[at].range.start..tokens[at + length - 1].range.end;
                marks.push(Mark { range, exact });
            }
            at += longest.map_or(1, |(length, _)| length);
        }
        marks
    }

    #[cfg(test)]
    pub(super) fn holds(&self, tokens: &[Token<'_>]) -> bool {
        let is_in = |term: &Term| (0..tokens.len()).any(|at| term.at(&tokens[at..]).is_some());
        self.any
            .iter()
            .any(|clause| clause.all.iter().all(is_in) && !clause.none.iter().any(is_in))
    }
}

/// A stretch of text that was sought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub range: Range<usize>,
    /// As it was typed, and not behind a prefix or as a beginning only.
    pub exact: bool,
}

impl Term {
    /// How many of the first tokens it is, and whether to the letter.
    fn at(&self, tokens: &[Token<'_>]) -> Option<(usize, bool)> {
        match self {
            Self::Word(word) => {
                let found = &tokens.first()?.word;
                let is_it = forms(word).any(|form| form == *found);
                is_it.then(|| (1, found == word))
            }
            Self::Prefix(begin) => {
                let found = &tokens.first()?.word;
                found
                    .starts_with(begin.as_str())
                    .then(|| (1, found == begin))
            }
            Self::Phrase(words) => {
                let is_it = words.len() <= tokens.len()
                    && words
                        .iter()
                        .zip(tokens)
                        .all(|(word, token)| *word == token.word);
                is_it.then_some((words.len(), true))
            }
        }
    }
}

/// A word and, of a Hebrew one of two letters or more, what it is behind each prefix.
pub(super) fn forms(word: &str) -> impl Iterator<Item = String> {
    let takes = word.chars().nth(1).is_some() && word.chars().all(is_hebrew);
    let prefixed = PREFIXES.into_iter().filter(move |_| takes);
    let prefixed = prefixed.map(move |prefix| format!("{prefix}{word}"));
    std::iter::once(word.to_owned()).chain(prefixed)
}

enum Piece<'a> {
    Or,
    Term {
        text: &'a str,
        without: bool,
        quoted: bool,
    },
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text.trim_start();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let without = rest.starts_with('-');
        if without {
            rest = &rest[1..];
        }
        let quoted = rest.starts_with(['"', '“', '”', '„']);
        if quoted {
            rest = rest.trim_start_matches(['"', '“', '”', '„']);
        }
        let end = end_of(rest, quoted);
        let (text, after) = rest.split_at(end);
        rest = if quoted {
            after.trim_start_matches(['"', '“', '”'])
        } else {
            after
        }
        .trim_start();
        Some(match text {
            "OR" | "|" if !quoted && !without => Piece::Or,
            _ => Piece::Term {
                text,
                without,
                quoted,
            },
        })
    })
}

/// Where a word or a quotation ends.
fn end_of(text: &str, quoted: bool) -> usize {
    let mut before = ' ';
    let mut letters = text.char_indices().peekable();
    while let Some((at, c)) = letters.next() {
        let after = letters.peek().map_or(' ', |(_, next)| *next);
        let quotes = matches!(c, '"' | '“' | '”') && !joins(before, c, after);
        if quotes || (!quoted && c.is_whitespace()) {
            return at;
        }
        before = c;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(query: &Query) -> String {
        let term = |term: &Term| match term {
            Term::Word(word) => word.clone(),
            Term::Prefix(begin) => format!("{begin}*"),
            Term::Phrase(words) => format!("<{}>", words.join(" ")),
        };
        let clause = |clause: &Clause| {
            let none = clause.none.iter().map(|t| format!("-{}", term(t)));
            clause
                .all
                .iter()
                .map(term)
                .chain(none)
                .collect::<Vec<_>>()
                .join(" ")
        };
        query
            .any
            .iter()
            .map(clause)
            .collect::<Vec<_>>()
            .join(" OR ")
    }

    #[test]
    fn what_is_typed_is_understood() {
        for (typed, meant) in [
            ("", ""),
            ("  - * OR | -- \"", ""),
            ("\" OR", "or"),
            ("open car", "open car"),
            ("Open, CAR!", "open car"),
            ("\"open my car\" now", "<open my car> now"),
            ("\"one\"", "one"),
            ("\"never closed", "<never closed>"),
            ("a\"b c\"d", "a <b c> d"),
            ("“open my” car", "<open my> car"),
            ("lock*", "lock*"),
            ("lo*", "lo"),
            ("\"lock*\"", "lock"),
            ("e-mail", "<e mail>"),
            (
                "car -red -\"dark blue\" -gre*",
                "car -red -<dark blue> -gre*",
            ),
            ("-red", ""),
            ("car OR key -old", "car OR key -old"),
            ("car | OR key", "car OR key"),
            ("or and NOT near", "or and not near"),
            (
                "{a} col:b NEAR(c) ^d 'e' & f <-> !g\\",
                "a <col b> <near c> d e f g",
            ),
            ("צה\"ל", "צהל"),
            ("\"צה\"ל שלנו\" בית", "<צהל שלנו> בית"),
            ("שָׁלוֹם", "שלום"),
        ] {
            assert_eq!(told(&Query::parse(typed)), meant, "{typed:?}");
        }
    }

    #[test]
    fn what_is_taken_otherwise_is_said() {
        for (typed, remarks) in [
            ("car", vec![]),
            ("ca*", vec![Remark::ShortPrefix("ca".into())]),
            ("-car", vec![Remark::OnlyWithout]),
            (&"a b ".repeat(7), vec![Remark::CutOff]),
            (&"x".repeat(401), vec![Remark::CutOff]),
        ] {
            assert_eq!(Query::parse(typed).remarks(), remarks, "{typed:?}");
        }
    }

    #[test]
    fn the_sought_is_marked() {
        for (typed, text, marked) in [
            ("car", "My car. A CAR, scar", &["car", "CAR"][..]),
            ("בית", "הבית, בבית ביתו", &["הבית", "בבית"]),
            ("הבית", "הבית בית", &["הבית"]),
            ("\"open my\"", "open, my open", &["open, my"]),
            (
                "lock*",
                "Locksmith locked o'clock",
                &["Locksmith", "locked"],
            ),
            ("שלום", "שָׁלוֹם", &["שָׁלוֹם"]),
            ("car -red", "red car", &["car"]),
        ] {
            let tokens = tokens(text);
            let marks = Query::parse(typed).marks(&tokens);
            let found: Vec<&str> = marks.into_iter().map(|mark| &text[mark.range]).collect();
            assert_eq!(found, marked, "{typed} in {text}");
        }
    }

    proptest! {
        #[test]
        fn anything_can_be_typed(typed in ".{0,80}") {
            let query = Query::parse(&typed);
            prop_assert!(query.any.iter().all(|clause| !clause.all.is_empty()));
            let text = tokens(&typed);
            let _ = (query.marks(&text), query.holds(&text));
        }

        #[test]
        fn what_was_said_is_found_by_its_own_words(said in "[a-zא-ת ]{1,40}") {
            let text = tokens(&said);
            let query = Query::parse(&said);
            prop_assert!(query.is_empty() || query.holds(&text) , "{}", told(&query));
        }
    }
}

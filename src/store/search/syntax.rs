//! What is meant → what each database takes. Both are made of folded words, which are letters and digits
//! only, in quotation marks; nothing that was typed is copied.
//!
//! Beside the words, an entry of the index has marks, which begin with `_` and can therefore not be typed:
//! its side, its language, its speaker, its call. A filter is one more thing that has to be there, and
//! costs no more than a word.

use super::{
    fold,
    query::{Clause, Query, Term, forms},
};
use crate::ids::Track;

/// Letters of a beginning that PostgreSQL finds as a mark of its own, as SQLite does by `prefix = '3'`:
/// it would go through all words that begin so.
const BEGINNING: usize = 3;
/// Spans of time that are marks of their own on PostgreSQL: name and seconds.
pub(super) const SPANS: [(&str, i64); 3] = [("h", 3600), ("d", 86_400), ("m", 32 * 86_400)];

/// Of each group one mark has to be there.
pub(super) type Marks = Vec<Vec<String>>;

pub(super) fn of_track(track: Track) -> String {
    format!("_t{track}")
}

pub(super) fn of_language(code: &str) -> String {
    format!("_l{}", joined(code))
}

pub(super) fn of_call(base: i64) -> String {
    format!("_c{base}")
}

pub(super) fn of_span(name: &str, number: i64) -> String {
    format!("_{name}{number}")
}

/// One for each word of the name.
pub(super) fn of_speaker(name: &str) -> Vec<String> {
    let words = fold::tokens(name).into_iter();
    words.map(|token| format!("_s{}", token.word)).collect()
}

fn joined(text: &str) -> String {
    fold::tokens(text)
        .into_iter()
        .map(|token| token.word)
        .collect()
}

/// For `MATCH` of FTS5.
pub(super) fn fts5(query: &Query, marks: &Marks) -> String {
    let quoted = |word: &str| format!("\"{word}\"");
    let term = |term: &Term| match term {
        Term::Word(word) => any_of(forms(word).map(|form| quoted(&form)), " OR "),
        Term::Prefix(begin) => format!("{} *", quoted(begin)),
        Term::Phrase(words) => quoted(&words.join(" ")),
    };
    let clause = |clause: &Clause| {
        let all = clause
            .all
            .iter()
            .map(term)
            .collect::<Vec<_>>()
            .join(" AND ");
        if clause.none.is_empty() {
            return format!("({all})");
        }
        format!(
            "(({all}) NOT {})",
            any_of(clause.none.iter().map(term), " OR ")
        )
    };
    let groups = marks
        .iter()
        .map(|group| any_of(group.iter().map(|mark| quoted(mark)), " OR "));
    let words = any_of(query.any.iter().map(clause), " OR ");
    groups.chain([words]).collect::<Vec<_>>().join(" AND ")
}

/// For a cast to `tsquery`.
pub(super) fn tsquery(query: &Query, marks: &Marks) -> String {
    let quoted = |word: &str| format!("'{word}'");
    let term = |term: &Term| match term {
        Term::Word(word) => any_of(forms(word).map(|form| quoted(&form)), " | "),
        Term::Prefix(begin) if begin.chars().count() <= BEGINNING => quoted(&format!("_p{begin}")),
        Term::Prefix(begin) => format!("{}:*", quoted(begin)),
        Term::Phrase(words) => {
            let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            format!("({})", words.join(" <-> "))
        }
    };
    let clause = |clause: &Clause| {
        let none = clause
            .none
            .iter()
            .map(|without| format!("!{}", term(without)));
        format!(
            "({})",
            clause
                .all
                .iter()
                .map(term)
                .chain(none)
                .collect::<Vec<_>>()
                .join(" & ")
        )
    };
    let groups = marks
        .iter()
        .map(|group| any_of(group.iter().map(|mark| quoted(mark)), " | "));
    let words = any_of(query.any.iter().map(clause), " | ");
    groups.chain([words]).collect::<Vec<_>>().join(" & ")
}

fn any_of(each: impl Iterator<Item = String>, or: &str) -> String {
    format!("({})", each.collect::<Vec<_>>().join(or))
}

/// What FTS5 indexes: marks, then words.
pub(super) fn fts5_body(words: &[String], marks: &[String]) -> String {
    let all: Vec<&str> = marks.iter().chain(words).map(String::as_str).collect();
    all.join(" ")
}

/// The same as a `tsvector`, whose words have places and whose marks have none.
pub(super) fn tsvector(words: &[String], marks: &[String], at_secs: i64) -> String {
    let placed = words
        .iter()
        .zip(1..)
        .map(|(word, place)| format!("'{word}':{place}"));
    let beginnings = words
        .iter()
        .filter(|word| word.chars().count() >= BEGINNING)
        .map(|word| {
            let begin: String = word.chars().take(BEGINNING).collect();
            format!("'_p{begin}'")
        });
    let spans = SPANS.map(|(name, secs)| of_span(name, at_secs.div_euclid(secs)));
    let marks = marks.iter().chain(&spans).map(|mark| format!("'{mark}'"));
    marks
        .chain(beginnings)
        .chain(placed)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_database_has_its_own_words_for_it() {
        let marks = vec![
            vec!["_tinbound".to_owned()],
            vec!["_c1".into(), "_c2".into()],
        ];
        let none = Marks::new();
        for (typed, marks, fts, ts) in [
            ("car", &none, "(((\"car\")))", "((('car')))"),
            (
                "car -\"dark red\" -key*",
                &marks,
                "(\"_tinbound\") AND (\"_c1\" OR \"_c2\") AND ((((\"car\")) NOT (\"dark red\" OR \"key\" *)))",
                "('_tinbound') & ('_c1' | '_c2') & ((('car') & !('dark' <-> 'red') & !'_pkey'))",
            ),
            (
                "keys* OR a",
                &none,
                "((\"keys\" *) OR ((\"a\")))",
                "(('keys':*) | (('a')))",
            ),
        ] {
            let query = Query::parse(typed);
            assert_eq!(fts5(&query, marks), fts, "{typed}");
            assert_eq!(tsquery(&query, marks), ts, "{typed}");
        }
    }

    proptest! {
        /// Outside of quotation marks there are operators of ours only.
        #[test]
        fn nothing_that_is_typed_is_syntax(typed in ".{1,60}") {
            let query = Query::parse(&typed);
            let bare = |text: String, quote: char| -> String {
                text.split(quote).step_by(2).collect::<Vec<_>>().join("")
            };
            let rest = bare(fts5(&query, &Marks::new()), '"');
            let rest = rest.replace("AND", "").replace("NOT", "").replace("OR", "");
            prop_assert!(rest.chars().all(|c| "() *".contains(c)), "{}", rest);
            let rest = bare(tsquery(&query, &Marks::new()), '\'');
            prop_assert!(rest.chars().all(|c| "()&|!<->: *".contains(c)), "{}", rest);
        }
    }
}

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

/// Words side by side, as PostgreSQL marks them: its index knows no places, so that a phrase of common words
/// would be looked for in every row that has them all. A phrase of two is found by its mark alone.
fn pairs(words: &[String]) -> impl Iterator<Item = String> {
    words
        .windows(2)
        .map(|two| format!("_w{}_{}", two[0], two[1]))
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

/// For a cast to `tsquery`: what the index is asked. Of a phrase of more than two words it says that they
/// are side by side in pairs; [`placed`] says the rest.
pub(super) fn tsquery(query: &Query, marks: &Marks) -> String {
    let groups = marks
        .iter()
        .map(|group| any_of(group.iter().map(|mark| lexeme(mark)), " | "));
    let words = any_of(query.any.iter().map(|any| clause(any, false)), " | ");
    groups.chain([words]).collect::<Vec<_>>().join(" & ")
}

/// What a row has to hold besides, where the places of its words matter. Asked of the index it would go
/// through all places of words that are everywhere.
pub(super) fn placed(query: &Query) -> Option<String> {
    let terms = query
        .any
        .iter()
        .flat_map(|any| any.all.iter().chain(&any.none));
    let is_long = terms.into_iter().any(is_long);
    is_long.then(|| any_of(query.any.iter().map(|any| clause(any, true)), " | "))
}

fn is_long(term: &Term) -> bool {
    matches!(term, Term::Phrase(words) if words.len() > 2)
}

fn clause(clause: &Clause, placed: bool) -> String {
    let of = |one: &Term| match one {
        Term::Word(word) => any_of(forms(word).map(|form| lexeme(&form)), " | "),
        Term::Prefix(begin) if begin.chars().count() <= BEGINNING => lexeme(&format!("_p{begin}")),
        Term::Prefix(begin) => format!("{}:*", lexeme(begin)),
        Term::Phrase(words) if placed => any_of(words.iter().map(|word| lexeme(word)), " <-> "),
        Term::Phrase(words) => any_of(pairs(words).map(|pair| lexeme(&pair)), " & "),
    };
    let none = clause.none.iter().filter(|one| placed || !is_long(one));
    let none = none.map(|without| format!("!{}", of(without)));
    any_of(clause.all.iter().map(of).chain(none), " & ")
}

fn lexeme(word: &str) -> String {
    format!("'{word}'")
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
    let pairs = pairs(words).map(|pair| format!("'{pair}'"));
    let spans = SPANS.map(|(name, secs)| of_span(name, at_secs.div_euclid(secs)));
    let marks = marks.iter().chain(&spans).map(|mark| format!("'{mark}'"));
    marks
        .chain(beginnings)
        .chain(pairs)
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
                "('_tinbound') & ('_c1' | '_c2') & ((('car') & !('_wdark_red') & !'_pkey'))",
            ),
            (
                "\"the dark car\" -\"dark car key\"",
                &none,
                "(((\"the dark car\") NOT (\"dark car key\")))",
                "((('_wthe_dark' & '_wdark_car')))",
            ),
        ] {
            let query = Query::parse(typed);
            assert_eq!(fts5(&query, marks), fts, "{typed}");
            assert_eq!(tsquery(&query, marks), ts, "{typed}");
        }
    }

    #[test]
    fn places_are_looked_at_where_pairs_do_not_tell() {
        for (typed, expected) in [
            ("dark -\"red car\"", None),
            ("\"the dark car\"", Some("((('the' <-> 'dark' <-> 'car')))")),
            (
                "key OR car -\"the dark car\"",
                Some("((('key')) | (('car') & !('the' <-> 'dark' <-> 'car')))"),
            ),
        ] {
            assert_eq!(placed(&Query::parse(typed)).as_deref(), expected, "{typed}");
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
            let placed = placed(&query).unwrap_or_default();
            let rest = bare(tsquery(&query, &Marks::new()) + &placed, '\'');
            prop_assert!(rest.chars().all(|c| "()&|!<->: *".contains(c)), "{}", rest);
        }
    }
}

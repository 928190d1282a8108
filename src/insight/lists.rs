//! The configured names, found in what was said.
//!
//! A name is compared with runs of whole words, so that it is never found inside a word; words that the
//! engine split or joined ("Tel aviv" for "Telaviv") are still found, because letters are compared
//! without the spaces between. Hebrew writes "and", "in", "to", "from", "that", "as" and "the" onto the
//! word: each run is tried with those letters taken off.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
    ops::Range,
};

use super::{
    BadOptions, Named,
    editex::{self, EDIT},
    loose::Bags,
    said::is_hebrew,
    words::{Word, Words},
};

/// A name's letters are compared with runs of one word more or fewer, which costs this.
const SPLIT: u32 = 1;
/// Hebrew prefixes that are taken off at most: ו, ש, מ, ה in "ושמהקריון".
const MOST_PREFIXES: usize = 4;
/// What a name counts less, among those that share words, for standing apart.
const LOOSE: u32 = 6;
/// Names may have so many words.
const MOST_WORDS: usize = 6;

pub(super) struct List {
    pub(super) names: Vec<String>,
    /// By how many letters they have: most runs are told apart from most names by that alone.
    forms: BTreeMap<usize, Vec<Form>>,
    /// Words of the longest form.
    longest: usize,
    bags: Bags,
}

/// One way to say a name.
struct Form {
    name: usize,
    words: usize,
    letters: Vec<char>,
    present: u64,
    is_capital: bool,
}

/// A place where a name was said, or something near it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mention {
    /// Index into the list's names.
    pub(super) name: usize,
    /// Words.
    pub(super) at: Range<usize>,
    /// Of the name as it is configured.
    pub(super) letters: usize,
    /// In half edits.
    pub(super) cost: u32,
    pub(super) is_prefixed: bool,
    /// Written small where the list has a capital.
    pub(super) is_lowered: bool,
    /// Its words in another order, or with others between them.
    pub(super) is_loose: bool,
}

/// One reading of a run of words.
pub(super) struct Reading {
    pub(super) letters: Vec<char>,
    present: u64,
    is_prefixed: bool,
}

impl List {
    /// Names that are said as they stand, such as cities.
    pub(super) fn of_names(key: &'static str, named: &[Named]) -> Result<Self, BadOptions> {
        let mut list = Self::new(key, named)?;
        list.bags = Bags::default();
        Ok(list)
    }

    /// Names whose words may also stand apart, such as services.
    pub(super) fn new(key: &'static str, named: &[Named]) -> Result<Self, BadOptions> {
        let mut forms: BTreeMap<usize, Vec<Form>> = BTreeMap::new();
        let mut longest = 0;
        let mut bags = Bags::default();
        for (index, named) in named.iter().enumerate() {
            for text in std::iter::once(&named.name).chain(&named.synonyms) {
                let words = Words::of_one(text).all;
                if words.is_empty() || words.len() > MOST_WORDS {
                    let why = format!("{text:?} must have 1 to {MOST_WORDS} words");
                    return Err(BadOptions { key, why });
                }
                let letters: Vec<char> = words.iter().flat_map(|w| w.letters.clone()).collect();
                longest = longest.max(words.len());
                bags.add(index, &words);
                forms.entry(letters.len()).or_default().push(Form {
                    name: index,
                    words: words.len(),
                    present: present(&letters),
                    is_capital: words[0].is_capital,
                    letters,
                });
            }
        }
        let names = named.iter().map(|named| named.name.clone()).collect();
        Ok(Self {
            names,
            forms,
            longest,
            bags,
        })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The name that this text is, as the list spells it.
    pub(super) fn canonical(&self, text: &str) -> Option<&str> {
        let words = Words::of_one(text);
        let mentions = self.mentions(&words);
        let whole = mentions
            .iter()
            .find(|m| m.cost == 0 && m.at.len() == words.all.len())?;
        Some(&self.names[whole.name])
    }

    /// The name that this text is or sounds like, with nothing beside it.
    pub(super) fn whole(&self, text: &str) -> Option<&str> {
        let words = Words::of_one(text);
        let mentions = self.mentions(&words);
        let whole = mentions.iter().find(|m| m.at.len() == words.all.len())?;
        Some(&self.names[whole.name])
    }

    /// All places, best first where they overlap; in order.
    pub(super) fn mentions(&self, words: &Words) -> Vec<Mention> {
        let mut found = self.bags.mentions(&words.all);
        let longest = if self.is_empty() { 0 } else { self.longest + 1 };
        for start in 0..words.all.len() {
            for length in 1..=longest.min(words.all.len() - start) {
                let run = &words.all[start..start + length];
                if is_broken(run) {
                    break;
                }
                self.compare(run, start, words.has_capitals, &mut found);
            }
        }
        without_overlaps(found)
    }

    fn compare(&self, run: &[Word], start: usize, has_capitals: bool, found: &mut Vec<Mention>) {
        for reading in readings_of(run) {
            // No budget reaches further than half of what was heard.
            let near = reading.letters.len() / 2;
            let lengths = reading.letters.len() - near..=reading.letters.len() + near;
            for form in self.forms.range(lengths).flat_map(|(_, forms)| forms) {
                if form.words.abs_diff(run.len()) > 1 {
                    continue;
                }
                let extra = if form.words == run.len() { 0 } else { SPLIT };
                let Some(cost) = cost(form, &reading, extra) else {
                    continue;
                };
                found.push(Mention {
                    name: form.name,
                    at: start..start + run.len(),
                    letters: form.letters.len(),
                    cost,
                    is_prefixed: reading.is_prefixed,
                    is_lowered: has_capitals && form.is_capital && !run[0].is_capital,
                    is_loose: false,
                });
            }
        }
    }
}

/// A name is not said across sentences, speakers, or half to a machine.
fn is_broken(run: &[Word]) -> bool {
    let [first, .., last] = run else {
        return run[0].is_addressed;
    };
    first.turn != last.turn || first.sentence != last.sentence || last.is_addressed
}

/// How much may be misheard: nothing of three letters, one sound of four, one letter in six.
pub(super) fn budget(letters: usize) -> u32 {
    match letters {
        0..=3 => 0,
        more => u32::try_from(more / 3).unwrap_or(u32::MAX),
    }
}

fn cost(form: &Form, reading: &Reading, extra: u32) -> Option<u32> {
    // A short word of which a prefix was guessed is given no leave to be another.
    let leave = match form.letters.len() {
        0..=4 if reading.is_prefixed => 0,
        letters => budget(letters),
    };
    let most = leave.checked_sub(extra)?;
    let missing = (form.present & !reading.present).count_ones();
    let strange = (reading.present & !form.present).count_ones();
    if missing.max(strange) > most {
        return None;
    }
    editex::distance(&form.letters, &reading.letters, most).map(|cost| cost + extra)
}

/// A bit a letter: each that one side lacks costs something, so that most pairs are told apart at once.
pub(super) fn present(letters: &[char]) -> u64 {
    letters
        .iter()
        .fold(0, |bits, c| bits | 1 << (u32::from(*c) % 64))
}

pub(super) fn readings_of(run: &[Word]) -> Vec<Reading> {
    let mut readings = Vec::new();
    let tails = tails(&run[1..]);
    for taken in prefixes(&run[0].letters) {
        for (tail, is_definite) in &tails {
            let mut letters = run[0].letters[taken..].to_vec();
            letters.extend(tail);
            let is_prefixed = taken > 0 || *is_definite;
            push(&mut readings, letters, is_prefixed);
        }
    }
    readings
}

fn push(readings: &mut Vec<Reading>, letters: Vec<char>, is_prefixed: bool) {
    let singular = letters.strip_suffix(&['s']).filter(|rest| rest.len() >= 4);
    let singular = singular
        .filter(|rest| !rest.ends_with(&['s']))
        .map(<[char]>::to_vec);
    for letters in [Some(letters), singular].into_iter().flatten() {
        readings.push(Reading {
            present: present(&letters),
            letters,
            is_prefixed,
        });
    }
}

/// The words after the first as they are, and without the article that Hebrew puts before each of them.
fn tails(words: &[Word]) -> Vec<(Vec<char>, bool)> {
    let plain: Vec<char> = words.iter().flat_map(|w| w.letters.clone()).collect();
    let bare: Vec<char> = words
        .iter()
        .flat_map(|w| match w.letters.strip_prefix(&['ה']) {
            Some(rest) if rest.len() >= 2 => rest.to_vec(),
            _ => w.letters.clone(),
        })
        .collect();
    if bare == plain {
        return vec![(plain, false)];
    }
    vec![(plain, false), (bare, true)]
}

/// How many letters may be prefixes: ו, then ש, כש or לכש, then one of ב ל כ מ, then ה; two letters stay.
pub(super) fn prefixes(letters: &[char]) -> Vec<usize> {
    let mut taken = vec![0];
    if !letters.first().is_some_and(|c| is_hebrew(*c)) {
        return taken;
    }
    for count in 1..=MOST_PREFIXES.min(letters.len().saturating_sub(2)) {
        if is_prefix(&letters[..count]) {
            taken.push(count);
        }
    }
    taken
}

fn is_prefix(letters: &[char]) -> bool {
    let rest = letters.strip_prefix(&['ו']).unwrap_or(letters);
    let rest = [&['ל', 'כ', 'ש'][..], &['כ', 'ש'], &['מ', 'ש'], &['ש']]
        .iter()
        .find_map(|that| rest.strip_prefix(*that))
        .unwrap_or(rest);
    let rest = match rest {
        ['ב' | 'ל' | 'כ' | 'מ', rest @ ..] => rest,
        rest => rest,
    };
    matches!(rest, [] | ['ה'])
}

/// Of places that share words the better one stays: the surer, then the longer, then the earlier.
fn without_overlaps(mut found: Vec<Mention>) -> Vec<Mention> {
    found.sort_by_key(|m| {
        let missed = u32::try_from(m.letters)
            .unwrap_or(u32::MAX)
            .saturating_mul(EDIT);
        // What was heard right of it: a long name with a slip beats the short one inside of it.
        let loose = if m.is_loose { LOOSE } else { 0 };
        let heard = missed.saturating_sub(m.cost.saturating_mul(EDIT + 1) + loose);
        (
            Reverse(heard),
            m.is_loose,
            m.is_prefixed,
            m.at.start,
            m.name,
        )
    });
    let mut kept: Vec<Mention> = Vec::new();
    let mut taken = HashSet::new();
    for mention in found {
        if mention.at.clone().all(|word| !taken.contains(&word)) {
            taken.extend(mention.at.clone());
            kept.push(mention);
        }
    }
    kept.sort_by_key(|m| m.at.start);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> List {
        let named: Vec<Named> = names
            .iter()
            .map(|name| Named {
                name: (*name).into(),
                synonyms: vec![],
            })
            .collect();
        List::of_names("cities", &named).unwrap()
    }

    fn check(names: &[&str], text: &str, expected: &[(&str, u32)]) {
        let list = list(names);
        let mentions = list.mentions(&Words::of_one(text));
        let found: Vec<(&str, u32)> = mentions
            .iter()
            .map(|m| (list.names[m.name].as_str(), m.cost))
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn hebrew_prefixes_are_taken_off() {
        let cities = ["בית שאן", "חיפה", "לוד", "ירושלים"];
        for text in [
            "בית שאן",
            "בבית שאן",
            "מבית שאן",
            "לבית שאן",
            "ובבית שאן",
            "שבבית שאן",
            "הבית שאן",
            "ושבבית שאן",
            "כשמבית שאן",
        ] {
            check(&cities, text, &[("בית שאן", 0)]);
        }
        check(&cities, "ללוד, בלוד, ולוד", &[("לוד", 0); 3]);
        check(&cities, "תלוד ולדוד", &[]);
        check(&cities, "מחיפה לירושלים", &[("חיפה", 0), ("ירושלים", 0)]);
        check(&["פריצת לוטו"], "את פריצת הלוטו", &[("פריצת לוטו", 0)]);
    }

    #[test]
    fn names_end_where_words_end() {
        check(&["Lod", "York"], "lodging in Yorkshire", &[]);
        check(
            &["York", "New York"],
            "In New York, not York",
            &[("New York", 0), ("York", 0)],
        );
        check(&["New York"], "It is new. York is old", &[]);
        check(&["חיפה"], "יפה מאוד", &[]);
        check(&["נתניה"], "ביבי נתניהו אמר", &[]);
    }

    #[test]
    fn misheard_names_are_found() {
        check(&["בית שאן"], "אני בבית שן", &[("בית שאן", 1)]);
        check(&["בית שאן"], "בית שען", &[("בית שאן", 1)]);
        check(&["בית שאן"], "ביתשאן", &[("בית שאן", 1)]);
        check(&["Beit Shean"], "in Bet Shean", &[("Beit Shean", 1)]);
        check(&["Netanya"], "near Nethania", &[("Netanya", 2)]);
        check(
            &["locksmith"],
            "two locksmiths and a lock smith",
            &[("locksmith", 0), ("locksmith", 1)],
        );
    }

    #[test]
    fn a_name_without_letters_is_refused() {
        for bad in ["", " - ", "one two three four five six seven"] {
            let named = Named {
                name: bad.into(),
                synonyms: vec![],
            };
            let error = List::of_names("cities", &[named]).err().unwrap();
            assert!(error.to_string().starts_with("insight.cities: "), "{error}");
        }
    }
}

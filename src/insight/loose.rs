//! A service named in another order or with words between: "the toilet is clogged" for "clogged toilet".
//!
//! All words of a name stand near each other in one sentence, each as it is listed or misheard; words
//! without meaning of their own do not count. That is weaker evidence than the name itself ("leave the
//! door open" is no wish to "open a door"), and is weighed as such. Cities are not looked for so: "a new
//! house in York" is not New York.

use std::collections::HashSet;

use super::{
    editex,
    lists::{Mention, budget, present, readings_of},
    weigh::NOT,
    words::Word,
};

/// Words between those of a name, at most.
const BETWEEN: usize = 3;
/// Of a name, what need not be said.
const SMALL: [&str; 12] = [
    "a", "an", "the", "my", "your", "our", "of", "is", "are", "to", "את", "של",
];

/// The names of several words, as sets of words.
#[derive(Default)]
pub(super) struct Bags {
    bags: Vec<Bag>,
    /// Each word once, whichever names it is in.
    parts: Vec<Part>,
}

struct Bag {
    name: usize,
    parts: HashSet<usize>,
    letters: usize,
}

struct Part {
    letters: Vec<char>,
    present: u64,
}

/// A word of the text that is a part, or near it.
#[derive(Clone, Copy)]
struct Hit {
    at: usize,
    part: usize,
    cost: u32,
}

impl Bags {
    pub(super) fn add(&mut self, name: usize, words: &[Word]) {
        let is_small = |word: &&Word| SMALL.iter().any(|small| word.is(small));
        let words = words.iter().filter(|word| !is_small(word));
        let words: Vec<Vec<char>> = words.map(|word| bound(word.letters.clone())).collect();
        let letters = words.iter().map(Vec::len).sum();
        let parts: HashSet<usize> = words.into_iter().map(|word| self.part(word)).collect();
        if parts.len() > 1 {
            self.bags.push(Bag {
                name,
                parts,
                letters,
            });
        }
    }

    fn part(&mut self, letters: Vec<char>) -> usize {
        let known = self.parts.iter().position(|part| part.letters == letters);
        known.unwrap_or_else(|| {
            self.parts.push(Part {
                present: present(&letters),
                letters,
            });
            self.parts.len() - 1
        })
    }

    pub(super) fn mentions(&self, words: &[Word]) -> Vec<Mention> {
        let mut found = Vec::new();
        if self.bags.is_empty() {
            return found;
        }
        let mut start = 0;
        for sentence in words.chunk_by(|a, b| a.sentence == b.sentence && a.turn == b.turn) {
            let hits = self.hits(sentence);
            for bag in &self.bags {
                let near =
                    nearest(bag, &hits).filter(|(from, to, _)| !is_denied(&sentence[*from..*to]));
                found.extend(near.map(|(from, to, cost)| Mention {
                    name: bag.name,
                    at: start + from..start + to,
                    letters: bag.letters,
                    cost,
                    is_prefixed: false,
                    is_lowered: false,
                    is_loose: true,
                }));
            }
            start += sentence.len();
        }
        found
    }

    fn hits(&self, sentence: &[Word]) -> Vec<Hit> {
        let mut hits = Vec::new();
        for (at, word) in sentence
            .iter()
            .enumerate()
            .filter(|(_, word)| !word.is_addressed)
        {
            let readings = readings_of(std::slice::from_ref(word));
            let letters: Vec<_> = readings
                .into_iter()
                .map(|reading| bound(reading.letters))
                .collect();
            for (part, named) in self.parts.iter().enumerate() {
                let costs = letters.iter().filter_map(|letters| cost(named, letters));
                hits.extend(costs.min().map(|cost| Hit { at, part, cost }));
            }
        }
        hits
    }
}

/// In Hebrew the last letter of a word tells whether another belongs to it: "פריצה של לוטו" is "פריצת לוטו".
fn bound(mut letters: Vec<char>) -> Vec<char> {
    let is_long = letters.len() >= 4;
    if let Some(last) = letters.last_mut().filter(|last| is_long && **last == 'ה') {
        *last = 'ת';
    }
    letters
}

fn cost(part: &Part, letters: &[char]) -> Option<u32> {
    let most = budget(part.letters.len());
    let strange = part.present ^ present(letters);
    if (strange & part.present)
        .count_ones()
        .max((strange & !part.present).count_ones())
        > most
    {
        return None;
    }
    editex::distance(&part.letters, letters, most)
}

/// The first place where all parts stand near each other: from, to, and what was misheard.
fn nearest(bag: &Bag, hits: &[Hit]) -> Option<(usize, usize, u32)> {
    let hits: Vec<Hit> = hits
        .iter()
        .filter(|hit| bag.parts.contains(&hit.part))
        .copied()
        .collect();
    hits.iter().enumerate().find_map(|(index, first)| {
        let reach = first.at + bag.parts.len() + BETWEEN;
        let mut parts = HashSet::new();
        let mut places = HashSet::new();
        let mut cost = 0;
        for hit in hits[index..].iter().take_while(|hit| hit.at < reach) {
            if !parts.contains(&hit.part) && places.insert(hit.at) {
                parts.insert(hit.part);
                cost += hit.cost;
            }
            if parts.len() == bag.parts.len() {
                return Some((first.at, hit.at + 1, cost));
            }
        }
        None
    })
}

/// "The toilet is not clogged". A "not" that belongs to the name stands at its edge.
fn is_denied(run: &[Word]) -> bool {
    let inner = run.get(1..run.len().saturating_sub(1)).unwrap_or_default();
    let is_not = |word: &Word| NOT.iter().any(|not| word.is(not));
    inner.iter().any(is_not)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::words::Words;

    fn check(text: &str, expected: &[&str]) {
        let mut bags = Bags::default();
        let names = [
            "clogged toilet",
            "change the lock",
            "no hot water",
            "פריצת לוטו",
            "כיור סתום",
            "copy",
        ];
        for (index, name) in names.iter().enumerate() {
            bags.add(index, &Words::of_one(name).all);
        }
        let found = bags.mentions(&Words::of_one(text).all);
        let found: Vec<&str> = found.iter().map(|mention| names[mention.name]).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn words_of_a_name_may_stand_apart_and_turned_round() {
        check("My toilet is clogged again", &["clogged toilet"]);
        check("Please change the front lock today", &["change the lock"]);
        check("אני צריך פריצה של הלוטו", &["פריצת לוטו"]);
        check("הכיור במטבח סתום", &["כיור סתום"]);
        check("The toilet is not clogged", &[]);
        check("The toilet is fine. It was clogged", &[]);
        check("The toilet that we have had for many years is clogged", &[]);
        check("We have hot water", &[]);
        check("A toilet, a lock, a change", &["change the lock"]);
        check("copy", &[]);
    }
}

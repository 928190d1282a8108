//! From places to an answer, and how sure it is.
//!
//! A confidence is the share of such answers that are right. It falls with what was misheard, with the
//! shortness of a name, and with other names of the same list that were said as well; it rises with
//! repetition. Its constants were set by reason, `LEAST` and `LOWERED` after a look at the labelled calls of
//! `tests/fixtures/insight`. A test holds them all to those calls: of the answers with 0.8 or more, nine
//! in ten must be right (37 of 38 are), and it prints the others by their figure.

use std::ops::Range;

use super::{
    editex::EDIT,
    lists::{List, Mention},
    words::{Word, Words},
};

/// A name said in full; two of them make 0.92.
const IN_FULL: f32 = 0.96;
/// Off for a prefix that was taken away.
const PREFIXED: f32 = 0.01;
/// Off for a name of three letters or fewer, and again if a prefix was taken from it.
const SHORT: f32 = 0.15;
/// Off for all of a name misheard; a part of it takes a part.
const MISHEARD: f32 = 1.6;
/// Off where the text writes small what the list writes with a capital ("reading" for "Reading"): the
/// engine writes names with one.
const LOWERED: f32 = 0.5;
/// Off where the words of a name stand apart or in another order.
const LOOSE: f32 = 0.34;
/// Of the doubt that is left, what another mention takes.
const AGAIN: f32 = 0.25;
/// How much another name counts against this one.
const RIVAL: f32 = 0.5;
/// Nothing is surer.
const MOST: f32 = 0.98;
/// What is likelier wrong than right is not claimed.
const LEAST: f32 = 0.5;

/// Folded.
pub(super) const NOT: [&str; 10] = [
    "not",
    "isnt",
    "arent",
    "dont",
    "doesnt",
    "wasnt",
    "never",
    "לא",
    "אינ",
    "אינני",
];
/// How many words before a name a "not" reaches it.
const NOT_REACHES: usize = 3;

/// A name of a list that was said.
pub(super) struct Found {
    pub(super) name: String,
    /// 0 to 1.
    pub(super) confidence: f32,
    /// Where, in words.
    pub(super) at: Vec<Range<usize>>,
}

struct Candidate {
    name: usize,
    sure: f32,
    at: Vec<Range<usize>>,
}

/// The name that the call is about, if any.
pub(super) fn weigh(list: &List, words: &Words) -> Option<Found> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for mention in list.mentions(words) {
        if is_denied(&words.all, &mention) {
            continue;
        }
        let sure = quality(&mention);
        match candidates.iter_mut().find(|c| c.name == mention.name) {
            Some(known) => {
                let (more, less) = (known.sure.max(sure), known.sure.min(sure));
                known.sure = more + (1.0 - more) * less * AGAIN;
                known.at.push(mention.at);
            }
            None => candidates.push(Candidate {
                name: mention.name,
                sure,
                at: vec![mention.at],
            }),
        }
    }
    // Who corrects himself says the right one last.
    let best = candidates.iter().enumerate().max_by(|(_, a), (_, b)| {
        let last = |c: &Candidate| c.at.last().map(|at| at.start);
        let close = (a.sure - b.sure).abs() < 0.1;
        if close {
            last(a).cmp(&last(b))
        } else {
            a.sure.total_cmp(&b.sure)
        }
    });
    let (index, best) = best?;
    let others = candidates
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != index);
    let against: f32 = others.map(|(_, other)| other.sure).sum();
    let confidence = best.sure.min(MOST) * best.sure / (best.sure + RIVAL * against);
    (confidence >= LEAST).then(|| Found {
        name: list.names[best.name].clone(),
        confidence,
        at: best.at.clone(),
    })
}

/// How sure a single mention is.
pub(super) fn quality(mention: &Mention) -> f32 {
    let count = |n: usize| f32::from(u16::try_from(n).unwrap_or(u16::MAX));
    let letters = count(mention.letters.max(1));
    let edits = count(usize::try_from(mention.cost).unwrap_or(usize::MAX));
    let whole = count(usize::try_from(EDIT).unwrap_or(1));
    let is_short = mention.letters <= 3;
    let off = [
        (mention.cost > 0, MISHEARD * edits / (letters * whole)),
        (mention.is_prefixed, PREFIXED),
        (is_short, SHORT),
        (is_short && mention.is_prefixed, SHORT),
        (mention.is_lowered, LOWERED),
        (mention.is_loose, LOOSE),
    ];
    let off: f32 = off
        .iter()
        .filter(|(is_so, _)| *is_so)
        .map(|(_, off)| off)
        .sum();
    (IN_FULL - off).max(0.0)
}

/// How sure it is that all that is claimed is right.
pub(super) fn both(service: Option<&Found>, city: Option<&Found>) -> Option<f32> {
    match (service, city) {
        (None, None) => None,
        (one, other) => {
            let sure = |found: Option<&Found>| found.map_or(1.0, |found| found.confidence);
            Some(sure(one) * sure(other))
        }
    }
}

/// For a row: 0 to 1000.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "held to 0 to 1000 before"
)]
pub(super) fn per_mille(sure: f32) -> u32 {
    (sure.clamp(0.0, 1.0) * 1000.0).round() as u32
}

/// "Not in Haifa"; but "No, in Haifa" is an answer.
fn is_denied(words: &[Word], mention: &Mention) -> bool {
    let name = &words[mention.at.start];
    for before in (0..mention.at.start).rev().take(NOT_REACHES) {
        let (word, next) = (&words[before], &words[before + 1]);
        if word.turn != name.turn || word.sentence != name.sentence || next.after_comma {
            return false;
        }
        if NOT.iter().any(|not| word.is(not)) {
            return true;
        }
    }
    false
}

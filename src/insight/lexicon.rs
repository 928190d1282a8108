//! Domain and category without a model: words that speak for a pair, counted.

use super::{
    Path, Tokens,
    domain::{Detected, Pair},
    lists::prefixes,
    words::{Word, Words},
};

/// Under this many points, or this share of them, nothing is claimed.
const FEWEST_POINTS: f32 = 3.0;
const SURE: f32 = 0.5;
/// A doubt that no evidence takes away.
const DOUBT: f32 = 1.5;
/// A pair that nobody wrote words for is known by those of its names.
const BY_NAME: f32 = 1.5;
/// A pair for which nothing speaks is no surer than this, whoever claims it.
const UNBORNE: u32 = 300;
/// Of a pair that a model did not see, what remains, in hundredths.
const UNSEEN: u32 = 60;

/// Domain, category, words that begin so (folded), and what each is worth.
pub(super) type Row = (&'static str, &'static str, &'static [(&'static str, f32)]);
pub(super) const LEXICON: [Row; 7] = [
    (
        "healthcare",
        "appointment_scheduling",
        &[
            ("appointment", 2.0),
            ("doctor", 1.0),
            ("dr", 1.0),
            ("schedul", 1.0),
            ("checkup", 1.0),
            ("clinic", 1.0),
            ("תור", 2.0),
            ("רופא", 1.0),
            ("דוקטור", 1.0),
            ("מרפאה", 1.0),
            ("לקבוע", 1.0),
            ("בדיקה", 0.5),
        ],
    ),
    (
        "healthcare",
        "billing_inquiry",
        &[
            ("bill", 2.0),
            ("charge", 1.0),
            ("copay", 2.0),
            ("hospital", 1.0),
            ("clinic", 1.0),
            ("doctor", 0.5),
            ("חשבונית", 2.0),
            ("חשבונ", 1.0),
            ("חיוב", 2.0),
            ("מרפאה", 1.0),
            ("רופא", 0.5),
        ],
    ),
    (
        "healthcare",
        "prescription_refill",
        &[
            ("prescription", 2.0),
            ("refill", 2.0),
            ("pharmacy", 2.0),
            ("medic", 1.0),
            ("pill", 1.0),
            ("dosage", 1.0),
            ("מרשמ", 2.0),
            ("תרופ", 2.0),
            ("מרקחת", 2.0),
            ("כדור", 1.0),
            ("מינונ", 1.0),
        ],
    ),
    (
        "insurance",
        "claim_inquiry",
        &[
            ("claim", 2.0),
            ("accident", 1.0),
            ("adjuster", 2.0),
            ("damage", 1.0),
            ("insur", 1.0),
            ("deductible", 1.0),
            ("תביע", 2.0),
            ("תאונה", 1.0),
            ("שמאי", 2.0),
            ("נזק", 1.0),
            ("ביטוח", 1.0),
            ("השתתפות", 1.0),
        ],
    ),
    (
        "insurance",
        "policy_inquiry",
        &[
            ("policy", 2.0),
            ("coverage", 2.0),
            ("covered", 1.0),
            ("insur", 1.0),
            ("renew", 1.0),
            ("פוליס", 2.0),
            ("כיסוי", 2.0),
            ("מכוסה", 1.0),
            ("ביטוח", 1.0),
            ("חידוש", 1.0),
        ],
    ),
    (
        "insurance",
        "premium_payment",
        &[
            ("premium", 3.0),
            ("insur", 1.0),
            ("payment", 1.0),
            ("pay", 0.5),
            ("policy", 0.5),
            ("פרמיה", 3.0),
            ("ביטוח", 1.0),
            ("תשלומ", 1.0),
            ("לשלמ", 0.5),
            ("פוליס", 0.5),
        ],
    ),
    (
        "internet",
        "technical_support",
        &[
            ("internet", 2.0),
            ("router", 2.0),
            ("modem", 2.0),
            ("wifi", 2.0),
            ("connection", 1.0),
            ("offline", 1.0),
            ("speed", 0.5),
            ("אינטרנט", 2.0),
            ("ראוטר", 2.0),
            ("נתב", 2.0),
            ("מודמ", 2.0),
            ("חיבור", 1.0),
            ("גלישה", 1.0),
        ],
    ),
];

/// The known pair that most speaks for; unknown where too little does, or as much for another.
pub(super) fn detect(words: &Words, known: &[Pair]) -> Detected {
    let scores = known.iter().map(|pair| (points(words, pair), pair));
    let mut scores: Vec<_> = scores.collect();
    scores.sort_by(|one, other| other.0.total_cmp(&one.0));
    let (best, pair) = scores
        .first()
        .map_or((0.0, None), |(p, pair)| (*p, Some(*pair)));
    let second = scores.get(1).map_or(0.0, |(points, _)| *points);
    let sure = best / (best + second + DOUBT);
    let claimed = pair.filter(|_| best >= FEWEST_POINTS && sure >= SURE);
    Detected {
        pair: claimed.cloned().unwrap_or_else(Pair::unknown),
        confidence: claimed.map_or(0, |_| super::weigh::per_mille(sure)),
        path: Path::OnBox,
        tokens: Tokens::default(),
    }
}

/// A pair that a model claims, as sure as the words that speak for it allow. Where words were written for it and
/// none was said, another pair that they speak for goes before it.
pub(super) fn held(words: &Words, known: &[Pair], claimed: Detected) -> Detected {
    if is_written(&claimed.pair) && points(words, &claimed.pair) <= 0.0 {
        let found = detect(words, known);
        if !found.pair.is_unknown() {
            return Detected {
                confidence: found.confidence * UNSEEN / 100,
                pair: found.pair,
                ..claimed
            };
        }
    }
    Detected {
        confidence: borne_out(words, &claimed.pair, claimed.confidence),
        ..claimed
    }
}

fn is_written(pair: &Pair) -> bool {
    LEXICON
        .iter()
        .any(|(domain, category, _)| *domain == pair.domain && *category == pair.category)
}

/// How sure a claimed pair is, by the words that speak for it.
fn borne_out(words: &Words, pair: &Pair, confidence: u32) -> u32 {
    match points(words, pair) > 0.0 {
        true => confidence,
        false => confidence.min(UNBORNE),
    }
}

/// A word counts twice at most: whoever repeats it says no more.
fn points(words: &Words, pair: &Pair) -> f32 {
    let row = LEXICON
        .iter()
        .find(|(domain, category, _)| *domain == pair.domain && *category == pair.category);
    let spoken = |stem: &str, worth: f32| {
        let heard = words.all.iter().filter(|word| !word.is_addressed);
        let times: f32 = heard
            .filter(|word| begins(word, stem))
            .take(2)
            .map(|_| 1.0)
            .sum();
        times * worth
    };
    match row {
        Some((_, _, stems)) => stems.iter().map(|(stem, worth)| spoken(stem, *worth)).sum(),
        None => {
            let names = pair.domain.split('_').chain(pair.category.split('_'));
            names
                .filter(|name| name.len() > 3)
                .map(|name| spoken(name, BY_NAME))
                .sum()
        }
    }
}

fn begins(word: &Word, stem: &str) -> bool {
    let stem: Vec<char> = stem.chars().collect();
    let is_short = stem.len() <= 2;
    prefixes(&word.letters).into_iter().any(|taken| {
        let bare = word.letters.get(taken..).unwrap_or_default();
        if is_short {
            bare == stem
        } else {
            bare.starts_with(&stem)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small model called every file an appointment at a doctor's.
    #[test]
    fn a_claimed_pair_is_held_against_the_words() {
        let known = crate::insight::domain::starting();
        for (text, claimed, expected, sure) in [
            (
                "I need an appointment with doctor Smith.",
                ["healthcare", "appointment_scheduling"],
                "appointment_scheduling",
                900..=900,
            ),
            (
                "My internet is down, the router shows a red light.",
                ["healthcare", "appointment_scheduling"],
                "technical_support",
                1..=600,
            ),
            (
                "Is this Pizza Roma? No, you have the wrong number.",
                ["healthcare", "appointment_scheduling"],
                "appointment_scheduling",
                300..=300,
            ),
            (
                "My internet is down, the router shows a red light.",
                ["gardening", "hedge_trimming"],
                "hedge_trimming",
                300..=300,
            ),
            ("Hello?", ["unknown", "unknown"], "unknown", 0..=0),
        ] {
            let pair = Pair::new(claimed[0], claimed[1]).unwrap();
            let claimed = Detected {
                confidence: if pair.is_unknown() { 0 } else { 900 },
                pair,
                path: Path::Model,
                tokens: Tokens::default(),
            };
            let held = held(&Words::of_one(text), &known, claimed);
            assert_eq!(held.pair.category, expected, "{text}");
            assert!(
                sure.contains(&held.confidence),
                "{text}: {}",
                held.confidence
            );
        }
    }

    #[test]
    fn pairs_by_example() {
        let mut known = crate::insight::domain::starting();
        known.push(Pair::new("gardening", "hedge_trimming").unwrap());
        for (text, expected) in [
            (
                "Hi, I need an appointment with doctor Smith. Which appointment is free?",
                "appointment_scheduling",
            ),
            (
                "My router is offline and the internet connection drops.",
                "technical_support",
            ),
            (
                "I want to refill my prescription at the pharmacy.",
                "prescription_refill",
            ),
            (
                "I had an accident and filed a claim. What about my claim?",
                "claim_inquiry",
            ),
            (
                "Gardening it is: the hedge needs trimming.",
                "hedge_trimming",
            ),
            ("Hello, is anybody there?", "unknown"),
            (
                "שלום, אני רוצה לקבוע תור לרופא, מתי יש תור?",
                "appointment_scheduling",
            ),
            ("האינטרנט לא עובד והראוטר מהבהב", "technical_support"),
            (
                "נגמרה לי התרופה ואני צריכה מרשם לבית המרקחת",
                "prescription_refill",
            ),
            (
                "הייתה לי תאונה והגשתי תביעה, מה עם התביעה?",
                "claim_inquiry",
            ),
            ("מה הכיסוי של הפוליסה שלי?", "policy_inquiry"),
            ("שלום, מה נשמע? יפה היום.", "unknown"),
            ("", "unknown"),
            (
                "The doctor sent a bill for the insurance policy claim.",
                "unknown",
            ),
        ] {
            let found = detect(&Words::of_one(text), &known);
            assert_eq!(found.pair.category, expected, "{text}");
            assert_eq!(found.confidence > 0, expected != "unknown", "{text}");
        }
        let odd = Pair::new("gardening", "hedge_trimming").unwrap();
        for (text, sure) in [("My hedge is too high.", 900), ("My router is off.", 300)] {
            assert_eq!(borne_out(&Words::of_one(text), &odd, 900), sure, "{text}");
        }
        let nothing = detect(&Words::of_one("internet router modem"), &[]);
        assert!(nothing.pair.is_unknown(), "only what the table knows");
    }
}

//! The labelled calls: how often the box is right, and whether it knows when it is not.

use serde::Deserialize;

use super::{insight, options, said};
use crate::insight::Meaning;

#[derive(Deserialize)]
struct Case {
    text: String,
    service: Option<String>,
    city: Option<String>,
}

const ENGLISH: &str = include_str!("../../../tests/fixtures/insight/en.jsonl");
const HEBREW: &str = include_str!("../../../tests/fixtures/insight/he.jsonl");

fn cases(of: &str) -> Vec<(Case, Meaning)> {
    let insight = insight(&options());
    let case = |line: &str| {
        let case: Case = serde_json::from_str(line).unwrap();
        let meaning = insight.on_box(&said(&[&case.text]));
        (case, meaning)
    };
    of.lines().map(case).collect()
}

fn is_right((case, meaning): &(Case, Meaning)) -> bool {
    case.service == meaning.service && case.city == meaning.city
}

#[test]
fn most_labelled_calls_are_understood() {
    let mut all = 0;
    for (language, of) in [("en", ENGLISH), ("he", HEBREW)] {
        let cases = cases(of);
        let right = cases.iter().filter(|case| is_right(case)).count();
        println!("{language}: {right} of {} right", cases.len());
        for (case, meaning) in cases.iter().filter(|case| !is_right(case)) {
            println!(
                "  {}: {:?}, {:?} at {:?}, should be {:?}, {:?}",
                case.text,
                meaning.service,
                meaning.city,
                meaning.confidence,
                case.service,
                case.city
            );
        }
        assert!(right * 100 >= cases.len() * 85, "{language}");
        all += cases.len();
    }
    assert!(all >= 60, "{all} labelled calls");
}

/// Of answers with about the same confidence, about as many are right: a table, and the two ends held.
#[test]
fn a_confidence_means_what_it_says() {
    let mut claims: Vec<(f64, bool)> = [ENGLISH, HEBREW]
        .into_iter()
        .flat_map(cases)
        .filter_map(|case| Some((f64::from(case.1.confidence?) / 1000.0, is_right(&case))))
        .collect();
    claims.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let share = |from: f64, to: f64| {
        let these: Vec<_> = claims
            .iter()
            .filter(|(sure, _)| (from..to).contains(sure))
            .collect();
        let count = |n: usize| f64::from(u32::try_from(n).unwrap());
        let right = count(these.iter().filter(|(_, right)| *right).count());
        let said: f64 = these.iter().map(|(sure, _)| sure).sum();
        let all = count(these.len());
        println!(
            "{from:.1} to {to:.1}: {all} answers, said {:.2}, right {:.2}",
            said / all,
            right / all
        );
        (all, right / all)
    };
    for (from, to) in [(0.0, 0.5), (0.5, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.01)] {
        share(from, to);
    }
    let (sure, right) = share(0.8, 1.01);
    assert!(sure >= 25.0, "few answers are sure: {sure}");
    assert!(right >= 0.9, "sure answers are right: {right}");
    let off = |&(sure, right): &(f64, bool)| (sure - f64::from(u8::from(right))).powi(2);
    let brier =
        claims.iter().map(off).sum::<f64>() / f64::from(u32::try_from(claims.len()).unwrap());
    println!("Brier score {brier:.3}");
    assert!(brier <= 0.12, "{brier}");
}

/// Read books, prompts of telephone systems and calls of other businesses name none of ours.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the environment says where recordings are"
)]
fn speech_about_other_things_claims_nothing() {
    let Ok(shared) = std::env::var("CALLSCRIBE_SHARED") else {
        eprintln!("skipped: CALLSCRIBE_SHARED names no folder with transcripts");
        return;
    };
    let manifest = std::path::Path::new(&shared).join("speech/manifest.tsv");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    let insight = insight(&options());
    let texts = manifest
        .lines()
        .skip(1)
        .filter_map(|line| line.split('\t').nth(5));
    let claims: Vec<_> = texts
        .map(|text| insight.on_box(&said(&[text])))
        .filter(|meaning| meaning.confidence.is_some())
        .map(|meaning| (meaning.service, meaning.city, meaning.confidence))
        .collect();
    assert!(claims.is_empty(), "{claims:?}");
}

/// The worked example of the system that this one replaces.
#[test]
fn the_hebrew_example_comes_out() {
    let call = said(&[
        "שלום, במה אפשר לעזור?",
        "היי, אני צריך פריצת לוטו, הלוטו נתקע לי ואני לא מצליח לפתוח את הדלת.",
        "איפה אתה נמצא?",
        "אני בבית שאן, ברחוב הרצל חמש.",
        "בסדר, נגיע תוך חצי שעה. תודה רבה.",
    ]);
    let meaning = insight(&options()).on_box(&call);
    assert_eq!(meaning.service.as_deref(), Some("פריצת לוטו"));
    assert_eq!(meaning.city.as_deref(), Some("בית שאן"));
    assert!(
        meaning.confidence.unwrap() >= 900,
        "{:?}",
        meaning.confidence
    );
    assert_eq!(meaning.language.as_deref(), Some("he"));
    let summary = meaning.summary;
    assert!(summary.title.contains("פריצת לוטו"), "{summary:?}");
    assert!(
        summary.points.iter().any(|point| point.contains("שאן")),
        "{summary:?}"
    );
}

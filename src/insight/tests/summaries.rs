//! A summary is cut out of the call, never made up, and as long as it should be.

use std::collections::HashSet;

use proptest::prelude::*;

use super::{insight, options, said};
use crate::insight::{
    Said, Summary,
    words::{clean, fold},
};

fn summary(turns: &[&str]) -> Summary {
    insight(&options()).on_box(&said(turns)).summary
}

fn lines(summary: &Summary) -> Vec<&str> {
    let points = summary.points.iter().map(String::as_str);
    std::iter::once(summary.title.as_str())
        .chain(points)
        .filter(|line| !line.is_empty())
        .collect()
}

fn count(summary: &Summary) -> usize {
    lines(summary)
        .iter()
        .flat_map(|line| line.split_whitespace())
        .count()
}

/// Every word of a line was said, in that order.
fn check_cut_out(call: &Said, summary: &Summary) -> Result<(), TestCaseError> {
    let text: Vec<String> = call
        .turns
        .iter()
        .flat_map(|turn| turn.text.split_whitespace())
        .map(|word| fold(&clean(word)).collect())
        .collect();
    for line in lines(summary) {
        let mut words = line
            .split_whitespace()
            .map(|word| fold(word).collect::<String>());
        let first = words.next().unwrap_or_default();
        let rest: Vec<String> = words.collect();
        let starts = (0..text.len()).filter(|&at| text[at].starts_with(&first));
        let is_there = starts.into_iter().any(|at| {
            let mut after = text[at + 1..].iter();
            rest.iter()
                .all(|word| after.any(|said| said.starts_with(word)))
        });
        prop_assert!(is_there, "{line:?} is not of {text:?}");
    }
    Ok(())
}

fn check_length(call: &Said, summary: &Summary) -> Result<(), TestCaseError> {
    let words: Vec<String> = call
        .turns
        .iter()
        .flat_map(|turn| turn.text.split_whitespace())
        .map(|word| fold(word).collect::<String>())
        .filter(|word| !word.is_empty())
        .collect();
    let told = count(summary);
    prop_assert!(told <= 30, "{told} words: {summary:?}");
    prop_assert!(summary.points.len() <= 2);
    let fillers = [
        "um", "uh", "uhm", "umm", "uhh", "er", "erm", "mm", "mhm", "hmm", "oh", "ah", "אה", "אהה",
        "אממ", "המממ",
    ];
    let different: HashSet<&String> = words
        .iter()
        .filter(|word| !fillers.contains(&word.as_str()))
        .collect();
    prop_assert!(
        told >= different.len().min(10),
        "{told} of {} words: {summary:?}",
        different.len()
    );
    Ok(())
}

fn check(turns: &[&str]) -> Summary {
    let call = said(turns);
    let summary = summary(turns);
    check_cut_out(&call, &summary).unwrap();
    check_length(&call, &summary).unwrap();
    summary
}

#[test]
fn a_call_is_told_without_its_greetings() {
    let told = check(&[
        "Thank you for calling Acme Plumbing, how may I help you?",
        "Hi, good morning. Um, the boiler in our kitchen is leaking and we have no hot water.",
        "I am sorry to hear that. When can we come?",
        "Tomorrow at nine would be best, please. The address is 12 Oak Road in Springfield.",
        "Great, thank you very much. Have a nice day. Bye.",
    ]);
    println!("{told:?}");
    let all = lines(&told).join(" ").to_lowercase();
    for part in ["boiler", "springfield"] {
        assert!(all.contains(part), "{told:?} lacks {part}");
    }
    for part in ["thank you", "bye", "good morning", "help you", "um "] {
        assert!(!all.contains(part), "{told:?} has {part}");
    }
    assert_eq!(told.points.len(), 2);
}

#[test]
fn a_hebrew_call_is_told_in_hebrew() {
    let told = check(&[
        "שלום, תודה שהתקשרת, במה אפשר לעזור?",
        "שלום, יש לי סתימה רצינית בכיור במטבח ואני צריכה שיגיעו היום בערב.",
        "מה הכתובת?",
        "רחוב הרצל עשרים בחיפה, קומה שנייה.",
        "תודה רבה, להתראות.",
    ]);
    println!("{told:?}");
    assert!(told.title.contains("סתימה"), "{told:?}");
    assert!(!lines(&told).join(" ").contains("להתראות"), "{told:?}");
}

#[test]
fn of_little_there_is_little() {
    for (turns, words) in [
        (&[][..], 0),
        (&[""][..], 0),
        (&["?!", "…"][..], 0),
        (&["Yes."][..], 1),
        (&["Hello?", "Hello!"][..], 1),
        (&["I need a key."][..], 4),
        (&["כן.", "לא."][..], 2),
        (&["um uh um"][..], 0),
    ] {
        let told = check(turns);
        assert_eq!(count(&told), words, "{turns:?}: {told:?}");
    }
    // Greetings are told where there is nothing else.
    assert_eq!(summary(&["Good morning."]).title, "Good morning");
}

#[test]
fn repetition_and_floods_are_harmless() {
    let no = "no ".repeat(20_000);
    assert!(count(&check(&[&no])) <= 30);
    let long = "x".repeat(100_000);
    let told = check_size(&[&long]);
    assert!(told.title.chars().count() <= 60);
    let sentence = "The pump in the cellar is broken again. ".repeat(1_000);
    let told = check(&[&sentence]);
    assert!(told.title.contains("pump"), "{told:?}");
    let told = check_size(&["\u{202e}evil\u{202c}\u{0} <script>alert(1)</script> text \u{7}here"]);
    assert!(
        !lines(&told)
            .join("")
            .contains(['\u{202e}', '\u{0}', '\u{7}']),
        "{told:?}"
    );
}

fn check_size(turns: &[&str]) -> Summary {
    let told = summary(turns);
    check_length(&said(turns), &told).unwrap();
    told
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z]{1,9}[,.?!]?",
        2 => "[א-ת]{1,7}[,.?]?",
        1 => prop::sample::select(vec!["hello", "thank", "you", "um", "Haifa", "בחיפה", "boiler", "I", "need", "–", "5"])
            .prop_map(ToOwned::to_owned),
        1 => "\\PC{1,6}".prop_map(|text| text.split_whitespace().collect::<String>()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_word_of_a_summary_was_said(
        turns in prop::collection::vec(prop::collection::vec(word(), 0..25), 0..8)
    ) {
        let turns: Vec<String> = turns.iter().map(|words| words.join(" ")).collect();
        let turns: Vec<&str> = turns.iter().map(String::as_str).collect();
        let call = said(&turns);
        let told = insight(&options()).on_box(&call).summary;
        check_cut_out(&call, &told)?;
        check_length(&call, &told)?;
    }
}

//! Two texts of one call for a person to read.

use std::fmt::Write as _;

use super::{Comparison, Side};
use crate::{
    ids::Track,
    speech::filter::fold,
    transcript::wer::{self, Counts, Step, align::align},
};

/// Words that are the same and stand beside a change.
const AROUND: usize = 4;

/// Errors of the new text against the old, track by track.
pub(super) fn counts(then: &Side, now: &Side) -> Counts {
    let of = |side: &Side, track| said(side, track).join(" ");
    let tracks = Track::ALL.into_iter();
    tracks
        .map(|track| wer::compare(&of(then, track), &of(now, track)))
        .sum()
}

pub(super) fn render(comparison: &Comparison) -> String {
    let (then, now) = (&comparison.then, &comparison.now);
    let mut text = format!("{}, version {}\n\n", comparison.call, comparison.version);
    let mut row = |name: &str, then: String, now: String| {
        let _ = writeln!(text, "{name:11} {then:32} {now}");
    };
    row("", "then".into(), "now".into());
    row("model", model(then), model(now));
    row("build", build(then), build(now));
    row(
        "words",
        then.words.len().to_string(),
        now.words.len().to_string(),
    );
    row("confidence", confidence(then), confidence(now));
    row(
        "time",
        "-".into(),
        format!("{:.1} s", now.seconds.unwrap_or_default()),
    );
    for (name, then, now) in changed(&then.parameters, &now.parameters) {
        row(&name, then, now);
    }
    text.push('\n');
    if comparison.same {
        text.push_str("the same, every word, time and confidence\n");
        return text;
    }
    let counts = counts(then, now);
    let _ = writeln!(
        text,
        "{:.1} % of the words are others ({} changed, {} gone, {} new); [then|now]:",
        counts.rate().unwrap_or_default() * 100.0,
        counts.substituted,
        counts.deleted,
        counts.inserted
    );
    for track in Track::ALL {
        changes(track, &said(then, track), &said(now, track), &mut text);
    }
    text
}

fn said(side: &Side, track: Track) -> Vec<&str> {
    let mine = side.words.iter().filter(|(of, _)| *of == track);
    mine.map(|(_, word)| word.text.as_str()).collect()
}

fn model(side: &Side) -> String {
    let short = side.model.sha256.get(..12).unwrap_or("");
    format!("{} {short}", side.model.name)
}

fn build(side: &Side) -> String {
    side.build.clone().unwrap_or_else(|| "-".into())
}

#[expect(clippy::cast_precision_loss, reason = "a mean")]
fn confidence(side: &Side) -> String {
    let sum: f32 = side.words.iter().map(|(_, word)| word.confidence).sum();
    format!("{:.3}", sum / side.words.len().max(1) as f32)
}

/// Parameters that are not what they were.
fn changed(then: &serde_json::Value, now: &serde_json::Value) -> Vec<(String, String, String)> {
    let (Some(then), Some(now)) = (then.as_object(), now.as_object()) else {
        return Vec::new();
    };
    let keys: std::collections::BTreeSet<_> = then.keys().chain(now.keys()).collect();
    let value = |of: &serde_json::Map<_, _>, key: &String| {
        of.get(key)
            .map_or_else(|| "-".to_owned(), ToString::to_string)
    };
    let pairs = keys
        .into_iter()
        .map(|key| (key.clone(), value(then, key), value(now, key)));
    pairs.filter(|(_, then, now)| then != now).collect()
}

/// Every change with a few words around it, a line each.
fn changes(track: Track, then: &[&str], now: &[&str], text: &mut String) {
    let folded = |words: &[&str]| -> Vec<String> { words.iter().map(|word| fold(word)).collect() };
    let (mut i, mut j) = (0, 0);
    // Runs of steps that are alike: whether they change, and what of both texts.
    let mut runs: Vec<(bool, Vec<&str>, Vec<&str>)> = Vec::new();
    for step in align(&folded(then), &folded(now)) {
        let change = step != Step::Same;
        if runs.last().is_none_or(|run| run.0 != change) {
            runs.push((change, Vec::new(), Vec::new()));
        }
        if let Some((_, old, new)) = runs.last_mut() {
            if step != Step::Insert {
                old.push(then[i]);
                i += 1;
            }
            if step != Step::Delete {
                new.push(now[j]);
                j += 1;
            }
        }
    }
    for (at, (change, old, new)) in runs.iter().enumerate() {
        if *change {
            let before = at.checked_sub(1).map_or(&[][..], |at| &runs[at].1[..]);
            let after = runs.get(at + 1).map_or(&[][..], |run| &run.1[..]);
            let before = &before[before.len().saturating_sub(AROUND)..];
            let after = &after[..after.len().min(AROUND)];
            let _ = writeln!(
                text,
                "  {track:8}  … {} [{}|{}] {} …",
                before.join(" "),
                old.join(" "),
                new.join(" "),
                after.join(" ")
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_stand_with_the_words_around_them() {
        let words = |text: &'static str| text.split(' ').collect::<Vec<_>>();
        for (then, now, expected) in [
            ("a b c", "A, b c.", ""),
            (
                "one two three",
                "one too three",
                "  inbound  … one [two|too] three …\n",
            ),
            ("a b", "a x b", "  inbound  … a [|x] b …\n"),
            (
                "q w e r t y u",
                "q w e r t z u",
                "  inbound  … w e r t [y|z] u …\n",
            ),
            ("a", "", "  inbound  …  [a|]  …\n"),
        ] {
            let mut text = String::new();
            let now: Vec<&str> = words(now).into_iter().filter(|w| !w.is_empty()).collect();
            changes(Track::Inbound, &words(then), &now, &mut text);
            assert_eq!(text, expected, "{then} / {now:?}");
        }
    }

    #[test]
    fn parameters_are_named_where_they_differ() {
        let then = serde_json::json!({ "beam": 5, "window_s": 28.0, "old": 1 });
        let now = serde_json::json!({ "beam": 1, "window_s": 28.0, "new": true });
        let names: Vec<_> = changed(&then, &now)
            .into_iter()
            .map(|(name, ..)| name)
            .collect();
        assert_eq!(names, ["beam", "new", "old"]);
    }
}

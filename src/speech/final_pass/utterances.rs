//! Words → utterances: as long as a reader wants them, so that two tracks read as a talk.

use super::Utterance;
use crate::{
    speech::{Word, text},
    time::MediaTime,
};

/// A pause that ends an utterance, wherever it stands.
const PAUSE: MediaTime = MediaTime::from_ms(1_000);
/// A pause that ends it after a sentence.
const SENTENCE_PAUSE: MediaTime = MediaTime::from_ms(300);
/// An utterance of this length ends with the sentence; of twice this, with the next pause or comma.
const LONG: MediaTime = MediaTime::from_ms(10_000);

/// Splits a track's words, in order, into utterances.
pub(super) fn split(words: Vec<Word>) -> Vec<Utterance> {
    let mut utterances = Vec::new();
    let mut open: Vec<Word> = Vec::new();
    for word in words {
        if ends(&open, &word) {
            utterances.extend(utterance(std::mem::take(&mut open)));
        }
        open.push(word);
    }
    utterances.extend(utterance(open));
    utterances
}

fn ends(open: &[Word], next: &Word) -> bool {
    let (Some(first), Some(last)) = (open.first(), open.last()) else {
        return false;
    };
    let pause = next.start.saturating_sub(last.end);
    let length = last.end.saturating_sub(first.start);
    let sentence = last
        .text
        .ends_with(['.', '?', '!', '…', '。', '？', '！', '؟']);
    let clause = sentence || last.text.ends_with([',', ';', ':', '،', '、']);
    pause >= PAUSE
        || sentence && (pause >= SENTENCE_PAUSE || length >= LONG)
        || length >= LONG + LONG && (clause || pause >= SENTENCE_PAUSE)
        || length >= LONG + LONG + LONG
}

fn utterance(words: Vec<Word>) -> Option<Utterance> {
    Some(Utterance {
        start: words.first()?.start,
        end: words.last()?.end,
        text: text(&words),
        words,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(text, start, end)` in seconds.
    fn check(words: &[(&str, f64, f64)], expected: &[&str]) {
        let words = words.iter().map(|(text, start, end)| Word {
            text: (*text).to_owned(),
            start: MediaTime::from_secs(*start),
            end: MediaTime::from_secs(*end),
            confidence: 1.0,
        });
        let utterances = split(words.collect());
        let texts: Vec<_> = utterances.iter().map(|u| u.text.as_str()).collect();
        assert_eq!(texts, expected);
        for utterance in &utterances {
            assert_eq!(
                Some(utterance.start),
                utterance.words.first().map(|w| w.start)
            );
            assert_eq!(Some(utterance.end), utterance.words.last().map(|w| w.end));
        }
    }

    #[test]
    fn utterances_end_at_pauses_and_sentences() {
        check(&[], &[]);
        check(&[("Yes,", 0.0, 0.4), ("hello", 0.6, 1.0)], &["Yes, hello"]);
        check(
            &[("well", 0.0, 0.4), ("hello", 1.5, 2.0)],
            &["well", "hello"],
        );
        check(
            &[("Yes.", 0.0, 0.4), ("Hello", 0.8, 1.0)],
            &["Yes.", "Hello"],
        );
        check(&[("Yes.", 0.0, 0.4), ("Hello", 0.5, 1.0)], &["Yes. Hello"]);
        check(&[("כן.", 0.0, 0.4), ("שלום", 0.8, 1.0)], &["כן.", "שלום"]);
    }

    #[test]
    fn a_long_one_ends_with_its_sentence_or_clause_or_at_last() {
        let run = |last: &'static str, seconds: u32| -> Vec<(&str, f64, f64)> {
            let word = |n: u32| {
                let text = if n + 1 == seconds { last } else { "word" };
                (text, f64::from(n), f64::from(n) + 0.9)
            };
            (0..seconds)
                .map(word)
                .chain([("next", f64::from(seconds), 99.0)])
                .collect()
        };
        for (last, seconds, parts) in [
            ("end.", 11, 2),
            ("end,", 11, 1),
            ("end,", 21, 2),
            ("end", 21, 1),
            ("end", 31, 2),
        ] {
            let words = run(last, seconds);
            let texts: Vec<_> = words.iter().map(|w| w.0).collect();
            let whole = texts.join(" ");
            let (head, _) = whole.rsplit_once(' ').unwrap();
            let expected = if parts == 2 {
                vec![head, "next"]
            } else {
                vec![&*whole]
            };
            check(&words, &expected);
        }
    }
}

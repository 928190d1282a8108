//! Tokens → words: bytes are joined before they are read as UTF-8, since a letter may be split over
//! tokens (it is, in Hebrew).

use whisper_rs::WhisperTokenData;

use crate::{speech::Word, time::MediaTime};

/// A text token as decoded.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) bytes: Vec<u8>,
    pub(super) probability: f32,
    pub(super) logprob: f32,
    /// Where the gaze of the decoder left it, in 10 ms steps from the window's start.
    pub(super) end: i64,
}

impl Token {
    pub(super) fn new(data: &WhisperTokenData, bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            probability: data.p,
            logprob: data.plog,
            end: data.t_dtw,
        }
    }
}

/// Mean natural log of the tokens' probabilities; 0 for none.
#[expect(clippy::cast_precision_loss, reason = "a few hundred tokens at most")]
pub(super) fn avg_logprob(tokens: &[Token]) -> f32 {
    let sum: f32 = tokens.iter().map(|token| token.logprob).sum();
    sum / tokens.len().max(1) as f32
}

/// Whether words of this language stand apart by spaces.
pub(super) fn spaced(language: &str) -> bool {
    !matches!(
        language,
        "zh" | "ja" | "th" | "lo" | "my" | "km" | "yue" | "bo"
    )
}

/// What follows the first `known` tokens. Words that are known are whole: what would go on with the last of
/// them is left out.
pub(super) fn after(known: usize, tokens: &[Token], spaced: bool) -> &[Token] {
    let news = &tokens[known.min(tokens.len())..];
    let begins = |token: &Token| !spaced || token.bytes.first() == Some(&b' ');
    match news.iter().position(begins) {
        Some(first) if known > 0 => &news[first..],
        None if known > 0 => &[],
        _ => news,
    }
}

/// Joins tokens to words, in order and within the window. Without spaces between words, every run of
/// tokens that makes whole letters is a word.
pub(super) fn merge(tokens: &[Token], length: MediaTime, spaced: bool) -> Vec<Word> {
    let mut words = Vec::new();
    let mut reached = MediaTime::ZERO;
    let mut from = 0;
    for at in 1..=tokens.len() {
        let run = &tokens[from..at];
        let ends = match tokens.get(at) {
            None => true,
            Some(next) if spaced => next.bytes.first() == Some(&b' '),
            Some(_) => std::str::from_utf8(&joined(run)).is_ok(),
        };
        if !ends {
            continue;
        }
        if let Some(mut word) = word(run) {
            word.end = word.end.clamp(reached, length);
            word.start = word.start.clamp(reached, word.end);
            reached = word.end;
            words.push(word);
        }
        // Punctuation is looked at for as long as the pause after the word.
        reached = reached.max(time(run)).min(length);
        from = at;
    }
    words
}

/// `None` for what holds nothing spoken: lone punctuation, broken bytes. Its start is the earliest
/// that fits so many letters: the gaze leaves a word at its end, and may rest in the pause before it.
#[expect(clippy::cast_precision_loss, reason = "a word has a few tokens")]
fn word(tokens: &[Token]) -> Option<Word> {
    /// Slow speech: at most this long for a word, and for each of its letters (ms).
    const WORD_MS: u64 = 200;
    const LETTER_MS: u64 = 90;
    let bytes = joined(tokens);
    let text: String = String::from_utf8_lossy(&bytes)
        .chars()
        .filter(|c| *c != char::REPLACEMENT_CHARACTER)
        .collect();
    let text = text.trim();
    if !spoken(text.as_bytes()) {
        return None;
    }
    let last = tokens.iter().rposition(|token| spoken(&token.bytes))?;
    let sum: f32 = tokens.iter().map(|token| token.probability).sum();
    let end = time(&tokens[..=last]);
    let longest = MediaTime::from_ms(WORD_MS + LETTER_MS * text.chars().count() as u64);
    Some(Word {
        text: text.to_owned(),
        start: end.saturating_sub(longest),
        end,
        confidence: (sum / tokens.len() as f32).clamp(0.0, 1.0),
    })
}

/// Letters, digits, signs that are read aloud, and pieces of a letter.
fn spoken(bytes: &[u8]) -> bool {
    let aloud = |c: char| c.is_alphanumeric() || "&%+@#€$£°=\u{fffd}".contains(c);
    String::from_utf8_lossy(bytes).contains(aloud)
}

/// Where the gaze left the last of these tokens.
fn time(tokens: &[Token]) -> MediaTime {
    let end = tokens.iter().map(|token| token.end).max().unwrap_or(0);
    MediaTime::from_ms(u64::try_from(end).unwrap_or(0) * 10)
}

fn joined(tokens: &[Token]) -> Vec<u8> {
    tokens
        .iter()
        .flat_map(|token| token.bytes.iter().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token every 500 ms, each left at the end of its time.
    fn tokens(pieces: &[&[u8]]) -> Vec<Token> {
        let token = |(at, bytes): (i64, &&[u8])| Token {
            bytes: bytes.to_vec(),
            probability: 0.5,
            logprob: -0.5,
            end: (at + 1) * 50,
        };
        (0..).zip(pieces).map(token).collect()
    }

    fn check(pieces: &[&[u8]], spaced: bool, expected: &[(&str, u64, u64)]) {
        let words = merge(&tokens(pieces), MediaTime::from_ms(2200), spaced);
        let seen: Vec<_> = words
            .iter()
            .map(|w| (w.text.as_str(), w.start.as_ms(), w.end.as_ms()))
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_word_begins_at_a_space_and_ends_before_its_punctuation() {
        check(
            &[b" He", b"llo", b",", b" world"],
            true,
            &[("Hello,", 260, 1000), ("world", 1500, 2000)],
        );
        check(
            &[b"No", b" space"],
            true,
            &[("No", 120, 500), ("space", 500, 1000)],
        );
        check(&[], true, &[]);
    }

    #[test]
    fn news_begins_with_a_word_of_its_own() {
        let text = [" the".as_bytes(), b" dog", b"s", b",", b" bark", b"ed"];
        for (known, spaced, first) in [
            (0, true, 0),
            (1, true, 1),
            (2, true, 4),
            (5, true, 6),
            (6, true, 6),
            (9, true, 6),
            (2, false, 2),
        ] {
            let news = after(known, &tokens(&text), spaced).len();
            assert_eq!(text.len() - news, first, "{known}");
        }
    }

    #[test]
    fn letters_split_over_tokens_are_joined() {
        // "שלום" as a multilingual vocabulary may cut it: within the bytes of a letter.
        let bytes = " שלום".as_bytes();
        check(
            &[&bytes[..4], &bytes[4..6], &bytes[6..]],
            true,
            &[("שלום", 940, 1500)],
        );
        // Cut short in a letter: what is whole stays.
        check(&[&bytes[..4]], true, &[("ש", 210, 500)]);
    }

    #[test]
    fn without_spaces_whole_letters_are_words() {
        let bytes = "你好".as_bytes();
        check(
            &[&bytes[..2], &bytes[2..3], &bytes[3..]],
            false,
            &[("你", 710, 1000), ("好", 1210, 1500)],
        );
    }

    #[test]
    fn lone_punctuation_is_no_word_but_takes_its_time() {
        check(
            &[b" well", b" -", b" \xe2\x99", b"\xaa", b" $", b"5"],
            true,
            &[("well", 0, 500), ("$5", 2200, 2200)],
        );
    }

    #[test]
    fn times_stay_within_the_window_and_never_go_back() {
        let mut tokens = tokens(&[b" a", b" b", b" c"]);
        for (token, end) in tokens.iter_mut().zip([20, 10, 9000]) {
            token.end = end;
        }
        let words = merge(&tokens, MediaTime::from_ms(1000), true);
        let times: Vec<_> = words
            .iter()
            .map(|w| (w.start.as_ms(), w.end.as_ms()))
            .collect();
        assert_eq!(times, [(0, 200), (200, 200), (1000, 1000)]);
    }
}

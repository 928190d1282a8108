//! Whether what a model says was said on the call.

use super::super::{
    editex,
    said::is_hebrew,
    words::{Word, Words},
};

/// Words of a name at most, and how many others may stand between two of them.
const NAME: usize = 5;
const IN_NAME: usize = 1;

/// A name: a few words without figures, that were said together and, where the transcript knows capitals, are
/// written with them.
pub(super) fn said_as_name(words: &Words, text: &str) -> bool {
    let name = Words::of_one(text).all;
    let is_name = name.len() <= NAME && !name.iter().any(has_figure);
    is_name
        && together(words, &name, IN_NAME, |heard| {
            !words.has_capitals || may_be_named(heard)
        })
}

/// All words of a text, in its order, with at most so many others between any two.
pub(super) fn said_together(words: &Words, text: &str, between: usize) -> bool {
    let text = Words::of_one(text).all;
    match only_digits(&text) {
        Some(digits) => digits_said(words, &digits),
        None => together(words, &text, between, |_| true),
    }
}

/// Scripts without capitals have no lower case either; "de" and "van" stand small in a name.
fn may_be_named(heard: &Word) -> bool {
    heard.is_capital || heard.letters.len() <= 3 || !heard.letters[0].is_lowercase()
}

fn together(words: &Words, text: &[Word], between: usize, fits: impl Fn(&Word) -> bool) -> bool {
    let [first, rest @ ..] = text else {
        return false;
    };
    let heard = &words.all;
    let is = |at: usize, word: &Word| {
        !heard[at].is_addressed && fits(&heard[at]) && sounds_like(&heard[at], word)
    };
    (0..heard.len()).any(|start| {
        let mut at = start;
        is(start, first)
            && rest.iter().all(|word| {
                let reach = at + 1..(at + 2 + between).min(heard.len());
                let next = reach.into_iter().find(|at| is(*at, word));
                at = next.unwrap_or(at);
                next.is_some()
            })
    })
}

/// Of a text's words of four letters and more; of all, where all are shorter.
pub(super) fn share_said(words: &Words, text: &str) -> f32 {
    let text = Words::of_one(text).all;
    let is_long = |word: &&Word| word.letters.len() >= 4;
    let has_long = text.iter().any(|word| is_long(&word));
    let (mut said, mut all) = (0.0, 0.0);
    for word in text.iter().filter(|word| !has_long || is_long(word)) {
        all += 1.0;
        if is_said(words, word) {
            said += 1.0;
        }
    }
    if all > 0.0 { said / all } else { 1.0 }
}

pub(super) fn figures_said(words: &Words, text: &str) -> bool {
    let text = Words::of_one(text).all;
    let mut runs = text.chunk_by(|one, other| is_digits(one) && is_digits(other));
    runs.all(|run| match only_digits(run) {
        Some(digits) => digits_said(words, &digits),
        None => run
            .iter()
            .filter(|w| has_figure(w))
            .all(|w| is_said(words, w)),
    })
}

/// Words with a capital that do not begin a sentence; where all have one, it is a manner of writing.
pub(super) fn names_said(words: &Words, text: &str) -> bool {
    let text = Words::of_one(text).all;
    let within = text
        .windows(2)
        .filter(|pair| pair[0].sentence == pair[1].sentence)
        .map(|pair| &pair[1]);
    let is_title = within
        .clone()
        .filter(|w| w.letters.len() >= 4)
        .all(|w| w.is_capital);
    is_title || within.filter(|w| w.is_capital).all(|w| is_said(words, w))
}

fn is_said(words: &Words, word: &Word) -> bool {
    let mut heard = words.all.iter().filter(|heard| !heard.is_addressed);
    heard.any(|heard| sounds_like(heard, word))
}

/// The word, one that sounds like it, or one that begins or ends like it: languages bend their words.
fn sounds_like(heard: &Word, word: &Word) -> bool {
    let (other, letters) = (&heard.letters[..], &word.letters[..]);
    if has_figure(word) || has_figure(heard) {
        return other == letters;
    }
    let leave = match letters.len() {
        0..=3 => 0,
        more => u32::try_from(more / 3).unwrap_or(0),
    };
    let (short, long) = if other.len() < letters.len() {
        (other, letters)
    } else {
        (letters, other)
    };
    let is_bent = short.len() >= 4 && (long.starts_with(short) || long.ends_with(short));
    let has_prefix =
        is_hebrew(other[0]) && other.ends_with(letters) && other.len() - letters.len() <= 2;
    is_bent || has_prefix || editex::distance(letters, other, leave).is_some()
}

fn has_figure(word: &Word) -> bool {
    word.letters.iter().any(char::is_ascii_digit)
}

fn is_digits(word: &Word) -> bool {
    word.letters.iter().all(char::is_ascii_digit)
}

/// Of a number that may be written in groups.
fn only_digits(text: &[Word]) -> Option<String> {
    let is_number = !text.is_empty() && text.iter().all(is_digits);
    is_number.then(|| text.iter().flat_map(|word| &word.letters).collect())
}

/// `447192`, which was heard as `4 4 7 1 9 2` or `447-192`; whole words of it.
fn digits_said(words: &Words, digits: &str) -> bool {
    let heard: Vec<&Word> = words.all.iter().filter(|w| !w.is_addressed).collect();
    (0..heard.len()).any(|start| {
        let mut left = digits;
        for word in heard[start..].iter().take_while(|word| is_digits(word)) {
            let group: String = word.letters.iter().collect();
            let Some(rest) = left.strip_prefix(group.as_str()) else {
                return false;
            };
            if rest.is_empty() {
                return true;
            }
            left = rest;
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_said_apart_are_not_said_together() {
        let call = Words::of_one(
            "This is John speaking. My name is Alice Brown, my number is 4 4 7 1 9 2, it costs 1,850 dollars. \
             Can you come tomorrow? At what time? At five, אני בחיפה.",
        );
        for (text, between, expected) in [
            ("Alice Brown", 1, true),
            ("alice brown", 0, true),
            // A model made one name of the agent's and the caller's.
            ("John Brown", 1, false),
            ("Brown Alice", 1, false),
            ("tomorrow at five", 4, true),
            ("five tomorrow", 4, false),
            ("447192", 0, true),
            ("4471", 0, true),
            ("47192", 0, true),
            ("447193", 0, false),
            ("1850", 0, true),
            ("$1,850", 0, true),
            ("185", 0, false),
            ("חיפה", 0, true),
            ("", 0, false),
        ] {
            assert_eq!(said_together(&call, text, between), expected, "{text:?}");
        }
    }

    /// What a small model took for names.
    #[test]
    fn a_name_is_written_as_one() {
        let call = Words::of_one(
            "Hello, this is John Smith, I have a hibachi party booked. No, you have the wrong number. My policy is 4 4 7. \
             Ask for Ludwig van Beethoven. שמי רחל לוי.",
        );
        for (text, expected) in [
            ("John Smith", true),
            ("Ludwig van Beethoven", true),
            ("רחל לוי", true),
            ("Hibachi Party", false),
            ("No, you have the wrong number.", false),
            ("447", false),
            ("John Beethoven", false),
            ("", false),
        ] {
            assert_eq!(said_as_name(&call, text), expected, "{text:?}");
        }
        let small = Words::of_one("this is john smith");
        assert!(
            said_as_name(&small, "John Smith"),
            "a transcript without capitals"
        );
    }

    #[test]
    fn figures_and_names_of_an_opinion_are_said() {
        let call = Words::of_one("Please send photos to Maria by Friday, claim number 90312.");
        for (text, figures, names) in [
            ("Send the photos", true, true),
            ("send photos to Maria by Friday", true, true),
            ("Send photos to Peter", true, false),
            ("Open claim 90312", true, true),
            ("Open claim 90 312 for 50 dollars", false, true),
            // A manner of writing.
            ("Send Photos To Office", true, true),
            ("Peter", true, true),
        ] {
            assert_eq!(figures_said(&call, text), figures, "{text:?}");
            assert_eq!(names_said(&call, text), names, "{text:?}");
        }
    }
}

//! Numbers in words, and how many people come.

use super::tokens::{Before, Token};

const ENGLISH: [(&str, u32); 29] = [
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("thirteen", 13),
    ("fourteen", 14),
    ("fifteen", 15),
    ("sixteen", 16),
    ("seventeen", 17),
    ("eighteen", 18),
    ("nineteen", 19),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fourty", 40),
    ("fifty", 50),
    ("sixty", 60),
    ("seventy", 70),
    ("eighty", 80),
    ("ninety", 90),
    ("hundred", 100),
];
/// Of either gender, folded: final letters as others.
const HEBREW: [(&str, u32); 37] = [
    ("אחת", 1),
    ("אחד", 1),
    ("שתיימ", 2),
    ("שניימ", 2),
    ("שתי", 2),
    ("שני", 2),
    ("שלוש", 3),
    ("שלושה", 3),
    ("ארבע", 4),
    ("ארבעה", 4),
    ("חמש", 5),
    ("חמישה", 5),
    ("שש", 6),
    ("שישה", 6),
    ("ששה", 6),
    ("שבע", 7),
    ("שבעה", 7),
    ("שמונה", 8),
    ("תשע", 9),
    ("תשעה", 9),
    ("עשר", 10),
    ("עשרה", 10),
    ("שתימ", 2),
    ("שנימ", 2),
    ("עשרימ", 20),
    ("שלושימ", 30),
    ("ארבעימ", 40),
    ("חמישימ", 50),
    ("שישימ", 60),
    ("ששימ", 60),
    ("שבעימ", 70),
    ("שמונימ", 80),
    ("תשעימ", 90),
    ("מאה", 100),
    ("מאתיימ", 200),
    ("תריסר", 12),
    ("זוג", 2),
];
const PEOPLE: [&str; 22] = [
    "people",
    "persons",
    "person",
    "guests",
    "guest",
    "adults",
    "diners",
    "heads",
    "seats",
    "pax",
    "attendees",
    "איש",
    "אנשימ",
    "אורחימ",
    "סועדימ",
    "מוזמנימ",
    "מבוגרימ",
    "נפשות",
    "מקומות",
    "חברימ",
    "משתתפימ",
    "אורחות",
];

/// The number that begins there, and how many words it is.
pub(super) fn at(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    let first = tokens.get(at)?;
    if let Some(number) = first.number {
        return Some((number, 1));
    }
    let value_first = word(first)?;
    let Some(next) = tokens
        .get(at + 1)
        .filter(|next| next.before != Before::More)
    else {
        return Some((value_first, 1));
    };
    match word(next) {
        // Twenty five; עשרים וחמישה.
        Some(ones @ 1..=9) if (20..100).contains(&value_first) => Some((value_first + ones, 2)),
        // חמישה עשר, שבע עשרה.
        Some(10) if value_first < 10 && is_hebrew(first) => Some((value_first + 10, 2)),
        Some(100) if value_first < 10 => Some((value_first * 100, 2)),
        _ => Some((value_first, 1)),
    }
}

fn is_hebrew(token: &Token) -> bool {
    token.text.starts_with(|c: char| matches!(c, 'א'..='ת'))
}

/// Of a word alone; of a Hebrew one behind its prefix as well.
pub(super) fn word(token: &Token) -> Option<u32> {
    let english = ENGLISH.iter().find(|(word, _)| *word == token.text);
    english.map(|(_, value)| *value).or_else(|| {
        let mut forms = token.forms();
        forms.find_map(hebrew)
    })
}

pub(super) fn hebrew(word: &str) -> Option<u32> {
    HEBREW
        .iter()
        .find(|(known, _)| *known == word)
        .map(|(_, value)| *value)
}

/// How many people, where the words that begin here say so; how many words were read.
pub(super) fn guests(tokens: &[Token], here: usize, found: &mut Vec<u32>) -> usize {
    let word = &tokens[here];
    let after = |skip: usize| at(tokens, here + skip);
    let next = |skip: usize, words: &[&str]| {
        tokens
            .get(here + skip)
            .is_some_and(|token| token.is_one_of(words))
    };
    // 30 people; thirty hungry guests; six of us; שלושים איש.
    if let Some((number, words)) = at(tokens, here) {
        let after_it = here + words;
        let is_counted = tokens
            .get(after_it)
            .is_some_and(|token| token.is_one_of(&PEOPLE))
            || next(words, &["of"]) && next(words + 1, &["us"])
            || next(words, &["or"])
                && at(tokens, after_it + 1)
                    .is_some_and(|(_, more)| next(words + 1 + more, &PEOPLE));
        if is_counted {
            found.push(number);
            return words;
        }
        return 0;
    }
    // Party of six, a table for four, a booking for 4.
    let is_group = word.is_one_of(&[
        "party",
        "group",
        "table",
        "reservation",
        "booking",
        "seating",
    ]);
    if is_group && next(1, &["of", "for"]) && !is_hour(tokens, here + 2) {
        if let Some((number, words)) = after(2) {
            found.push(number);
            return words + 2;
        }
        return 0;
    }
    if word.is_one_of(&["were", "we"]) {
        let skip = if next(1, &["are", "will"]) {
            if next(2, &["be"]) { 3 } else { 2 }
        } else {
            1
        };
        if let Some((number, words)) = after(skip).filter(|_| skip > 1 || word.text == "were")
            && !is_hour(tokens, here + skip)
        {
            found.push(number);
            return skip + words;
        }
    }
    // שולחן לשישה, מקום ל-4, אנחנו שמונה.
    let is_place = word
        .forms()
        .any(|form| ["שולחנ", "מקומ", "הזמנה", "אנחנו", "נהיה"].contains(&form));
    if is_place {
        let skip = if next(1, &["ל"]) { 2 } else { 1 };
        let to = tokens
            .get(here + 1)
            .is_some_and(|token| token.led_by('ל').is_some());
        let is_said = to || word.is_one_of(&["אנחנו", "נהיה"]);
        if let Some((number, words)) = after(skip).filter(|_| is_said) {
            found.push(number);
            return skip + words;
        }
    }
    0
}

/// "a table for 7:30", "for seven pm": an hour rather than people.
fn is_hour(tokens: &[Token], here: usize) -> bool {
    let Some((_, words)) = at(tokens, here) else {
        return false;
    };
    tokens.get(here + words).is_some_and(|next| {
        next.is_joined_by(&[':', '.']) && next.number.is_some()
            || next.is_one_of(&[
                "pm", "am", "p", "a", "oclock", "thirty", "th", "st", "nd", "rd",
            ])
    })
}

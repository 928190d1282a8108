//! Times of day and meals: 7 pm, half past seven, 19:30, noon, dinner; בשבע וחצי, בשמונה בערב.

use jiff::civil::Time;

use super::{Meal, numbers, tokens::Token};

const AT: [&str; 9] = [
    "at", "around", "about", "by", "until", "till", "from", "before", "after",
];

/// Adds the time that is spoken of here; how many words it took.
pub(super) fn at(tokens: &[Token], here: usize, found: &mut Vec<Time>) -> usize {
    let word = &tokens[here];
    let next = |skip: usize, words: &[&str]| {
        tokens
            .get(here + skip)
            .is_some_and(|token| token.is_one_of(words))
    };
    if word.is_one_of(&["noon", "midday"]) || word.text == "mid" && next(1, &["day"]) {
        found.extend(Time::new(12, 0, 0, 0).ok());
        return 1;
    }
    if word.text == "midnight" || word.forms().any(|form| form == "חצות") {
        found.push(Time::midnight());
        return 1;
    }
    // Half past seven, quarter to eight; רבע לשמונה.
    let offset = match word.text.as_str() {
        "half" if next(1, &["past"]) => Some((30, 2)),
        "quarter" if next(1, &["past", "after"]) => Some((15, 2)),
        "quarter" if next(1, &["to", "before"]) => Some((-15, 2)),
        "רבע" | "ברבע"
            if tokens
                .get(here + 1)
                .is_some_and(|next| next.led_by('ל').is_some()) =>
        {
            Some((-15, 1))
        }
        _ => None,
    };
    if let Some((minutes, skip)) = offset {
        let Some((hour, words)) = numbers::at(tokens, here + skip).filter(|(hour, _)| *hour <= 12)
        else {
            return 0;
        };
        put(
            hour * 60,
            minutes,
            half_of_day(tokens, here + skip + words),
            found,
        );
        return skip + words;
    }
    clock(tokens, here, found)
}

/// 19:30, 7.30 pm, 7 pm, at seven, seven thirty; ב-19:30, בשבע, בשעה 7 ורבע.
fn clock(tokens: &[Token], here: usize, found: &mut Vec<Time>) -> usize {
    let Some((hour, words)) = numbers::at(tokens, here).filter(|(hour, _)| *hour <= 24) else {
        return 0;
    };
    let word = &tokens[here];
    let then = tokens.get(here + words);
    let before = here.checked_sub(1).map(|before| &tokens[before]);
    let minute = then.filter(|then| {
        word.number.is_some() && then.is_joined_by(&[':', '.']) && then.text.len() == 2
    });
    if let Some(minute) = minute
        .and_then(|minute| minute.number)
        .filter(|minute| *minute < 60)
    {
        let half = half_of_day(tokens, here + 2);
        put(hour * 60, i64::from(minute), half, found);
        return 2;
    }
    let said_minutes = match then.map(|then| then.text.as_str()) {
        Some("thirty" | "וחצי") => Some(30),
        Some("fifteen" | "ורבע") => Some(15),
        Some("fortyfive") => Some(45),
        _ => None,
    };
    let more = usize::from(said_minutes.is_some());
    let half = half_of_day(tokens, here + words + more);
    let is_at = before.is_some_and(|before| {
        before.is_one_of(&AT) || before.is_one_of(&["ב", "בשעה", "לשעה", "השעה", "ל"])
    }) || word.number.is_none()
        && word
            .led_by('ב')
            .is_some_and(|rest| numbers::hebrew(rest).is_some());
    let is_hour =
        half.is_some() || then.is_some_and(|then| then.text == "oclock" || then.text == "o");
    let is_short = said_minutes.is_some() && hour <= 12;
    if !(is_at || is_hour || is_short) || hour == 0 {
        return 0;
    }
    put(hour * 60, said_minutes.unwrap_or(0), half, found);
    words + more
}

/// Whether the words there say before or after noon.
fn half_of_day(tokens: &[Token], here: usize) -> Option<bool> {
    let word = tokens.get(here)?;
    let next = tokens.get(here + 1);
    let is_m = |letter: &str| word.text == letter && next.is_some_and(|next| next.text == "m");
    match word.text.as_str() {
        "pm" | "בערב" | "בצהריימ" | "בצהרימ" | "אחה" | "אחר" | "בלילה" => {
            Some(true)
        }
        "am" | "בבוקר" => Some(false),
        _ if is_m("p") => Some(true),
        _ if is_m("a") => Some(false),
        _ => None,
    }
}

/// Of an hour up to twelve without its half, both are meant.
fn put(hour_minutes: u32, minutes: i64, is_after_noon: Option<bool>, found: &mut Vec<Time>) {
    let total = i64::from(hour_minutes) + minutes;
    let (before, after) = (total % 720, total % 720 + 720);
    let readings = match is_after_noon {
        _ if total >= 780 => vec![total],
        Some(true) => vec![after],
        Some(false) => vec![before],
        None => vec![before, after],
    };
    for minutes in readings {
        let hour = i8::try_from(minutes / 60 % 24).unwrap_or(0);
        let minute = i8::try_from(minutes % 60).unwrap_or(0);
        found.extend(Time::new(hour, minute, 0, 0).ok());
    }
}

/// "In the evening", said once, is meant of all hours that were said.
pub(super) fn part_of_day(tokens: &[Token]) -> Option<fn(Time) -> bool> {
    let said = |words: &[&str]| tokens.iter().any(|token| token.is_one_of(words));
    let late = said(&["evening", "afternoon", "tonight", "בערב", "הערב"]);
    let early = said(&["morning", "בבוקר"]);
    match (early, late) {
        (false, true) => Some(|time| time.hour() >= 12),
        _ => None,
    }
}

pub(super) fn meal(tokens: &[Token]) -> Option<Meal> {
    let word = tokens.first()?;
    let of = |words: &[&str]| tokens.get(1).is_some_and(|next| next.is_one_of(words));
    let is_meal = word.forms().any(|form| form == "ארוחת" || form == "ארוחה");
    match word.text.as_str() {
        "breakfast" => Some(Meal::Breakfast),
        "brunch" | "בראנצ" => Some(Meal::Brunch),
        "lunch" | "luncheon" => Some(Meal::Lunch),
        "dinner" | "supper" => Some(Meal::Dinner),
        _ if is_meal && of(&["בוקר", "הבוקר"]) => Some(Meal::Breakfast),
        _ if is_meal && of(&["צהריימ", "צהרימ", "הצהריימ"]) => Some(Meal::Lunch),
        _ if is_meal && of(&["ערב", "הערב"]) => Some(Meal::Dinner),
        _ => None,
    }
}

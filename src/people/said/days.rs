//! Days: today, next Friday, the 15th, 15 November, 15/11; היום, ביום שישי, ב-15 בנובמבר.

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
};

use super::{near, numbers, tokens::Token};

const MONTHS: [[&str; 3]; 12] = [
    ["january", "jan", "ינואר"],
    ["february", "feb", "פברואר"],
    ["march", "mar", "מרצ"],
    ["april", "apr", "אפריל"],
    ["may", "may", "מאי"],
    ["june", "jun", "יוני"],
    ["july", "jul", "יולי"],
    ["august", "aug", "אוגוסט"],
    ["september", "sep", "ספטמבר"],
    ["october", "oct", "אוקטובר"],
    ["november", "nov", "נובמבר"],
    ["december", "dec", "דצמבר"],
];
const DAYS: [(Weekday, [&str; 2]); 7] = [
    (Weekday::Sunday, ["sunday", "ראשונ"]),
    (Weekday::Monday, ["monday", "שני"]),
    (Weekday::Tuesday, ["tuesday", "שלישי"]),
    (Weekday::Wednesday, ["wednesday", "רביעי"]),
    (Weekday::Thursday, ["thursday", "חמישי"]),
    (Weekday::Friday, ["friday", "שישי"]),
    (Weekday::Saturday, ["saturday", "שבת"]),
];
const ORDINALS: [(&str, i8); 22] = [
    ("first", 1),
    ("second", 2),
    ("third", 3),
    ("fourth", 4),
    ("fifth", 5),
    ("sixth", 6),
    ("seventh", 7),
    ("eighth", 8),
    ("ninth", 9),
    ("tenth", 10),
    ("eleventh", 11),
    ("twelfth", 12),
    ("thirteenth", 13),
    ("fourteenth", 14),
    ("fifteenth", 15),
    ("sixteenth", 16),
    ("seventeenth", 17),
    ("eighteenth", 18),
    ("nineteenth", 19),
    ("twentieth", 20),
    ("thirtieth", 30),
    ("last", 0),
];

/// Reads a day that is spoken of in one manner.
type Way = fn(&[Token], usize, Date, &mut Vec<Date>) -> usize;

/// Adds the day that is spoken of here; how many words it took.
pub(super) fn at(tokens: &[Token], here: usize, called: Date, found: &mut Vec<Date>) -> usize {
    let ways: [Way; 4] = [relative, in_figures, of_a_month, weekday];
    let mut ways = ways.into_iter().map(|way| way(tokens, here, called, found));
    ways.find(|used| *used > 0).unwrap_or(0)
}

fn relative(tokens: &[Token], here: usize, called: Date, found: &mut Vec<Date>) -> usize {
    let word = &tokens[here];
    let is_day_after = word.text == "day"
        && tokens
            .get(here + 1)
            .is_some_and(|next| next.text == "after")
        && tokens
            .get(here + 2)
            .is_some_and(|next| next.text == "tomorrow");
    let mut forms = word.forms();
    let (days, used) = if is_day_after {
        (2, 3)
    } else if word.is_one_of(&["today", "tonight"])
        || forms.any(|form| ["היומ", "הערב", "הלילה"].contains(&form))
    {
        (0, 1)
    } else if word.text == "tomorrow" || word.forms().any(|form| form == "מחר") {
        (1, 1)
    } else if word.forms().any(|form| form == "מחרתיימ") {
        (2, 1)
    } else if word.text == "yesterday" || word.forms().any(|form| form == "אתמול") {
        (-1, 1)
    } else {
        return 0;
    };
    found.extend(called.checked_add(days.days()).ok());
    used
}

/// 15/11, 15.11.2024, 2024-11-15. Which of two small numbers is the month is not known.
fn in_figures(tokens: &[Token], here: usize, called: Date, found: &mut Vec<Date>) -> usize {
    let Some(first) = tokens[here].number else {
        return 0;
    };
    let figure = |skip: usize, marks: &[char]| {
        let token = tokens.get(here + skip)?;
        token.number.filter(|_| token.is_joined_by(marks))
    };
    let marks = &['/', '.', '-'];
    let Some(second) = figure(1, marks) else {
        return 0;
    };
    let third = figure(2, marks);
    if first > 1000 {
        let day = date(Some(first), second, third.unwrap_or(0), called);
        found.extend(day);
        return if day.is_some() { 3 } else { 0 };
    }
    // Of two numbers a dot makes a time as well (7.30), and a hyphen a range (5-6).
    if third.is_none()
        && figure(1, &['/']).is_none()
        && (second > 12 || figure(1, &['.']).is_none())
    {
        return 0;
    }
    let year = third.map(|year| if year < 100 { 2000 + year } else { year });
    let readings = [
        date(year, second, first, called),
        date(year, first, second, called),
    ];
    let before = found.len();
    found.extend(readings.into_iter().flatten());
    match found.len() - before {
        0 => 0,
        _ => 2 + usize::from(third.is_some()),
    }
}

fn date(year: Option<u32>, month: u32, day: u32, called: Date) -> Option<Date> {
    let month = i8::try_from(month).ok()?;
    let day = i8::try_from(day).ok()?;
    match year {
        Some(year) => Date::new(i16::try_from(year).ok()?, month, day).ok(),
        None => near(called, |at| (at.month(), at.day()) == (month, day)),
    }
}

/// 15 November, the 15th of November, November 15; the 15th; ב-15 בנובמבר, ה-15 לחודש.
fn of_a_month(tokens: &[Token], here: usize, called: Date, found: &mut Vec<Date>) -> usize {
    if let Some(month) = month(&tokens[here]) {
        let skip = if tokens.get(here + 1).is_some_and(|next| next.text == "the") {
            2
        } else {
            1
        };
        let Some((day, words, is_ordinal)) = day_of(tokens, here + skip) else {
            return 0;
        };
        let is_figure = tokens[here + skip].number.is_some();
        // "May 5 people come" is rare; "may I" is not.
        let near_day = (is_figure || is_ordinal)
            .then(|| near(called, |at| (at.month(), at.day()) == (month, day)));
        found.extend(near_day.flatten());
        return if near_day.flatten().is_some() {
            skip + words
        } else {
            0
        };
    }
    let Some((day, words, is_ordinal)) = day_of(tokens, here) else {
        return 0;
    };
    let of = tokens
        .get(here + words)
        .is_some_and(|next| next.text == "of");
    let then = tokens.get(here + words + usize::from(of));
    if let Some(month) = then.and_then(month) {
        found.extend(near(called, |at| (at.month(), at.day()) == (month, day)));
        return words + usize::from(of) + 1;
    }
    let before = here.checked_sub(1).map(|before| &tokens[before]);
    let is_the = before.is_some_and(|before| before.is_one_of(&["the", "ה"]))
        || then.is_some_and(|then| then.text == "לחודש");
    let is_word = tokens[here].number.is_none();
    // "The first time", "a second" are no days.
    let is_plain = !is_word || is_the && day > 3;
    if is_ordinal && is_plain || then.is_some_and(|then| then.text == "לחודש") {
        found.extend(near(called, |at| at.day() == day));
        return words;
    }
    0
}

/// A day of a month there, how many words it is, and whether it is an ordinal.
fn day_of(tokens: &[Token], here: usize) -> Option<(i8, usize, bool)> {
    let word = tokens.get(here)?;
    let ordinal = |token: &Token| {
        ORDINALS
            .iter()
            .find(|(name, _)| *name == token.text)
            .map(|(_, day)| *day)
    };
    let next = tokens.get(here + 1);
    let (day, words, is_ordinal) = if let Some(day) = ordinal(word).filter(|day| *day > 0) {
        (day, 1, true)
    } else if let (Some(tens @ (20 | 30)), Some(ones)) =
        (numbers::word(word), next.and_then(ordinal))
    {
        (i8::try_from(tens).ok()? + ones, 2, true)
    } else {
        let (day, words) = numbers::at(tokens, here)?;
        let ends = tokens
            .get(here + words)
            .is_some_and(|next| next.is_one_of(&["st", "nd", "rd", "th"]));
        (i8::try_from(day).ok()?, words + usize::from(ends), ends)
    };
    (1..=31).contains(&day).then_some((day, words, is_ordinal))
}

fn month(token: &Token) -> Option<i8> {
    let names = |names: &[&str; 3]| token.forms().any(|form| names.contains(&form));
    let at = MONTHS.iter().position(names)?;
    // A word of every day, unless it is written as a name.
    let is_may = at == 4 && token.text == "may" && !token.is_capital;
    (!is_may).then(|| i8::try_from(at + 1).unwrap_or(1))
}

/// Friday, next Friday; ביום שישי, בשבת, ביום שישי הבא.
fn weekday(tokens: &[Token], here: usize, called: Date, found: &mut Vec<Date>) -> usize {
    let word = &tokens[here];
    let before = here.checked_sub(1).map(|before| &tokens[before]);
    let is_day = |token: &&Token| token.forms().any(|form| form == "יומ");
    let named = DAYS.iter().find(|(_, [english, hebrew])| {
        let is_hebrew = word.forms().any(|form| form == *hebrew);
        let is_sure = before.filter(is_day).is_some()
            || ["שבת", "בשבת", "בשישי", "בחמישי"].contains(&word.text.as_str());
        word.text == *english
            || word.text.strip_suffix('s') == Some(english)
            || is_hebrew && is_sure
    });
    let Some((day, _)) = named else {
        return 0;
    };
    let coming = (0..7_i64).filter_map(|n| called.checked_add(n.days()).ok());
    let Some(coming) = coming.into_iter().find(|date| date.weekday() == *day) else {
        return 0;
    };
    let last = before.is_some_and(|before| before.text == "last");
    let next = before.is_some_and(|before| before.text == "next")
        || tokens
            .get(here + 1)
            .is_some_and(|after| after.text == "הבא" || after.text == "הבאה");
    match (last, next) {
        (true, _) => found.extend(coming.checked_sub(7.days()).ok()),
        // Said on a Friday, "next Friday" is none but the one in a week.
        (_, true) if coming == called => found.extend(coming.checked_add(7.days()).ok()),
        (_, true) => {
            found.push(coming);
            found.extend(coming.checked_add(7.days()).ok());
        }
        _ => found.push(coming),
    }
    1
}

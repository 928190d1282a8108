//! What can be seen in a transcript without understanding it: dates, times, amounts, numbers, names after
//! cues. Each value is a piece of the text itself, so that none is invented.

use serde_json::{Map, Value, json};

use super::{
    Said,
    domain::{Extracted, General},
    lists::prefixes,
    said::is_hebrew,
    words::{Word, Words},
};

#[cfg(test)]
mod tests;

/// Of each kind, at most so many.
const MOST: usize = 10;
/// Digits from which a number is one that somebody is known by.
const LONG_NUMBER: usize = 5;

/// Folded; of two months that are other words too see [`Text::is_month`].
const MONTHS: [&str; 24] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "ינואר",
    "פברואר",
    "מרצ",
    "אפריל",
    "מאי",
    "יוני",
    "יולי",
    "אוגוסט",
    "ספטמבר",
    "אוקטובר",
    "נובמבר",
    "דצמבר",
];
const DAYS: [&str; 12] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "tomorrow",
    "today",
    "היומ",
    "מחר",
    "מחרתיימ",
];
/// After "יום".
const NUMBERED_DAYS: [&str; 7] = ["ראשונ", "שני", "שלישי", "רביעי", "חמישי", "שישי", "שבת"];
const MONEY: [&str; 14] = [
    "dollar",
    "dollars",
    "euro",
    "euros",
    "pounds",
    "shekel",
    "shekels",
    "cents",
    "שקל",
    "שקלימ",
    "שח",
    "דולר",
    "דולרימ",
    "אירו",
];
const DAYTIMES: [&str; 4] = ["בבוקר", "בערב", "בצהריימ", "בלילה"];
const CUES: [&[&str]; 7] = [
    &["my", "name", "is"],
    &["this", "is"],
    &["am", "i", "speaking", "with"],
    &["am", "i", "speaking", "to"],
    &["שמי"],
    &["קוראימ", "לי"],
    &["השמ", "שלי", "הוא"],
];
/// With a capital, and no name.
const NO_NAMES: [&str; 12] = [
    "i", "a", "an", "the", "dr", "doctor", "mr", "mrs", "ms", "miss", "not", "ok",
];

/// What the patterns find, marked as found by them.
pub(super) fn extract(said: &Said, words: &Words) -> Extracted {
    let text = Text { said, words };
    let mut specific = Map::new();
    for (key, found) in [
        ("dates", text.all(Text::date)),
        ("times", text.all(Text::time)),
        ("amounts", text.all(Text::amount)),
        ("numbers", text.all(Text::number)),
    ] {
        if !found.is_empty() {
            specific.insert(key.into(), json!(found));
        }
    }
    if let Some(doctor) = text.all(Text::doctor).into_iter().next() {
        specific.insert("provider".into(), Value::String(doctor));
    }
    Extracted {
        general: text.general(),
        specific,
        ..Extracted::nothing()
    }
}

struct Text<'a> {
    said: &'a Said,
    words: &'a Words,
}

impl Text<'_> {
    fn all(&self, find: impl Fn(&Self, usize) -> Option<String>) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for at in 0..self.words.all.len() {
            let Some(found) = find(self, at) else {
                continue;
            };
            if all.len() < MOST && !all.contains(&found) {
                all.push(found);
            }
        }
        all
    }

    /// The word, where it is of the same turn as the one at `at`.
    fn near(&self, at: usize, by: usize) -> Option<&Word> {
        let (here, there) = (self.words.all.get(at)?, self.words.all.get(at + by)?);
        (here.turn == there.turn).then_some(there)
    }

    fn is(&self, at: usize, by: usize, of: &[&str]) -> bool {
        let word = self.near(at, by);
        word.is_some_and(|word| of.iter().any(|one| word.is(one)))
    }

    fn is_number(&self, at: usize, by: usize) -> bool {
        let starts = |word: &Word| word.letters.first().is_some_and(char::is_ascii_digit);
        self.near(at, by).is_some_and(starts)
    }

    /// Of digits alone.
    fn is_figure(&self, at: usize) -> bool {
        let all = |word: &Word| word.letters.iter().all(char::is_ascii_digit);
        self.near(at, 0).is_some_and(all)
    }

    /// Where a word ends in its turn, and that turn's text.
    fn end(&self, at: usize) -> Option<(usize, &str)> {
        let word = self.words.all.get(at)?;
        let text = &self.said.turns.get(word.turn)?.text;
        let rest = text.get(word.start..)?;
        let length =
            rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '"' | '׳' | '״'));
        Some((word.start + length.unwrap_or(rest.len()), text))
    }

    /// Whether nothing but one of these stands between a word and the next, both of them figures.
    fn joins(&self, at: usize, signs: &[char]) -> bool {
        let between = || {
            let (end, text) = self.end(at)?;
            let next = self.near(at, 1)?;
            text.get(end..next.start)
        };
        let is_sign = |text: &str| {
            let mut letters = text.chars();
            letters.next().is_some_and(|c| signs.contains(&c)) && letters.next().is_none()
        };
        self.is_number(at, 0) && self.is_number(at, 1) && between().is_some_and(is_sign)
    }

    /// From the first part of a number to its last, as in 1,250.50; `None` within one.
    fn whole(&self, at: usize, signs: &[char]) -> Option<usize> {
        let is_within = at
            .checked_sub(1)
            .is_some_and(|before| self.joins(before, &['.', ',', ':', '-', '/']));
        if !self.is_number(at, 0) || is_within {
            return None;
        }
        let mut last = at;
        while self.joins(last, signs) {
            last += 1;
        }
        Some(last)
    }

    /// As it is written, from one word to another.
    fn written(&self, from: usize, to: usize) -> Option<String> {
        let (first, (end, text)) = (self.words.all.get(from)?, self.end(to)?);
        text.get(first.start..end).map(ToOwned::to_owned)
    }

    /// With what Hebrew writes before a word.
    fn is_prefixed(&self, at: usize, by: usize, of: &[&str]) -> bool {
        self.near(at, by).is_some_and(|word| {
            let bare = |taken: usize| word.letters.get(taken..).unwrap_or_default();
            prefixes(&word.letters).into_iter().any(|taken| {
                of.iter()
                    .any(|one| bare(taken).iter().copied().eq(one.chars()))
            })
        })
    }

    /// "May" and "march" are something else without a capital, where there are capitals at all.
    fn is_month(&self, at: usize, by: usize) -> bool {
        let is_clear = |word: &Word| {
            word.is_capital || !self.words.has_capitals || !(word.is("may") || word.is("march"))
        };
        self.is_prefixed(at, by, &MONTHS) && self.near(at, by).is_some_and(is_clear)
    }

    fn date(&self, at: usize) -> Option<String> {
        let is_day = |by| {
            let digits = self.near(at, by).map_or(0, |word| {
                word.letters.iter().filter(|c| c.is_ascii_digit()).count()
            });
            self.is_number(at, by) && digits <= 2
        };
        match () {
            () if self.is_iso(at) => self.written(at, at + 2),
            // A month stands beside a number.
            () if self.is_month(at, 0) && is_day(1) => self.written(at, at + 1),
            () if is_day(0) && self.is(at, 1, &["of"]) && self.is_month(at, 2) => {
                self.written(at, at + 2)
            }
            () if is_day(0) && self.is_month(at, 1) && !self.is_taken(at) => {
                self.written(at, at + 1)
            }
            () if self.is(at, 0, &DAYS) => self.written(at, at),
            () if self.is_prefixed(at, 0, &["יומ"]) && self.is(at, 1, &NUMBERED_DAYS) => {
                self.written(at, at + 1)
            }
            () => None,
        }
    }

    /// The number belongs to a month before it.
    fn is_taken(&self, at: usize) -> bool {
        at.checked_sub(1)
            .is_some_and(|before| self.is_month(before, 0) && self.near(before, 1).is_some())
    }

    fn is_iso(&self, at: usize) -> bool {
        let digits = |by| self.near(at, by).map_or(0, |word| word.letters.len());
        self.whole(at, &['-']) == Some(at + 2)
            && [digits(0), digits(1), digits(2)] == [4, 2, 2]
            && (at..at + 3).all(|at| self.is_figure(at))
    }

    fn time(&self, at: usize) -> Option<String> {
        let halves = ["am", "pm", "a", "p", "oclock"];
        let last = self.whole(at, &[':'])?;
        let digits: String = self.near(at, 0)?.letters.iter().collect();
        let digits = digits.trim_end_matches(['a', 'p', 'm']);
        let hour: u8 = digits.parse().ok()?;
        if hour > 24 {
            return None;
        }
        let by = last + 1 - at;
        let is_half = || self.is(at, by, &halves[..2]) || self.is(at, by, &halves[4..]);
        let is_after = || {
            at.checked_sub(1)
                .is_some_and(|before| self.is_prefixed(before, 0, &["שעה"]))
        };
        let text = self.written(at, last)?;
        match () {
            () if text.ends_with("am") || text.ends_with("pm") => Some(text),
            () if is_half() || self.is(at, by, &DAYTIMES) => self.written(at, last + 1),
            () if self.is(at, by, &halves[2..4]) && self.is(at, by + 1, &["m"]) => {
                self.written(at, last + 2)
            }
            () if last > at => {
                let minutes = text.rsplit(':').next().map(str::len);
                (minutes == Some(2)).then_some(text)
            }
            () => is_after().then_some(text),
        }
    }

    fn amount(&self, at: usize) -> Option<String> {
        let last = self.whole(at, &['.', ','])?;
        let word = self.near(at, 0)?;
        let text = &self.said.turns.get(word.turn)?.text;
        let amount = self.written(at, last)?;
        let sign = text.get(..word.start)?.chars().next_back();
        if let Some(sign) = sign.filter(|sign| matches!(sign, '$' | '€' | '£' | '₪')) {
            return Some(format!("{sign}{amount}"));
        }
        if self.is(at, last + 1 - at, &MONEY) {
            return self.written(at, last + 1);
        }
        None
    }

    /// By which somebody or something is known; of parts joined by hyphens all of them.
    fn number(&self, at: usize) -> Option<String> {
        let last = self.whole(at, &['-'])?;
        if self.is_iso(at) || !(at..=last).all(|at| self.is_figure(at)) {
            return None;
        }
        let part = |at: usize| self.words.all.get(at).map_or(0, |word| word.letters.len());
        let digits: usize = (at..=last).map(part).sum();
        let goes_on = self.joins(last, &['.', ',', ':', '/']);
        (digits >= LONG_NUMBER && !goes_on && self.amount(at).is_none())
            .then(|| self.written(at, last))
            .flatten()
    }

    fn doctor(&self, at: usize) -> Option<String> {
        let name = self.near(at, 1)?;
        let title = self.written(at, at)?;
        let is_hebrew_title = self.is(at, 0, &["דר"]) && title.contains(['"', '״']);
        let is_named = match is_hebrew_title {
            true => name.letters.first().is_some_and(|c| is_hebrew(*c)),
            false => self.is(at, 0, &["dr", "doctor"]) && name.is_capital && !is_no_name(name),
        };
        let text = self.written(at, at + 1).filter(|_| is_named)?;
        (!is_possessive(&text)).then_some(text)
    }

    /// A name, and whether the agent said it: one who asks how to help.
    fn name(&self, at: usize) -> Option<(String, bool)> {
        let fits = |cue: &&&[&str]| {
            cue.iter()
                .enumerate()
                .all(|(by, word)| self.is(at, by, &[word]))
        };
        let cue = CUES.iter().find(fits)?;
        let name = self.near(at, cue.len())?;
        let next = at + cue.len();
        // "שמי" within a sentence may be "that whoever".
        let is_plain = name.letters.first().is_some_and(|c| is_hebrew(*c))
            && (cue.len() > 1 || self.opens(at));
        if is_no_name(name) || !(is_plain || name.is_capital) {
            return None;
        }
        let goes_on = self.near(at, cue.len() + 1).is_some_and(|word| {
            word.is_capital && !word.after_comma && word.sentence == name.sentence
        });
        let turn = self.said.turns.get(name.turn)?;
        let is_agent = match turn.speaker.as_str() {
            "Agent" => true,
            "Customer" => false,
            _ => turn.text.to_lowercase().contains("help you"),
        };
        let text = self.written(next, next + usize::from(goes_on))?;
        if is_possessive(&text) {
            return None;
        }
        let is_other = cue.contains(&"speaking");
        Some((text, is_agent != is_other))
    }

    /// The word begins a sentence, or what is like one.
    fn opens(&self, at: usize) -> bool {
        let word = &self.words.all[at];
        let before = at.checked_sub(1).and_then(|at| self.words.all.get(at));
        word.after_comma || before.is_none_or(|before| before.sentence != word.sentence)
    }

    fn general(&self) -> General {
        let mut general = General::default();
        for at in 0..self.words.all.len() {
            let Some((name, is_agent)) = self.name(at) else {
                continue;
            };
            let place = match is_agent {
                true => &mut general.agent_name,
                false => &mut general.customer_name,
            };
            place.get_or_insert(name);
        }
        general
    }
}

/// It is of something that is somebody's.
fn is_possessive(text: &str) -> bool {
    text.ends_with("'s") || text.ends_with("’s")
}

fn is_no_name(word: &Word) -> bool {
    let known = [&NO_NAMES[..], &DAYS, &MONTHS];
    let mut known = known.into_iter().flatten();
    known.any(|one| word.is(one)) || !word.letters.iter().all(|c| c.is_alphabetic())
}

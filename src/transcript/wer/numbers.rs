//! Numbers in digits, however they were written: simple English cardinals and ordinals, years, digits one
//! by one. Numbers that follow each other become one: nobody hears where a telephone number has its gaps.

/// The words with their numbers in digits.
pub(super) fn in_digits(words: &[String]) -> Vec<String> {
    let mut reader = Reader::default();
    for (n, word) in words.iter().enumerate() {
        reader.take(word, words.get(n + 1).map(String::as_str));
    }
    reader.flush();
    reader.out
}

/// What kind of number a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zero,
    /// One to nineteen.
    Small,
    Tens,
    Times,
    Digits,
}

#[derive(Default)]
struct Reader {
    out: Vec<String>,
    /// The number so far, in digits.
    value: String,
    /// The kind of its last word.
    last: Option<Kind>,
    /// What it is counted in, where that was written before it.
    unit: Option<&'static str>,
}

impl Reader {
    fn take(&mut self, word: &str, next: Option<&str>) {
        let open = !self.value.is_empty();
        let goes_on = || next.is_some_and(is_number);
        if let Some((digits, unit)) = written(word) {
            self.digits(digits, unit);
        } else if let Some((kind, number)) = cardinal(word) {
            // "Oh" is a digit among digits only.
            if kind == Kind::Zero && word != "zero" && !open && !goes_on() {
                return self.other(word);
            }
            self.spoken(kind, number);
        } else if let Some((kind, number, suffix)) = ordinal(word) {
            if !self.adds(kind, number) {
                self.flush();
            }
            self.spoken(kind, number);
            self.value.push_str(suffix);
            self.flush();
        } else if word == "and" && self.last == Some(Kind::Times) && goes_on() {
        } else if word == "point" && open && goes_on() {
            self.value.push('.');
            self.last = Some(Kind::Digits);
        } else {
            self.other(word);
        }
    }

    fn other(&mut self, word: &str) {
        self.flush();
        self.out.push(word.to_owned());
    }

    fn digits(&mut self, digits: &str, unit: Option<&'static str>) {
        if unit.is_some() {
            self.flush();
            self.unit = unit;
        }
        self.value.push_str(digits);
        self.last = Some(Kind::Digits);
    }

    /// Whether the number so far has room for another, as twenty has for five.
    fn adds(&self, kind: Kind, number: u64) -> bool {
        match (self.last, kind) {
            (Some(Kind::Times), Kind::Small | Kind::Tens) => true,
            (Some(Kind::Tens), Kind::Small) => number < 10,
            (Some(_), Kind::Times) => true,
            _ => false,
        }
    }

    fn spoken(&mut self, kind: Kind, number: u64) {
        let whole = self.value.parse::<u64>().ok();
        match whole {
            Some(whole) if kind == Kind::Times => self.value = times(whole, number).to_string(),
            Some(whole) if self.adds(kind, number) => {
                self.value = whole.saturating_add(number).to_string();
            }
            None if kind == Kind::Times && self.value.contains('.') => {
                match scaled(&self.value, number) {
                    Some(scaled) => self.value = scaled,
                    None => {
                        self.flush();
                        self.value = number.to_string();
                    }
                }
            }
            _ => self.value.push_str(&number.to_string()),
        }
        self.last = Some(kind);
    }

    fn flush(&mut self) {
        if !self.value.is_empty() {
            self.out.push(std::mem::take(&mut self.value));
        }
        self.out.extend(self.unit.take().map(str::to_owned));
        self.last = None;
    }
}

/// Only what is under a thousand is multiplied: one million two hundred thousand.
fn times(value: u64, by: u64) -> u64 {
    match value % 1_000 {
        0 => value.saturating_mul(by),
        rest => (value - rest).saturating_add(rest.saturating_mul(by)),
    }
}

/// `2.5` and a million are 2500000; none where a part of one is left.
fn scaled(value: &str, by: u64) -> Option<String> {
    let (whole, part) = value.split_once('.')?;
    let zeros = by.to_string().len() - 1;
    let pad = zeros.checked_sub(part.len())?;
    let digits = format!("{whole}{part}{}", "0".repeat(pad));
    Some(digits.trim_start_matches('0').to_owned()).filter(|digits| !digits.is_empty())
}

fn is_number(word: &str) -> bool {
    written(word).is_some() || cardinal(word).is_some()
}

/// Digits, and the currency before them.
fn written(word: &str) -> Option<(&str, Option<&'static str>)> {
    let (digits, unit) = match word.chars().next()? {
        '$' => (&word[1..], Some("dollars")),
        '£' => (&word['£'.len_utf8()..], Some("pounds")),
        '€' => (&word['€'.len_utf8()..], Some("euros")),
        _ => (word, None),
    };
    let number = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    number.then_some((digits, unit))
}

fn cardinal(word: &str) -> Option<(Kind, u64)> {
    const SMALL: [&str; 19] = [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = [
        "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    let place = |list: &[&str]| (1..).zip(list).find(|(_, w)| **w == word).map(|(n, _)| n);
    match word {
        "zero" | "oh" | "o" => return Some((Kind::Zero, 0)),
        "hundred" => return Some((Kind::Times, 100)),
        "thousand" => return Some((Kind::Times, 1_000)),
        "million" => return Some((Kind::Times, 1_000_000)),
        "billion" => return Some((Kind::Times, 1_000_000_000)),
        _ => {}
    }
    place(&SMALL)
        .map(|n| (Kind::Small, n))
        .or_else(|| place(&TENS).map(|n| (Kind::Tens, (n + 1) * 10)))
}

fn ordinal(word: &str) -> Option<(Kind, u64, &'static str)> {
    let (base, suffix) = match word {
        "first" => ("one", "st"),
        "second" => ("two", "nd"),
        "third" => ("three", "rd"),
        "fifth" => ("five", "th"),
        "eighth" => ("eight", "th"),
        "ninth" => ("nine", "th"),
        "twelfth" => ("twelve", "th"),
        _ => {
            let stem = word.strip_suffix("th")?;
            let (kind, number) = match stem.strip_suffix("ie") {
                Some(tens) => cardinal(&format!("{tens}y"))?,
                None => cardinal(stem)?,
            };
            return (kind != Kind::Zero).then_some((kind, number, "th"));
        }
    };
    cardinal(base).map(|(kind, number)| (kind, number, suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_digits() {
        for (words, expected) in [
            ("", ""),
            ("one", "1"),
            ("twenty five", "25"),
            ("one hundred and five", "105"),
            ("two hundred and a half", "200 and a half"),
            ("two thousand eighteen", "2018"),
            ("one million two hundred thousand three", "1200003"),
            ("nineteen eighty four", "1984"),
            ("twenty twenty", "2020"),
            ("one oh one", "101"),
            ("oh i see", "oh i see"),
            ("zero", "0"),
            ("five five five zero one zero zero", "5550100"),
            ("555 0100", "5550100"),
            ("eight thirty", "830"),
            ("8 30", "830"),
            ("three point five million", "3500000"),
            ("3.5 million", "3500000"),
            ("$20 million people", "20000000 dollars people"),
            ("the point is", "the point is"),
            ("twenty first", "21st"),
            ("21st", "21st"),
            ("third floor", "3rd floor"),
            ("twentieth hundredth", "20th 100th"),
            ("one second", "1 2nd"),
            ("1 second", "1 2nd"),
            ("thousand", "1000"),
            ("you and five of us", "you and 5 of us"),
            (
                "99999999999999999999 million",
                "999999999999999999991000000",
            ),
        ] {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            let expected: Vec<&str> = expected.split_whitespace().collect();
            assert_eq!(in_digits(&words), expected, "{words:?}");
        }
    }
}

//! What can be seen in a transcript without understanding it: dates, times, amounts, numbers, names after
//! cues. Each value is a piece of the text itself, so that none is invented.

use serde_json::{Map, Value, json};

use super::{
    Said,
    domain::{Extracted, General},
    words::{Word, Words},
};

/// Of each kind, at most so many.
const MOST: usize = 10;
/// Digits from which a number is one that somebody is known by.
const LONG_NUMBER: usize = 5;

const MONTHS: [&str; 12] = [
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
];
const DAYS: [&str; 9] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "tomorrow",
    "today",
];
const MONEY: [&str; 8] = [
    "dollar", "dollars", "euro", "euros", "pounds", "shekel", "shekels", "cents",
];
const CUES: [&[&str]; 4] = [
    &["my", "name", "is"],
    &["this", "is"],
    &["speaking", "with"],
    &["שמי"],
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

    /// As it is written, from one word to another.
    fn written(&self, from: usize, to: usize) -> Option<String> {
        let (first, last) = (self.words.all.get(from)?, self.words.all.get(to)?);
        let text = &self.said.turns.get(first.turn)?.text;
        let rest = text.get(last.start..)?;
        let length =
            rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '"' | '׳' | '״'));
        let end = last.start + length.unwrap_or(rest.len());
        text.get(first.start..end).map(ToOwned::to_owned)
    }

    fn date(&self, at: usize) -> Option<String> {
        // "May" is a month beside a number only.
        match () {
            () if self.is(at, 0, &MONTHS) && self.is_number(at, 1) => self.written(at, at + 1),
            () if self.is_number(at, 0) && self.is(at, 1, &["of"]) && self.is(at, 2, &MONTHS) => {
                self.written(at, at + 2)
            }
            () if self.is_number(at, 0) && self.is(at, 1, &MONTHS) => self.written(at, at + 1),
            () if self.is(at, 0, &DAYS) => self.written(at, at),
            () => None,
        }
    }

    fn time(&self, at: usize) -> Option<String> {
        let halves = ["am", "pm", "a", "p", "oclock"];
        let hour = || {
            let digits: String = self.near(at, 0)?.letters.iter().collect();
            let hour: u8 = digits.trim_end_matches(['a', 'p', 'm']).parse().ok()?;
            (hour <= 24).then_some(digits.len())
        };
        hour()?;
        let text = self.written(at, at)?;
        match () {
            () if text.ends_with("am") || text.ends_with("pm") => Some(text),
            () if self.is(at, 1, &halves[..2]) || self.is(at, 1, &halves[4..]) => {
                self.written(at, at + 1)
            }
            () if self.is(at, 1, &halves[2..4]) && self.is(at, 2, &["m"]) => {
                self.written(at, at + 2)
            }
            () => self.written(at, at + 1).filter(|text| {
                let minutes = text.split_once(':').map(|(_, minutes)| minutes);
                minutes.is_some_and(|minutes| minutes.len() == 2)
            }),
        }
    }

    fn amount(&self, at: usize) -> Option<String> {
        if !self.is_number(at, 0) {
            return None;
        }
        if self.is(at, 1, &MONEY) {
            return self.written(at, at + 1);
        }
        let word = self.near(at, 0)?;
        let text = &self.said.turns.get(word.turn)?.text;
        let sign = text.get(..word.start)?.chars().next_back()?;
        let amount = self.written(at, at)?;
        matches!(sign, '$' | '€' | '£' | '₪').then(|| format!("{sign}{amount}"))
    }

    fn number(&self, at: usize) -> Option<String> {
        let letters = &self.near(at, 0)?.letters;
        let is_long = letters.len() >= LONG_NUMBER && letters.iter().all(char::is_ascii_digit);
        is_long.then(|| self.written(at, at)).flatten()
    }

    fn doctor(&self, at: usize) -> Option<String> {
        let is_name = self.near(at, 1).is_some_and(|word| word.is_capital);
        (self.is(at, 0, &["dr", "doctor"]) && is_name)
            .then(|| self.written(at, at + 1))
            .flatten()
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
        let is_hebrew = name
            .letters
            .first()
            .copied()
            .is_some_and(super::said::is_hebrew);
        if !name.is_capital && !is_hebrew {
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
        let is_other = cue.first() == Some(&"speaking");
        Some((
            self.written(next, next + usize::from(goes_on))?,
            is_agent != is_other,
        ))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::Turn;

    fn extracted(turns: &[(&str, &str)]) -> Extracted {
        let turn = |(speaker, text): &(&str, &str)| Turn {
            speaker: (*speaker).into(),
            text: (*text).into(),
        };
        let said = Said {
            told_language: None,
            turns: turns.iter().map(turn).collect(),
        };
        extract(&said, &Words::of(&said))
    }

    #[test]
    fn what_is_there_is_found_as_it_was_said() {
        let found = extracted(&[
            (
                "Agent",
                "Good morning, my name is John. How can I help you?",
            ),
            (
                "Customer",
                "Hi, this is Alice Miller. May I see Dr. Smith on December 15th at 10:30 or 5 pm?",
            ),
            (
                "Agent",
                "Tomorrow, yes. It costs $50 or 60 euros; your number is 7301442.",
            ),
        ]);
        assert_eq!(found.general.agent_name.as_deref(), Some("John"));
        assert_eq!(found.general.customer_name.as_deref(), Some("Alice Miller"));
        assert_eq!(
            Value::Object(found.specific),
            json!({
                "dates": ["December 15th", "Tomorrow"],
                "times": ["10:30", "5 pm"],
                "amounts": ["$50", "60 euros"],
                "numbers": ["7301442"],
                "provider": "Dr. Smith",
            })
        );
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for text in [
            "",
            "May I ask you something? I may come.",
            "This is terrible, my name is secret.",
            "It is 7 of 9 and there are 12 of us.",
            "doctor, doctor",
        ] {
            let found = extracted(&[("Speaker", text)]);
            assert_eq!(found.general, General::default(), "{text}");
            assert!(found.specific.is_empty(), "{text}: {:?}", found.specific);
        }
    }

    #[test]
    fn a_hebrew_name_follows_its_cue() {
        let found = extracted(&[("Customer", "שלום, שמי דנה")]);
        assert_eq!(found.general.customer_name.as_deref(), Some("דנה"));
    }
}

//! What a file holds, as a model says it, and what of that is believed: names and values that were said.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::{
        Path, Sentiment, Tokens,
        domain::{Extracted, General},
        words::Words,
    },
    answer::{LONG, SHORT, is_nothing, once_each, tidy},
    client::Completion,
    domain, loosely,
    spoken::{figures_said, names_said, said_as_name, said_together},
};

/// Fields of a file's data; what is beyond is dropped.
const MOST_FIELDS: usize = 60;
/// Fields that a model may tell where it is held to a schema.
const MOST_TOLD: usize = 20;
const MOST_ITEMS: usize = 5;
/// Words that may stand between those of a value.
const IN_VALUE: usize = 6;
const RESOLUTIONS: [&str; 3] = ["resolved", "unresolved", "follow_up"];
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

/// What a model says that a file holds.
#[derive(Deserialize)]
pub(super) struct Told {
    general: Option<ToldGeneral>,
    domain_specific: Option<Value>,
}

/// For servers that hold their model to one. Names that are not known beforehand are values of a list: a
/// strict schema has no other place for them.
pub(super) fn schema() -> Value {
    let maybe = json!({ "type": ["string", "null"] });
    let one_of = |values: [&str; 3]| json!({ "type": "string", "enum": values });
    let texts = json!({ "type": "array", "items": { "type": "string" }, "maxItems": MOST_ITEMS });
    let general = domain::schema(&[
        ("agent_name", maybe.clone()),
        ("customer_name", maybe),
        ("sentiment", one_of(["positive", "neutral", "negative"])),
        ("resolution", one_of(RESOLUTIONS)),
        ("topics", texts.clone()),
        ("action_items", texts),
    ]);
    let field = domain::schema(&[
        ("name", json!({ "type": "string" })),
        ("value", json!({ "type": ["string", "number", "boolean"] })),
    ]);
    let fields = json!({ "type": "array", "items": field, "maxItems": MOST_TOLD });
    domain::schema(&[("general", general), ("domain_specific", fields)])
}

pub(super) fn read(completion: &Completion) -> Result<Told, String> {
    let told: Told = domain::parsed(completion)?;
    match (&told.general, &told.domain_specific) {
        (None, None) => Err("general and domain_specific are missing".into()),
        _ => Ok(told),
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ToldGeneral {
    #[serde(deserialize_with = "loosely::text")]
    agent_name: Option<String>,
    #[serde(deserialize_with = "loosely::text")]
    customer_name: Option<String>,
    #[serde(deserialize_with = "loosely::sentiment")]
    sentiment: Option<Sentiment>,
    #[serde(deserialize_with = "loosely::text")]
    resolution: Option<String>,
    #[serde(deserialize_with = "loosely::texts")]
    topics: Vec<String>,
    #[serde(deserialize_with = "loosely::texts")]
    action_items: Vec<String>,
}

/// What was said, to hold an answer against.
pub(super) struct Held {
    words: Words,
    /// In which it was said.
    year: i16,
}

impl Held {
    pub(super) fn new(words: Words, at: Timestamp) -> Self {
        Self {
            words,
            year: at.to_zoned(TimeZone::UTC).year(),
        }
    }

    pub(super) fn extracted(&self, told: Told, tokens: Tokens) -> Extracted {
        let mut notes = Vec::new();
        let mut name = |key: &str, name: Option<String>| {
            let name = name
                .map(|name| tidy(&name))
                .filter(|name| !is_nothing(name))?;
            if name.chars().count() <= SHORT && said_as_name(&self.words, &name) {
                return Some(name);
            }
            notes.push(format!("{key}: dropped, not said"));
            None
        };
        let general = told.general.unwrap_or_default();
        let mut agent_name = name("agent_name", general.agent_name);
        let mut customer_name = name("customer_name", general.customer_name);
        if agent_name.is_some() && agent_name == customer_name {
            (agent_name, customer_name) = (None, None);
            notes.push("agent_name, customer_name: dropped, one name for both".to_owned());
        }
        let general = General {
            agent_name,
            customer_name,
            sentiment: general.sentiment,
            resolution: general
                .resolution
                .map(|r| r.trim().to_lowercase())
                .filter(|r| RESOLUTIONS.contains(&r.as_str())),
            topics: self.opinions(general.topics, SHORT),
            action_items: self.opinions(general.action_items, LONG),
        };
        let mut flat = Map::new();
        flatten("", fields(told.domain_specific), &mut flat);
        let mut specific = Map::new();
        for (key, value) in flat.into_iter().take(MOST_FIELDS) {
            if self.bears_out(&value) {
                specific.insert(key, value);
            } else {
                notes.push(format!("{key}: dropped, not said"));
            }
        }
        Extracted {
            general,
            specific,
            path: Path::Model,
            tokens,
            notes,
            failed: None,
        }
    }

    /// A yes or no is an opinion; all else must have been said.
    fn bears_out(&self, value: &Value) -> bool {
        match value {
            Value::Bool(_) => true,
            Value::Number(number) => {
                let text = number.to_string();
                let text = text.strip_suffix(".0").unwrap_or(&text);
                said_together(&self.words, text, 0)
            }
            Value::String(text) if text.chars().count() > LONG => false,
            Value::String(text) => {
                said_together(&self.words, text, IN_VALUE)
                    || self.has_date(text)
                    || self.has_time(text)
            }
            _ => false,
        }
    }

    /// In words of the model's own; figures and names in them must have been said.
    fn opinions(&self, texts: Vec<String>, most: usize) -> Vec<String> {
        let good = once_each(texts.iter().map(|text| tidy(text)))
            .into_iter()
            .filter(|text| {
                text.chars().count() <= most
                    && figures_said(&self.words, text)
                    && names_said(&self.words, text)
            });
        good.take(MOST_ITEMS).collect()
    }

    fn heard(&self, is: impl Fn(&str) -> bool) -> bool {
        let mut words = self.words.all.iter().filter(|word| !word.is_addressed);
        words.any(|word| is(&word.letters.iter().collect::<String>()))
    }

    /// Day and month were said; the year too, or it is this one or the next.
    fn has_date(&self, text: &str) -> bool {
        let Ok(date) = text.trim().parse::<Date>() else {
            return false;
        };
        let number = |word: &str| -> Option<i16> {
            word.trim_end_matches(|c: char| c.is_ascii_alphabetic())
                .parse()
                .ok()
        };
        let month = usize::try_from(date.month() - 1)
            .ok()
            .and_then(|at| MONTHS.get(at));
        let is_month = |word: &str| month.is_some_and(|month| *month == word);
        let is_year = self.heard(|word| number(word) == Some(date.year()));
        self.heard(|word| number(word) == Some(date.day().into()))
            && self.heard(is_month)
            && (is_year || (self.year..=self.year + 1).contains(&date.year()))
    }

    /// `17:00` for what was said as "5 pm" or "17".
    fn has_time(&self, text: &str) -> bool {
        let Some((hour, minute)) = text.trim().split_once(':') else {
            return false;
        };
        let (Ok(hour), Ok(minute)) = (hour.parse::<u8>(), minute.parse::<u8>()) else {
            return false;
        };
        let is = |number: u8| {
            self.heard(|word| word.trim_end_matches(['a', 'p', 'm']).parse() == Ok(number))
        };
        hour < 24
            && (is(hour) || (hour > 12 && is(hour - 12)) || (hour == 0 && is(12)))
            && (minute == 0 || is(minute))
    }
}

/// An object of fields, or a list of their names and values; whatever else it is has no names.
fn fields(told: Option<Value>) -> Value {
    let Some(Value::Array(list)) = told else {
        return told.filter(Value::is_object).unwrap_or_default();
    };
    let pair = |mut of: Value| {
        let name = of["name"]
            .as_str()
            .map(tidy)
            .filter(|name| !is_nothing(name))?;
        let fits = name.chars().count() <= SHORT;
        fits.then(|| (name, of["value"].take()))
    };
    let named = list.into_iter().filter(Value::is_object).filter_map(pair);
    Value::Object(named.collect())
}

/// Values of values become `outer.inner`; of a list, `outer.0`. Nothing is left out, but what is nothing.
fn flatten(place: &str, value: Value, out: &mut Map<String, Value>) {
    let within = |key: &str| match place {
        "" => key.to_owned(),
        place => format!("{place}.{key}"),
    };
    match value {
        Value::Object(of) => {
            of.into_iter()
                .for_each(|(key, value)| flatten(&within(&key), value, out));
        }
        Value::Array(of) => {
            let numbered = of.into_iter().enumerate();
            numbered.for_each(|(n, value)| flatten(&within(&n.to_string()), value, out));
        }
        Value::String(text) if is_nothing(&text) => {}
        Value::Null => {}
        Value::String(text) => drop(out.insert(place.to_owned(), Value::String(tidy(&text)))),
        value => drop(out.insert(place.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(text: &str, specific: Value) -> Extracted {
        let held = Held {
            words: Words::of_one(text),
            year: 2025,
        };
        let told = json!({
            "general": { "agent_name": "John", "customer_name": "Bob", "sentiment": "Positive",
                "resolution": "won", "topics": ["x", "unknown"] },
            "domain_specific": specific,
        });
        held.extracted(serde_json::from_value(told).unwrap(), Tokens::default())
    }

    /// As models of half a billion parameters and of more gave them.
    #[test]
    fn fields_in_any_form_are_read() {
        let text = "You see Dr. Smith at 5 pm, my number is 4 4 7 1 9 2.";
        for (given, expected) in [
            (
                json!({ "provider": "Dr. Smith" }),
                json!({ "provider": "Dr. Smith" }),
            ),
            (
                json!([{ "name": "provider", "value": "Dr. Smith" }, { "name": "nurse", "value": "Garcia" },
                    { "name": "policy", "value": 447_192 }, { "name": "", "value": "5" }, "5", null]),
                json!({ "provider": "Dr. Smith", "policy": 447_192 }),
            ),
            (json!("appointment_scheduling"), json!({})),
            (json!([]), json!({})),
            (json!(null), json!({})),
            (json!(7), json!({})),
        ] {
            let found = held(text, given.clone());
            assert_eq!(Value::Object(found.specific), expected, "{given}");
        }
        let read = |text: &str| {
            read(&Completion {
                text: text.into(),
                is_cut: false,
                tokens: Tokens::default(),
            })
        };
        assert!(read("{}").is_err());
        assert!(read("{\"general\": {\"topics\": null, \"neutral\": \"negative\"}}").is_ok());
        assert!(read("{\"general\": 7, \"domain_specific\": {}}").is_err());
    }

    #[test]
    fn one_name_is_not_of_two() {
        let held = Held {
            words: Words::of_one("Technical support, my name is Kevin. This is John."),
            year: 2025,
        };
        for (customer, left) in [
            ("Kevin", [None, None]),
            ("John", [Some("Kevin"), Some("John")]),
        ] {
            let told = json!({ "general": { "agent_name": "Kevin", "customer_name": customer } });
            let found = held.extracted(serde_json::from_value(told).unwrap(), Tokens::default());
            let names = [&found.general.agent_name, &found.general.customer_name];
            assert_eq!(names.map(Option::as_deref), left);
        }
    }

    #[test]
    fn only_what_was_said_is_believed() {
        let text = "I'm John. You see Dr. Smith on December 15th at 5 pm, for 30 dollars.";
        let found = held(
            text,
            json!({
                "appointment_date": "2025-12-15", "other_date": "2025-12-16", "old_date": "2019-12-15",
                "time": "17:00", "other_time": "18:30", "provider": "Dr. Smith", "nurse": "Garcia",
                "is_new": true, "price": { "amount": 30, "tip": 7 }, "rooms": ["5", null, "9"],
                "nothing": "n/a",
            }),
        );
        assert_eq!(
            Value::Object(found.specific),
            json!({
                "appointment_date": "2025-12-15", "time": "17:00", "provider": "Dr. Smith",
                "is_new": true, "price.amount": 30, "rooms.0": "5",
            })
        );
        assert_eq!(found.general.agent_name.as_deref(), Some("John"));
        assert_eq!(
            (found.general.customer_name, found.general.resolution),
            (None, None)
        );
        assert_eq!(found.general.sentiment, Some(Sentiment::Positive));
        assert_eq!(found.general.topics, ["x"]);
        assert_eq!(found.notes.len(), 7, "{:?}", found.notes);
        assert!(
            !found.notes.concat().contains("Garcia"),
            "{:?}",
            found.notes
        );
    }
}

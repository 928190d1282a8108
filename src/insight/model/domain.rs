//! The questions about a file: which domain and category, what it holds, and how to ask for that.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::{
        Path, Said, Sentiment, Tokens,
        domain::{Detected, Extracted, General, Pair, Useless},
        weigh,
        words::Words,
    },
    Model,
    answer::{LONG, SHORT, is_nothing, object, tidy},
    asking::{Question, Spent},
    client::Completion,
    loosely,
    spoken::{figures_said, names_said, said_together},
};

const DETECT: &str = include_str!("../prompts/detect.txt");
const EXTRACT: &str = include_str!("../prompts/extract.txt");
const WRITE: &str = include_str!("../prompts/write.txt");
/// Fields of a file's data; what is beyond is dropped.
const MOST_FIELDS: usize = 60;
/// Characters of a prompt that a model wrote.
const LONGEST_PROMPT: usize = 2_000;
/// Known pairs that a model is told of; one that it names without having been told is taken all the same.
const MOST_PAIRS: usize = 300;
const MOST_ITEMS: usize = 5;
/// Words that may stand between those of a name, and of another value.
const IN_NAME: usize = 1;
const IN_VALUE: usize = 6;
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

impl Model {
    /// Stage one.
    pub(in crate::insight) async fn detect(
        &self,
        said: &Said,
        known: &[Pair],
    ) -> Result<Detected, Useless> {
        let pairs: Vec<String> = known
            .iter()
            .take(MOST_PAIRS)
            .map(|pair| format!("{}: {}", pair.domain, pair.category))
            .collect();
        let head = format!("Known pairs:\n{}\n", pairs.join("\n"));
        let schema = schema(&[
            ("domain", json!({ "type": "string" })),
            ("category", json!({ "type": "string" })),
            ("confidence", json!({ "type": "number" })),
        ]);
        let read = |completion: &Completion| -> Result<(Pair, f32), String> {
            #[derive(Deserialize)]
            struct Answer {
                domain: String,
                category: String,
                #[serde(deserialize_with = "loosely::share")]
                confidence: f32,
            }
            let answer: Answer = parsed(completion)?;
            let pair = Pair::new(&answer.domain, &answer.category);
            let pair = pair.ok_or("domain and category must be lower_case_names")?;
            if !(0.0..=1.0).contains(&answer.confidence) {
                return Err("confidence must be from 0 to 1".into());
            }
            Ok((pair, answer.confidence))
        };
        let question = Question {
            system: DETECT,
            head,
            said: Some(said),
            schema: Some(&schema),
        };
        let ((pair, sure), tokens) = self.about_file(&question, read).await?;
        Ok(Detected {
            confidence: if pair.is_unknown() {
                0
            } else {
                weigh::per_mille(sure)
            },
            pair,
            path: Path::Model,
            tokens,
        })
    }

    /// Stage two. `prompt` says what such conversations hold; `today` is when this one was.
    pub(in crate::insight) async fn extract(
        &self,
        said: &Said,
        pair: &Pair,
        prompt: Option<&str>,
        today: Timestamp,
    ) -> Result<Extracted, Useless> {
        let wanted = prompt.map_or_else(
            || "whatever a business of this domain would write down".to_owned(),
            ToOwned::to_owned,
        );
        let head = format!(
            "Domain: {}\nCategory: {}\nWhat \"domain_specific\" holds: {wanted}\n",
            pair.domain, pair.category,
        );
        let question = Question {
            system: EXTRACT,
            head,
            said: Some(said),
            schema: None,
        };
        let (told, tokens) = self.about_file(&question, parsed::<Told>).await?;
        let held = Held {
            words: Words::of(said),
            year: today.to_zoned(TimeZone::UTC).year(),
        };
        Ok(held.extracted(told, tokens))
    }

    /// The prompt for a pair that is new.
    pub(in crate::insight) async fn write_prompt(&self, pair: &Pair) -> Result<String, String> {
        let schema = schema(&[("prompt", json!({ "type": "string" }))]);
        let read = |completion: &Completion| -> Result<String, String> {
            #[derive(Deserialize)]
            struct Answer {
                prompt: String,
            }
            let prompt = tidy(&parsed::<Answer>(completion)?.prompt);
            match prompt.chars().count() {
                0 => Err("the prompt is empty".into()),
                1..=LONGEST_PROMPT => Ok(prompt),
                _ => Err(format!(
                    "the prompt must have {LONGEST_PROMPT} characters at most"
                )),
            }
        };
        let question = Question {
            system: WRITE,
            head: format!("Domain: {}\nCategory: {}", pair.domain, pair.category),
            said: None,
            schema: Some(&schema),
        };
        let asked = self.about_file(&question, read).await;
        asked
            .map(|(prompt, _)| prompt)
            .map_err(|useless| useless.why)
    }

    /// With the tokens of all requests.
    async fn about_file<T>(
        &self,
        question: &Question<'_>,
        read: impl Fn(&Completion) -> Result<T, String>,
    ) -> Result<(T, Tokens), Useless> {
        let mut spent = Spent::default();
        let outcome = self.put(question, &mut spent, read).await;
        let tokens = spent.tokens.unwrap_or_default();
        match outcome {
            Ok(answer) => Ok((answer, tokens)),
            Err(why) => {
                tracing::warn!(
                    model = self.name,
                    reason = why,
                    "the language model was of no use for a file"
                );
                Err(Useless { why, tokens })
            }
        }
    }
}

fn schema(keys: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|(key, of)| ((*key).to_owned(), of.clone()))
        .collect();
    let required: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
    json!({
        "type": "object", "properties": properties, "required": required,
        "additionalProperties": false,
    })
}

/// The error is written for the model, and quotes nothing.
fn parsed<T: serde::de::DeserializeOwned>(completion: &Completion) -> Result<T, String> {
    if completion.is_cut {
        return Err("the answer was cut off: it is too long".into());
    }
    let object = object(&completion.text).ok_or("there is no JSON object in the answer")?;
    serde_json::from_str(object)
        .map_err(|_| "a key is missing, or a value is of the wrong type".to_owned())
}

#[derive(Deserialize)]
struct Told {
    general: ToldGeneral,
    domain_specific: Map<String, Value>,
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
struct Held {
    words: Words,
    /// In which it was said.
    year: i16,
}

impl Held {
    fn extracted(&self, told: Told, tokens: Tokens) -> Extracted {
        let mut notes = Vec::new();
        let mut name = |key: &str, name: Option<String>| {
            let name = name
                .map(|name| tidy(&name))
                .filter(|name| !is_nothing(name))?;
            if name.chars().count() <= SHORT && said_together(&self.words, &name, IN_NAME) {
                return Some(name);
            }
            notes.push(format!("{key}: dropped, not said"));
            None
        };
        let general = told.general;
        let general = General {
            agent_name: name("agent_name", general.agent_name),
            customer_name: name("customer_name", general.customer_name),
            sentiment: general.sentiment,
            resolution: general
                .resolution
                .map(|r| r.trim().to_lowercase())
                .filter(|r| ["resolved", "unresolved", "follow_up"].contains(&r.as_str())),
            topics: self.opinions(general.topics, SHORT),
            action_items: self.opinions(general.action_items, LONG),
        };
        let mut flat = Map::new();
        flatten("", Value::Object(told.domain_specific), &mut flat);
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
        let texts = texts.iter().map(|text| tidy(text));
        let good = texts.filter(|text| {
            !is_nothing(text)
                && text.chars().count() <= most
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

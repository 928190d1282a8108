//! What a model answers: the right keys, types and sizes, or an error that tells the model what was wrong.
//!
//! Read strictly where a wrong form may hide a wrong value, leniently where it cannot ([`loosely`]): a model
//! that answered badly once mostly answers the same again. A summary of another size than was asked for
//! is one field less, not the whole answer.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        Sentiment,
        summary::{FEWEST, MOST},
        words::clean,
    },
    client::Completion,
    loosely,
};

/// Characters of a name, a time, an intent, a topic.
pub(super) const SHORT: usize = 80;
/// Characters of a title, a point, an action item.
pub(super) const LONG: usize = 300;
const MOST_ITEMS: usize = 5;
const POINTS: usize = 2;
/// A summary a little over or under is no reason to ask again.
const SLACK: usize = 5;

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(in crate::insight) struct Answer {
    #[serde(default, deserialize_with = "loosely::text")]
    pub(in crate::insight) service: Option<String>,
    #[serde(default, deserialize_with = "loosely::text")]
    pub(in crate::insight) city: Option<String>,
    #[serde(deserialize_with = "loosely::share")]
    pub(in crate::insight) confidence: f32,
    pub(in crate::insight) summary: Told,
    #[serde(default, deserialize_with = "loosely::text")]
    pub(in crate::insight) preferred_time: Option<String>,
    #[serde(default, deserialize_with = "loosely::text")]
    pub(in crate::insight) customer_name: Option<String>,
    #[serde(default, deserialize_with = "loosely::sentiment")]
    pub(in crate::insight) sentiment: Option<Sentiment>,
    #[serde(deserialize_with = "loosely::texts")]
    pub(in crate::insight) topics: Vec<String>,
    #[serde(default, deserialize_with = "loosely::text")]
    pub(in crate::insight) intent: Option<String>,
    #[serde(deserialize_with = "loosely::texts")]
    pub(in crate::insight) action_items: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(in crate::insight) struct Told {
    pub(in crate::insight) title: String,
    #[serde(deserialize_with = "loosely::texts")]
    pub(in crate::insight) points: Vec<String>,
}

/// For servers that hold their model to a schema. Sizes of texts are checked here, because few of them know
/// `maxLength`; a list without a bound is where a small model goes round in circles.
pub(super) fn schema() -> Value {
    let text = || json!({ "type": "string" });
    let maybe = || json!({ "type": ["string", "null"] });
    let texts = |least: usize, most: usize| json!({ "type": "array", "items": text(), "minItems": least, "maxItems": most });
    let mut properties = serde_json::Map::new();
    for (key, of) in [
        ("service", maybe()),
        ("city", maybe()),
        ("confidence", json!({ "type": "number" })),
        (
            "summary",
            json!({
                "type": "object",
                "properties": { "title": text(), "points": texts(POINTS, POINTS) },
                "required": ["title", "points"],
                "additionalProperties": false,
            }),
        ),
        ("preferred_time", maybe()),
        ("customer_name", maybe()),
        (
            "sentiment",
            json!({ "type": ["string", "null"], "enum": ["positive", "neutral", "negative", null] }),
        ),
        ("topics", texts(0, MOST_ITEMS)),
        ("intent", maybe()),
        ("action_items", texts(0, MOST_ITEMS)),
    ] {
        properties.insert(key.into(), of);
    }
    let required: Vec<String> = properties.keys().cloned().collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

impl Answer {
    /// The error is written for the model: it says what is wrong and quotes nothing.
    pub(super) fn parse(completion: &Completion) -> Result<Self, String> {
        if completion.is_cut {
            return Err("the answer was cut off: it is too long".into());
        }
        let object = object(&completion.text).ok_or("there is no JSON object in the answer")?;
        let answer: Self = serde_json::from_str(object).map_err(|error| {
            // serde quotes the value that it found, which may be anybody's words: what stands before it is
            // enough, and where it is.
            let told = error.to_string();
            let told = told.split(['`', '"']).next().unwrap_or_default().trim();
            let place = (error.line(), error.column());
            let told = format!("{told} at line {} column {}", place.0, place.1);
            match missing(object) {
                keys if keys.is_empty() => format!("a value is of the wrong type ({told})"),
                keys => format!("these keys are missing: {}", keys.join(", ")),
            }
        })?;
        answer.tidied().checked()
    }

    /// Without what is no text, and without the empty words by which models say that they know nothing.
    fn tidied(mut self) -> Self {
        for value in [
            &mut self.service,
            &mut self.city,
            &mut self.preferred_time,
            &mut self.customer_name,
            &mut self.intent,
        ] {
            *value = value
                .take()
                .map(|text| tidy(&text))
                .filter(|text| !is_nothing(text));
        }
        for list in [
            &mut self.topics,
            &mut self.action_items,
            &mut self.summary.points,
        ] {
            *list = once_each(list.iter().map(|text| tidy(text)));
        }
        self.summary.points.truncate(POINTS);
        self.topics.truncate(MOST_ITEMS);
        self.action_items.truncate(MOST_ITEMS);
        self.summary.title = tidy(&self.summary.title);
        self
    }

    fn checked(self) -> Result<Self, String> {
        if !(0.0..=1.0).contains(&self.confidence) {
            return Err("confidence must be from 0 to 1".into());
        }
        let long = |text: &str, most: usize| text.chars().count() > most;
        for (key, value) in [
            ("service", &self.service),
            ("city", &self.city),
            ("preferred_time", &self.preferred_time),
            ("customer_name", &self.customer_name),
            ("intent", &self.intent),
        ] {
            if value.as_ref().is_some_and(|text| long(text, SHORT)) {
                return Err(format!("{key} must have {SHORT} characters at most"));
            }
        }
        if self.topics.iter().any(|text| long(text, SHORT)) {
            return Err(format!("a topic must have {SHORT} characters at most"));
        }
        let told = std::iter::once(&self.summary.title).chain(&self.summary.points);
        if told.chain(&self.action_items).any(|text| long(text, LONG)) {
            return Err(format!("a text must have {LONG} characters at most"));
        }
        Ok(self)
    }
}

impl Told {
    /// Whether it is a title and two points, of about as many words as were asked for.
    pub(super) fn fits(&self) -> bool {
        let told = std::iter::once(&self.title).chain(&self.points);
        let words = told.map(|text| text.split_whitespace().count()).sum();
        !self.title.is_empty()
            && self.points.len() == POINTS
            && (FEWEST.saturating_sub(SLACK)..=MOST + SLACK).contains(&words)
    }
}

pub(super) fn tidy(text: &str) -> String {
    clean(&text.replace(['\n', '\r', '\t'], " "))
        .trim()
        .to_owned()
}

/// Without nothings, and without what a model that goes round in circles says again.
pub(super) fn once_each(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for text in texts.filter(|text| !is_nothing(text)) {
        if !once.contains(&text) {
            once.push(text);
        }
    }
    once
}

pub(super) fn is_nothing(text: &str) -> bool {
    let text = text.trim_matches(|c: char| !c.is_alphanumeric());
    [
        "",
        "null",
        "none",
        "unknown",
        "n/a",
        "not specified",
        "not mentioned",
    ]
    .iter()
    .any(|nothing| text.eq_ignore_ascii_case(nothing))
}

/// The JSON in an answer: all of it, or what stands in a code fence, after a reasoner's thoughts, or
/// between the first brace and the last.
pub(super) fn object(text: &str) -> Option<&str> {
    let text = text.rsplit_once("</think>").map_or(text, |(_, said)| said);
    let (start, end) = (text.find('{')?, text.rfind('}')?);
    text.get(start..=end)
}

fn missing(object: &str) -> Vec<&'static str> {
    const KEYS: [&str; 10] = [
        "service",
        "city",
        "confidence",
        "summary",
        "preferred_time",
        "customer_name",
        "sentiment",
        "topics",
        "intent",
        "action_items",
    ];
    let given: Value = serde_json::from_str(object).unwrap_or_default();
    let Some(given) = given.as_object() else {
        return vec![];
    };
    // What may be null may also be left out.
    let needed = ["confidence", "summary", "topics", "action_items"];
    KEYS.into_iter()
        .filter(|key| needed.contains(key) && !given.contains_key(*key))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::Tokens;

    fn parse(text: &str) -> Result<Answer, String> {
        Answer::parse(&Completion {
            text: text.into(),
            is_cut: false,
            tokens: Tokens::default(),
        })
    }

    fn good() -> Value {
        json!({
            "service": "lockout", "city": null, "confidence": 0.9,
            "summary": { "title": "Door fell shut behind the caller", "points": ["keys are inside", "needs help today"] },
            "preferred_time": null, "customer_name": "unknown", "sentiment": "neutral",
            "topics": ["keys"], "intent": "booking", "action_items": [],
        })
    }

    #[test]
    fn an_answer_is_found_in_its_wrapping() {
        let json = good().to_string();
        for text in [
            json.clone(),
            format!("```json\n{json}\n```"),
            format!("Here you are: {json} I hope it helps."),
            format!("<think>maybe {{city}}?</think>{json}"),
        ] {
            let answer = parse(&text).unwrap();
            assert_eq!(answer.service.as_deref(), Some("lockout"));
            assert_eq!(answer.customer_name, None, "unknown is no name");
        }
    }

    /// Forms that small models gave, asked without a schema.
    #[test]
    fn a_form_that_hides_nothing_is_read() {
        for (key, given, read) in [
            ("confidence", json!("0.9"), json!(0.9)),
            ("confidence", json!("90%"), json!(0.9)),
            ("topics", json!("keys"), json!(["keys"])),
            ("topics", json!(null), json!([])),
            (
                "topics",
                json!(["keys", null, 24, "keys"]),
                json!(["keys", "24"]),
            ),
            ("action_items", json!([""]), json!([])),
            ("sentiment", json!("Positive"), json!("positive")),
            ("sentiment", json!("furious"), json!(null)),
            ("preferred_time", json!(17), json!("17")),
            ("customer_name", json!(["Dana"]), json!("Dana")),
            ("customer_name", json!([]), json!(null)),
        ] {
            let mut answer = good();
            answer[key] = given.clone();
            let answer = parse(&answer.to_string()).unwrap();
            let found = match key {
                "confidence" => json!((answer.confidence * 10.0).round() / 10.0 == 0.9),
                "topics" => json!(answer.topics),
                "action_items" => json!(answer.action_items),
                "sentiment" => json!(answer.sentiment),
                "preferred_time" => json!(answer.preferred_time),
                _ => json!(answer.customer_name),
            };
            let read = if key == "confidence" {
                json!(true)
            } else {
                read
            };
            assert_eq!(found, read, "{key}: {given}");
        }
    }

    #[test]
    fn a_summary_of_another_size_costs_no_answer() {
        for (title, points, fits) in [
            (
                "Door fell shut behind the caller",
                &["keys are inside", "needs help today"][..],
                true,
            ),
            // As a model of half a billion parameters gave them.
            (
                "Booking a lockout claim",
                &[
                    "Report claim",
                    "Open claim number 90312",
                    "Send photos of damage",
                ],
                true,
            ),
            (
                "Lockout in Haifa",
                &["I can be there in forty minutes. It is 250 shekels"],
                false,
            ),
            ("Short", &["a", "b"], false),
            ("", &["keys are inside the flat", "needs help today"], false),
        ] {
            let mut answer = good();
            answer["summary"] = json!({ "title": title, "points": points });
            let summary = parse(&answer.to_string()).unwrap().summary;
            assert_eq!(summary.fits(), fits, "{summary:?}");
        }
    }

    #[test]
    fn a_bad_answer_is_told_what_is_wrong() {
        let with = |key: &str, value: Value| {
            let mut all = good();
            all[key] = value;
            all.to_string()
        };
        for (text, part) in [
            (String::new(), "no JSON object"),
            ("{".into(), "no JSON object"),
            ("{}".into(), "missing: confidence, summary"),
            ("{\"a\": tru}".into(), "wrong type"),
            (with("confidence", json!("high")), "wrong type"),
            (with("confidence", json!(7)), "0 to 1"),
            (with("topics", json!({ "keys": 1 })), "wrong type"),
            (with("customer_name", json!(["keys", "high"])), "wrong type"),
            (with("service", json!("x".repeat(900))), "service must have"),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(part), "{text}: {error:?} lacks {part:?}");
            assert!(
                error.chars().count() < 200
                    && !["furious", "high", "keys\""]
                        .iter()
                        .any(|said| error.contains(said)),
                "{error}"
            );
        }
    }
}

//! The questions about a file: which domain and category, what it holds, and how to ask for that.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::{
        Path, Said, Tokens,
        domain::{Detected, Extracted, Pair, Useless},
        weigh,
        words::Words,
    },
    Model,
    answer::{object, tidy},
    asking::{Question, Spent},
    client::Completion,
    extracted::{self, Held},
    loosely,
    spoken::share_said,
};

const DETECT: &str = include_str!("../prompts/detect.txt");
const EXTRACT: &str = include_str!("../prompts/extract.txt");
const WRITE: &str = include_str!("../prompts/write.txt");
/// Characters of a prompt that a model wrote.
const LONGEST_PROMPT: usize = 2_000;
/// Of a prompt's words, how many may be those that asked for it.
const REPEATED: f32 = 0.9;
/// Known pairs that a model is told of; one that it names without having been told is taken all the same.
const MOST_PAIRS: usize = 300;

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
        let schema = extracted::schema();
        let question = Question {
            system: EXTRACT,
            head,
            said: Some(said),
            schema: Some(&schema),
        };
        let (told, tokens) = self.about_file(&question, extracted::read).await?;
        let held = Held::new(Words::of(said), today);
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
            written(&parsed::<Answer>(completion)?.prompt)
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

/// A prompt that names something of its own.
fn written(prompt: &str) -> Result<String, String> {
    let prompt = tidy(prompt);
    let repeated = share_said(&Words::of_one(WRITE), &prompt);
    match prompt.chars().count() {
        0 => Err("the prompt is empty".into()),
        1..=LONGEST_PROMPT if repeated < REPEATED => Ok(prompt),
        1..=LONGEST_PROMPT => {
            Err("the prompt says again what was asked: it must name fields".into())
        }
        _ => Err(format!(
            "the prompt must have {LONGEST_PROMPT} characters at most"
        )),
    }
}

pub(super) fn schema(keys: &[(&str, Value)]) -> Value {
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
pub(super) fn parsed<T: serde::de::DeserializeOwned>(completion: &Completion) -> Result<T, String> {
    if completion.is_cut {
        return Err("the answer was cut off: it is too long".into());
    }
    let object = object(&completion.text).ok_or("there is no JSON object in the answer")?;
    serde_json::from_str(object)
        .map_err(|_| "a key is missing, or a value is of the wrong type".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_says_something_of_its_own() {
        for (prompt, is_good) in [
            (
                "Take out appointment_date: the day; vehicle_model: make and model of the car; mileage: kilometres; repair: what is broken.",
                true,
            ),
            // As a model of half a billion parameters wrote it.
            (
                "What are the names of up to twelve fields in lower_case_names, each with a few words on what it holds? \
                 No greeting, no example values, nothing about the form of the answer.",
                false,
            ),
            (" \n", false),
        ] {
            assert_eq!(written(prompt).is_ok(), is_good, "{prompt}");
        }
        assert!(written(&"car_make ".repeat(300)).is_err());
    }
}

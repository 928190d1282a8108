//! The language model: one question about a call, asked again once where the answer cannot be used.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{BadOptions, Insight, MadeBy, ModelOptions, Said, meaning::Failed};
use crate::time::Clock;

mod answer;
mod asking;
mod client;
mod domain;
mod extracted;
mod loosely;
mod rest;
mod spoken;
mod support;

pub(super) use support::believed;

use answer::Answer;
use asking::{Question, Spent};
use client::Client;
use rest::Rest;

const UNDERSTAND: &str = include_str!("../prompts/understand.txt");
const AGAIN: &str = include_str!("../prompts/again.txt");

/// A configured model.
pub(super) struct Model {
    client: Client,
    name: String,
    deadline: Duration,
    most_characters: usize,
    rest: Rest,
}

/// What a model said, in the right form; nothing of it is believed yet.
pub(super) struct Reply {
    pub(super) answer: Answer,
    pub(super) made_by: MadeBy,
}

impl Model {
    /// `None` where no model is configured.
    pub(super) fn new(options: &ModelOptions, clock: Clock) -> Result<Option<Self>, BadOptions> {
        if options.url.trim().is_empty() {
            return Ok(None);
        }
        if options.name.trim().is_empty() {
            let why = "the server wants to know which model: give its name".into();
            return Err(BadOptions {
                key: "model.name",
                why,
            });
        }
        Ok(Some(Self {
            client: Client::new(options)?,
            name: options.name.clone(),
            deadline: Duration::from_secs(options.deadline_s.max(1)),
            most_characters: options.most_characters.max(100),
            rest: Rest::new(clock, Duration::from_secs(options.rest_s)),
        }))
    }

    /// Asks about a call. Whatever happens, it comes back within the deadline.
    pub(super) async fn ask(&self, insight: &Insight, said: &Said) -> Result<Reply, Failed> {
        let mut made_by = MadeBy {
            model: Some(self.name.clone()),
            prompt: Some(prompt_version()),
            ..MadeBy::on_box()
        };
        let schema = answer::schema();
        let question = Question {
            system: UNDERSTAND,
            head: head(insight, said),
            said: Some(said),
            schema: Some(&schema),
        };
        let mut spent = Spent::default();
        let outcome = self.put(&question, &mut spent, Answer::parse).await;
        made_by.requests = spent.requests;
        made_by.tokens = spent.tokens;
        let result = if outcome.is_ok() {
            "answered"
        } else {
            "failed"
        };
        metrics::counter!("callscribe_insight_model_total", "result" => result).increment(1);
        match outcome {
            Ok(answer) => Ok(Reply { answer, made_by }),
            Err(why) => {
                tracing::warn!(
                    model = self.name,
                    reason = why,
                    "the language model was of no use; understood on the box"
                );
                made_by.model_failed = Some(why);
                Err(Failed { made_by })
            }
        }
    }
}

fn head(insight: &Insight, said: &Said) -> String {
    let list = |names: &[String]| serde_json::json!(names).to_string();
    format!(
        "Services: {}\nCities: {}\nLanguage of the call: {}\n",
        list(&insight.services.names),
        list(&insight.cities.names),
        said.language().as_deref().unwrap_or("as in the transcript"),
    )
}

/// The prompts' name and the first digits of their hash, so that no edit of them goes unseen.
pub(super) fn prompt_version() -> String {
    let digest = Sha256::new()
        .chain_update(UNDERSTAND)
        .chain_update(AGAIN)
        .finalize();
    let hex: String = digest
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("understand {hex}")
}

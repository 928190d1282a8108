//! The language model: one question about a call, asked again once where the answer cannot be used.

use std::{fmt::Write as _, time::Duration};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    BadOptions, Insight, MadeBy, ModelOptions, Said, Tokens, domain::Useless, meaning::Failed,
    words::clean,
};
use crate::time::Clock;

mod answer;
mod client;
mod domain;
mod rest;
mod support;

pub(super) use support::believed;

use answer::Answer;
use client::{Client, Completion, Message, Role};
use rest::Rest;

const UNDERSTAND: &str = include_str!("../prompts/understand.txt");
const AGAIN: &str = include_str!("../prompts/again.txt");
/// Questions about one call: the first, and one more where the answer is no good.
const QUESTIONS: u32 = 2;
/// Of an answer that is no good, what the model is shown again.
const SHOWN_AGAIN: usize = 2_000;

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
        let outcome = if self.rest.is_resting() {
            Err("it failed a moment ago and is left alone for a while".to_owned())
        } else {
            let asked = self.ask_twice(insight, said, &mut made_by);
            match tokio::time::timeout(self.deadline, asked).await {
                Ok(outcome) => outcome,
                Err(_) => {
                    self.rest.begin();
                    Err(format!("no answer within {} s", self.deadline.as_secs()))
                }
            }
        };
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

    async fn ask_twice(
        &self,
        insight: &Insight,
        said: &Said,
        made_by: &mut MadeBy,
    ) -> Result<Answer, String> {
        let mut messages = vec![
            Message::new(Role::System, UNDERSTAND.into()),
            Message::new(Role::User, self.question(insight, said)),
        ];
        let schema = answer::schema();
        let mut why = String::new();
        for _ in 0..QUESTIONS {
            let completed = self
                .client
                .complete(&messages, Some(&schema), &mut made_by.requests)
                .await;
            let completed = completed.map_err(|gone| {
                self.rest.begin();
                gone.to_string()
            })?;
            let tokens = made_by.tokens.get_or_insert_default();
            tokens.add(completed.tokens);
            match Answer::parse(&completed) {
                Ok(answer) => return Ok(answer),
                Err(bad) => why = bad,
            }
            let shown = completed.text.chars().take(SHOWN_AGAIN).collect();
            messages.push(Message::new(Role::Assistant, shown));
            messages.push(Message::new(Role::User, AGAIN.replace("{error}", &why)));
        }
        Err(format!("its answer was no good, twice: {why}"))
    }

    fn question(&self, insight: &Insight, said: &Said) -> String {
        let list = |names: &[String]| serde_json::json!(names).to_string();
        let mut question = format!(
            "Services: {}\nCities: {}\nLanguage of the call: {}\n",
            list(&insight.services.names),
            list(&insight.cities.names),
            said.language().as_deref().unwrap_or("as in the transcript"),
        );
        question.push_str(&self.transcript(said));
        question
    }

    fn transcript(&self, said: &Said) -> String {
        let mut text = String::new();
        for turn in &said.turns {
            let _ = writeln!(
                text,
                "{}: {}",
                one_line(&turn.speaker),
                one_line(&turn.text)
            );
        }
        let text = middle_left_out(&text, self.most_characters);
        format!("<transcript>\n{text}</transcript>\n")
    }

    /// One question about a file, asked again once where the answer is no good. Comes back within the
    /// deadline, with what `read` made of the answer and the tokens of all requests.
    async fn asked<T>(
        &self,
        system: &str,
        question: String,
        schema: Option<&Value>,
        read: impl Fn(&Completion) -> Result<T, String>,
    ) -> Result<(T, Tokens), Useless> {
        let mut tokens = Tokens::default();
        if self.rest.is_resting() {
            let why = "it failed a moment ago and is left alone for a while".into();
            return Err(Useless { why, tokens });
        }
        let asking = async {
            let mut messages = vec![
                Message::new(Role::System, system.into()),
                Message::new(Role::User, question),
            ];
            let mut why = String::new();
            for _ in 0..QUESTIONS {
                let completed = self.client.complete(&messages, schema, &mut 0).await;
                let completed = completed.map_err(|gone| {
                    self.rest.begin();
                    gone.to_string()
                })?;
                tokens.add(completed.tokens);
                match read(&completed) {
                    Ok(answer) => return Ok(answer),
                    Err(bad) => why = bad,
                }
                let shown = completed.text.chars().take(SHOWN_AGAIN).collect();
                messages.push(Message::new(Role::Assistant, shown));
                messages.push(Message::new(Role::User, AGAIN.replace("{error}", &why)));
            }
            Err(format!("its answer was no good, twice: {why}"))
        };
        let outcome = match tokio::time::timeout(self.deadline, asking).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.rest.begin();
                Err(format!("no answer within {} s", self.deadline.as_secs()))
            }
        };
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

impl Tokens {
    fn add(&mut self, more: Self) {
        self.input += more.input;
        self.output += more.output;
    }
}

/// So that nobody can say the end of the transcript, nor a line for another speaker.
fn one_line(text: &str) -> String {
    clean(&text.replace(['\n', '\r', '\t'], " ")).replace(['<', '>'], "")
}

/// People say what they want at the beginning and agree on it at the end.
fn middle_left_out(text: &str, most: usize) -> String {
    let characters = text.chars().count();
    if characters <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most / 2).collect();
    let tail: String = text.chars().skip(characters - most / 2).collect();
    format!("{head}\n[…]\n{tail}")
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

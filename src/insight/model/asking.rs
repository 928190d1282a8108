//! One question to the model: asked again once where the answer is no good, and with less of the
//! transcript where the whole is too much for the model at hand. Comes back within the deadline.
//!
//! A server that fails is left alone for a while. One that refuses this one question is not: the next call
//! may be shorter.

use std::fmt::Write as _;

use serde_json::Value;

use super::{
    super::{Said, Tokens, words::clean},
    AGAIN, Model,
    client::{Completion, Gone, Message, Role},
};

/// Answers that are read: the first, and one more where that is no good.
const ANSWERS: u32 = 2;
/// Of an answer that is no good, what the model is shown again.
const SHOWN_AGAIN: usize = 2_000;
/// Characters of a transcript that are worth asking about where it must be shortened.
const LEAST: usize = 400;

pub(super) struct Question<'a> {
    pub(super) system: &'a str,
    /// What stands before the transcript.
    pub(super) head: String,
    pub(super) said: Option<&'a Said>,
    /// Of the answer, where it can be told beforehand.
    pub(super) schema: Option<&'a Value>,
}

/// What a question cost, answered or not.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spent {
    pub(super) requests: u32,
    pub(super) tokens: Option<Tokens>,
}

impl Model {
    /// What `read` makes of the answer, or why there is none.
    pub(super) async fn put<T>(
        &self,
        question: &Question<'_>,
        spent: &mut Spent,
        read: impl Fn(&Completion) -> Result<T, String>,
    ) -> Result<T, String> {
        if self.rest.is_resting() {
            return Err("it failed a moment ago and is left alone for a while".into());
        }
        let asked = self.ask_twice(question, spent, read);
        if let Ok(outcome) = tokio::time::timeout(self.deadline, asked).await {
            return outcome;
        }
        // Without a request the time went by behind other calls, of which the server may be well.
        if spent.requests > 0 {
            self.rest.begin();
        }
        Err(format!("no answer within {} s", self.deadline.as_secs()))
    }

    async fn ask_twice<T>(
        &self,
        question: &Question<'_>,
        spent: &mut Spent,
        read: impl Fn(&Completion) -> Result<T, String>,
    ) -> Result<T, String> {
        let text = question.said.map(transcript).unwrap_or_default();
        let mut most = text.chars().count().min(self.most_characters);
        let mut messages = question.messages(&text, most);
        let (mut answers, mut why) = (0, String::new());
        while answers < ANSWERS {
            let asked = self
                .client
                .complete(&messages, question.schema, &mut spent.requests)
                .await;
            let completed = match asked {
                Ok(completed) => completed,
                Err(Gone::TooMuch) if most / 2 >= LEAST => {
                    most /= 2;
                    messages = question.messages(&text, most);
                    continue;
                }
                Err(gone) => {
                    if gone.is_of_the_server() {
                        self.rest.begin();
                    }
                    return Err(gone.to_string());
                }
            };
            answers += 1;
            spent.tokens.get_or_insert_default().add(completed.tokens);
            match read(&completed) {
                Ok(answer) => return Ok(answer),
                Err(bad) => why = bad,
            }
            let shown = completed.text.chars().take(SHOWN_AGAIN).collect();
            messages.push(Message::new(Role::Assistant, shown));
            messages.push(Message::new(Role::User, AGAIN.replace("{error}", &why)));
        }
        Err(format!("its answer was no good, twice: {why}"))
    }
}

impl Question<'_> {
    fn messages(&self, text: &str, most: usize) -> Vec<Message> {
        let mut content = self.head.clone();
        if self.said.is_some() {
            let text = middle_left_out(text, most);
            let _ = write!(content, "<transcript>\n{text}</transcript>\n");
        }
        vec![
            Message::new(Role::System, self.system.into()),
            Message::new(Role::User, content),
        ]
    }
}

impl Tokens {
    fn add(&mut self, more: Self) {
        self.input += more.input;
        self.output += more.output;
    }
}

fn transcript(said: &Said) -> String {
    let mut text = String::new();
    for turn in &said.turns {
        let (speaker, said) = (one_line(&turn.speaker), one_line(&turn.text));
        let _ = writeln!(text, "{speaker}: {said}");
    }
    text
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

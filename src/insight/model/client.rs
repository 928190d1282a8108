//! One question to a chat model by OpenAI's interface, `POST {base}/chat/completions`, with all that
//! can go wrong bounded: connection, time, size, repetition.

use std::time::Duration;

use reqwest::{Response, StatusCode, Url, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::super::{BadOptions, JsonMode, ModelOptions, Tokens};
use crate::speech::models::pull::tls;

/// An answer of ours is a kilobyte or two; whoever sends more sends no answer.
const MOST_BYTES: usize = 256 * 1024;
/// Characters of a refusal's code that are told.
const MOST_TOLD: usize = 60;

pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    key: Option<SecretString>,
    model: String,
    json: JsonMode,
    most_tokens: u32,
    tries: u32,
    retry_first: Duration,
    retry_most: Duration,
    slots: Semaphore,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Message {
    role: Role,
    content: String,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    System,
    User,
    Assistant,
}

/// What came back.
pub(super) struct Completion {
    pub(super) text: String,
    /// It reached the limit of tokens.
    pub(super) is_cut: bool,
    pub(super) tokens: Tokens,
}

/// Why nothing came back. Says nothing that was in the question.
#[derive(Debug, thiserror::Error)]
pub(super) enum Gone {
    #[error("it answered {status}{said}")]
    Refused { status: u16, said: String },
    #[error("the call is longer than what it can read at once")]
    TooMuch,
    #[error("it asks to wait {0} s")]
    TooLong(u64),
    #[error("{0}")]
    Broken(String),
}

impl Gone {
    /// Whether the next question would fare no better.
    pub(super) fn is_of_the_server(&self) -> bool {
        match self {
            Self::TooMuch => false,
            Self::Refused { status, .. } => ![400, 413, 422].contains(status),
            Self::TooLong(_) | Self::Broken(_) => true,
        }
    }
}

/// How one request ended, if not well.
enum Trouble {
    /// Worth another try, after so long if the server said so.
    Again(Gone, Option<Duration>),
    /// Something about the request is not to its liking.
    Form(Gone),
    Final(Gone),
}

impl Message {
    pub(super) const fn new(role: Role, content: String) -> Self {
        Self { role, content }
    }
}

impl Client {
    pub(super) fn new(options: &ModelOptions) -> Result<Self, BadOptions> {
        let bad = |why: String| BadOptions {
            key: "model.url",
            why,
        };
        let url = format!(
            "{}/chat/completions",
            options.url.trim().trim_end_matches('/')
        );
        let url = Url::parse(&url).map_err(|error| bad(error.to_string()))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(bad("must begin with http:// or https://".into()));
        }
        tls::install_provider();
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(options.connect_timeout_s.max(1)))
            .timeout(Duration::from_secs(options.timeout_s.max(1)))
            // Whoever sends us elsewhere would get the call and the key there.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| bad(error.to_string()))?;
        Ok(Self {
            http,
            url,
            key: key(options),
            model: options.name.clone(),
            json: options.json,
            most_tokens: options.most_tokens.max(1),
            tries: options.tries.max(1),
            retry_first: Duration::from_millis(options.retry_first_ms),
            retry_most: Duration::from_secs(options.retry_most_s),
            slots: Semaphore::new(options.at_once.max(1) as usize),
        })
    }

    /// Asks, and asks again where that may help. `schema`: of the answer, where it can be told beforehand.
    /// `requests` counts what was sent.
    pub(super) async fn complete(
        &self,
        messages: &[Message],
        schema: Option<&Value>,
        requests: &mut u32,
    ) -> Result<Completion, Gone> {
        let _slot = self.slots.acquire().await;
        let mut is_bare = false;
        let mut tried = 0;
        loop {
            *requests += 1;
            tried += 1;
            let (gone, pause) = match self
                .once(messages, schema.filter(|_| !is_bare), is_bare)
                .await
            {
                Ok(completion) => return Ok(completion),
                Err(Trouble::Form(_)) if !is_bare => {
                    is_bare = true;
                    continue;
                }
                Err(Trouble::Again(gone, pause)) if tried < self.tries => (gone, pause),
                Err(Trouble::Again(gone, _) | Trouble::Form(gone) | Trouble::Final(gone)) => {
                    return Err(gone);
                }
            };
            let pause = pause.unwrap_or_else(|| self.retry_first * 2u32.saturating_pow(tried - 1));
            if pause > self.retry_most {
                return Err(Gone::TooLong(pause.as_secs()));
            }
            tracing::debug!(reason = %gone, ?pause, "the language model is asked again");
            tokio::time::sleep(pause).await;
        }
    }

    /// `is_bare`: without all that some servers or models refuse.
    async fn once(
        &self,
        messages: &[Message],
        schema: Option<&Value>,
        is_bare: bool,
    ) -> Result<Completion, Trouble> {
        let mut body = json!({ "model": self.model, "messages": messages });
        if !is_bare {
            body["temperature"] = json!(0);
            body["max_tokens"] = json!(self.most_tokens);
            if let Some(form) = form(self.json, schema) {
                body["response_format"] = form;
            }
        }
        let mut request = self.http.post(self.url.clone()).json(&body);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose_secret());
        }
        let broken = |error: reqwest::Error| {
            // The address may hold a key, and is known to whoever configured it.
            Trouble::Again(Gone::Broken(plainly(&error.without_url())), None)
        };
        let response = request.send().await.map_err(broken)?;
        let (status, pause) = (response.status(), pause(&response));
        let bytes = limited(response).await?;
        if status.is_success() {
            return read(&bytes).map_err(Trouble::Final);
        }
        if status.is_client_error() && is_about_the_context(&bytes) {
            return Err(Trouble::Final(Gone::TooMuch));
        }
        let gone = Gone::Refused {
            status: status.as_u16(),
            said: told(&bytes),
        };
        Err(match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                Trouble::Again(gone, pause)
            }
            status if status.is_server_error() => Trouble::Again(gone, pause),
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Trouble::Form(gone),
            _ => Trouble::Final(gone),
        })
    }
}

/// Never an empty header.
fn key(options: &ModelOptions) -> Option<SecretString> {
    let key = options.api_key.clone();
    key.filter(|key| !key.expose_secret().trim().is_empty())
}

fn form(json: JsonMode, schema: Option<&Value>) -> Option<Value> {
    match (json, schema) {
        (JsonMode::Schema, Some(schema)) => Some(json!({
            "type": "json_schema",
            "json_schema": { "name": "call", "strict": true, "schema": schema },
        })),
        (JsonMode::Schema | JsonMode::Object, _) => Some(json!({ "type": "json_object" })),
        (JsonMode::Plain, _) => None,
    }
}

/// `Retry-After`, in seconds or as a date (RFC 9110 §10.2.3); a date counts from the answer's own.
fn pause(response: &Response) -> Option<Duration> {
    let text = |name| response.headers().get(name)?.to_str().ok();
    let wanted: &str = text(header::RETRY_AFTER)?;
    if let Ok(seconds) = wanted.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| {
        jiff::fmt::rfc2822::parse(text)
            .ok()
            .map(|at| at.timestamp())
    };
    let (then, now) = (date(wanted)?, date(text(header::DATE)?)?);
    Duration::try_from(then.duration_since(now)).ok()
}

async fn limited(mut response: Response) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > MOST_BYTES => {
                let why = format!("its answer is longer than {MOST_BYTES} bytes");
                return Err(Trouble::Final(Gone::Broken(why)));
            }
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Ok(bytes),
            Err(error) => {
                let why = plainly(&error.without_url());
                return Err(Trouble::Again(Gone::Broken(why), None));
            }
        }
    }
}

#[derive(Deserialize)]
struct Envelope {
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Content,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    content: Option<String>,
}

/// Servers that do not count leave it out, or leave parts of it out.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
}

fn read(bytes: &[u8]) -> Result<Completion, Gone> {
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(|_| {
        Gone::Broken("what it sends is no chat completion: is insight.model.url right?".into())
    })?;
    let usage = envelope.usage.unwrap_or_default();
    let choice = envelope.choices.into_iter().next();
    let choice = choice.ok_or_else(|| Gone::Broken("it sent no choice".into()))?;
    Ok(Completion {
        text: choice.message.content.unwrap_or_default(),
        is_cut: choice.finish_reason.as_deref() == Some("length"),
        tokens: Tokens {
            input: usage.prompt_tokens,
            output: usage.completion_tokens,
        },
    })
}

/// What a refusal calls itself. Its message is not told: a server may quote the question in it.
fn told(bytes: &[u8]) -> String {
    let body: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let code = ["type", "code"]
        .iter()
        .find_map(|key| body["error"][key].as_str());
    code.map_or_else(String::new, |code| {
        format!(": {}", code.chars().take(MOST_TOLD).collect::<String>())
    })
}

/// A question that does not fit the model: OpenAI, vLLM and llama-cpp-python say so by a code, llama.cpp's own
/// server by a type, others in their message alone.
fn is_about_the_context(bytes: &[u8]) -> bool {
    let body: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let error = &body["error"];
    let is_named = ["type", "code"].iter().any(|key| {
        let name = error[key].as_str().unwrap_or_default();
        ["context_length_exceeded", "exceed_context_size_error"].contains(&name)
    });
    let texts = [&error["message"], error, &body["message"], &body["detail"]];
    let mut messages = texts.into_iter().filter_map(Value::as_str);
    is_named
        || messages.any(|message| {
            let message = message.to_lowercase();
            ["context length", "context size", "context window"]
                .iter()
                .any(|words| message.contains(words))
        })
}

/// The innermost cause: "connection refused" rather than "error sending request".
fn plainly(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".into();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

//! What a business says of itself, and which language model reads its calls, if any.

use serde::{Deserialize, Serialize};

/// How calls are understood.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// What the business does.
    pub services: Vec<Named>,
    /// Where it does it.
    pub cities: Vec<Named>,
    pub model: ModelOptions,
}

/// A name and what else people say for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// As it is stored and told to others.
    pub name: String,
    /// In any language and script that callers use.
    #[serde(default)]
    pub synonyms: Vec<String>,
}

/// A language model behind OpenAI's interface: OpenAI itself, Gemini's compatible door, Ollama,
/// llama.cpp's server, vLLM.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelOptions {
    /// Where `/chat/completions` is, such as `http://127.0.0.1:11434/v1`; empty for no model.
    pub url: String,
    /// What the server calls the model.
    pub name: String,
    /// Sent as `Authorization: Bearer …`.
    #[serde(skip_serializing)]
    pub api_key: Option<secrecy::SecretString>,
    /// How the answer's form is asked for: `schema`, `object` or `plain`. A server that refuses the form
    /// is asked without it.
    pub json: JsonMode,
    /// Seconds to wait for a connection.
    pub connect_timeout_s: u64,
    /// Seconds for one request.
    pub timeout_s: u64,
    /// Seconds for all requests about one call; then it is understood without the model.
    pub deadline_s: u64,
    /// Requests at most where the server answers 429 or 5xx, or does not answer.
    pub tries: u32,
    /// Milliseconds before the second one; doubles. A `Retry-After` goes first.
    pub retry_first_ms: u64,
    /// The longest pause that is waited for, in seconds. A server that asks for more is left alone.
    pub retry_most_s: u64,
    /// Seconds for which a server that failed a call is not asked again.
    pub rest_s: u64,
    /// Requests at once.
    pub at_once: u32,
    /// Tokens of an answer at most.
    pub most_tokens: u32,
    /// Characters of a transcript that are sent; of a longer one the middle is left out.
    pub most_characters: usize,
}

/// `response_format` of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JsonMode {
    Schema,
    Object,
    Plain,
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self {
            url: String::new(),
            name: String::new(),
            api_key: None,
            json: JsonMode::Schema,
            connect_timeout_s: 5,
            timeout_s: 30,
            deadline_s: 45,
            tries: 3,
            retry_first_ms: 500,
            retry_most_s: 15,
            rest_s: 30,
            at_once: 2,
            most_tokens: 1_000,
            most_characters: 24_000,
        }
    }
}

//! Which models hear, and in which language.

use serde::{Deserialize, Serialize};

/// What is heard, by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Words while people talk.
    pub live: bool,
    /// The transcript of the whole recording after the call.
    pub r#final: bool,
    /// The model of live words: a name of `callscribe models list`, or a file's path.
    pub live_model: String,
    /// The model of the final transcript.
    pub final_model: String,
    /// The model that live words come from under overload; empty for none.
    pub small_model: String,
    /// ISO 639-1 of what is spoken where a stream does not say; empty detects it, once a track.
    pub language: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            live: true,
            r#final: true,
            live_model: "base".into(),
            final_model: "base".into(),
            small_model: String::new(),
            language: String::new(),
        }
    }
}

impl Options {
    /// The configured language, if any.
    #[must_use]
    pub fn language(&self) -> Option<String> {
        Some(self.language.clone()).filter(|language| !language.is_empty())
    }
}

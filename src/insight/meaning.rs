//! What a call meant, as it is stored and told.

use serde::{Deserialize, Serialize};

/// What was made of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meaning {
    /// ISO 639-1, where it is known.
    pub language: Option<String>,
    /// As the configuration names it.
    pub service: Option<String>,
    pub city: Option<String>,
    /// Of 1000 calls with this figure, in how many service and city are right; none where neither is claimed.
    pub confidence: Option<u32>,
    pub summary: Summary,
    pub insights: Insights,
    pub path: Path,
    pub made_by: MadeBy,
}

/// A title and two points, 10 to 30 words in all; fewer where less was said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Summary {
    pub title: String,
    pub points: Vec<String>,
}

/// What only a language model tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Insights {
    pub customer_name: Option<String>,
    /// As it was said: `tomorrow at five`.
    pub preferred_time: Option<String>,
    pub sentiment: Option<Sentiment>,
    pub topics: Vec<String>,
    pub intent: Option<String>,
    pub action_items: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sentiment {
    Positive,
    Neutral,
    Negative,
}

/// Which way a meaning came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MeaningPath)]
#[serde(rename_all = "snake_case")]
pub enum Path {
    /// From the configured names and the sentences themselves.
    OnBox,
    /// By a language model, held against the transcript.
    Model,
}

impl Path {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnBox => "on_box",
            Self::Model => "model",
        }
    }
}

impl std::str::FromStr for Path {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let found = [Self::OnBox, Self::Model].into_iter();
        found
            .into_iter()
            .find(|path| path.as_str() == text)
            .ok_or(())
    }
}

/// Enough to know later why a meaning is what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct MadeBy {
    /// The version of the rules on the box, which had a hand in either path.
    pub rules: String,
    /// The language model's name, where one was asked.
    pub model: Option<String>,
    /// Which prompts it was given: their name and the first digits of their SHA-256.
    pub prompt: Option<String>,
    pub tokens: Option<Tokens>,
    /// Requests that were sent to it.
    pub requests: u32,
    /// Why its answer is not used.
    pub model_failed: Option<String>,
    /// What of its answer was not believed: names of fields and why, none of the call's words.
    pub notes: Vec<String>,
}

/// As the server counted them, over all requests for this call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Tokens {
    pub input: u64,
    pub output: u64,
}

/// Changes whenever the rules on the box come to other answers.
const RULES: &str = "names-1, sentences-1";

impl MadeBy {
    pub(super) fn on_box() -> Self {
        Self {
            rules: RULES.into(),
            ..Self::default()
        }
    }
}

/// A model that was of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) made_by: MadeBy,
}

impl Meaning {
    /// Where even the rules failed.
    pub(super) fn nothing(why: &str) -> Self {
        let mut made_by = MadeBy::on_box();
        made_by.notes.push(why.to_owned());
        Self {
            language: None,
            service: None,
            city: None,
            confidence: None,
            summary: Summary::default(),
            insights: Insights::default(),
            path: Path::OnBox,
            made_by,
        }
    }

    /// The same, with what is known of the model that should have done better.
    pub(super) fn instead_of(self, failed: Failed) -> Self {
        Self {
            made_by: failed.made_by,
            ..self
        }
    }
}

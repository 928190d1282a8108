//! What a file is about: its domain and category, and what such conversations hold.
//!
//! With a model: its answer, of which only that is believed which was said. Without one: a lexicon that
//! says "unknown" where it is not sure, and patterns that take out what is there to be seen.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Path, Sentiment, Tokens, lexicon};

/// Where nothing fits.
pub const UNKNOWN: &str = "unknown";
const LONGEST_NAME: usize = 40;
/// Characters of a prompt that a person wrote.
const LONGEST_PROMPT: usize = 4_000;

/// A domain and a category of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    pub domain: String,
    pub category: String,
}

impl Pair {
    /// `None` for what is no name: lower-case letters, digits and underscores, a letter first.
    #[must_use]
    pub fn new(domain: &str, category: &str) -> Option<Self> {
        Some(Self {
            domain: name(domain)?,
            category: name(category)?,
        })
    }

    /// A pair that a person names.
    ///
    /// # Errors
    /// What the names must be.
    pub fn known(domain: &str, category: &str) -> Result<Self, &'static str> {
        let pair = Self::new(domain, category).filter(|pair| !pair.is_unknown());
        pair.ok_or(
            "domain and category are names of lower-case letters, digits and underscores, a letter first",
        )
    }

    #[must_use]
    pub fn unknown() -> Self {
        Self {
            domain: UNKNOWN.into(),
            category: UNKNOWN.into(),
        }
    }

    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.domain == UNKNOWN || self.category == UNKNOWN
    }
}

/// A prompt that a person wrote, without what surrounds it.
///
/// # Errors
/// How long it may be.
pub fn fit_prompt(text: &str) -> Result<&str, String> {
    let text = text.trim();
    match text.chars().count() {
        1..=LONGEST_PROMPT => Ok(text),
        _ => Err(format!("prompt: 1 to {LONGEST_PROMPT} characters")),
    }
}

/// The pairs that are known from the start.
#[must_use]
pub fn starting() -> Vec<Pair> {
    let rows = lexicon::LEXICON.iter();
    rows.filter_map(|(domain, category, _)| Pair::new(domain, category))
        .collect()
}

fn name(text: &str) -> Option<String> {
    let name = text.trim().to_lowercase().replace([' ', '-'], "_");
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_name = name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(fits);
    is_name.then_some(name)
}

/// What stage one found.
#[derive(Debug, Clone, PartialEq)]
pub struct Detected {
    pub pair: Pair,
    /// Of 1000 with this figure, how many are right, as far as anybody can tell.
    pub confidence: u32,
    pub path: Path,
    pub tokens: Tokens,
}

/// A model that was of no use, and what it took all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Useless {
    pub why: String,
    pub tokens: Tokens,
}

/// What stage two took out.
#[derive(Debug, Clone, PartialEq)]
pub struct Extracted {
    pub general: General,
    /// Flat: a value of a value is `outer.inner`.
    pub specific: Map<String, Value>,
    pub path: Path,
    pub tokens: Tokens,
    /// What of the model's answer was not believed: names of fields, none of the words.
    pub notes: Vec<String>,
    /// Why the model's answer is not used.
    pub failed: Option<String>,
}

impl Extracted {
    pub(super) fn nothing() -> Self {
        Self {
            general: General::default(),
            specific: Map::new(),
            path: Path::OnBox,
            tokens: Tokens::default(),
            notes: Vec::new(),
            failed: None,
        }
    }
}

/// What every conversation has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct General {
    pub agent_name: Option<String>,
    pub customer_name: Option<String>,
    pub sentiment: Option<Sentiment>,
    /// `resolved`, `unresolved` or `follow_up`.
    pub resolution: Option<String>,
    pub topics: Vec<String>,
    pub action_items: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_example() {
        for (given, expected) in [
            ("healthcare", Some("healthcare")),
            ("Technical Support", Some("technical_support")),
            (" e-mail ", Some("e_mail")),
            ("", None),
            ("1st", None),
            ("drop table; --", None),
            ("רפואה", None),
            ("<b>", None),
        ] {
            assert_eq!(name(given).as_deref(), expected, "{given:?}");
        }
        assert_eq!(name(&"x".repeat(41)), None);
    }
}

//! What was said on a call, turn by turn.

use crate::transcript::Segment;

/// A call's text as this room reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// ISO 639-1, where the transcript tells.
    pub told_language: Option<String>,
    pub turns: Vec<Turn>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub speaker: String,
    pub text: String,
}

impl Said {
    /// Of a transcript's segments.
    #[must_use]
    pub fn of(segments: &[Segment], language: Option<String>) -> Self {
        let turn = |segment: &Segment| Turn {
            speaker: segment.label().to_owned(),
            text: segment.text.clone(),
        };
        Self {
            told_language: language,
            turns: segments.iter().map(turn).collect(),
        }
    }

    /// Whether there is no letter or digit in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let mut letters = self.turns.iter().flat_map(|turn| turn.text.chars());
        !letters.any(char::is_alphanumeric)
    }

    /// Without speakers, a line a turn.
    #[must_use]
    pub fn plain(&self) -> String {
        let texts: Vec<&str> = self.turns.iter().map(|turn| turn.text.trim()).collect();
        texts.join("\n")
    }

    /// What the transcript tells, or what the letters show.
    #[must_use]
    pub fn language(&self) -> Option<String> {
        let told = self.told_language.clone().filter(|told| !told.is_empty());
        told.or_else(|| {
            let letters = || self.turns.iter().flat_map(|turn| turn.text.chars());
            let hebrew = letters().filter(|c| is_hebrew(*c)).count();
            let all = letters().filter(|c| c.is_alphabetic()).count();
            (hebrew * 2 > all).then(|| "he".to_owned())
        })
    }
}

pub(super) const fn is_hebrew(c: char) -> bool {
    matches!(c, '\u{5d0}'..='\u{5ea}')
}

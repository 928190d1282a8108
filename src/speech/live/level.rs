//! How far live text is from what it should be: the rungs of the overload ladder.

use serde::{Deserialize, Serialize};

use super::{Options, Want};

/// From best to worst. Recordings and the final transcript are the same at every level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// There is time to spare: words are looked at more often than asked for.
    Brisk,
    #[default]
    Normal,
    /// Half as often as asked for.
    Slow,
    /// A quarter as often.
    Slower,
    /// Words appear when an utterance is over.
    FinalsOnly,
    /// The same, from the smaller model if there is one.
    SmallModel,
    /// No live text; the words come after the call.
    NoText,
}

impl Level {
    pub const ALL: [Self; 7] = [
        Self::Brisk,
        Self::Normal,
        Self::Slow,
        Self::Slower,
        Self::FinalsOnly,
        Self::SmallModel,
        Self::NoText,
    ];

    /// Whether a viewer is to be told.
    #[must_use]
    pub fn is_degraded(self) -> bool {
        self > Self::Normal
    }

    /// Place on the ladder, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    #[must_use]
    pub fn worse(self) -> Option<Self> {
        Self::ALL.get(self.index() + 1).copied()
    }

    #[must_use]
    pub fn better(self) -> Option<Self> {
        let index = self.index().checked_sub(1)?;
        Self::ALL.get(index).copied()
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Brisk => "brisk",
            Self::Normal => "normal",
            Self::Slow => "slow",
            Self::Slower => "slower",
            Self::FinalsOnly => "finals_only",
            Self::SmallModel => "small_model",
            Self::NoText => "no_text",
        }
    }

    /// New speech between two looks at an utterance that goes on, in ms; `None`: it is not looked at.
    #[must_use]
    pub fn step_ms(self, options: &Options) -> Option<u32> {
        match self {
            Self::Brisk => Some(options.brisk_step_ms.min(options.step_ms)),
            Self::Normal => Some(options.step_ms),
            Self::Slow => Some(options.step_ms * 2),
            Self::Slower => Some(options.step_ms * 4),
            Self::FinalsOnly | Self::SmallModel | Self::NoText => None,
        }
    }

    /// Time that a look may spend on what was said before, in ms.
    #[must_use]
    pub fn look_ms(self, want: Want, options: &Options) -> u32 {
        match (self, want) {
            (Self::Brisk, Want::Partial) => options.look_ms,
            (Self::Brisk | Self::Normal, Want::Settle | Want::Final) => options.last_look_ms,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rungs_stand_in_order() {
        for (index, level) in Level::ALL.into_iter().enumerate() {
            assert_eq!(level.index(), index);
            assert_eq!(
                level.worse().and_then(Level::better),
                level.worse().map(|_| level)
            );
            let json = serde_json::to_string(&level).unwrap();
            assert_eq!(json, format!("{:?}", level.as_str()));
        }
        let steps = Level::ALL.map(|level| level.step_ms(&Options::default()));
        assert!(
            steps
                .windows(2)
                .all(|pair| pair[1].is_none() || pair[0] < pair[1])
        );
    }
}

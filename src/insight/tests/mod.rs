//! Meaning, from labelled calls and from a model that misbehaves on cue.

mod answered;
mod fake;
mod hostile;
mod labelled;
mod modelled;
mod summaries;

use std::sync::Arc;

use jiff::Timestamp;

use super::{Insight, Options, Said, Turn};
use crate::time::Clock;

pub(super) const LISTS: &str = include_str!("../../../tests/fixtures/insight/lists.toml");

/// With the lists of the fixtures.
pub(super) fn options() -> Options {
    use figment::providers::{Format, Toml};
    figment::Figment::from(Toml::string(LISTS))
        .extract()
        .unwrap()
}

pub(super) fn insight(options: &Options) -> Arc<Insight> {
    let clock = Clock::manual(Timestamp::UNIX_EPOCH);
    Arc::new(Insight::new(options, clock).unwrap())
}

pub(super) fn said(turns: &[&str]) -> Said {
    let turn = |text: &&str| Turn {
        speaker: "Inbound".into(),
        text: (*text).into(),
    };
    Said {
        told_language: None,
        turns: turns.iter().map(turn).collect(),
    }
}

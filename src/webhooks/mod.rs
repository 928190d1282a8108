//! Events → requests: what other systems are told of a call, and how it gets to them.
//!
//! | file | |
//! |---|---|
//! | [`choice`] | which transcript goes out, and why |
//! | [`payload`] | the JSON that goes out |
//! | [`sign`] | the signature in front of it |
//! | [`address`] | where it may go: not into this machine or its network, unless that is meant |
//! | [`send`] | one POST and what became of it; how many at once to a target |
//!
//! A request carries `Callscribe-Event`, `Callscribe-Delivery` (the same at every try, so that a receiver
//! can tell a repetition) and `Callscribe-Signature: t=SECONDS,v1=HEX`, where `HEX` is the HMAC-SHA256 of
//! `SECONDS.BODY` under the target's secret. README.md shows how a receiver checks it, and a test runs
//! what it shows. When things are sent is decided in `after`; nothing here reads a clock or a row.

use std::collections::HashSet;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

pub mod address;
pub mod choice;
pub mod payload;
pub mod send;
pub mod sign;

pub use send::Sender;

/// Whom to tell of calls, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Who is told. None: nothing is sent.
    pub targets: Vec<Target>,
    /// Milliseconds for one request, from the look-up of its address to the answer.
    pub timeout_ms: u64,
    /// Also send to this machine and to addresses of private networks.
    pub allow_private: bool,
    /// Seconds between the first looks for the final transcript after a call's end.
    pub wait_s: u32,
    /// How many such looks before it is waited for quietly.
    pub waits: u32,
    /// Seconds after a call's end at which it is announced with what there is.
    pub deadline_s: u32,
    /// Seconds before each further try of a delivery; it is given up after the last one.
    pub retries_s: Vec<u32>,
    /// Deliveries under way at once.
    pub workers: u32,
    /// The same for one target, so that a slow one leaves workers to the others.
    pub at_once: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            timeout_ms: 10_000,
            allow_private: false,
            wait_s: 5,
            waits: 2,
            deadline_s: 1_800,
            retries_s: vec![5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800],
            workers: 8,
            at_once: 2,
        }
    }
}

/// One system that is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// For logs, rows and the API.
    pub name: String,
    /// Not for any of those: people put tokens into addresses.
    #[serde(skip_serializing)]
    pub url: SecretString,
    /// What requests are signed with.
    #[serde(skip_serializing)]
    pub secret: SecretString,
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Also told of jobs that failed for the last time (`job.failed`).
    #[serde(default)]
    pub alerts: bool,
    /// In place of `timeout_ms` above.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

const fn yes() -> bool {
    true
}

/// The shortest secret that is taken.
const SHORTEST_SECRET: usize = 16;
const LONGEST_NAME: usize = 64;
/// More tries than this are no schedule.
const MOST_RETRIES: usize = 50;

/// What is wrong with the options; it names a target, never its address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("webhooks.targets: a name is 1 to {LONGEST_NAME} characters")]
    Name,
    #[error("webhooks.targets: two are called {0:?}")]
    Twice(String),
    #[error("webhooks.targets: the secret of {0:?} has fewer than {SHORTEST_SECRET} characters")]
    Secret(String),
    #[error("webhooks.targets: the url of {0:?} is not http://… or https://… without a user in it")]
    Url(String),
    #[error(
        "webhooks.targets: the url of {0:?} is of this machine or a private network, and \
         webhooks.allow_private is off"
    )]
    Private(String),
    #[error("webhooks.retries_s: at most {MOST_RETRIES}")]
    Retries,
    #[error("webhooks: no client for requests: {0}")]
    Client(String),
}

impl Options {
    fn check(&self) -> Result<(), Unfit> {
        let mut names = HashSet::new();
        for target in &self.targets {
            let name = || target.name.clone();
            if !(1..=LONGEST_NAME).contains(&target.name.trim().chars().count()) {
                return Err(Unfit::Name);
            }
            if !names.insert(&target.name) {
                return Err(Unfit::Twice(name()));
            }
            if target.secret.expose_secret().chars().count() < SHORTEST_SECRET {
                return Err(Unfit::Secret(name()));
            }
        }
        match self.retries_s.len() > MOST_RETRIES {
            true => Err(Unfit::Retries),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str, url: &str, secret: &str) -> Target {
        Target {
            name: name.into(),
            url: url.into(),
            secret: secret.into(),
            alerts: false,
            enabled: true,
            timeout_ms: None,
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_without_telling_the_address() {
        let fit = target(
            "crm",
            "https://crm.example/hook?key=sesame",
            "sixteen-letters!",
        );
        let with =
            |name: &str, url: &str, secret: &str| vec![fit.clone(), target(name, url, secret)];
        for (targets, expected) in [
            (vec![fit.clone()], None),
            (with("b", "http://8.8.8.8/", "sixteen-letters!"), None),
            (
                with(" ", "https://b.example", "sixteen-letters!"),
                Some("a name is"),
            ),
            (
                with(&"n".repeat(65), "https://b.example", "sixteen-letters!"),
                Some("a name is"),
            ),
            (
                with("crm", "https://b.example", "sixteen-letters!"),
                Some("two are called \"crm\""),
            ),
            (
                with("b", "https://b.example", "fifteen-letters"),
                Some("secret of \"b\""),
            ),
            (
                with("b", "ftp://sesame.example/", "sixteen-letters!"),
                Some("url of \"b\""),
            ),
            (
                with("b", "sesame", "sixteen-letters!"),
                Some("url of \"b\""),
            ),
            (
                with("b", "https://me:sesame@b.example", "sixteen-letters!"),
                Some("url of \"b\""),
            ),
            (
                with("b", "https://10.0.0.1/sesame", "sixteen-letters!"),
                Some("private network"),
            ),
            (
                with("b", "https://[::1]/sesame", "sixteen-letters!"),
                Some("private network"),
            ),
        ] {
            let options = Options {
                targets,
                ..Options::default()
            };
            let said = Sender::new(&options).err().map(|unfit| unfit.to_string());
            assert_eq!(said.is_some(), expected.is_some(), "{said:?} {expected:?}");
            let (said, part) = (said.unwrap_or_default(), expected.unwrap_or_default());
            assert!(said.contains(part) && !said.contains("sesame"), "{said}");
            assert!(!format!("{options:?}").contains("sesame"));
        }
        let options = Options {
            retries_s: vec![1; 51],
            ..Options::default()
        };
        assert_eq!(Sender::new(&options).err(), Some(Unfit::Retries));
    }
}

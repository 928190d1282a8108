//! What can be set about recordings of the provider's.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::wire::recording_url::{BadUrl, Format, Hosts, TWILIO};

/// Where recordings are had, and within which limits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Whose credentials are used, `AC…`; none: the account that a recording belongs to.
    pub account_sid: Option<String>,
    /// Its auth token; none: `media.auth_token`. Sent to the provider's own hosts only.
    #[serde(skip_serializing)]
    pub auth_token: Option<SecretString>,
    /// What relative addresses are relative to.
    pub base_url: String,
    /// Further hosts that may be asked, without credentials: `media.example.com`, or an origin with its
    /// port (`http://10.0.0.7:9000`).
    pub hosts: Vec<String>,
    /// `mp3`, or `wav`: as it was on the line, and eight times as large.
    pub format: Format,
    /// Downloads at once; 0: none in this process, another one has them.
    pub at_once: u32,
    /// Seconds for one try, from the first byte asked to the last one had.
    pub timeout_s: u32,
    /// The largest file, in bytes.
    pub most_bytes: u64,
    /// Seconds between looks for a recording that is not there yet (404). Later ones are further apart: a
    /// quarter of the time that has passed.
    pub not_ready_s: u32,
    /// Seconds after which such a recording is given up.
    pub ready_within_s: u32,
    /// A recording of our own covers the provider's when it lacks no more seconds than this of it, or than
    /// a twentieth.
    pub may_lack_s: u32,
    /// Days for which downloaded files are kept beside what was made of them; 0 keeps them for ever.
    pub keep_days: u32,
    /// Downloads that fail in a row before the log says so as an error, once.
    pub alert_after: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            account_sid: None,
            auth_token: None,
            base_url: TWILIO.into(),
            hosts: Vec::new(),
            format: Format::Mp3,
            at_once: 2,
            timeout_s: 20,
            most_bytes: 256 << 20,
            not_ready_s: 5,
            ready_within_s: 3_600,
            may_lack_s: 5,
            keep_days: 7,
            alert_after: 5,
        }
    }
}

/// Why recordings cannot be fetched as configured.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOptions {
    #[error("downloads.base_url or downloads.hosts: {0}")]
    Address(#[from] BadUrl),
    #[error(
        "downloads.base_url {0} would send the auth token over the network in the clear: https, please"
    )]
    InTheClear(String),
}

impl Options {
    /// The hosts that are asked.
    ///
    /// # Errors
    /// When one is no address, or the credentials would be read on their way.
    pub fn hosts(&self) -> Result<Hosts, BadOptions> {
        let hosts = Hosts::new(&self.base_url, &self.hosts)?;
        if hosts.is_in_the_clear() {
            return Err(BadOptions::InTheClear(self.base_url.clone()));
        }
        Ok(hosts)
    }

    /// One try.
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s.max(1).into())
    }

    /// How long until the next look for a recording that has not been there for `passed`; `None`: it is
    /// given up.
    pub(in crate::after) fn next_look(&self, passed: Duration) -> Option<Duration> {
        let within = Duration::from_secs(self.ready_within_s.into());
        let left = within.checked_sub(passed).filter(|left| !left.is_zero())?;
        let wait = Duration::from_secs(self.not_ready_s.max(1).into()).max(passed / 4);
        Some(wait.min(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_not_sent_in_the_clear() {
        for (base_url, is_good) in [
            (TWILIO, true),
            ("http://127.0.0.1:9", true),
            ("http://[::1]:9", true),
            ("http://localhost:9", true),
            ("http://api.twilio.com", false),
            ("http://10.0.0.7", false),
            ("nonsense", false),
        ] {
            let options = Options {
                base_url: base_url.into(),
                ..Options::default()
            };
            assert_eq!(options.hosts().is_ok(), is_good, "{base_url}");
        }
    }

    #[test]
    fn looks_are_five_seconds_apart_then_further_then_over() {
        let options = Options::default();
        let next = |passed| options.next_look(Duration::from_secs(passed));
        for (passed, wait) in [(0, 5), (20, 5), (40, 10), (1_000, 250), (3_590, 10)] {
            assert_eq!(next(passed), Some(Duration::from_secs(wait)), "{passed}");
        }
        assert_eq!((next(3_600), next(9_999)), (None, None));
        let (mut passed, mut looks) = (Duration::ZERO, 0);
        while let Some(wait) = options.next_look(passed) {
            passed += wait;
            looks += 1;
        }
        assert!((10..50).contains(&looks), "{looks}");
    }
}

//! A recording of the provider's → a file: within limits, and without telling anybody else our secrets.
//!
//! One try: ask (with credentials at the provider's own hosts only), follow redirects by hand, each looked
//! at as the first address was, and save what comes. How a try ended says whether another makes sense.

use std::{
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use metrics::{counter, gauge};
use reqwest::{Client, Response, StatusCode, Url, header, redirect};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    ids::StreamSid,
    speech::models::pull::tls,
    wire::recording_url::{Hosts, Trust, account},
};

mod body;
mod options;

pub use options::Options;

/// Redirects that are followed.
const HOPS: u32 = 5;

/// Fetches recordings. One a process: it counts failures in a row.
pub struct Fetcher {
    options: Options,
    /// Where `options` name none.
    auth_token: Option<SecretString>,
    /// Made by whoever fetches first.
    client: OnceLock<Result<Client, String>>,
    failed_in_a_row: AtomicU32,
}

/// What is fetched.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub recording: StreamSid,
    /// As the provider wrote it.
    pub url: String,
    /// How many the provider said there are.
    pub channels: Option<u32>,
    pub account_sid: Option<String>,
}

/// Why there is no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoFetch {
    /// Not there yet: 404.
    #[error("{0}")]
    NotReady(String),
    /// Another try may help.
    #[error("{0}")]
    Failed(String),
    /// It will be so every time.
    #[error("{0}")]
    Refused(String),
}

impl NoFetch {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::NotReady(_) => "not_ready",
            Self::Failed(_) => "failed",
            Self::Refused(_) => "refused",
        }
    }
}

impl Fetcher {
    /// `auth_token` is used where `options` name none.
    #[must_use]
    pub fn new(options: Options, auth_token: Option<SecretString>) -> Self {
        Self {
            auth_token: options.auth_token.clone().or(auth_token),
            options,
            client: OnceLock::new(),
            failed_in_a_row: AtomicU32::new(0),
        }
    }

    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Fetches into `folder` and gives the file, `RE….mp3`. One that is there already, whole, is not
    /// fetched again.
    ///
    /// # Errors
    /// [`NoFetch`], counted; no file is left then.
    pub async fn fetch(&self, wanted: &Wanted, folder: &Path) -> Result<PathBuf, NoFetch> {
        let suffix = self.options.format.suffix();
        let target = folder.join(format!("{}{suffix}", wanted.recording));
        if target.is_file() {
            return Ok(target);
        }
        let within = self.options.timeout();
        let tried = tokio::time::timeout(within, self.attempt(wanted, &target)).await;
        let fetched = tried.unwrap_or_else(|_| {
            let seconds = within.as_secs();
            Err(NoFetch::Failed(format!(
                "the download was not done within {seconds} s"
            )))
        });
        self.count(&fetched);
        fetched.map(|_| target)
    }

    async fn attempt(&self, wanted: &Wanted, target: &Path) -> Result<u64, NoFetch> {
        let refused = |error: &dyn std::fmt::Display| NoFetch::Refused(error.to_string());
        let hosts = self.options.hosts().map_err(|error| refused(&error))?;
        let url = hosts
            .media(&wanted.url, self.options.format)
            .map_err(|error| refused(&error))?;
        tracing::debug!(recording = %wanted.recording, given = wanted.url, %url, "a recording's address");
        let response = match dual(&hosts, &url, wanted.channels) {
            Some(dual) => match self.ask(&hosts, dual, wanted).await? {
                // No second channel after all.
                mono if mono.status() == StatusCode::BAD_REQUEST => {
                    self.ask(&hosts, url, wanted).await?
                }
                response => response,
            },
            None => self.ask(&hosts, url, wanted).await?,
        };
        accepted(&response)?;
        body::save(response, self.options.most_bytes, target).await
    }

    /// What answers at the end of all redirects.
    async fn ask(&self, hosts: &Hosts, url: Url, wanted: &Wanted) -> Result<Response, NoFetch> {
        let client = self.client.get_or_init(client);
        let client = client
            .as_ref()
            .map_err(|why| NoFetch::Failed(why.clone()))?;
        let mut url = url;
        for _ in 0..=HOPS {
            let mut request = client.get(url.clone());
            match (hosts.trust(&url), &self.auth_token) {
                (Trust::Foreign, _) => return Err(foreign(&url)),
                (Trust::Provider, Some(token)) => {
                    let user = self.user(&url, wanted);
                    request = request.basic_auth(user, Some(token.expose_secret()));
                }
                (Trust::Provider, None) | (Trust::Listed, _) => {}
            }
            let response = request.send().await.map_err(cut)?;
            let Some(next) = redirected(&response, &url)? else {
                return Ok(response);
            };
            url = next;
        }
        Err(NoFetch::Refused(format!(
            "more than {HOPS} redirects, the last one to {}",
            place(&url)
        )))
    }

    #[cfg(test)]
    pub(in crate::after) fn failed_in_a_row(&self) -> u32 {
        self.failed_in_a_row.load(Ordering::Relaxed)
    }

    fn user(&self, url: &Url, wanted: &Wanted) -> String {
        let configured = self.options.account_sid.as_deref();
        let user = configured.or(wanted.account_sid.as_deref());
        user.or_else(|| account(url)).unwrap_or_default().to_owned()
    }

    /// Metrics; and the word that something is wrong with more than one recording, once.
    fn count(&self, fetched: &Result<u64, NoFetch>) {
        let outcome = fetched.as_ref().map_or_else(NoFetch::as_str, |_| "fetched");
        counter!("callscribe_downloads_total", "outcome" => outcome).increment(1);
        let in_a_row = match fetched {
            Ok(bytes) => {
                counter!("callscribe_download_bytes_total").increment(*bytes);
                self.failed_in_a_row.store(0, Ordering::Relaxed);
                0
            }
            // What is late is no fault.
            Err(NoFetch::NotReady(_)) => return,
            Err(error) => {
                let before = self.failed_in_a_row.fetch_add(1, Ordering::Relaxed);
                if before + 1 == self.options.alert_after {
                    tracing::error!(in_a_row = before + 1, %error, "downloads of recordings fail again and again");
                }
                before + 1
            }
        };
        gauge!("callscribe_downloads_failed_in_a_row").set(f64::from(in_a_row));
    }
}

fn client() -> Result<Client, String> {
    tls::install_provider();
    Client::builder()
        .user_agent(concat!("callscribe/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .build()
        .map_err(|error| format!("no TLS: {error}"))
}

/// The address of both channels, where there may be two. A foreign address is asked as it is.
fn dual(hosts: &Hosts, url: &Url, channels: Option<u32>) -> Option<Url> {
    let may_be = channels != Some(1) && hosts.trust(url) == Trust::Provider;
    may_be.then(|| {
        let mut url = url.clone();
        url.set_query(Some("RequestedChannels=2"));
        url
    })
}

fn redirected(response: &Response, from: &Url) -> Result<Option<Url>, NoFetch> {
    if !response.status().is_redirection() {
        return Ok(None);
    }
    let target = response.headers().get(header::LOCATION);
    let target = target.and_then(|value| value.to_str().ok());
    let target = target.and_then(|location| from.join(location).ok());
    let lost = || {
        NoFetch::Failed(format!(
            "{} redirects ({}) to nowhere",
            place(from),
            response.status().as_u16()
        ))
    };
    target.map(Some).ok_or_else(lost)
}

fn accepted(response: &Response) -> Result<(), NoFetch> {
    let (status, host) = (response.status(), place(response.url()));
    let code = status.as_u16();
    Err(match status {
        StatusCode::OK => return Ok(()),
        StatusCode::NOT_FOUND => NoFetch::NotReady(format!("{host} does not have it (404)")),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => NoFetch::Refused(format!(
            "{host} refuses our credentials ({code}): see downloads.account_sid and downloads.auth_token"
        )),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            NoFetch::Failed(format!("{host} answered {code}"))
        }
        status if status.is_client_error() => NoFetch::Refused(format!("{host} answered {code}")),
        _ => NoFetch::Failed(format!("{host} answered {code}")),
    })
}

fn foreign(url: &Url) -> NoFetch {
    NoFetch::Refused(format!(
        "{} is neither the provider's nor listed in downloads.hosts",
        place(url)
    ))
}

/// An address as it may be told: what is behind the host can be a secret.
fn place(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// A connection that failed, without the address in its text.
fn cut(error: reqwest::Error) -> NoFetch {
    use std::error::Error as _;
    let error = error.without_url();
    let mut text = format!("the download broke off: {error}");
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    NoFetch::Failed(text)
}

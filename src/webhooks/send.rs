//! One POST and what became of it, and how many of them at once to a target.

use std::{
    error::Error as StdError,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use reqwest::{Client, Response, StatusCode, Url, header, redirect};
use secrecy::ExposeSecret;

use super::{
    Options, Target, Unfit,
    address::{self, Checked, Lookup, Refused},
    sign::signature,
};
use crate::speech::models::pull::tls;

/// What is read of an answer that is not a success.
const READ_AT_MOST: usize = 4 << 10;
/// What is kept of it, in characters.
const EXCERPT: usize = 200;
/// A target may ask for a later try, by so much.
const LATER_AT_MOST: Duration = Duration::from_hours(1);

/// Sends to all configured targets.
pub struct Sender {
    options: Options,
    client: Client,
    doors: Vec<Door>,
}

struct Door {
    target: Target,
    url: Url,
    gate: Arc<Gate>,
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    pub delivery: &'a str,
    pub event: &'a str,
    pub body: &'a str,
}

/// Why a target did not take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub status: Option<u16>,
    /// For logs: without the address and without what the target said.
    pub reason: String,
    /// The beginning of what the target said.
    pub excerpt: Option<String>,
    /// It asked to be left alone so long.
    pub retry_after: Option<Duration>,
    /// Trying again is of no use.
    pub is_final: bool,
}

/// A place among a target's deliveries, given back when dropped.
pub struct Place(Arc<Gate>);

/// Why there is no place now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlace {
    /// No enabled target has that name.
    NoTarget,
    /// As many as may be are under way; come again after this.
    Full(Duration),
}

#[derive(Default)]
struct Gate(Mutex<Crowd>);

#[derive(Default)]
struct Crowd {
    inside: u32,
    /// Since somebody got in last.
    turned_away: u32,
}

impl Sender {
    /// # Errors
    /// When the options cannot be meant.
    pub fn new(options: &Options) -> Result<Self, Unfit> {
        Self::with_lookup(options, address::system())
    }

    /// With a look-up of names of the caller's own.
    ///
    /// # Errors
    /// When the options cannot be meant.
    pub fn with_lookup(options: &Options, lookup: Arc<Lookup>) -> Result<Self, Unfit> {
        options.check()?;
        let targets = options.targets.iter();
        let doors = targets
            .map(|target| Door::new(target, options.allow_private))
            .collect::<Result<_, _>>()?;
        tls::install_provider();
        let client = Client::builder()
            .user_agent(concat!("callscribe/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            // A proxy would look names up by itself, unchecked.
            .no_proxy()
            .dns_resolver(Arc::new(Checked {
                lookup,
                allow_private: options.allow_private,
            }))
            .build()
            .map_err(|error| Unfit::Client(root(&error)))?;
        Ok(Self {
            options: options.clone(),
            client,
            doors,
        })
    }

    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// The names of those who are told.
    #[must_use]
    pub fn targets(&self) -> Vec<&str> {
        let enabled = self.doors.iter().filter(|door| door.target.enabled);
        enabled.map(|door| door.target.name.as_str()).collect()
    }

    /// The names of those who are also told of jobs that failed for good.
    #[must_use]
    pub fn alerted(&self) -> Vec<&str> {
        let doors = self.doors.iter().map(|door| &door.target);
        let alerted = doors.filter(|target| target.enabled && target.alerts);
        alerted.map(|target| target.name.as_str()).collect()
    }

    /// The names of those to whom the way is not encrypted.
    #[must_use]
    pub fn in_the_clear(&self) -> Vec<&str> {
        let open = self.doors.iter().filter(|door| door.url.scheme() == "http");
        let open = open.filter(|door| door.target.enabled);
        open.map(|door| door.target.name.as_str()).collect()
    }

    /// How many deliveries may be under way; one where nobody is told, for what was left of other times.
    #[must_use]
    pub fn workers(&self) -> u32 {
        match self.targets().is_empty() {
            true => 1,
            false => self.options.workers.max(1),
        }
    }

    /// Takes a place among the deliveries of a target.
    ///
    /// # Errors
    /// When there is none now, or no such target.
    pub fn place(&self, target: &str) -> Result<Place, NoPlace> {
        let door = self.door(target).ok_or(NoPlace::NoTarget)?;
        let mut crowd = door.gate.lock();
        if crowd.inside >= self.options.at_once.max(1) {
            crowd.turned_away = crowd.turned_away.saturating_add(1);
            return Err(NoPlace::Full(come_again(crowd.turned_away)));
        }
        crowd.inside += 1;
        crowd.turned_away = 0;
        Ok(Place(Arc::clone(&door.gate)))
    }

    /// Posts a message, signed with the time `at`. A 2xx is a success, whatever else comes with it.
    ///
    /// # Errors
    /// When the target did not take it, or there is no such target.
    pub async fn send(
        &self,
        target: &str,
        message: Message<'_>,
        at: Timestamp,
    ) -> Result<u16, Failure> {
        let Some(Door { target, url, .. }) = self.door(target) else {
            return Err(Failure::of("no enabled target has this name".into(), true));
        };
        if let Some(refused) = refused(url, self.options.allow_private) {
            return Err(Failure::of(refused.to_string(), true));
        }
        let limit = Duration::from_millis(target.timeout_ms.unwrap_or(self.options.timeout_ms));
        let secret = target.secret.expose_secret();
        let response = self
            .client
            .post(url.clone())
            .timeout(limit)
            .header(header::CONTENT_TYPE, "application/json")
            .header("Callscribe-Event", message.event)
            .header("Callscribe-Delivery", message.delivery)
            .header("Callscribe-Signature", signature(secret, at, message.body))
            .body(message.body.to_owned())
            .send()
            .await
            .map_err(|error| unsent(&error, limit))?;
        let status = response.status();
        match status.is_success() {
            true => Ok(status.as_u16()),
            false => Err(declined(status, response).await),
        }
    }

    fn door(&self, name: &str) -> Option<&Door> {
        let mut enabled = self.doors.iter().filter(|door| door.target.enabled);
        enabled.find(|door| door.target.name == name)
    }
}

impl Door {
    fn new(target: &Target, allow_private: bool) -> Result<Self, Unfit> {
        let bad = || Unfit::Url(target.name.clone());
        let url = Url::parse(target.url.expose_secret()).map_err(|_| bad())?;
        let is_web = matches!(url.scheme(), "http" | "https");
        if !is_web || !url.has_host() || !url.username().is_empty() || url.password().is_some() {
            return Err(bad());
        }
        if refused(&url, allow_private).is_some() {
            return Err(Unfit::Private(target.name.clone()));
        }
        Ok(Self {
            target: target.clone(),
            url,
            gate: Arc::default(),
        })
    }
}

/// An address in place of a name is never looked up, so it is checked here.
fn refused(url: &Url, allow_private: bool) -> Option<Refused> {
    let host = url.host_str()?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let ip: IpAddr = host.parse().ok()?;
    Some(Refused(ip)).filter(|_| !allow_private && !address::is_public(ip))
}

/// The more were turned away since somebody got in, the later: they do not all come back at once.
fn come_again(turned_away: u32) -> Duration {
    const FIRST: Duration = Duration::from_secs(1);
    const EACH: Duration = Duration::from_millis(50);
    const MOST: Duration = Duration::from_secs(60);
    (FIRST + EACH.saturating_mul(turned_away)).min(MOST)
}

impl Gate {
    fn lock(&self) -> std::sync::MutexGuard<'_, Crowd> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut crowd = self.0.lock();
        crowd.inside = crowd.inside.saturating_sub(1);
    }
}

impl Failure {
    const fn of(reason: String, is_final: bool) -> Self {
        Self {
            status: None,
            reason,
            excerpt: None,
            retry_after: None,
            is_final,
        }
    }
}

/// No answer came. An address that is refused is a set-up to be changed, no hiccup.
fn unsent(error: &reqwest::Error, limit: Duration) -> Failure {
    if let Some(refused) = refusal(error) {
        return Failure::of(refused.to_string(), true);
    }
    let reason = if error.is_timeout() {
        format!("no answer within {} ms", limit.as_millis())
    } else if error.is_connect() {
        format!("no connection: {}", root(error))
    } else {
        format!("the exchange broke off: {}", root(error))
    };
    Failure::of(reason, false)
}

/// An answer came, and was no. All but 410 are worth another try, as Stripe, Svix and the Standard
/// Webhooks have it: a 400 or 401 is mostly somebody's mistake that is mended within the day. 410 says
/// that nobody wants to hear of it any more. A redirect is a no as well: it could lead anywhere.
async fn declined(status: StatusCode, response: Response) -> Failure {
    let wait = response.headers().get(header::RETRY_AFTER);
    let wait = wait.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Failure {
        status: Some(status.as_u16()),
        reason: match status.is_redirection() {
            true => format!("HTTP {}: redirects are not followed", status.as_u16()),
            false => format!("HTTP {}", status.as_u16()),
        },
        excerpt: excerpt(response).await,
        retry_after: wait.map(|secs| Duration::from_secs(secs).min(LATER_AT_MOST)),
        is_final: status == StatusCode::GONE,
    }
}

async fn excerpt(mut response: Response) -> Option<String> {
    let mut read = Vec::new();
    while read.len() < READ_AT_MOST {
        let Ok(Some(chunk)) = response.chunk().await else {
            break;
        };
        read.extend_from_slice(&chunk[..chunk.len().min(READ_AT_MOST - read.len())]);
    }
    let text = String::from_utf8_lossy(&read);
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let cut: String = plain.take(EXCERPT).collect();
    Some(cut.trim().to_owned()).filter(|text| !text.is_empty())
}

fn refusal(error: &reqwest::Error) -> Option<Refused> {
    causes(error).find_map(|cause| cause.downcast_ref::<Refused>().copied())
}

/// The innermost cause: what is around it names the address.
fn root(error: &reqwest::Error) -> String {
    let innermost = causes(error).last();
    innermost.map_or_else(|| "of itself".into(), ToString::to_string)
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

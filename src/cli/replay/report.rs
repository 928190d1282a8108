//! What the server made of a call: its events as they come, then its transcript, over the HTTP API.

use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::StreamExt;
use reqwest::{Client, StatusCode, header};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

pub use super::teller::Line;
use super::{
    Args,
    expect::Served,
    teller::{Teller, text},
};
use crate::{
    cli::phone::{api, sse::Reader},
    ids::CallSid,
};

/// How long to wait before an address that did not answer is asked again.
const RETRY: Duration = Duration::from_millis(300);

/// How often a server may say, once the stream is over, that it does not know the call: 10 s.
const UNKNOWN: u32 = 33;

/// How a connection to the events ended.
enum Turn {
    Ended(String),
    Unknown,
    Refused(StatusCode),
    Broke,
}

/// Follows one call.
pub struct Follower {
    http: Client,
    /// `http://host:port`, without a slash at the end.
    base: String,
    call: CallSid,
}

/// How a call came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// `final`, `empty` or `failed`.
    pub state: String,
    /// The served transcript as text.
    pub transcript: String,
    /// Lines about recordings.
    pub recordings: Vec<String>,
}

impl Follower {
    /// For the server whose media door the arguments name, unless they name another address.
    ///
    /// # Errors
    /// When no address can be made of them.
    pub fn new(args: &Args, call: CallSid) -> anyhow::Result<Self> {
        let url = &args.phone.url;
        let base = match &args.api {
            Some(api) => api.trim_end_matches('/').to_owned(),
            None => {
                api::api_of(url).with_context(|| format!("no API address in {url:?}: use --api"))?
            }
        };
        Ok(Self {
            http: api::client(args.access_token.as_ref())?,
            base,
            call,
        })
    }

    /// Where people look at the call.
    #[must_use]
    pub fn page(&self) -> String {
        format!("{}/calls/{}", self.base, self.call)
    }

    /// Tells what happens on the call until it is final, or until the deadline.
    ///
    /// # Errors
    /// When the call is not final by then, or the server does not know it.
    pub async fn follow(
        &self,
        deadline: &tokio::sync::watch::Receiver<Option<Instant>>,
        mut tell: impl FnMut(Line),
    ) -> anyhow::Result<Outcome> {
        let mut reader = Reader::default();
        let mut teller = Teller::default();
        let mut trouble = "it never answered".to_owned();
        let mut unknown = 0;
        loop {
            let turn = self.events(&mut reader, &mut teller, &mut tell);
            let Some(ended) = until(deadline.clone(), turn).await else {
                bail!(
                    "{} was not final in time ({trouble}); it goes on there: {}",
                    self.call,
                    self.page()
                );
            };
            match ended {
                Ok(Turn::Ended(state)) => return self.outcome(state).await,
                Ok(Turn::Refused(status)) => {
                    bail!("{} answered {status}: see --access-token", self.base)
                }
                Ok(Turn::Unknown) if deadline.borrow().is_some() && unknown > UNKNOWN => {
                    bail!("{} does not know {}", self.base, self.call)
                }
                Ok(Turn::Unknown) => {
                    "it does not know the call".clone_into(&mut trouble);
                    unknown += u32::from(deadline.borrow().is_some());
                }
                Ok(Turn::Broke) => "its events stopped".clone_into(&mut trouble),
                Err(error) => trouble = format!("{error:#}"),
            }
            let _ = until(deadline.clone(), sleep(RETRY)).await;
        }
    }

    /// Reads events until the last one, or until the connection ends.
    async fn events(
        &self,
        reader: &mut Reader,
        teller: &mut Teller,
        tell: &mut impl FnMut(Line),
    ) -> anyhow::Result<Turn> {
        let url = format!("{}/api/v1/calls/{}/events", self.base, self.call);
        let mut request = self
            .http
            .get(&url)
            .header(header::ACCEPT, "text/event-stream");
        if let Some(id) = &reader.last_id {
            request = request.header("Last-Event-ID", id);
        }
        let answer = request.send().await.context("no answer")?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(Turn::Unknown),
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                return Ok(Turn::Refused(status));
            }
            status => bail!("{url} answered {status}"),
        }
        let mut body = answer.bytes_stream();
        while let Some(piece) = body.next().await {
            for event in reader.take(&piece.context("its events broke off")?) {
                let data = serde_json::from_str(&event.data).unwrap_or(Value::Null);
                teller
                    .lines(&event.name, &data)
                    .into_iter()
                    .for_each(&mut *tell);
                if event.name == "ended" {
                    return Ok(Turn::Ended(text(&data, "state")));
                }
            }
        }
        Ok(Turn::Broke)
    }

    async fn outcome(&self, state: String) -> anyhow::Result<Outcome> {
        let call = format!("{}/api/v1/calls/{}", self.base, self.call);
        let transcript = self.get(&format!("{call}/transcript?format=txt")).await?;
        let json: Value = serde_json::from_str(&self.get(&call).await?)
            .with_context(|| format!("{call} is no JSON"))?;
        let recordings = json["recordings"].as_array();
        let recordings = recordings
            .into_iter()
            .flatten()
            .map(|r| recording(&self.base, r));
        Ok(Outcome {
            state,
            transcript,
            recordings: recordings.collect(),
        })
    }

    /// The transcript that is served now, final or not.
    ///
    /// # Errors
    /// When the server does not answer, or with something else.
    pub async fn served(&self) -> anyhow::Result<Served> {
        let url = format!(
            "{}/api/v1/calls/{}/transcript?format=json",
            self.base, self.call
        );
        let json = self.get(&url).await?;
        serde_json::from_str(&json).with_context(|| format!("{url} is no transcript"))
    }

    async fn get(&self, url: &str) -> anyhow::Result<String> {
        let answer = self.http.get(url).send().await;
        let answer = answer.and_then(reqwest::Response::error_for_status);
        Ok(answer?.text().await?)
    }
}

/// Runs until the deadline, which may be set or moved while it runs.
async fn until<T>(
    mut deadline: tokio::sync::watch::Receiver<Option<Instant>>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = std::pin::pin!(work);
    loop {
        let at = *deadline.borrow_and_update();
        tokio::select! {
            done = async {
                match at {
                    Some(at) => timeout_at(at, &mut work).await.ok(),
                    None => Some((&mut work).await),
                }
            } => return done,
            changed = deadline.changed() => if changed.is_err() {
                return match at {
                    Some(at) => timeout_at(at, work).await.ok(),
                    None => Some(work.await),
                };
            },
        }
    }
}

fn recording(base: &str, recording: &Value) -> String {
    let name = format!(
        "{} {} {}",
        text(recording, "track"),
        text(recording, "speaker"),
        text(recording, "state")
    );
    match recording["failed"].as_str() {
        Some(why) => format!("{name}: {why}"),
        None => {
            let urls = recording["urls"].as_array().into_iter().flatten();
            let urls = urls
                .filter_map(Value::as_str)
                .map(|u| format!(" {base}{u}"));
            format!(
                "{name} {} s{}",
                recording["duration"],
                urls.collect::<String>()
            )
        }
    }
}

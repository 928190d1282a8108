//! What the server made of a call: its events as they come, then its transcript, over the HTTP API.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, bail};
use futures_util::StreamExt;
use reqwest::{Client, StatusCode, header};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::sse::Reader;
use crate::ids::CallSid;

/// How long to wait before an address that did not answer is asked again.
const RETRY: Duration = Duration::from_millis(300);

/// How often a server may say, once the stream is over, that it does not know the call: 10 s.
const UNKNOWN: u32 = 33;

/// How a connection to the events ended.
enum Turn {
    Ended(String),
    Unknown,
    Broke,
}

/// Follows one call.
pub struct Follower {
    http: Client,
    /// `http://host:port`, without a slash at the end.
    base: String,
    call: CallSid,
}

/// Something to tell whoever watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Words heard and not settled: they replace the ones told before.
    Unsettled(String),
    /// A whole utterance.
    Said(String),
    /// Something about the call.
    Note(String),
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
    /// For the server whose media door is `url`, unless `api` names another address.
    ///
    /// # Errors
    /// When no address can be made of them.
    pub fn new(url: &str, api: Option<&str>, call: CallSid) -> anyhow::Result<Self> {
        let base = match api {
            Some(api) => api.trim_end_matches('/').to_owned(),
            None => api_of(url).with_context(|| format!("no API address in {url:?}: use --api"))?,
        };
        // Another part of the process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            http: Client::builder().build().context("no HTTP client")?,
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

/// `ws://host/media` → `http://host`.
fn api_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = match scheme {
        "ws" | "http" => "http",
        "wss" | "https" => "https",
        _ => return None,
    };
    let authority = rest
        .split(['/', '?', '#'])
        .next()
        .filter(|a| !a.is_empty())?;
    Some(format!("{scheme}://{authority}"))
}

/// What was told of a call so far.
#[derive(Default)]
struct Teller {
    /// The committed words of utterances still being spoken, by stream, track and number.
    open: BTreeMap<(u64, String, u64), String>,
    /// Utterances told, by track and start in milliseconds: a snapshot repeats them.
    told: BTreeSet<(String, u64)>,
}

impl Teller {
    fn lines(&mut self, event: &str, data: &Value) -> Vec<Line> {
        let note = |what: String| vec![Line::Note(what.trim_end().to_owned())];
        let reason = text(data, "reason");
        match event {
            "partial" => self.unsettled(data, false),
            "delta" => self.unsettled(data, true),
            "completed" => {
                self.open.remove(&key(data));
                self.said(data).into_iter().collect()
            }
            // The words of a final version come with the outcome.
            "snapshot" if data["kind"] == "live" => {
                let said = data["segments"].as_array().into_iter().flatten();
                said.filter_map(|segment| self.said(segment)).collect()
            }
            "degraded" => note(format!("degraded, level {}: {reason}", data["level"])),
            "state" => note(format!("state: {} {reason}", text(data, "state"))),
            "note" => note(format!("{}: {}", text(data, "kind"), text(data, "text"))),
            "replaced" => note(format!(
                "transcript replaced by version {}: {reason}",
                data["version"]
            )),
            _ => Vec::new(),
        }
    }

    fn unsettled(&mut self, data: &Value, committed: bool) -> Vec<Line> {
        let so_far = self.open.entry(key(data)).or_default();
        let shown = format!("{so_far} {}", words(data));
        let shown = shown.trim();
        if committed {
            shown.clone_into(so_far);
        }
        vec![Line::Unsettled(format!(
            "{:>8}  {shown}",
            text(data, "track")
        ))]
    }

    fn said(&mut self, data: &Value) -> Option<Line> {
        let start = data["start"].as_f64().unwrap_or(0.0);
        let track = text(data, "track");
        let new = self.told.insert((track.clone(), millis(start)));
        new.then(|| {
            Line::Said(format!(
                "{} {track:>8}  {}",
                clock(start),
                text(data, "text")
            ))
        })
    }
}

fn key(data: &Value) -> (u64, String, u64) {
    let number = |name: &str| data[name].as_u64().unwrap_or(0);
    (number("stream"), text(data, "track"), number("utterance"))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to int saturates"
)]
fn millis(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
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

fn words(data: &Value) -> String {
    let words = data["words"].as_array().into_iter().flatten();
    let words: Vec<String> = words
        .map(|word| text(word, "text").trim().to_owned())
        .collect();
    words.join(" ")
}

/// When it was said, `m:ss.s`.
fn clock(start: f64) -> String {
    let minutes = (start / 60.0).floor();
    format!("{minutes:>3}:{:04.1}", start - minutes * 60.0)
}

fn text(data: &Value, key: &str) -> String {
    data[key].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_api_is_where_the_media_door_is() {
        for (url, api) in [
            ("ws://127.0.0.1:8080/media", Some("http://127.0.0.1:8080")),
            ("wss://example.com/media/CA1#x", Some("https://example.com")),
            ("ws://[::1]:80", Some("http://[::1]:80")),
            ("ftp://x/", None),
            ("ws:///media", None),
        ] {
            assert_eq!(api_of(url).as_deref(), api, "{url}");
        }
    }

    #[test]
    fn events_become_lines() {
        let mut teller = Teller::default();
        let words = |utterance, words: &[&str]| {
            let words: Vec<Value> = words.iter().map(|w| json!({ "text": w })).collect();
            json!({"stream": 1, "track": "inbound", "utterance": utterance, "start": 75.0, "words": words})
        };
        let said = |text: &str| json!({"track": "inbound", "start": 75.25, "text": text});
        let unsettled = |text: &str| vec![Line::Unsettled(format!(" inbound  {text}"))];
        let told = |text: &str| vec![Line::Said(format!("  1:15.2  inbound  {text}"))];
        let note = |text: &str| vec![Line::Note(text.into())];
        let snapshot = |kind: &str| json!({"kind": kind, "segments": [said("hello there")]});
        for (event, data, expected) in [
            (
                "partial",
                words(1, &[" hello", "their"]),
                unsettled("hello their"),
            ),
            ("delta", words(1, &["hello"]), unsettled("hello")),
            ("partial", words(1, &["there"]), unsettled("hello there")),
            ("partial", words(2, &["other"]), unsettled("other")),
            ("snapshot", snapshot("final"), vec![]),
            ("completed", said("hello there"), told("hello there")),
            ("snapshot", snapshot("live"), vec![]),
            (
                "note",
                json!({"kind": "dtmf", "text": "5"}),
                note("dtmf: 5"),
            ),
            (
                "state",
                json!({"state": "finishing", "reason": null}),
                note("state: finishing"),
            ),
            ("ended", json!({"state": "final"}), vec![]),
        ] {
            assert_eq!(teller.lines(event, &data), expected, "{event} {data}");
        }
    }
}

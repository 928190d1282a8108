//! The server's own figures, before, meanwhile and after: what it did.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context;
use reqwest::Client;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::{
    Args,
    figures::{Figures, whole},
};
use crate::cli::phone::api;

/// How long the server may take to count what it was sent.
const SETTLES: Duration = Duration::from_secs(10);
/// Between two looks at whether it has.
const LOOK: Duration = Duration::from_millis(200);
/// A server that does not answer by then has other things to do, or is none.
const ANSWER: Duration = Duration::from_secs(5);

const FRAMES: &str = "callscribe_frames_total";
const ACTIVE: &str = "callscribe_streams_active";
const GAPS: &str = "callscribe_gap_milliseconds_total";
const REFUSED: &str = "callscribe_streams_refused_total";
const ANOMALIES: &str = "callscribe_stream_anomalies_total";
const LAG: &str = "callscribe_live_lag_seconds";
const LEVEL: &str = "callscribe_live_level";

/// Where the figures are.
#[derive(Debug, Clone)]
pub(super) struct Scraper {
    http: Client,
    url: String,
}

impl Scraper {
    /// `None` where none are wanted.
    pub(super) fn new(args: &Args) -> anyhow::Result<Option<Self>> {
        let url = match args.metrics.as_deref() {
            Some("none") => return Ok(None),
            Some(url) => url.to_owned(),
            None => {
                let api = api::api_of(&args.phone.url);
                let api = api.with_context(|| {
                    format!("no address in {:?}: use --metrics", args.phone.url)
                })?;
                format!("{api}/metrics")
            }
        };
        reqwest::Url::parse(&url).with_context(|| format!("--metrics {url:?}"))?;
        let http = api::client(args.access_token.as_ref())?;
        Ok(Some(Self { http, url }))
    }

    /// The figures before the first call.
    pub(super) async fn first(&self) -> anyhow::Result<Figures> {
        self.scrape().await.with_context(|| {
            format!(
                "{} gives no figures: use --access-token, --metrics URL or --metrics none",
                self.url
            )
        })
    }

    pub(super) async fn scrape(&self) -> anyhow::Result<Figures> {
        let asked = self.http.get(&self.url).timeout(ANSWER).send().await;
        let text = asked?.error_for_status()?.text().await?;
        let figures = Figures::parse(&text);
        Ok(figures)
    }

    /// Looks how it goes. No answer at all is a long one.
    pub(super) async fn look(&self, worst: &mut Worst) {
        let asked = Instant::now();
        let figures = self.scrape().await;
        worst.answer = worst.answer.max(asked.elapsed());
        if let Ok(figures) = figures {
            worst.see(&figures);
        }
    }

    /// What the server did since, once all that was sent is counted and the streams have ended, or it
    /// has become too late for that.
    pub(super) async fn compare(&self, before: &Figures, worst: Worst, sent: u64) -> Server {
        let deadline = Instant::now() + SETTLES;
        loop {
            let after = match self.scrape().await {
                Ok(after) => after,
                Err(error) => return Server::Silent(format!("{}: {error:#}", self.url)),
            };
            if sent > 0 && after.of(FRAMES).next().is_none() {
                let url = &self.url;
                return Server::Silent(format!("{url} has no {FRAMES}: is it callscribe's?"));
            }
            let counted = whole(after.sum(FRAMES) - before.sum(FRAMES));
            let quiet = after.sum(ACTIVE) <= before.sum(ACTIVE);
            if (counted >= sent && quiet) || Instant::now() >= deadline {
                return Server::Told(compare(before, &after, worst, sent));
            }
            sleep(LOOK).await;
        }
    }
}

/// What is known of the server.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Server {
    Told(Told),
    /// It gave figures before, and none after: why.
    Silent(String),
    /// Its figures were not wanted.
    Unasked,
}

/// The worst that was seen while calls went on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Worst {
    pub(super) level: u64,
    pub(super) streams: u64,
    /// The longest that it took to answer.
    pub(super) answer: Duration,
}

impl Worst {
    pub(super) fn see(&mut self, figures: &Figures) {
        self.level = self.level.max(whole(figures.sum(LEVEL)));
        self.streams = self.streams.max(whole(figures.sum(ACTIVE)));
    }
}

/// What the server did, by its own count.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Told {
    /// Frames that it counted meanwhile.
    pub frames: u64,
    /// Frames sent that it did not count.
    pub frames_lost: u64,
    /// Frames that it counted and nobody here sent: others used it meanwhile.
    pub frames_foreign: u64,
    /// Silence that it filled in for audio that never came, in milliseconds.
    pub gap_ms: u64,
    /// Streams that it refused, by its reason.
    pub refused: BTreeMap<String, u64>,
    /// What it let go or could not do, by counter.
    pub dropped: BTreeMap<String, u64>,
    /// What streams did that they should not have done, by kind.
    pub anomalies: BTreeMap<String, u64>,
    /// How late live words were in 95 of 100 cases, at most; `None` without live words.
    pub live_lag_p95_s: Option<f64>,
    /// How far live words were degraded at worst; 0 is not at all.
    pub live_level: u64,
    /// The same before the first call: what an earlier load left.
    pub live_level_before: u64,
    /// The most streams that it had open, as far as that was seen.
    pub streams_most: u64,
    /// The longest that it took to give its figures, in seconds.
    pub slowest_answer_s: f64,
}

fn compare(before: &Figures, after: &Figures, mut worst: Worst, sent: u64) -> Told {
    worst.see(after);
    let grown = after.since(before);
    let frames = whole(grown.sum(FRAMES));
    Told {
        frames,
        frames_lost: sent.saturating_sub(frames),
        frames_foreign: frames.saturating_sub(sent),
        gap_ms: whole(grown.sum(GAPS)),
        refused: grown.by(REFUSED, "reason"),
        dropped: grown.drops(),
        anomalies: grown.by(ANOMALIES, "kind"),
        live_lag_p95_s: grown.quantile(LAG, 0.95),
        live_level: worst.level,
        live_level_before: whole(before.sum(LEVEL)),
        streams_most: worst.streams,
        slowest_answer_s: worst.answer.as_secs_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::load::figures::tests::{AFTER, BEFORE};

    #[test]
    fn what_the_server_did_is_what_grew() {
        let compared = |sent| {
            let worst = Worst {
                level: 1,
                streams: 9,
                answer: Duration::from_millis(500),
            };
            compare(&Figures::parse(BEFORE), &Figures::parse(AFTER), worst, sent)
        };
        let expected = Told {
            frames: 250,
            frames_lost: 10,
            frames_foreign: 0,
            gap_ms: 60,
            refused: [("full".into(), 4)].into(),
            dropped: [("queue_dropped_total{queue=\"facts\"}".into(), 3)].into(),
            anomalies: [("a } b \\".into(), 1)].into(),
            live_lag_p95_s: Some(60.0),
            live_level: 2,
            live_level_before: 0,
            streams_most: 9,
            slowest_answer_s: 0.5,
        };
        assert_eq!(compared(260), expected);
        let foreign = compared(200);
        assert_eq!((foreign.frames_lost, foreign.frames_foreign), (0, 50));
    }
}

//! How late the first words of what was said come to whoever watches a call.

use std::{
    collections::HashSet,
    convert::Infallible,
    time::{Duration, Instant},
};

use anyhow::Context;
use futures_util::StreamExt;
use reqwest::{Client, header};
use serde_json::Value;
use tokio::time::sleep;

use super::{Args, tally::Count};
use crate::{
    cli::phone::{api, meter::Spread, sse::Reader},
    ids::CallSid,
    time::Clock,
};

/// The most callers that are followed: enough for a median, and viewers cost the server something.
const FOLLOWED: usize = 20;
/// Before an address that did not answer is asked again.
const RETRY: Duration = Duration::from_millis(200);
/// Words are shown many times a second at best.
const STEP: Duration = Duration::from_millis(10);

/// Follows a sample of the calls.
#[derive(Debug)]
pub(super) struct Words {
    http: Client,
    base: String,
    every: usize,
    /// Calls whose events came.
    pub(super) followed: Count,
    /// From the end of the first word that is shown of an utterance, as it was spoken, to its coming.
    pub(super) late: Spread,
}

impl Words {
    pub(super) fn new(args: &Args) -> anyhow::Result<Self> {
        let url = args.metrics.as_deref().filter(|url| *url != "none");
        let url = url.unwrap_or(&args.phone.url);
        let base = api::api_of(url).with_context(|| format!("--words: no address in {url:?}"))?;
        Ok(Self {
            http: api::client(args.access_token.as_ref())?,
            base,
            every: args.calls.div_ceil(FOLLOWED),
            followed: Count::default(),
            late: Spread::with_step(STEP),
        })
    }

    pub(super) const fn follows(&self, caller: usize) -> bool {
        caller.is_multiple_of(self.every)
    }

    /// Follows the first stream of a call that began then, until it is dropped.
    pub(super) async fn follow(&self, call: &CallSid, clock: &Clock, began: Instant) -> Infallible {
        let mut seen = Seen::default();
        let mut came = false;
        loop {
            // What breaks off is asked for again: the server may not know the call yet.
            let _ = self.listen(call, clock, began, &mut seen, &mut came).await;
            sleep(RETRY).await;
        }
    }

    async fn listen(
        &self,
        call: &CallSid,
        clock: &Clock,
        began: Instant,
        seen: &mut Seen,
        came: &mut bool,
    ) -> reqwest::Result<()> {
        let url = format!("{}/api/v1/calls/{call}/events", self.base);
        let asked = self
            .http
            .get(url)
            .header(header::ACCEPT, "text/event-stream");
        let mut body = asked.send().await?.error_for_status()?.bytes_stream();
        if !std::mem::replace(came, true) {
            self.followed.up();
        }
        let mut reader = Reader::default();
        while let Some(piece) = body.next().await {
            for event in reader.take(&piece?) {
                if let Some(spoken) = seen.first_word(&event.name, &event.data) {
                    let since = clock.now().saturating_duration_since(began);
                    self.late.add(since.saturating_sub(spoken));
                }
            }
        }
        Ok(())
    }
}

/// Utterances of which words came, by track and number.
#[derive(Default)]
struct Seen(HashSet<(String, u64)>);

impl Seen {
    /// When the first word of an utterance had been spoken, where these are the first of it.
    fn first_word(&mut self, event: &str, data: &str) -> Option<Duration> {
        if !["partial", "delta", "completed"].contains(&event) {
            return None;
        }
        let data: Value = serde_json::from_str(data).ok()?;
        let end = data["words"].get(0)?["end"].as_f64()?;
        let track = data["track"].as_str()?.to_owned();
        let utterance = data["utterance"].as_u64()?;
        let of_first_stream = data["stream"].as_u64()? == 1;
        let new = of_first_stream && self.0.insert((track, utterance));
        new.then(|| Duration::try_from_secs_f64(end).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_of_an_utterance_count_once() {
        let mut seen = Seen::default();
        let words = |stream: u32, track: &str, utterance: u32, ends: &str| {
            format!(
                r#"{{"stream":{stream},"track":"{track}","utterance":{utterance},"words":[{ends}]}}"#
            )
        };
        let one = r#"{"text":"a","start":1,"end":1.5},{"text":"b","end":2.0}"#;
        for (event, data, spoken) in [
            ("state", words(1, "inbound", 1, one), None),
            ("partial", words(1, "inbound", 1, ""), None),
            ("partial", words(1, "inbound", 1, one), Some(1.5)),
            ("delta", words(1, "inbound", 1, one), None),
            ("delta", words(1, "outbound", 1, one), Some(1.5)),
            ("completed", words(1, "inbound", 2, one), Some(1.5)),
            ("partial", words(2, "inbound", 3, one), None),
            (
                "partial",
                words(1, "inbound", 4, r#"{"end":-1}"#),
                Some(0.0),
            ),
            ("partial", "junk".into(), None),
            ("partial", r#"{"words":[{"end":1}]}"#.into(), None),
        ] {
            let spoken = spoken.map(Duration::from_secs_f64);
            assert_eq!(seen.first_word(event, &data), spoken, "{event} {data}");
        }
    }
}

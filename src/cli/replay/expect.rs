//! `--expect`: the transcript that the server serves, against what was really said.

use std::{
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use serde::Deserialize;

use super::Speed;
use crate::{
    cli::reference::{CallText, Expected},
    ids::Track,
    speech::coverage::CoverageKind,
    time::MediaTime,
    transcript::{
        Document,
        wer::{self, Counts},
    },
};

/// A transcript as the API gives it.
#[derive(Debug, Clone, Deserialize)]
pub struct Served {
    /// `live` or `final`.
    #[serde(default)]
    pub kind: String,
    #[serde(flatten)]
    pub document: Document,
}

/// What was said, and how much of it may be missed.
#[derive(Debug, Clone)]
pub(super) struct Expectation {
    said: Expected,
    /// Percent.
    worst: Option<f64>,
}

impl Expectation {
    pub(super) fn read(path: &Path, worst: Option<f64>) -> anyhow::Result<Self> {
        let said = Expected::read(path)?;
        Ok(Self { said, worst })
    }

    /// The score in words, and whether it is good enough.
    pub(super) fn judge(&self, served: &Served, latency: &Latency) -> (String, bool) {
        let document = &served.document;
        let counts = match &self.said {
            Expected::Plain(text) => vec![("all", wer::compare(text, &all(document)))],
            Expected::Call(call) => by_track(call, document),
        };
        let sum: Counts = counts.iter().map(|(_, counts)| *counts).sum();
        let mut text = format!("expected, against the {} transcript:\n", served.kind);
        if counts.len() > 1 {
            counts.iter().for_each(|(who, c)| line(&mut text, who, c));
        }
        line(&mut text, "all", &sum);
        coverage(document, &mut text);
        latency.tell(&mut text);
        let rate = sum.rate().unwrap_or(0.0) * 100.0;
        let worst = self.worst.filter(|worst| rate > *worst);
        if let Some(worst) = worst {
            let _ = writeln!(text, "  {rate:.1} % is above --worst-wer {worst}");
        }
        (text, worst.is_none())
    }
}

fn by_track(call: &CallText, document: &Document) -> Vec<(&'static str, Counts)> {
    let said = |track: Track| -> Vec<&str> {
        let turns = call.turns_of(track);
        turns.map(|turn| turn.text.as_str()).collect()
    };
    Track::ALL
        .into_iter()
        .map(|track| {
            let counts = wer::compare(&said(track).join(" "), &text_of(document, Some(track)));
            (track.as_str(), counts)
        })
        .filter(|(_, counts)| counts.words + counts.inserted > 0)
        .collect()
}

fn all(document: &Document) -> String {
    text_of(document, None)
}

fn text_of(document: &Document, track: Option<Track>) -> String {
    let mine = document.segments.iter();
    let mine = mine.filter(|segment| track.is_none_or(|track| segment.track == track));
    let texts: Vec<&str> = mine.map(|segment| segment.text.as_str()).collect();
    texts.join(" ")
}

fn line(text: &mut String, who: &str, counts: &Counts) {
    let rate = counts.rate().map_or_else(
        || "no words expected".into(),
        |rate| format!("WER {:.1} %", rate * 100.0),
    );
    let _ = writeln!(
        text,
        "  {who:8} {rate} (substituted {}, deleted {}, inserted {} of {} words)",
        counts.substituted, counts.deleted, counts.inserted, counts.words
    );
}

fn coverage(document: &Document, text: &mut String) {
    for track in Track::ALL {
        let of = |kind: Option<CoverageKind>| {
            let spans = document.coverage.iter().filter(|span| span.track == track);
            let spans = spans.filter(|span| kind.is_none_or(|kind| span.kind == kind));
            let samples: u64 = spans.map(|s| s.end.saturating_sub(s.start).0).sum();
            MediaTime(samples).as_secs()
        };
        let whole = of(None);
        if whole > 0.0 {
            let share = |kind| of(Some(kind)) / whole * 100.0;
            let _ = writeln!(
                text,
                "  {:8} covers {whole:.1} s: text {:.1} %, silence {:.1} %, not understood {:.1} %",
                track.as_str(),
                share(CoverageKind::Text),
                share(CoverageKind::Silence),
                share(CoverageKind::NotUnderstood)
            );
        }
    }
}

/// How long after their ends words were there to stay, as their listener saw it.
#[derive(Debug, Default)]
pub(super) struct Latency(Vec<f64>);

impl Latency {
    /// Words arrived whose ends these are, in seconds of a stream that `began` then. Of a stream faster than
    /// any clock there is nothing to say.
    pub(super) fn arrived(&mut self, ends: &[f64], speed: Speed, began: Instant, now: Instant) {
        if speed == Speed::Max {
            return;
        }
        let passed = now.saturating_duration_since(began).as_secs_f64();
        self.0.extend(ends.iter().map(|end| {
            let end = Duration::try_from_secs_f64(*end).unwrap_or_default();
            passed - speed.on_clock(end).as_secs_f64()
        }));
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    fn tell(&self, text: &mut String) {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else {
            return;
        };
        let at = |share: f64| sorted[(last as f64 * share).round() as usize];
        let _ = writeln!(
            text,
            "  word end to committed: p50 {:.2} s, p95 {:.2} s, most {:.2} s of {} words",
            at(0.5),
            at(0.95),
            at(1.0),
            sorted.len()
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::time::Clock;

    fn served() -> Served {
        let segment = |track, start, text: &str| json!({"track": track, "start": start, "end": start + 1.0, "text": text, "words": []});
        let span = |start, end, kind| json!({"track": "inbound", "start": start, "end": end, "kind": kind});
        serde_json::from_value(json!({
            "kind": "final", "call": "CA1", "duration": 4.0, "language": "en", "model": null,
            "segments": [segment("inbound", 0.0, "Hello there."), segment("outbound", 1.0, "Good day!")],
            "coverage": [span(0.0, 3.0, "text"), span(3.0, 4.0, "silence")],
        }))
        .unwrap()
    }

    fn judged(said: Expected, worst: Option<f64>) -> (String, bool) {
        Expectation { said, worst }.judge(&served(), &Latency::default())
    }

    #[test]
    fn transcripts_are_scored_as_a_whole_or_by_track() {
        let plain = |text: &str| Expected::Plain(text.into());
        let turn =
            |track: &str, text: &str| json!({"track": track, "start": 0, "end": 1, "text": text});
        let call = json!({"turns": [turn("inbound", "hello bear"), turn("outbound", "good day")]});
        let call = Expected::Call(serde_json::from_value(call).unwrap());
        for (said, worst, says, good) in [
            (
                plain("hello there good day"),
                Some(0.0),
                "all      WER 0.0 %",
                true,
            ),
            (plain("hello there good night"), None, "WER 25.0 %", true),
            (
                plain("hello there good night"),
                Some(25.0),
                "WER 25.0 %",
                true,
            ),
            (
                plain("hello there good night"),
                Some(24.0),
                "above --worst-wer 24",
                false,
            ),
            (
                call,
                Some(30.0),
                "inbound  WER 50.0 % (substituted 1,",
                true,
            ),
        ] {
            let (text, ok) = judged(said, worst);
            assert!(text.contains(says) && ok == good, "{text}");
            assert!(
                text.contains("covers 4.0 s: text 75.0 %, silence 25.0 %, not understood 0.0 %"),
                "{text}"
            );
        }
    }

    #[test]
    fn words_are_late_by_the_clock_that_the_stream_runs_on() {
        let began = Clock::system().now();
        let now = began + Duration::from_secs(3);
        for (speed, says) in [
            (
                Speed::Times(1.0),
                "p50 2.00 s, p95 2.50 s, most 2.50 s of 3 words",
            ),
            (Speed::Times(2.0), "p50 2.50 s"),
            (Speed::Max, ""),
        ] {
            let mut latency = Latency::default();
            latency.arrived(&[0.5, 1.0, 2.0], speed, began, now);
            let mut text = String::new();
            latency.tell(&mut text);
            assert!(
                text.contains(says) && text.is_empty() == says.is_empty(),
                "{text}"
            );
        }
    }
}

//! Events of a call as lines for people.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Something to tell whoever watches.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// Words heard and not settled: they replace the ones told before.
    Unsettled(String),
    /// A whole utterance.
    Said(String),
    /// The ends of words that are there to stay, in seconds of the call.
    Committed(Vec<f64>),
    /// Something about the call.
    Note(String),
}

/// What was told of a call so far.
#[derive(Default)]
pub(super) struct Teller {
    /// The committed words of utterances still being spoken, by stream, track and number.
    open: BTreeMap<(u64, String, u64), String>,
    /// Utterances told, by track and start in milliseconds: a snapshot repeats them.
    told: BTreeSet<(String, u64)>,
}

impl Teller {
    pub(super) fn lines(&mut self, event: &str, data: &Value) -> Vec<Line> {
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
        let shown = Line::Unsettled(format!("{:>8}  {shown}", text(data, "track")));
        let words = data["words"].as_array().into_iter().flatten();
        let ends: Vec<f64> = words.filter_map(|word| word["end"].as_f64()).collect();
        if committed && !ends.is_empty() {
            return vec![Line::Committed(ends), shown];
        }
        vec![shown]
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

pub(super) fn text(data: &Value, key: &str) -> String {
    data[key].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
            (
                "delta",
                json!({"stream": 1, "track": "inbound", "utterance": 3,
                    "words": [{"text": "so", "end": 1.5}]}),
                vec![
                    Line::Committed(vec![1.5]),
                    Line::Unsettled(" inbound  so".into()),
                ],
            ),
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

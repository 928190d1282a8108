//! What was really said: calls with their turns, or plain text. [`super::evaluate`] and
//! [`super::replay`] compare transcripts with it.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::ids::Track;

/// A call with known words: the JSON beside its recording.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CallText {
    /// Who is on each track, where that is known.
    #[serde(default)]
    pub speakers: BTreeMap<Track, String>,
    pub turns: Vec<Turn>,
}

/// What one of the two said at a stretch.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Turn {
    pub track: Track,
    /// Seconds since the recording's start.
    pub start: f64,
    pub end: f64,
    pub text: String,
}

impl CallText {
    /// Reads a call's JSON.
    ///
    /// # Errors
    /// When it cannot be read or is no call; the message names the file, and the line where there is one.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = read(path)?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut call: Self = serde_json::from_str(text)?;
        ensure!(!call.turns.is_empty(), "line 1: a call without turns");
        call.turns.sort_by(|a, b| a.start.total_cmp(&b.start));
        Ok(call)
    }

    /// The tracks on which anybody speaks.
    #[must_use]
    pub fn tracks(&self) -> Vec<Track> {
        let speaks = |track: &Track| self.turns.iter().any(|turn| turn.track == *track);
        Track::ALL.into_iter().filter(speaks).collect()
    }

    /// The turns of one track, in order.
    pub fn turns_of(&self, track: Track) -> impl Iterator<Item = &Turn> {
        self.turns.iter().filter(move |turn| turn.track == track)
    }
}

/// What a transcript is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// The words of all tracks as they follow each other.
    Plain(String),
    Call(CallText),
}

impl Expected {
    /// Reads a call's JSON, or any other file as plain text.
    ///
    /// # Errors
    /// When it cannot be read, or says nothing.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        if path.extension().is_some_and(|e| e == "json") {
            return CallText::read(path).map(Self::Call);
        }
        let text = read(path)?;
        ensure!(!text.trim().is_empty(), "{} has no text", path.display());
        Ok(Self::Plain(text))
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURN: &str = r#"{"track":"inbound","start":2.0,"end":3.0,"text":"hello"}"#;

    #[test]
    fn bad_calls_are_told_with_file_and_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("call.json");
        for (text, says) in [
            ("", "line 1"),
            ("{\n\"turns\": [\n{]}", "line 3"),
            ("{}", "missing field `turns` at line 1"),
            (r#"{"turns": []}"#, "line 1: a call without turns"),
            (
                "{\"turns\": [\n{\"track\":\"inbound\",\"start\":0,\"end\":1}]}",
                "missing field `text` at line 2",
            ),
            (
                "{\"turns\": [\n\n{\"track\":\"left\",\"start\":0,\"end\":1,\"text\":\"\"}]}",
                "line 3",
            ),
        ] {
            fs::write(&path, text).unwrap();
            let error = format!("{:#}", CallText::read(&path).unwrap_err());
            assert!(
                error.contains(says) && error.contains("call.json"),
                "{error}"
            );
        }
        fs::remove_file(&path).unwrap();
        let error = CallText::read(&path).unwrap_err();
        assert!(format!("{error:#}").contains("cannot read"), "{error:#}");
    }

    #[test]
    fn turns_are_in_order_and_by_track() {
        let later = TURN.replace("2.0", "4.0").replace("hello", "bye");
        let other = TURN.replace("inbound", "outbound");
        let call = CallText::parse(&format!(
            r#"{{"speakers":{{"inbound":"7"}},"seconds":9,"turns":[{later},{TURN},{other}]}}"#
        ));
        let call = call.unwrap();
        assert_eq!(call.tracks(), Track::ALL);
        assert_eq!(call.speakers[&Track::Inbound], "7");
        let inbound: Vec<&str> = call
            .turns_of(Track::Inbound)
            .map(|turn| turn.text.as_str())
            .collect();
        assert_eq!(inbound, ["hello", "bye"]);
    }

    #[test]
    fn anything_but_json_is_plain_text() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a.txt"), "hello").unwrap();
        fs::write(path("b.txt"), " \n").unwrap();
        fs::write(path("c.json"), format!(r#"{{"turns":[{TURN}]}}"#)).unwrap();
        let plain = Expected::read(&path("a.txt")).unwrap();
        assert_eq!(plain, Expected::Plain("hello".into()));
        assert!(matches!(
            Expected::read(&path("c.json")).unwrap(),
            Expected::Call(call) if call.turns.len() == 1
        ));
        for bad in ["b.txt", "missing.txt"] {
            let error = format!("{:#}", Expected::read(&path(bad)).unwrap_err());
            assert!(error.contains(bad), "{error}");
        }
    }
}

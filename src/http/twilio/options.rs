//! What a call is told, and where Twilio's doors are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::answer::{self, Addresses};
use crate::wire::{
    twiml::{StreamTrack, Trim},
    webhook::{Stage, VoiceRequest},
};

/// Twilio's doors, and what a call that rings is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Where Twilio asks what to do with a call: the number's "A call comes in".
    pub voice_path: String,
    /// Where it tells that a recording is done.
    pub recording_path: String,
    /// Where it tells how a call goes on: the number's "Call status changes".
    pub status_path: String,
    /// Where it tells how a stream goes on.
    pub stream_path: String,
    /// The greeting that callers hear: one of `twilio.greetings`.
    pub language: String,
    /// Other greetings for calls to some of our numbers: `"+972…" = "en-US"`.
    pub languages: BTreeMap<String, String>,
    /// By Twilio's name of the language.
    pub greetings: BTreeMap<String, Greeting>,
    /// How the call is streamed here: `start` beside what else it does, `connect` instead of it until the
    /// stream is closed, or `none`.
    pub stream: StreamVerb,
    /// Which side `start` streams: `inbound_track`, `outbound_track` or `both_tracks`. A call that is
    /// dialled on is streamed on both.
    pub stream_track: StreamTrack,
    /// Further parameters of the stream, such as `inbound_speaker`.
    pub parameters: BTreeMap<String, String>,
    pub record: Record,
    pub dial: Dial,
    /// Says `<Hangup>` at the end; the call ends there anyway.
    pub hangup: bool,
}

/// What is said first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Greeting {
    /// Empty says nothing.
    pub text: String,
    /// One of Twilio's voices that speak the language; empty for the account's default.
    pub voice: String,
    /// ISO 639-1 of what callers will speak; empty leaves it to `speech.language`.
    pub spoken: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamVerb {
    Start,
    Connect,
    None,
}

/// A recording by Twilio: of the caller, or of both sides of a call that is dialled on; of the caller
/// too where nobody answers that.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Record {
    pub enabled: bool,
    /// A beep tells the caller to speak.
    pub beep: bool,
    /// `trim-silence` cuts silence off at both ends; `do-not-trim` keeps the call's time.
    pub trim: Trim,
    /// The longest recording of a caller, in seconds.
    pub max_s: u32,
    /// Seconds of silence that end it.
    pub silence_s: u32,
}

/// Calls are passed on to somebody.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dial {
    /// Who: `+972…`; empty passes nothing on.
    pub number: String,
    /// Seconds of ringing.
    pub timeout_s: u32,
}

impl Default for Options {
    fn default() -> Self {
        let greeting = |text: &str, voice: &str, spoken: &str| Greeting {
            text: text.into(),
            voice: voice.into(),
            spoken: spoken.into(),
        };
        let hebrew = greeting(
            "שלום, השיחה מוקלטת. נשמח לעזור.",
            "Google.he-IL-Wavenet-A",
            "he",
        );
        let english = greeting(
            "Hello. This call is recorded. How can we help you?",
            "Polly.Joanna",
            "en",
        );
        Self {
            voice_path: "/webhook/twilio/voice".into(),
            recording_path: "/webhook/twilio/recording_done".into(),
            status_path: "/webhook/twilio/status".into(),
            stream_path: "/webhook/twilio/stream".into(),
            language: "he-IL".into(),
            languages: BTreeMap::new(),
            greetings: BTreeMap::from([("he-IL".into(), hebrew), ("en-US".into(), english)]),
            stream: StreamVerb::Start,
            stream_track: StreamTrack::InboundTrack,
            parameters: BTreeMap::new(),
            record: Record::default(),
            dial: Dial::default(),
            hangup: true,
        }
    }
}

impl Default for Record {
    fn default() -> Self {
        Self {
            enabled: true,
            beep: true,
            trim: Trim::TrimSilence,
            max_s: 3_600,
            silence_s: 10,
        }
    }
}

impl Default for Dial {
    fn default() -> Self {
        Self {
            number: String::new(),
            timeout_s: 20,
        }
    }
}

/// Why these options cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadOptions {
    #[error(
        "twilio: {0:?} is no path for a door: it begins with /, holds letters, digits, / _ - and ., and is nobody else's"
    )]
    Path(String),
    #[error("twilio.greetings has no {0:?}")]
    NoGreeting(String),
    #[error(
        "twilio.greetings.{0}.text is too long: the document that a call gets would have {1} characters"
    )]
    LongGreeting(String, usize),
    #[error("twilio.dial.number {0:?}: a number is + and digits")]
    Number(String),
    #[error("twilio.record: max_s and silence_s are 1 at least")]
    Record,
    #[error(
        "twilio.stream = start goes on at once, and with neither twilio.record.enabled nor twilio.dial.number the call \
         would end there: say one of these, or twilio.stream = connect"
    )]
    NothingLasts,
}

impl Options {
    /// What calls to (or from) this number of ours hear, and Twilio's name of its language.
    pub(super) fn greeting(&self, ours: Option<&str>) -> (&str, &Greeting) {
        static SILENCE: Greeting = Greeting {
            text: String::new(),
            voice: String::new(),
            spoken: String::new(),
        };
        let other = ours.and_then(|number| self.languages.get(number));
        let language = other.unwrap_or(&self.language);
        (language, self.greetings.get(language).unwrap_or(&SILENCE))
    }

    /// Looks for what would only show when a call comes.
    ///
    /// # Errors
    /// What cannot work, and the key that is to be changed.
    pub fn check(&self, media_path: &str) -> Result<(), BadOptions> {
        self.check_paths(media_path)?;
        if !self.dial.number.is_empty() && !is_number(&self.dial.number) {
            return Err(BadOptions::Number(self.dial.number.clone()));
        }
        if self.record.enabled && (self.record.max_s == 0 || self.record.silence_s == 0) {
            return Err(BadOptions::Record);
        }
        let lasts = self.record.enabled || !self.dial.number.is_empty();
        if self.stream == StreamVerb::Start && !lasts {
            return Err(BadOptions::NothingLasts);
        }
        let used = self.languages.values().chain([&self.language]);
        for language in used {
            self.check_greeting(language)?;
        }
        Ok(())
    }

    fn check_paths(&self, media_path: &str) -> Result<(), BadOptions> {
        const OTHERS: [&str; 7] = [
            "/api", "/assets", "/calls", "/metrics", "/healthz", "/readyz", "/",
        ];
        let media = media_path.trim_end_matches('/');
        let mut taken = vec![];
        for path in [
            &self.voice_path,
            &self.recording_path,
            &self.status_path,
            &self.stream_path,
        ] {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"/_-.".contains(&b);
            let under = |other: &str| {
                let rest = path.strip_prefix(other);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let is_others = under(media) || OTHERS.into_iter().any(under) || taken.contains(&path);
            if !path.starts_with('/') || !path.bytes().all(plain) || is_others {
                return Err(BadOptions::Path(path.clone()));
            }
            taken.push(path);
        }
        Ok(())
    }

    /// Whether its document fits, at the longest that ids, numbers and addresses usually are.
    fn check_greeting(&self, language: &str) -> Result<(), BadOptions> {
        if !self.greetings.contains_key(language) {
            return Err(BadOptions::NoGreeting(language.into()));
        }
        let address = format!("https://{}", "x".repeat(160));
        let long = || Some("x".repeat(100));
        let sid = format!("CA{:032}", 0);
        let call = VoiceRequest {
            call: sid.parse().expect("an id"),
            account: None,
            from: long(),
            to: long(),
            direction: Some("outbound-api".into()),
            status: None,
            stage: Stage::Ringing,
            rest: BTreeMap::new(),
        };
        let addresses = Addresses {
            media: address.clone(),
            voice: address.clone(),
            recording: address.clone(),
            stream: address,
        };
        let only = Self {
            language: language.into(),
            languages: BTreeMap::new(),
            ..self.clone()
        };
        answer::to(&call, &only, &addresses)
            .map(drop)
            .map_err(|long| BadOptions::LongGreeting(language.into(), long.0))
    }
}

/// E.164 has 15 digits at most; some short numbers have no plus.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests;

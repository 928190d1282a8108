//! What a call is told to do: TwiML, written by hand, since it is a handful of verbs.

use serde::{Deserialize, Serialize};

/// Characters of a document at most.
const LONGEST: usize = 4_000;
/// Name and value of a stream's parameter together are shorter than this.
const LONGEST_PARAMETER: usize = 500;

/// What a call does, one after the other; when there is no more, it ends.
#[derive(Debug, Clone)]
pub enum Verb<'a> {
    Say(Say<'a>),
    Stream(Stream<'a>),
    Dial(Dial<'a>),
    Record(Record<'a>),
    Hangup,
}

/// `<Say>`.
#[derive(Debug, Clone, Copy)]
pub struct Say<'a> {
    pub text: &'a str,
    /// Such as `he-IL`.
    pub language: &'a str,
    /// One that speaks that language; empty for the account's default.
    pub voice: &'a str,
}

/// `<Start><Stream>`, or `<Connect><Stream>`.
#[derive(Debug, Clone)]
pub struct Stream<'a> {
    pub holds: Holds,
    /// `wss://…`, without a query.
    pub url: &'a str,
    /// `connect` knows but one, and ignores this.
    pub track: StreamTrack,
    pub status_callback: &'a str,
    /// Name and value; empty ones, and those too long for Twilio, are left out.
    pub parameters: Vec<(&'a str, &'a str)>,
}

/// Whether the call goes on beside its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// `<Start>`: it goes on with the next verb.
    No,
    /// `<Connect>`: it stays with the stream until the server closes that.
    Call,
}

/// Which side of the line a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamTrack {
    InboundTrack,
    OutboundTrack,
    BothTracks,
}

impl StreamTrack {
    const fn as_str(self) -> &'static str {
        match self {
            Self::InboundTrack => "inbound_track",
            Self::OutboundTrack => "outbound_track",
            Self::BothTracks => "both_tracks",
        }
    }
}

/// `<Dial><Number>`.
#[derive(Debug, Clone, Copy)]
pub struct Dial<'a> {
    pub number: &'a str,
    /// Seconds of ringing.
    pub timeout_s: u32,
    /// Asked what comes next when the dialled call is over.
    pub action: &'a str,
    /// Told when the recording of both sides, a channel each, is done; none records nothing.
    pub recording_callback: Option<&'a str>,
}

/// `<Record>`.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    pub beep: bool,
    pub trim: Trim,
    pub max_s: u32,
    /// Seconds of silence that end it.
    pub silence_s: u32,
    /// Asked what comes next. Without one Twilio asks for this document again, for ever.
    pub action: &'a str,
    /// Told when the recording is done.
    pub recording_callback: &'a str,
}

/// Whether silence at both ends of a recording is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trim {
    TrimSilence,
    /// The recording keeps the call's time.
    DoNotTrim,
}

impl Trim {
    const fn as_str(self) -> &'static str {
        match self {
            Self::TrimSilence => "trim-silence",
            Self::DoNotTrim => "do-not-trim",
        }
    }
}

/// A document that Twilio would not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the TwiML would have {0} characters; {LONGEST} are the most")]
pub struct TooLong(pub usize);

/// The document.
///
/// # Errors
/// When it would be longer than Twilio takes.
pub fn write(verbs: &[Verb<'_>]) -> Result<String, TooLong> {
    let mut xml = Xml(r#"<?xml version="1.0" encoding="UTF-8"?>"#.into());
    xml.open("Response", &[]);
    for verb in verbs {
        match verb {
            Verb::Say(say) => xml.text_in(
                "Say",
                &[("language", say.language), ("voice", say.voice)],
                say.text,
            ),
            Verb::Stream(stream) => write_stream(&mut xml, stream),
            Verb::Dial(dial) => write_dial(&mut xml, dial),
            Verb::Record(record) => write_record(&mut xml, record),
            Verb::Hangup => xml.empty("Hangup", &[]),
        }
    }
    xml.close("Response");
    match xml.0.chars().count() {
        length if length > LONGEST => Err(TooLong(length)),
        _ => Ok(xml.0),
    }
}

fn write_stream(xml: &mut Xml, stream: &Stream<'_>) {
    let (outer, track) = match stream.holds {
        Holds::No => ("Start", stream.track.as_str()),
        Holds::Call => ("Connect", ""),
    };
    xml.open(outer, &[]);
    xml.open(
        "Stream",
        &[
            ("url", stream.url),
            ("track", track),
            ("statusCallback", stream.status_callback),
            ("statusCallbackMethod", "POST"),
        ],
    );
    for (name, value) in &stream.parameters {
        let length = name.chars().count() + value.chars().count();
        if !value.is_empty() && length < LONGEST_PARAMETER {
            xml.empty("Parameter", &[("name", name), ("value", value)]);
        }
    }
    xml.close("Stream");
    xml.close(outer);
}

/// Both of a recording's ends are told: that there is audio, and that there is none.
const RECORDING_EVENTS: (&str, &str) = ("recordingStatusCallbackEvent", "completed absent");
const RECORDING_METHOD: (&str, &str) = ("recordingStatusCallbackMethod", "POST");

fn write_dial(xml: &mut Xml, dial: &Dial<'_>) {
    let timeout = dial.timeout_s.to_string();
    let mut attributes = vec![
        ("answerOnBridge", "true"),
        ("timeout", &*timeout),
        ("action", dial.action),
        ("method", "POST"),
    ];
    if let Some(callback) = dial.recording_callback {
        attributes.extend([
            ("record", "record-from-answer-dual"),
            ("recordingStatusCallback", callback),
            RECORDING_METHOD,
            RECORDING_EVENTS,
        ]);
    }
    xml.open("Dial", &attributes);
    xml.text_in("Number", &[], dial.number);
    xml.close("Dial");
}

fn write_record(xml: &mut Xml, record: &Record<'_>) {
    let (longest, silence) = (record.max_s.to_string(), record.silence_s.to_string());
    xml.empty(
        "Record",
        &[
            ("playBeep", if record.beep { "true" } else { "false" }),
            ("trim", record.trim.as_str()),
            ("maxLength", &longest),
            ("timeout", &silence),
            ("action", record.action),
            ("method", "POST"),
            ("recordingStatusCallback", record.recording_callback),
            RECORDING_METHOD,
            RECORDING_EVENTS,
        ],
    );
}

/// A document as far as it is written. Attributes without a value are left out.
struct Xml(String);

impl Xml {
    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes);
        self.0.push('>');
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes);
        self.0.push_str("/>");
    }

    fn text_in(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(name, attributes);
        self.escaped(text);
        self.close(name);
    }

    fn close(&mut self, name: &str) {
        self.0.extend(["</", name, ">"]);
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.0.extend(["<", name]);
        for (key, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
            self.0.extend([" ", key, "=\""]);
            self.escaped(value);
            self.0.push('"');
        }
    }

    /// What XML cannot hold at all is dropped.
    fn escaped(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&apos;"),
                '\t' => self.0.push_str("&#9;"),
                '\n' => self.0.push_str("&#10;"),
                '\r' => self.0.push_str("&#13;"),
                '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => {}
                other => self.0.push(other),
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

//! A caller and what the provider tells of the call.

use std::time::Duration;

use callscribe::{
    cli::phone::{Call, Choice, Client, Door, Line, Source, Speed},
    ids::Track,
    time::Clock,
    wire::signature,
};
use jiff::Timestamp;
use reqwest::StatusCode;

use super::{ACCOUNT, PUBLIC, TOKEN, sleep};

/// A human prompt of Debian's asterisk-core-sounds-en-wav, where it is installed.
const PROMPT: &str = "/usr/share/asterisk/sounds/en/vm-intro.wav";
const OUR_OWN: &str = "tests/fixtures/audio/two_speakers.wav";

/// How a call goes, by its number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) is_streamed: bool,
    /// Its requests have a false signature.
    pub(super) is_false: bool,
    /// It rings twice, at the same instant.
    pub(super) is_twice: bool,
    /// Its recording is late, or never there.
    pub(super) is_late: bool,
    pub(super) is_never: bool,
}

impl Manner {
    pub(super) const fn of(n: u32) -> Self {
        let is_streamed = n.is_multiple_of(2);
        Self {
            is_streamed,
            is_false: n % 15 == 7,
            is_twice: n % 6 == 2 || n % 6 == 5,
            is_late: !is_streamed && n % 10 == 3,
            is_never: !is_streamed && n % 20 == 9,
        }
    }

    pub(super) fn describe(self) -> String {
        let how = match self {
            Self {
                is_streamed: true, ..
            } => "streamed",
            Self { is_never: true, .. } => "recorded, never there",
            Self { is_late: true, .. } => "recorded, late",
            _ => "recorded",
        };
        let twice = if self.is_twice { ", rang twice" } else { "" };
        format!("{how}{twice}")
    }
}

pub(super) struct Caller {
    n: u32,
    port: u16,
    clock: Clock,
    http: reqwest::Client,
}

pub(super) fn sid(n: u32) -> String {
    format!("CA{n:032x}")
}

impl Caller {
    pub(super) fn new(n: u32, port: u16, clock: Clock) -> Self {
        let http = reqwest::Client::new();
        Self {
            n,
            port,
            clock,
            http,
        }
    }

    /// Rings, speaks, hangs up; gives when it hung up, for calls that are what they say.
    pub(super) async fn call(self) -> Option<Timestamp> {
        let manner = Manner::of(self.n);
        let ring = || {
            self.post(
                "voice",
                &[("CallStatus", "ringing"), ("Direction", "inbound")],
            )
        };
        let answers = match manner.is_twice {
            true => <[StatusCode; 2]>::from(tokio::join!(ring(), ring())).to_vec(),
            false => vec![ring().await],
        };
        let expected = match manner.is_false {
            true => StatusCode::FORBIDDEN,
            false => StatusCode::OK,
        };
        assert!(
            answers.iter().all(|answer| *answer == expected),
            "{}: {answers:?}",
            self.n
        );
        if manner.is_streamed && !manner.is_false {
            self.stream().await;
        }
        if !manner.is_streamed {
            let recording = format!("RE{:032x}", self.n);
            let url = format!("/2010-04-01/Accounts/{ACCOUNT}/Recordings/{recording}");
            let done = [
                ("RecordingSid", recording.as_str()),
                ("RecordingUrl", &url),
                ("RecordingStatus", "completed"),
                ("RecordingDuration", "8"),
                ("RecordingChannels", "2"),
            ];
            let answer = self.post("recording_done", &done).await;
            assert_eq!(answer, expected, "{}", self.n);
        }
        let hung_up = self.clock.wall();
        let over = [("CallStatus", "completed"), ("CallDuration", "8")];
        let answer = self.post("status", &over).await;
        assert!(
            answer.is_success() != manner.is_false,
            "{}: {answer}",
            self.n
        );
        (!manner.is_false).then_some(hung_up)
    }

    /// A prompt, as fast as the server takes it; again where the server was killed meanwhile.
    async fn stream(&self) {
        let file = [PROMPT, OUR_OWN]
            .into_iter()
            .find(|file| std::path::Path::new(file).exists());
        let source = Source::read(file.unwrap().as_ref(), Choice::Only(Track::Inbound)).unwrap();
        let door = Door {
            url: format!("ws://127.0.0.1:{}/media", self.port),
            signed_url: Some(format!("{}/media", PUBLIC.replace("https", "wss"))),
            token: Some(TOKEN.into()),
        };
        for attempt in 0..600 {
            let call = Call {
                account: ACCOUNT.into(),
                call: sid(self.n).parse().unwrap(),
                stream: format!("MZ{:028x}{attempt:04x}", self.n).parse().unwrap(),
                parameters: [("language".into(), "en".into())].into(),
                speed: Speed::Max,
                line: Line::default(),
                stop: true,
            };
            if let Ok(client) = Client::connect(&door, call, self.clock.clone()).await
                && let Ok(sent) = client.stream(&source).await
                && !sent.unclosed
            {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("{}: never streamed", self.n);
    }

    /// Tells the server something of the call; again for as long as nobody answers.
    async fn post(&self, door: &str, more: &[(&str, &str)]) -> StatusCode {
        let (path, call) = (format!("/webhook/twilio/{door}"), sid(self.n));
        let from = format!("+1555{:07}", self.n);
        let mut form = vec![
            ("CallSid", call.as_str()),
            ("AccountSid", ACCOUNT),
            ("From", &from),
            ("To", "+15550001111"),
        ];
        form.extend(more);
        let token = match Manner::of(self.n).is_false {
            true => "another token",
            false => TOKEN,
        };
        let signature = signature::sign(token, &format!("{PUBLIC}{path}"), &form);
        let body: Vec<String> = form
            .iter()
            .map(|(name, value)| {
                format!("{name}={}", value.replace('+', "%2B").replace('/', "%2F"))
            })
            .collect();
        for _ in 0..600 {
            let asked = self
                .http
                .post(format!("http://127.0.0.1:{}{path}", self.port));
            let asked = asked
                .header("Content-Type", "application/x-www-form-urlencoded")
                .header("X-Twilio-Signature", &signature)
                .body(body.join("&"));
            if let Ok(answer) = asked.send().await {
                return answer.status();
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("{}: {door} was never answered", self.n);
    }
}

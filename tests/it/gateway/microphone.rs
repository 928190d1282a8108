//! A browser's microphone, message by message: what it may say, what it is told, what becomes of it.

use callscribe::{
    audio::{
        microphone::probe::{packets, tone},
        mulaw,
    },
    ids::Track,
    recordings::Sidecar,
    store::{CallState, Recording},
    wire::microphone::message,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{self, Message, client::IntoClientRequest},
};

use super::{
    peer::Peer,
    server::{ENDING, TestServer, serve},
    story::talk,
};

/// What a page does.
struct Tab(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Tab {
    async fn connect(server: &TestServer) -> Self {
        Self::try_connect(server, &[]).await.unwrap()
    }

    /// Or the status that the upgrade was refused with.
    async fn try_connect(
        server: &TestServer,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let url = format!("ws://{}/try/stream", server.server.address);
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        // As a browser does: no packet waits for the one before to be acknowledged.
        match connect_async_with_config(request, None, true).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn send(&mut self, message: impl Into<Message>) {
        self.0.send(message.into()).await.unwrap();
    }

    /// On air with a hello; `started`, as the server said it.
    async fn on_air(server: &TestServer, hello: Value) -> (Self, Value) {
        let mut tab = Self::connect(server).await;
        tab.hello(hello).await;
        let started = tab.started().await.unwrap();
        (tab, started)
    }

    async fn hello(&mut self, mut hello: Value) {
        hello["event"] = "hello".into();
        if hello["codec"].is_null() {
            hello["codec"] = "opus".into();
        }
        self.send(hello.to_string()).await;
    }

    /// Or the close's code and reason.
    async fn started(&mut self) -> Result<Value, (u16, String)> {
        match self.0.next().await {
            Some(Ok(Message::Text(text))) => Ok(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(Some(frame)))) => {
                Err((frame.code.into(), frame.reason.to_string()))
            }
            other => panic!("{other:?}"),
        }
    }

    /// Packets of 20 ms, from a time on.
    async fn speak(&mut self, from_ms: u64, packets: &[Vec<u8>]) {
        for (n, packet) in packets.iter().enumerate() {
            let at = (from_ms + 20 * n as u64) * 1000;
            self.send(message(at, packet)).await;
        }
    }

    async fn stop(&mut self) {
        self.send(r#"{"event":"stop"}"#).await;
    }

    async fn closed(mut self) -> (u16, String) {
        while let Some(message) = self.0.next().await {
            match message {
                Ok(Message::Close(Some(frame))) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        }
        panic!("closed without a word");
    }
}

/// A tone in packets of Opus.
fn sound(ms: u32) -> Vec<Vec<u8>> {
    packets(&tone(1000.0, 48_000, ms)).0
}

/// One side of the two-speaker fixture in packets of Opus.
fn speech(side: usize) -> Vec<Vec<u8>> {
    let narrow: Vec<i16> = talk()[side]
        .iter()
        .map(|&byte| mulaw::decode(byte))
        .collect();
    // Six samples for one; what this adds lies above the telephone's band.
    let wide: Vec<i16> = narrow
        .windows(2)
        .flat_map(|pair| {
            let (from, to) = (i32::from(pair[0]), i32::from(pair[1]));
            (0..6).map(move |n| i16::try_from(from + (to - from) * n / 6).unwrap())
        })
        .collect();
    packets(&wide).0
}

fn id(started: &Value) -> String {
    started["call"].as_str().unwrap().to_owned()
}

async fn recorded(server: &TestServer, call: &str) -> Vec<Recording> {
    let call = server.settled(call).await;
    assert_ne!(call.state, CallState::Failed);
    server.recordings(&call.sid).await
}

fn samples(recording: &Recording) -> Vec<i16> {
    let mut wav = hound::WavReader::open(&recording.parts[0].path).unwrap();
    assert_eq!((wav.spec().sample_rate, wav.spec().channels), (16_000, 1));
    wav.samples().map(Result::unwrap).collect()
}

#[tokio::test]
async fn what_is_no_hello_is_told_why() {
    let server = serve(|config| config.call.start_timeout_ms = 2_000).await;
    for (first, reason) in [
        (Message::text("{"), "the first message is no hello"),
        (
            Message::text(r#"{"event":"stop"}"#),
            "the first message is no hello",
        ),
        (
            Message::binary(message(0, &[1])),
            "the first message is no hello",
        ),
        (
            Message::text(r#"{"event":"hello","codec":"mp3"}"#),
            "codec: opus or pcm16",
        ),
        (
            Message::text(r#"{"event":"hello","codec":"pcm16","rate":1}"#),
            "rate: 8000 to 192000 samples a second",
        ),
        (
            Message::text(r#"{"event":"hello","codec":"opus","call":"a/b"}"#),
            "call: no id of a call",
        ),
        (
            Message::text(r#"{"event":"hello","codec":"opus","call":"CA404"}"#),
            "there is no call of this id",
        ),
        (
            Message::text(r#"{"event":"hello","codec":"opus","role":"agent"}"#),
            "an agent joins a call: say which",
        ),
        (
            Message::text(r#"{"event":"hello","codec":"opus","language":"English"}"#),
            "language: two or three small letters",
        ),
    ] {
        let mut tab = Tab::connect(&server).await;
        tab.send(first.clone()).await;
        assert_eq!(tab.closed().await, (1008, reason.to_owned()), "{first:?}");
    }
    let silent = Tab::connect(&server).await;
    assert_eq!(silent.closed().await, (1008, "no hello in time".to_owned()));
    assert_eq!(
        server.json("/api/v1/calls").await["calls"],
        json!([]),
        "no call was made"
    );
    assert_eq!(
        server.server.gateway.admission.load().0,
        0,
        "no place is held"
    );
    server.stop().await;
}

#[tokio::test]
async fn only_our_own_pages_may_open_it() {
    let server = serve(|_| {}).await;
    let own = server.url("");
    for (headers, refused) in [
        (&[][..], None),
        (&[("origin", own.as_str())], None),
        (
            &[("origin", own.as_str()), ("sec-fetch-site", "same-origin")],
            None,
        ),
        (&[("origin", "https://evil.example")], Some(403)),
        (&[("origin", "null")], Some(403)),
        (
            &[("origin", own.as_str()), ("sec-fetch-site", "cross-site")],
            Some(403),
        ),
        (&[("host", "evil.example")], Some(403)),
    ] {
        let tab = Tab::try_connect(&server, headers).await;
        assert_eq!(tab.err(), refused, "{headers:?}");
    }
    server.stop().await;

    let off = serve(|config| config.microphone.enabled = false).await;
    assert_eq!(Tab::try_connect(&off, &[]).await.err(), Some(404));
    assert_eq!(off.get("/try").await.status(), 404);
    off.stop().await;
}

#[tokio::test]
async fn the_microphone_is_allowed_on_its_page_alone() {
    let server = serve(|_| {}).await;
    for (path, expected) in [
        ("/try", "microphone=(self), camera=(), geolocation=()"),
        ("/", "microphone=(), camera=(), geolocation=()"),
        ("/nothing", "microphone=(), camera=(), geolocation=()"),
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.headers()["permissions-policy"], expected, "{path}");
    }
    let page = server.get("/try").await.text().await.unwrap();
    assert!(
        page.contains("<noscript>") && page.contains("a call of your own"),
        "{page}"
    );
    server.stop().await;
}

#[tokio::test]
async fn three_seconds_are_three_seconds_as_loud_as_they_were() {
    let server = serve(|_| {}).await;
    let bytes = |samples: &[i16]| {
        samples
            .iter()
            .flat_map(|s| s.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let by_samples = |rate: u32| -> Vec<Vec<u8>> {
        let tone = tone(1000.0, rate, 3000);
        tone.chunks(rate as usize / 50).map(bytes).collect()
    };
    for (hello, packets) in [
        (json!({ "speaker": "דנה" }), sound(3000)),
        (
            json!({ "codec": "pcm16", "rate": 48_000 }),
            by_samples(48_000),
        ),
        (
            json!({ "codec": "pcm16", "rate": 44_100 }),
            by_samples(44_100),
        ),
    ] {
        let (mut tab, started) = Tab::on_air(&server, hello.clone()).await;
        tab.speak(0, &packets).await;
        tab.stop().await;
        assert_eq!(tab.closed().await, (1000, "stream stopped".to_owned()));
        let call = server.call(&id(&started)).await.unwrap();
        assert_eq!(call.direction.as_deref(), Some("browser"));
        let recordings = recorded(&server, &id(&started)).await;
        assert_eq!(recordings.len(), 1);
        assert_eq!(recordings[0].key.track, Track::Inbound);
        let heard = samples(&recordings[0]);
        assert_eq!(heard.len(), 48_000, "{hello}");
        let power: f64 = heard[16_000..32_000]
            .iter()
            .map(|s| f64::from(*s).powi(2))
            .sum();
        let decibels = 10.0 * (power / 16_000.0 / (8000.0_f64.powi(2) / 2.0)).log10();
        assert!(decibels.abs() < 1.0, "{hello}: {decibels} dB");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_lost_or_broken_is_silence_in_its_place() {
    let server = serve(|_| {}).await;
    let (mut tab, started) = Tab::on_air(&server, json!({})).await;
    tab.speak(0, &sound(1000)).await;
    for junk in ["", "{", r#"{"event":"hello","codec":"opus"}"#] {
        tab.send(junk).await;
    }
    tab.send(Message::binary(vec![1, 2, 3])).await;
    tab.send(message(1_000_000, &[0xFB])).await;
    tab.speak(0, &sound(40)).await;
    // 20 ms whose frame sizes do not fit, then half a second that never comes.
    tab.send(message(1_000_000, &[0xF2, 200, 1])).await;
    tab.speak(1520, &sound(480)).await;
    tab.stop().await;
    assert_eq!(tab.closed().await.0, 1000);
    let recordings = recorded(&server, &id(&started)).await;
    let heard = samples(&recordings[0]);
    assert_eq!(heard.len(), 32_000);
    assert!(heard[17_000..24_000].iter().all(|s| *s == 0));
    assert!(heard[26_000..].iter().any(|s| s.unsigned_abs() > 4000));
    let sidecar = Sidecar::read(&recordings[0].parts[0].path.with_extension("json")).unwrap();
    let gaps: Vec<(u64, u64)> = sidecar
        .gaps
        .iter()
        .map(|g| (g.at.as_ms(), g.len.as_ms()))
        .collect();
    assert_eq!(gaps, [(1020, 500)]);
    server.stop().await;
}

#[tokio::test]
async fn floods_and_giants_are_refused() {
    let server = serve(|_| {}).await;
    let (mut tab, _) = Tab::on_air(&server, json!({})).await;
    tab.send(message(0, &[0; 11 * 1024])).await;
    assert_eq!(tab.closed().await.0, 1009);

    let (mut tab, started) = Tab::on_air(&server, json!({})).await;
    let minute = sound(20);
    for n in 0..1000 {
        // The server may have closed already.
        let _ = tab.0.send(message(n * 20_000, &minute[0]).into()).await;
    }
    let (code, reason) = tab.closed().await;
    assert_eq!(
        (code, reason.as_str()),
        (1008, "more audio than can have been spoken")
    );
    let recordings = recorded(&server, &id(&started)).await;
    assert!(
        recordings[0].duration.as_ms() < 15_000,
        "{}",
        recordings[0].duration
    );
    server.stop().await;
}

#[tokio::test]
async fn one_page_at_a_time_speaks_for_a_side() {
    let server = serve(|config| config.microphone.max_speakers = 2).await;
    let (mut first, started) = Tab::on_air(&server, json!({ "page": "one" })).await;
    let call = id(&started);
    first.speak(0, &sound(400)).await;

    let mut other = Tab::connect(&server).await;
    other.hello(json!({ "page": "two", "call": call })).await;
    let (code, reason) = other.started().await.unwrap_err();
    assert_eq!(
        (code, reason.as_str()),
        (1008, "somebody speaks there already, on another page")
    );

    // The same page, back before the server noticed that it was gone.
    let (mut again, resumed) = Tab::on_air(&server, json!({ "page": "one", "call": call })).await;
    assert_eq!(id(&resumed), call);
    assert_ne!(resumed["stream"], started["stream"]);
    assert_eq!(
        first.closed().await,
        (1000, "goes on by another stream".to_owned())
    );
    again.speak(0, &sound(600)).await;

    let (_agent, _) = Tab::on_air(&server, json!({ "role": "agent", "call": call })).await;
    let mut full = Tab::connect(&server).await;
    full.hello(json!({})).await;
    assert_eq!(full.started().await.unwrap_err().0, 1013);

    // Closed without a word; the agent goes when nobody else is there.
    drop(again);
    let recordings = recorded(&server, &call).await;
    let lengths: Vec<u64> = recordings.iter().map(|r| r.duration.as_ms()).collect();
    assert_eq!(lengths[..2], [400, 600], "a segment each");
    server.stop().await;
}

#[tokio::test]
async fn an_agent_joins_a_call_and_leaves_with_it() {
    let server = serve(|config| config.store.transcribe_after_s = 1).await;
    let mut phone = Peer::connect(&server.media(), "CA1", "MZ1").await;
    phone
        .start(
            &[Track::Inbound],
            &[("inbound_speaker", "caller"), ("language", "en")],
        )
        .await;
    server.until("CA1", "there", |_| true).await;

    // Nobody speaks for the caller of a phone.
    let mut caller = Tab::connect(&server).await;
    caller.hello(json!({ "call": "CA1" })).await;
    assert_eq!(
        caller.started().await.unwrap_err().1,
        "only an agent may join that call"
    );

    let (mut agent, started) =
        Tab::on_air(&server, json!({ "role": "agent", "call": "CA1" })).await;
    assert_eq!(started["call"], "CA1");
    phone.speak(Track::Inbound, 0, &talk()[0]).await;
    // No more than one may be ahead of the clock.
    agent.speak(0, &speech(1)[..400]).await;
    phone.stop().await;
    assert_eq!(phone.closed().await, Some(1000));
    assert_eq!(agent.closed().await, (1000, "the call is over".to_owned()));

    let call = server.settled("CA1").await;
    assert_eq!(
        (call.state, call.language.as_deref()),
        (CallState::Final, Some("en"))
    );
    let recordings = server.recordings(&call.sid).await;
    let whose: Vec<(&str, Track)> = recordings
        .iter()
        .map(|r| (r.speaker.as_str(), r.key.track))
        .collect();
    assert_eq!(
        whose,
        [("caller", Track::Inbound), ("agent", Track::Outbound)]
    );
    let text = server
        .get("/api/v1/calls/CA1/transcript?format=txt")
        .await
        .text()
        .await
        .unwrap();
    assert!(
        text.contains("caller: ") && text.contains("agent: ") && text.contains(ENDING),
        "{text}"
    );

    let mut late = Tab::connect(&server).await;
    late.hello(json!({ "role": "agent", "call": "CA1" })).await;
    assert_eq!(
        late.started().await.unwrap_err(),
        (1008, "that call is over".to_owned())
    );
    server.stop().await;
}

#[tokio::test]
async fn a_drain_lets_a_speaker_finish_and_its_deadline_does_not() {
    let server = serve(|_| {}).await;
    let (mut tab, started) = Tab::on_air(&server, json!({})).await;
    tab.speak(0, &sound(1000)).await;
    server
        .server
        .lifecycle
        .drain(std::time::Duration::from_secs(60));
    let late = Tab::connect(&server).await;
    assert_eq!(late.closed().await.0, 1013);
    server.server.lifecycle.drain(std::time::Duration::ZERO);
    assert_eq!(tab.closed().await.0, 1001);
    server.server.gateway.lifecycle.calls.wait().await;
    let call = id(&started).parse().unwrap();
    let recordings = server.recordings(&call).await;
    assert_eq!(recordings[0].duration.as_ms(), 1000);
    server.server.finished().await;
}

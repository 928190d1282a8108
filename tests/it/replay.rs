//! `callscribe replay` against a door that keeps what it hears.

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use callscribe::{
    call::{EndReason, Input, Options, Stream, probe::Ledger},
    cli::{
        phone::{Call, Client, Door, Failure, Line, Sent, Source, Speed},
        replay::{self, Args},
    },
    ids::Track,
    tasks,
    time::Clock,
    wire::{outbound, signature},
};
use clap::Parser;
use serde_json::json;

const TOKEN: &str = "12345";

/// What the door does with a stream.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Listen,
    /// Closes with 1008 at the first audio.
    Hang,
    /// Plays 100 ms of audio, asks to be told, and clears the rest.
    Talk,
}

/// What the door has heard, once a stream is over.
#[derive(Default)]
struct Heard {
    ledger: Ledger,
    parameters: Vec<(String, String)>,
    lost: u64,
    headers: HeaderMap,
}

#[derive(Clone)]
struct Server {
    manner: Manner,
    state: &'static str,
    heard: Arc<Mutex<Vec<Heard>>>,
    done: Arc<tokio::sync::Notify>,
}

impl Server {
    /// Listens and says where.
    async fn start(manner: Manner, state: &'static str) -> (Self, String) {
        let server = Self {
            manner,
            state,
            heard: Arc::default(),
            done: Arc::default(),
        };
        let full = || async { (StatusCode::SERVICE_UNAVAILABLE, "too many streams\n") };
        let router = Router::new()
            .route("/media", any(upgrade))
            .route("/full", any(full))
            .route("/api/v1/calls/{id}", any(call))
            .route("/api/v1/calls/{id}/transcript", any(transcript))
            .route("/api/v1/calls/{id}/events", any(events))
            .with_state(server.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tasks::spawn("door", async {
            axum::serve(listener, router).await.unwrap()
        });
        (server, format!("ws://{address}/media"))
    }

    /// The only stream, once it is over.
    async fn one(&self) -> Heard {
        self.done.notified().await;
        let mut heard = self.heard.lock().unwrap();
        assert_eq!(heard.len(), 1);
        heard.remove(0)
    }
}

async fn upgrade(
    State(server): State<Server>,
    headers: HeaderMap,
    socket: WebSocketUpgrade,
) -> Response {
    let host = headers[header::HOST].to_str().unwrap();
    let url = format!("wss://{host}/media");
    if let Some(signature) = headers.get("x-twilio-signature")
        && !signature::verify_upgrade(TOKEN, &url, signature.to_str().unwrap())
    {
        return (StatusCode::FORBIDDEN, "wrong signature\n").into_response();
    }
    socket.on_upgrade(|socket| listen(socket, server, headers))
}

async fn listen(mut socket: WebSocket, server: Server, headers: HeaderMap) {
    let clock = Clock::system();
    let mut stream = Stream::new(Options::default(), clock.now());
    let mut ledger = Ledger::default();
    let mut spoken = false;
    while ledger.ended.is_none() {
        let message = socket.recv().await;
        let input = match &message {
            Some(Ok(Message::Text(text))) => Input::Text(text),
            Some(Ok(Message::Close(_)) | Err(_)) | None => Input::Closed,
            Some(Ok(_)) => continue,
        };
        ledger.feed(&mut stream, clock.now(), input);
        let first = !ledger.audio[0].is_empty() && !std::mem::replace(&mut spoken, true);
        match server.manner {
            Manner::Hang if first => {
                let reason = "enough".into();
                let close = CloseFrame { code: 1008, reason };
                socket.send(Message::Close(Some(close))).await.unwrap();
            }
            Manner::Talk if spoken && first => {
                let sid = stream.info().unwrap().stream_sid.clone();
                for order in [
                    outbound::media(&sid, &[0xFF; 800]),
                    outbound::mark(&sid, "played"),
                    outbound::media(&sid, &[0xFF; 80_000]),
                    outbound::mark(&sid, "cleared"),
                    outbound::clear(&sid),
                    "not an order".into(),
                ] {
                    socket.send(Message::text(order)).await.unwrap();
                }
            }
            _ => {}
        }
    }
    let info = stream.info().unwrap();
    server.heard.lock().unwrap().push(Heard {
        lost: stream.counters().filled.iter().sum::<u64>() / 160,
        parameters: info.parameters.clone().into_iter().collect(),
        ledger,
        headers,
    });
    server.done.notify_one();
}

async fn call() -> Json<serde_json::Value> {
    Json(json!({"recordings": [{"track": "inbound", "duration": 1.0, "urls": ["/x"]}]}))
}

async fn transcript(uri: axum::http::Uri) -> Response {
    if uri.query() == Some("format=txt") {
        return "inbound: hello\n".into_response();
    }
    let segment =
        json!({"track": "inbound", "start": 0.5, "end": 1.0, "text": "hello", "words": []});
    Json(
        json!({"call": "CA1", "state": "final", "version": 2, "kind": "final", "served": true,
        "served_reason": "", "duration": 1.0, "language": "en", "model": null,
        "segments": [segment], "coverage": []}),
    )
    .into_response()
}

async fn events(State(server): State<Server>, headers: HeaderMap) -> Response {
    if server.state == "locked"
        && headers
            .get("authorization")
            .is_none_or(|t| t != "Bearer key")
    {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let body = format!(
        "id: 1\nevent: completed\ndata: {{\"track\":\"inbound\",\"start\":0.5,\"text\":\"hello\"}}\n\nevent: ended\ndata: {{\"state\":\"{}\"}}\n\n",
        server.state
    );
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// Two tracks that are nowhere alike.
fn source(frames: usize) -> Source {
    let byte = |i: usize, salt: usize| u8::try_from((i / 160 * 7 + i * salt) % 200).unwrap();
    let track = |salt| {
        (0..frames * 160)
            .map(|i| byte(i, salt))
            .collect::<Vec<u8>>()
    };
    Source::new([(Track::Inbound, track(1)), (Track::Outbound, track(3))])
}

async fn send(
    url: &str,
    source: &Source,
    change: impl FnOnce(&mut Call, &mut Door),
) -> Result<Sent, Failure> {
    let mut door = Door {
        url: url.into(),
        signed_url: None,
        token: Some(TOKEN.into()),
    };
    let mut call = Call {
        account: "AC1".into(),
        call: "CA1".parse().unwrap(),
        stream: "MZ1".parse().unwrap(),
        parameters: [("speaker".into(), "דנה".into())].into(),
        speed: Speed::Max,
        line: Line::default(),
        stop: true,
    };
    change(&mut call, &mut door);
    let client = Client::connect(&door, call, Clock::system()).await?;
    client.stream(source).await
}

#[tokio::test]
async fn what_is_sent_is_what_arrives() {
    let (server, url) = Server::start(Manner::Listen, "final").await;
    let source = source(200);
    let sent = send(&url, &source, |_, _| {}).await.unwrap();
    let heard = server.one().await;
    assert_eq!((sent.frames, sent.lost), (400, 0));
    assert_eq!(heard.ledger.ended, Some(EndReason::Stopped));
    assert_eq!(heard.ledger.anomalies, []);
    for track in Track::ALL {
        assert_eq!(heard.ledger.audio[track.index()], source.ulaw(track));
    }
    assert_eq!(heard.parameters, [("speaker".into(), "דנה".into())]);
    assert_eq!(heard.headers["user-agent"], "Twilio.TmeWs/1.0");
    assert!(!heard.headers.contains_key("origin"));
}

#[tokio::test]
async fn a_bad_line_loses_and_swaps_but_nothing_is_misplaced() {
    let (server, url) = Server::start(Manner::Listen, "final").await;
    let source = source(500);
    let line = Line {
        loss: 0.05,
        jitter: Duration::from_millis(100),
        seed: 3,
    };
    let sent = send(&url, &source, |call, _| call.line = line)
        .await
        .unwrap();
    let heard = server.one().await;
    assert!((20..90).contains(&sent.lost), "{}", sent.lost);
    assert_eq!(heard.ledger.anomalies, [], "none late, none twice");
    let padded = heard.ledger.audio.iter().map(Vec::len).max().unwrap();
    let mut silent = 0;
    for track in Track::ALL {
        let frames = heard.ledger.audio[track.index()].chunks(160);
        for (got, was) in frames.zip(source.ulaw(track).chunks(160)) {
            let lost = got.iter().all(|b| *b == 0xFF);
            silent += u64::from(lost);
            assert!(lost || got == was, "in its place or silent");
        }
    }
    let cut_at_the_end = (500 - padded / 160) * 2;
    assert_eq!(silent + cut_at_the_end as u64, sent.lost);
    assert!(heard.lost <= sent.lost);
}

#[tokio::test]
async fn without_stop_the_connection_is_cut() {
    let (server, url) = Server::start(Manner::Listen, "final").await;
    let source = source(5);
    send(&url, &source, |call, _| call.stop = false)
        .await
        .unwrap();
    let heard = server.one().await;
    assert_eq!(heard.ledger.ended, Some(EndReason::Closed));
    assert_eq!(heard.ledger.audio[0], source.ulaw(Track::Inbound));
}

#[tokio::test]
async fn marks_come_back_when_played_or_cleared() {
    let (server, url) = Server::start(Manner::Talk, "final").await;
    let speed = Speed::Times(4.0);
    let sent = send(&url, &source(60), |call, _| call.speed = speed)
        .await
        .unwrap();
    let heard = server.one().await;
    let mut names: Vec<_> = heard.ledger.marks.iter().map(|m| m.0.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["cleared", "played"]);
    assert_eq!((sent.received, sent.refused), (80_800, 1));
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let (_, url) = Server::start(Manner::Listen, "final").await;
    let few = source(2);
    let full = send(&url.replace("/media", "/full"), &few, |_, _| {})
        .await
        .unwrap_err();
    let expected = "the server refused the stream with status 503: too many streams";
    assert_eq!(full.to_string(), expected);
    let unsigned = send(&url, &few, |_, door| door.token = Some("other".into())).await;
    assert!(matches!(
        unsigned,
        Err(Failure::Refused { status: 403, .. })
    ));
    let nobody = send("ws://127.0.0.1:1/media", &few, |_, _| {}).await;
    assert!(matches!(nobody, Err(Failure::Unreachable { .. })));

    let (_, url) = Server::start(Manner::Hang, "final").await;
    let hung = send(&url, &source(50_000), |_, _| {}).await.unwrap_err();
    let Failure::Closed { code, reason, .. } = &hung else {
        panic!("{hung}")
    };
    assert_eq!((*code, reason.as_str()), (1008, "enough"));
}

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    replay: Args,
}

#[tokio::test]
async fn the_command_says_by_its_status_what_became_of_the_call() {
    let dir = tempfile::tempdir().unwrap();
    let wav = wav(&dir);
    let (_, url) = Server::start(Manner::Listen, "final").await;
    let (_, failing) = Server::start(Manner::Listen, "failed").await;
    let (_, locked) = Server::start(Manner::Listen, "locked").await;
    let full = url.replace("/media", "/full");
    for (url, more, code) in [
        (&url, &["--token", TOKEN][..], 0),
        (
            &url,
            &[
                "--calls",
                "3",
                "--loss",
                "0.1",
                "--jitter",
                "60",
                "-p",
                "language=en",
            ],
            0,
        ),
        (&url, &["--token", "other"], replay::REFUSED),
        (&full, &["--wait", "0"], replay::REFUSED),
        (&failing, &["--track", "outbound"], replay::NOT_FINAL),
        (&failing, &["--wait", "0", "--both"], 0),
        (&locked, &[], replay::NOT_FINAL),
        (&locked, &["--access-token", "key"], 0),
    ] {
        let fixed = [
            "replay",
            wav.to_str().unwrap(),
            "--speed",
            "max",
            "--url",
            url,
        ];
        let args = Command::parse_from(fixed.iter().chain(more)).replay;
        let status = replay::replay(&args, &Clock::system()).await.unwrap();
        assert_eq!(status, ExitCode::from(code), "{url} {more:?}");
    }
    for (more, says) in [
        (&["--expect", "missing.txt"][..], "cannot read missing.txt"),
        (&["--expect", "x", "--wait", "0"], "--wait 0"),
        (&["--expect", "x", "--calls", "2"], "--expect"),
        (&["--loss", "2"], "--loss"),
        (&["--calls", "0"], "--calls"),
        (&["--calls", "2", "--call-sid", "CA1"], "--call-sid"),
        (&["missing.json"], "missing.json is no sidecar"),
        (&["--url", "http://x/"], "no address of a media door"),
        (&["--url", "ws://127.0.0.1:1/media"], "cannot reach"),
    ] {
        let fixed = ["replay", wav.to_str().unwrap()];
        let args = Command::parse_from(fixed.iter().chain(more)).replay;
        let error = replay::replay(&args, &Clock::system()).await.unwrap_err();
        assert!(format!("{error:#}").contains(says), "{error:#}");
    }
    for bad in [
        &["--speed", "0"][..],
        &["--track", "x"],
        &["-p", "=x"],
        &["--call-sid", "a/b"],
    ] {
        let args = ["replay", "x.wav"].iter().chain(bad);
        assert!(Command::try_parse_from(args).is_err(), "{bad:?}");
    }
}

#[tokio::test]
async fn a_transcript_with_more_errors_than_allowed_is_told_by_the_status() {
    let dir = tempfile::tempdir().unwrap();
    let wav = wav(&dir);
    let (_, url) = Server::start(Manner::Listen, "final").await;
    for (expected, worst, code) in [
        ("Hello!", "0", 0),
        ("hello there", "60", 0),
        ("hello there", "40", replay::WORSE),
    ] {
        let file = dir.path().join("said.txt");
        std::fs::write(&file, expected).unwrap();
        let file = file.to_str().unwrap();
        let fixed = ["replay", wav.to_str().unwrap(), "--speed", "max", "--url"];
        let more = [&url, "--expect", file, "--worst-wer", worst];
        let args = Command::parse_from(fixed.into_iter().chain(more)).replay;
        let status = replay::replay(&args, &Clock::system()).await.unwrap();
        assert_eq!(status, ExitCode::from(code), "{expected} {worst}");
    }
}

fn wav(dir: &tempfile::TempDir) -> PathBuf {
    let path = dir.path().join("call.wav");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    (0..16_000_i16).for_each(|n| writer.write_sample(n).unwrap());
    writer.finalize().unwrap();
    path
}

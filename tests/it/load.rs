//! `callscribe load` against the real program, which has its figures to itself.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use callscribe::{
    cli::{
        load::{
            self, Args,
            report::Report,
            scrape::{Server, Told},
            verdict::{ANSWER_S, Verdict},
        },
        phone::{Call, Client, Door, Line, Meter, Sent, Source, Speed},
    },
    ids::Track,
    tasks,
    time::Clock,
};
use clap::Parser;
use futures_util::StreamExt;
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
use tokio_util::sync::CancellationToken;

const TOKEN: &str = "a-token";

struct Program {
    child: Child,
    port: u16,
}

impl Program {
    async fn start(folder: &Path, sets: &[&str]) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let sets = ["speech.live=false", "speech.final=false"]
            .iter()
            .chain(sets);
        let child = Command::new(env!("CARGO_BIN_EXE_callscribe"))
            .current_dir(folder)
            .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
            .args(sets.flat_map(|set| ["--set", set]))
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        let program = Self { child, port };
        for _ in 0..300 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return program;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("{}", fs::read_to_string(folder.join("log")).unwrap());
    }

    async fn load(&self, more: &[&str]) -> anyhow::Result<Report> {
        let url = format!("ws://127.0.0.1:{}/media", self.port);
        let fixed = ["load", "--url", &url];
        let args = Load::parse_from(fixed.iter().chain(more)).args;
        load::load(&args, &Clock::system(), &CancellationToken::new()).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Parser)]
struct Load {
    #[command(flatten)]
    args: Args,
}

fn wav(folder: &Path, seconds: u32) -> String {
    let path = folder.join("call.wav");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    for n in 0..seconds * 16_000 {
        writer.write_sample((n % 20_000) as i16).unwrap();
    }
    writer.finalize().unwrap();
    path.display().to_string()
}

fn told(report: &Report) -> &Told {
    match &report.server {
        Server::Told(told) => told,
        other => panic!("{other:?}"),
    }
}

/// A machine with other things to do makes both late: that is no fault of what is tested.
fn assert_verdict(report: &Report, wanted: Verdict) {
    let late = report.generator.late.p99_ms > 20.0;
    let slow = matches!(&report.server, Server::Told(told) if told.slowest_answer_s > ANSWER_S)
        || report.accepted.p99_ms > ANSWER_S * 1e3;
    let wanted = match (late, slow) {
        (true, _) => Verdict::GeneratorFellBehind,
        (_, true) => Verdict::ServerFellBehind,
        _ => wanted,
    };
    assert_eq!(report.verdict, wanted, "{report}");
}

#[tokio::test]
async fn the_server_counts_what_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &[&format!("media.auth_token={TOKEN}")]).await;
    let wav = wav(folder.path(), 4);
    let shape = [&wav, "--calls", "4", "--both", "--reconnect", "1"];
    let unsigned = program.load(&shape).await.unwrap();
    assert_eq!(unsigned.generator.frames, 0);
    let refused: Vec<_> = unsigned.calls.refused.iter().collect();
    assert!(
        matches!(&refused[..], [(why, 4)] if why.starts_with("HTTP 403")),
        "{unsigned}"
    );
    assert_verdict(&unsigned, Verdict::ServerFellBehind);

    let signed = ["--token", TOKEN, "--loss", "0.05", "--ramp", "0.1"];
    let report = program.load(&[&shape[..], &signed].concat()).await.unwrap();
    let (calls, generator) = (&report.calls, &report.generator);
    assert_eq!(
        (calls.begun, calls.complete, calls.cut),
        (4, 4, 4),
        "{report}"
    );
    let said = generator.frames + generator.lost_on_purpose;
    let (all, away) = (4 * 2 * 200, 4 * 2 * 10..4 * 2 * 60);
    assert!(away.contains(&(all - said)), "{report}");
    assert!(generator.lost_on_purpose > 0, "{report}");
    let server = told(&report);
    assert_eq!((server.frames, server.frames_lost), (generator.frames, 0));
    assert!(server.gap_ms > 0 && server.gap_ms <= generator.lost_on_purpose * 20);
    assert!(server.streams_most <= 4, "{report}");
    assert_verdict(&report, Verdict::KeptUp);
    let files = fs::read_dir(folder.path().join("audio_recordings")).unwrap();
    let wavs = files.filter(|file| {
        let path = file.as_ref().unwrap().path();
        path.extension().is_some_and(|e| e == "wav")
    });
    assert_eq!(wavs.count(), 4 * 2 * 2, "two streams of two tracks a call");
    let calls = reqwest::get(format!("http://127.0.0.1:{}/api/v1/calls", program.port));
    let calls: serde_json::Value = calls.await.unwrap().json().await.unwrap();
    let known = calls["calls"].as_array().unwrap().len();
    assert_eq!(known, 4, "who comes again is the same call");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["server"]["told"]["frames"], generator.frames, "{json}");
}

#[tokio::test]
async fn a_full_server_is_told_from_one_that_keeps_up() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["media.max_streams=2"]).await;
    let report = program
        .load(&["--calls", "5", &wav(folder.path(), 2)])
        .await
        .unwrap();
    assert_eq!(
        (report.calls.begun, report.calls.complete),
        (5, 2),
        "{report}"
    );
    assert_eq!(report.calls.refused.values().sum::<u64>(), 3, "{report}");
    let server = told(&report);
    assert_eq!(server.refused, [("full".into(), 3)].into(), "{report}");
    assert_eq!(
        (server.frames, server.frames_lost),
        (report.generator.frames, 0)
    );
    assert_verdict(&report, Verdict::ServerFellBehind);

    for (more, says) in [
        (&["--calls", "0"][..], "--calls"),
        (&["--calls", "1", "--loss", "2"], "--loss"),
        (&["--calls", "1", "--ramp", "5", "--seconds", "5"], "--ramp"),
        (&["--calls", "1", "--metrics", "here"], "--metrics"),
        (&["--calls", "1", "no such file"], "no such file"),
        (
            &["--calls", "1", "--metrics", "http://127.0.0.1:1/"],
            "gives no figures",
        ),
    ] {
        let error = program.load(more).await.unwrap_err();
        assert!(format!("{error:#}").contains(says), "{error:#}");
    }
    let door = ["--calls", "1", "--url"];
    for (url, says) in [
        ("http://x/", "no address of a media door"),
        ("ws://127.0.0.1:1/media", "cannot reach"),
    ] {
        let args = ["load"].iter().chain(&door).chain([&url]);
        let args = Load::parse_from(args).args;
        let error = load::load(&args, &Clock::system(), &CancellationToken::new()).await;
        assert!(format!("{:#}", error.unwrap_err()).contains(says), "{url}");
    }
}

/// Sends so many frames of silence as fast as they are taken.
async fn send(url: String, frames: usize, stop: bool, meter: &Arc<Meter>) -> Sent {
    let door = Door {
        url,
        signed_url: None,
        token: None,
    };
    let call = Call {
        account: "AC1".into(),
        call: "CA1".parse().unwrap(),
        stream: "MZ1".parse().unwrap(),
        parameters: Default::default(),
        speed: Speed::Max,
        line: Line::default(),
        stop,
    };
    let source = Source::new([(Track::Inbound, vec![0xFF; frames * 160])]).encoded();
    let client = Client::connect(&door, call, Clock::system()).await.unwrap();
    let client = client.measured(Arc::clone(meter));
    client.stream(&source).await.unwrap()
}

/// Bytes on the wire that no socket's buffers hold.
const FRAMES: usize = 100_000;

#[tokio::test]
async fn a_server_that_does_not_read_is_told_from_a_late_sender() {
    let meter = Arc::new(Meter::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/media", listener.local_addr().unwrap());
    let watched = Arc::clone(&meter);
    let server = tasks::spawn("server", async move {
        let (wire, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(wire).await.unwrap();
        // It reads nothing until nothing more can be sent.
        let mut before = 0;
        loop {
            sleep(Duration::from_millis(200)).await;
            let now = watched.frames();
            if now > 0 && now == std::mem::replace(&mut before, now) {
                break;
            }
        }
        let mut heard = 0;
        while let Some(Ok(_)) = socket.next().await {
            heard += 1;
        }
        heard
    });
    let sent = send(url, FRAMES, false, &meter).await;
    assert_eq!((sent.frames, meter.frames()), (100_000, 100_000));
    assert!(meter.stalls.count() >= 1);
    assert!(meter.stalls.most() >= Duration::from_millis(200));
    assert!(
        meter.late.most() < sent.took,
        "what was waited for is no lateness"
    );
    let beside_media = 2;
    assert_eq!(server.await.unwrap(), FRAMES + beside_media);
}

#[tokio::test]
async fn a_complaint_after_the_end_is_heard() {
    for (code, complaint) in [
        (CloseCode::Normal, None),
        (CloseCode::Policy, Some((1008, "why".to_owned()))),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/media", listener.local_addr().unwrap());
        let server = tasks::spawn("server", async move {
            let (wire, _) = listener.accept().await.unwrap();
            let mut socket = tokio_tungstenite::accept_async(wire).await.unwrap();
            while !matches!(&socket.next().await, Some(Ok(m)) if m.to_string().contains("stop")) {}
            let reason = "why".into();
            // The client may have closed already.
            let _ = socket.close(Some(CloseFrame { code, reason })).await;
            while let Some(Ok(_)) = socket.next().await {}
        });
        let sent = send(url, 3, true, &Arc::default()).await;
        assert_eq!((sent.complaint, sent.unclosed), (complaint, false));
        server.await.unwrap();
    }
}

//! How long Twilio waits for its answer while speech is being decoded.
//!
//! `cargo bench --bench doors -- [--rate 200] [--seconds 30] [--streams 4] [--model base] [--new-connections]`
//!
//! Starts the real server as a process of its own, streams words to it in real time (heard live, if
//! `CALLSCRIBE_MODELS` names the folder of the model; without one nobody hears them), and lets calls ring
//! at a steady rate, each with an id of its own and a signature. A ring is counted from the moment at
//! which it was due, so that a server that stands still is not asked less. The 99th percentile must be
//! under 10 ms.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use callscribe::{
    cli::phone::{Choice, Line, Source, pace::Pace},
    ids::Track,
    tasks,
    wire::signature,
};
use clap::Parser;
use futures_util::future::try_join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Mutex,
    time::{Instant, sleep, sleep_until},
};

#[path = "common/server.rs"]
mod server;

use server::{Stream, TOKEN, resident};

#[derive(Parser, Clone)]
struct Args {
    /// Voice requests a second.
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// How long they come.
    #[arg(long, default_value_t = 30)]
    seconds: u32,
    /// Streams that speak meanwhile, one track each.
    #[arg(long, default_value_t = 4)]
    streams: u32,
    /// The model that hears them, live.
    #[arg(long, default_value = "base")]
    model: String,
    /// A connection for each request, instead of a few that are kept.
    #[arg(long)]
    new_connections: bool,
    #[arg(long, hide = true)]
    bench: bool,
}

/// 20 ms.
const FRAME: Duration = Duration::from_millis(20);
/// Until the streams speak and are heard.
const WARM_UP: Duration = Duration::from_secs(5);
/// What is promised of the 99th percentile.
const MOST_MS: f64 = 10.0;
const VOICE: &str = "/webhook/twilio/voice";
/// Connections that wait for the next request.
const KEPT: usize = 32;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    let port = server::free_port()?;
    let hears = std::env::var_os("CALLSCRIBE_MODELS");
    let mut sets = vec![format!("media.auth_token={TOKEN}")];
    match &hears {
        Some(models) => sets.extend([
            format!("models.folder={}", models.display()),
            format!("speech.live_model={}", args.model),
            "speech.live=true".into(),
        ]),
        None => eprintln!("CALLSCRIBE_MODELS names no folder: nobody hears the streams"),
    }
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    let mut process = server::start(folder.path(), port, args.streams.max(1), &sets)?;
    server::wait_ready(port).await?;
    println!(
        "doors: {} voice requests a second for {} s, signed, {}; {} streams speak, heard by {}; {} CPUs",
        args.rate,
        args.seconds,
        if args.new_connections {
            "a connection each"
        } else {
            "on kept connections"
        },
        args.streams,
        hears.as_ref().map_or("nobody", |_| args.model.as_str()),
        std::thread::available_parallelism()?,
    );
    let words = words()?;
    let streams: Vec<_> = (0..args.streams)
        .map(|n| tasks::spawn("stream", speak(port, n, Arc::clone(&words), args.seconds)))
        .collect();
    sleep(WARM_UP).await;
    let before = cpu_seconds(process.id())?;
    let rings = ring(port, &args).await.inspect_err(|_| {
        let log = std::fs::read_to_string(folder.path().join("log"));
        eprintln!("{}", log.unwrap_or_default());
    })?;
    let used = cpu_seconds(process.id())? - before;
    for stream in streams {
        stream.await??;
    }
    let memory = resident(process.id())?;
    if args.streams > 0 {
        println!(
            "  heard     {} words on the first stream",
            heard(port).await?
        );
    }
    server::stop(&mut process)?;
    report(&args, &rings, used, memory)
}

/// Since a ring was due.
struct Ring {
    /// When it was sent: this program's own lateness, which counts as if it were the server's.
    sent: Duration,
    answered: Duration,
}

/// Rings at the rate.
async fn ring(port: u16, args: &Args) -> anyhow::Result<Vec<Ring>> {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let begin = Instant::now();
    let every = Duration::from_secs(1) / args.rate;
    let mut rings = Vec::new();
    for n in 0..args.rate * args.seconds {
        let due = begin + every * n;
        sleep_until(due).await;
        let kept = (!args.new_connections).then(|| Arc::clone(&kept));
        rings.push(tasks::spawn("ring", async move {
            let sent = due.elapsed();
            one(port, n, kept).await?;
            Ok(Ring {
                sent,
                answered: due.elapsed(),
            })
        }));
    }
    let ended = try_join_all(rings).await?;
    ended.into_iter().collect()
}

/// One voice request, answered with TwiML.
async fn one(port: u16, n: u32, kept: Option<Arc<Mutex<Vec<TcpStream>>>>) -> anyhow::Result<()> {
    let idle = match &kept {
        Some(kept) => kept.lock().await.pop(),
        None => None,
    };
    let mut socket = match idle {
        Some(socket) => socket,
        None => TcpStream::connect(("127.0.0.1", port)).await?,
    };
    socket.set_nodelay(true)?;
    socket.write_all(request(port, n).as_bytes()).await?;
    let answer = answer(&mut socket).await?;
    ensure!(answer.starts_with("HTTP/1.1 200 "), "refused: {answer}");
    ensure!(answer.ends_with("</Response>"), "no TwiML: {answer}");
    if let Some(kept) = kept {
        let mut kept = kept.lock().await;
        if kept.len() < KEPT {
            kept.push(socket);
        }
    }
    Ok(())
}

fn request(port: u16, n: u32) -> String {
    let (call, from) = (format!("CA{n:032x}"), format!("+97250{n:07}"));
    let fields = [
        ("CallSid", call.as_str()),
        ("AccountSid", "AC00000000000000000000000000000000"),
        ("From", &from),
        ("To", "+97231234567"),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
    ];
    let body = fields.map(|(name, value)| format!("{name}={}", value.replace('+', "%2B")));
    let body = body.join("&");
    let url = format!("http://127.0.0.1:{port}{VOICE}");
    let signature = signature::sign(TOKEN, &url, &fields);
    let mut text = format!("POST {VOICE} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n");
    let _ = write!(
        text,
        "content-type: application/x-www-form-urlencoded; charset=UTF-8\r\n\
         content-length: {}\r\nx-twilio-signature: {signature}\r\n\r\n{body}",
        body.len()
    );
    text
}

/// Head and body of one answer.
async fn answer(socket: &mut TcpStream) -> anyhow::Result<String> {
    let mut read = Vec::with_capacity(4096);
    loop {
        ensure!(socket.read_buf(&mut read).await? > 0, "hung up on");
        let text = std::str::from_utf8(&read).unwrap_or_default();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then_some(value)
        });
        let length: usize = length.context("no length")?.trim().parse()?;
        if body.len() >= length {
            return Ok(text.to_owned());
        }
    }
}

/// Words of the first stream's call: that somebody listened.
async fn heard(port: u16) -> anyhow::Result<usize> {
    let call = Stream::call(0);
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!(
        "GET /api/v1/calls/{call}/transcript?format=txt HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    let answer = answer(&mut socket).await?;
    ensure!(answer.starts_with("HTTP/1.1 200 "), "refused: {answer}");
    let (_, text) = answer.split_once("\r\n\r\n").context("no text")?;
    Ok(text.split_whitespace().count())
}

/// One stream at real speed, for as long as calls ring.
async fn speak(port: u16, n: u32, words: Arc<[String]>, seconds: u32) -> anyhow::Result<()> {
    let mut stream = Stream::open(port, n, Some(&words)).await?;
    let begin = Instant::now();
    let lasts = Duration::from_secs(seconds.into()) + WARM_UP;
    let mut frame = 0;
    while begin.elapsed() < lasts {
        sleep_until(begin + FRAME * frame).await;
        stream.frame().await?;
        frame += 1;
    }
    stream.stop().await
}

/// What a stream says, over and over: two people who take turns, the one up to 15 s, the other after.
fn words() -> anyhow::Result<Arc<[String]>> {
    const TURN: usize = 15 * 50;
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/audio/two_speakers.wav"
    );
    let side = |track| -> anyhow::Result<Vec<String>> {
        let source = Source::read(path.as_ref(), Choice::Only(track))?.encoded();
        let mut pace = Pace::new(source.pieces(), Line::default());
        let frames = std::iter::from_fn(|| pace.next(Some));
        let payloads = frames.map(|(_, frame)| source.payload(frame).into_owned());
        Ok(payloads.collect())
    };
    let (first, second) = (side(Track::Outbound)?, side(Track::Inbound)?);
    Ok([&first[..TURN], &second[TURN..]].concat().into())
}

/// User and system time of a process; the kernel counts in hundredths of a second.
fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(')').context("stat")?.1;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut ticks = || anyhow::Ok(fields.next().context("stat")?.parse::<f64>()?);
    Ok((ticks()? + ticks()?) / 100.0)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn report(args: &Args, rings: &[Ring], used: f64, memory: u64) -> anyhow::Result<()> {
    let sorted = |time: fn(&Ring) -> Duration| {
        let mut times: Vec<f64> = rings.iter().map(|r| time(r).as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        times
    };
    let at = |times: &[f64], permille: usize| times[(times.len() - 1) * permille / 1000];
    let (sent, answered) = (sorted(|r| r.sent), sorted(|r| r.answered));
    println!(
        "  answers   {} of {}",
        rings.len(),
        args.rate * args.seconds
    );
    println!("            answered  sent (ms after it was due)");
    for (name, permille) in [
        ("p50", 500),
        ("p90", 900),
        ("p99", 990),
        ("p99.9", 999),
        ("worst", 1000),
    ] {
        let (sent, answered) = (at(&sent, permille), at(&answered, permille));
        println!("  {name:<9} {answered:8.2} {sent:8.2}");
    }
    println!(
        "  server    {:.2} cores, {:.0} MB",
        used / f64::from(args.seconds),
        memory as f64 / 1e6
    );
    let p99 = at(&answered, 990);
    ensure!(
        p99 < MOST_MS,
        "the 99th percentile is {p99:.2} ms; under {MOST_MS:.0} ms is promised"
    );
    Ok(())
}

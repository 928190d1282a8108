//! What calls and viewers take of memory, and whether it comes back.
//!
//! `cargo bench --bench memory -- [--idle 1000] [--speaking 200] [--viewers 500] [--calls 1000] [--hours 8]
//! [--model tiny.en]`
//!
//! Starts the real server (recording on; speech off, or live and final by `--model`, from the folder that
//! `CALLSCRIBE_MODELS` names) as a process of its own and reads its resident memory: beside streams that say
//! nothing, streams at real speed, viewers of a call, after many short calls, and over one long call that is
//! sent much faster than it lasts. With a model the streams say words, which takes the machine's strength:
//! ask for fewer.

use std::{process::Child, sync::Arc, time::Duration};

use anyhow::Context;
use callscribe::{
    cli::phone::{Choice, Line, Source, pace::Pace},
    ids::Track,
    tasks,
};
use clap::Parser;
use futures_util::future::try_join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, sleep_until},
};

#[path = "common/server.rs"]
mod server;

use server::{Stream, resident};

#[derive(Parser)]
struct Args {
    /// Streams that began and say nothing.
    #[arg(long, default_value_t = 1000)]
    idle: u32,
    /// Streams at real speed.
    #[arg(long, default_value_t = 200)]
    speaking: u32,
    /// Viewers of one call.
    #[arg(long, default_value_t = 500)]
    viewers: u32,
    /// Calls of two seconds, twenty at once.
    #[arg(long, default_value_t = 1000)]
    calls: u32,
    /// Length of the long call.
    #[arg(long, default_value_t = 8)]
    hours: u32,
    /// How much faster than it lasts the long call is sent.
    #[arg(long, default_value_t = 400)]
    speed: u32,
    /// The model that hears them; without one nobody does.
    #[arg(long)]
    model: Option<String>,
    #[arg(long, hide = true)]
    bench: bool,
}

/// 20 ms.
const FRAME: Duration = Duration::from_millis(20);
/// Calls at once, of many.
const AT_ONCE: u32 = 20;
/// Until the server has seen what was sent, and freed what it need not keep.
const SETTLE: Duration = Duration::from_secs(3);

struct Bench {
    process: Child,
    port: u16,
    /// Streams so far: each has a number of its own.
    streams: u32,
    /// What streams say, if there is anyone to hear it.
    words: Option<Arc<[String]>>,
    _folder: tempfile::TempDir,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    // A server each: memory that one left to the next would hide what that takes.
    let mut bench = Bench::start(&args, args.idle).await?;
    println!(
        "fresh                 {:8.1} MB",
        mb(resident(bench.pid())?)
    );
    bench.idle(args.idle).await?;
    bench.stop()?;
    let mut bench = Bench::start(&args, args.speaking).await?;
    bench.speaking(args.speaking).await?;
    bench.stop()?;
    let mut bench = Bench::start(&args, 1).await?;
    bench.viewers(args.viewers).await?;
    bench.stop()?;
    let mut bench = Bench::start(&args, 20 * AT_ONCE).await?;
    bench.calls(args.calls).await?;
    bench.stop()?;
    let mut bench = Bench::start(&args, 1).await?;
    bench.long(args.hours, args.speed).await?;
    bench.stop()
}

impl Bench {
    async fn start(args: &Args, most: u32) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = server::free_port()?;
        // The long call comes faster than the disk is swept.
        let mut sets = vec!["recording.buffer_seconds=1200".to_owned()];
        if let Some(model) = &args.model {
            let models = std::env::var_os("CALLSCRIBE_MODELS").context("CALLSCRIBE_MODELS")?;
            sets.push(format!("models.folder={}", models.display()));
            for what in ["live", "final"] {
                sets.push(format!("speech.{what}=true"));
                sets.push(format!("speech.{what}_model={model}"));
            }
        }
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        let process = server::start(folder.path(), port, most, &sets)?;
        server::wait_ready(port).await?;
        sleep(SETTLE).await;
        Ok(Self {
            process,
            port,
            streams: 0,
            words: args.model.is_some().then(words).transpose()?,
            _folder: folder,
        })
    }

    fn stop(mut self) -> anyhow::Result<()> {
        server::stop(&mut self.process)
    }

    fn pid(&self) -> u32 {
        self.process.id()
    }

    async fn open(&mut self, count: u32) -> anyhow::Result<Vec<Stream>> {
        let numbers = self.streams..self.streams + count;
        self.streams += count;
        let mut streams = Vec::new();
        for n in numbers {
            streams.push(Stream::open(self.port, n, self.words.as_ref()).await?);
        }
        Ok(streams)
    }

    async fn idle(&mut self, count: u32) -> anyhow::Result<()> {
        let before = resident(self.pid())?;
        let streams = self.open(count).await?;
        sleep(SETTLE).await;
        self.tell("idle streams", count, before)?;
        try_join_all(streams.into_iter().map(Stream::stop)).await?;
        Ok(())
    }

    async fn speaking(&mut self, count: u32) -> anyhow::Result<()> {
        let before = resident(self.pid())?;
        let mut streams = self.open(count).await?;
        let begin = Instant::now();
        for frame in 0..500 {
            sleep_until(begin + FRAME * frame).await;
            for stream in &mut streams {
                stream.frame().await?;
            }
        }
        self.tell("speaking streams", count, before)?;
        try_join_all(streams.into_iter().map(Stream::stop)).await?;
        Ok(())
    }

    async fn viewers(&mut self, count: u32) -> anyhow::Result<()> {
        let watched = self.open(1).await?;
        let call = Stream::call(self.streams - 1);
        sleep(SETTLE).await;
        let before = resident(self.pid())?;
        let mut viewers = Vec::new();
        for _ in 0..count {
            let mut viewer = TcpStream::connect(("127.0.0.1", self.port)).await?;
            let ask = format!(
                "GET /api/v1/calls/{call}/events HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n",
                self.port
            );
            viewer.write_all(ask.as_bytes()).await?;
            let mut status = [0; 12];
            viewer.read_exact(&mut status).await?;
            anyhow::ensure!(
                &status == b"HTTP/1.1 200",
                "{}",
                String::from_utf8_lossy(&status)
            );
            viewers.push(viewer);
        }
        sleep(SETTLE).await;
        self.tell("viewers", count, before)?;
        drop(viewers);
        try_join_all(watched.into_iter().map(Stream::stop)).await?;
        Ok(())
    }

    async fn calls(&mut self, count: u32) -> anyhow::Result<()> {
        let tenth = (count / 10).max(AT_ONCE);
        let mut done = 0;
        while done < count {
            let streams = self.open(AT_ONCE).await?;
            let calls = streams.into_iter().map(|mut stream| {
                tasks::spawn("call", async move {
                    for _ in 0..100 {
                        stream.frame().await?;
                    }
                    stream.stop().await
                })
            });
            for call in try_join_all(calls).await? {
                call?;
            }
            done += AT_ONCE;
            if done % tenth == 0 {
                sleep(SETTLE).await;
                println!(
                    "after {done:5} calls     {:8.1} MB",
                    mb(resident(self.pid())?)
                );
            }
        }
        Ok(())
    }

    async fn long(&mut self, hours: u32, speed: u32) -> anyhow::Result<()> {
        let mut stream = self.open(1).await?.remove(0);
        let begin = Instant::now();
        for second in 0..hours * 3600 {
            sleep_until(begin + Duration::from_secs(second.into()) / speed).await;
            for _ in 0..50 {
                stream.frame().await?;
            }
            if (second + 1) % 3600 == 0 {
                let hour = (second + 1) / 3600;
                println!(
                    "{hour:2} h of one call      {:8.1} MB",
                    mb(resident(self.pid())?)
                );
            }
        }
        stream.stop().await?;
        let begin = Instant::now();
        while self.words.is_some() && !self.is_final(self.streams - 1).await? {
            sleep(SETTLE).await;
        }
        sleep(SETTLE).await;
        if self.words.is_some() {
            println!(
                "its final text took    {:7.0} s",
                begin.elapsed().as_secs_f64()
            );
        }
        println!("after it              {:8.1} MB", mb(resident(self.pid())?));
        Ok(())
    }

    async fn is_final(&self, n: u32) -> anyhow::Result<bool> {
        let call = Stream::call(n);
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let ask = format!(
            "GET /api/v1/calls/{call}/transcript HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n",
            self.port
        );
        socket.write_all(ask.as_bytes()).await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        Ok(answer.contains(r#""kind":"final""#))
    }

    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn tell(&self, what: &str, count: u32, before: u64) -> anyhow::Result<()> {
        let now = resident(self.pid())?;
        let each = now.saturating_sub(before) as f64 / 1e3 / f64::from(count.max(1));
        println!("{count:5} {what:16}{:8.1} MB, {each:.1} kB each", mb(now));
        Ok(())
    }
}

/// The left voice of the test recording, in frames of base64.
fn words() -> anyhow::Result<Arc<[String]>> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/audio/two_speakers.wav"
    );
    let source = Source::read(path.as_ref(), Choice::Only(Track::Inbound))?.encoded();
    let mut pace = Pace::new(source.pieces(), Line::default());
    let frames = std::iter::from_fn(|| pace.next(Some));
    Ok(frames
        .map(|(_, frame)| source.payload(frame).into_owned())
        .collect())
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

//! The ingest path without speech: what a stream costs the server, and whether a frame was lost.
//!
//! `cargo bench --bench ingest -- --streams 500 --seconds 20 [--node]`
//!
//! Starts the real server (recording on, speech off) as a process of its own, streams noise-like mu-law
//! to it in real time, and reads that process's CPU time over the steady part. Frames lost are counted
//! where it matters: in the WAV files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use anyhow::{Context, ensure};
use callscribe::tasks;
use clap::Parser;
use tokio::time::{Instant, sleep, sleep_until};

#[path = "common/server.rs"]
mod server;

#[derive(Parser, Clone)]
struct Args {
    /// Streams at once, one track each.
    #[arg(long, default_value_t = 500)]
    streams: u32,
    /// Length of each stream.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// Then the same to a minimal server in Node (`benches/node_server.mjs`; needs node and npm), and
    /// the ratio of both.
    #[arg(long)]
    node: bool,
    #[arg(long, hide = true)]
    bench: bool,
}

/// 20 ms.
const FRAME: Duration = Duration::from_millis(20);
/// Seconds at both ends that are not measured: streams start spread over the first.
const MARGIN: u32 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ensure!(
        args.seconds > 3 * MARGIN,
        "--seconds must be more than {}",
        3 * MARGIN
    );
    let ours = run(&args, start).await?;
    if args.node {
        let node = run(&args, start_node).await?;
        println!(
            "ours needs {:.2} of the CPU of the Node server (8 kHz as it comes, no checks, no rows)",
            ours / node
        );
    }
    Ok(())
}

/// Starts a server in a folder of its own, streams to it, and reports; returns the cores it used.
async fn run(
    args: &Args,
    start: impl Fn(&Path, u16, u32) -> anyhow::Result<Server>,
) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let port = server::free_port()?;
    let mut running = start(folder.path(), port, args.streams)?;
    server::wait_ready(port).await?;
    let measured = tasks::spawn("measure", measure(running.process.id(), args.seconds));
    let streams: Vec<_> = (0..args.streams)
        .map(|n| tasks::spawn("stream", stream(n, port, args.clone())))
        .collect();
    let mut late = Duration::ZERO;
    for handle in streams {
        late = late.max(handle.await??);
    }
    let (cpu, wall, rss) = measured.await??;
    server::stop(&mut running.process)?;
    println!("{}:", running.name);
    report(args, &running, cpu / wall, rss, late)?;
    Ok(cpu / wall)
}

/// A server that runs.
struct Server {
    name: &'static str,
    process: Child,
    recordings: PathBuf,
    /// Samples of a frame in its files.
    frame: u64,
}

fn start(folder: &Path, port: u16, streams: u32) -> anyhow::Result<Server> {
    let process = server::start(folder, port, streams, &[])?;
    Ok(Server {
        name: "callscribe",
        process,
        recordings: folder.join("audio_recordings"),
        frame: 320,
    })
}

/// The usual kind of server, with its library under `target/`.
fn start_node(folder: &Path, port: u16, _streams: u32) -> anyhow::Result<Server> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = root.join("target/node-server");
    if !home.join("node_modules/ws").exists() {
        fs::create_dir_all(&home)?;
        let npm = Command::new("npm")
            .args(["install", "--silent", "--no-save", "--prefix"])
            .arg(&home)
            .arg("ws@8")
            .status()
            .context("npm")?;
        ensure!(npm.success(), "npm could not install ws");
    }
    fs::copy(
        root.join("benches/node_server.mjs"),
        home.join("server.mjs"),
    )?;
    let process = Command::new("node")
        .arg(home.join("server.mjs"))
        .arg(port.to_string())
        .arg(folder)
        .spawn()
        .context("node")?;
    Ok(Server {
        name: "Node (ws)",
        process,
        recordings: folder.to_owned(),
        frame: 160,
    })
}

/// One stream at real speed; returns by how much its latest frame was late.
async fn stream(n: u32, port: u16, args: Args) -> anyhow::Result<Duration> {
    sleep(Duration::from_secs(1) * n / args.streams).await;
    let mut stream = server::Stream::open(port, n, None).await?;
    let (begin, mut late) = (Instant::now(), Duration::ZERO);
    for frame in 0..frames(&args) {
        let due = begin + FRAME * frame;
        sleep_until(due).await;
        late = late.max(due.elapsed());
        stream.frame().await?;
    }
    stream.stop().await?;
    Ok(late)
}

fn frames(args: &Args) -> u32 {
    args.seconds * 50
}

/// CPU seconds and wall seconds of the steady part, and resident bytes at its end.
async fn measure(pid: u32, seconds: u32) -> anyhow::Result<(f64, f64, u64)> {
    sleep(Duration::from_secs(MARGIN.into())).await;
    let (begin, before) = (Instant::now(), cpu_seconds(pid)?);
    sleep(Duration::from_secs((seconds - 2 * MARGIN).into())).await;
    let used = cpu_seconds(pid)? - before;
    Ok((used, begin.elapsed().as_secs_f64(), server::resident(pid)?))
}

/// User and system time of a process; the kernel counts in hundredths of a second.
fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(')').context("stat")?.1;
    let ticks = |field: usize| -> anyhow::Result<f64> {
        Ok(after_name
            .split_whitespace()
            .nth(field)
            .context("stat")?
            .parse::<f64>()?)
    };
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn report(
    args: &Args,
    server: &Server,
    cores: f64,
    rss: u64,
    late: Duration,
) -> anyhow::Result<()> {
    let expected = u64::from(frames(args)) * server.frame;
    let (mut files, mut lost) = (0, 0);
    for entry in fs::read_dir(&server.recordings)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "wav") {
            files += 1;
            lost += expected.saturating_sub(hound::WavReader::open(&path)?.duration().into())
                / server.frame;
        }
    }
    let streams = f64::from(args.streams);
    println!(
        "ingest: {} streams of one track, {} s, recording on, speech off",
        args.streams, args.seconds
    );
    println!(
        "  CPU per stream      {:.3} % of a core ({:.2} us a frame)",
        100.0 * cores / streams,
        1e6 * cores / streams / 50.0
    );
    println!("  streams per core    {:.0}", streams / cores);
    println!(
        "  resident memory     {:.1} MB ({:.0} kB a stream)",
        rss as f64 / 1e6,
        rss as f64 / 1e3 / streams
    );
    println!("  recordings          {files} of {}", args.streams);
    println!("  frames lost         {lost}");
    println!(
        "  latest frame sent   {:.1} ms late (the load generator's own accuracy)",
        late.as_secs_f64() * 1e3
    );
    ensure!(files == args.streams && lost == 0, "audio was lost");
    Ok(())
}

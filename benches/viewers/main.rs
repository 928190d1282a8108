//! What many viewers of one live call cost its publisher, and how late the last of them gets the words.
//!
//! `cargo bench --bench viewers -- [--viewers 0 --viewers 100 --viewers 500] [--slow 10] [--seconds 30]
//! [--rate 8] [--burst 4000] [--words 1000]`
//!
//! The doors are served as `serve` does it; the viewers are sockets of another process of this program. One
//! call goes on: events come at the rate at which two speakers make them (so many a second, words shown,
//! settled, ended). `--slow` of a hundred viewers read nothing meanwhile. Then a burst comes as fast as it
//! can be published, and the slow ones read what is left for them. Asserts nothing about time.
#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a bench fails by panicking, and prints rounded numbers"
)]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use callscribe::{http::connections, tasks};
use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use tokio::{net::TcpListener, time::sleep};

#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/it/harness/mod.rs"]
mod harness;
#[path = "../common/talk.rs"]
mod talk;
mod watch;

use harness::site::Site;
use talk::Talk;
use watch::{Seen, watch_all};

#[derive(Parser, Clone)]
struct Args {
    /// Viewers at once, one run each.
    #[arg(long, default_values_t = [0, 100, 500])]
    viewers: Vec<usize>,
    /// Of a hundred viewers, those who read nothing until the end.
    #[arg(long, default_value_t = 10)]
    slow: usize,
    /// How long events come at the rate.
    #[arg(long, default_value_t = 30)]
    seconds: u32,
    /// Events a second.
    #[arg(long, default_value_t = 8)]
    rate: u32,
    /// Events that come at once in the end.
    #[arg(long, default_value_t = 4000)]
    burst: u32,
    /// Words that were said before: what a viewer gets first.
    #[arg(long, default_value_t = 1000)]
    words: usize,
    /// Watches this address: the other process.
    #[arg(long, hide = true)]
    watch: Option<String>,
    /// One run with so many viewers: a process of its own.
    #[arg(long, hide = true)]
    one: Option<usize>,
    #[arg(long, hide = true)]
    bench: bool,
}

const CALL: &str = "CA-watched";
/// Until everybody has what is on its way.
const SETTLE: Duration = Duration::from_secs(2);
fn main() {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        match (&args.watch, args.one) {
            (Some(address), Some(viewers)) => watch_all(&args, viewers, address).await,
            (None, Some(viewers)) => run(&args, viewers).await,
            (_, None) => measure(&args),
        }
    });
}

fn measure(args: &Args) {
    println!(
        "viewers: {} events a second for {} s, then {} at once; {} words before; {} of 100 viewers slow; {} CPUs",
        args.rate,
        args.seconds,
        args.burst,
        args.words,
        args.slow,
        std::thread::available_parallelism().unwrap(),
    );
    for &viewers in &args.viewers {
        alone(args, viewers);
    }
}

/// A run in a process of its own, so that no memory of the one before hides what this one takes.
fn alone(args: &Args, viewers: usize) {
    let numbers = [
        ("--one", viewers),
        ("--slow", args.slow),
        ("--seconds", args.seconds as usize),
        ("--rate", args.rate as usize),
        ("--burst", args.burst as usize),
        ("--words", args.words),
    ];
    let numbers = numbers.map(|(name, value)| [name.to_owned(), value.to_string()]);
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(numbers.as_flattened())
        .status();
    assert!(ended.unwrap().success());
}

async fn run(args: &Args, viewers: usize) {
    let site = Site::open().await;
    let line = site.call(CALL).await;
    let mut talk = Talk::new(&line, 0.0);
    talk.stored(args.words).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let doors = connections::serve(
        listener,
        site.app.clone(),
        site.closing.clone(),
        connections::HEAD_TIMEOUT,
    );
    let doors = tasks::spawn("doors", doors);
    let before = resident();
    let mut watching = Watching::start(args, viewers, &address);
    sleep(SETTLE).await;
    let connected = resident();
    let cpu = cpu_seconds();
    let every = Duration::from_secs(1) / args.rate;
    let first = site.hub.view(&line.call).0 + 1;
    let mut published = Vec::new();
    let mut ticks = tokio::time::interval(every);
    for _ in 0..args.rate * args.seconds {
        ticks.tick().await;
        published.push(timed(|| talk.publish()));
    }
    sleep(SETTLE).await;
    let used = (cpu_seconds() - cpu) / f64::from(args.seconds);
    let settled = resident();
    let mut burst = Vec::new();
    for _ in 0..args.burst {
        burst.push(timed(|| talk.publish()));
    }
    let peak = resident();
    sleep(SETTLE).await;
    let seen = watching.end();
    println!("{viewers} viewers, {} of them slow", slow(args, viewers));
    tell_publisher("at the rate", &published);
    tell_publisher("in the burst", &burst);
    tell_lateness(&seen, first, &published);
    println!(
        "  memory         {:.1} MB before, {:.1} connected ({}), {:.1} after {} s, {:.1} after the burst",
        before as f64 / 1e6,
        connected as f64 / 1e6,
        each(connected, before, viewers),
        settled as f64 / 1e6,
        args.seconds,
        peak as f64 / 1e6,
    );
    println!("  server         {used:.3} cores at the rate");
    let last = first + u64::try_from(published.len()).unwrap();
    let (before, after): (Vec<u64>, Vec<u64>) = seen.resyncs.iter().partition(|id| **id < last);
    println!(
        "  started over   viewers that read: {} times at the rate, {} in the burst; slow ones: {}; cut off: {} and {}",
        before.len(),
        after.len(),
        seen.slow_resyncs.len(),
        seen.dropped,
        seen.slow_dropped
    );
    site.closing.cancel();
    doors.await.unwrap();
}

fn each(after: u64, before: u64, viewers: usize) -> String {
    match viewers {
        0 => "nobody".into(),
        many => format!(
            "{:.1} kB each",
            after.saturating_sub(before) as f64 / 1e3 / many as f64
        ),
    }
}

/// When it began, and how long it took; nanoseconds.
fn timed(act: impl FnOnce()) -> (u64, u64) {
    let begun = nanoseconds();
    act();
    (begun, nanoseconds() - begun)
}

fn tell_publisher(what: &str, published: &[(u64, u64)]) {
    let took = sorted(published.iter().map(|(_, took)| *took as f64 / 1e3));
    println!(
        "  publish        {}, µs, {what} ({} events)",
        spread(&took),
        took.len()
    );
}

/// From the moment before it was published until the first and the last viewer that reads has it.
fn tell_lateness(seen: &Seen, first: u64, published: &[(u64, u64)]) {
    let mut early = Vec::new();
    let mut late = Vec::new();
    let mut fewest = usize::MAX;
    for (id, (begun, _)) in (first..).zip(published) {
        let Some((count, first, last)) = seen.events.get(&id) else {
            continue;
        };
        fewest = fewest.min(*count);
        early.push(first.saturating_sub(*begun) as f64 / 1e6);
        late.push(last.saturating_sub(*begun) as f64 / 1e6);
    }
    if late.is_empty() {
        return;
    }
    let told = late.len();
    println!(
        "  first viewer   {}, ms",
        spread(&sorted(early.into_iter()))
    );
    println!(
        "  last viewer    {}, ms; {told} of {} events seen, each by {fewest} viewers at least",
        spread(&sorted(late.into_iter())),
        published.len()
    );
}

fn spread(sorted: &[f64]) -> String {
    let at = |permille: usize| sorted[(sorted.len() - 1) * permille / 1000];
    format!(
        "p50 {:.2}, p99 {:.2}, worst {:.2}",
        at(500),
        at(990),
        at(1000)
    )
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn slow(args: &Args, viewers: usize) -> usize {
    viewers * args.slow / 100
}

/// Nanoseconds of a clock that all processes share.
fn nanoseconds() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::try_from(now).unwrap().as_nanos() as u64
}

fn cpu_seconds() -> f64 {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime))
        .unwrap()
        .as_secs_f64()
}

/// Resident bytes of this process.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// The other process.
struct Watching {
    process: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Watching {
    /// Returns once all of them watch.
    fn start(args: &Args, viewers: usize, address: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--watch", address, "--one", &viewers.to_string()])
            .args(["--slow", &args.slow.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        Self { process, lines }
    }

    /// Lets the slow ones read, and hears what all of them saw.
    fn end(&mut self) -> Seen {
        drop(self.process.stdin.take());
        let told = self.lines.next().unwrap().unwrap();
        self.process.wait().unwrap();
        serde_json::from_str(&told).unwrap()
    }
}

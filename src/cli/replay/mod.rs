//! `callscribe replay`: streams files to a media door as Twilio does, and prints what came of them.
//!
//! | file | |
//! |---|---|
//! | [`source`] | a file as a phone would say it |
//! | [`pace`] | which frame goes out when, and what the line does to it |
//! | [`client`], [`socket`] | one stream: upgrade, `start`, media, `stop` |
//! | [`playback`] | audio and marks that the server sends back |
//! | [`report`] | what the server made of it |
//!
//! The pieces stand alone: tests and the load generator use [`Client`] without the printing.

use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, ensure};
use secrecy::SecretString;
use tokio::{sync::watch, time::Instant};
use uuid::Uuid;

use crate::{
    ids::{CallSid, StreamSid, Track},
    tasks,
    time::Clock,
};

pub mod client;
mod decimate;
pub mod pace;
pub mod playback;
pub mod report;
pub mod socket;
pub mod source;
mod sse;

pub use client::{Call, Client, Failure, Sent};
pub use pace::{Line, Speed};
use report::{Follower, Outcome};
pub use socket::Door;
pub use source::{Choice, Source};

/// The server refused a stream, or closed it before its end.
pub const REFUSED: u8 = 3;
/// The stream was sent, and its transcript is not final in time or failed.
pub const NOT_FINAL: u8 = 4;

/// Stream recordings to the media door as Twilio does, and print what the server makes of them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 the transcript is final; 1 a file or an address is bad; \
    3 the server refused or closed a stream; 4 a transcript is not final in time, or failed."
)]
pub struct Args {
    /// Audio files; each is a call. Of a stereo file the left channel is inbound, the right outbound.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The media door.
    #[arg(long, default_value = "ws://127.0.0.1:8080/media")]
    pub url: String,
    /// The server's HTTP address; by default the media door's.
    #[arg(long, value_name = "URL")]
    pub api: Option<String>,
    /// How fast to play: a factor, 1 being as it was spoken, or max.
    #[arg(long, default_value = "1", value_name = "N|max")]
    pub speed: Speed,
    /// Send this track only: its channel of a stereo file, or a mono file as that track.
    #[arg(long, value_name = "inbound|outbound", conflicts_with = "both")]
    pub track: Option<Track>,
    /// Send both tracks, as is done anyway with a stereo file; a mono file is an error.
    #[arg(long)]
    pub both: bool,
    /// The share of frames to lose, 0 to 1.
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub loss: f64,
    /// Delay each frame by up to this many milliseconds; over 20, frames overtake each other.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub jitter: u64,
    /// Loses and delays the same frames each time.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Sign the upgrade with this auth token.
    #[arg(long, env = "TWILIO_AUTH_TOKEN", hide_env_values = true)]
    pub token: Option<SecretString>,
    /// Sign this URL; by default the media door's, as wss.
    #[arg(long, value_name = "URL")]
    pub signed_url: Option<String>,
    /// The call's id; by default a new one. With one file only.
    #[arg(long, value_name = "CA…")]
    pub call_sid: Option<CallSid>,
    /// A custom parameter such as speaker=technician or language=he; may be repeated.
    #[arg(long = "parameter", short = 'p', value_name = "NAME=VALUE", value_parser = parameter)]
    pub parameters: Vec<(String, String)>,
    /// Cut the connection at the end instead of saying stop.
    #[arg(long)]
    pub no_stop: bool,
    /// So many calls at once, which take the files in turn.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub calls: usize,
    /// Seconds to wait for the final transcript after the stream's end; 0 asks for none.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub wait: u64,
}

/// Streams the files and reports.
///
/// # Errors
/// When a file or an argument is bad; what the server does is told by the exit code.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("no runtime")?;
    runtime.block_on(replay(args, &Clock::system()))
}

/// As [`run`], within a runtime.
///
/// # Errors
/// As [`run`].
pub async fn replay(args: &Args, clock: &Clock) -> anyhow::Result<ExitCode> {
    ensure!(args.calls > 0, "--calls: at least 1");
    ensure!((0.0..=1.0).contains(&args.loss), "--loss: from 0 to 1");
    let single = args.files.len() == 1 && args.calls == 1;
    ensure!(
        single || args.call_sid.is_none(),
        "--call-sid: only with one file and one call"
    );
    let choice = match args.track {
        Some(track) => Choice::Only(track),
        None if args.both => Choice::Both,
        None => Choice::AsItIs,
    };
    let sources: anyhow::Result<Vec<Source>> = args
        .files
        .iter()
        .map(|path| Source::read(path, choice))
        .collect();
    let sources = sources?;
    let rounds = sources.len().max(args.calls);
    let screen = Screen::new(rounds > 1);
    let mut worst = 0;
    for first in (0..rounds).step_by(args.calls) {
        let mut running = Vec::new();
        for n in first..rounds.min(first + args.calls) {
            let source = sources[n % sources.len()].clone();
            let one = One::new(args, n, source, screen.clone(), clock.clone())?;
            running.push(tasks::spawn("replay", one.run()));
        }
        for one in running {
            worst = worst.max(one.await.context("a replay panicked")??);
        }
    }
    Ok(ExitCode::from(worst))
}

/// One call from its socket to its transcript.
struct One {
    name: String,
    door: Door,
    call: Call,
    source: Source,
    follower: Option<Follower>,
    wait: Duration,
    screen: Screen,
    clock: Clock,
}

impl One {
    fn new(
        args: &Args,
        n: usize,
        source: Source,
        screen: Screen,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let id = |kind: &str| format!("{kind}{}", Uuid::new_v4().simple());
        let call: CallSid = match &args.call_sid {
            Some(call) => call.clone(),
            None => id("CA").parse()?,
        };
        let stream: StreamSid = id("MZ").parse()?;
        let follower = (args.wait > 0)
            .then(|| Follower::new(&args.url, args.api.as_deref(), call.clone()))
            .transpose()?;
        let parameters: BTreeMap<String, String> = args.parameters.iter().cloned().collect();
        Ok(Self {
            name: args.files[n % args.files.len()].display().to_string(),
            door: Door {
                url: args.url.clone(),
                signed_url: args.signed_url.clone(),
                token: args.token.clone(),
            },
            call: Call {
                account: format!("AC{}", "0".repeat(32)),
                call,
                stream,
                parameters,
                speed: args.speed,
                line: Line {
                    loss: args.loss,
                    jitter: Duration::from_millis(args.jitter),
                    seed: args.seed + n as u64,
                },
                stop: !args.no_stop,
            },
            source,
            follower,
            wait: Duration::from_secs(args.wait),
            screen,
            clock,
        })
    }

    /// The exit status of this call.
    async fn run(self) -> anyhow::Result<u8> {
        let Self {
            name,
            door,
            call,
            source,
            follower,
            wait,
            screen,
            clock,
        } = self;
        let sid = call.call.clone();
        let tracks: Vec<&str> = source.tracks().iter().map(|t| t.as_str()).collect();
        let client = match Client::connect(&door, call, clock.clone()).await {
            Ok(client) => client,
            Err(failure) => return refused(&screen, &name, &failure),
        };
        screen.note(&format!(
            "{name}: {:.1} s, {}, as {sid}",
            source.seconds(),
            tracks.join(" and ")
        ));
        if let Some(follower) = &follower {
            screen.note(&format!("watch it at {}", follower.page()));
        }
        let (deadline, until) = watch::channel(None);
        let sending = async {
            let sent = client.stream(&source).await;
            let patience = if sent.is_ok() { wait } else { Duration::ZERO };
            deadline.send_replace(Some(Instant::from_std(clock.now() + patience)));
            sent
        };
        let following = async {
            match &follower {
                Some(follower) => Some(follower.follow(&until, |line| screen.line(&line)).await),
                None => None,
            }
        };
        let (sent, outcome) = tokio::join!(sending, following);
        screen.clear();
        let sent = match sent {
            Ok(sent) => sent,
            Err(failure) => return refused(&screen, &name, &failure),
        };
        screen.note(&format!(
            "{sid}: {} frames in {:.2} s, {} lost on purpose, the latest {:.1} ms after it was due",
            sent.frames,
            sent.took.as_secs_f64(),
            sent.lost,
            sent.latest.as_secs_f64() * 1000.0
        ));
        Ok(match outcome {
            None => 0,
            Some(Ok(outcome)) => screen.outcome(&sid, &outcome),
            Some(Err(error)) => {
                screen.note(&format!("{error:#}"));
                NOT_FINAL
            }
        })
    }
}

fn refused(screen: &Screen, name: &str, failure: &Failure) -> anyhow::Result<u8> {
    match failure {
        Failure::Url { .. } | Failure::Unreachable { .. } => anyhow::bail!("{failure}"),
        _ => {
            screen.note(&format!("{name}: {failure}"));
            Ok(REFUSED)
        }
    }
}

/// Transcripts go to stdout, all else to stderr. Words not settled are shown on a terminal only.
#[derive(Clone)]
struct Screen {
    /// More than one call is shown: say whose line it is, and no live words.
    many: bool,
    terminal: bool,
    /// Whether unsettled words stand on the last line.
    unsettled: Arc<Mutex<bool>>,
}

impl Screen {
    fn new(many: bool) -> Self {
        Self {
            many,
            terminal: std::io::stderr().is_terminal(),
            unsettled: Arc::default(),
        }
    }

    fn line(&self, line: &report::Line) {
        match line {
            _ if self.many => {}
            report::Line::Unsettled(words) if self.terminal => {
                let tail: Vec<char> = words.chars().collect();
                let shown: String = tail[tail.len().saturating_sub(78)..].iter().collect();
                eprint!("\r\x1b[2K\x1b[2m{shown}\x1b[0m");
                let _ = std::io::stderr().flush();
                *self
                    .unsettled
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = true;
            }
            report::Line::Unsettled(_) => {}
            report::Line::Said(text) => {
                self.clear();
                println!("{text}");
            }
            report::Line::Note(text) => self.note(text),
        }
    }

    fn note(&self, text: &str) {
        self.clear();
        eprintln!("{text}");
    }

    fn clear(&self) {
        let mut unsettled = self
            .unsettled
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut *unsettled) {
            eprint!("\r\x1b[2K");
        }
    }

    fn outcome(&self, call: &CallSid, outcome: &Outcome) -> u8 {
        for recording in &outcome.recordings {
            self.note(&format!("recording: {recording}"));
        }
        self.note(&format!("{call}: {}", outcome.state));
        print!("{}", outcome.transcript);
        if outcome.state == "failed" {
            NOT_FINAL
        } else {
            0
        }
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a parameter is NAME=VALUE".into()),
    }
}

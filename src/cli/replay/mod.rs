//! `callscribe replay`: streams files to a media door as Twilio does, and prints what came of them.
//!
//! | file | |
//! |---|---|
//! | `recorded` | what the files hold: recordings of ours as they were received, other audio as it is |
//! | `one` | a call from its socket to its transcript, over [`phone`](super::phone) |
//! | [`report`], `teller`, `screen` | what the server made of it, and how it is told |
//! | [`expect`] | that, against what was really said |

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, ensure};
use secrecy::SecretString;

use super::phone::{Flags, Speed};
use crate::{ids::CallSid, tasks, time::Clock};

pub mod expect;
mod one;
mod recorded;
pub mod report;
mod screen;
mod teller;

use one::One;
use screen::Screen;

/// The server refused a stream, or closed it before its end.
pub const REFUSED: u8 = 3;
/// The stream was sent, and its transcript is not final in time or failed.
pub const NOT_FINAL: u8 = 4;
/// The transcript has more errors than `--worst-wer` allows.
pub const WORSE: u8 = 5;

/// Stream recordings to the media door as Twilio does, and print what the server makes of them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 the transcript is final; 1 a file or an address is bad; \
    3 the server refused or closed a stream; 4 a transcript is not final in time, or failed; 5 it has more \
    errors than --worst-wer allows. Of several calls the highest."
)]
pub struct Args {
    /// Audio files; each is a call. Of a stereo file the left channel is inbound, the right outbound. A recording
    /// of callscribe's own with its .json beside it, or the .json itself, is sent as it was received: with
    /// its gaps and marks, and as one call with all others of that call.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub phone: Flags,
    /// The server's HTTP address; by default the media door's.
    #[arg(long, value_name = "URL")]
    pub api: Option<String>,
    /// The server's access token, where its API asks for one.
    #[arg(long, env = "CALLSCRIBE_HTTP__ACCESS_TOKEN", hide_env_values = true)]
    pub access_token: Option<SecretString>,
    /// How fast to play: a factor, 1 being as it was spoken, or max.
    #[arg(long, default_value = "1", value_name = "N|max")]
    pub speed: Speed,
    /// The call's id; by default a new one. With one call only.
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
    /// What is said: a call's JSON with its turns, or plain text. The served transcript is scored against
    /// it, the live one where the final one is not there in time. With one call only.
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,
    /// Fail when the word error rate is above so many percent.
    #[arg(long, value_name = "PERCENT", requires = "expect")]
    pub worst_wer: Option<f64>,
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
    args.phone.check()?;
    ensure!(
        args.wait > 0 || args.expect.is_none(),
        "--expect: needs a transcript, and --wait 0 asks for none"
    );
    let scripts = recorded::scripts(&args.files, args.phone.choice())?;
    let single = scripts.len() == 1 && args.calls == 1;
    ensure!(
        single || args.call_sid.is_none(),
        "--call-sid: with one call only"
    );
    ensure!(
        single || args.expect.is_none(),
        "--expect: with one call only"
    );
    let rounds = scripts.len().max(args.calls);
    let screen = Screen::new(rounds > 1);
    for remark in scripts.iter().flat_map(|script| &script.remarks) {
        screen.note(remark);
    }
    let mut worst = 0;
    for first in (0..rounds).step_by(args.calls) {
        let mut running = Vec::new();
        for n in first..rounds.min(first + args.calls) {
            let script = &scripts[n % scripts.len()];
            let one = One::new(args, n, script, screen.clone(), clock.clone())?;
            running.push(tasks::spawn("replay", one.run()));
        }
        for one in running {
            worst = worst.max(one.await.context("a replay panicked")??);
        }
    }
    Ok(ExitCode::from(worst))
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a parameter is NAME=VALUE".into()),
    }
}

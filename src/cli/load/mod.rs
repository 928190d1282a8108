//! `callscribe load`: behaves like many Twilio streams at once, and says what the server did and whether
//! the generator itself kept time.
//!
//! | file | |
//! |---|---|
//! | `args` | what can be asked for, and what makes no sense |
//! | `plan` | when callers begin, think and lose their connection: pure, from the seed |
//! | `tone` | something like speech, where no file is given |
//! | `caller` | one caller's calls, one after the other, over [`phone`](super::phone) |
//! | `words` | how late words come to whoever watches |
//! | `tally` | what all callers tell while they run |
//! | [`figures`], [`scrape`], `watch` | the server's own figures: before, meanwhile, after |
//! | [`verdict`], [`report`], `show` | what it comes to, for people and as JSON |

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use tokio_util::sync::CancellationToken;

use super::phone::Source;
use crate::{tasks, time::Clock};

mod args;
mod caller;
pub mod figures;
mod plan;
pub mod report;
pub mod scrape;
mod show;
mod tally;
mod tone;
pub mod verdict;
mod watch;
mod words;

pub use args::Args;
use caller::{Caller, Setup};
use figures::Figures;
use plan::Plan;
use report::Report;
use scrape::{Scraper, Server};
use tally::Tally;
use watch::Watch;
use words::Words;

/// Descriptors that the process needs beside one for each call.
const SPARE_FILES: u64 = 64;

/// Makes the calls and prints what came of them.
///
/// # Errors
/// When an argument, a file or an address is bad; what the server does is told by the exit code.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
    ensure!(
        files >= args.calls as u64 + SPARE_FILES,
        "--calls: the system allows this process {files} open files; see ulimit -n"
    );
    let stop = CancellationToken::new();
    super::runtime()?.block_on(async {
        let hurry = stop.clone();
        drop(tasks::spawn("interrupt", async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                hurry.cancel();
            }
        }));
        let report = load(args, &Clock::system(), &stop).await?;
        if args.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            print!("{report}");
        }
        Ok(ExitCode::from(report.verdict.code()))
    })
}

/// As [`run`], within a runtime and without printing. Once `stop` is cancelled, all connections are cut
/// and what was measured so far is reported.
///
/// # Errors
/// As [`run`].
pub async fn load(args: &Args, clock: &Clock, stop: &CancellationToken) -> anyhow::Result<Report> {
    args.check()?;
    let sources = Arc::new(sources(args).await?);
    let door = args.phone.door();
    door.knock().await?;
    let scraper = Scraper::new(args)?;
    let before = match &scraper {
        Some(scraper) => scraper.first().await?,
        None => Figures::default(),
    };
    let words = args.words.then(|| Words::new(args)).transpose()?;
    let tally = Arc::new(Tally::new());
    let began = clock.now();
    let setup = Arc::new(Setup {
        door,
        line: args.phone.line(),
        clock: clock.clone(),
        ends: args.seconds.map(|s| began + Duration::from_secs_f64(s)),
        tally: Arc::clone(&tally),
        words,
        sources,
    });
    let watch = Watch::start(Arc::clone(&tally), scraper.clone(), args.seconds);
    let plan = Plan::new(args);
    let callers = (0..args.calls).map(|n| {
        let caller = Caller::new(n, Arc::clone(&setup), plan.habits(n));
        let begins = began + plan.begins(n);
        tasks::spawn("caller", caller.run(begins, stop.clone()))
    });
    let callers: Vec<_> = callers.collect();
    for caller in callers {
        // One that panicked has told what it did; the others go on.
        let _ = caller.await;
    }
    let took = clock.now() - began;
    let worst = watch.finish().await;
    let server = match &scraper {
        Some(scraper) => scraper.compare(&before, worst, tally.frames()).await,
        None => Server::Unasked,
    };
    let mut report = Report::new(args, &setup, took, server);
    report.interrupted = stop.is_cancelled();
    Ok(report)
}

async fn sources(args: &Args) -> anyhow::Result<Vec<Source>> {
    let choice = args.phone.choice();
    if args.files.is_empty() {
        return Ok(vec![tone::source(choice).encoded()]);
    }
    let files = args.files.clone();
    let read = move || {
        let read = |path| Source::read(path, choice).map(Source::encoded);
        files.iter().map(|path| read(path)).collect()
    };
    tasks::blocking("read", read)
        .await
        .context("reading the files")?
}

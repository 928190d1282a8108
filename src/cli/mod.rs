//! The command line: one file per subcommand; each has `Args` and `run`. [`phone`] is what two of them share.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::{
    config::{self, Config},
    http,
    store::{self, Store},
};

mod accounts;
pub mod analyze;
mod doctor;
mod import;
pub mod engines;
pub mod evaluate;
mod evaluate_links;
mod jobs;
pub mod insight;
pub mod load;
pub mod models;
pub mod phone;
mod prompts;
pub mod purge;
pub mod reference;
pub mod replay;
pub mod rerun;
pub mod serve;
mod tokens;
pub mod transcribe;
pub mod worker;

/// Phone calls in, transcripts out.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    /// Configuration file; callscribe.toml where it exists and none is named.
    #[arg(
        long,
        short,
        global = true,
        env = "CALLSCRIBE_CONFIG",
        value_name = "FILE"
    )]
    config: Option<PathBuf>,
    /// Overrides one key of the configuration; may be repeated.
    #[arg(long = "set", global = true, value_name = "SECTION.KEY=VALUE")]
    sets: Vec<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Args),
    Worker(worker::Args),
    Transcribe(transcribe::Args),
    Analyze(analyze::Args),
    Rerun(rerun::Args),
    Insight(insight::Args),
    Evaluate(evaluate::Args),
    EvaluateLinks(evaluate_links::Args),
    /// List, get, verify and convert speech models.
    Models(models::Args),
    /// See and tend the work that follows calls: list jobs, try them again, drop them.
    Jobs(jobs::Args),
    /// Who may come in: list, add and remove accounts, change passwords and roles.
    Accounts(accounts::Args),
    /// What uploaded files are known to be about, and what is asked of them: list, show, set, remove.
    Prompts(prompts::Args),
    /// Tokens by which programs come in: list, add, remove.
    Tokens(tokens::Args),
    /// Say what is wrong with this set-up.
    Doctor,
    /// Bring the database's schema up to date; `serve` does so by itself.
    Migrate,
    Purge(purge::Args),
    Import(import::Args),
    /// Print the commented default configuration.
    Config,
    /// Print the description of the API (OpenAPI 3.1, JSON), with the paths of this configuration.
    Openapi,
    Replay(Box<replay::Args>),
    Load(Box<load::Args>),
}

/// Parses the command line and runs what it asks for.
#[must_use]
pub fn main() -> ExitCode {
    match dispatch(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    let load = || Config::load(cli.config.as_deref(), &cli.sets);
    match cli.command {
        Command::Serve(args) => return serve::run(&args, load()?),
        Command::Worker(args) => return worker::run(&args, load()?),
        Command::Purge(args) => return purge::run(&args, &load()?),
        Command::Import(args) => return runtime()?.block_on(import::run(&args, &load()?)),
        Command::Transcribe(args) => transcribe::run(&args, &load()?)?,
        Command::Rerun(args) => rerun::run(&args, &load()?)?,
        Command::Insight(args) => insight::run(&args, &load()?)?,
        Command::Analyze(args) => return analyze::run(&args, &load()?),
        Command::Evaluate(args) => return evaluate::run(&args, &load()?),
        Command::EvaluateLinks(args) => return evaluate_links::run(&args),
        Command::Models(args) => models::run(args, &load()?.models)?,
        Command::Jobs(args) => runtime()?.block_on(jobs::run(args, &load()?))?,
        Command::Accounts(args) => runtime()?.block_on(accounts::run(args, &load()?))?,
        Command::Prompts(args) => runtime()?.block_on(prompts::run(args, &load()?))?,
        Command::Tokens(args) => runtime()?.block_on(tokens::run(args, &load()?))?,
        Command::Migrate => runtime()?.block_on(migrate(&load()?))?,
        Command::Doctor => return doctor::run(&load()?),
        Command::Config => {
            print!("{}", config::DEFAULT_FILE);
            load()?;
        }
        Command::Openapi => {
            let described = http::description(&serve::outside(&load()?));
            println!("{}", serde_json::to_string_pretty(&described)?);
        }
        Command::Replay(args) => return replay::run(&args),
        Command::Load(args) => return load::run(&args),
    }
    Ok(ExitCode::SUCCESS)
}

async fn migrate(config: &Config) -> anyhow::Result<()> {
    let store = Store::open(&config.store).await?;
    store.close().await;
    println!(
        "{}: the schema is up to date",
        store::describe(&config.store.url)
    );
    Ok(())
}

/// The configured database; a failure names it.
async fn open_store(config: &Config) -> anyhow::Result<Store> {
    Store::open(&config.store)
        .await
        .with_context(|| format!("store.url {}", store::describe(&config.store.url)))
}

/// A runtime for one command.
///
/// # Errors
/// When the system refuses threads.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

//! The command line: one file per subcommand; each has `Args` and `run`.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::config::{self, Config};

pub mod models;
pub mod replay;

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
    /// Print the commented default configuration.
    Config,
    Replay(Box<replay::Args>),
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
        Command::Config => {
            print!("{}", config::DEFAULT_FILE);
            load()?;
        }
        Command::Replay(args) => return replay::run(&args),
    }
    Ok(ExitCode::SUCCESS)
}

//! `callscribe jobs`: the work that follows calls, seen and tended from the command line.

use crate::{
    config::Config,
    store::{JobState, QueuedJob, Store, WhichJobs},
    time::Clock,
};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List jobs, newest first.
    List {
        /// Of one kind: transcribe, analyse, announce, deliver, …
        #[arg(long)]
        kind: Option<String>,
        /// queued, running, done or dead.
        #[arg(long)]
        state: Option<JobState>,
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Make dead or waiting jobs due at once, with all their attempts before them.
    Retry {
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
    /// Remove jobs that do not run.
    Drop {
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
}

/// Does what was asked for, on the configured database.
///
/// # Errors
/// When the database does not open, or a job is not there or in no state for it.
pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let store = super::open_store(config).await?;
    let done = act(args.action, &store).await;
    store.close().await;
    done
}

async fn act(action: Action, store: &Store) -> anyhow::Result<()> {
    let now = Clock::system().wall();
    match action {
        Action::List {
            kind,
            state,
            limit,
            json,
        } => {
            let which = WhichJobs { kind, state };
            let (jobs, next) = store.queued_jobs(&which, None, limit).await?;
            match json {
                true => print_json(&jobs)?,
                false => print!("{}", table(&jobs, next.is_some())),
            }
        }
        Action::Retry { ids } => {
            for id in ids {
                let job = store.retry_job(&id, now).await?;
                println!("{} {}: due now", job.kind, job.key);
            }
        }
        Action::Drop { ids } => {
            for id in ids {
                let job = store.drop_job(&id, now).await?;
                println!("{} {}: dropped", job.kind, job.key);
            }
        }
    }
    Ok(())
}

fn print_json(jobs: &[QueuedJob]) -> anyhow::Result<()> {
    for job in jobs {
        println!("{}", serde_json::to_string(job)?);
    }
    Ok(())
}

fn table(jobs: &[QueuedJob], more: bool) -> String {
    if jobs.is_empty() {
        return "no such jobs\n".into();
    }
    let mut out = format!(
        "{:<36}  {:<10}  {:<7}  {:>5}  {:<20}  KEY, AND WHY IT WAITS OR FAILED\n",
        "ID", "KIND", "STATE", "TRIES", "DUE OR ENDED"
    );
    for job in jobs {
        let when = job.finished_at.or(job.lease_until).unwrap_or(job.run_at);
        let when = when.strftime("%Y-%m-%dT%H:%M:%SZ");
        let why = job
            .last_error
            .as_deref()
            .filter(|_| job.state != JobState::Done);
        out += &format!(
            "{:<36}  {:<10}  {:<7}  {:>5}  {when:<20}  {}{}\n",
            job.id,
            job.kind,
            job.state,
            job.attempts,
            job.key,
            why.map(|why| format!(": {why}")).unwrap_or_default(),
        );
    }
    if more {
        out += "… and older ones: --limit shows more\n";
    }
    out
}

//! `callscribe purge`: deletes everything about one call, or about one person's calls.

use std::process::ExitCode;

use crate::{
    after::erase::{Erased, Report, erase},
    config::Config,
    store::{Store, Whose},
};

/// Delete everything about one call or one number: rows, recordings, downloads.
#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("whose").required(true)))]
pub struct Args {
    /// The call, by its id.
    #[arg(long, value_name = "ID", group = "whose")]
    call: Option<String>,
    /// All calls of whoever has this number: who called from it, or was called at it.
    #[arg(long, value_name = "NUMBER", group = "whose")]
    number: Option<String>,
    /// Only say what would go.
    #[arg(long)]
    dry_run: bool,
    /// Say it as JSON.
    #[arg(long)]
    json: bool,
}

/// Deletes, and prints what went. Fails where nothing was known or a call goes on.
///
/// # Errors
/// When the database or the folder of recordings cannot be used.
pub fn run(args: &Args, config: &Config) -> anyhow::Result<ExitCode> {
    let whose = match (&args.call, &args.number) {
        (Some(call), _) => Whose::Call(call.parse()?),
        (None, number) => Whose::Number(number.clone().unwrap_or_default()),
    };
    let report = super::runtime()?.block_on(async {
        let store = Store::open(&config.store).await?;
        let report = erase(&store, &config.recording.folder, &whose, args.dry_run).await;
        store.close().await;
        anyhow::Ok(report?)
    })?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        show(&report);
    }
    let kept = report.calls.iter().any(|call| !call.kept.is_empty());
    let is_done = report.live.is_empty() && !report.calls.is_empty() && !kept;
    Ok(if is_done {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn show(report: &Report) {
    for erased in &report.calls {
        show_one(erased, report.dry_run);
    }
    for call in &report.live {
        eprintln!("{call}: goes on, and nothing of it was touched: end it first");
    }
    if report.calls.is_empty() && report.live.is_empty() {
        eprintln!("nothing is known of it");
    }
}

fn show_one(erased: &Erased, dry_run: bool) {
    let verb = if dry_run { "would go" } else { "deleted" };
    println!("{}: {verb}", erased.rows.call);
    for (table, rows) in &erased.rows.rows {
        println!("  {rows:>6}  {table}");
    }
    for file in &erased.files {
        println!("    file  {file}");
    }
    for (file, why) in &erased.kept {
        println!("    KEPT  {file}: {why}");
    }
}

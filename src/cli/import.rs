//! `callscribe import`: customers and bookings of a business's own, out of CSV files.

use std::{fs::File, path::PathBuf, process::ExitCode};

use anyhow::Context as _;

use crate::{
    config::Config,
    people::{
        Unfit, booking, customer,
        phone::Party,
        sheet::{Kind, Line, Sheet},
    },
    store::{Booker, Brought, Store},
    time::Clock,
};

/// Lines to a transaction: few enough that a live call's rows never wait long for them.
const BATCH: usize = 200;

/// Bring customers or bookings in from CSV files; bringing the same again changes what changed.
///
/// Customers: external_id, name, phones, email, language, preferences, notes. Bookings: external_id, one of
/// customer_id, customer_external_id and customer_phone, starts_at, ends_at, status, guests, title, notes.
#[derive(clap::Args)]
pub(super) struct Args {
    #[arg(value_name = "FILE.csv", required = true)]
    files: Vec<PathBuf>,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    /// The files hold customers, whatever their columns are.
    #[arg(long, conflicts_with = "bookings")]
    customers: bool,
    /// The files hold bookings.
    #[arg(long)]
    bookings: bool,
}

/// What became of a file's lines.
#[derive(Default)]
struct Tally {
    new: usize,
    changed: usize,
    same: usize,
    rejected: usize,
}

/// Brings the files in, one after the other; each line that is refused is told and the rest goes on.
///
/// # Errors
/// When the database does not open or fails, or a file cannot be read. Lines before that are in.
pub(super) async fn run(args: &Args, config: &Config) -> anyhow::Result<ExitCode> {
    let store = super::open_store(config).await?;
    let mut rejected = 0;
    for file in &args.files {
        let done = one_file(args, config, &store, file).await;
        rejected += done.with_context(|| file.display().to_string())?;
    }
    store.close().await;
    Ok(if rejected == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn one_file(
    args: &Args,
    config: &Config,
    store: &Store,
    file: &PathBuf,
) -> anyhow::Result<usize> {
    let kind = match (args.customers, args.bookings) {
        (true, _) => Some(Kind::Customers),
        (_, true) => Some(Kind::Bookings),
        _ => None,
    };
    let mut sheet = Sheet::open(File::open(file)?, kind)?;
    let mut import = Import {
        store,
        config,
        dry: args.dry_run,
        tally: Tally::default(),
    };
    match sheet.kind {
        Kind::Customers => import.customers(&mut sheet).await?,
        Kind::Bookings => import.bookings(&mut sheet).await?,
    }
    let Tally {
        new,
        changed,
        same,
        rejected,
    } = import.tally;
    let would = if args.dry_run { "would be " } else { "" };
    println!(
        "{}: {new} {would}new, {changed} {would}changed, {same} the same, {rejected} rejected",
        file.display()
    );
    Ok(rejected)
}

struct Import<'a> {
    store: &'a Store,
    config: &'a Config,
    dry: bool,
    tally: Tally,
}

impl Import<'_> {
    async fn customers<R: std::io::Read>(&mut self, sheet: &mut Sheet<R>) -> anyhow::Result<()> {
        let region = self.config.people.region;
        loop {
            let mut numbers = Vec::new();
            let mut batch = Vec::new();
            let ended = self.fill(
                &mut numbers,
                &mut batch,
                || sheet.customer(),
                |draft: customer::Draft| draft.check(region),
            )?;
            let now = Clock::system().wall();
            let outcomes = self.store.bring_customers(&batch, now, self.dry).await?;
            for (number, outcome) in numbers.into_iter().zip(outcomes) {
                self.tell(number, Ok(outcome));
            }
            if ended {
                return Ok(());
            }
        }
    }

    async fn bookings<R: std::io::Read>(&mut self, sheet: &mut Sheet<R>) -> anyhow::Result<()> {
        let config = self.config;
        loop {
            let mut numbers = Vec::new();
            let mut batch = Vec::new();
            let ended = self.fill(
                &mut numbers,
                &mut batch,
                || sheet.booking(),
                |draft| booked(draft, config),
            )?;
            let now = Clock::system().wall();
            let outcomes = self.store.bring_bookings(&batch, now, self.dry).await?;
            for (number, outcome) in numbers.into_iter().zip(outcomes) {
                self.tell(number, outcome);
            }
            if ended {
                return Ok(());
            }
        }
    }

    /// Reads a batch of lines that fit, and tells those that do not; whether that was the end of the file.
    fn fill<T, D, E: std::error::Error + Send + Sync + 'static>(
        &mut self,
        numbers: &mut Vec<u64>,
        batch: &mut Vec<T>,
        mut next: impl FnMut() -> Result<Option<Line<D>>, E>,
        check: impl Fn(D) -> Result<T, Unfit>,
    ) -> anyhow::Result<bool> {
        while batch.len() < BATCH {
            let Some(Line { number, draft }) = next()? else {
                return Ok(true);
            };
            match draft.and_then(&check) {
                Ok(fit) => {
                    numbers.push(number);
                    batch.push(fit);
                }
                Err(unfit) => self.tell(number, Err(unfit.to_string())),
            }
        }
        Ok(false)
    }

    fn tell(&mut self, line: u64, outcome: Result<Brought, String>) {
        match outcome {
            Ok(Brought::New) => {
                self.tally.new += 1;
                if self.dry {
                    println!("line {line}: new");
                }
            }
            Ok(Brought::Changed(fields)) => {
                self.tally.changed += 1;
                if self.dry {
                    println!("line {line}: changed: {}", fields.join(", "));
                }
            }
            Ok(Brought::Same) => self.tally.same += 1,
            Err(why) => {
                self.tally.rejected += 1;
                println!("line {line}: rejected: {why}");
            }
        }
    }
}

fn booked(draft: booking::Draft, config: &Config) -> Result<(Booker, booking::Details), Unfit> {
    let unfit = |field, why: &str| Unfit {
        field,
        why: why.into(),
    };
    let number = |phone: &str| match Party::read(phone, config.people.region) {
        Party::Number(number) => Ok(number),
        _ => Err(unfit("customer_phone", "is no complete number")),
    };
    let of = Booker::of(&draft, number)?.ok_or_else(|| {
        unfit(
            "customer",
            "one of customer_id, customer_external_id and customer_phone is needed",
        )
    })?;
    let details = draft.check(config.people.time_zone.time_zone())?;
    Ok((of, details))
}

//! `callscribe evaluate-links`: how many calls of labelled sets are linked to the right customer and booking.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use anyhow::Context as _;

use crate::people::labelled::{Set, Verdict};

/// What is promised, in percent: more than these.
const CUSTOMERS: f64 = 95.0;
const BOOKINGS: f64 = 80.0;

/// Say how many calls of labelled sets find their customer and booking.
#[derive(clap::Args)]
#[command(after_help = "\
DIR holds business.json ({\"region\": \"US\", \"time_zone\": \"America/New_York\", \"own_numbers\": [\"+1…\"]}), \
customers.csv and bookings.csv as `import` takes them, and calls.jsonl: a line a call with id, kind, from, to, \
direction, at, text, and the external ids of its customer and booking, or null.

Exit status: 0; 1 not more than 95 % of the customers or 80 % of the bookings are right.")]
pub(super) struct Args {
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Name every call that went wrong.
    #[arg(long)]
    wrong: bool,
}

#[derive(Default)]
struct Tally {
    calls: u32,
    customers: u32,
    bookings: u32,
    /// Calls that have a booking, and how many of these are right.
    booked: u32,
    booked_right: u32,
}

/// Prints a table by kind of call.
///
/// # Errors
/// When a set cannot be read.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut kinds: BTreeMap<String, Tally> = BTreeMap::new();
    let mut all = Tally::default();
    for folder in &args.folders {
        let set = Set::read(folder).with_context(|| folder.display().to_string())?;
        for verdict in set.judge() {
            all.add(&verdict);
            kinds
                .entry(verdict.call.kind.clone())
                .or_default()
                .add(&verdict);
            if args.wrong && !(verdict.has_customer() && verdict.has_booking()) {
                println!("{}", wrong(&verdict));
            }
        }
    }
    println!(
        "{:<16} {:>5} {:>10} {:>10} {:>16}",
        "kind", "calls", "customers", "bookings", "of those booked"
    );
    for (kind, tally) in kinds
        .iter()
        .map(|(kind, tally)| (kind.as_str(), tally))
        .chain([("all", &all)])
    {
        println!("{kind:<16} {tally}");
    }
    let is_kept = percent(all.customers, all.calls) > CUSTOMERS
        && percent(all.bookings, all.calls) > BOOKINGS
        && percent(all.booked_right, all.booked) > BOOKINGS;
    Ok(if is_kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Tally {
    fn add(&mut self, verdict: &Verdict<'_>) {
        let is_booked = verdict.call.booking.is_some();
        self.calls += 1;
        self.customers += u32::from(verdict.has_customer());
        self.bookings += u32::from(verdict.has_booking());
        self.booked += u32::from(is_booked);
        self.booked_right += u32::from(is_booked && verdict.has_booking());
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:>5} {:>8.1} % {:>8.1} % {:>14.1} %",
            self.calls,
            percent(self.customers, self.calls),
            percent(self.bookings, self.calls),
            percent(self.booked_right, self.booked),
        )
    }
}

/// Of nothing, all is right.
fn percent(right: u32, all: u32) -> f64 {
    match all {
        0 => 100.0,
        all => f64::from(right) * 100.0 / f64::from(all),
    }
}

fn wrong(verdict: &Verdict<'_>) -> String {
    let call = verdict.call;
    let id = |id: &Option<String>| id.clone().unwrap_or_else(|| "none".into());
    let found = &verdict.found;
    let why = found.why.map_or("", |why| why.as_str());
    format!(
        "{} ({}): customer {} rather than {}, booking {} rather than {} {why}",
        call.id,
        call.kind,
        id(&found.customer),
        id(&call.customer),
        id(&found.booking),
        id(&call.booking),
    )
}

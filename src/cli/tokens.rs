//! `callscribe tokens`: by what programs come in. A token is shown once, when it is made.

use jiff::SignedDuration;

use super::accounts::note;
use crate::{
    config::Config,
    http::access::secret,
    store::{AccountName, NewToken, Scope, Store},
    time::Clock,
};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List tokens.
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Make a token and print it, this once. A program sends it as `Authorization: Bearer …`.
    Add {
        name: AccountName,
        /// What it may do: calls:read, recordings:read, leads:read, people:read, jobs:read, health:read,
        /// leads:write, people:write, jobs:write, calls:speak, files:write, calls:delete, doors:manage; may be
        /// repeated.
        #[arg(long = "scope", required = true, value_delimiter = ',')]
        scopes: Vec<Scope>,
        /// Days after which it ends; without, it does not.
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
        days: Option<u16>,
    },
    /// Remove a token: programs that use it are refused from then on.
    Remove {
        #[arg(value_name = "NAME")]
        token: String,
    },
}

/// Does what was asked for, on the configured database.
///
/// # Errors
/// When the database does not open or refuses.
pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let store = super::open_store(config).await?;
    let done = act(args.action, &store).await;
    store.close().await;
    done
}

async fn act(action: Action, store: &Store) -> anyhow::Result<()> {
    let now = Clock::system().wall();
    match action {
        Action::List { json } => {
            for token in store.tokens().await? {
                if json {
                    println!("{}", serde_json::to_string(&token)?);
                    continue;
                }
                let ends = token.expires_at.map_or("no end".to_owned(), |at| {
                    format!("until {}", at.strftime("%Y-%m-%d"))
                });
                println!("{:<24}{ends:<18}{}", token.name, token.scopes);
            }
        }
        Action::Add { name, scopes, days } => {
            let token = secret::new_token()?;
            let scopes = scopes.into_iter().collect();
            let end = |days: u16| now + SignedDuration::from_hours(24 * i64::from(days));
            let new = NewToken {
                name: &name,
                hash: &secret::hash(&token),
                scopes: &scopes,
                created_by: "",
                expires_at: days.map(end),
            };
            store.add_token(&new, now).await?;
            note(store, "token.added", format!("{name} {scopes}")).await?;
            println!("{token}");
            eprintln!("Copy it now: it is not shown again.");
        }
        Action::Remove { token } => {
            let token = store.remove_token(&token).await?;
            note(store, "token.removed", token.name.clone()).await?;
            println!("{}: removed", token.name);
        }
    }
    Ok(())
}

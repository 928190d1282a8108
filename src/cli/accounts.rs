//! `callscribe accounts`: who may come in. Passwords are asked for without being shown, or read from
//! standard input; an argument would stand in the shell's history and in the list of processes.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{bail, ensure};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    config::Config,
    http::access::password,
    store::{AccountName, Actor, Deed, Role, Store},
    time::Clock,
};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List accounts.
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Add an account. Its password is asked for, or read from standard input.
    Add {
        name: AccountName,
        /// viewer, operator or admin; the first account is an admin's.
        #[arg(long)]
        role: Role,
    },
    /// Give an account another password; its sessions end.
    Passwd { name: AccountName },
    /// Give an account another role.
    Role { name: AccountName, role: Role },
    /// Remove an account; its sessions end.
    Remove { name: AccountName },
}

/// Does what was asked for, on the configured database.
///
/// # Errors
/// When the database does not open, refuses, or no password is given.
pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let store = super::open_store(config).await?;
    let done = act(args.action, &store).await;
    store.close().await;
    done
}

async fn act(action: Action, store: &Store) -> anyhow::Result<()> {
    let now = Clock::system().wall();
    match action {
        Action::List { json } => list(store, json).await?,
        Action::Add { name, role } => {
            let is_first = !store.has_accounts().await?;
            let hash = password::hash(&new_password()?)?;
            store.add_account(&name, role, &hash, now).await?;
            note(store, "account.added", format!("{name} {role}")).await?;
            println!("{name}: added, {role}");
            if is_first {
                println!("From now on everybody logs in, on this machine too.");
            }
        }
        Action::Passwd { name } => {
            ensure!(
                store.account(&name).await?.is_some(),
                "there is no account {name}"
            );
            let hash = password::hash(&new_password()?)?;
            store.set_password(&name, &hash, now).await?;
            note(store, "account.password", name.to_string()).await?;
            println!("{name}: has another password, and is logged in nowhere");
        }
        Action::Role { name, role } => {
            store.set_role(&name, role).await?;
            note(store, "account.role", format!("{name} {role}")).await?;
            println!("{name}: {role}");
        }
        Action::Remove { name } => {
            store.remove_account(&name).await?;
            note(store, "account.removed", name.to_string()).await?;
            println!("{name}: removed");
            if !store.has_accounts().await? {
                println!(
                    "That was the last one: pages are open on this machine, and closed beyond it."
                );
            }
        }
    }
    Ok(())
}

async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let accounts = store.accounts().await?;
    if json {
        for account in &accounts {
            println!("{}", serde_json::to_string(account)?);
        }
        return Ok(());
    }
    if accounts.is_empty() {
        println!(
            "There are no accounts: callscribe accounts add NAME --role admin makes the first."
        );
    }
    for account in accounts {
        let seen = account.seen_at.map_or("never logged in".to_owned(), |at| {
            format!("last login {}", at.strftime("%Y-%m-%d %H:%M UTC"))
        });
        println!("{:<10}{:<24}{seen}", account.role, account.name);
    }
    Ok(())
}

/// What was done here stands in the audit log too.
pub(super) async fn note(
    store: &Store,
    action: &'static str,
    object: String,
) -> anyhow::Result<()> {
    let deed = Deed {
        actor: Actor::Console,
        name: String::new(),
        address: String::new(),
        action,
        object,
    };
    Ok(store.note_deed(&deed, Clock::system().wall()).await?)
}

fn new_password() -> anyhow::Result<SecretString> {
    let stdin = io::stdin();
    let password = if stdin.is_terminal() {
        let password = asked(&format!(
            "Password ({} characters or more): ",
            password::SHORTEST
        ))?;
        let again = asked("Once more: ")?;
        if password.expose_secret() != again.expose_secret() {
            bail!("the two differ");
        }
        password
    } else {
        line()?
    };
    password::check(&password)?;
    Ok(password)
}

/// Asks at the terminal, which does not show what is typed.
fn asked(question: &str) -> anyhow::Result<SecretString> {
    eprint!("{question}");
    io::stderr().flush()?;
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &silent)?;
    let typed = line();
    tcsetattr(&stdin, OptionalActions::Flush, &before)?;
    eprintln!();
    typed
}

fn line() -> anyhow::Result<SecretString> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line)?;
    ensure!(
        read > 0,
        "no password: it is the first line of standard input"
    );
    Ok(line.trim_end_matches(['\r', '\n']).into())
}

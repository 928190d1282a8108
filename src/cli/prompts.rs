//! `callscribe prompts`: what uploaded files are known to be about, and what a language model is asked of each.

use std::{io::Read, path::PathBuf};

use anyhow::Context;

use super::accounts::note;
use crate::{
    config::Config,
    insight::domain::{Pair, fit_prompt},
    store::Store,
    time::Clock,
};

#[derive(clap::Args)]
#[command(after_help = "\
A pair is DOMAIN/CATEGORY, as in internet/technical_support. A prompt names the fields to take out of a file of the \
pair, each with a few words on what it holds: \"ticket_number, outage_since (when it began)\".")]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List all pairs, and who wrote their prompts: start (they came with the program), model or person.
    List {
        /// One JSON object a line, with the prompt.
        #[arg(long)]
        json: bool,
    },
    /// Print a pair's prompt.
    Show {
        #[arg(value_parser = pair)]
        pair: Pair,
    },
    /// Set a pair's prompt; a pair that is new is known from then on.
    Set {
        #[arg(value_parser = pair)]
        pair: Pair,
        /// The prompt; without it, or --file, it is read from standard input.
        #[arg(conflicts_with = "file")]
        prompt: Option<String>,
        /// Read the prompt from there.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Forget a pair; a file that is of it makes it known again, with a prompt of its own.
    Remove {
        #[arg(value_parser = pair)]
        pair: Pair,
    },
}

fn pair(text: &str) -> Result<Pair, &'static str> {
    let (domain, category) = text.split_once('/').ok_or("a pair is DOMAIN/CATEGORY")?;
    Pair::known(domain, category)
}

/// Does what was asked for, on the configured database.
///
/// # Errors
/// When the database does not open or refuses, there is no such pair, or the prompt cannot be read.
pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let store = super::open_store(config).await?;
    let done = act(args.action, &store).await;
    store.close().await;
    done
}

async fn act(action: Action, store: &Store) -> anyhow::Result<()> {
    match action {
        Action::List { json } => {
            for prompt in store.prompts().await? {
                let Pair { domain, category } = &prompt.pair;
                if json {
                    let line = serde_json::json!({
                        "domain": domain, "category": category, "prompt": prompt.text,
                        "made_by": prompt.made_by, "updated_at": prompt.updated_at,
                    });
                    println!("{line}");
                    continue;
                }
                let state = match &prompt.text {
                    Some(_) => prompt.made_by.as_str(),
                    None => "being made",
                };
                println!("{:<48}{state}", format!("{domain}/{category}"));
            }
        }
        Action::Show { pair } => {
            let prompts = store.prompts().await?;
            let prompt = prompts.into_iter().find(|prompt| prompt.pair == pair);
            let prompt = prompt.context("there is no such pair")?;
            println!("{}", prompt.text.context("it is being made")?);
        }
        Action::Set { pair, prompt, file } => {
            let text = match (prompt, file) {
                (Some(text), _) => text,
                (None, Some(file)) => std::fs::read_to_string(&file)
                    .with_context(|| format!("--file {}", file.display()))?,
                (None, None) => {
                    let mut text = String::new();
                    std::io::stdin().read_to_string(&mut text)?;
                    text
                }
            };
            let text = fit_prompt(&text).map_err(anyhow::Error::msg)?;
            let now = Clock::system().wall();
            store.put_prompt(&pair, text, now).await?;
            note(store, "prompt.changed", named(&pair)).await?;
            println!("{}/{}: set", pair.domain, pair.category);
        }
        Action::Remove { pair } => {
            anyhow::ensure!(store.delete_prompt(&pair).await?, "there is no such pair");
            note(store, "prompt.deleted", named(&pair)).await?;
            println!("{}/{}: removed", pair.domain, pair.category);
        }
    }
    Ok(())
}

/// As the API's paths have it in the audit log.
fn named(pair: &Pair) -> String {
    format!("{} {}", pair.domain, pair.category)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Options;

    #[tokio::test]
    async fn prompts_are_set_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            url: format!("sqlite://{}", dir.path().join("db").display()),
            ..Options::default()
        };
        let store = Store::open(&options).await.unwrap();
        let pair = pair("internet/outage").unwrap();
        let set = |prompt: &str| Action::Set {
            pair: pair.clone(),
            prompt: Some(prompt.into()),
            file: None,
        };
        act(set(" since, place \n"), &store).await.unwrap();
        let prompts = store.prompts().await.unwrap();
        let ours = prompts.iter().find(|prompt| prompt.pair == pair).unwrap();
        assert_eq!(
            (ours.text.as_deref(), ours.made_by.as_str()),
            (Some("since, place"), "person")
        );
        assert!(act(set(" "), &store).await.is_err(), "nothing");
        act(Action::List { json: true }, &store).await.unwrap();
        for is_there in [true, false] {
            let show = Action::Show { pair: pair.clone() };
            assert_eq!(act(show, &store).await.is_ok(), is_there);
            let remove = Action::Remove { pair: pair.clone() };
            assert_eq!(act(remove, &store).await.is_ok(), is_there);
        }
    }

    #[test]
    fn a_pair_is_two_names() {
        for (text, is_pair) in [
            ("internet/outage", true),
            ("internet", false),
            ("a/b/c", false),
            ("unknown/x", false),
            ("/", false),
        ] {
            assert_eq!(pair(text).is_ok(), is_pair, "{text}");
        }
    }
}

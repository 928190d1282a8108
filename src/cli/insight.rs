//! `callscribe insight`: what a stored call or a text would be understood as, by the configuration as it
//! is now. For trying lists and models; nothing is stored.

use std::{fs, io::Read as _, path::Path, sync::Arc};

use anyhow::{Context, bail};

use super::runtime;
use crate::{
    config::Config,
    ids::CallSid,
    insight::{Insight, Said, Turn},
    store::Store,
    time::Clock,
};

/// Say what a stored call or a text is about, as the lists and the model are configured now.
#[derive(clap::Args)]
pub struct Args {
    /// A text file with a turn a line, - for standard input, or the id of a stored call.
    #[arg(value_name = "CALL|FILE")]
    what: String,
    /// Without the language model, also where one is configured.
    #[arg(long)]
    on_box: bool,
}

/// Prints JSON.
///
/// # Errors
/// When there is no such file or call, or the configuration cannot work.
pub fn run(args: &Args, config: &Config) -> anyhow::Result<()> {
    let insight = Arc::new(Insight::new(&config.insight, Clock::system())?);
    let meaning = runtime()?.block_on(async {
        let said = said(&args.what, config).await?;
        Ok::<_, anyhow::Error>(if args.on_box {
            insight.on_box(&said)
        } else {
            insight.understand(Arc::new(said)).await
        })
    })?;
    println!("{}", serde_json::to_string_pretty(&meaning)?);
    Ok(())
}

async fn said(what: &str, config: &Config) -> anyhow::Result<Said> {
    if what == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(of_text(&text));
    }
    if Path::new(what).is_file() {
        return Ok(of_text(&fs::read_to_string(what).context(what.to_owned())?));
    }
    let Ok(call) = what.parse::<CallSid>() else {
        bail!("{what} is neither a file nor the id of a call");
    };
    let store = Store::open(&config.store).await?;
    let transcript = store.transcript(&call, None).await?;
    store.close().await;
    let transcript = transcript.with_context(|| format!("no file and no call is called {what}"))?;
    let language = transcript.version.language.clone();
    Ok(Said::of(&transcript.segments, language))
}

fn of_text(text: &str) -> Said {
    let turn = |line: &str| Turn {
        speaker: "Inbound".into(),
        text: line.to_owned(),
    };
    Said {
        told_language: None,
        turns: text.lines().map(turn).collect(),
    }
}

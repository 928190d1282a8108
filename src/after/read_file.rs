//! What an uploaded file is about, read out of its transcript in two stages, and the prompt for a pair of
//! domain and category that is new.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Context, Job, Trouble};
use crate::{
    ids::CallSid,
    insight::{Said, domain::Pair},
    store::{CallState, Prompt, READ_FILE, Reading, WRITE_PROMPT},
};

/// Reads a file. One that was read at this version is not read again, unless that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadFile {
    pub call: CallSid,
}

impl Job for ReadFile {
    const KIND: &'static str = READ_FILE;

    async fn run(&self, context: &Context, _: &CancellationToken) -> Result<(), Trouble> {
        let store = &context.store;
        let Some(file) = store.file(&self.call).await? else {
            return Ok(());
        };
        if file.state == CallState::Finishing {
            return Err(Trouble::Soon("there is no transcript yet".into()));
        }
        let known = store.reading(&self.call).await?;
        if known.is_some_and(|(version, reading)| {
            version == file.served_version && reading.failed.is_none()
        }) {
            return Ok(());
        }
        let version = file.served_version;
        let Some(text) = store.transcript(&self.call, Some(version)).await? else {
            return Ok(());
        };
        let said = Said::of(&text.segments, text.version.language.clone());
        let prompts = store.prompts().await?;
        let reading = read(context, said, &prompts, true).await;
        let now = context.clock.wall();
        store
            .put_reading(&self.call, version, &reading, now)
            .await?;
        tracing::info!(call = %self.call, domain = reading.pair.domain, category = reading.pair.category, failed = ?reading.failed, "file read");
        match reading.failed {
            Some((stage, why)) => Err(Trouble::Failed(anyhow::anyhow!("stage {stage}: {why}"))),
            None => Ok(()),
        }
    }
}

/// Both stages. What needs no domain is looked for beside the first one, and the prompt of a pair that is new is
/// made beside the second. What fails is told in what comes back.
pub(super) async fn read(
    context: &Context,
    said: Said,
    prompts: &[Prompt],
    is_stored: bool,
) -> Reading {
    let (insight, said) = (&context.insight, Arc::new(said));
    let known = prompts.iter().map(|prompt| prompt.pair.clone()).collect();
    let (detected, seen) = tokio::join!(
        insight.detect(Arc::clone(&said), known),
        insight.seen(Arc::clone(&said))
    );
    let detected = match detected {
        Ok(detected) => detected,
        Err(useless) => return Reading::failed(useless),
    };
    let (pair, now) = (&detected.pair, context.clock.wall());
    let prompt = prompts.iter().find(|prompt| prompt.pair == *pair);
    if prompt.is_none() && is_stored && !pair.is_unknown() {
        claim(context, pair).await;
    }
    let prompt = prompt.and_then(|prompt| prompt.text.as_deref());
    let extracted = insight.extract(&said, pair, prompt, now, seen).await;
    Reading::of(detected, extracted)
}

/// Has the prompt of a new pair made, unless somebody has asked for it before. The file does not wait for it, nor
/// suffer where it cannot be asked for: the next one of the pair does so again.
async fn claim(context: &Context, pair: &Pair) {
    let (domain, category) = (&pair.domain, &pair.category);
    match context.store.claim_prompt(pair, context.clock.wall()).await {
        Ok(true) => tracing::info!(domain, category, "a new pair: its prompt is being made"),
        Ok(false) => {}
        Err(error) => tracing::warn!(domain, category, %error, "a new pair cannot be kept"),
    }
}

/// Makes the prompt of a new pair, beside the files that asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WritePrompt {
    pub pair: Pair,
}

impl Job for WritePrompt {
    const KIND: &'static str = WRITE_PROMPT;

    async fn run(&self, context: &Context, _: &CancellationToken) -> Result<(), Trouble> {
        match context.insight.write_prompt(&self.pair).await {
            Some(Ok(prompt)) => {
                let now = context.clock.wall();
                Ok(context.store.prompt_made(&self.pair, &prompt, now).await?)
            }
            Some(Err(why)) => Err(Trouble::Failed(anyhow::anyhow!(why))),
            None => Ok(context.store.prompt_not_made(&self.pair).await?),
        }
    }

    async fn given_up(&self, context: &Context, _: &str) {
        if let Err(error) = context.store.prompt_not_made(&self.pair).await {
            tracing::error!(%error, "a prompt stays in the making: delete it at /api/v1/prompts");
        }
    }
}

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
        let reading = read(context, said, &prompts).await;
        let now = context.clock.wall();
        store
            .put_reading(&self.call, version, &reading, now)
            .await?;
        let is_new = !prompts.iter().any(|known| known.pair == reading.pair);
        if is_new && !reading.pair.is_unknown() && store.claim_prompt(&reading.pair, now).await? {
            tracing::info!(
                domain = reading.pair.domain,
                category = reading.pair.category,
                "a new pair: its prompt is being made"
            );
        }
        tracing::info!(call = %self.call, domain = reading.pair.domain, category = reading.pair.category, failed = ?reading.failed, "file read");
        match reading.failed {
            Some((stage, why)) => Err(Trouble::Failed(anyhow::anyhow!("stage {stage}: {why}"))),
            None => Ok(()),
        }
    }
}

/// Both stages. What fails is told in what comes back.
pub(super) async fn read(context: &Context, said: Said, prompts: &[Prompt]) -> Reading {
    let (insight, said) = (&context.insight, Arc::new(said));
    let known = prompts.iter().map(|prompt| prompt.pair.clone()).collect();
    let detected = match insight.detect(Arc::clone(&said), known).await {
        Ok(detected) => detected,
        Err(why) => return Reading::failed(why),
    };
    let prompt = prompts.iter().find(|prompt| prompt.pair == detected.pair);
    let prompt = prompt.and_then(|prompt| prompt.text.as_deref());
    let now = context.clock.wall();
    let extracted = insight.extract(said, &detected.pair, prompt, now).await;
    Reading::of(detected, extracted)
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

//! What a call meant: read from the transcript that is served, written beside its lead, and announced.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Context, Job, Told, Trouble};
use crate::{
    ids::CallSid,
    insight::{Meaning, Said},
    store::{Call, CallState, Read, Transcript, UNDERSTAND, Understood, VersionKind},
};

/// The version that holds the live text.
const LIVE: u32 = 1;

/// Understands a call by its served transcript. A version that was read already is not read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Understand {
    pub call: CallSid,
}

impl Job for Understand {
    const KIND: &'static str = UNDERSTAND;

    async fn run(&self, context: &Context, stop: &CancellationToken) -> Result<(), Trouble> {
        let known = context.store.call(&self.call).await?;
        // Deleted meanwhile; or it goes on, and what follows its end asks again.
        let Some(call) = known.filter(|known| known.state != CallState::Live) else {
            return Ok(());
        };
        let log = context.store.call_log(&self.call).await?;
        if log.is_some_and(|log| log.version == call.served_version) {
            return Ok(());
        }
        let (read, said) = read(context, &call).await?;
        if said.is_empty() {
            return self.give_up(context, &read, &call.served_reason).await;
        }
        let understanding = context.insight.understand(Arc::new(said));
        let meaning = tokio::select! {
            meaning = understanding => meaning,
            () = stop.cancelled() => return Err(Trouble::Soon("the service is stopping".into())),
        };
        self.keep(context, &call, &read, &meaning).await
    }
}

impl Understand {
    async fn keep(
        &self,
        context: &Context,
        call: &Call,
        read: &Read,
        meaning: &Meaning,
    ) -> Result<(), Trouble> {
        let now = context.clock.wall();
        let stored = context.store.understood(read, meaning, now).await?;
        still_current(stored)?;
        (context.observer)(&self.call, &Told::Lead);
        let path = meaning.path.as_str();
        metrics::counter!("callscribe_calls_understood_total", "path" => path).increment(1);
        if let Some(ended) = call.ended_at {
            let took = Duration::try_from(now.duration_since(ended)).unwrap_or_default();
            metrics::histogram!("callscribe_turnaround_seconds").record(took.as_secs_f64());
        }
        tracing::info!(
            call = %self.call,
            version = read.version,
            path,
            confidence = meaning.confidence,
            "call understood"
        );
        Ok(())
    }

    async fn give_up(&self, context: &Context, read: &Read, reason: &str) -> Result<(), Trouble> {
        let now = context.clock.wall();
        let stored = context.store.nothing_to_understand(read, reason, now);
        still_current(stored.await?)?;
        (context.observer)(&self.call, &Told::Lead);
        metrics::counter!("callscribe_calls_understood_total", "path" => "none").increment(1);
        tracing::info!(call = %self.call, reason, "nothing was said that could be understood");
        Ok(())
    }
}

/// The served text; what else there is, where that one is empty.
async fn read(context: &Context, call: &Call) -> Result<(Read, Said), Trouble> {
    let store = &context.store;
    let served = store
        .transcript(&call.sid, Some(call.served_version))
        .await?;
    let live = store.transcript(&call.sid, Some(LIVE)).await?;
    let language = |text: &Transcript| {
        text.version
            .language
            .clone()
            .or_else(|| call.language.clone())
    };
    let said = |text: &Transcript| Said::of(&text.segments, language(text));
    let is_final = |text: &Transcript| text.version.kind == VersionKind::Final;
    let last = served.as_ref().filter(|text| is_final(text)).map(said);
    let live = live.as_ref().map(said);
    let text = |said: &Option<Said>| {
        said.as_ref()
            .filter(|said| !said.is_empty())
            .map(Said::plain)
    };
    let read = Read {
        call: call.sid.clone(),
        version: call.served_version,
        final_transcript: text(&last),
        transcription: text(&live),
    };
    let said = last.filter(|said| !said.is_empty()).or(live);
    Ok((read, said.unwrap_or_default()))
}

fn still_current(stored: Understood) -> Result<(), Trouble> {
    match stored {
        Understood::Stored => Ok(()),
        Understood::Outdated => Err(Trouble::Soon("the transcript changed meanwhile".into())),
    }
}

//! Other systems are told of a call: once its transcript is settled, or at the deadline with what there
//! is; and again when a better transcript comes after that.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::{Context, Job, Told, Trouble};
use crate::{
    ids::CallSid,
    store::{
        self, ANNOUNCE, CallFacts, CallState, Event, NewAnnouncement, NewDelivery, UNDERSTAND,
        VersionKind,
    },
    webhooks::{
        Options,
        choice::{Choice, choose},
        payload::{self, body, candidate},
    },
};

/// Tells every target of a call. Queued when the call ends, and again when more is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announce {
    pub call: CallSid,
}

/// The version that holds the live text.
const LIVE: u32 = 1;
/// After the first looks: whoever settles a transcript asks for a look, so this is for what was missed.
const QUIET_LOOK: Duration = Duration::from_secs(60);

/// Whether all is known that will be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// Nobody knows the call, or it goes on and its end asks again.
    Nothing,
    Settled,
    /// What is waited for.
    Open(String),
}

impl Job for Announce {
    const KIND: &'static str = ANNOUNCE;

    async fn run(&self, context: &Context, _stop: &CancellationToken) -> Result<(), Trouble> {
        let targets = context.hooks.targets();
        let facts = context.store.call_facts(&self.call).await?;
        // With nobody to tell, a lead that will never have a text still has to learn it.
        if targets.is_empty() && facts.lead.is_none() {
            return Ok(());
        }
        let now = context.clock.wall();
        let no_final = match standing(&facts) {
            Standing::Nothing => return Ok(()),
            Standing::Settled => why_no_final(&facts),
            // It was announced at its deadline; what is waited for asks again when it comes.
            Standing::Open(_) if facts.told.is_some() => return Ok(()),
            Standing::Open(what) => {
                let options = context.hooks.options();
                if let Some(again_in) = next_look(options, &facts, now) {
                    let why = format!("waits: {what}");
                    return Err(Trouble::Later { why, again_in });
                }
                format!("{what}, {} s after the call's end", options.deadline_s)
            }
        };
        let choice = self.choice(context, &no_final).await?;
        let Some(event) = occasion(&facts, &choice) else {
            return Ok(());
        };
        self.announce(context, &targets, &facts, event, choice)
            .await
    }
}

impl Announce {
    async fn choice(&self, context: &Context, no_final: &str) -> Result<Choice, Trouble> {
        let served = context.store.transcript(&self.call, None).await?;
        let last = served.filter(|served| served.version.kind == VersionKind::Final);
        let live = context.store.transcript(&self.call, Some(LIVE)).await?;
        let last = last.map(|text| candidate(text.version.version, &text.document()));
        let live = live.map(|text| candidate(LIVE, &text.document()));
        Ok(choose(last, live, no_final))
    }

    async fn announce(
        &self,
        context: &Context,
        targets: &[&str],
        facts: &CallFacts,
        event: Event,
        choice: Choice,
    ) -> Result<(), Trouble> {
        let now = context.clock.wall();
        let deliveries: Vec<NewDelivery> = targets
            .iter()
            .map(|&target| {
                let id = store::new_id(now);
                let body = body(event, &id, facts, &choice);
                let target = target.into();
                NewDelivery { id, target, body }
            })
            .collect();
        let count = deliveries.len();
        let new = NewAnnouncement {
            call: self.call.clone(),
            event,
            version: choice.version,
            source: choice.source,
            text_sha256: digest(&choice),
            lead_failed: choice.text.is_none().then(|| choice.reason.clone()),
            reason: choice.reason,
            deliveries,
        };
        let is_new = context.store.announce(&new, now).await?;
        if new.lead_failed.is_some() {
            (context.observer)(&self.call, &Told::Lead);
        }
        if is_new {
            metrics::counter!("callscribe_announcements_total", "event" => event.as_str(),
                "source" => new.source)
            .increment(1);
            tracing::info!(
                call = %self.call,
                event = event.as_str(),
                source = new.source,
                reason = new.reason,
                targets = count,
                "announced"
            );
        }
        Ok(())
    }
}

fn standing(facts: &CallFacts) -> Standing {
    let open = |what: &str| Standing::Open(what.into());
    let has_waiting = facts.recordings.iter().any(|r| r.outcome == "waiting");
    let Some(call) = &facts.call else {
        return match &facts.lead {
            None => Standing::Nothing,
            Some(_) if has_waiting => open("the provider's recording is not here yet"),
            Some(lead) if was_never_answered(lead.call_status.as_deref()) => Standing::Settled,
            Some(_) if facts.recordings.is_empty() => open("nothing was heard or recorded yet"),
            Some(_) => Standing::Settled,
        };
    };
    let is_understood = facts
        .log
        .as_ref()
        .is_some_and(|log| log.version == call.served_version);
    match (call.state, facts.pending.as_deref()) {
        (CallState::Live, _) => Standing::Nothing,
        (CallState::Finishing, _) => open("the final transcript is not ready"),
        _ if is_understood => Standing::Settled,
        // Without a text there is nothing to understand.
        (CallState::Empty, None | Some(UNDERSTAND)) if !has_waiting => Standing::Settled,
        (_, Some(_)) => open("the transcript is not understood yet"),
        _ if has_waiting => open("the provider's recording is not here yet"),
        _ => Standing::Settled,
    }
}

/// By the provider's word for the call: nothing was said, and nothing will come.
fn was_never_answered(status: Option<&str>) -> bool {
    matches!(status, Some("busy" | "failed" | "no-answer" | "canceled"))
}

fn why_no_final(facts: &CallFacts) -> String {
    let recording = facts.recordings.iter().rev();
    let recording = recording.filter_map(|r| r.reason.as_deref()).next();
    let lead = facts.lead.as_ref();
    match (
        &facts.call,
        recording,
        lead.and_then(|l| l.call_status.as_deref()),
    ) {
        (Some(call), _, _) => call.served_reason.clone(),
        (None, Some(reason), _) => reason.into(),
        (None, None, Some(status)) if was_never_answered(Some(status)) => {
            format!("the call was not answered ({status})")
        }
        _ => "nothing was recorded".into(),
    }
}

/// When to look again; `None` at the deadline.
fn next_look(options: &Options, facts: &CallFacts, now: Timestamp) -> Option<Duration> {
    let ended = payload::ended_at(facts).or_else(|| payload::started_at(facts))?;
    let since = Duration::try_from(now.duration_since(ended)).unwrap_or(Duration::ZERO);
    let deadline = Duration::from_secs(options.deadline_s.into());
    let left = deadline.checked_sub(since).filter(|left| !left.is_zero())?;
    let step = Duration::from_secs(options.wait_s.max(1).into());
    let wait = match since < step * options.waits {
        true => step,
        false => QUIET_LOOK,
    };
    Some(wait.min(left))
}

/// The first announcement, or that of a text which is not what was told. A version is told once.
fn occasion(facts: &CallFacts, choice: &Choice) -> Option<Event> {
    let Some(told) = &facts.told else {
        return Some(Event::Completed);
    };
    let is_other = told.version != choice.version && told.text_sha256 != digest(choice);
    (choice.text.is_some() && is_other).then_some(Event::Updated)
}

fn digest(choice: &Choice) -> String {
    let digest = Sha256::digest(choice.text.as_deref().unwrap_or_default());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

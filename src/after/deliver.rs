//! One announcement goes to one target: tried for about a day, then put aside with the reason.

use std::time::Duration;

use anyhow::anyhow;
use metrics::{counter, histogram};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Context, Job, Trouble, backoff::share};
use crate::{
    store::{DELIVER, Delivery, DeliveryState, NewAttempt, Then},
    webhooks::send::{Failure, Message, NoPlace},
};

/// Brings a delivery to its target. Whoever dies between the request and its row sends it again: at
/// least once, under the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliver {
    pub delivery: String,
}

impl Job for Deliver {
    const KIND: &'static str = DELIVER;

    async fn run(&self, context: &Context, _stop: &CancellationToken) -> Result<(), Trouble> {
        let found = context.store.begin_delivery(&self.delivery).await?;
        let Some(delivery) = found.filter(|d| d.state != DeliveryState::Delivered) else {
            return Ok(());
        };
        let place = match context.hooks.place(&delivery.target) {
            Ok(place) => place,
            Err(NoPlace::Full(again_in)) => {
                let why = format!("{}: as many as may be are under way", delivery.target);
                return Err(Trouble::Later { why, again_in });
            }
            Err(NoPlace::NoTarget) => {
                let why = format!("{}: no enabled target has this name", delivery.target);
                context.store.bury_delivery(&delivery.id, &why).await?;
                return Err(Trouble::Hopeless(anyhow!(why)));
            }
        };
        let ended = attempt(context, &delivery).await;
        drop(place);
        ended
    }

    async fn given_up(&self, context: &Context, reason: &str) {
        let buried = context.store.bury_delivery(&self.delivery, reason).await;
        if let Err(error) = buried {
            tracing::error!(delivery = self.delivery, %error, "a delivery that was given up cannot be noted");
        }
    }
}

async fn attempt(context: &Context, delivery: &Delivery) -> Result<(), Trouble> {
    let (started_at, started) = (context.clock.wall(), context.clock.now());
    let message = Message {
        delivery: &delivery.id,
        event: &delivery.event,
        body: &delivery.body,
    };
    let sent = context
        .hooks
        .send(&delivery.target, message, started_at)
        .await;
    let took = context.clock.now().duration_since(started);
    count(delivery, sent.is_ok(), took);
    let after = match &sent {
        Ok(_) => None,
        Err(failure) => Some(after(context, delivery, failure)),
    };
    let noted = NewAttempt {
        started_at,
        took_ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
        http_status: match &sent {
            Ok(status) => Some(u32::from(*status)),
            Err(failure) => failure.status.map(u32::from),
        },
        error: sent.as_ref().err().map(told),
        then: match &after {
            None => Then::Delivered,
            Some(Trouble::Again { .. }) => Then::Again,
            Some(trouble) => Then::Dead {
                reason: trouble.to_string(),
            },
        },
    };
    let now = context.clock.wall();
    let number = context
        .store
        .note_attempt(&delivery.id, &noted, now)
        .await?;
    let Some(trouble) = after else {
        tracing::info!(
            delivery = delivery.id,
            call = %delivery.call,
            target = delivery.target,
            event = delivery.event,
            attempt = number,
            "delivered"
        );
        return Ok(());
    };
    Err(trouble)
}

/// What follows a failed try.
fn after(context: &Context, delivery: &Delivery, failure: &Failure) -> Trouble {
    let why = format!("{}: {}", delivery.target, failure.reason);
    let schedule = &context.hooks.options().retries_s;
    let wait = schedule.get(usize::try_from(delivery.tries).unwrap_or(usize::MAX));
    match wait {
        _ if failure.is_final => Trouble::Hopeless(anyhow!(why)),
        None => Trouble::Hopeless(anyhow!(
            "{why}; that was the last of {} tries",
            delivery.tries + 1
        )),
        Some(seconds) => {
            let wait = apart(Duration::from_secs((*seconds).into()), delivery);
            let again_in = wait.max(failure.retry_after.unwrap_or_default());
            Trouble::Again { why, again_in }
        }
    }
}

/// Up to a fifth more: what failed together does not come back together.
fn apart(wait: Duration, delivery: &Delivery) -> Duration {
    wait.mul_f64(1.0 + 0.2 * share(&delivery.id, delivery.tries))
}

/// For the row, which only the API shows: with the beginning of what the target said.
fn told(failure: &Failure) -> String {
    match &failure.excerpt {
        Some(excerpt) => format!("{}: {excerpt}", failure.reason),
        None => failure.reason.clone(),
    }
}

fn count(delivery: &Delivery, is_taken: bool, took: Duration) {
    let target = delivery.target.clone();
    let outcome = if is_taken { "delivered" } else { "failed" };
    counter!("callscribe_webhook_attempts_total", "target" => target.clone(), "outcome" => outcome)
        .increment(1);
    histogram!("callscribe_webhook_seconds", "target" => target).record(took.as_secs_f64());
}

//! A job that failed for the last time is told to the targets that want alerts, as durably as a call is.

use serde_json::{Value, json};

use super::Context;
use crate::{
    store::{self, DELIVER, NewDelivery},
    webhooks::payload::SCHEMA_VERSION,
};

/// The event's name.
pub(super) const EVENT: &str = "job.failed";

/// Queues a delivery for each target with `alerts`. A delivery that failed is told by nothing but the log:
/// its alert would fail as it did.
pub(super) async fn alert(context: &Context, job: &store::Job, reason: &str) {
    let targets = context.hooks.alerted();
    if targets.is_empty() || job.kind == DELIVER {
        return;
    }
    let now = context.clock.wall();
    // By the call, so that its deletion takes the alert with it.
    let about = job.payload.get("call").and_then(Value::as_str);
    let about = about.unwrap_or(&job.key);
    let deliveries: Vec<NewDelivery> = targets
        .into_iter()
        .map(|target| {
            let id = store::new_id(now);
            let body = json!({
                "event": EVENT, "schema_version": SCHEMA_VERSION, "delivery_id": id, "job_id": job.id,
                "kind": job.kind, "key": job.key, "attempts": job.attempts, "reason": reason,
                "failed_at": now,
            });
            NewDelivery {
                id,
                target: target.into(),
                body: body.to_string(),
            }
        })
        .collect();
    let kept = context.store.alert(EVENT, about, &deliveries, now).await;
    if let Err(error) = kept {
        tracing::error!(kind = job.kind, key = job.key, %error, "the alert of a dead job cannot be queued");
    }
}

//! Whose call it was: asked once its transcript is settled, and again when a customer or a booking that would
//! match comes, changes or goes.

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Context, Job, Trouble};
use crate::{
    ids::CallSid,
    people::{
        link::{Why, link, nobody, other_side},
        said::Heard,
    },
    store::{CallState, LINK},
};

/// Characters of a call's text that lists show.
const EXCERPT: usize = 200;

/// Links a call to its customer and booking. What a person said stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub call: CallSid,
}

impl Job for Link {
    const KIND: &'static str = LINK;

    async fn run(&self, context: &Context, _stop: &CancellationToken) -> Result<(), Trouble> {
        let store = &context.store;
        let known = store.call(&self.call).await?;
        // Deleted meanwhile; or it goes on, and what follows its end asks again.
        let is_over = known.is_some_and(|known| known.state != CallState::Live);
        let Some(ends) = store.call_ends(&self.call).await?.filter(|_| is_over) else {
            return Ok(());
        };
        let transcript = store.transcript(&self.call, None).await?;
        let segments = transcript.map(|transcript| transcript.segments);
        let texts: Vec<String> = segments.into_iter().flatten().map(|one| one.text).collect();
        let text = texts.join(" ");
        let zone = context.people.time_zone.time_zone();
        let (number, found) = match other_side(&ends.sides(), &context.people) {
            Err(why) => (None, nobody(why)),
            Ok(number) => {
                let (holders, bookings) = store.holders(&number, ends.started_at).await?;
                let heard = Heard::of(&text, &ends.started_at.to_zoned(zone.clone()));
                let found = link(ends.started_at, &heard, &holders, &bookings, zone);
                (Some(number), found)
            }
        };
        let excerpt: String = text.trim().chars().take(EXCERPT).collect();
        let now = context.clock.wall();
        let linked = store
            .linked(&self.call, number.as_deref(), &found, &excerpt, now)
            .await?;
        if let Some(number) = number
            .as_deref()
            .filter(|_| found.why == Some(Why::Unknown))
        {
            // Whoever came in between found no call to have asked about.
            let (holders, _) = store.holders(number, ends.started_at).await?;
            if !holders.is_empty() {
                return Err(Trouble::Soon(
                    "a customer of this number has just come".into(),
                ));
            }
        }
        let outcome = match linked.map(|linked| linked.customer_id.is_some()) {
            None => return Ok(()),
            Some(true) => "customer",
            Some(false) => "none",
        };
        metrics::counter!("callscribe_calls_linked_total", "outcome" => outcome).increment(1);
        tracing::info!(
            call = %self.call,
            outcome,
            confidence = found.confidence,
            "call linked"
        );
        Ok(())
    }
}

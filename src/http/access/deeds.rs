//! What stands in the audit log, on its way there. No answer waits for it unless very many are under way
//! already, and the server's end waits for all of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::http::Uri;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::rights::Right;
use crate::{
    store::{Deed, Store},
    tasks,
};

/// Entries on their way at once; who comes then waits with the answer until there is room.
const ON_THEIR_WAY: u32 = 1_000;
/// A player asks for a recording piece by piece: with no longer pause than this it is one listening.
const PAUSE: Duration = Duration::from_secs(10 * 60);
/// Listenings remembered; with more, the one that paused longest is forgotten and counts anew.
const LISTENINGS: usize = 10_000;

pub(super) struct Deeds {
    places: Arc<Semaphore>,
    heard: Mutex<HashMap<String, Instant>>,
}

impl Default for Deeds {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(ON_THEIR_WAY as usize)),
            heard: Mutex::default(),
        }
    }
}

impl Deeds {
    pub(super) async fn note(&self, store: &Store, deed: Deed, at: Timestamp) {
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return;
        };
        let store = store.clone();
        drop(tasks::spawn("audit", async move {
            if let Err(error) = store.note_deed(&deed, at).await {
                let (action, object) = (deed.action, deed.object);
                tracing::error!(%error, action, object, "the audit log misses an entry");
            }
            drop(place);
        }));
    }

    /// Waits until everything noted so far is written.
    pub(super) async fn settled(&self) {
        drop(self.places.acquire_many(ON_THEIR_WAY).await);
    }

    /// Whether it is one more piece of what somebody listens to already.
    pub(super) fn goes_on(&self, deed: &Deed, now: Instant) -> bool {
        let key = format!(
            "{} {} {} {}",
            deed.actor, deed.name, deed.address, deed.object
        );
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let before = heard.insert(key, now);
        if heard.len() > LISTENINGS {
            heard.retain(|_, last| now - *last < PAUSE);
        }
        if heard.len() > LISTENINGS {
            let oldest = heard.iter().min_by_key(|(_, last)| **last);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                heard.remove(&key);
            }
        }
        before.is_some_and(|last| now - last < PAUSE)
    }
}

/// What was done, where that is worth an entry: the ids in the address, and the format of an export.
pub(super) fn object(right: &Right, uri: &Uri) -> Option<String> {
    let mut object = super::rights::names(right.route, uri.path());
    for pair in uri.query().unwrap_or_default().split('&') {
        match pair.split_once('=') {
            Some(("dry_run", "true")) => return None,
            Some(("format", format))
                if format.len() < 8 && format.bytes().all(|b| b.is_ascii_alphanumeric()) =>
            {
                object = format!("{object} {format}");
            }
            _ => {}
        }
    }
    Some(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http::access::rights, store::Actor, time::Clock};

    #[test]
    fn a_listening_is_one_until_its_pause_is_long() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let deeds = Deeds::default();
        let deed = |name: &str, object: &str| Deed {
            actor: Actor::Account,
            name: name.into(),
            address: String::new(),
            action: "recording.fetched",
            object: object.into(),
        };
        for (minutes, name, object, expected) in [
            (0, "dana", "CA1 inbound", false),
            (9, "dana", "CA1 inbound", true),
            (9, "dana", "CA1 inbound", true),
            (0, "dana", "CA1 outbound", false),
            (0, "yossi", "CA1 inbound", false),
            (10, "dana", "CA1 inbound", false),
        ] {
            clock.advance(Duration::from_secs(60 * minutes));
            let goes_on = deeds.goes_on(&deed(name, object), clock.now());
            assert_eq!(goes_on, expected, "{name} {object}");
        }
        for n in 0..LISTENINGS + 10 {
            deeds.goes_on(&deed("dana", &n.to_string()), clock.now());
        }
        assert_eq!(deeds.heard.lock().unwrap().len(), LISTENINGS);
    }

    #[test]
    fn an_entry_names_ids_and_formats_and_nothing_else() {
        let route = "/api/v1/calls/{id}/transcript";
        let right = rights::of("GET", route).unwrap();
        for (query, expected) in [
            ("", Some("CA1")),
            ("?format=srt", Some("CA1 srt")),
            ("?version=2&format=vtt", Some("CA1 vtt")),
            ("?format=%2B972", Some("CA1")),
            ("?phone=5550100", Some("CA1")),
            ("?dry_run=true", None),
        ] {
            let uri = format!("/api/v1/calls/CA1/transcript{query}");
            let told = object(right, &uri.parse().unwrap());
            assert_eq!(told.as_deref(), expected, "{query}");
        }
    }
}

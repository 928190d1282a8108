//! The business system that is told of calls.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use callscribe::{tasks, webhooks::sign::signature};

use super::{Arc, SECRET, Shared, Value, sleep};

#[derive(Clone, Default)]
pub(super) struct Business {
    pub(super) port: u16,
    down: Arc<AtomicBool>,
    /// What was accepted, by delivery id: the same one again is one.
    accepted: Shared<BTreeMap<String, Value>>,
}

impl Business {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let business = Self {
            port: listener.local_addr().unwrap().port(),
            ..Self::default()
        };
        let app = Router::new()
            .route("/hook", post(take))
            .with_state(business.clone());
        drop(tasks::spawn("business", async move {
            axum::serve(listener, app).await.unwrap();
        }));
        business
    }

    pub(super) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    /// What it was told of a call; waits for the first word where one is due.
    pub(super) async fn told(&self, call: &str, is_due: bool) -> Vec<Value> {
        let of_call = || -> Vec<Value> {
            let accepted = self.accepted.lock().unwrap();
            let of = accepted.values().filter(|told| told["call_sid"] == call);
            of.cloned().collect()
        };
        for _ in 0..600 {
            let told = of_call();
            if !told.is_empty() || !is_due {
                return told;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("{call} was not announced within a minute");
    }
}

async fn take(State(business): State<Business>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if business.down.load(Ordering::Relaxed) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let signed = headers["callscribe-signature"].to_str().unwrap();
    let seconds = signed
        .strip_prefix("t=")
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    let text = std::str::from_utf8(&body).unwrap();
    let at = jiff::Timestamp::from_second(seconds.parse().unwrap()).unwrap();
    let expected = signature(SECRET, at, text);
    if signed != expected {
        return StatusCode::FORBIDDEN;
    }
    let id = headers["callscribe-delivery"].to_str().unwrap().to_owned();
    let told = serde_json::from_str(text).unwrap();
    business.accepted.lock().unwrap().insert(id, told);
    StatusCode::NO_CONTENT
}

//! A system that is told of calls, on loopback: it misbehaves on cue.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use jiff::Timestamp;
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::scenario::Scenario;
use crate::{
    after::{Announce, Deliver, HeardTrack, Job, Outcome, Worker},
    store::{Delivery, WhichDeliveries, testing::*},
    tasks,
    webhooks::{Options, Sender, Target, sign::signature},
};

pub(super) const SECRET: &str = "whsec-of-a-fake-target";

/// What the target does with a request; without a cue it takes it.
#[derive(Debug, Clone)]
pub(super) enum Cue {
    Answer(u16, &'static str),
    RetryAfter(u64),
    RedirectTo(String),
    /// A 500, and then words without end.
    Babble,
    /// No answer, ever.
    Hang,
}

#[derive(Clone, Default)]
struct Shared {
    cues: Arc<Mutex<VecDeque<Cue>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    came: Arc<Notify>,
}

/// A request that came.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(super) fn is_signed_at(&self, at: Timestamp) -> bool {
        self.header("callscribe-signature") == signature(SECRET, at, &self.body)
    }
}

pub(super) struct Fake {
    pub(super) name: &'static str,
    pub(super) port: u16,
    shared: Shared,
    serving: JoinHandle<()>,
}

impl Fake {
    pub(super) async fn start(name: &'static str, cues: &[Cue]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Shared::default();
        shared.cues.lock().unwrap().extend(cues.iter().cloned());
        let app = Router::new()
            .route("/hook", post(take))
            .with_state(shared.clone());
        let serving = tasks::spawn("fake target", async move {
            axum::serve(listener, app).await.unwrap();
        });
        Self {
            name,
            port,
            shared,
            serving,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Waits until so many requests came.
    pub(super) async fn saw(&self, count: usize) {
        let all = async {
            loop {
                let came = self.shared.came.notified();
                if self.seen().len() >= count {
                    return;
                }
                came.await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), all).await;
        waited.unwrap();
    }

    pub(super) fn target(&self) -> Target {
        target(self.name, &self.url())
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

pub(super) fn target(name: &str, url: &str) -> Target {
    Target {
        name: name.into(),
        url: url.into(),
        secret: SECRET.into(),
        enabled: true,
        alerts: false,
        timeout_ms: None,
    }
}

async fn take(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    shared.seen.lock().unwrap().push(Seen { headers, body });
    shared.came.notify_waiters();
    let cue = shared.cues.lock().unwrap().pop_front();
    match cue {
        None => StatusCode::OK.into_response(),
        Some(Cue::Answer(status, body)) => {
            (StatusCode::from_u16(status).unwrap(), body).into_response()
        }
        Some(Cue::RetryAfter(seconds)) => (
            StatusCode::SERVICE_UNAVAILABLE,
            [(header::RETRY_AFTER, seconds.to_string())],
        )
            .into_response(),
        Some(Cue::RedirectTo(url)) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, url)]).into_response()
        }
        Some(Cue::Babble) => {
            let words = std::iter::repeat(Ok::<_, std::convert::Infallible>("word "));
            let body = Body::from_stream(futures_util::stream::iter(words));
            (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
        }
        Some(Cue::Hang) => std::future::pending().await,
    }
}

/// Calls, and systems that are told of them.
pub(super) struct Told<'a> {
    pub(super) scenario: Scenario<'a>,
    pub(super) bench: &'a Bench,
}

impl<'a> Told<'a> {
    pub(super) fn with(bench: &'a Bench, targets: Vec<Target>) -> Self {
        Self::new(
            bench,
            Sender::new(&Options {
                targets,
                ..options()
            }),
        )
    }

    pub(super) fn new(bench: &'a Bench, sender: Result<Sender, crate::webhooks::Unfit>) -> Self {
        let mut scenario = Scenario::new(bench, |_, _| Ok(HeardTrack::default()));
        scenario.context.hooks = Arc::new(sender.unwrap());
        Self { scenario, bench }
    }

    pub(super) fn worker<J: Job>(&self) -> Worker {
        Worker::new::<J>(self.scenario.context.clone(), 0, CancellationToken::new())
    }

    /// The clock goes to `secs` after the epoch of these tests, never back.
    pub(super) fn clock_at(&self, secs: u64) {
        let clock = &self.scenario.clock;
        let passed = clock.wall().duration_since(at(0)).unsigned_abs();
        clock.advance(Duration::from_secs(secs).saturating_sub(passed));
    }

    pub(super) async fn announce_at(&self, secs: u64) -> Option<Outcome> {
        self.clock_at(secs);
        self.worker::<Announce>().step().await.unwrap()
    }

    pub(super) async fn deliver_at(&self, secs: u64) -> Option<Outcome> {
        self.clock_at(secs);
        self.worker::<Deliver>().step().await.unwrap()
    }

    /// A call of ten seconds that is settled with its live text, and announced at 20.
    pub(super) async fn announced(&self, sid: &str) {
        self.bench.ended_call(sid, &["hello there"], 10).await;
        let (call, store) = (call_sid(sid), &self.bench.store);
        let settled = store.settle_without_final(&call, "not recorded", at(10));
        settled.await.unwrap();
        self.bench.understood(sid, 1).await;
        assert_eq!(self.announce_at(20).await, Some(Outcome::Done));
    }

    /// All deliveries, oldest first.
    pub(super) async fn deliveries(&self) -> Vec<Delivery> {
        let all = WhichDeliveries::default();
        let (page, _) = self.bench.store.deliveries(&all, None, 100).await.unwrap();
        page.into_iter().rev().map(|told| told.delivery).collect()
    }

    /// Seconds after the epoch of these tests at which the next job of a kind is due.
    pub(super) async fn due(&self, kind: &str) -> Option<i64> {
        let due = self.bench.store.next_job_at(kind).await.unwrap();
        due.map(|due| due.as_second() - at(0).as_second())
    }
}

/// To loopback, and without long waits for what never comes.
pub(super) fn options() -> Options {
    Options {
        allow_private: true,
        timeout_ms: 5_000,
        ..Options::default()
    }
}

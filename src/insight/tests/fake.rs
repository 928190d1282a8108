//! A model server on loopback that does as it is told, turn by turn.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

use crate::{
    insight::{ModelOptions, Options},
    tasks,
};

/// What it does with one request.
#[derive(Debug, Clone)]
pub(super) enum Cue {
    /// A completion of this text.
    Say(String),
    /// The same, cut off.
    Cut(String),
    Refuse(u16, Option<&'static str>),
    /// Refuses a request that asks for a form of answer, as servers do that do not know it.
    RefuseForm(String),
    /// Refuses a question that is longer than so many characters, in these words.
    Narrow(usize, &'static str),
    Hang,
    /// Breaks off in the middle.
    Drop,
    Flood(usize),
    /// These bytes with 200.
    Raw(&'static str),
}

/// The last cue goes on for ever.
pub(super) struct Fake {
    pub(super) address: SocketAddr,
    cues: Mutex<VecDeque<Cue>>,
    seen: Mutex<Vec<(HeaderMap, Value)>>,
}

impl Fake {
    pub(super) async fn start(cues: impl IntoIterator<Item = Cue>) -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            cues: Mutex::new(cues.into_iter().collect()),
            seen: Mutex::default(),
        });
        let router = Router::new()
            .route("/v1/chat/completions", post(answer))
            .with_state(Arc::clone(&fake));
        drop(tasks::spawn("fake model", async move {
            axum::serve(listener, router).await.unwrap();
        }));
        fake
    }

    /// The fixtures' lists, and this server; impatient.
    pub(super) fn options(&self) -> Options {
        Options {
            model: ModelOptions {
                url: format!("http://{}/v1/", self.address),
                name: "fake-1".into(),
                api_key: Some("sk-not-to-be-seen".into()),
                connect_timeout_s: 1,
                timeout_s: 1,
                deadline_s: 4,
                retry_first_ms: 10,
                retry_most_s: 2,
                ..ModelOptions::default()
            },
            ..super::options()
        }
    }

    pub(super) fn seen(&self) -> Vec<(HeaderMap, Value)> {
        self.seen.lock().unwrap().clone()
    }
}

/// An answer in the right form.
pub(super) fn good() -> Value {
    json!({
        "service": "lockout", "city": "Haifa", "confidence": 0.9,
        "summary": {
            "title": "Caller locked out of his flat",
            "points": ["The flat is in Haifa", "He wants somebody tomorrow at five"],
        },
        "preferred_time": "tomorrow at five", "customer_name": "John Smith",
        "sentiment": "neutral", "topics": ["lock"], "intent": "booking",
        "action_items": ["send somebody tomorrow"],
    })
}

pub(super) fn with(changes: &[(&str, Value)]) -> Cue {
    let mut answer = good();
    for (key, value) in changes {
        answer[*key] = value.clone();
    }
    Cue::Say(answer.to_string())
}

async fn answer(
    State(fake): State<Arc<Fake>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let cue = {
        let mut cues = fake.cues.lock().unwrap();
        let last = cues.len() == 1;
        if last {
            cues.front().cloned()
        } else {
            cues.pop_front()
        }
    };
    let asked = body["messages"][1]["content"].as_str().unwrap_or_default();
    let length = asked.chars().count();
    let asks_for_form = body.get("response_format").is_some();
    fake.seen.lock().unwrap().push((headers, body));
    match cue.unwrap() {
        Cue::Say(text) => completion(&text, "stop"),
        Cue::Cut(text) => completion(&text, "length"),
        Cue::RefuseForm(_) if asks_for_form => {
            let body = json!({ "error": { "message": "response_format? what was said: secret", "type": "invalid_request_error" } });
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
        Cue::RefuseForm(text) => completion(&text, "stop"),
        Cue::Refuse(status, after) => {
            let status = StatusCode::from_u16(status).unwrap();
            let after = after.map(|after| [(header::RETRY_AFTER, after)]);
            match after {
                Some(after) => (status, after, "{}").into_response(),
                None => (status, "{}").into_response(),
            }
        }
        Cue::Narrow(most, refusal) if length > most => {
            (StatusCode::BAD_REQUEST, refusal).into_response()
        }
        Cue::Narrow(..) => completion(&good().to_string(), "stop"),
        Cue::Hang => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            StatusCode::OK.into_response()
        }
        Cue::Drop => {
            let broken = futures_util::stream::iter([
                Ok::<_, std::io::Error>("{\"choices\":"),
                Err(std::io::Error::other("gone")),
            ]);
            axum::body::Body::from_stream(broken).into_response()
        }
        Cue::Flood(bytes) => completion(&"x".repeat(bytes), "stop"),
        Cue::Raw(text) => text.into_response(),
    }
}

fn completion(text: &str, reason: &str) -> Response {
    let body = json!({
        "id": "1", "object": "chat.completion",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": reason }],
        "usage": { "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120 },
    });
    Json(body).into_response()
}

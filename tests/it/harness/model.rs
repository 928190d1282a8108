//! A language model on loopback that knows which question it is asked, and breaks where it is told to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use callscribe::{
    insight::{self, Insight, ModelOptions},
    tasks,
    time::Clock,
};
use serde_json::{Value, json};

/// A question, by what its prompt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Question {
    Detect,
    Extract,
    Write,
    Other,
}

pub(crate) struct FakeModel {
    pub(crate) url: String,
    answers: Mutex<BTreeMap<Question, (Value, u64, u64)>>,
    seen: Mutex<Vec<(Question, String)>>,
}

impl FakeModel {
    pub(crate) async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Arc::new(Self {
            url: format!("http://{}/v1", listener.local_addr().unwrap()),
            answers: Mutex::default(),
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

    /// What it says to a question, and the tokens of that: in, out. To others it answers 500.
    pub(crate) fn say(&self, question: Question, answer: Value, tokens: (u64, u64)) {
        let mut answers = self.answers.lock().unwrap();
        answers.insert(question, (answer, tokens.0, tokens.1));
    }

    /// Its user messages for one kind of question.
    pub(crate) fn seen(&self, question: Question) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let of = seen.iter().filter(|(of, _)| *of == question);
        of.map(|(_, text)| text.clone()).collect()
    }

    /// An insight that asks it, impatiently.
    pub(crate) fn insight(&self, clock: &Clock) -> Arc<Insight> {
        let options = insight::Options {
            model: ModelOptions {
                url: self.url.clone(),
                name: "fake".into(),
                retry_first_ms: 1,
                rest_s: 0,
                ..ModelOptions::default()
            },
            ..insight::Options::default()
        };
        Arc::new(Insight::new(&options, clock.clone()).unwrap())
    }
}

async fn answer(State(fake): State<Arc<FakeModel>>, Json(body): Json<Value>) -> Response {
    let text = |at: usize| body["messages"][at]["content"].as_str().unwrap_or_default();
    let question = match text(0) {
        prompt if prompt.contains("of which domain and category") => Question::Detect,
        prompt if prompt.contains("take out of it") => Question::Extract,
        prompt if prompt.contains("You write a prompt") => Question::Write,
        _ => Question::Other,
    };
    fake.seen
        .lock()
        .unwrap()
        .push((question, text(1).to_owned()));
    let Some((said, input, output)) = fake.answers.lock().unwrap().get(&question).cloned() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let body = json!({
        "choices": [{ "message": { "role": "assistant", "content": said.to_string() }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": input, "completion_tokens": output },
    });
    Json(body).into_response()
}

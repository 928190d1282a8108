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

/// How it answers a question.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// With tokens in and out.
    Says(String, (u64, u64)),
    Status(u16),
    /// Never, while the server lives.
    Silence,
    /// With what is no answer of a model server.
    Junk,
}

pub(crate) struct FakeModel {
    pub(crate) url: String,
    answers: Mutex<BTreeMap<Question, Reply>>,
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
        self.reply(question, Reply::Says(answer.to_string(), tokens));
    }

    pub(crate) fn reply(&self, question: Question, reply: Reply) {
        self.answers.lock().unwrap().insert(question, reply);
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
                deadline_s: 2,
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
    let reply = fake.answers.lock().unwrap().get(&question).cloned();
    let (said, (input, output)) = match reply {
        Some(Reply::Says(said, tokens)) => (said, tokens),
        Some(Reply::Status(status)) => {
            return StatusCode::from_u16(status).unwrap().into_response();
        }
        Some(Reply::Silence) => std::future::pending().await,
        Some(Reply::Junk) => return "<html>".into_response(),
        None => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    let body = json!({
        "choices": [{ "message": { "role": "assistant", "content": said }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": input, "completion_tokens": output },
    });
    Json(body).into_response()
}

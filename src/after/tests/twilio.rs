//! A Twilio on loopback that misbehaves on cue.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{Response, StatusCode, header},
};
use futures_util::stream;
use tokio::net::TcpListener;

use crate::{
    after::fetch::{Fetcher, Options},
    tasks,
};

/// Two seconds of two channels.
pub(super) const MP3: &[u8] = include_bytes!("../../../tests/fixtures/audio/stereo_440_1000.mp3");

/// How a request is answered.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Audio(Vec<u8>),
    Status(u16),
    /// 200, and a page.
    Page,
    /// 302 to there.
    Redirect(String),
    /// The head at once, and then nothing more.
    Stuck,
    /// Half of what was announced.
    Half,
    /// As much as anybody takes, without saying how much.
    Endless,
}

/// A request as it came: path with query, and credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) authorization: Option<String>,
}

/// Answers by its cues, one a request; the last one stays.
#[derive(Clone)]
pub(super) struct Twilio {
    pub(super) address: SocketAddr,
    script: Arc<Script>,
}

#[derive(Default)]
struct Script {
    cues: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Asked>>,
}

impl Twilio {
    pub(super) async fn start(cues: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Script {
            cues: Mutex::new(cues.to_vec().into()),
            asked: Mutex::default(),
        });
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&script));
        drop(tasks::spawn("twilio", async move {
            axum::serve(listener, app).await.unwrap();
        }));
        Self { address, script }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.script.asked.lock().unwrap())
    }

    /// One that takes this for the provider.
    pub(super) fn fetcher(&self, tweak: impl FnOnce(&mut Options)) -> Fetcher {
        let mut options = Options {
            base_url: self.url(""),
            timeout_s: 1,
            ..Options::default()
        };
        tweak(&mut options);
        Fetcher::new(options, Some("a secret".into()))
    }
}

async fn answer(State(script): State<Arc<Script>>, request: Request) -> Response<Body> {
    let authorization = request.headers().get(header::AUTHORIZATION);
    script.asked.lock().unwrap().push(Asked {
        path: request.uri().to_string(),
        authorization: authorization.map(|value| value.to_str().unwrap().to_owned()),
    });
    let cue = {
        let mut cues = script.cues.lock().unwrap();
        match cues.len() {
            0 => Answer::Status(404),
            1 => cues[0].clone(),
            _ => cues.pop_front().unwrap(),
        }
    };
    let response = Response::builder();
    let response = match cue {
        Answer::Audio(bytes) => response.body(Body::from(bytes)),
        Answer::Status(status) => response
            .status(StatusCode::from_u16(status).unwrap())
            .body(Body::from("{\"code\": 20404}")),
        Answer::Page => response.body(Body::from("<!DOCTYPE html><title>Sorry</title>")),
        Answer::Redirect(to) => response
            .status(StatusCode::FOUND)
            .header(header::LOCATION, to)
            .body(Body::empty()),
        Answer::Stuck => response.body(Body::from_stream(stream::unfold(0, async |n| {
            if n > 0 {
                tokio::time::sleep(Duration::from_mins(1)).await;
            }
            Some((Ok::<_, std::io::Error>(Bytes::from_static(MP3)), n + 1))
        }))),
        Answer::Half => {
            let half = vec![
                Ok(Bytes::from_static(&MP3[..MP3.len() / 2])),
                Err(std::io::Error::other("gone")),
            ];
            response
                .header(header::CONTENT_LENGTH, MP3.len())
                .body(Body::from_stream(stream::iter(half)))
        }
        Answer::Endless => response.body(Body::from_stream(stream::repeat_with(|| {
            Ok::<_, std::io::Error>(Bytes::from_static(MP3))
        }))),
    };
    response.unwrap()
}

//! The whole server in this process, on a port and in a folder of its own, with an engine that says
//! what it is told.

use std::{sync::Arc, time::Duration};

use callscribe::{
    cli::{engines::Loaded, serve::Server},
    config::Config,
    ids::CallSid,
    speech::{Decoded, Engine, Request, Word, scripted::Scripted},
    store::{Call, CallState, Recording},
    time::{Clock, MediaTime},
};
use metrics_exporter_prometheus::PrometheusBuilder;
use tempfile::TempDir;

pub(crate) struct TestServer {
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
}

/// What the scripted engine hears in any window: enough to count as a transcript.
pub(crate) const SENTENCE: &str = "this is what was said on the line";

/// What is left of it in one turn where a pause of the audio falls among its words.
pub(crate) const ENDING: &str = "said on the line";

/// A server that hears [`SENTENCE`] in whatever speech it gets.
pub(crate) async fn serve(tweak: impl FnOnce(&mut Config)) -> TestServer {
    serve_in(tempfile::tempdir().unwrap(), tweak).await
}

/// The same, in a folder that a former one left.
pub(crate) async fn serve_in(folder: TempDir, tweak: impl FnOnce(&mut Config)) -> TestServer {
    let engine = Scripted::new(|request: &Request<'_>| Ok(hear(request)));
    serve_by(Arc::new(engine), folder, tweak).await
}

/// A server that hears by an engine of the test's choice.
pub(crate) async fn serve_by(
    engine: Arc<dyn Engine>,
    folder: TempDir,
    tweak: impl FnOnce(&mut Config),
) -> TestServer {
    let mut config = Config::default();
    config.server.listen = ([127, 0, 0, 1], 0).into();
    config.recording.folder = folder.path().join("audio_recordings");
    config.store.url = format!("sqlite://{}", folder.path().join("calls.db").display());
    config.store.transcribe_after_s = 0;
    tweak(&mut config);
    let loaded = Loaded {
        live: Some(Arc::clone(&engine)),
        small: None,
        last: Some(engine),
    };
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let server = Server::start(&config, loaded, Clock::system(), metrics)
        .await
        .unwrap();
    TestServer { server, folder }
}

/// The sentence, its words spread evenly over the window.
fn hear(request: &Request<'_>) -> Decoded {
    let length = request.samples.len() as f64 / 16_000.0;
    let words: Vec<&str> = SENTENCE.split(' ').collect();
    let at = |n: usize| MediaTime::from_secs(length * n as f64 / words.len() as f64);
    Decoded {
        words: words
            .iter()
            .enumerate()
            .map(|(n, &text)| Word {
                text: text.into(),
                start: at(n),
                end: at(n + 1),
                confidence: 0.9,
            })
            .collect(),
        language: "en".into(),
        language_p: 0.9,
        avg_logprob: -0.2,
        no_speech: 0.05,
        capped: false,
    }
}

impl TestServer {
    pub(crate) fn media(&self) -> String {
        format!("ws://{}/media", self.server.address)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address)
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        callscribe::speech::models::pull::tls::install_provider();
        reqwest::get(self.url(path)).await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> serde_json::Value {
        self.get(path).await.json().await.unwrap()
    }

    pub(crate) async fn recordings(&self, call: &CallSid) -> Vec<Recording> {
        self.server.gateway.store.recordings(call).await.unwrap()
    }

    pub(crate) async fn call(&self, call: &str) -> Option<Call> {
        let call: CallSid = call.parse().unwrap();
        self.server.gateway.store.call(&call).await.unwrap()
    }

    /// Waits for a call to be as `wanted` says; the store has no way to tell when it is.
    pub(crate) async fn until(
        &self,
        call: &str,
        what: &str,
        wanted: impl Fn(&Call) -> bool,
    ) -> Call {
        for _ in 0..600 {
            if let Some(call) = self.call(call).await.filter(|call| wanted(call)) {
                return call;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "{call} is not {what} after 30 s: {:?}",
            self.call(call).await
        );
    }

    /// What the analysis found, once it is done.
    pub(crate) async fn analysed(&self, call: &str) -> serde_json::Value {
        let path = format!("/api/v1/calls/{call}/analysis");
        for _ in 0..600 {
            let answer = self.get(&path).await;
            if answer.status().is_success() {
                return answer.json().await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{call} is not analysed after 30 s");
    }

    pub(crate) async fn settled(&self, call: &str) -> Call {
        self.until(call, "settled", |call| {
            matches!(
                call.state,
                CallState::Final | CallState::Empty | CallState::Failed
            )
        })
        .await
    }

    /// A clean end; the folder, for whoever comes next.
    pub(crate) async fn stop(self) -> TempDir {
        self.server.lifecycle.drain(Duration::from_secs(5));
        self.server.finished().await;
        self.folder
    }
}

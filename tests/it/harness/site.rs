//! The pages and the API over a store of their own.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use callscribe::{
    after::{
        self, HeardTrack, Hearing, NoHearing,
        fetch::{self, Fetcher},
        files::Files,
    },
    http::{About, Access, AppState, router},
    ids::CallSid,
    insight::{self, Insight},
    live::hub::{self, Hub},
    speech::{
        ModelInfo,
        coverage::{CoverageKind, Span},
    },
    store::{CallState, NewCall, NewStream, RecordingPart, Store, StreamKey},
    tasks,
    time::{Clock, MediaTime},
    webhooks,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::line::{Line, nobody, words};

/// A server without sockets; [`Site::listen`] gives it one.
pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) hub: Hub,
    pub(crate) clock: Clock,
    pub(crate) app: Router,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) not_ready: Arc<Mutex<Vec<String>>>,
    pub(crate) closing: CancellationToken,
    /// What jobs work with; nobody runs them but a test.
    pub(crate) jobs: after::Context,
    file_limits: after::files::Options,
    pub(crate) about: Arc<About>,
    pub(crate) access: Arc<Access>,
    serving: Mutex<Option<(JoinHandle<()>, SocketAddr)>>,
    address: Option<SocketAddr>,
}

fn app(site: &Site) -> Router {
    let reasons = Arc::clone(&site.not_ready);
    router(AppState {
        store: site.store.clone(),
        hub: site.hub.clone(),
        clock: site.clock.clone(),
        access: Arc::clone(&site.access),
        not_ready: Arc::new(move || reasons.lock().unwrap().clone()),
        metrics: Arc::new(|| "callscribe_streams_active 0\n".into()),
        people: Arc::default(),
        files: Arc::new(Files::new(site.jobs.clone(), site.file_limits.clone())),
        recordings: site.dir.path().into(),
        shelf: Arc::default(),
        about: Arc::clone(&site.about),
        microphones: None,
        closing: site.closing.clone(),
        outside: Arc::default(),
    })
}

/// What jobs work with, over a hearing that says [`SAID`] whatever it hears.
fn jobs(store: &Store, clock: &Clock, folder: &Path) -> after::Context {
    let insight = Insight::new(&insight::Options::default(), clock.clone()).unwrap();
    after::Context {
        store: store.clone(),
        clock: clock.clone(),
        hearing: Arc::new(Scripted),
        observer: Arc::new(|_: &CallSid, _: &after::Told| {}),
        options: after::Options::default(),
        insight: Arc::new(insight),
        people: Arc::default(),
        recordings: folder.join("recordings"),
        retention_days: 7,
        archive_days: 0,
        hooks: Arc::new(webhooks::Sender::new(&webhooks::Options::default()).unwrap()),
        fetcher: Arc::new(Fetcher::new(fetch::Options::default(), None)),
        progress: after::Progress::default(),
    }
}

/// Said on every track, from its beginning on.
pub(crate) const SAID: &str =
    "Hi John, Alice here. I need an appointment with Dr. Smith on December 15th.";

struct Scripted;

impl Hearing for Scripted {
    fn model(&self) -> Result<ModelInfo, NoHearing> {
        Ok(ModelInfo {
            name: "scripted".into(),
            sha256: "00".into(),
            multilingual: true,
        })
    }

    fn parameters(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn hear(
        &self,
        _: &[RecordingPart],
        _: Option<&str>,
        _: &dyn Fn(MediaTime),
        _: &CancellationToken,
    ) -> Result<HeardTrack, NoHearing> {
        let words = words(0.0, SAID);
        let (start, end) = (words[0].start, words[words.len() - 1].end);
        Ok(HeardTrack {
            utterances: vec![(start, end, SAID.into(), words)],
            coverage: vec![Span {
                start,
                end,
                kind: CoverageKind::Text,
            }],
            language: Some("en".into()),
        })
    }
}

/// A response, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl Site {
    pub(crate) async fn open() -> Self {
        Self::open_with(hub::Options::default(), "127.0.0.1:80", None).await
    }

    pub(crate) async fn open_with(hub: hub::Options, listen: &str, token: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = callscribe::store::Options {
            url: format!("sqlite://{}", dir.path().join("db").display()),
            ..Default::default()
        };
        let clock = Clock::manual("2025-11-10T14:30:52Z".parse().unwrap());
        let store = Store::open(&options).await.unwrap();
        let hub = Hub::new(hub, clock.clone());
        let recording = callscribe::recordings::Options {
            folder: dir.path().into(),
            ..Default::default()
        };
        let models = vec![("Final transcript", "base".to_owned())];
        let about = Arc::new(About::new(clock.clone(), &recording, models));
        let options = callscribe::http::Options {
            access_token: token.map(Into::into),
            ..Default::default()
        };
        let proxies = callscribe::http::proxy::Proxies::default();
        let access = Access::new(listen.parse().unwrap(), &options, proxies).unwrap();
        let mut site = Self {
            jobs: jobs(&store, &clock, dir.path()),
            file_limits: after::files::Options::default(),
            store,
            hub,
            clock,
            access: Arc::new(access),
            app: Router::new(),
            dir,
            not_ready: Arc::default(),
            closing: CancellationToken::new(),
            about,
            serving: Mutex::default(),
            address: None,
        };
        site.app = app(&site);
        site
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[]).await
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(method, path, headers, String::new()).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.body(Body::from(body)).unwrap()).await
    }

    /// Files are read by this insight.
    pub(crate) fn read_by(&mut self, insight: Arc<Insight>) {
        self.jobs.insight = insight;
        self.app = app(self);
    }

    /// Other limits for uploaded files.
    pub(crate) fn limit_files(&mut self, limits: after::files::Options) {
        self.file_limits = limits;
        self.app = app(self);
    }

    /// Files as a browser's form sends them, a name and its bytes each.
    pub(crate) async fn send_files(
        &self,
        path: &str,
        files: &[(&str, &[u8])],
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut body = Vec::new();
        for (name, bytes) in files {
            let head = format!(
                "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            );
            body.extend(head.as_bytes());
            body.extend(*bytes);
            body.extend(b"\r\n");
        }
        body.extend(b"--edge--\r\n");
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", "multipart/form-data; boundary=edge");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.body(Body::from(body)).unwrap()).await
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        Answer {
            status: head.status,
            headers: head.headers,
            body: axum::body::to_bytes(body, 64 << 20).await.unwrap(),
        }
    }

    pub(crate) async fn send_json(
        &self,
        method: Method,
        path: &str,
        body: &serde_json::Value,
    ) -> Answer {
        let json = [("content-type", "application/json")];
        self.send(method, path, &json, body.to_string()).await
    }

    /// Serves on a port of this machine until the test ends; gives the address.
    pub(crate) async fn listen(&self) -> String {
        self.serve("127.0.0.1:0".parse().unwrap()).await
    }

    async fn serve(&self, address: SocketAddr) -> String {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (app, closing) = (self.app.clone(), self.closing.clone());
        let serving = tasks::spawn("site", async move {
            let serving = axum::serve(listener, app);
            let ended = serving.with_graceful_shutdown(closing.cancelled_owned());
            ended.await.unwrap();
        });
        *self.serving.lock().unwrap() = Some((serving, address));
        format!("http://{address}")
    }

    /// Another process on the same rows, with a hub of its own.
    pub(crate) async fn another(&self) -> Self {
        let other = Self::open().await;
        Self {
            store: self.store.clone(),
            clock: self.clock.clone(),
            ..other
        }
    }

    /// The process ends and another one takes its place, on the same rows; it does not listen yet.
    pub(crate) async fn restart(&mut self) {
        self.closing.cancel();
        let (serving, address) = self.serving.lock().unwrap().take().unwrap();
        serving.await.unwrap();
        self.closing = CancellationToken::new();
        self.hub = Hub::new(hub::Options::default(), self.clock.clone());
        self.address = Some(address);
        self.app = app(self);
    }

    pub(crate) async fn listen_again(&self) {
        self.serve(self.address.unwrap()).await;
    }

    /// A stream that an earlier process opened.
    pub(crate) fn resume(&self, call: &str, stream: StreamKey) -> Line<'_> {
        Line {
            site: self,
            call: call.parse().unwrap(),
            stream,
            speakers: [None, None],
        }
    }

    /// A call begins: as the stream driver would have it.
    pub(crate) async fn call(&self, sid: &str) -> Line<'_> {
        let call = NewCall {
            from: Some("+15550123".into()),
            to: Some("+15550100".into()),
            ..nobody(sid)
        };
        self.call_of(call, [Some("Dana"), Some("Yossi")]).await
    }

    pub(crate) async fn call_of(&self, call: NewCall, speakers: [Option<&str>; 2]) -> Line<'_> {
        let stream = NewStream {
            sid: "MZ1".parse().unwrap(),
            speakers: speakers.map(|name| name.map(ToOwned::to_owned)),
            parameters: call.parameters.clone(),
            opened_at: self.clock.wall(),
        };
        let opened = self.store.open_stream(&call, &stream).await.unwrap();
        let line = Line {
            site: self,
            call: call.sid,
            stream: opened.key,
            speakers: stream.speakers,
        };
        line.state(CallState::Live);
        line
    }
}

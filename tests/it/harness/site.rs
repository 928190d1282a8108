//! The pages and the API over a store of their own, and a script of calls to show on them.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use callscribe::{
    http::{Access, AppState, router},
    ids::{CallSid, Track},
    live::hub::{self, CallEvent, Hub, Utterance},
    speech::{ModelInfo, Word},
    store::{
        CallState, FinalText, LiveSegment, NewCall, NewRecording, NewStream, RecordingEnd,
        RecordingKey, RecordingPart, Store, StreamEnd, StreamKey,
    },
    tasks,
    time::{Clock, MediaTime},
    transcript::Segment,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// A server without sockets; [`Site::listen`] gives it one.
pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) hub: Hub,
    pub(crate) clock: Clock,
    pub(crate) app: Router,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) not_ready: Arc<Mutex<Vec<String>>>,
    pub(crate) closing: CancellationToken,
    access: Arc<Access>,
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
        closing: site.closing.clone(),
    })
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
        let token = token.map(Into::into);
        let access = Access::new(listen.parse().unwrap(), token.as_ref(), &[]).unwrap();
        let mut site = Self {
            store,
            hub,
            clock,
            access: Arc::new(access),
            app: Router::new(),
            dir,
            not_ready: Arc::default(),
            closing: CancellationToken::new(),
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
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        Answer {
            status: head.status,
            headers: head.headers,
            body: axum::body::to_bytes(body, 64 << 20).await.unwrap(),
        }
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

/// A call of which nothing is known but its id.
pub(crate) fn nobody(sid: &str) -> NewCall {
    NewCall {
        sid: sid.parse().unwrap(),
        account_sid: None,
        direction: None,
        from: None,
        to: None,
        language: None,
        parameters: Default::default(),
        live_model: Some(model("tiny.en")),
    }
}

fn model(name: &str) -> ModelInfo {
    ModelInfo {
        name: name.into(),
        sha256: "00".into(),
        multilingual: true,
    }
}

/// Words of 0.4 s each.
pub(crate) fn words(start: f64, text: &str) -> Vec<Word> {
    let mut at = MediaTime::from_secs(start);
    let mut words = Vec::new();
    for text in text.split_whitespace() {
        let end = at + MediaTime::from_ms(400);
        words.push(Word {
            text: text.into(),
            start: at,
            end,
            confidence: 0.9,
        });
        at = end;
    }
    words
}

pub(crate) fn segment(track: Track, speaker: Option<String>, start: f64, text: &str) -> Segment {
    let words = words(start, text);
    Segment {
        track,
        speaker,
        start: MediaTime::from_secs(start),
        end: words[words.len() - 1].end,
        text: text.into(),
        words,
    }
}

/// One stream of a call, by hand.
pub(crate) struct Line<'a> {
    pub(crate) site: &'a Site,
    pub(crate) call: CallSid,
    pub(crate) stream: StreamKey,
    pub(crate) speakers: [Option<String>; 2],
}

impl Line<'_> {
    pub(crate) fn publish(&self, event: CallEvent) {
        self.site.hub.publish(&self.call, event);
    }

    pub(crate) fn state(&self, state: CallState) {
        self.publish(CallEvent::State {
            state,
            interrupted: false,
            reason: None,
        });
    }

    pub(crate) fn of(&self, track: Track, utterance: u64) -> Utterance {
        Utterance {
            stream: self.stream.number,
            track,
            utterance,
        }
    }

    pub(crate) fn partial(&self, track: Track, utterance: u64, start: f64, text: &str) {
        self.publish(CallEvent::Partial {
            of: self.of(track, utterance),
            start: MediaTime::from_secs(start),
            words: words(start, text),
        });
    }

    pub(crate) fn delta(&self, track: Track, utterance: u64, start: f64, text: &str) {
        self.publish(CallEvent::Delta {
            of: self.of(track, utterance),
            words: words(start, text),
        });
    }

    /// Said, stored and told.
    pub(crate) async fn said(&self, track: Track, utterance: u64, start: f64, text: &str) {
        self.stored(track, utterance, start, text).await;
        self.completed(track, utterance, start, text);
    }

    pub(crate) async fn stored(&self, track: Track, utterance: u64, start: f64, text: &str) {
        let live = LiveSegment {
            stream: self.stream.clone(),
            utterance,
            segment: segment(track, self.speakers[track.index()].clone(), start, text),
        };
        self.site.store.append_segments(&[live]).await.unwrap();
    }

    pub(crate) fn completed(&self, track: Track, utterance: u64, start: f64, text: &str) {
        let said = segment(track, None, start, text);
        self.publish(CallEvent::Completed {
            of: self.of(track, utterance),
            start: said.start,
            end: said.end,
            text: said.text,
            words: said.words,
            language: "en".into(),
        });
    }

    /// Begins a recording whose file holds `samples` already.
    pub(crate) async fn record(&self, track: Track, samples: &[i16]) -> PathBuf {
        let path = self
            .site
            .dir
            .path()
            .join(format!("{}_{}_{track}.wav", self.call, self.stream.number));
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 16_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        samples
            .iter()
            .for_each(|&sample| writer.write_sample(sample).unwrap());
        writer.finalize().unwrap();
        let new = NewRecording {
            key: self.recording(track),
            speaker: self.speakers[track.index()]
                .clone()
                .unwrap_or_else(|| track.to_string()),
            path: path.clone(),
            opened_at: self.site.clock.wall(),
        };
        self.site.store.record_opened(&new).await.unwrap();
        path
    }

    pub(crate) async fn record_closed(
        &self,
        track: Track,
        path: &std::path::Path,
        failed: Option<&str>,
    ) {
        let frames = (std::fs::metadata(path).unwrap().len() - 44) / 2;
        let end = RecordingEnd {
            parts: vec![RecordingPart {
                path: path.to_owned(),
                frames,
            }],
            gaps: vec![],
            detail: serde_json::Value::Null,
            failed: failed.map(ToOwned::to_owned),
        };
        let at = self.site.clock.wall();
        let key = self.recording(track);
        self.site.store.record_closed(&key, &end, at).await.unwrap();
    }

    fn recording(&self, track: Track) -> RecordingKey {
        RecordingKey {
            stream: self.stream.clone(),
            track,
        }
    }

    /// The stream closes after `seconds`; the call waits for its final pass.
    pub(crate) async fn hang_up(&self, seconds: u64) {
        self.site.clock.advance(Duration::from_secs(seconds));
        let end = StreamEnd {
            at: self.site.clock.wall(),
            reason: "stop".into(),
            duration: MediaTime::from_ms(seconds * 1000),
            counters: serde_json::Value::Null,
        };
        let state = self
            .site
            .store
            .close_stream(&self.stream, &end)
            .await
            .unwrap();
        self.state(state);
    }

    /// The final pass is done: as the job would have it.
    pub(crate) async fn finish(&self, segments: &[(Track, f64, &str)]) {
        let segments = segments.iter().map(|&(track, start, text)| {
            segment(track, self.speakers[track.index()].clone(), start, text)
        });
        let text = FinalText {
            call: self.call.clone(),
            model: model("base"),
            parameters: serde_json::json!({ "beam": 5 }),
            language: Some("en".into()),
            duration: MediaTime::from_ms(45_000),
            segments: segments.collect(),
            coverage: vec![],
            reason: "after the call".into(),
            fingerprint: "once".into(),
        };
        let at = self.site.clock.wall();
        let replaced = self.site.store.replace_transcript(&text, at).await.unwrap();
        self.publish(CallEvent::Replaced {
            version: replaced.served_version,
            reason: replaced.served_reason,
        });
        self.state(replaced.state);
        self.publish(CallEvent::Ended {
            state: replaced.state,
        });
    }
}

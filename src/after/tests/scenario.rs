//! One door for the tests: a call in rows, a scripted hearing, a worker that is stepped.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::{
    after::{
        Context, HeardTrack, Hearing, Job, NoHearing, Options, Outcome, Progress, Purge, Told,
        Transcribe, Worker,
        fetch::{self, Fetcher},
    },
    ids::{CallSid, Track},
    insight::{self, Insight},
    speech::{
        ModelInfo, Word,
        coverage::{CoverageKind, Span},
    },
    store::{Call, RecordingEnd, RecordingPart, Stream, testing::*},
    time::{Clock, MediaTime},
    webhooks::{self, Sender},
};

/// Answers for a recording by the name of its first file.
type Script = Box<dyn Fn(&str, &CancellationToken) -> Result<HeardTrack, NoHearing> + Send + Sync>;

pub(super) struct Scripted {
    pub(super) model: Mutex<Result<ModelInfo, NoHearing>>,
    script: Script,
}

impl Hearing for Scripted {
    fn model(&self) -> Result<ModelInfo, NoHearing> {
        self.model.lock().unwrap().clone()
    }

    fn parameters(&self) -> serde_json::Value {
        serde_json::json!({ "beam": 5 })
    }

    fn hear(
        &self,
        parts: &[RecordingPart],
        _language: Option<&str>,
        _: &dyn Fn(MediaTime),
        stop: &CancellationToken,
    ) -> Result<HeardTrack, NoHearing> {
        (self.script)(parts[0].path.to_str().unwrap(), stop)
    }
}

/// A store, a clock that stands at [`at`]`(0)`, and what observers were told.
pub(super) struct Scenario<'a> {
    pub(super) bench: &'a Bench,
    pub(super) clock: Clock,
    pub(super) hearing: Arc<Scripted>,
    pub(super) context: Context,
    pub(super) told: Arc<Mutex<Vec<Told>>>,
    worker: Worker,
}

impl<'a> Scenario<'a> {
    pub(super) fn new(
        bench: &'a Bench,
        script: impl Fn(&str, &CancellationToken) -> Result<HeardTrack, NoHearing>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let clock = Clock::manual(at(0));
        let hearing = Arc::new(Scripted {
            model: Mutex::new(Ok(model())),
            script: Box::new(script),
        });
        let told = Arc::<Mutex<Vec<Told>>>::default();
        let log = Arc::clone(&told);
        let context = Context {
            store: bench.store.clone(),
            clock: clock.clone(),
            hearing: hearing.clone(),
            observer: Arc::new(move |_: &CallSid, what| {
                if *what != Told::Lead {
                    log.lock().unwrap().push(what.clone());
                }
            }),
            options: Options::default(),
            insight: Arc::new(Insight::new(&insight::Options::default(), clock.clone()).unwrap()),
            people: Arc::default(),
            recordings: PathBuf::new(),
            retention_days: 7,
            archive_days: 2,
            hooks: Arc::new(Sender::new(&webhooks::Options::default()).unwrap()),
            fetcher: Arc::new(Fetcher::new(fetch::Options::default(), None)),
            progress: Progress::default(),
        };
        let worker = Worker::new::<Transcribe>(context.clone(), 0, CancellationToken::new());
        Self {
            bench,
            clock,
            hearing,
            context,
            told,
            worker,
        }
    }

    /// A stream that came at `from` and lasted `lasted` seconds, recorded in `NAME.wav`s.
    pub(super) async fn stream(
        &self,
        sid: &str,
        from: u64,
        lasted: u64,
        recorded: &[(Track, &str)],
    ) {
        let start = i64::try_from(from).unwrap();
        let stream = self.bench.stream(sid, start).await;
        for (track, name) in recorded {
            let new = new_recording(&stream.key, *track, &format!("{name}.wav"));
            self.bench.store.record_opened(&new).await.unwrap();
            self.bench
                .store
                .record_closed(&new.key, &recorded_end(name, lasted), at(start))
                .await
                .unwrap();
        }
        self.close(&stream, lasted).await;
    }

    pub(super) async fn close(&self, stream: &Stream, lasted: u64) {
        let lasted = i64::try_from(lasted).unwrap();
        let from = stream.opened_at.as_second() - at(0).as_second();
        let end = stream_end(from + lasted, lasted);
        self.bench
            .store
            .close_stream(&stream.key, &end)
            .await
            .unwrap();
    }

    pub(super) async fn live_text(&self, stream: &Stream, text: &str) {
        let live = live_segment(&stream.key, 0, said(Track::Inbound, 0, text));
        self.bench.store.append_segments(&[live]).await.unwrap();
    }

    /// Lets the clock reach `secs` after the scenario's start.
    pub(super) fn pass_to(&self, secs: u64) {
        let passed = self.clock.wall().duration_since(at(0)).unsigned_abs();
        self.clock
            .advance(Duration::from_secs(secs).saturating_sub(passed));
    }

    /// What the worker makes of the next job, `secs` after the scenario's start.
    pub(super) async fn step_at(&self, secs: u64) -> Option<Outcome> {
        self.pass_to(secs);
        self.worker.step().await.unwrap()
    }

    pub(super) async fn purge(&self) -> Option<Outcome> {
        let worker = Worker::new::<Purge>(self.context.clone(), 0, CancellationToken::new());
        worker.step().await.unwrap()
    }

    pub(super) async fn call(&self, sid: &str) -> Call {
        self.bench
            .store
            .call(&call_sid(sid))
            .await
            .unwrap()
            .unwrap()
    }

    /// `start speaker: text`, a line a segment of what is served.
    pub(super) async fn served(&self, sid: &str) -> Vec<String> {
        let transcript = self.bench.store.transcript(&call_sid(sid), None).await;
        let segments = transcript.unwrap().unwrap().segments;
        let line = |s: &crate::transcript::Segment| {
            format!("{} {}: {}", s.start.as_ms() / 1000, s.label(), s.text)
        };
        segments.iter().map(line).collect()
    }

    pub(super) async fn versions(&self, sid: &str) -> usize {
        self.bench
            .store
            .versions(&call_sid(sid))
            .await
            .unwrap()
            .len()
    }

    pub(super) fn told(&self) -> Vec<Told> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    pub(super) async fn enqueue(&self, sid: &str) {
        let now = self.clock.wall();
        let job = crate::store::NewJob::transcribe(&call_sid(sid), now);
        assert_eq!(job.kind, Transcribe::KIND);
        self.bench.store.enqueue(&job, now).await.unwrap();
    }
}

pub(super) fn recorded_end(name: &str, lasted: u64) -> RecordingEnd {
    let part = RecordingPart {
        path: format!("{name}.wav").into(),
        frames: lasted * 16_000,
        channel: 0,
    };
    RecordingEnd {
        parts: vec![part],
        gaps: vec![],
        detail: serde_json::Value::Null,
        failed: None,
    }
}

/// A track of `lasted` seconds whose utterances are of two seconds each.
pub(super) fn heard(lasted: u64, utterances: &[(u64, &str)]) -> HeardTrack {
    let mut coverage = Vec::new();
    let mut reached = MediaTime::ZERO;
    let mut cover = |end: MediaTime, kind| {
        if reached < end {
            coverage.push(Span {
                start: reached,
                end,
                kind,
            });
            reached = end;
        }
    };
    let mut heard = Vec::new();
    for (start, text) in utterances {
        let segment = said(Track::Inbound, *start, text);
        cover(segment.start, CoverageKind::Silence);
        cover(segment.end, CoverageKind::Text);
        let words: Vec<Word> = segment.words;
        heard.push((segment.start, segment.end, segment.text, words));
    }
    cover(secs(lasted), CoverageKind::Silence);
    HeardTrack {
        utterances: heard,
        coverage,
        language: Some("en".into()),
    }
}

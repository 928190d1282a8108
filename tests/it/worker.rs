//! `callscribe worker` and `callscribe purge` as a user runs them: the real program, beside no gateway.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
};
use callscribe::{
    ids::{CallSid, Track},
    store::{
        CallState, NewRecording, NewStream, Options, RecordingEnd, RecordingKey, RecordingOutcome,
        RecordingPart, Store, StreamEnd,
    },
    tasks,
    time::{Clock, MediaTime},
};
use sqlx::{Connection, Executor};
use tokio::net::TcpListener;

use crate::harness::line::nobody;

fn url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("calls.db").display())
}

fn callscribe(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callscribe"));
    command
        .current_dir(folder)
        .args(args)
        .args(["--set", &format!("store.url={}", url(folder))])
        .args(["--set", "speech.final=false"]);
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    callscribe(folder, args).output().unwrap()
}

async fn open(folder: &Path) -> Store {
    let options = Options {
        url: url(folder),
        transcribe_after_s: 0,
        ..Options::default()
    };
    Store::open(&options).await.unwrap()
}

/// A call of a second that was recorded.
async fn call(store: &Store, folder: &Path, sid: &str, closed: bool) -> CallSid {
    let mut call = nobody(sid);
    call.from = Some("+15550123".into());
    let now = Clock::system().wall();
    let new = NewStream {
        sid: "MZ1".parse().unwrap(),
        speakers: [None, None],
        parameters: Default::default(),
        opened_at: now,
    };
    let stream = store.open_stream(&call, &new).await.unwrap();
    let path = folder.join(format!("audio_recordings/{sid}.wav"));
    let mut bytes = callscribe::audio::wav::header(32_000).to_vec();
    bytes.resize(44 + 32_000, 0);
    fs::write(&path, bytes).unwrap();
    let new = NewRecording {
        key: RecordingKey {
            stream: stream.key.clone(),
            track: Track::Inbound,
        },
        speaker: "inbound".into(),
        path: path.clone(),
        opened_at: now,
    };
    store.record_opened(&new).await.unwrap();
    if closed {
        let end = RecordingEnd {
            parts: vec![RecordingPart {
                path,
                frames: 16_000,
                channel: 0,
            }],
            gaps: vec![],
            detail: serde_json::Value::Null,
            failed: None,
        };
        store.record_closed(&new.key, &end, now).await.unwrap();
        let end = StreamEnd {
            at: now,
            reason: "stop".into(),
            duration: MediaTime::from_ms(1_000),
            counters: serde_json::Value::Null,
        };
        store.close_stream(&stream.key, &end).await.unwrap();
    }
    call.sid
}

/// A Twilio that has the recording at the third request.
async fn twilio() -> String {
    let asked = Arc::new(AtomicU32::new(0));
    let answer = move |headers: HeaderMap| {
        let turn = asked.fetch_add(1, Ordering::Relaxed);
        async move {
            match (headers.contains_key("authorization"), turn) {
                (false, _) => Err(StatusCode::UNAUTHORIZED),
                (true, 0 | 1) => Err(StatusCode::NOT_FOUND),
                (true, _) => Ok(include_bytes!("../fixtures/audio/stereo_440_1000.mp3").as_slice()),
            }
        }
    };
    let app = Router::new().fallback(answer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(tasks::spawn("twilio", async move {
        axum::serve(listener, app).await.unwrap();
    }));
    url
}

/// A call rang, was recorded by the provider, and its download waits: as the doors write it.
async fn recorded(folder: &Path) {
    let mut db = sqlx::SqliteConnection::connect(&url(folder)).await.unwrap();
    for sql in [
        "INSERT INTO leads (id, call_sid, from_number, to_number, direction, details, status,
            created_at, updated_at)
         VALUES ('1', 'CA9', '+15550123', '+15550100', 'inbound', '{}', 'new', 1, 1)",
        "INSERT INTO provider_recordings (recording_sid, call_sid, account_sid, status, url,
            duration_s, channels, details, outcome, created_at, updated_at)
         VALUES ('RE9', 'CA9', 'AC9', 'completed', '/Accounts/AC9/Recordings/RE9.json', 2, 2,
            '{\"RecordingStartTime\": \"Tue, 14 Nov 2023 22:13:20 +0000\"}', 'waiting',
            strftime('%s', 'now') * 1000, 1)",
        "INSERT INTO jobs (id, kind, job_key, payload, state, priority, run_at, attempts,
            max_attempts, created_at)
         VALUES ('1', 'download', 'RE9', '{\"recording\": \"RE9\"}', 'queued', 0, 1, 0, 9, 1)",
    ] {
        db.execute(sql).await.unwrap();
    }
    db.close().await.unwrap();
}

/// The real program is killed while it waits for the recording; the next one gets it.
#[tokio::test]
async fn a_recording_of_twilios_is_fetched_across_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("audio_recordings")).unwrap();
    let store = open(folder.path()).await;
    recorded(folder.path()).await;
    let base = format!("downloads.base_url={}", twilio().await);
    let sets = [
        "downloads.not_ready_s=1",
        "media.auth_token=x",
        base.as_str(),
    ];
    let (call, recording) = ("CA9".parse().unwrap(), "RE9".parse().unwrap());
    let first = Worker::start(folder.path(), &sets);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    drop(first);
    let _second = Worker::start(folder.path(), &sets);
    let used = async {
        loop {
            let found = store.provider_recording(&recording).await.unwrap().unwrap();
            let heard = store.call(&call).await.unwrap();
            if found.outcome != RecordingOutcome::Waiting
                && heard.is_some_and(|call| call.state == CallState::Empty)
            {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let used = tokio::time::timeout(Duration::from_secs(90), used).await;
    let log = || fs::read_to_string(folder.path().join("log")).unwrap();
    let used = used.unwrap_or_else(|_| panic!("not fetched after 90 s: {}", log()));
    assert_eq!(used.outcome, RecordingOutcome::Used, "{:?}", used.reason);
    let recordings = store.recordings(&call).await.unwrap();
    assert_eq!(recordings.len(), 2);
    for recording in recordings {
        let path = folder.path().join(&recording.parts[0].path);
        let frames = u64::from(hound::WavReader::open(path).unwrap().duration());
        assert_eq!(frames, recording.parts[0].frames);
    }
    let made = store.call(&call).await.unwrap().unwrap();
    assert_eq!(made.from.as_deref(), Some("+15550123"));
    assert_eq!(made.started_at.to_string(), "2023-11-14T22:13:20Z");
    store.close().await;
}

struct Worker(Child);

impl Worker {
    fn start(folder: &Path, sets: &[&str]) -> Self {
        let child = callscribe(folder, &["worker"])
            .args(sets.iter().flat_map(|set| ["--set", *set]))
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("log")).unwrap())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_worker_does_the_jobs_and_leaves_the_gateways_calls_alone() {
    let folder = tempfile::tempdir().unwrap();
    let refused = run(folder.path(), &["worker"]);
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(
        !refused.status.success() && text.contains("audio_recordings"),
        "{text}"
    );

    fs::create_dir(folder.path().join("audio_recordings")).unwrap();
    let store = open(folder.path()).await;
    let live = call(&store, folder.path(), "CA2", false).await;
    let over = call(&store, folder.path(), "CA1", true).await;
    let mut worker = Worker::start(folder.path(), &[]);
    let settled = async {
        loop {
            let call = store.call(&over).await.unwrap().unwrap();
            let analysed = store.analysis(&over).await.unwrap().is_some();
            if call.state != CallState::Finishing && analysed {
                return call;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let settled = tokio::time::timeout(Duration::from_secs(30), settled).await;
    let log = || fs::read_to_string(folder.path().join("log")).unwrap();
    let settled = settled.unwrap_or_else(|_| panic!("not done after 30 s: {}", log()));
    assert_eq!(
        settled.state,
        CallState::Empty,
        "nothing was said, nothing is heard"
    );
    // What a gateway has open is not a worker's to close.
    let other = store.call(&live).await.unwrap().unwrap();
    assert_eq!((other.state, other.interrupted), (CallState::Live, false));

    let pid = rustix::process::Pid::from_child(&worker.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(worker.0.wait().unwrap().success(), "{}", log());
    store.close().await;
}

#[tokio::test]
async fn purge_deletes_what_it_says_and_refuses_a_live_call() {
    let folder = tempfile::tempdir().unwrap();
    let recordings = folder.path().join("audio_recordings");
    fs::create_dir(&recordings).unwrap();
    let store = open(folder.path()).await;
    let over = call(&store, folder.path(), "CA1", true).await;
    let live = call(&store, folder.path(), "CA2", false).await;

    let would = run(folder.path(), &["purge", "--call", "CA1", "--dry-run"]);
    let text = String::from_utf8(would.stdout).unwrap();
    assert!(
        would.status.success() && text.contains("CA1: would go"),
        "{text}"
    );
    assert!(text.contains("CA1.wav"), "{text}");
    assert!(store.call(&over).await.unwrap().is_some());

    let both = run(folder.path(), &["purge", "--number", "+15550123", "--json"]);
    assert!(!both.status.success(), "one goes on");
    let report: serde_json::Value = serde_json::from_slice(&both.stdout).unwrap();
    assert_eq!(report["calls"][0]["call"], "CA1", "{report}");
    assert_eq!(report["live"], serde_json::json!(["CA2"]));
    assert!(store.call(&over).await.unwrap().is_none());
    assert!(store.call(&live).await.unwrap().is_some());
    let left = fs::read_dir(&recordings).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["CA2.wav"]);

    for (args, part) in [
        (&["purge", "--call", "CA2"][..], "goes on"),
        (&["purge", "--call", "CA1"], "nothing is known"),
        (&["purge", "--call", "../x"], "an id is"),
        (&["purge"], "required"),
        (
            &["purge", "--call", "CA2", "--number", "1"],
            "cannot be used with",
        ),
    ] {
        let refused = run(folder.path(), args);
        let text = String::from_utf8(refused.stderr).unwrap();
        assert!(
            !refused.status.success() && text.contains(part),
            "{args:?}: {text}"
        );
    }
    store.close().await;
}

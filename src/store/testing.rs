//! One suite for both databases: a test is an async function of a [`Bench`], and [`on_both`] makes a
//! test of it for SQLite (a file of its own) and one for PostgreSQL (a database of its own, on the
//! server whose URL `CALLSCRIBE_TEST_POSTGRES` holds).

use std::{collections::BTreeMap, panic::AssertUnwindSafe, str::FromStr};

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, postgres::PgConnectOptions};

use super::{
    DOWNLOAD, FinalText, LiveSegment, NewCall, NewJob, NewRecording, NewStream, Options,
    RecordingKey, Store, Stream, StreamEnd, StreamKey,
    db::{Arg, args},
};
use crate::{
    ids::{CallSid, Track},
    speech::{ModelInfo, Word},
    time::MediaTime,
    transcript::Segment,
};

/// An open store, and how to open it again.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) options: Options,
}

macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::store::testing::on_sqlite(super::$name).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::store::testing::on_postgres(super::$name).await;
            })+
        }
    };
}
pub(crate) use on_both;

pub(crate) async fn on_sqlite(test: impl AsyncFnOnce(&Bench)) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("rows/calls.db").display());
    let bench = Bench::open(url).await;
    test(&bench).await;
    bench.store.close().await;
}

pub(crate) async fn on_postgres(test: impl AsyncFnOnce(&Bench)) {
    let Some(server) = std::env::var_os("CALLSCRIBE_TEST_POSTGRES") else {
        eprintln!("skipped: CALLSCRIBE_TEST_POSTGRES names no PostgreSQL server");
        return;
    };
    let server = PgConnectOptions::from_str(server.to_str().unwrap()).unwrap();
    let name = format!("callscribe_{}", uuid::Uuid::new_v4().simple());
    let mut admin = server.connect().await.unwrap();
    admin
        .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await
        .unwrap();
    let url = server.clone().database(&name).to_url_lossy();
    let bench = Bench::open(url.to_string()).await;
    let outcome = AssertUnwindSafe(test(&bench)).catch_unwind().await;
    bench.store.close().await;
    admin
        .execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)")))
        .await
        .unwrap();
    admin.close().await.unwrap();
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

impl Bench {
    async fn open(url: String) -> Self {
        let options = Options {
            url,
            ..Options::default()
        };
        let store = Store::open(&options).await.unwrap();
        Self { store, options }
    }

    /// Another process on the same database.
    pub(crate) async fn again(&self) -> Store {
        Store::open(&self.options).await.unwrap()
    }

    /// Opens a stream of the call `sid`, `secs` after the epoch of these tests.
    pub(crate) async fn stream(&self, sid: &str, secs: i64) -> Stream {
        self.store
            .open_stream(&new_call(sid), &new_stream(secs))
            .await
            .unwrap()
    }

    /// A call of one stream with these live texts, closed after `secs` seconds.
    pub(crate) async fn ended_call(&self, sid: &str, live: &[&str], secs: i64) -> Stream {
        let stream = self.stream(sid, 0).await;
        for (number, text) in (0..).zip(live) {
            let segment = said(Track::Inbound, number * 2, text);
            self.store
                .append_segments(&[live_segment(&stream.key, number, segment)])
                .await
                .unwrap();
        }
        self.store
            .close_stream(&stream.key, &stream_end(secs, secs))
            .await
            .unwrap();
        stream
    }
}

/// Rows that others write, as far as an announcement reads them.
impl Bench {
    /// A call that rang at the epoch of these tests and ended 30 s later, by the provider's word.
    pub(crate) async fn rang(&self, sid: &str, call_status: &str) {
        let sql = "INSERT INTO leads (id, call_sid, from_number, to_number, direction, details,
                call_status, status, duration_s, ended_at, created_at, updated_at)
             VALUES ($1, $2, '+15550123', '+15550100', 'inbound', '{}', $3, 'new', 30, $4, $5, $5)";
        let id = format!("lead of {sid}");
        self.write(sql, args![id, sid, call_status, at(30), at(0)])
            .await;
    }

    /// A lead, as the doors write it when a call rings.
    pub(crate) async fn lead(&self, sid: &str, from: &str) {
        let sql = "INSERT INTO leads (id, call_sid, account_sid, from_number, to_number, direction,
                details, status, created_at, updated_at)
             VALUES ($1, $1, 'AC1', $2, '+15550100', 'inbound', '{}', 'new', $3, $3)";
        self.write(sql, args![sid, from, at(0)]).await;
    }

    /// A recording of a minute and its job, as the doors write them when the provider tells of it.
    pub(crate) async fn provider_recording(&self, sid: &str, call: &str, url: &str) {
        let sql =
            "INSERT INTO provider_recordings (recording_sid, call_sid, account_sid, status, url,
                duration_s, channels, details, outcome, created_at, updated_at)
             VALUES ($1, $2, 'AC1', 'completed', $3, 60, 2, '{}', 'waiting', $4, $4)";
        self.write(sql, args![sid, call, url, at(60)]).await;
        let job = NewJob {
            kind: DOWNLOAD,
            key: sid.into(),
            payload: serde_json::json!({ "recording": sid }),
            priority: 0,
            run_at: at(60),
            max_attempts: 4,
        };
        self.store.enqueue(&job, at(60)).await.unwrap();
    }

    /// `(status, reason)` of a lead.
    pub(crate) async fn lead_status(&self, call: &str) -> (String, Option<String>) {
        let sql = "SELECT status, reason FROM leads WHERE call_sid = $1";
        let row = self.store.db.row(sql, args![call]).await.unwrap().unwrap();
        (
            row.text("status").unwrap(),
            row.maybe_text("reason").unwrap(),
        )
    }

    /// What a look at that version of the transcript made of it.
    pub(crate) async fn understood(&self, sid: &str, version: u32) {
        let sql =
            "INSERT INTO call_log (call_sid, extracted_service, extracted_city, summary, insights,
                path, made_by, version, created_at, updated_at)
             VALUES ($1, 'lock opening', 'Haifa', $2, $3, 'on_box', '{}', $4, $5, $5)
             ON CONFLICT (call_sid) DO UPDATE SET version = excluded.version";
        let summary = r#"{"title":"A jammed lock","points":["in Haifa","tomorrow"]}"#;
        let insights = r#"{"customer_name":"Dana","preferred_time":null}"#;
        self.write(sql, args![sid, summary, insights, version, at(0)])
            .await;
    }

    pub(crate) async fn recorded_by_provider(
        &self,
        sid: &str,
        outcome: &str,
        reason: Option<&str>,
    ) {
        let sql =
            "INSERT INTO provider_recordings (recording_sid, call_sid, status, details, outcome,
                reason, created_at, updated_at)
             VALUES ('RE1', $1, 'completed', '{}', $2, $3, $4, $4)
             ON CONFLICT (recording_sid) DO UPDATE SET outcome = excluded.outcome,
                reason = excluded.reason";
        self.write(sql, args![sid, outcome, reason, at(0)]).await;
    }

    /// Keys of the jobs of a kind that wait.
    pub(crate) async fn queued(&self, kind: &str) -> Vec<String> {
        let sql = "SELECT job_key FROM jobs WHERE kind = $1 AND state = 'queued' ORDER BY job_key";
        let rows = self.store.db.rows(sql, args![kind]).await.unwrap();
        rows.iter()
            .map(|row| row.text("job_key").unwrap())
            .collect()
    }

    /// Rows of a table, which a test names.
    pub(crate) async fn count(&self, counting: &'static str) -> i64 {
        let row = self.store.db.row(counting, &[]).await.unwrap();
        row.unwrap().int("n").unwrap()
    }

    /// Every job of a kind waits again, as after a crash at its end.
    pub(crate) async fn requeue(&self, kind: &str) {
        let sql = "UPDATE jobs SET state = 'queued' WHERE kind = $1";
        self.write(sql, args![kind]).await;
    }

    /// What no verb of this room writes.
    pub(in crate::store) async fn write(&self, sql: &'static str, args: &[Arg<'_>]) {
        let mut tx = self.store.db.begin().await.unwrap();
        tx.run(sql, args).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// `secs` after the epoch of these tests.
pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap() + SignedDuration::from_secs(secs)
}

pub(crate) fn secs(secs: u64) -> MediaTime {
    MediaTime::from_ms(secs * 1000)
}

pub(crate) fn call_sid(text: &str) -> CallSid {
    text.parse().unwrap()
}

pub(crate) fn new_call(sid: &str) -> NewCall {
    NewCall {
        sid: call_sid(sid),
        account_sid: None,
        direction: None,
        from: None,
        to: None,
        language: None,
        parameters: BTreeMap::new(),
        live_model: None,
    }
}

pub(crate) fn new_stream(secs: i64) -> NewStream {
    NewStream {
        sid: "MZ1".parse().unwrap(),
        speakers: [Some("Dana".into()), None],
        parameters: BTreeMap::new(),
        opened_at: at(secs),
    }
}

/// Closed `at_secs` after the epoch of these tests, having lasted `lasted` seconds.
pub(crate) fn stream_end(at_secs: i64, lasted: i64) -> StreamEnd {
    StreamEnd {
        at: at(at_secs),
        reason: "stop".into(),
        duration: secs(lasted.unsigned_abs()),
        counters: serde_json::Value::Null,
    }
}

/// A segment of two seconds, its words half a second each.
pub(crate) fn said(track: Track, start: u64, text: &str) -> Segment {
    let mut at = start * 1000;
    let words = text
        .split_whitespace()
        .map(|word| {
            at += 500;
            Word {
                text: word.into(),
                start: MediaTime::from_ms(at - 500),
                end: MediaTime::from_ms(at),
                confidence: 0.5,
            }
        })
        .collect();
    Segment {
        track,
        speaker: None,
        start: secs(start),
        end: secs(start + 2),
        text: text.into(),
        words,
    }
}

pub(crate) fn live_segment(key: &StreamKey, utterance: u64, segment: Segment) -> LiveSegment {
    LiveSegment {
        stream: key.clone(),
        utterance,
        segment,
    }
}

pub(crate) fn new_recording(key: &StreamKey, track: Track, path: &str) -> NewRecording {
    NewRecording {
        key: RecordingKey {
            stream: key.clone(),
            track,
        },
        speaker: "dana".into(),
        path: path.into(),
        opened_at: at(0),
    }
}

pub(crate) fn model() -> ModelInfo {
    ModelInfo {
        name: "base".into(),
        sha256: "ab".into(),
        multilingual: true,
    }
}

/// A final text of these segments, of ten seconds.
pub(crate) fn final_text(sid: &str, fingerprint: &str, segments: Vec<Segment>) -> FinalText {
    FinalText {
        call: call_sid(sid),
        model: model(),
        parameters: serde_json::json!({ "beam": 5 }),
        language: Some("en".into()),
        duration: secs(10),
        segments,
        coverage: vec![],
        reason: "after the call".into(),
        fingerprint: fingerprint.into(),
    }
}

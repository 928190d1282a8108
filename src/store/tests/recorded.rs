//! Recordings that the provider tells of, and the job that fetches them.

use std::collections::BTreeMap;

use super::leads::{ring, waiting};
use crate::store::{NewProviderRecording, ProviderStatus, RecordingNews, testing::*};

on_both!(
    a_recording_is_fetched_once,
    what_was_never_recorded_is_on_record,
    a_recording_of_an_unknown_call_makes_nothing,
);

fn recorded(sid: &str, call: &str, status: ProviderStatus) -> NewProviderRecording {
    NewProviderRecording {
        sid: sid.parse().unwrap(),
        call: call_sid(call),
        account_sid: Some("AC1".into()),
        status,
        duration_s: Some(12),
        channels: Some(2),
        details: BTreeMap::new(),
    }
}

fn completed() -> ProviderStatus {
    ProviderStatus::Completed { url: "/x".into() }
}

async fn a_recording_is_fetched_once(bench: &Bench) {
    ring(bench, "CA1", 0).await;
    let news = async |sid, call| {
        let new = recorded(sid, call, completed());
        bench.store.recording_done(&new, at(1)).await.unwrap()
    };
    let (one, two) = tokio::join!(news("RE1", "CA1"), news("RE1", "CA1"));
    assert!(
        [one, two].contains(&RecordingNews::Queued),
        "{one:?} {two:?}"
    );
    assert!(
        [one, two].contains(&RecordingNews::Again),
        "{one:?} {two:?}"
    );
    assert_eq!(waiting(bench, "download").await, 1);
    let lease = jiff::SignedDuration::from_secs(60);
    let job = bench.store.take_job("download", "w", lease, at(2)).await;
    let job = job.unwrap().unwrap();
    assert_eq!(job.key, "RE1");
    assert_eq!(job.payload, serde_json::json!({ "recording": "RE1" }));
    assert_eq!(
        news("RE1", "CA1").await,
        RecordingNews::Again,
        "while it runs"
    );
    bench.store.finish_job(job.lease(), at(3)).await.unwrap();
    assert_eq!(news("RE1", "CA1").await, RecordingNews::Again, "and after");
    assert_eq!(waiting(bench, "download").await, 0);
    // One call may have several, and a call that only ever streamed may have one.
    assert_eq!(news("RE2", "CA1").await, RecordingNews::Queued);
    bench.stream("CA2", 0).await;
    assert_eq!(news("RE3", "CA2").await, RecordingNews::Queued);
}

async fn what_was_never_recorded_is_on_record(bench: &Bench) {
    ring(bench, "CA1", 0).await;
    for (sid, status) in [
        ("RE1", ProviderStatus::Absent),
        ("RE2", ProviderStatus::Failed { code: None }),
        (
            "RE3",
            ProviderStatus::Failed {
                code: Some("31201".into()),
            },
        ),
    ] {
        for expected in [RecordingNews::Noted, RecordingNews::Again] {
            let new = recorded(sid, "CA1", status.clone());
            let news = bench.store.recording_done(&new, at(1)).await;
            assert_eq!(news.unwrap(), expected);
        }
    }
    let rows = bench
        .store
        .db
        .rows(
            "SELECT status, outcome, reason FROM provider_recordings ORDER BY recording_sid",
            &[],
        )
        .await
        .unwrap();
    let told = ["status", "outcome", "reason"].map(|column| {
        let values = rows.iter().map(|row| row.text(column).unwrap());
        values.collect::<Vec<_>>().join(" | ")
    });
    assert_eq!(told[0], "absent | failed | failed");
    assert_eq!(told[1], "failed | failed | failed");
    assert!(told[2].contains("nothing but silence") && told[2].contains("error 31201"));
    assert_eq!(bench.store.job_counts().await.unwrap(), []);
}

async fn a_recording_of_an_unknown_call_makes_nothing(bench: &Bench) {
    let new = recorded("RE1", "CA1", completed());
    let news = bench.store.recording_done(&new, at(1)).await.unwrap();
    assert_eq!(news, RecordingNews::UnknownCall);
    assert_eq!(bench.store.job_counts().await.unwrap(), []);
    ring(bench, "CA1", 2).await;
    let news = bench.store.recording_done(&new, at(3)).await.unwrap();
    assert_eq!(news, RecordingNews::Queued, "nothing was left behind");
}

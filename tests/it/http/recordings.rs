//! Recordings browsed, and deleted one by one.

use axum::http::{Method, StatusCode};
use callscribe::{
    ids::Track::{self, Inbound, Outbound},
    store::{NewJob, RecordingPart},
};
use serde_json::{Value, json};

use crate::harness::{line::Line, site::Site};

async fn recorded<'a>(site: &'a Site, call: &str, tracks: &[Track]) -> Line<'a> {
    let line = site.call(call).await;
    for &track in tracks {
        let path = line.record(track, &[7; 16_000]).await;
        let detail = json!({ "verdict": "quiet", "levels": { "active_rms": 321.0, "peak": 900 } });
        line.record_judged(track, &path, None, detail).await;
    }
    line
}

async fn delete(site: &Site, path: &str) -> (u16, Value) {
    let path = format!("/api/v1/calls/{path}");
    let answer = site.ask(Method::DELETE, &path, &[]).await;
    (answer.status.as_u16(), answer.json())
}

async fn listed(site: &Site, query: &str) -> Vec<String> {
    let page = site.get(&format!("/api/v1/recordings{query}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let page = page.json();
    let recordings = page["recordings"].as_array().unwrap().iter();
    let name = |one: &Value| {
        let text = |name: &str| one[name].as_str().unwrap().to_owned();
        format!("{}-{}", text("call"), text("track"))
    };
    recordings.map(name).collect()
}

#[tokio::test]
async fn recordings_of_all_calls_are_listed() {
    let site = Site::open().await;
    for call in ["CA1", "CA2"] {
        recorded(&site, call, &[Inbound, Outbound]).await;
        site.clock.advance(std::time::Duration::from_secs(60));
    }
    let all = ["CA2-outbound", "CA2-inbound", "CA1-outbound", "CA1-inbound"];
    assert_eq!(listed(&site, "").await, all);
    assert_eq!(listed(&site, "?until=2025-11-10T14:31:00Z").await, all[2..]);
    assert_eq!(listed(&site, "?since=2025-11-10T14:31:00Z").await, all[..2]);
    assert_eq!(listed(&site, "?deleted=true").await, [""; 0]);
    let first = site.get("/api/v1/recordings?limit=3").await.json();
    let one = &first["recordings"][0];
    for (key, value) in [
        ("bytes", json!(32_044)),
        ("duration", json!(1.0)),
        ("state", json!("closed")),
        ("call_state", json!("live")),
        ("speaker", json!("Yossi")),
        ("archived", json!(false)),
        ("call_verdict", json!(null)),
    ] {
        assert_eq!(one[key], value, "{key}");
    }
    assert_eq!(one["detail"]["verdict"], "quiet");
    let url = one["urls"][0].as_str().unwrap();
    assert_eq!(site.get(url).await.status, StatusCode::OK);
    let next = first["next"].as_str().unwrap();
    assert_eq!(listed(&site, &format!("?cursor={next}")).await, all[3..]);
    for query in ["?limit=0", "?cursor=x", "?since=today", "?colour=red"] {
        let answer = site.get(&format!("/api/v1/recordings{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
    let page = site.get("/recordings?from=2025-11-10&to=2025-11-10").await;
    assert_eq!(page.text().matches("<audio").count(), 4);
    assert!(page.text().contains("sound at 321 RMS"), "{}", page.text());
}

#[tokio::test]
async fn what_goes_next_is_told() {
    let site = Site::open().await;
    recorded(&site, "CA1", &[Inbound, Outbound]).await;
    let usage = async || site.get("/api/v1/recordings/usage").await.json();
    let told = usage().await;
    assert_eq!(
        (&told["retention_days"], &told["goes_then"]),
        (&json!(7), &json!(0))
    );
    assert_eq!(told["next_purge"], json!(null));
    // The database lies in the same folder here.
    assert!(
        told["recordings"]["bytes"].as_u64() >= Some(2 * 32_044),
        "{told}"
    );
    let in_a_week = site.clock.wall() + jiff::SignedDuration::from_hours(7 * 24 + 1);
    let purge = NewJob {
        kind: "purge",
        key: "daily".into(),
        payload: json!({}),
        priority: 0,
        run_at: in_a_week,
        max_attempts: 1,
    };
    site.store.enqueue(&purge, site.clock.wall()).await.unwrap();
    assert_eq!(usage().await["goes_then"], 2);
    let page = site.get("/recordings").await;
    assert!(
        page.text().contains("2 recordings go at the next purge"),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn one_recording_is_deleted_and_the_rest_stays() {
    let site = Site::open().await;
    let line = recorded(&site, "CA1", &[Inbound, Outbound]).await;
    line.said(Inbound, 0, 0.0, "hello there").await;
    let path = site.dir.path().join("CA1_1_inbound.wav");
    std::fs::write(path.with_extension("json"), "{}").unwrap();
    let (status, told) = delete(&site, "CA1/recording/inbound").await;
    assert_eq!(
        (status, &told["error"]["code"]),
        (409, &json!("call_is_live"))
    );
    line.hang_up(5).await;
    let (status, told) = delete(&site, "CA1/recording/inbound?dry_run=true").await;
    assert_eq!(
        (status, &told["error"]["code"]),
        (409, &json!("conflict")),
        "it is transcribed first"
    );
    assert!(path.is_file());
    line.finish(&[(Inbound, 0.0, "Hello there.")]).await;

    let (status, would) = delete(&site, "CA1/recording/inbound?dry_run=true").await;
    assert_eq!(status, 200, "{would}");
    assert_eq!(
        would["files"],
        json!(["CA1_1_inbound.wav", "CA1_1_inbound.json"])
    );
    assert!(path.is_file());
    let (status, did) = delete(&site, "CA1/recording/inbound?stream=1").await;
    assert_eq!((status, &did["files"]), (200, &would["files"]));
    assert_eq!(
        (&did["tracks"], &did["kept"]),
        (&json!(["inbound"]), &json!([]))
    );
    assert!(!path.exists() && !path.with_extension("json").exists());
    let gone = site.get("/api/v1/calls/CA1/recording/inbound").await;
    assert_eq!(gone.status, StatusCode::GONE);
    let kept = site.get("/api/v1/calls/CA1/recording/outbound").await;
    assert_eq!(kept.status, StatusCode::OK);
    assert_eq!(listed(&site, "").await, ["CA1-outbound"]);
    assert_eq!(listed(&site, "?deleted=true").await, ["CA1-inbound"]);
    let text = site.get("/api/v1/calls/CA1/transcript?format=txt").await;
    assert!(text.text().contains("Hello there."));

    for (path, status) in [
        ("CA1/recording/inbound", 404),
        ("CA1/recording/inbound?stream=9", 404),
        ("CA1/recording/left", 404),
        ("CA9/recording/inbound", 404),
        ("CA1/recording/outbound?stream=x", 400),
        ("CA1/recording/outbound?colour=red", 400),
    ] {
        assert_eq!(delete(&site, path).await.0, status, "{path}");
    }
}

#[tokio::test]
async fn a_track_that_several_streams_have_is_named_by_its_stream() {
    let site = Site::open().await;
    let first = recorded(&site, "CA1", &[Inbound]).await;
    first.hang_up(5).await;
    let second = recorded(&site, "CA1", &[Inbound]).await;
    second.hang_up(5).await;
    second.finish(&[]).await;
    assert_eq!(delete(&site, "CA1/recording/inbound").await.0, 400);
    assert_eq!(delete(&site, "CA1/recording/inbound?stream=2").await.0, 200);
    assert!(site.dir.path().join("CA1_1_inbound.wav").is_file());
}

#[tokio::test]
async fn an_archive_goes_with_both_tracks_or_not_at_all() {
    let site = Site::open().await;
    let line = recorded(&site, "CA1", &[Inbound, Outbound]).await;
    line.hang_up(5).await;
    line.finish(&[(Inbound, 0.0, "Hello there.")]).await;
    let archive = site.dir.path().join("Dana_MZ1_20251110_143052.opus");
    std::fs::write(&archive, "OggS").unwrap();
    let part = |channel| RecordingPart {
        path: archive.clone(),
        frames: 16_000,
        channel,
    };
    let moved = [
        (line.recording(Inbound), part(0)),
        (line.recording(Outbound), part(1)),
    ];
    assert!(site.store.record_archived(&moved).await.unwrap());
    let (status, told) = delete(&site, "CA1/recording/outbound").await;
    assert_eq!((status, &told["error"]["code"]), (409, &json!("conflict")));
    assert!(archive.is_file());
    let ask = site.get("/recordings/CA1/1/outbound/delete").await;
    assert!(ask.text().contains("both go"), "{}", ask.text());
    let form = site
        .post_form("/recordings/CA1/1/outbound/delete", "both=true")
        .await;
    assert_eq!(form.status, StatusCode::SEE_OTHER, "{}", form.text());
    assert!(!archive.exists());
    assert_eq!(listed(&site, "").await, [""; 0]);
}

#[tokio::test]
async fn a_file_in_use_is_named() {
    let site = Site::open().await;
    let line = recorded(&site, "CA1", &[Inbound]).await;
    line.hang_up(5).await;
    line.finish(&[]).await;
    let path = site.dir.path().join("CA1_1_inbound.wav");
    let held = std::fs::File::open(&path).unwrap();
    held.lock().unwrap();
    let (status, told) = delete(&site, "CA1/recording/inbound").await;
    assert_eq!(status, 207, "{told}");
    assert_eq!(told["kept"][0][0], "CA1_1_inbound.wav");
    assert!(path.is_file());
}

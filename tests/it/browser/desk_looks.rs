//! The pages of leads, recordings, jobs and health at a desk and on a phone, in the light and in the dark.

use std::time::Duration;

use callscribe::{
    ids::Track::{Inbound, Outbound},
    store::{LeadChange, LeadStatus, NewJob},
    wire::webhook::CallStatus,
};
use serde_json::json;

use super::{HEBREW, browser, looks::views};
use crate::harness::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_empty_says_what_to_do() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    for page in ["leads", "recordings", "jobs", "deliveries", "health"] {
        views(
            &browser,
            &format!("{base}/{page}"),
            &format!("{page}-empty"),
        )
        .await;
    }
    let odd = format!("{base}/leads?status=lost");
    views(&browser, &odd, "leads-refused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_sticks_out_of_the_leads() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let failed = site.ring("CA1", "+972502222222").await;
    let completed = CallStatus::Completed;
    let call = "CA1".parse().unwrap();
    let now = site.clock.wall();
    site.store
        .advance_lead(&call, completed, Some(3), now)
        .await
        .unwrap();
    let change = LeadChange {
        status: Some(LeadStatus::Failed),
        notes: Some("called back, nobody there".into()),
        ..LeadChange::default()
    };
    site.store.change_lead(&failed, &change, now).await.unwrap();
    site.clock.advance(Duration::from_secs(600));
    let processed = site.ring("CA2", "+972541234567").await;
    let line = site.call("CA2").await;
    line.said(Inbound, 0, 0.4, HEBREW).await;
    line.said(Outbound, 0, 5.0, "of course, where are you?")
        .await;
    line.said(Inbound, 1, 8.0, "בבית שאן, ליד התחנה").await;
    line.hang_up(60).await;
    line.finish(&[
        (Inbound, 0.4, HEBREW),
        (Outbound, 5.0, "Of course, where are you?"),
        (Inbound, 8.0, "בבית שאן, ליד התחנה."),
    ])
    .await;
    let points = [
        "הלקוח ננעל מחוץ לרכב וצריך פריצה",
        "הוא נמצא בבית שאן, ליד התחנה",
    ];
    site.understood("CA2", 2, ("פריצת רכב בבית שאן", &points))
        .await;
    site.clock.advance(Duration::from_secs(30));
    let live = site.ring("CA3", "+972549999999").await;
    site.call("CA3")
        .await
        .said(Inbound, 0, 0.4, "hello I need somebody")
        .await;
    let waiting = site.ring("CA4", "+15550123").await;
    views(&browser, &format!("{base}/leads"), "leads").await;
    for (id, name) in [
        (waiting, "lead-waiting"),
        (live, "lead-live"),
        (processed, "lead-processed"),
        (failed, "lead-failed"),
    ] {
        views(&browser, &format!("{base}/leads/{id}"), name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_sticks_out_of_recordings_and_jobs() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    for (call, verdict, failed) in [
        ("CA1", "good", None),
        ("CA2", "quiet", Some("the disk is full")),
    ] {
        let line = site.call(call).await;
        for track in [Inbound, Outbound] {
            let path = line.record(track, &[70; 160_000]).await;
            let detail = json!({ "verdict": verdict, "levels": {
                "active_rms": 1234.5, "peak": 20_000, "silence_share": 0.42, "clipped_share": 0.0 } });
            line.record_judged(track, &path, failed, detail).await;
        }
        line.hang_up(10).await;
        line.finish(&[(Inbound, 0.0, "Hello there.")]).await;
        site.clock.advance(Duration::from_secs(3600));
    }
    site.call("CA3").await.record(Inbound, &[70; 16_000]).await;
    let purge = NewJob {
        kind: "purge",
        key: "daily".into(),
        payload: json!({}),
        priority: 0,
        run_at: site.clock.wall() + jiff::SignedDuration::from_hours(7 * 24),
        max_attempts: 10,
    };
    site.store.enqueue(&purge, site.clock.wall()).await.unwrap();
    let why = "the final pass failed: decode /srv/recordings/Dana_MZ0123456789abcdef0123456789abcdef_20251110_143052.wav: \
        the header says 160000 samples and the file holds 12";
    site.failed_job("CA1", why).await;
    site.deliveries(
        "CA1",
        &[("crm", Some("connection refused")), ("desk", None)],
    )
    .await;
    for n in 0..300_u32 {
        let wave = (f64::from(n) / 20.0).sin() + 1.0;
        site.about.note(&format!(
            "callscribe_streams_active {}\ncallscribe_live_queue_depth {}\ncallscribe_live_level 0\n\
             callscribe_live_lag_seconds_sum {}\ncallscribe_live_lag_seconds_count {}\n\
             callscribe_decode_cpu_milliseconds_total{{class=\"live\"}} {}\n\
             callscribe_jobs{{kind=\"deliver\",state=\"queued\"}} {}\ncallscribe_jobs{{kind=\"deliver\",state=\"dead\"}} 1\n",
            (wave * 10.0).round(),
            n % 7,
            f64::from(n) * 1.1,
            n,
            n * 9000,
            n / 50,
        ));
        site.clock.advance(Duration::from_secs(10));
    }
    views(&browser, &format!("{base}/recordings"), "recordings").await;
    let delete = format!("{base}/recordings/CA1/1/inbound/delete");
    views(&browser, &delete, "recordings-delete").await;
    views(&browser, &format!("{base}/jobs"), "jobs").await;
    views(&browser, &format!("{base}/deliveries"), "deliveries").await;
    views(&browser, &format!("{base}/health"), "health").await;
    site.not_ready
        .lock()
        .unwrap()
        .push("draining: the server is about to stop".into());
    views(&browser, &format!("{base}/health"), "health-not-ready").await;
}

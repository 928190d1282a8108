//! Leads, recordings and jobs, as the people see them who tend them.

use callscribe::ids::Track::Inbound;
use serde_json::json;

use super::{HEBREW, browser};
use crate::{
    gateway::{
        peer::Peer,
        server::{ENDING, TestServer, serve},
        story::talk,
    },
    harness::{browser::Browser, site::Site},
    twilio::peer::{STATUS, VOICE},
};

/// A mark that a load of the page anew would wipe out.
async fn mark(browser: &Browser) {
    browser.eval("(window.sameSince = true)").await;
}

async fn is_the_same_page(browser: &Browser) {
    assert_eq!(browser.eval("window.sameSince === true").await, true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_rings_and_fills_without_a_reload() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let server = serve(|config| {
        config.insight.services = vec![callscribe::insight::Named {
            name: "telephony".into(),
            synonyms: vec!["on the line".into()],
        }];
    })
    .await;
    browser.go(&server.url("/leads")).await;
    browser
        .until("document.body.innerText.includes('No leads yet.')")
        .await;
    mark(&browser).await;
    let ring = [
        ("CallSid", "CA1"),
        ("From", "+972501111111"),
        ("To", "+97231234567"),
    ];
    assert_eq!(server.post(VOICE, &ring).await.status(), 200);
    browser
        .until("document.querySelector('[data-call=CA1] .spinner')")
        .await;
    is_the_same_page(&browser).await;

    browser
        .eval("document.querySelector('.lead .names').click()")
        .await;
    browser
        .until("document.querySelector('#card .spinner')")
        .await;
    mark(&browser).await;
    talk_and_hang_up(&browser, &server).await;
    browser
        .until("document.querySelector('#card .badge.final')")
        .await;
    browser
        .until(&format!(
            "document.querySelector('#said').innerText.includes('{ENDING}')"
        ))
        .await;
    browser
        .until("document.querySelector('#card .gist').innerText.includes('telephony')")
        .await;
    let waits = "document.querySelector('.spinner, [data-pending]')";
    assert_eq!(browser.eval(waits).await, json!(null));
    is_the_same_page(&browser).await;
    browser.picture("lead-processed-live").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    server.stop().await;
}

async fn talk_and_hang_up(browser: &Browser, server: &TestServer) {
    let mut peer = Peer::connect(&server.media(), "CA1", "MZ1").await;
    peer.start(&[Inbound], &[("language", "en")]).await;
    for (n, frames) in (0..).zip(talk()[0].chunks(1600)) {
        peer.speak(Inbound, n * 200, frames).await;
    }
    browser
        .until("document.querySelector('#card').innerText.includes('The call goes on.')")
        .await;
    browser.picture("lead-going-on").await;
    peer.stop().await;
    peer.closed().await;
    let ended = [
        ("CallSid", "CA1"),
        ("CallStatus", "completed"),
        ("CallDuration", "12"),
    ];
    assert_eq!(server.post(STATUS, &ended).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_another_process_is_seen_though_no_event_tells_of_it() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let id = site.ring("CA1", "+972501111111").await;
    browser.go(&format!("{base}/leads/{id}")).await;
    browser
        .until("document.querySelector('#card .spinner')")
        .await;
    // As a worker elsewhere would have it: rows, and not a word to this hub.
    let elsewhere = site.another().await;
    elsewhere.call("CA1").await.hang_up(5).await;
    elsewhere
        .understood("CA1", 1, ("לוטו תקוע", &["בבית שאן"]))
        .await;
    browser
        .until("document.querySelector('#card .gist')?.innerText.includes('לוטו תקוע')")
        .await;
    let direction = "getComputedStyle(document.querySelector('.gist .title')).direction";
    assert_eq!(browser.text(direction).await, "rtl");
}

const NOTES: &str = "document.querySelector('#edit textarea')";

async fn write(browser: &Browser, text: &str) {
    browser.eval(&format!("{NOTES}.select()")).await;
    browser.eval(&format!("{NOTES}.focus()")).await;
    browser.keys(text).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_are_kept_and_nobody_writes_over_another() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let id = site.ring("CA1", "+972501111111").await;
    let notes = async || {
        let lead = site.get(&format!("/api/v1/leads/{id}")).await.json();
        lead["notes"].as_str().unwrap().to_owned()
    };
    browser.go(&format!("{base}/leads/{id}")).await;
    write(&browser, "call back").await;
    // News of the lead while somebody types takes nothing away.
    site.call("CA1").await.hang_up(5).await;
    site.understood("CA1", 1, ("title", &["point"])).await;
    browser
        .until("document.querySelector('#card .badge.final')")
        .await;
    assert_eq!(browser.text(&format!("{NOTES}.value")).await, "call back");
    browser
        .eval("document.querySelector('#edit button').click()")
        .await;
    browser
        .until("document.getElementById('saved')?.textContent === 'Saved.'")
        .await;
    assert_eq!(notes().await, "call back");

    write(&browser, "mine").await;
    let other = format!("/leads/{id}");
    let body = "notes=theirs&status=processed&seen_notes=call+back&seen_status=processed";
    assert_eq!(site.post_form(&other, body).await.status.as_u16(), 303);
    browser
        .eval("document.querySelector('#edit button').click()")
        .await;
    browser
        .until("document.querySelector('#theirs:not([hidden]) bdi')?.textContent === 'theirs'")
        .await;
    assert_eq!(browser.text(&format!("{NOTES}.value")).await, "mine");
    assert_eq!(notes().await, "theirs");
    browser.picture("lead-meanwhile").await;
    browser
        .eval("document.querySelector('#edit button').click()")
        .await;
    browser
        .until("document.getElementById('theirs').hidden")
        .await;
    assert_eq!(notes().await, "mine");
    let mut complaints = browser.complaints().await;
    complaints.retain(|what| !what.contains("409"));
    assert_eq!(complaints, Vec::<String>::new());

    browser.scripts(false).await;
    browser.go(&format!("{base}/leads/{id}")).await;
    write(&browser, HEBREW).await;
    browser.keys("\u{E004}\u{E007}").await;
    browser.until("location.hash === '#edit'").await;
    assert_eq!(browser.text(&format!("{NOTES}.value")).await, HEBREW);
    assert_eq!(notes().await, HEBREW);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_seen_and_tried_again() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    browser.go(&format!("{base}/jobs")).await;
    mark(&browser).await;
    let why = "the model base is missing: `callscribe models pull base`, then restart";
    let id = site.failed_job("CA1", why).await;
    browser
        .until(&format!(
            "document.querySelector('.job.dead .why')?.textContent.includes('{}')",
            &why[4..40]
        ))
        .await;
    browser
        .eval("document.querySelector('.job.dead button').focus()")
        .await;
    browser.keys("\u{E007}").await;
    browser.until("document.querySelector('.job.queued')").await;
    assert_eq!(
        browser.eval("document.querySelector('.job.dead')").await,
        json!(null)
    );
    let job = site.store.queued_job(&id).await.unwrap().unwrap();
    assert_eq!(job.attempts, 0);
    is_the_same_page(&browser).await;
    browser
        .eval("document.querySelector('.job.queued a[href$=drop]').click()")
        .await;
    browser
        .until("document.querySelector('button.danger')")
        .await;
    browser
        .eval("document.querySelector('button.danger').click()")
        .await;
    browser
        .until("document.body.innerText.includes('No jobs yet.')")
        .await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_played_in_place_and_deleted() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    let tone: Vec<i16> = (0..48_000_i32)
        .map(|n| i16::try_from(n % 160 * 100 - 8000).unwrap())
        .collect();
    let path = line.record(Inbound, &tone).await;
    line.record_closed(Inbound, &path, None).await;
    line.hang_up(3).await;
    line.finish(&[(Inbound, 0.0, "Hello there.")]).await;
    browser.go(&format!("{base}/recordings")).await;
    // Looking is not listening.
    assert_eq!(
        browser
            .text("String(document.querySelector('audio').readyState)")
            .await,
        "0"
    );
    browser
        .eval("void document.querySelector('audio').play()")
        .await;
    browser
        .until("document.querySelector('audio').duration === 3")
        .await;
    browser
        .until("document.querySelector('audio').currentTime > 0.2")
        .await;
    browser
        .eval("document.querySelector('.delete').click()")
        .await;
    browser
        .until("document.body.innerText.includes('CA1_1_inbound.wav')")
        .await;
    assert!(path.is_file(), "a question deletes nothing");
    browser.picture("recording-delete").await;
    browser
        .eval("document.querySelector('button.danger').click()")
        .await;
    browser
        .until("document.body.innerText.includes('No recordings yet.')")
        .await;
    assert!(!path.exists());
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

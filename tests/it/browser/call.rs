//! The whole story before a reader's eyes: `callscribe replay` streams a recording to the server while
//! the page is open.

use std::process::{Child, Command, Stdio};

use super::{TURNS, browser};
use crate::{
    gateway::server::{ENDING, SENTENCE, TestServer, serve},
    harness::browser::Browser,
};

/// The real command, four times as fast as it was spoken.
fn replay(server: &TestServer, call: &str) -> Child {
    let fixture = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/audio/two_speakers.wav"
    );
    Command::new(env!("CARGO_BIN_EXE_callscribe"))
        .args([
            "replay",
            fixture,
            "--url",
            &server.media(),
            "--call-sid",
            call,
            "--speed",
            "4",
        ])
        .args([
            "-p",
            "inbound_speaker=Caller",
            "-p",
            "outbound_speaker=Agent",
            "--wait",
            "60",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_call_is_read_as_it_is_spoken_and_then_replaced() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let server = serve(|config| config.store.transcribe_after_s = 1).await;
    browser.go(&server.url("/")).await;
    let mut streaming = replay(&server, "CA1");
    browser
        .until("document.querySelector('.calls a[href=\"/calls/CA1\"]')")
        .await;
    browser.go(&server.url("/calls/CA1")).await;
    browser
        .until("document.body.innerText.includes('Live')")
        .await;
    browser
        .until(&format!("{TURNS}.includes('{SENTENCE}')"))
        .await;
    browser.picture("replay-live").await;
    browser
        .until("document.body.innerText.includes('Final')")
        .await;
    browser
        .until(&format!("{TURNS}.includes('{ENDING}')"))
        .await;
    browser
        .until("document.querySelectorAll('audio').length === 2")
        .await;
    browser.picture("replay-final").await;
    what_became_of_it(&browser).await;
    assert!(
        streaming.wait().unwrap().success(),
        "replay saw the final transcript"
    );
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    server.stop().await;
}

/// The waves are drawn, a word is heard where it was said, and what changed and what happened can be seen.
async fn what_became_of_it(browser: &Browser) {
    browser
        .until("[...document.querySelectorAll('#waves img')].filter((e) => e.naturalWidth > 0).length === 2")
        .await;
    let turn = "[...document.querySelectorAll('#transcript .turn[data-words]')].at(-1)";
    browser
        .eval(&format!(
            "{turn}.querySelector('.said').dispatchEvent(new PointerEvent('pointerover', {{ bubbles: true }}))"
        ))
        .await;
    browser
        .eval(&format!("{turn}.querySelector('.w').click()"))
        .await;
    browser
        .until(&format!(
            "document.querySelector(`audio[data-track=${{{turn}.dataset.track}}]`).currentTime >= Number({turn}.dataset.start) - 0.1"
        ))
        .await;
    browser
        .until(&format!("{turn}.classList.contains('heard')"))
        .await;
    browser
        .eval("document.getElementById('play').click()")
        .await;
    let told = browser
        .text("document.querySelector('#history .events').textContent")
        .await;
    for what in [
        "Stream 1 opened",
        "Recorded: Caller",
        "Final transcript, version 2",
    ] {
        assert!(told.contains(what), "lacks {what}: {told}");
    }
    let changed = browser
        .text("document.getElementById('what-changed').href")
        .await;
    browser.go(&changed).await;
    browser
        .until("document.querySelector('.compared .sums')")
        .await;
    browser.picture("replay-changes").await;
}

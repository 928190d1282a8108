//! Files that are dropped on their page.

use std::sync::{Arc, Condvar, Mutex};

use base64::{Engine, engine::general_purpose::STANDARD};
use callscribe::{
    after::{HeardTrack, Hearing, NoHearing, Runner},
    speech::ModelInfo,
    store::RecordingPart,
    time::MediaTime,
};
use tokio_util::sync::CancellationToken;

use super::browser;
use crate::harness::site::Site;

const TONES: &[u8] = include_bytes!("../../fixtures/audio/tones/tones.aac");

#[tokio::test(flavor = "multi_thread")]
async fn dropped_files_are_sent_and_followed_or_refused() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let runner = Runner::start(&site.jobs);
    browser.go(&format!("{base}/files")).await;
    browser.until("document.readyState === 'complete'").await;
    let drop = format!(
        "const bytes = Uint8Array.from(atob('{}'), (c) => c.charCodeAt(0));
         const dropped = new DataTransfer();
         for (const file of [new File([bytes], 'tones.aac'), new File(['Dear Sir'], '<b>letter.mp3')]) dropped.items.add(file);
         const drop = new DragEvent('drop', {{ dataTransfer: dropped, bubbles: true, cancelable: true }});
         document.getElementById('bring').dispatchEvent(drop)",
        STANDARD.encode(TONES)
    );
    browser
        .eval(&format!("(() => {{ {drop}; return 0; }})()"))
        .await;
    browser
        .until("document.querySelector('.files .badge')?.textContent === 'Done'")
        .await;
    browser
        .until("document.querySelector('#sending .refused')?.textContent.includes('no audio')")
        .await;
    let names = "[...document.querySelectorAll('.files a, #sending bdi')].map((e) => e.textContent).join('|')";
    assert_eq!(browser.text(names).await, "<b>letter.mp3|tones.aac");
    runner.stop().await;
}

/// Hears the beginning of each file, and the rest once it is told to go on.
struct Halting {
    inner: Arc<dyn Hearing>,
    goes_on: Mutex<bool>,
    told: Condvar,
}

impl Halting {
    fn go_on(&self) {
        *self.goes_on.lock().unwrap() = true;
        self.told.notify_all();
    }
}

/// Whatever becomes of the test, no thread is left to wait.
struct GoesOn(Arc<Halting>);

impl Drop for GoesOn {
    fn drop(&mut self) {
        self.0.go_on();
    }
}

impl Hearing for Halting {
    fn model(&self) -> Result<ModelInfo, NoHearing> {
        self.inner.model()
    }

    fn parameters(&self) -> serde_json::Value {
        self.inner.parameters()
    }

    fn hear(
        &self,
        parts: &[RecordingPart],
        language: Option<&str>,
        progress: &dyn Fn(MediaTime),
        stop: &CancellationToken,
    ) -> Result<HeardTrack, NoHearing> {
        progress(MediaTime::from_ms(600));
        let goes_on = self.goes_on.lock().unwrap();
        drop(self.told.wait_while(goes_on, |goes_on| !*goes_on).unwrap());
        self.inner.hear(parts, language, progress, stop)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_all_states_stand_side_by_side() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let mut site = Site::open().await;
    let halting = Arc::new(Halting {
        inner: Arc::clone(&site.jobs.hearing),
        goes_on: Mutex::default(),
        told: Condvar::new(),
    });
    site.jobs.hearing = halting.clone();
    let rest = GoesOn(halting);
    let base = site.listen().await;
    let wishes = [("prefer", "respond-async")];
    for name in ["שיחה עם דנה.m4a", "call 2.m4a"] {
        let file = [(name, TONES)];
        site.send_files("/api/v1/files", &file, &wishes).await;
        site.clock.advance(std::time::Duration::from_secs(1));
    }
    let runner = Runner::start(&site.jobs);
    browser.look(1440, 900, "light").await;
    browser.go(&format!("{base}/files")).await;
    browser
        .until("document.querySelector('.files progress:not([hidden])')?.value > 0.2")
        .await;
    let badges =
        "[...document.querySelectorAll('.files .badge')].map((e) => e.textContent).join('|')";
    let states = browser.text(badges).await;
    assert!(states.starts_with("Waiting|Transcribing"), "{states}");
    // One is on its way, slowly, and one was refused.
    let bring = "(() => {
        const dropped = new DataTransfer();
        dropped.items.add(new File(['Dear Sir'], 'letter.mp3'));
        document.getElementById('bring').dispatchEvent(new DragEvent('drop', { dataTransfer: dropped, bubbles: true, cancelable: true }));
        return 0;
    })()";
    browser.eval(bring).await;
    browser
        .until("document.querySelector('#sending .refused')")
        .await;
    for (width, scheme) in [
        (1440, "light"),
        (1440, "dark"),
        (390, "light"),
        (390, "dark"),
    ] {
        browser.look(width, 900, scheme).await;
        browser
            .picture(&format!("files-states-{width}-{scheme}"))
            .await;
    }
    drop(rest);
    browser
        .until("[...document.querySelectorAll('.files .badge')].every((e) => e.textContent === 'Done')")
        .await;
    runner.stop().await;
}

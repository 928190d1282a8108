//! Files that are dropped on their page.

use base64::{Engine, engine::general_purpose::STANDARD};
use callscribe::after::Runner;

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

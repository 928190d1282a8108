//! What a page is for its reader: with a keyboard, without a script, with sound, and never a trap.

use callscribe::ids::Track::{Inbound, Outbound};

use super::{TURNS, browser};
use crate::harness::{line::nobody, site::Site};

/// A second of a tone.
fn tone() -> Vec<i16> {
    (0..16_000_i32)
        .map(|n| i16::try_from(n % 160 * 100 - 8000).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_play_from_the_time_that_is_asked_for() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.0, "first").await;
    line.said(Inbound, 1, 2.5, "second").await;
    let path = line.record(Inbound, &tone().repeat(5)).await;
    line.record_closed(Inbound, &path, None).await;
    // Its call goes on, and so does this one.
    line.record(Outbound, &tone().repeat(3)).await;
    browser.go(&format!("{base}/calls/CA1")).await;
    browser
        .eval("[...document.querySelectorAll('.at')].find((a) => a.textContent === '0:02').focus()")
        .await;
    browser.keys("\u{E007}").await;
    browser
        .until("document.querySelector('audio[data-track=inbound]').currentTime > 2.5")
        .await;
    browser
        .until("document.querySelector('audio[data-track=inbound]').duration === 5")
        .await;
    browser
        .eval("void document.querySelector('audio[data-track=outbound]').play()")
        .await;
    browser
        .until("document.querySelector('audio[data-track=outbound]').duration === 3")
        .await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyboard_is_enough() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    site.call("CA1").await.said(Inbound, 0, 0.0, "hello").await;
    browser.go(&base).await;
    browser.until("document.querySelector('.calls a')").await;
    let mut reached = Vec::new();
    // By the skip link and the bar, to what the page is for.
    while reached.last().is_none_or(|href| href != "/calls/CA1") && reached.len() < 30 {
        browser.keys("\u{E004}").await;
        let href = "document.activeElement.getAttribute('href')";
        reached.push(browser.text(href).await);
    }
    assert_eq!(reached[..2], ["#main", "/"]);
    assert_eq!(reached.last().unwrap(), "/calls/CA1", "{reached:?}");
    let outline = "getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(browser.text(outline).await, "solid", "the focus is seen");
    browser.keys("\u{E007}").await;
    browser.until("document.querySelector('.turn')").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_script_the_words_are_there() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.0, "hello there").await;
    line.partial(Outbound, 0, 2.0, "good mor");
    browser.scripts(false).await;
    browser.go(&format!("{base}/calls/CA1")).await;
    assert_eq!(browser.text(TURNS).await, "hello there|good mor");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_say_is_never_run() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let evil =
        "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";
    let line = site.call_of(nobody("CA1"), [Some(evil), None]).await;
    line.said(Inbound, 0, 0.0, evil).await;
    browser.go(&format!("{base}/calls/CA1")).await;
    line.partial(Inbound, 1, 60.0, evil);
    line.said(Inbound, 2, 120.0, evil).await;
    browser
        .until("document.querySelectorAll('.turn').length === 3")
        .await;
    line.hang_up(10).await;
    line.finish(&[(Inbound, 0.0, evil)]).await;
    browser
        .until("document.querySelector('.badge.final')")
        .await;
    assert_eq!(browser.text(TURNS).await, evil);
    let count = browser
        .eval("document.querySelectorAll('img, main script').length")
        .await;
    assert_eq!(count, 0);
    assert!(browser.text("document.title").await.starts_with("Call CA1"));
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

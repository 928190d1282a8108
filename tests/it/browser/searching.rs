//! From a word to the moment at which it was said.

use callscribe::ids::Track::{Inbound, Outbound};

use super::{HEBREW, browser};
use crate::harness::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn a_search_leads_to_its_moment_by_keyboard() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    let path = line.record(Inbound, &[1000; 45 * 16_000]).await;
    line.record_closed(Inbound, &path, None).await;
    line.hang_up(45).await;
    line.finish(&[
        (Inbound, 0.4, "Hello, I need somebody."),
        (Outbound, 5.0, HEBREW),
        (Inbound, 12.0, "Please open my car, quickly."),
    ])
    .await;
    browser.go(&format!("{base}/search")).await;
    let focus = "document.activeElement.name";
    assert_eq!(browser.text(focus).await, "q", "one types at once");
    browser.keys("open car\u{E007}").await;
    browser
        .until("document.querySelectorAll('.hits li').length === 1")
        .await;
    assert_eq!(
        browser.text("location.search").await,
        "?q=open+car",
        "nothing that is empty"
    );
    let marks = "[...document.querySelectorAll('mark')].map((e) => e.textContent).join()";
    assert_eq!(browser.text(marks).await, "open,car");
    browser.eval("document.activeElement.blur()").await;
    browser.keys("/").await;
    assert_eq!(browser.text(focus).await, "q");
    browser
        .eval("document.querySelector('.hits a').focus()")
        .await;
    browser.keys("\u{E007}").await;
    browser.until("location.pathname === '/calls/CA1'").await;
    browser
        .until("document.querySelector('.turn:target .said')")
        .await;
    let turn = "document.querySelector('.turn:target .said').textContent";
    assert_eq!(browser.text(turn).await, "Please open my car, quickly.");
    assert_eq!(
        browser.text("location.search").await,
        "?play=12.4&track=inbound"
    );
    browser
        .until("document.querySelector('audio[data-track=inbound]').currentTime > 12.4")
        .await;

    browser
        .go(&format!("{base}/search?q=%D7%9C%D7%95%D7%98%D7%95"))
        .await;
    browser.until("document.querySelector('.hits li')").await;
    let direction = "getComputedStyle(document.querySelector('.hits .said')).direction";
    assert_eq!(browser.text(direction).await, "rtl");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_hits_are_had_without_a_script() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    for n in 0..25_u32 {
        line.stored(Inbound, n.into(), f64::from(n) * 4.0, "the car again")
            .await;
    }
    browser.scripts(false).await;
    browser
        .go(&format!("{base}/search?q=car&order=newest"))
        .await;
    let hits = "document.querySelectorAll('.hits li').length";
    assert_eq!(browser.eval(hits).await, 20);
    let next = browser.text("document.getElementById('more').href").await;
    browser.go(&next).await;
    assert_eq!(browser.eval(hits).await, 5);
    browser.scripts(true).await;
}

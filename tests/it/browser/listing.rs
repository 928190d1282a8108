//! The list of calls, kept open.

use std::time::Duration;

use callscribe::ids::Track::{Inbound, Outbound};

use super::{HEBREW, browser};
use crate::harness::{browser::Browser, line::nobody, site::Site};

const LAST: &str = "document.querySelector('#live li[data-call=CA1] .last .words').textContent";
const CALLS: &str =
    "[...document.querySelectorAll('.calls > li')].map((e) => e.dataset.call).join()";

#[tokio::test(flavor = "multi_thread")]
async fn the_last_words_move() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    browser.go(&base).await;
    browser
        .until("document.querySelector('#live .badge.live')")
        .await;
    line.partial(Inbound, 0, 0.5, "helo");
    browser.until(&format!("{LAST} === 'helo'")).await;
    line.delta(Inbound, 0, 0.5, "hello");
    line.partial(Inbound, 0, 0.9, "this is");
    browser.until(&format!("{LAST} === 'hello this is'")).await;
    line.said(Outbound, 0, 3.0, HEBREW).await;
    browser.until(&format!("{LAST} === '{HEBREW}'")).await;
    let who = "document.querySelector('#live .last .who').textContent";
    assert_eq!(browser.text(who).await, "Outbound");
    let direction = "getComputedStyle(document.querySelector('#live .last .words')).direction";
    assert_eq!(browser.text(direction).await, "rtl");

    browser
        .eval("document.querySelector('#live a').focus()")
        .await;
    let second = site.call("CA2").await;
    browser
        .until(&format!("{CALLS} === 'CA2,CA1' || {CALLS} === 'CA1,CA2'"))
        .await;
    let focused = "document.activeElement.closest('li')?.dataset.call";
    assert_eq!(browser.text(focused).await, "CA1", "the focus stays");
    line.hang_up(10).await;
    browser.until("document.querySelector('#earlier li[data-call=CA1]') && !document.querySelector('#live li[data-call=CA1]')").await;
    second.hang_up(10).await;
    browser.until("document.querySelector('#live .calls').hidden && document.querySelectorAll('#earlier li').length === 2").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

async fn many(site: &Site, calls: usize) {
    for n in 0..calls {
        site.clock.advance(Duration::from_secs(60));
        let line = site
            .call_of(nobody(&format!("CA{n:03}")), [None, None])
            .await;
        line.hang_up(5).await;
    }
}

async fn rows(browser: &Browser) -> Vec<String> {
    browser
        .text(CALLS)
        .await
        .split(',')
        .map(ToOwned::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn older_calls_come_as_they_are_reached_and_each_once() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    many(&site, 120).await;
    browser.look(1000, 700, "light").await;
    browser.go(&base).await;
    browser
        .until("document.querySelectorAll('#earlier li').length === 50")
        .await;
    browser
        .eval("scrollTo({ top: 1200, behavior: 'instant' })")
        .await;
    browser
        .until("document.querySelectorAll('#earlier li').length >= 100")
        .await;
    let place =
        "document.querySelector('#earlier li[data-call=CA090]').getBoundingClientRect().top";
    let before = browser.eval(place).await.as_f64().unwrap();
    // One that comes in shifts nothing and doubles nothing.
    site.clock.advance(Duration::from_secs(60));
    let line = site.call("CANEW").await;
    browser
        .until("document.querySelector('#live li[data-call=CANEW]')")
        .await;
    line.hang_up(9).await;
    browser
        .until("document.querySelector('#earlier li[data-call=CANEW]')")
        .await;
    let after = browser.eval(place).await.as_f64().unwrap();
    assert!((after - before).abs() < 200.0, "{before} {after}");
    browser
        .eval("scrollTo({ top: document.body.scrollHeight, behavior: 'instant' })")
        .await;
    browser
        .until("document.querySelectorAll('#earlier li').length === 121")
        .await;
    let mut seen = rows(&browser).await;
    let mut expected: Vec<String> = (0..120).map(|n| format!("CA{n:03}")).rev().collect();
    expected.insert(0, "CANEW".into());
    assert_eq!(seen, expected);
    seen.dedup();
    assert_eq!(seen.len(), 121);
    assert_eq!(browser.complaints().await, Vec::<String>::new());

    // The same without a script.
    browser.scripts(false).await;
    browser.go(&base).await;
    let next = browser.text("document.getElementById('more').href").await;
    browser.go(&next).await;
    assert_eq!(rows(&browser).await[0], "CA070");
    browser.scripts(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrowed_list_lets_in_what_matches() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.5, "the red car").await;
    browser.go(&base).await;
    browser
        .eval("document.querySelector('input[name=q]').focus()")
        .await;
    browser.keys("car\u{E007}").await;
    browser.until("location.search === '?q=car'").await;
    assert_eq!(browser.text(CALLS).await, "CA1");
    let other = site.call("CA2").await;
    other.said(Inbound, 0, 0.5, "nothing of the kind").await;
    let third = site.call("CA3").await;
    third.stored(Inbound, 0, 0.5, "another car").await;
    third.hang_up(5).await;
    browser
        .until("document.querySelector('#earlier li[data-call=CA3]')")
        .await;
    let mut shown = rows(&browser).await;
    shown.sort_unstable();
    assert_eq!(shown, ["CA1", "CA3"]);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

//! What happens on a call happens on the page.

use std::time::Duration;

use callscribe::{
    ids::Track::{Inbound, Outbound},
    live::hub,
};

use super::{HEBREW, TURNS, browser};
use crate::harness::{browser::Browser, site::Site};

#[tokio::test(flavor = "multi_thread")]
async fn words_appear_settle_and_give_way_to_the_final_text() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    browser.go(&format!("{base}/calls/CA1")).await;
    browser.until("document.querySelector('.badge.live')").await;

    line.partial(Inbound, 0, 0.5, "helo");
    browser
        .until("document.querySelector('#now .partial').textContent === 'helo'")
        .await;
    let style = "getComputedStyle(document.querySelector('.partial')).fontStyle";
    assert_eq!(browser.text(style).await, "italic", "visibly unsettled");
    line.partial(Inbound, 0, 0.5, "");
    browser.until("!document.querySelector('#now .turn')").await;
    line.delta(Inbound, 0, 0.5, "hello");
    line.partial(Inbound, 0, 0.9, "this is");
    browser
        .until("document.querySelector('#now .committed').textContent.trim() === 'hello'")
        .await;
    browser
        .until("document.querySelector('#now .partial').textContent === 'this is'")
        .await;
    line.said(Inbound, 0, 0.5, "hello this is Dana").await;
    line.said(Outbound, 0, 3.0, HEBREW).await;
    browser
        .until("document.querySelectorAll('#transcript .turn').length === 2")
        .await;
    assert_eq!(
        browser.text(TURNS).await,
        format!("hello this is Dana|{HEBREW}"),
        "nothing is left of the unsettled ones"
    );
    reads_right_to_left(&browser).await;

    line.hang_up(45).await;
    browser
        .until("document.body.innerText.includes('The call is over.')")
        .await;
    line.finish(&[
        (Inbound, 0.4, "Hello, this is Dana."),
        (Outbound, 3.1, HEBREW),
    ])
    .await;
    browser
        .until(
            "document.querySelector('.badge.final') && !document.getElementById('swapped').hidden",
        )
        .await;
    browser.picture("replaced").await;
    assert_eq!(
        browser.text(TURNS).await,
        format!("Hello, this is Dana.|{HEBREW}")
    );
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

async fn reads_right_to_left(browser: &Browser) {
    let turns = "[...document.querySelectorAll('#transcript .turn')]";
    let directions =
        format!("{turns}.map((e) => getComputedStyle(e.querySelector('.said')).direction).join()");
    assert_eq!(browser.text(&directions).await, "ltr,rtl");
    let sides = format!("{turns}.map((e) => Math.round(e.getBoundingClientRect().left))");
    let sides = browser.eval(&sides).await;
    assert!(
        sides[0].as_i64() < sides[1].as_i64(),
        "speakers stand apart: {sides}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_talk_is_followed_until_the_reader_scrolls_up() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    for n in 0..40_u32 {
        let text = format!("utterance number {n}");
        line.said(Inbound, n.into(), f64::from(n) * 5.0, &text)
            .await;
    }
    browser.look(390, 800, "light").await;
    browser.go(&format!("{base}/calls/CA1")).await;
    let at_end = "document.documentElement.scrollHeight - innerHeight - scrollY < 48";
    browser.until(at_end).await;
    line.said(Inbound, 40, 200.0, "the newest words").await;
    browser
        .until(&format!(
            "document.body.innerText.includes('the newest words') && {at_end}"
        ))
        .await;
    let jump = "document.getElementById('jump').hidden";
    assert_eq!(browser.text(jump).await, "true");

    browser
        .eval("scrollTo({ top: 300, behavior: 'instant' })")
        .await;
    browser.until(&format!("!{jump}")).await;
    let before = browser.eval("scrollY").await;
    line.said(Inbound, 41, 205.0, "said behind the reader's back")
        .await;
    browser
        .until("document.body.textContent.includes('behind the reader')")
        .await;
    assert_eq!(browser.eval("scrollY").await, before, "left in peace");

    browser
        .eval("document.getElementById('jump').focus()")
        .await;
    browser.keys("\u{E007}").await;
    browser.until(&format!("{at_end} && {jump}")).await;

    browser
        .eval("scrollTo({ top: 300, behavior: 'instant' })")
        .await;
    browser.until(&format!("!{jump}")).await;
    let first = "[...document.querySelectorAll('#transcript .turn')].find((e) => e.getBoundingClientRect().bottom > 0)";
    let shown = browser.text(&format!("{first}.dataset.start")).await;
    line.hang_up(240).await;
    let texts: Vec<String> = (0..42)
        .map(|n| format!("Utterance number {n}, in full length."))
        .collect();
    let segments: Vec<_> = (0_u32..)
        .zip(&texts)
        .map(|(n, text)| (Inbound, f64::from(n) * 5.0, text.as_str()))
        .collect();
    line.finish(&segments).await;
    browser
        .until("!document.getElementById('swapped').hidden")
        .await;
    assert_eq!(
        browser.text(&format!("{first}.dataset.start")).await,
        shown,
        "the reader's place is kept"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_lives_through_a_restart_of_the_server() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let mut site = Site::open().await;
    let base = site.listen().await;
    let stream = {
        let line = site.call("CA1").await;
        line.said(Inbound, 0, 0.0, "before the restart").await;
        line.partial(Inbound, 1, 3.0, "cut off");
        line.stream.clone()
    };
    browser.go(&format!("{base}/calls/CA1")).await;
    browser
        .until("document.querySelector('#now .partial')?.textContent === 'cut off'")
        .await;
    site.clock.advance(Duration::from_secs(1));
    site.restart().await;
    browser
        .until("document.getElementById('connection').textContent.startsWith('Connection lost')")
        .await;
    let at = site.clock.wall();
    site.store.mark_interrupted(&[], at).await.unwrap();
    site.listen_again().await;
    browser
        .until("document.querySelector('.badge.interrupted')")
        .await;
    assert_eq!(browser.text(TURNS).await, "before the restart");
    let line = site.resume("CA1", stream);
    line.finish(&[(Inbound, 0.0, "Before the restart, all of it.")])
        .await;
    browser
        .until("document.querySelector('.badge.final')")
        .await;
    assert_eq!(browser.text(TURNS).await, "Before the restart, all of it.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_log_has_passed_it_shows_everything_once() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let options = hub::Options {
        kept_events: 2,
        ..hub::Options::default()
    };
    let site = Site::open_with(options, "127.0.0.1:80", None).await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    browser.go(&format!("{base}/calls/CA1")).await;
    browser.until("document.querySelector('.badge.live')").await;
    // Far more at once than the log keeps.
    for n in 0..30_u32 {
        let text = format!("word {n}");
        line.stored(Inbound, n.into(), f64::from(n), &text).await;
    }
    for n in 0..30_u32 {
        line.completed(Inbound, n.into(), f64::from(n), &format!("word {n}"));
    }
    let all: Vec<String> = (0..30).map(|n| format!("word {n}")).collect();
    browser
        .until("document.querySelectorAll('.turn').length >= 30")
        .await;
    assert_eq!(browser.text(TURNS).await, all.join("|"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_tab_holds_no_connection_and_catches_up() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let options = hub::Options {
        max_viewers: 1,
        ..hub::Options::default()
    };
    let site = Site::open_with(options, "127.0.0.1:80", None).await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    browser.go(&format!("{base}/calls/CA1")).await;
    line.said(Inbound, 0, 0.0, "seen").await;
    browser
        .until("document.querySelectorAll('.turn').length === 1")
        .await;
    let hide = |hidden: bool| {
        format!(
            "(Object.defineProperty(document, 'hidden', {{ configurable: true, value: {hidden} }}),
              document.dispatchEvent(new Event('visibilitychange')))"
        )
    };
    browser.eval(&hide(true)).await;
    // The seat is free as soon as the server has noticed.
    let mut noticed = tokio::time::interval(Duration::from_millis(10));
    while site.hub.subscribe_list(None).is_err() {
        noticed.tick().await;
    }
    line.said(Inbound, 1, 3.0, "said while hidden").await;
    browser.eval(&hide(false)).await;
    browser
        .until("document.querySelectorAll('.turn').length === 2")
        .await;
    assert_eq!(browser.text(TURNS).await, "seen|said while hidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_keeps_itself_up_to_date_and_the_focus_where_it_was() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    browser.go(&base).await;
    browser
        .until("document.body.innerText.includes('No calls yet.')")
        .await;
    let first = site.call("CA1").await;
    browser
        .until("document.querySelector('a[href=\"/calls/CA1\"] .badge.live')")
        .await;
    browser
        .eval("document.querySelector('a[href=\"/calls/CA1\"]').focus()")
        .await;
    site.clock.advance(Duration::from_secs(60));
    site.call("CA2").await;
    browser
        .until("document.querySelectorAll('.badge.live').length === 2")
        .await;
    assert_eq!(
        browser
            .text("document.activeElement.getAttribute('href')")
            .await,
        "/calls/CA1"
    );
    first.hang_up(60).await;
    browser
        .until("document.querySelector('a[href=\"/calls/CA1\"] .badge.finishing')")
        .await;
    browser.keys("\u{E007}").await;
    browser.until("location.pathname === '/calls/CA1'").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

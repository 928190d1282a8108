//! What changed, what is taken away, and what goes for good.

use callscribe::{
    ids::Track::{Inbound, Outbound},
    store::{Note, NoteKind},
    time::MediaTime,
};

use super::{HEBREW, browser};
use crate::harness::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn the_final_text_comes_with_a_way_to_see_what_changed() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.0, "open my cart please").await;
    line.said(Outbound, 0, 4.0, "אני צריך פריצת לוט").await;
    browser.go(&format!("{base}/calls/CA1")).await;
    browser
        .until("document.querySelectorAll('#transcript .turn').length === 2")
        .await;
    browser
        .eval("(window.kept = document.querySelector('#transcript .turn'), 0)")
        .await;
    line.hang_up(10).await;
    browser
        .until("document.querySelector('.badge.finishing')")
        .await;
    let is_kept = "document.querySelector('#transcript .turn') === window.kept";
    assert_eq!(
        browser.eval(is_kept).await,
        true,
        "what is the same is not made anew"
    );
    line.finish(&[
        (Inbound, 0.0, "Open my car, please."),
        (Outbound, 4.0, HEBREW),
    ])
    .await;
    browser.until("document.querySelector('#swapped a')").await;
    browser
        .eval("document.querySelector('#swapped a').focus()")
        .await;
    browser.keys("\u{E007}").await;
    browser
        .until("location.search === '?version=2&against=1'")
        .await;
    let of = |tag: &str| {
        format!(
            "[...document.querySelectorAll('#transcript {tag}')].map((e) => e.textContent).join('|')"
        )
    };
    assert_eq!(browser.text(&of("del")).await, "cart|לוט");
    assert_eq!(browser.text(&of("ins")).await, "car,|שלום,|לוטו בבית שאן");
    let direction = "getComputedStyle([...document.querySelectorAll('.said')].at(-1)).direction";
    assert_eq!(browser.text(direction).await, "rtl");
    assert_eq!(browser.faults().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_transcript_is_copied_as_text_where_that_is_possible() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    line.hang_up(10).await;
    line.finish(&[(Inbound, 0.0, "Hello there, Yossi.")]).await;
    let page = format!("{base}/calls/CA1");
    browser.go(&page).await;
    let shown = "getComputedStyle(document.getElementById('copy')).display";
    browser.until(&format!("{shown} !== 'none'")).await;
    browser
        .eval("(navigator.clipboard.writeText = async (text) => { window.copied = text; }, 0)")
        .await;
    browser
        .eval("document.getElementById('copy').focus()")
        .await;
    browser.keys("\u{E007}").await;
    browser
        .until("document.getElementById('copied').textContent === 'Copied'")
        .await;
    let copied = browser.text("window.copied").await;
    let text = site.get("/api/v1/calls/CA1/transcript?format=txt").await;
    assert_eq!(copied, text.text());
    browser
        .eval("(navigator.clipboard.writeText = async () => { throw new Error('denied'); }, 0)")
        .await;
    browser.keys("\u{E007}").await;
    browser
        .until("document.getElementById('copied').textContent.startsWith('It could not')")
        .await;
    browser.scripts(false).await;
    browser.go(&page).await;
    assert_eq!(browser.text(shown).await, "none", "not without a script");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_deleted_by_hand_and_without_a_script() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    let path = line.record(Inbound, &[7; 32_000]).await;
    line.record_closed(Inbound, &path, None).await;
    line.hang_up(2).await;
    line.finish(&[(Inbound, 0.0, "Hello there, Yossi.")]).await;
    browser.scripts(false).await;
    browser.go(&format!("{base}/calls/CA1")).await;
    for (link, title) in [
        ("a.danger", "Delete this call?"),
        (".erase form a", "+15550123 → +15550100"),
        ("a.danger", "Delete this call?"),
        (".erase form button", "Deleted"),
    ] {
        browser
            .eval(&format!("document.querySelector('{link}').focus()"))
            .await;
        browser.keys("\u{E007}").await;
        browser.arrives(title).await;
    }
    assert!(!path.exists());
    browser.go(&format!("{base}/calls/CA1")).await;
    assert_eq!(
        browser
            .text("document.querySelector('h1').textContent")
            .await,
        "Not here"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_three_hundred_gaps_is_told_in_a_few_lines() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    let gaps: Vec<Note> = (0..300)
        .map(|n| Note {
            call: line.call.clone(),
            stream: Some(1),
            track: Some(Inbound),
            at: MediaTime::from_ms(n * 200),
            kind: NoteKind::Gap {
                length: MediaTime::from_ms(60),
            },
        })
        .collect();
    site.store
        .add_notes(&gaps, site.clock.wall())
        .await
        .unwrap();
    line.hang_up(60).await;
    line.finish(&[(Inbound, 0.0, "Hello there, Yossi.")]).await;
    browser.go(&format!("{base}/calls/CA1")).await;
    browser
        .eval("document.querySelector('#history summary').focus()")
        .await;
    browser.keys("\u{E007}").await;
    browser
        .until("document.querySelector('#history > details').open")
        .await;
    let lines = "document.querySelectorAll('#history > details > .events > li').length";
    assert_eq!(browser.eval(lines).await, 5);
    let seen = "[...document.querySelectorAll('#history .parts li')].filter((e) => e.checkVisibility()).length";
    assert_eq!(browser.eval(seen).await, 0, "folded");
    let shown = "document.querySelector('#history').innerText";
    assert!(browser.text(shown).await.contains("300 gaps: 18.0 s"));
    browser
        .eval("document.querySelector('#history details details summary').click()")
        .await;
    assert_eq!(browser.eval(seen).await, 300);
    assert_eq!(browser.faults().await, Vec::<String>::new());
}

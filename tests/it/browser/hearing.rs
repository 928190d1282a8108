//! A call is heard where it is read: words, waves and one player.

use std::time::Duration;

use callscribe::ids::Track::{Inbound, Outbound};

use super::{HEBREW, browser};
use crate::harness::{browser::Browser, site::Site};

const ENTER: &str = "\u{E007}";
const LEFT: &str = "\u{E012}";
const RIGHT: &str = "\u{E014}";
const DOWN: &str = "\u{E015}";

/// Where the sound of a track is, within its file.
fn place(track: &str) -> String {
    format!("document.querySelector('audio[data-track={track}]').currentTime")
}

const MARKED: &str = "[...document.querySelectorAll('.w.heard')].map((e) => e.textContent).join()";

fn tone(seconds: usize) -> Vec<i16> {
    (0..16_000 * seconds)
        .map(|n| if n % 160 < 80 { 6000 } else { -6000 })
        .collect()
}

/// A call of twenty seconds, said and recorded.
async fn settled(site: &Site) {
    let line = site.call("CA1").await;
    for track in [Inbound, Outbound] {
        let path = line.record(track, &tone(20)).await;
        line.record_closed(track, &path, None).await;
    }
    line.hang_up(20).await;
    line.finish(&[
        (Inbound, 1.0, "one two three four five six"),
        (Outbound, 5.0, HEBREW),
        (Inbound, 12.0, "seven eight nine ten"),
    ])
    .await;
}

/// A click where a reader would point, on the word that reads so.
async fn click_word(browser: &Browser, word: &str) {
    let turn = format!(
        "[...document.querySelectorAll('#transcript .turn')].find((e) => e.textContent.includes('{word}'))"
    );
    browser
        .eval(&format!(
            "{turn}.querySelector('.said').dispatchEvent(new PointerEvent('pointerover', {{ bubbles: true }}))"
        ))
        .await;
    let found =
        format!("[...document.querySelectorAll('.w')].find((e) => e.textContent === '{word}')");
    browser.eval(&format!("{found}.click()")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_on_a_word_plays_both_speakers_from_there() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    settled(&site).await;
    browser.go(&format!("{base}/calls/CA1")).await;
    assert_eq!(
        browser.eval("document.querySelectorAll('.w').length").await,
        0,
        "plain text at first"
    );
    click_word(&browser, "nine").await;
    // Its third word of 0.4 s each.
    for track in ["inbound", "outbound"] {
        browser.until(&format!("{} >= 12.8", place(track))).await;
    }
    let playing = "[...document.querySelectorAll('audio')].every((audio) => !audio.paused)";
    browser.until(playing).await;
    browser
        .until(&format!("{MARKED} === 'nine' || {MARKED} === 'ten'"))
        .await;
    let apart = format!("Math.abs({} - {})", place("inbound"), place("outbound"));
    browser
        .until(&format!("{} > 13.5 && {apart} < 0.25", place("inbound")))
        .await;
    browser.picture("playing").await;

    browser.eval("document.activeElement.blur()").await;
    browser.keys(" ").await;
    browser
        .until("[...document.querySelectorAll('audio')].every((audio) => audio.paused)")
        .await;
    assert_eq!(
        browser
            .text("document.getElementById('play').textContent")
            .await,
        "Play"
    );
    browser.keys(" ").await;
    browser.until(playing).await;
    browser
        .eval("(document.getElementById('listen').value = 'outbound', document.getElementById('listen').dispatchEvent(new Event('change')))")
        .await;
    browser.until("document.querySelector('audio[data-track=inbound]').paused && !document.querySelector('audio[data-track=outbound]').paused").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_reached_by_keyboard_in_the_direction_they_are_read() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    settled(&site).await;
    browser.go(&format!("{base}/calls/CA1")).await;
    let stops = "[...document.querySelectorAll('#transcript [href], #transcript [tabindex]')].filter((e) => e.tabIndex >= 0).length";
    assert_eq!(browser.eval(stops).await, 1, "one stop of the Tab key");
    let focused = "document.activeElement.textContent";
    browser
        .eval("document.querySelector('#transcript .at').focus()")
        .await;
    browser.keys(RIGHT).await;
    browser.keys(RIGHT).await;
    assert_eq!(browser.text(focused).await, "two");
    browser.keys(LEFT).await;
    assert_eq!(browser.text(focused).await, "one");
    browser.keys(DOWN).await;
    assert_eq!(browser.text(focused).await, "0:05");
    browser.keys(LEFT).await;
    browser.keys(LEFT).await;
    assert_eq!(
        browser.text(focused).await,
        "אני",
        "the second word, to the left of the first"
    );
    assert_eq!(browser.eval(stops).await, 1);
    browser.keys(ENTER).await;
    browser
        .until(&format!("{} >= 5.4", place("outbound")))
        .await;
    browser.until("document.querySelector('.w.heard')").await;
    browser.picture("hebrew-playing").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wave_is_a_slider_for_hand_and_key() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    settled(&site).await;
    browser.go(&format!("{base}/calls/CA1")).await;
    browser.until("[...document.querySelectorAll('#waves img')].filter((e) => e.complete && e.naturalWidth > 0).length === 2").await;
    let slider = "document.querySelector('[role=slider]')";
    let now = format!("Number({slider}.getAttribute('aria-valuenow'))");
    browser
        .eval(&format!(
            "(() => {{ const {{ left, width, top }} = {slider}.getBoundingClientRect();
               {slider}.dispatchEvent(new PointerEvent('pointermove', {{ bubbles: true, pointerId: 1 }}));
               {slider}.setPointerCapture = () => {{}};
               {slider}.dispatchEvent(new PointerEvent('pointerdown', {{ bubbles: true, button: 0, pointerId: 1, clientX: left + width / 2, clientY: top + 5 }})); }})()"
        ))
        .await;
    assert_eq!(browser.eval(&now).await, 10);
    browser.eval(&format!("{slider}.focus()")).await;
    browser.keys(RIGHT).await;
    assert_eq!(browser.eval(&now).await, 15);
    browser.keys("\u{E011}").await;
    assert_eq!(browser.eval(&now).await, 0, "Home");
    browser.keys("\u{E014}\u{E014}").await;
    browser.keys(" ").await;
    browser.until(&format!("{} > 10.1", place("inbound"))).await;
    let cursor = format!("parseFloat({slider}.firstElementChild.style.left)");
    browser
        .until(&format!("{cursor} > 50 && {cursor} < 100"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_player_goes_from_stream_to_stream_and_from_file_to_file() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    let first = line.record(Inbound, &tone(2)).await;
    let second = line.wav("second.wav", &tone(2));
    let parts = [first.as_path(), second.as_path()];
    line.record_closed_with(Inbound, &parts, &[], None).await;
    line.hang_up(4).await;
    site.clock.advance(Duration::from_secs(60));
    let again = site.call("CA1").await;
    let third = again.record(Inbound, &tone(3)).await;
    again.record_closed(Inbound, &third, None).await;
    again.hang_up(3).await;
    again
        .finish(&[
            (Inbound, 1.0, "before the files change"),
            (Inbound, 64.5, "and after the pause"),
        ])
        .await;
    browser.go(&format!("{base}/calls/CA1")).await;
    browser
        .until("document.querySelectorAll('audio').length === 3")
        .await;
    click_word(&browser, "files").await;
    let sounding =
        "[...document.querySelectorAll('audio')].map((audio) => audio.paused ? '-' : 'x').join('')";
    browser.until(&format!("{sounding} === '-x-'")).await;
    browser.until(&format!("{sounding} === '--x'")).await;
    browser
        .until("document.getElementById('clock').textContent.startsWith('1:0')")
        .await;
    browser.until(&format!("{MARKED} === 'pause'")).await;
    browser
        .until(&format!(
            "{sounding} === '---' && document.getElementById('play').textContent === 'Play'"
        ))
        .await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_heard_is_kept_in_view_unless_the_reader_scrolls_away() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    let line = site.call("CA1").await;
    let path = line.record(Inbound, &tone(70)).await;
    line.record_closed(Inbound, &path, None).await;
    line.hang_up(70).await;
    let texts: Vec<String> = (0..60).map(|n| format!("number {n}")).collect();
    let segments: Vec<_> = (0_u32..)
        .zip(&texts)
        .map(|(n, text)| (Inbound, f64::from(n), text.as_str()))
        .collect();
    line.finish(&segments).await;
    browser.look(1000, 500, "light").await;
    browser.go(&format!("{base}/calls/CA1")).await;
    browser
        .eval("document.querySelector('#waves .seek').focus({ preventScroll: true })")
        .await;
    // To the end, and half a minute back.
    browser.keys("\u{E010}\u{E00F}").await;
    assert_eq!(browser.eval("scrollY").await, 0);
    browser.keys(" ").await;
    let seen = "(() => { const word = document.querySelector('.w.heard')?.getBoundingClientRect(); return word && word.top > 0 && word.bottom < innerHeight; })()";
    browser.until(&format!("scrollY > 200 && {seen}")).await;
    browser
        .eval("(dispatchEvent(new WheelEvent('wheel')), scrollTo({ top: 0, behavior: 'instant' }))")
        .await;
    let heard = browser.text(MARKED).await;
    browser
        .until(&format!("{MARKED} && {MARKED} !== '{heard}'"))
        .await;
    browser
        .until("document.querySelector('.turn.heard').dataset.start > 42")
        .await;
    assert_eq!(browser.eval("scrollY").await, 0, "left in peace");
}

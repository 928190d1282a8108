//! Every view at a desk and on a phone, in the light and in the dark: nothing sticks out. With
//! `CALLSCRIBE_SCREENSHOTS=FOLDER` each is kept as a picture, for eyes to judge.

use callscribe::{
    ids::Track::{Inbound, Outbound},
    live::hub,
    store::{Note, NoteKind, Role},
    time::MediaTime,
};

use super::{HEBREW, browser};
use crate::harness::{browser::Browser, line::nobody, site::Site};

const LONG: &str = "https://example.com/a/very/long/address/that/has/no/place/to/break/0123456789012345678901234567890123456789";

pub(super) async fn views(browser: &Browser, url: &str, name: &str) {
    for (width, height) in [(1440, 1000), (390, 844)] {
        for scheme in ["light", "dark"] {
            browser.look(width, height, scheme).await;
            browser.go(url).await;
            browser.until("document.readyState === 'complete'").await;
            browser
                .eval("document.querySelector('details')?.setAttribute('open', '')")
                .await;
            let beyond =
                "document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert_eq!(
                browser.eval(beyond).await,
                0,
                "{name} scrolls sideways at {width}"
            );
            let dark = browser
                .text("getComputedStyle(document.body).backgroundColor")
                .await;
            assert_eq!(
                dark == "rgb(21, 23, 26)",
                scheme == "dark",
                "{name}: {dark}"
            );
            assert_eq!(
                browser.faults().await,
                Vec::<String>::new(),
                "{name} {width} {scheme}"
            );
            browser.picture(&format!("{name}-{width}-{scheme}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_sticks_out_anywhere() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    views(&browser, &base, "list-empty").await;
    views(&browser, &format!("{base}/files"), "files-empty").await;
    calls(&site).await;
    views(&browser, &base, "list").await;
    for (name, path) in [
        ("list-narrowed", "/?q=station&state=ended&number=4567"),
        ("list-none", "/?q=zebra"),
        ("list-wrong", "/?number=1"),
        ("search", "/search"),
        (
            "search-hits",
            "/search?q=hello%20OR%20car%20OR%20%D7%A4%D7%A8%D7%99%D7%A6%D7%AA%20OR%20station",
        ),
        (
            "search-narrowed",
            "/search?q=car&track=inbound&order=newest",
        ),
        ("search-nothing", "/search?q=zebra&state=final"),
    ] {
        views(&browser, &format!("{base}{path}"), name).await;
    }
    for call in ["live", "finishing", "final", "empty", "interrupted"] {
        views(&browser, &format!("{base}/calls/CA-{call}"), call).await;
    }
    files(&site).await;
    views(&browser, &format!("{base}/files"), "files").await;
    let of_final = |rest: &str| format!("{base}/calls/CA-final{rest}");
    views(&browser, &of_final("?version=2&against=1"), "changes").await;
    views(&browser, &of_final("/delete"), "delete").await;
    views(
        &browser,
        &format!("{base}/calls/CA-live/delete"),
        "delete-live",
    )
    .await;
    views(&browser, &format!("{base}/calls/none"), "not-found").await;
    views(&browser, &format!("{base}/api"), "api").await;
    let one = format!("{base}/api#get_calls_id_transcript");
    views(&browser, &one, "api-operation").await;
    let closed = Site::open_with(
        hub::Options::default(),
        "0.0.0.0:80",
        Some("0123456789abcdef"),
    )
    .await;
    views(&browser, &closed.listen().await, "token").await;
    doors(&browser).await;
    let shut = Site::open_with(hub::Options::default(), "0.0.0.0:80", None).await;
    views(&browser, &shut.listen().await, "closed").await;
}

/// Files that are done, that wait, and whose names are hard.
async fn files(site: &Site) {
    let tones = include_bytes!("../../fixtures/audio/tones/tones.m4a");
    let wishes = [("prefer", "respond-async")];
    let runner = callscribe::after::Runner::start(&site.jobs);
    let done: [(&str, &[u8]); 2] = [("call.m4a", tones), ("שיחה עם דנה.m4a", tones)];
    site.send_files("/api/v1/files", &done, &[]).await;
    let partly: [(&str, &[u8]); 1] = [("partly.m4a", tones)];
    let partly = site.send_files("/api/v1/files", &partly, &[]).await.json();
    runner.stop().await;
    let call = partly["id"].as_str().unwrap().parse().unwrap();
    let (version, mut reading) = site.store.reading(&call).await.unwrap().unwrap();
    reading.failed = Some((2, "it answered 500 Internal Server Error".into()));
    let now = site.clock.wall();
    let kept = site.store.put_reading(&call, version, &reading, now);
    kept.await.unwrap();
    site.clock.advance(std::time::Duration::from_secs(60));
    let waiting: [(&str, &[u8]); 1] = [(LONG, tones)];
    site.send_files("/api/v1/files", &waiting, &wishes).await;
}

/// Who may come in, and what they did.
async fn doors(browser: &Browser) {
    let site = Site::open().await;
    let base = site.listen().await;
    views(browser, &format!("{base}/accounts"), "accounts-none").await;
    views(browser, &format!("{base}/audit"), "audit-none").await;
    site.account("dana", Role::Admin).await;
    site.account("דנה.לוי", Role::Operator).await;
    site.account(&"long.".repeat(12), Role::Viewer).await;
    site.token("crm", "leads:read leads:write", None).await;
    site.token("everything", &Role::Admin.scopes().to_string(), Some(30))
        .await;
    site.token("מערכת", "calls:read", None).await;
    site.call("CA0123456789abcdef0123456789abcdef")
        .await
        .hang_up(5)
        .await;
    browser.go(&format!("{base}/login")).await;
    browser.keys("dana\u{E004}wrong horse\u{E007}").await;
    browser
        .until("document.querySelector('[role=alert]')")
        .await;
    browser.picture("login-wrong").await;
    browser.complaints().await; // of the 401
    views(browser, &format!("{base}/calls/CA1"), "login").await;
    browser
        .until("document.activeElement.name === 'name'")
        .await;
    browser.keys("dana\u{E004}correct horse\u{E007}").await;
    browser
        .until("document.querySelector('.who-am-i form')")
        .await;
    browser.complaints().await; // there is no such call
    browser
        .eval("void ['txt', 'srt', 'vtt'].forEach((format) => fetch(`/api/v1/calls/CA0123456789abcdef0123456789abcdef/transcript?format=${format}`))")
        .await;
    for (path, name) in [
        ("/account", "account"),
        ("/accounts", "accounts"),
        ("/audit", "audit"),
        ("/nothing", "nothing"),
    ] {
        views(browser, &format!("{base}{path}"), name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_sticks_out_of_long_and_broken_calls() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    hebrew(&site).await;
    views(&browser, &format!("{base}/calls/CA-hebrew"), "hebrew").await;
    gaps(&site).await;
    views(&browser, &format!("{base}/calls/CA-gaps"), "gaps").await;
    browser.look(1440, 1000, "light").await;
    browser
        .eval("document.querySelectorAll('#history details').forEach((fold) => fold.open = true)")
        .await;
    browser
        .eval("document.getElementById('history').scrollIntoView()")
        .await;
    browser.picture("gaps-history").await;
    two_hours(&site).await;
    views(&browser, &format!("{base}/calls/CA-long"), "two-hours").await;
}

/// Speech as far as a picture goes: bursts of sound of all sizes.
fn babble(seconds: i32, seed: i32) -> Vec<i16> {
    let mut noise = seed;
    (0..seconds * 16_000)
        .map(|n| {
            noise = noise.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            let is_pause = n / 40_000 % 3 == seed % 3;
            let size = if is_pause { 0 } else { n / 4000 * 7919 % 101 };
            i16::try_from((noise >> 18) * size / 90).unwrap_or(0)
        })
        .collect()
}

async fn hebrew(site: &Site) {
    let mut call = nobody("CA-hebrew");
    call.from = Some("+972541234567".into());
    call.to = Some("+97231234567".into());
    let line = site.call_of(call, [Some("דנה כהן"), Some("יוסי")]).await;
    for (track, seed) in [(Inbound, 1), (Outbound, 2)] {
        let path = line.record(track, &babble(60, seed)).await;
        line.record_closed(track, &path, None).await;
    }
    line.said(Inbound, 0, 1.0, "שלום אני צריכה פריצת לוטו בבית שאן")
        .await;
    line.said(Outbound, 0, 9.0, "איפה את נמצאת").await;
    line.hang_up(60).await;
    line.finish(&[
        (
            Inbound,
            1.0,
            "שלום, אני צריכה פריצת מנעול בבית שאן, ליד ה-Super-Pharm.",
        ),
        (Outbound, 9.0, "איפה את נמצאת? מספר ההזמנה הוא 4711."),
        (Inbound, 20.0, "ברחוב הרצל 12, קומה 3. תודה רבה!"),
    ])
    .await;
}

/// A bad line: 300 gaps, keys, and a webhook that nobody took.
async fn gaps(site: &Site) {
    let line = site.call("CA-gaps").await;
    let gaps: Vec<(u64, u64)> = (0..300)
        .map(|n| (n * 400 + 100 * (n % 3), 60 + n % 200))
        .collect();
    for (track, seed) in [(Inbound, 1), (Outbound, 2)] {
        let path = line.record(track, &babble(120, seed)).await;
        line.record_closed_with(track, &[&path], &gaps, None).await;
    }
    let note = |ms, kind| Note {
        call: line.call.clone(),
        stream: Some(1),
        track: Some(Inbound),
        at: MediaTime::from_ms(ms),
        kind,
    };
    let mut notes: Vec<Note> = (gaps.iter())
        .map(|(at, long)| {
            note(
                *at,
                NoteKind::Gap {
                    length: MediaTime::from_ms(*long),
                },
            )
        })
        .collect();
    for (ms, digit) in [(7000, "1"), (8000, "4"), (90_000, "#")] {
        notes.push(note(
            ms,
            NoteKind::Dtmf {
                digit: digit.into(),
            },
        ));
    }
    let finding = "gaps".to_owned();
    let text = "300 gaps, 48 s of audio never came".to_owned();
    notes.push(note(0, NoteKind::RecordingAlert { finding, text }));
    let at = site.clock.wall();
    site.store.add_notes(&notes, at).await.unwrap();
    line.said(Inbound, 0, 0.4, "can you hear me the line is")
        .await;
    line.hang_up(120).await;
    line.finish(&[
        (Inbound, 0.4, "Can you hear me? The line is very bad."),
        (Outbound, 8.0, "Hello? Hello? I lose every second word."),
    ])
    .await;
}

/// Two hours of talk. One recording is that long too, and mostly silence, which takes no room on the disk.
async fn two_hours(site: &Site) {
    const HOURS: u64 = 2 * 3600;
    let line = site.call("CA-long").await;
    for (track, seed) in [(Inbound, 1), (Outbound, 2)] {
        let path = line.record(track, &babble(60, seed)).await;
        if track == Inbound {
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_len(44 + HOURS * 32_000).unwrap();
        }
        line.record_closed(track, &path, None).await;
    }
    line.hang_up(HOURS).await;
    let texts: Vec<String> = (0..240)
        .map(|n| format!("This is turn number {n} of a very long talk, in which both say what they have said before, and one of them says it again at some length."))
        .collect();
    let segments: Vec<_> = (0_u32..)
        .zip(&texts)
        .map(|(n, text)| {
            (
                if n % 2 == 0 { Inbound } else { Outbound },
                f64::from(n) * 30.0,
                text.as_str(),
            )
        })
        .collect();
    line.finish(&segments).await;
}

/// One call of each kind.
async fn calls(site: &Site) {
    let names = ["empty", "interrupted", "final", "finishing", "live"];
    for name in names {
        site.clock.advance(std::time::Duration::from_secs(600));
        let mut call = nobody(&format!("CA-{name}"));
        if name != "empty" {
            call.from = Some("+972541234567".into());
            call.to = Some("+97231234567".into());
        }
        let speakers = if name == "final" {
            [Some("דנה"), Some("John Smith")]
        } else {
            [None, None]
        };
        let line = site.call_of(call, speakers).await;
        let inbound = line.record(Inbound, &[0; 160_000]).await;
        let outbound = line.record(Outbound, &[0; 160_000]).await;
        if name != "live" {
            let failed = (name == "interrupted").then_some("the disk is full");
            line.record_closed(Inbound, &inbound, failed).await;
            line.record_closed(Outbound, &outbound, None).await;
        }
        if name != "empty" {
            line.said(Inbound, 0, 0.4, "hello I need somebody to open my car")
                .await;
            line.said(Outbound, 0, 5.0, "of course, where are you?")
                .await;
            line.said(Inbound, 1, 8.0, HEBREW).await;
            line.said(Outbound, 1, 14.0, LONG).await;
            line.said(Inbound, 2, 20.0, "thank you, I am standing in front of the railway station and it is raining rather hard, so please hurry if you can").await;
        }
        match name {
            "live" => {
                line.delta(Outbound, 2, 28.0, "somebody will be with");
                line.partial(Outbound, 2, 29.6, "you inn ten");
                line.partial(Inbound, 3, 30.0, "אני מחכה");
            }
            "finishing" => line.hang_up(95).await,
            "final" => {
                line.hang_up(95).await;
                keep_notes(site, &line.call).await;
                line.finish(&[
                    (Inbound, 0.4, "Hello, I need somebody to open my car."),
                    (Outbound, 5.0, "Of course, where are you?"),
                    (Inbound, 8.0, HEBREW),
                    (Outbound, 14.0, "בסדר גמור, אני שולח אליך טכנאי עכשיו. Order number 4711."),
                    (Inbound, 20.0, "Thank you, I am standing in front of the railway station, and it is raining rather hard."),
                ])
                .await;
            }
            "empty" => {
                line.hang_up(4).await;
                line.finish(&[]).await;
            }
            _ => {
                site.store
                    .mark_interrupted(&[], site.clock.wall())
                    .await
                    .unwrap();
            }
        }
    }
}

async fn keep_notes(site: &Site, call: &callscribe::ids::CallSid) {
    let note = |ms, kind| Note {
        call: call.clone(),
        stream: Some(1),
        track: Some(Inbound),
        at: MediaTime::from_ms(ms),
        kind,
    };
    let notes = [
        note(3000, NoteKind::Dtmf { digit: "5".into() }),
        note(
            61_000,
            NoteKind::Gap {
                length: MediaTime::from_ms(1500),
            },
        ),
        note(70_000, NoteKind::Degraded { level: 2 }),
    ];
    site.store
        .add_notes(&notes, site.clock.wall())
        .await
        .unwrap();
}

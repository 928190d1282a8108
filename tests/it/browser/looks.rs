//! Every view at a desk and on a phone, in the light and in the dark: nothing sticks out. With
//! `CALLSCRIBE_SCREENSHOTS=FOLDER` each is kept as a picture, for eyes to judge.

use callscribe::{
    ids::Track::{Inbound, Outbound},
    live::hub,
    store::{Note, NoteKind},
    time::MediaTime,
};

use super::{HEBREW, browser};
use crate::harness::{browser::Browser, line::nobody, site::Site};

const LONG: &str = "https://example.com/a/very/long/address/that/has/no/place/to/break/0123456789012345678901234567890123456789";

async fn views(browser: &Browser, url: &str, name: &str) {
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
    for call in ["live", "finishing", "final", "empty", "interrupted"] {
        views(&browser, &format!("{base}/calls/CA-{call}"), call).await;
    }
    files(&site).await;
    views(&browser, &format!("{base}/files"), "files").await;
    views(&browser, &format!("{base}/calls/none"), "not-found").await;
    let closed = Site::open_with(
        hub::Options::default(),
        "0.0.0.0:80",
        Some("0123456789abcdef"),
    )
    .await;
    views(&browser, &closed.listen().await, "token").await;
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
    runner.stop().await;
    site.clock.advance(std::time::Duration::from_secs(60));
    let waiting: [(&str, &[u8]); 1] = [(LONG, tones)];
    site.send_files("/api/v1/files", &waiting, &wishes).await;
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

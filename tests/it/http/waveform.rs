//! `GET /api/v1/calls/{id}/waveform/{track}` and `…/spectrogram/{track}`.

use std::time::Duration;

use axum::http::Method;
use callscribe::ids::Track::{Inbound, Outbound};

use crate::harness::site::Site;

const PATH: &str = "/api/v1/calls/CA1/waveform/inbound";

fn tone(seconds: usize) -> Vec<i16> {
    (0..16_000 * seconds)
        .map(|n| if n % 40 < 20 { 9000 } else { -9000 })
        .collect()
}

/// Boxes of each path of that class, and how far to the right each begins, of the width.
fn boxes(svg: &str, class: &str) -> Vec<Vec<f64>> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let view = document.root_element().attribute("viewBox").unwrap();
    let width: f64 = view.split(' ').nth(2).unwrap().parse().unwrap();
    let paths = document.descendants();
    paths
        .filter(|node| node.attribute("class") == Some(class))
        .map(|node| {
            let starts = node.attribute("d").unwrap().split('M').skip(1);
            let x = |path: &str| {
                path.split([' ', 'h'])
                    .next()
                    .unwrap()
                    .parse::<f64>()
                    .unwrap()
            };
            starts
                .map(|path| (x(path) / width * 100.0).round())
                .collect()
        })
        .collect()
}

#[tokio::test]
async fn a_wave_is_of_the_whole_call_or_of_a_part_of_it() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    let first = line.record(Inbound, &tone(2)).await;
    let second = line.wav("second.wav", &[vec![0; 32_000], tone(2)].concat());
    let parts = [first.as_path(), second.as_path()];
    line.record_closed_with(Inbound, &parts, &[(1000, 500), (5000, 500)], None)
        .await;
    line.hang_up(6).await;
    site.clock.advance(Duration::from_secs(2));
    let again = site.call("CA1").await;
    let path = again.record(Inbound, &tone(2)).await;
    again.record_closed(Inbound, &path, None).await;
    again.hang_up(2).await;

    // 6 s, 2 s in which nobody was connected, and 2 s more.
    let whole = site.get(PATH).await;
    assert_eq!(whole.header("content-type"), "image/svg+xml");
    assert_eq!(boxes(whole.text(), "silence"), [[20.0, 60.0]]);
    let missing = boxes(whole.text(), "missing");
    assert_eq!(missing[1], [10.0, 50.0, 60.0], "two gaps, and no stream");
    for (query, silence, missing) in [
        ("?stream=1", &[33.0][..], &[17.0, 83.0][..]),
        ("?stream=1&part=1", &[], &[50.0]),
        ("?stream=1&part=2", &[0.0], &[75.0]),
        ("?stream=2", &[], &[]),
    ] {
        let part = site.get(&format!("{PATH}{query}")).await;
        assert_eq!(boxes(part.text(), "silence"), [silence], "{query}");
        assert_eq!(boxes(part.text(), "missing")[1], missing, "{query}");
    }
    let small = site.get(&format!("{PATH}?width=100")).await;
    assert!(small.text().len() < whole.text().len());
}

#[tokio::test]
async fn what_is_known_is_not_drawn_again() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    let path = line.record(Inbound, &tone(1)).await;
    let growing = site.get(PATH).await;
    assert_eq!(growing.status.as_u16(), 200, "up to now");
    assert_eq!(growing.header("cache-control"), "no-store");
    line.record_closed(Inbound, &path, None).await;
    line.hang_up(1).await;
    for path in [PATH, "/api/v1/calls/CA1/spectrogram/inbound"] {
        let first = site.get(path).await;
        assert_eq!(first.status.as_u16(), 200);
        assert_eq!(first.header("cache-control"), "private, no-cache");
        let etag = first.header("etag").to_owned();
        let known = [("if-none-match", etag.as_str())];
        let again = site.ask(Method::GET, path, &known).await;
        assert_eq!(again.status.as_u16(), 304);
        assert!(again.body.is_empty());
    }
    let etag = site.get(PATH).await.header("etag").to_owned();
    let wider = site.get(&format!("{PATH}?width=400")).await;
    assert_ne!(wider.header("etag"), etag);
    line.finish(&[(Inbound, 0.0, "Something was said.")]).await;
    let marked = site.get(PATH).await;
    assert_ne!(marked.header("etag"), etag, "another text, other marks");
}

#[tokio::test]
async fn a_spectrogram_is_a_picture() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    let path = line.record(Outbound, &tone(1)).await;
    line.record_closed(Outbound, &path, None).await;
    let png = site.get("/api/v1/calls/CA1/spectrogram/outbound").await;
    assert_eq!(png.header("content-type"), "image/png");
    assert!(png.body.starts_with(b"\x89PNG"));
}

#[tokio::test]
async fn what_cannot_be_drawn_is_refused() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    let path = line.record(Inbound, &tone(1)).await;
    line.record_closed(Inbound, &path, None).await;
    let refuses = async |cases: &[(&str, u16)]| {
        for (path, status) in cases {
            let path = format!("/api/v1/calls/{path}");
            assert_eq!(site.get(&path).await.status.as_u16(), *status, "{path}");
        }
    };
    refuses(&[
        ("CA1/waveform/outbound", 404),
        ("CA1/waveform/sideways", 404),
        ("CA1/waveform/inbound?stream=2", 404),
        ("CA1/waveform/inbound?stream=1&part=2", 404),
        ("CA1/waveform/inbound?stream=1&part=0", 404),
        ("CA1/waveform/inbound?part=1", 400),
        ("CA1/waveform/inbound?width=99", 400),
        ("CA1/waveform/inbound?width=4001", 400),
        ("CA1/waveform/inbound?width=wide", 400),
        ("CA9/waveform/inbound", 404),
        ("CA9/spectrogram/inbound", 404),
    ])
    .await;
    std::fs::write(&path, "no WAV").unwrap();
    refuses(&[("CA1/waveform/inbound", 500)]).await;
    std::fs::remove_file(&path).unwrap();
    refuses(&[
        ("CA1/waveform/inbound", 410),
        ("CA1/spectrogram/inbound", 410),
    ])
    .await;
}

use axum::http::{Method, StatusCode};
use callscribe::{
    ids::Track::Inbound,
    recordings::archive,
    store::{RecordingPart, RecordingState},
};

use crate::harness::site::Site;

const PATH: &str = "/api/v1/calls/CA1/recording/inbound";

fn ramp(samples: i16) -> Vec<i16> {
    (0..samples).collect()
}

#[tokio::test]
async fn ranges_of_a_recording_are_those_bytes() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    let path = line.record(Inbound, &ramp(10_000)).await;
    line.record_closed(Inbound, &path, None).await;
    let bytes = std::fs::read(&path).unwrap();
    let len = bytes.len();
    for (range, status, expected) in [
        (None, 200, 0..len),
        (Some("bytes=0-"), 206, 0..len),
        (Some("bytes=0-43"), 206, 0..44),
        (Some("bytes=10-99"), 206, 10..100),
        (Some("bytes=44-44"), 206, 44..45),
        (Some("bytes=5000-9999"), 206, 5000..10_000),
        (Some("bytes=-100"), 206, len - 100..len),
        (Some("bytes=20000-99999"), 206, 20_000..len),
        (Some("bytes=99999-"), 416, 0..0),
        (Some("bytes=0-1,5-6"), 200, 0..len),
        (Some("lines=0-1"), 200, 0..len),
    ] {
        let headers: Vec<_> = range.map(|range| ("range", range)).into_iter().collect();
        let answer = site.ask(Method::GET, PATH, &headers).await;
        assert_eq!(answer.status.as_u16(), status, "{range:?}");
        match status {
            416 => assert_eq!(answer.header("content-range"), format!("bytes */{len}")),
            206 => assert_eq!(
                answer.header("content-range"),
                format!("bytes {}-{}/{len}", expected.start, expected.end - 1)
            ),
            _ => assert_eq!(answer.header("content-range"), ""),
        }
        if status != 416 {
            assert_eq!(&answer.body[..], &bytes[expected.clone()], "{range:?}");
            assert_eq!(answer.header("content-length"), expected.len().to_string());
            assert_eq!(answer.header("content-type"), "audio/wav");
            assert_eq!(answer.header("accept-ranges"), "bytes");
        }
        let head = site.ask(Method::HEAD, PATH, &headers).await;
        assert_eq!(head.status.as_u16(), status, "HEAD {range:?}");
        assert!(head.body.is_empty());
        if status != 416 {
            assert_eq!(head.header("content-length"), expected.len().to_string());
        }
    }
}

#[tokio::test]
async fn a_recording_that_is_known_is_not_sent_again() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    let path = line.record(Inbound, &ramp(100)).await;
    line.record_closed(Inbound, &path, None).await;
    let first = site.get(PATH).await;
    let etag = first.header("etag").to_owned();
    assert!(etag.starts_with('"'), "strong: {etag}");
    for (name, value, range, status) in [
        ("if-none-match", etag.as_str(), "", 304),
        ("if-none-match", "\"other\"", "", 200),
        ("if-range", etag.as_str(), "bytes=0-9", 206),
        ("if-range", "\"other\"", "bytes=0-9", 200),
    ] {
        let mut headers = vec![(name, value)];
        if !range.is_empty() {
            headers.push(("range", range));
        }
        let answer = site.ask(Method::GET, PATH, &headers).await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}");
        assert_eq!(answer.header("etag"), etag);
    }
}

#[tokio::test]
async fn while_the_call_is_live_it_is_the_valid_wav_so_far() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    let path = line.record(Inbound, &ramp(1000)).await;
    // The writer has put more samples behind those that the header counts.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(&[7; 500]);
    std::fs::write(&path, &bytes).unwrap();
    let answer = site.get(PATH).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("etag"), "", "it changes");
    assert_eq!(answer.header("cache-control"), "no-store");
    let reader = hound::WavReader::new(&answer.body[..]).unwrap();
    assert_eq!(reader.len(), 1000);
    assert_eq!(answer.body.len(), 44 + 2000, "no byte beyond");
    let tail = site.ask(Method::GET, PATH, &[("range", "bytes=-4")]).await;
    assert_eq!(tail.header("content-range"), "bytes 2040-2043/2044");
    assert_eq!(tail.body[..], bytes[2040..2044]);

    std::fs::write(&path, &bytes[..20]).unwrap();
    let early = site.get(PATH).await;
    assert_eq!(early.status, StatusCode::NOT_FOUND, "{}", early.text());
}

#[tokio::test]
async fn a_recording_is_chosen_by_stream_and_part_and_may_be_gone() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    let path = line.record(Inbound, &ramp(100)).await;
    line.record_closed(Inbound, &path, None).await;
    for (query, status) in [
        ("?stream=1&part=1", 200),
        ("?stream=2", 404),
        ("?part=0", 404),
        ("?part=2", 404),
        ("?part=x", 400),
    ] {
        let answer = site.get(&format!("{PATH}{query}")).await;
        assert_eq!(answer.status.as_u16(), status, "{query}");
    }
    let disposition = site
        .get(PATH)
        .await
        .header("content-disposition")
        .to_owned();
    assert_eq!(disposition, "inline; filename=\"CA1_1_inbound_1.wav\"");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(site.get(PATH).await.status, StatusCode::GONE);
    site.store.record_deleted(&[path]).await.unwrap();
    assert_eq!(site.get(PATH).await.status, StatusCode::GONE);
    let call = site.get("/api/v1/calls/CA1").await.json();
    assert_eq!(
        call["recordings"][0]["state"],
        serde_json::json!(RecordingState::Deleted)
    );
    assert_eq!(call["recordings"][0]["urls"], serde_json::json!([]));
}

#[tokio::test]
async fn an_archived_recording_is_served_as_the_wav_that_it_was() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    let path = line.record(Inbound, &ramp(20_000)).await;
    line.record_closed(Inbound, &path, None).await;
    let refused = site.get(&format!("{PATH}?format=opus")).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.text());
    let packed = archive::pack(vec![vec![path.clone()]]).unwrap();
    let recording = site.store.recordings(&"CA1".parse().unwrap()).await;
    let part = RecordingPart {
        path: packed.path.clone(),
        frames: packed.frames[0],
        channel: 0,
    };
    let moved = [(recording.unwrap()[0].key.clone(), part)];
    assert!(site.store.record_archived(&moved).await.unwrap());
    assert!(!site.store.record_archived(&moved).await.unwrap(), "once");
    packed.settle().unwrap();
    let whole = site.get(PATH).await;
    assert_eq!(whole.status, StatusCode::OK);
    assert_eq!(whole.header("content-type"), "audio/wav");
    assert_eq!(whole.body.len(), 44 + 40_000);
    let part = site
        .ask(Method::GET, PATH, &[("range", "bytes=100-199")])
        .await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.body[..], whole.body[100..200]);
    let etag = whole.header("etag").to_owned();
    let known = site
        .ask(Method::GET, PATH, &[("if-none-match", &etag)])
        .await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    let opus = site.get(&format!("{PATH}?format=opus")).await;
    assert_eq!(opus.header("content-type"), "audio/ogg");
    assert_eq!(
        opus.header("content-disposition"),
        "inline; filename=\"CA1_1_inbound_1.opus\""
    );
    assert!(opus.body.starts_with(b"OggS"));
    std::fs::remove_file(&packed.path).unwrap();
    for format in ["wav", "opus"] {
        let gone = site.get(&format!("{PATH}?format={format}")).await;
        assert_eq!(gone.status, StatusCode::GONE, "{format}");
    }
}

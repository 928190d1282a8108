use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use callscribe::{
    ids::Track::{Inbound, Outbound},
    live::hub,
    store::CallState,
};
use futures_util::StreamExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::harness::site::Site;

const PATH: &str = "/api/v1/calls/CA1/events";

/// A viewer on the wire: reads events as a browser does.
struct Viewer {
    body: axum::body::BodyDataStream,
    read: String,
    last_id: String,
}

impl Viewer {
    async fn open(site: &Site, path: &str, last_id: Option<&str>) -> Self {
        let mut request = Request::get(path)
            .header("host", "localhost")
            .header("accept-encoding", "gzip");
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = site.app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let headers = response.headers();
        assert_eq!(headers["content-type"], "text/event-stream");
        assert_eq!(headers["x-accel-buffering"], "no");
        assert_eq!(headers["cache-control"], "no-cache");
        assert!(
            !headers.contains_key("content-encoding"),
            "nothing holds it back"
        );
        Self {
            body: response.into_body().into_data_stream(),
            read: String::new(),
            last_id: String::new(),
        }
    }

    /// The next event's name and data; `None` at the end of the stream.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((block, rest)) = self.read.split_once("\n\n") {
                let block = block.to_owned();
                self.read = rest.to_owned();
                let field = |name: &str| {
                    block
                        .lines()
                        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                };
                let (Some(name), Some(data), Some(id)) =
                    (field("event"), field("data"), field("id"))
                else {
                    assert!(
                        block.starts_with("retry:") || block.starts_with(':'),
                        "{block:?}"
                    );
                    continue;
                };
                self.last_id = id.to_owned();
                return Some((name.to_owned(), serde_json::from_str(data).unwrap()));
            }
            let chunk = self.body.next().await?.unwrap();
            self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn names(&mut self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        for _ in 0..count {
            names.push(self.next().await.unwrap().0);
        }
        names
    }
}

#[tokio::test]
async fn a_call_is_told_from_snapshot_to_end() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.0, "hello there").await;
    line.delta(Outbound, 0, 2.0, "good");
    line.partial(Outbound, 0, 2.4, "mourning");
    let mut viewer = Viewer::open(&site, PATH, None).await;
    let (name, snapshot) = viewer.next().await.unwrap();
    assert_eq!(
        (name.as_str(), snapshot["type"].as_str()),
        ("snapshot", Some("snapshot"))
    );
    assert_eq!(snapshot["call"]["state"], "live");
    assert_eq!(snapshot["segments"][0]["text"], "hello there");
    assert_eq!(snapshot["open"][0]["committed"][0]["text"], "good");
    assert_eq!(snapshot["open"][0]["partial"][0]["text"], "mourning");

    line.delta(Outbound, 0, 2.4, "morning");
    line.said(Outbound, 0, 2.0, "good morning").await;
    let (name, delta) = viewer.next().await.unwrap();
    assert_eq!(
        (name.as_str(), delta["words"][0]["start"].as_f64()),
        ("delta", Some(2.4))
    );
    let (name, completed) = viewer.next().await.unwrap();
    assert_eq!(
        (name.as_str(), completed["text"].as_str()),
        ("completed", Some("good morning"))
    );

    line.hang_up(10).await;
    line.finish(&[(Inbound, 0.0, "Hello there, good morning.")])
        .await;
    assert_eq!(
        viewer.names(4).await,
        ["state", "replaced", "state", "ended"]
    );
    assert!(viewer.next().await.is_none(), "the server closes");
}

#[tokio::test]
async fn a_viewer_that_comes_back_misses_nothing_and_gets_nothing_twice() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    let mut viewer = Viewer::open(&site, PATH, None).await;
    assert_eq!(viewer.names(1).await, ["snapshot"]);
    line.said(Inbound, 0, 0.0, "one").await;
    assert_eq!(viewer.names(1).await, ["completed"]);
    let seen = viewer.last_id.clone();
    drop(viewer);
    line.said(Inbound, 1, 1.0, "two").await;
    line.said(Inbound, 2, 2.0, "three").await;
    let query = format!("{PATH}?last_event_id={seen}");
    for (path, header) in [(PATH, Some(seen.as_str())), (query.as_str(), None)] {
        let mut again = Viewer::open(&site, path, header).await;
        let (_, two) = again.next().await.unwrap();
        let (_, three) = again.next().await.unwrap();
        assert_eq!(
            (&two["text"], &three["text"]),
            (&"two".into(), &"three".into())
        );
    }
    // What a browser remembers is newer than the address that the page began with.
    let newer = (seen.parse::<u64>().unwrap() + 1).to_string();
    let mut again = Viewer::open(&site, &query, Some(&newer)).await;
    assert_eq!(again.next().await.unwrap().1["text"], "three");
    for nonsense in ["0", "x", "99999999999999999"] {
        let mut lost = Viewer::open(&site, PATH, Some(nonsense)).await;
        assert_eq!(lost.names(1).await, ["snapshot"], "{nonsense}");
    }
}

#[tokio::test]
async fn a_slow_viewer_gets_a_snapshot_instead_of_what_it_missed() {
    let options = hub::Options {
        kept_events: 4,
        ..hub::Options::default()
    };
    let site = Site::open_with(options, "127.0.0.1:80", None).await;
    let line = site.call("CA1").await;
    let mut slow = Viewer::open(&site, PATH, None).await;
    assert_eq!(slow.names(1).await, ["snapshot"]);
    for n in 0..20_u32 {
        line.said(Inbound, n.into(), f64::from(n), "word").await;
    }
    let (name, snapshot) = slow.next().await.unwrap();
    assert_eq!(name, "snapshot");
    assert_eq!(
        snapshot["segments"].as_array().unwrap().len(),
        20,
        "all of it, once"
    );
    line.said(Inbound, 20, 20.0, "last").await;
    assert_eq!(slow.next().await.unwrap().1["text"], "last");
}

#[tokio::test]
async fn a_call_that_is_over_gives_its_snapshot_and_ends() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.0, "hello there").await;
    line.hang_up(10).await;
    line.finish(&[(Inbound, 0.0, "Hello there, all of you.")])
        .await;
    site.clock.advance(std::time::Duration::from_secs(3600));
    site.hub.sweep();
    assert!(site.hub.is_empty());
    let mut viewer = Viewer::open(&site, PATH, None).await;
    let (_, snapshot) = viewer.next().await.unwrap();
    assert_eq!(snapshot["kind"], "final");
    assert_eq!(snapshot["segments"][0]["text"], "Hello there, all of you.");
    let (name, ended) = viewer.next().await.unwrap();
    assert_eq!(
        (name.as_str(), ended["state"].as_str()),
        ("ended", Some("final"))
    );
    assert!(viewer.next().await.is_none());
}

#[tokio::test]
async fn the_list_is_told_of_calls_and_their_states() {
    let site = Site::open().await;
    let mut viewer = Viewer::open(&site, "/api/v1/events", None).await;
    assert_eq!(viewer.names(1).await, ["snapshot"]);
    let line = site.call("CA1").await;
    let (name, event) = viewer.next().await.unwrap();
    assert_eq!(name, "call");
    assert_eq!(
        (&event["call"], &event["state"]),
        (&"CA1".into(), &"live".into())
    );
    line.partial(Inbound, 0, 0.0, "helo");
    line.delta(Inbound, 0, 0.0, "hello");
    line.partial(Inbound, 0, 0.4, "there");
    let (name, words) = viewer.next().await.unwrap();
    let expected =
        serde_json::json!([{ "call": "CA1", "track": "inbound", "text": "hello there" }]);
    assert_eq!(
        (name.as_str(), &words["calls"]),
        ("words", &expected),
        "once, and the last of them"
    );
    assert!(!viewer.last_id.is_empty());
    line.partial(Inbound, 0, 0.4, "not any more");
    line.state(CallState::Finishing);
    assert_eq!(viewer.next().await.unwrap().1["state"], "finishing");
}

#[tokio::test]
async fn viewers_are_let_go_when_the_process_ends_and_refused_when_there_are_too_many() {
    let options = hub::Options {
        max_viewers: 1,
        ..hub::Options::default()
    };
    let site = Site::open_with(options, "127.0.0.1:80", None).await;
    site.call("CA1").await;
    let mut viewer = Viewer::open(&site, PATH, None).await;
    assert_eq!(viewer.names(1).await, ["snapshot"]);
    let refused = site.get("/api/v1/events").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.json()["error"]["code"], "too_many_viewers");
    site.closing.cancel();
    assert!(viewer.next().await.is_none());
    drop(viewer);
    Viewer::open(&site, "/api/v1/events", None).await;
}

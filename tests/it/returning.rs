//! A returning customer, by the real program: calls that were nobody's find him when he is brought in, and what
//! whoever answers next should know of him.

use std::{path::Path, process::Command, time::Duration};

use callscribe::{
    ids::Track,
    store::{self, LiveSegment, NewCall, NewStream, Store, StreamEnd},
    time::MediaTime,
};
use serde_json::Value;
use tokio::time::sleep;

use crate::{
    crash::Program,
    harness::line::{nobody, segment},
};

const CONFIG: &str = "[people]\nregion = \"US\"\ntime_zone = \"America/New_York\"\n\
    own_numbers = [\"+19167408768\"]\n";

fn url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("data/callscribe.db").display())
}

/// A call of three minutes that is over, with what was said on it.
async fn called(store: &Store, sid: &str, at: &str, text: &str) {
    let opened_at = at.parse().unwrap();
    let call = NewCall {
        from: Some("+1-555-0123".into()),
        to: Some("+19167408768".into()),
        direction: Some("inbound".into()),
        ..nobody(sid)
    };
    let stream = NewStream {
        sid: "MZ1".parse().unwrap(),
        speakers: [None, None],
        parameters: Default::default(),
        opened_at,
    };
    let key = store.open_stream(&call, &stream).await.unwrap().key;
    let said = LiveSegment {
        stream: key.clone(),
        utterance: 0,
        segment: segment(Track::Inbound, None, 0.0, text),
    };
    store.append_segments(&[said]).await.unwrap();
    let end = StreamEnd {
        at: opened_at + jiff::SignedDuration::from_secs(180),
        reason: "stop".into(),
        duration: MediaTime::from_ms(180_000),
        counters: Value::Null,
    };
    store.close_stream(&key, &end).await.unwrap();
    let settled = store.settle_without_final(&call.sid, "nothing was recorded", end.at);
    settled.await.unwrap();
}

fn import(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_callscribe"))
        .args(["import", name])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stdout)
    );
}

async fn until(program: &Program, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..300 {
        last = program.get(path).await;
        if is_so(&last) {
            return last;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("{path} did not come to it within 30 s: {last}");
}

#[tokio::test]
async fn the_next_call_of_a_returning_customer_has_context() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("callscribe.toml"), CONFIG).unwrap();
    import(
        folder.path(),
        "customers.csv",
        "id,name,phone,preferences\n1,John Smith,+15550123,vegetarian;parking\n",
    );
    let booked =
        "id,customer,date,status,guests,title\n7,1,2024-11-15,confirmed,30,hibachi party\n";
    import(folder.path(), "bookings.csv", booked);
    let options = store::Options {
        url: url(folder.path()),
        ..store::Options::default()
    };
    let store = Store::open(&options).await.unwrap();
    for (sid, at, text) in [
        (
            "CA1",
            "2024-11-08T14:15:00Z",
            "Hello, what would thirty people cost?",
        ),
        (
            "CA2",
            "2024-11-10T19:20:00Z",
            "Is our booking confirmed, and where can we park?",
        ),
        (
            "CA3",
            "2024-11-15T15:27:00Z",
            "This is John Smith. My hibachi party next Friday is for 30 people. Do you have vegetarian options?",
        ),
    ] {
        called(&store, sid, at, text).await;
    }
    store.close().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let program = Program::start(folder.path(), port).await;
    let link = until(&program, "/api/v1/calls/CA3/link", |link| {
        link["customer_id"].is_string()
    })
    .await;
    let customer = link["customer_id"].as_str().unwrap();
    assert!(link["booking_id"].is_string(), "{link}");
    let parts = &link["parts"];
    assert_eq!(
        (&parts["same_day"], &parts["named"], &parts["agreeing"]),
        (&3.into(), &5.into(), &1.into())
    );
    let path = format!("/api/v1/conversations/customer/{customer}");
    let history = until(&program, &path, |history| history["total_calls"] == 3).await;
    assert_eq!(history["customer_name"], "John Smith");
    let newest = &history["conversations"][0];
    assert_eq!(
        (&newest["id"], &newest["duration_seconds"]),
        (&"CA3".into(), &180.0.into())
    );
    assert_eq!(newest["call_started_at"], "2024-11-15T15:27:00Z");
    assert_eq!(newest["booking_id"], link["booking_id"]);
    knows(&program, customer).await;
}

/// What whoever answers is told.
async fn knows(program: &Program, customer: &str) {
    let path = format!("/api/v1/customers/{customer}/context?format=json");
    let context = program.get(&path).await;
    let text = context["text"].as_str().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "Customer: John Smith");
    for (line, said) in [
        (2, "- 2024-11-15 10:27: "),
        (3, "- 2024-11-10 14:20: "),
        (4, "- 2024-11-08 09:15: "),
        (5, "Preferences: vegetarian, parking"),
        (
            6,
            "Booking: 2024-11-15, confirmed, 30 guests, hibachi party",
        ),
    ] {
        assert!(lines[line].starts_with(said), "{text}");
    }
}

//! A returning customer, by the real program: his calls find him and his booking, a language model says what they
//! meant, and whoever answers next knows it while the phone rings.

use std::{
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Json, Router, extract::State, http::HeaderMap, routing::post};
use callscribe::{
    ids::Track,
    store::{self, LiveSegment, NewCall, NewStream, Store, StreamEnd},
    tasks,
    time::MediaTime,
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    crash::Program,
    harness::line::{nobody, segment},
};

const CONFIG: &str = "[people]\nregion = \"US\"\ntime_zone = \"America/New_York\"\n\
    own_numbers = [\"+19167408768\"]\n\
    [insight.model]\nname = \"fake-1\"\napi_key = \"sk-fake\"\n";

/// His calls: when, what was said, and what the model makes of it.
fn calls() -> [(&'static str, &'static str, &'static str, Value); 3] {
    let meant = |title: &str,
                 points: [&str; 2],
                 sentiment: &str,
                 topics: Value,
                 intent: &str,
                 todo: Value| {
        json!({
            "service": null, "city": null, "confidence": 0.9,
            "summary": { "title": title, "points": points },
            "preferred_time": null, "customer_name": null, "sentiment": sentiment,
            "topics": topics, "intent": intent, "action_items": todo,
        })
    };
    [
        (
            "CA1",
            "2024-11-08T14:15:00Z",
            "Hello, I would like to know the prices of a hibachi party for 30 people.",
            meant(
                "First inquiry about prices for 30 people",
                ["A hibachi party", "He would like to know the prices"],
                "neutral",
                json!(["prices"]),
                "inquiry",
                json!([]),
            ),
        ),
        (
            "CA2",
            "2024-11-10T19:20:00Z",
            "Is our booking confirmed for the party? And where can we park, is there parking?",
            meant(
                "Is the booking confirmed, and where is parking",
                ["The party booking is confirmed", "Where can we park"],
                "positive",
                json!(["parking"]),
                "confirmation",
                json!([]),
            ),
        ),
        (
            "CA3",
            "2024-11-15T15:27:00Z",
            "This is John Smith. My hibachi party next Friday is for 30 people. Do you have vegetarian options?",
            meant(
                "Vegetarian options for the party, 30 people",
                [
                    "Hibachi party next Friday",
                    "Do you have vegetarian options",
                ],
                "positive",
                json!(["catering", "dietary"]),
                "modification",
                json!(["add vegetarian options"]),
            ),
        ),
    ]
}

/// A model behind OpenAI's interface that knows the answers to these calls, and keeps what it was asked.
#[derive(Default)]
struct Model {
    asked: Mutex<Vec<(HeaderMap, Value)>>,
}

impl Model {
    async fn start() -> (Arc<Self>, SocketAddr) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let model = Arc::new(Self::default());
        let router = Router::new()
            .route("/v1/chat/completions", post(answer))
            .with_state(Arc::clone(&model));
        drop(tasks::spawn("model", async move {
            axum::serve(listener, router).await.unwrap();
        }));
        (model, address)
    }

    /// Each call once, by name and key, in the asked form, and no word of another.
    fn was_asked_well(&self) {
        let asked = self.asked.lock().unwrap();
        assert_eq!(asked.len(), calls().len(), "{asked:?}");
        for (sid, _, said, _) in calls() {
            let of_it = asked
                .iter()
                .filter(|(_, body)| body.to_string().contains(said));
            let of_it: Vec<_> = of_it.collect();
            assert_eq!(of_it.len(), 1, "{sid}");
            let (headers, body) = of_it[0];
            assert_eq!(headers["authorization"], "Bearer sk-fake");
            assert_eq!(body["model"], "fake-1");
            assert_eq!(body["response_format"]["type"], "json_schema");
            let roles = [&body["messages"][0]["role"], &body["messages"][1]["role"]];
            assert_eq!(roles, ["system", "user"]);
            let text = body.to_string();
            let others = calls().into_iter().filter(|other| other.0 != sid);
            for other in others {
                assert!(
                    !text.contains(other.2),
                    "{sid} with the words of {}",
                    other.0
                );
            }
            assert!(!text.contains("555"), "no number leaves with it");
        }
    }
}

async fn answer(
    State(model): State<Arc<Model>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Json<Value> {
    let question = body["messages"][1]["content"].to_string();
    model.asked.lock().unwrap().push((headers, body));
    let known = calls().into_iter().find(|call| question.contains(call.2));
    let told = known.map_or(Value::Null, |call| call.3);
    Json(json!({ "choices": [{ "message": { "content": told.to_string() } }] }))
}

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
    let (model, address) = Model::start().await;
    let config = format!("{CONFIG}url = \"http://{address}/v1\"\n");
    std::fs::write(folder.path().join("callscribe.toml"), config).unwrap();
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
    for (sid, at, text, _) in calls() {
        called(&store, sid, at, text).await;
    }
    store.close().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let program = Program::start(folder.path(), port).await;
    let customer = is_linked(&program).await;
    has_history(&program, &customer).await;
    model.was_asked_well();
    let path = format!("/api/v1/customers/{customer}/context?format=json");
    let context = program.get(&path).await;
    knows(context["text"].as_str().unwrap());
    rings(&program, port, &customer).await;
}

/// The third call to him and his booking, by what speaks for it.
async fn is_linked(program: &Program) -> String {
    let link = until(program, "/api/v1/calls/CA3/link", |link| {
        link["customer_id"].is_string()
    })
    .await;
    assert!(link["booking_id"].is_string(), "{link}");
    let parts = &link["parts"];
    assert_eq!(
        (&parts["same_day"], &parts["named"], &parts["agreeing"]),
        (&3.into(), &5.into(), &1.into())
    );
    link["customer_id"].as_str().unwrap().to_owned()
}

async fn has_history(program: &Program, customer: &str) {
    let path = format!("/api/v1/conversations/customer/{customer}");
    let is_whole = |history: &Value| {
        let all = history["conversations"].as_array();
        let meant = all.map_or(0, |all| {
            let known = all.iter().filter(|one| one["ai_insights"].is_object());
            known.count()
        });
        history["total_calls"] == 3 && meant == 3
    };
    let history = until(program, &path, is_whole).await;
    assert_eq!(history["customer_id"], customer);
    assert_eq!(history["customer_name"], "John Smith");
    let link = program.get("/api/v1/calls/CA3/link").await;
    let newest = &history["conversations"][0];
    for (key, expected) in [
        ("id", json!("CA3")),
        ("call_started_at", json!("2024-11-15T15:27:00Z")),
        ("duration_seconds", json!(180.0)),
        ("call_type", json!("inbound")),
        ("booking_id", link["booking_id"].clone()),
        ("transcript_excerpt", json!(calls()[2].2)),
        (
            "ai_insights",
            json!({
                "sentiment": "positive", "topics": ["catering", "dietary"],
                "intent": "modification", "action_items": ["add vegetarian options"],
            }),
        ),
        ("confidence", json!(99)),
    ] {
        assert_eq!(newest[key], expected, "{key}: {newest}");
    }
}

/// What whoever answers is told.
fn knows(context: &str) {
    let expected = "Customer: John Smith\nRecent calls, newest first:\n\
        - 2024-11-15 10:27: Vegetarian options for the party, 30 people (positive); to do: add vegetarian options\n\
        - 2024-11-10 14:20: Is the booking confirmed, and where is parking (positive)\n\
        - 2024-11-08 09:15: First inquiry about prices for 30 people (neutral)\n\
        Preferences: vegetarian, parking\n\
        Booking: 2024-11-15, confirmed, 30 guests, hibachi party";
    assert_eq!(context, expected);
}

/// He calls again: before anybody has said a word, it is known who he is.
async fn rings(program: &Program, port: u16, customer: &str) {
    let form =
        "CallSid=CA4&From=%2B15550123&To=%2B19167408768&Direction=inbound&CallStatus=ringing";
    let rung = reqwest::Client::new()
        .post(format!("http://127.0.0.1:{port}/webhook/twilio/voice"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .unwrap();
    assert!(rung.status().is_success(), "{}", rung.status());
    let leads = program.get("/api/v1/leads?call_sid=CA4").await;
    let id = leads["leads"][0]["id"].as_str().unwrap();
    let lead = program.get(&format!("/api/v1/leads/{id}")).await;
    assert_eq!(lead["customer"]["id"], customer);
    knows(lead["customer"]["context"].as_str().unwrap());
}

#[test]
fn labelled_calls_are_linked_as_promised() {
    let sets = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/people");
    let done = Command::new(env!("CARGO_BIN_EXE_callscribe"))
        .arg("evaluate-links")
        .args(["jerusalem", "london", "new-york"].map(|set| sets.join(set)))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(said.contains("273"), "{said}");
}

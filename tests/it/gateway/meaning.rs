//! From the socket to what the call meant, by a model that is there and one that is not.

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, routing::post};
use callscribe::{config::Config, ids::Track, insight::Named, tasks};
use serde_json::{Value, json};

use super::{
    peer::Peer,
    server::{TestServer, serve},
    story::talk,
};

/// The engine hears "this is what was said on the line".
fn lists(config: &mut Config) {
    let named = |name: &str, synonyms: &[&str]| Named {
        name: name.into(),
        synonyms: synonyms.iter().map(|&text| text.into()).collect(),
    };
    config.insight.services = vec![named("telephony", &["on the line"])];
    config.insight.cities = vec![named("Haifa", &[])];
}

async fn call(server: &TestServer) {
    let mut peer = Peer::connect(&server.media(), "CA1", "MZ1").await;
    peer.start(&[Track::Inbound], &[("language", "en")]).await;
    for (n, frames) in (0..).zip(talk()[0].chunks(1600)) {
        peer.speak(Track::Inbound, n * 200, frames).await;
    }
    peer.stop().await;
    peer.closed().await;
    server.settled("CA1").await;
}

async fn understood(server: &TestServer) -> Value {
    for _ in 0..300 {
        let answer = server.get("/api/v1/calls/CA1/insight").await;
        if answer.status().is_success() {
            return answer.json().await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the call is not understood after 30 s");
}

#[tokio::test]
async fn a_call_is_understood_though_its_model_is_down() {
    let server = serve(|config| {
        lists(config);
        config.insight.model.url = "http://127.0.0.1:1/v1".into();
        config.insight.model.name = "none".into();
        config.insight.model.retry_first_ms = 10;
    })
    .await;
    call(&server).await;
    let told = understood(&server).await;
    assert_eq!(
        (&told["path"], &told["service"]),
        (&json!("on_box"), &json!("telephony"))
    );
    assert_eq!(told["city"], json!(null));
    assert!(
        told["final_transcript"]
            .as_str()
            .unwrap()
            .contains("on the line"),
        "{told}"
    );
    assert!(!told["made_by"]["model_failed"].as_str().unwrap().is_empty());
    let page = server.get("/calls/CA1").await.text().await.unwrap();
    assert!(
        page.contains("telephony") && page.contains("on this machine"),
        "{page}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_call_is_understood_by_its_model() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(json!({
        "service": "telephony", "city": "Haifa", "confidence": 0.9,
        "summary": { "title": "What was said on the line", "points": ["this is what was", "said on the line"] },
        "preferred_time": null, "customer_name": null, "sentiment": "neutral",
        "topics": ["line"], "intent": "question", "action_items": [],
    }));
    let router = Router::new().route(
        "/v1/chat/completions",
        post(move || {
            let text = answer.to_string();
            async move { Json(json!({ "choices": [{ "message": { "content": text } }] })) }
        }),
    );
    drop(tasks::spawn("model", async move {
        axum::serve(listener, router).await.unwrap();
    }));
    let server = serve(|config| {
        lists(config);
        config.insight.model.url = format!("http://{address}/v1");
        config.insight.model.name = "small".into();
    })
    .await;
    call(&server).await;
    let told = understood(&server).await;
    assert_eq!(
        (&told["path"], &told["service"]),
        (&json!("model"), &json!("telephony"))
    );
    assert_eq!(told["city"], json!(null), "nobody said it");
    assert_eq!(told["intent"], "question");
    assert_eq!(told["made_by"]["model"], "small");
    server.stop().await;
}

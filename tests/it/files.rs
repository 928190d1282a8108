//! Two files about the same, by the real program and a model server that checks what it is asked: the first
//! one's domain is new and gets a prompt, which the second one is read by. Needs `CALLSCRIBE_MODELS`.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    crash::Program,
    harness::model::{FakeModel, Question},
};

const RECORDING: &[u8] = include_bytes!("../fixtures/audio/two_speakers.mp3");
const PROMPT: &str = "issue, device, since";

fn configure(folder: &Path, model: &str) {
    let text = format!(
        "[insight.model]\nurl = \"{model}\"\nname = \"fake\"\nrest_s = 0\n\
         [files]\nwait_s = 600\n"
    );
    std::fs::write(folder.join("callscribe.toml"), text).unwrap();
}

async fn transcribed(base: &str, name: &str) -> Value {
    let mut body = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
    )
    .into_bytes();
    body.extend(RECORDING);
    body.extend(b"\r\n--edge--\r\n");
    let asked = reqwest::Client::new()
        .post(format!("{base}/api/transcribe/"))
        .header("Content-Type", "multipart/form-data; boundary=edge")
        .body(body);
    let answer = asked.send().await.unwrap();
    let (status, body) = (answer.status(), answer.json::<Value>().await.unwrap());
    assert_eq!(status, 200, "{body}");
    body
}

/// Of which each answer is known.
async fn technical_support() -> Arc<FakeModel> {
    let model = FakeModel::start().await;
    for (question, answer, tokens) in [
        (
            Question::Detect,
            json!({ "domain": "internet", "category": "technical_support", "confidence": 0.8 }),
            (1_250, 890),
        ),
        (
            Question::Extract,
            json!({
                "general": { "agent_name": "John", "sentiment": "negative", "resolution": "unresolved" },
                "domain_specific": { "device": "router", "is_urgent": true },
            }),
            (2_100, 1_500),
        ),
        (Question::Write, json!({ "prompt": PROMPT }), (10, 10)),
        (Question::Other, json!({}), (1, 1)),
    ] {
        model.say(question, answer, tokens);
    }
    model
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_domain_is_known_the_second_time() {
    if std::env::var_os("CALLSCRIBE_MODELS").is_none() {
        eprintln!("skipped: needs CALLSCRIBE_MODELS (a folder with ggml-tiny.en.bin)");
        return;
    }
    callscribe::speech::models::pull::tls::install_provider();
    let model = technical_support().await;
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), &model.url);
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let program = Program::start(folder.path(), port).await;
    let base = format!("http://127.0.0.1:{port}");
    let pair = format!("{base}/api/v1/prompts/internet/technical_support");
    let gone = reqwest::Client::new().delete(&pair).send().await.unwrap();
    assert_eq!(gone.status(), 204, "as if nobody had known of it");

    let first = transcribed(&base, "support 1.mp3").await;
    assert_eq!(
        (&first["domain"], &first["category"]),
        (&json!("internet"), &json!("technical_support"))
    );
    assert_eq!(
        first["token_usage"]["total"],
        json!({ "input": 3_350, "output": 2_390, "total": 5_740 })
    );
    let text = first["transcription"].as_str().unwrap();
    assert!(
        text.starts_with("[00:0") && text.contains("] Agent: ") && text.contains("silly"),
        "{text}"
    );
    // Neither John nor a router is spoken of.
    assert_eq!(first["domain_specific_data"], json!({ "is_urgent": true }));
    assert_eq!(first["general"]["agent_name"], Value::Null);
    let asked = model.seen(Question::Extract);
    assert!(
        asked[0].contains("silly") && !asked[0].contains(PROMPT),
        "{asked:?}"
    );

    let made = async || {
        let prompts = program.get("/api/v1/prompts").await;
        let prompts = prompts["prompts"].as_array().unwrap().clone();
        prompts.iter().any(|prompt| prompt["prompt"] == PROMPT)
    };
    for _ in 0..300 {
        if made().await {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    let second = transcribed(&base, "support 2.mp3").await;
    assert_eq!(second["filename"], "support 2.mp3");
    let asked = model.seen(Question::Extract);
    assert!(asked[1].contains(PROMPT), "{asked:?}");
    assert!(model.seen(Question::Detect)[1].contains("internet: technical_support"));
    assert_eq!(model.seen(Question::Write).len(), 1);
    let files = program.get("/api/v1/files").await;
    assert_eq!(files["files"].as_array().unwrap().len(), 2, "{files}");
}

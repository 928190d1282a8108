//! Audio files at the API.

mod failures;

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use callscribe::{
    after::{Runner, files::Options},
    store::Role,
};
use serde_json::json;

use crate::harness::{
    model::{FakeModel, Question},
    site::{Answer, SAID, Site},
};

const FILES: &str = "/api/v1/files";
const OLD: &str = "/api/transcribe/";
const MP3: &[u8] = include_bytes!("../../fixtures/audio/stereo_440_1000.mp3");
const ASYNC: [(&str, &str); 1] = [("prefer", "respond-async")];

/// A tone of a second in each channel.
fn wav(hertz: &[u32]) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: u16::try_from(hertz.len()).unwrap(),
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for n in 0..8_000_u32 {
        for hertz in hertz {
            let is_up = (n * hertz / 4_000).is_multiple_of(2);
            writer
                .write_sample(if is_up { 9_000_i16 } else { -9_000 })
                .unwrap();
        }
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

fn refused(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.json()["error"]["code"], code);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_becomes_a_call_with_two_speakers() {
    let site = Site::open().await;
    let runner = Runner::start(&site.jobs);
    for path in [OLD, FILES] {
        let answer = site.send_files(path, &[("../call.mp3", MP3)], &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let body = answer.json();
        assert_eq!(body["filename"], "call.mp3");
        assert_eq!(
            (&body["stored"], &body["state"]),
            (&json!(true), &json!("done"))
        );
        let text = body["transcription"].as_str().unwrap();
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                format!("[00:00-00:05] Customer: {SAID}"),
                format!("[00:00-00:05] Agent: {SAID}")
            ]
        );
        assert_eq!(site.get(answer.header("location")).await.json(), body);
        assert_eq!(body["category"], "appointment_scheduling", "{body}");
        assert_eq!(body["detected_by"], "on_box");
        assert_eq!(
            body["domain_specific_data"],
            json!({ "dates": ["December 15th"], "provider": "Dr. Smith" })
        );
        assert_eq!(body["token_usage"]["total"]["total"], 0);
        let call = site.get(body["call"].as_str().unwrap()).await.json();
        assert_eq!(call["direction"], "file", "{call}");
        assert_eq!(
            site.get(body["page"].as_str().unwrap()).await.status,
            StatusCode::OK
        );
    }
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn channels_that_hold_the_same_are_one_speaker() {
    let site = Site::open().await;
    let runner = Runner::start(&site.jobs);
    for (hertz, speakers) in [(&[440][..], 1), (&[440, 440], 1), (&[440, 900], 2)] {
        let answer = site.send_files(FILES, &[("a.wav", &wav(hertz))], &[]).await;
        let body = answer.json();
        let lines = body["transcription"].as_str().unwrap().lines().count();
        assert_eq!(lines, speakers, "{hertz:?}: {body}");
    }
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_does_not_wait_is_told_where_to_look() {
    let site = Site::open().await;
    let answer = site.send_files(FILES, &[("a.mp3", MP3)], &ASYNC).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    let place = answer.header("location").to_owned();
    assert_eq!(answer.json()["state"], "transcribing");
    assert_eq!(site.get(&place).await.json()["state"], "transcribing");
    let runner = Runner::start(&site.jobs);
    // The stream ends by itself, once the file is done.
    let events = site.get(&format!("{place}/events")).await;
    assert!(
        events.text().contains("event: ended\n"),
        "{}",
        events.text()
    );
    assert!(events.text().contains(SAID), "{}", events.text());
    runner.stop().await;
    let list = site.get(FILES).await.json();
    assert_eq!(list["files"][0]["state"], "done", "{list}");
    let missing = site.get(&format!("{FILES}/FI1")).await;
    refused(&missing, StatusCode::NOT_FOUND, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_audio_is_refused_and_leaves_nothing() {
    let mut site = Site::open().await;
    site.limit_files(Options {
        most_bytes: 100_000,
        most_seconds: 1,
        most_files: 2,
        ..Options::default()
    });
    let head = &wav(&[440])[..44];
    let long = [wav(&[440]), vec![1; 60_000]].concat();
    for (name, bytes, status, code) in [
        ("a.mp3", &b""[..], StatusCode::BAD_REQUEST, "empty_file"),
        (
            "a.wav",
            b"<html>",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_audio",
        ),
        (
            "a.mp3",
            &[b'%'; 50_000],
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_audio",
        ),
        (
            "a.flac",
            b"fLaC and then a letter",
            StatusCode::UNPROCESSABLE_ENTITY,
            "unreadable_audio",
        ),
        ("a.wav", head, StatusCode::UNPROCESSABLE_ENTITY, "no_sound"),
        (
            "a.wav",
            &[0; 100_001],
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
        ),
    ] {
        let answer = site.send_files(FILES, &[(name, bytes)], &ASYNC).await;
        refused(&answer, status, code);
    }
    // Its head names a second; what is beyond that is no sound.
    let answer = site.send_files(FILES, &[("a.wav", &long)], &ASYNC).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    refused(
        &site.send_files(FILES, &[], &[]).await,
        StatusCode::BAD_REQUEST,
        "bad_request",
    );
    let three = [("a.mp3", MP3); 3];
    let answer = site.send_files(FILES, &three, &[]).await;
    refused(&answer, StatusCode::PAYLOAD_TOO_LARGE, "too_many");
    let answer = site.send_files(FILES, &[("b.mp3", MP3)], &[]).await;
    assert_eq!(
        answer.status,
        StatusCode::PAYLOAD_TOO_LARGE,
        "{}",
        answer.text()
    );
    assert_eq!(answer.json()["error"]["code"], "too_long");
    let list = site.get(FILES).await.json();
    assert_eq!(list["files"].as_array().unwrap().len(), 1, "{list}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_several_may_be_refused() {
    let site = Site::open().await;
    let files: [(&str, &[u8]); 3] = [("a.mp3", MP3), ("b.mp3", b"no"), ("c.wav", &wav(&[440]))];
    let answer = site.send_files(FILES, &files, &ASYNC).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let body = answer.json();
    let names: Vec<_> = (0..3)
        .map(|n| body["files"][n]["filename"].clone())
        .collect();
    assert_eq!(names, ["a.mp3", "b.mp3", "c.wav"]);
    assert_eq!(body["files"][1]["error"]["code"], "not_audio", "{body}");
    assert_eq!(
        site.get(FILES).await.json()["files"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

fn detected(model: &FakeModel, domain: &str, category: &str) {
    let answer = json!({ "domain": domain, "category": category, "confidence": 0.9 });
    model.say(Question::Detect, answer, (1_250, 890));
}

fn extracted(model: &FakeModel) {
    let answer = json!({
        "general": { "agent_name": "John", "customer_name": "Alice", "sentiment": "positive",
            "resolution": "resolved", "topics": ["appointment"], "action_items": ["confirm it"] },
        "domain_specific": { "appointment_date": "2025-12-15", "provider": "Dr. Smith",
            "patient": { "name": "Alice", "insurance_number": "77123" } },
    });
    model.say(Question::Extract, answer, (2_100, 1_500));
}

/// A site whose files a model reads; what it does not know it answers with 500.
async fn modelled() -> (Site, Arc<FakeModel>) {
    let model = FakeModel::start().await;
    let mut site = Site::open().await;
    let insight = model.insight(&site.clock);
    site.read_by(insight);
    model.say(Question::Other, json!({}), (1, 1));
    (site, model)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_a_known_pair_is_read_by_its_prompt() {
    let (site, model) = modelled().await;
    detected(&model, "healthcare", "appointment_scheduling");
    extracted(&model);
    let runner = Runner::start(&site.jobs);
    let answer = site.send_files(OLD, &[("call.mp3", MP3)], &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let body = answer.json();
    let usage = |input: u32, output: u32| json!({ "input": input, "output": output, "total": input + output });
    for (key, expected) in [
        ("filename", json!("call.mp3")),
        ("domain", json!("healthcare")),
        ("category", json!("appointment_scheduling")),
        ("sentiment", json!("positive")),
        // Nobody said the number.
        (
            "domain_specific_data",
            json!({ "appointment_date": "2025-12-15", "provider": "Dr. Smith", "patient.name": "Alice" }),
        ),
        (
            "token_usage",
            json!({
                "stage1_transcription_and_detection": usage(1_250, 890),
                "stage2_combined_analysis": usage(2_100, 1_500),
                "total": usage(3_350, 2_390),
            }),
        ),
        (
            "notes",
            json!(["patient.insurance_number: dropped, not said"]),
        ),
    ] {
        assert_eq!(body[key], expected, "{key}");
    }
    assert_eq!(body["general"]["agent_name"], "John");
    let asked = model.seen(Question::Extract);
    assert!(asked[0].contains("whom the patient sees"), "{asked:?}");
    assert!(asked[0].contains("Alice here"), "{asked:?}");
    let known = model.seen(Question::Detect).remove(0);
    assert!(known.contains("insurance: premium_payment"), "{known}");
    assert_eq!(model.seen(Question::Write), [""; 0]);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_pair_gets_its_prompt_once_and_for_all() {
    let (site, model) = modelled().await;
    detected(&model, "gardening", "hedge_trimming");
    extracted(&model);
    model.say(
        Question::Write,
        json!({ "prompt": "hedge_length, hedge_height" }),
        (10, 10),
    );
    let tone = wav(&[440]);
    let ten: Vec<(&str, &[u8])> = (0..10).map(|_| ("a.wav", &tone[..])).collect();
    let runner = Runner::start(&site.jobs);
    let answer = site.send_files(FILES, &ten, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    for file in answer.json()["files"].as_array().unwrap() {
        assert_eq!(file["category"], "hedge_trimming", "{file}");
    }
    let made = loop {
        let prompts = site.get("/api/v1/prompts").await.json();
        let prompts = prompts["prompts"].as_array().unwrap().clone();
        let mut of = prompts
            .into_iter()
            .filter(|prompt| prompt["domain"] == "gardening");
        match of.next() {
            Some(made) if !made["prompt"].is_null() => break made,
            _ => tokio::task::yield_now().await,
        }
    };
    assert_eq!(made["prompt"], "hedge_length, hedge_height");
    assert_eq!(model.seen(Question::Write).len(), 1, "ten files asked");
    let before = model.seen(Question::Extract).len();
    site.send_files(FILES, &[("b.wav", &tone)], &[]).await;
    let asked = model.seen(Question::Extract).split_off(before);
    assert!(asked[0].contains("hedge_length, hedge_height"), "{asked:?}");
    assert_eq!(model.seen(Question::Write).len(), 1, "it is known by now");
    runner.stop().await;
}

#[tokio::test]
async fn prompts_are_a_persons_to_change() {
    let site = Site::open().await;
    let count = || async {
        let prompts = site.get("/api/v1/prompts").await.json();
        prompts["prompts"].as_array().unwrap().len()
    };
    assert_eq!(count().await, 7);
    let path = "/api/v1/prompts/internet/outage";
    for (body, status) in [
        (json!({ "prompt": " " }), StatusCode::BAD_REQUEST),
        (json!({}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "prompt": "since, place" }), StatusCode::NO_CONTENT),
    ] {
        let answer = site.send_json(Method::PUT, path, &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    assert_eq!(count().await, 8);
    let bad = site
        .send_json(
            Method::PUT,
            "/api/v1/prompts/1/%3Cb%3E",
            &json!({ "prompt": "x" }),
        )
        .await;
    refused(&bad, StatusCode::BAD_REQUEST, "bad_request");
    assert_eq!(
        site.ask(Method::DELETE, path, &[]).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        site.ask(Method::DELETE, path, &[]).await.status,
        StatusCode::NOT_FOUND
    );
}

/// Uploading needs its own scope, and a page of ours.
#[tokio::test]
async fn not_everybody_may_upload() {
    let site = Site::open().await;
    site.account("dana", Role::Admin).await;
    site.account("rina", Role::Viewer).await;
    let viewer = site.cookie_of("rina").await;
    let admin = site.cookie_of("dana").await;
    let reads = site.token("reads", "calls:read", None).await;
    let writes = site.token("writes", "files:write", None).await;
    let own = ("sec-fetch-site", "same-origin");
    for (headers, status) in [
        (&[own][..], StatusCode::UNAUTHORIZED),
        (&[("authorization", reads.as_str())], StatusCode::FORBIDDEN),
        (&[("cookie", &viewer), own], StatusCode::FORBIDDEN),
        (&[("cookie", &admin)], StatusCode::FORBIDDEN),
        (
            &[("cookie", &admin), ("sec-fetch-site", "cross-site")],
            StatusCode::FORBIDDEN,
        ),
        (
            &[("authorization", &writes), ASYNC[0]],
            StatusCode::ACCEPTED,
        ),
        (&[("cookie", &admin), own, ASYNC[0]], StatusCode::ACCEPTED),
    ] {
        for path in [OLD, FILES] {
            let answer = site.send_files(path, &[("a.mp3", MP3)], headers).await;
            assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
        }
    }
    let page = site
        .ask(Method::GET, "/files", &[("cookie", &viewer)])
        .await;
    assert!(
        !page.text().contains("<form id=\"bring\""),
        "{}",
        page.text()
    );
    site.access.settled().await;
    let bearer = [("cookie", admin.as_str())];
    let log = site.ask(Method::GET, "/api/v1/audit?action=file.uploaded", &bearer);
    assert_eq!(log.await.json()["entries"].as_array().unwrap().len(), 4);
}

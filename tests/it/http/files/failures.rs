//! The model's server and the database fail, each at every stage.

use axum::http::{Method, StatusCode};
use callscribe::after::Runner;
use serde_json::json;

use super::{FILES, MP3, OLD, detected, extracted, modelled};
use crate::harness::{
    model::{Question, Reply},
    site::{SAID, Site},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_database_the_file_is_heard_and_nothing_kept() {
    let site = Site::open().await;
    site.store.close().await;
    let answer = site.send_files(OLD, &[("a.mp3", MP3)], &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["stored"], false);
    assert!(
        body["transcription"].as_str().unwrap().contains(SAID),
        "{body}"
    );
    let left = std::fs::read_dir(&site.jobs.recordings).unwrap();
    let left: Vec<_> = left
        .filter(|e| e.as_ref().unwrap().path().is_file())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// What a model server may do instead of answering, and what tokens it counts at that.
fn broken() -> [(Reply, u64); 7] {
    let says = |text: &str| Reply::Says(text.into(), (10, 1));
    [
        (Reply::Status(500), 0),
        (Reply::Status(401), 0),
        (Reply::Junk, 0),
        (Reply::Silence, 0),
        // What it says is no good, twice.
        (says("I am only a model."), 22),
        (says(r#"{"domain": 7}"#), 22),
        (says(""), 22),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_first_stage_the_transcript_is_kept() {
    let (site, model) = modelled().await;
    let runner = Runner::start(&site.jobs);
    for (reply, tokens) in broken() {
        model.reply(Question::Detect, reply.clone());
        let answer = site.send_files(FILES, &[("a.mp3", MP3)], &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{reply:?}");
        let body = answer.json();
        assert_eq!(body["error"]["code"], "stage_one_failed", "{reply:?}");
        assert_eq!(body["failed"]["stage"], 1, "{reply:?}");
        assert_eq!(body["token_usage"]["total"]["total"], tokens, "{reply:?}");
        assert!(
            body["transcription"].as_str().unwrap().contains(SAID),
            "{body}"
        );
        let kept = format!("{}/transcript", body["call"].as_str().unwrap());
        let kept = site.get(&kept).await;
        assert!(kept.text().contains("Alice"), "{}", kept.text());
    }
    assert_eq!(model.seen(Question::Extract), [""; 0]);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_second_stage_what_is_known_is_told() {
    let (site, model) = modelled().await;
    detected(&model, "healthcare", "appointment_scheduling");
    let runner = Runner::start(&site.jobs);
    for (reply, tokens) in broken() {
        model.reply(Question::Extract, reply.clone());
        let answer = site.send_files(FILES, &[("a.mp3", MP3)], &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{reply:?}");
        let body = answer.json();
        assert_eq!(body["failed"]["stage"], 2, "{reply:?}: {body}");
        assert_eq!(
            (&body["domain"], &body["extracted_by"]),
            (&json!("healthcare"), &json!("on_box"))
        );
        assert_eq!(
            body["domain_specific_data"]["dates"],
            json!(["December 15th"])
        );
        assert_eq!(body["token_usage"]["total"]["total"], 2_140 + tokens);
        assert!(
            body["transcription"].as_str().unwrap().contains(SAID),
            "{body}"
        );
        let kept = site.get(body["href"].as_str().unwrap()).await;
        assert_eq!(kept.json(), body, "{reply:?}");
    }
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_is_read_once_the_model_is_there() {
    let (site, model) = modelled().await;
    let runner = Runner::start(&site.jobs);
    let answer = site.send_files(FILES, &[("a.mp3", MP3)], &[]).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    detected(&model, "healthcare", "appointment_scheduling");
    extracted(&model);
    let job = site.get("/api/v1/jobs?kind=read_file").await.json();
    let job = job["jobs"][0]["id"].as_str().unwrap().to_owned();
    let retry = format!("/api/v1/jobs/{job}/retry");
    site.ask(Method::POST, &retry, &[]).await;
    let place = answer.json()["href"].as_str().unwrap().to_owned();
    let read = loop {
        let read = site.get(&place).await;
        if read.status == StatusCode::OK {
            break read.json();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(
        (&read["state"], &read["error"]),
        (&json!("done"), &json!(null))
    );
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_fails_meanwhile_holds_no_answer_up() {
    let site = Site::open().await;
    let asked = site.send_files(OLD, &[("a.mp3", MP3)], &[]);
    let fails = async {
        while site.store.files(None, 1).await.unwrap().0.is_empty() {
            tokio::task::yield_now().await;
        }
        site.store.close().await;
    };
    let (answer, ()) = tokio::join!(asked, fails);
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["stored"], false);
    assert!(body["transcription"].as_str().unwrap().contains(SAID));
    // The file is heard again once there is a database: its sound stays.
    assert!(body["id"].as_str().unwrap().starts_with("FI"), "{body}");
    let left = std::fs::read_dir(&site.jobs.recordings).unwrap();
    let waves = left.filter(|e| {
        let path = e.as_ref().unwrap().path();
        path.extension().is_some_and(|e| e == "wav")
    });
    assert_eq!(waves.count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_database_both_stages_run_all_the_same() {
    let (site, model) = modelled().await;
    detected(&model, "healthcare", "appointment_scheduling");
    extracted(&model);
    site.store.close().await;
    let answer = site.send_files(FILES, &[("a.mp3", MP3)], &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let body = answer.json();
    assert_eq!(
        (&body["stored"], &body["domain"]),
        (&json!(false), &json!("healthcare"))
    );
    assert_eq!(
        body["domain_specific_data"]["appointment_date"],
        "2025-12-15"
    );
}

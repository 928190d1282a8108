//! A model that answers well, badly, late or never.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    fake::{Cue, Fake, good, with},
    said,
};
use crate::{
    insight::{Insight, JsonMode, Meaning, Options, Path, Said, Sentiment, Tokens},
    time::Clock,
};

fn call() -> Said {
    said(&[
        "Hello, this is John Smith. I am locked out of my flat in Haifa.",
        "Can you send somebody tomorrow at five?",
    ])
}

async fn ask(options: &Options, said: &Said) -> Meaning {
    super::insight(options)
        .understand(said.clone().into())
        .await
}

async fn told(cues: impl IntoIterator<Item = Cue>) -> (Meaning, usize) {
    let fake = Fake::start(cues).await;
    let meaning = ask(&fake.options(), &call()).await;
    (meaning, fake.seen().len())
}

/// Understood without it, and said why.
fn check_on_box(meaning: &Meaning, why: &str) {
    assert_eq!(meaning.path, Path::OnBox, "{meaning:?}");
    assert_eq!(meaning.service.as_deref(), Some("lockout"));
    assert_eq!(meaning.city.as_deref(), Some("Haifa"));
    assert!(!meaning.summary.title.is_empty());
    let failed = meaning.made_by.model_failed.as_deref().unwrap_or_default();
    assert!(failed.contains(why), "{failed:?} lacks {why:?}");
    assert_eq!(meaning.made_by.model.as_deref(), Some("fake-1"));
}

#[tokio::test]
async fn a_good_answer_is_taken() {
    let fake = Fake::start([Cue::Say(good().to_string())]).await;
    let meaning = ask(&fake.options(), &call()).await;
    assert_eq!(meaning.path, Path::Model);
    assert_eq!(meaning.service.as_deref(), Some("lockout"));
    assert_eq!(meaning.city.as_deref(), Some("Haifa"));
    assert!(
        meaning.confidence.unwrap() >= 900,
        "{:?}",
        meaning.confidence
    );
    assert_eq!(meaning.summary.title, "Caller locked out of his flat");
    assert_eq!(
        meaning.insights.customer_name.as_deref(),
        Some("John Smith")
    );
    assert_eq!(
        meaning.insights.preferred_time.as_deref(),
        Some("tomorrow at five")
    );
    assert_eq!(meaning.insights.sentiment, Some(Sentiment::Neutral));
    assert_eq!(meaning.insights.action_items, ["send somebody tomorrow"]);
    let made_by = &meaning.made_by;
    assert_eq!(
        made_by.tokens,
        Some(Tokens {
            input: 100,
            output: 20
        })
    );
    assert_eq!((made_by.requests, &made_by.model_failed), (1, &None));
    assert!(
        made_by
            .prompt
            .as_deref()
            .unwrap()
            .starts_with("understand ")
    );
    assert!(made_by.notes.is_empty(), "{:?}", made_by.notes);

    let (headers, body) = &fake.seen()[0];
    assert_eq!(headers["authorization"], "Bearer sk-not-to-be-seen");
    assert_eq!(body["model"], "fake-1");
    assert_eq!(body["response_format"]["type"], "json_schema");
    assert_eq!(
        body["response_format"]["json_schema"]["schema"]["required"]
            .as_array()
            .unwrap()
            .len(),
        10
    );
    let question = body["messages"][1]["content"].as_str().unwrap();
    assert!(
        question.contains("Inbound: Hello, this is John Smith."),
        "{question}"
    );
    assert!(question.contains("\"פריצת לוטו\""), "the lists are told");
}

#[tokio::test]
async fn each_form_of_answer_can_be_asked_for() {
    for (json, form) in [
        (JsonMode::Object, json!({ "type": "json_object" })),
        (JsonMode::Plain, json!(null)),
    ] {
        let fake = Fake::start([Cue::Say(format!("```json\n{}\n```", good()))]).await;
        let mut options = fake.options();
        options.model.json = json;
        options.model.api_key = None;
        let meaning = ask(&options, &call()).await;
        assert_eq!(meaning.path, Path::Model);
        let (headers, body) = &fake.seen()[0];
        assert_eq!(body["response_format"], form);
        assert!(!headers.contains_key("authorization"));
    }
    // A server that does not know the form is asked without.
    let (meaning, requests) = told([Cue::RefuseForm(good().to_string())]).await;
    assert_eq!((meaning.path, requests), (Path::Model, 2));
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let busy = || Cue::Refuse(429, Some("0"));
    let (meaning, requests) = told([busy(), Cue::Refuse(503, None), with(&[])]).await;
    assert_eq!((meaning.path, requests), (Path::Model, 3));
    assert_eq!(meaning.made_by.requests, 3);
    let (meaning, requests) = told([Cue::Drop, with(&[])]).await;
    assert_eq!((meaning.path, requests), (Path::Model, 2));
}

#[tokio::test]
async fn retry_after_is_honoured_and_bounded() {
    let begun = now();
    let (meaning, _) = told([Cue::Refuse(429, Some("1")), with(&[])]).await;
    assert_eq!(meaning.path, Path::Model);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let begun = now();
    let (meaning, requests) = told([Cue::Refuse(429, Some("3600"))]).await;
    check_on_box(&meaning, "wait 3600 s");
    assert_eq!(requests, 1);
    assert!(begun.elapsed() < Duration::from_secs(2));
    // Nonsense, and a time that has passed, count as nothing; a time far off is too far.
    for after in ["soon", "-5", "", "Sun, 06 Nov 1994 08:49:37 GMT"] {
        let (meaning, _) = told([Cue::Refuse(429, Some(after)), with(&[])]).await;
        assert_eq!(meaning.path, Path::Model, "{after:?}");
    }
    let (meaning, requests) = told([Cue::Refuse(503, Some("Fri, 06 Nov 2099 08:49:37 GMT"))]).await;
    check_on_box(&meaning, "asks to wait");
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_server_that_fails_is_done_without() {
    for (cue, why, expected) in [
        (Cue::Refuse(500, None), "answered 500", 3),
        (Cue::Refuse(401, None), "answered 401", 1),
        (Cue::Refuse(404, None), "answered 404", 1),
        (Cue::Refuse(302, None), "answered 302", 1),
        (Cue::Refuse(400, None), "answered 400", 2),
        (Cue::Raw("<html>hi"), "no chat completion", 1),
        (Cue::Raw("{\"choices\": []}"), "no choice", 1),
        (Cue::Flood(400_000), "longer than", 1),
    ] {
        let (meaning, requests) = told([cue.clone()]).await;
        check_on_box(&meaning, why);
        assert_eq!(requests, expected, "{cue:?}");
    }
}

#[tokio::test]
async fn a_dead_server_costs_a_bounded_time_and_then_none() {
    let fake = Fake::start([Cue::Hang]).await;
    let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
    let insight = std::sync::Arc::new(Insight::new(&fake.options(), clock.clone()).unwrap());
    let begun = now();
    let meaning = insight.understand(call().into()).await;
    check_on_box(&meaning, "no answer in time");
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
    let requests = fake.seen().len();
    let begun = now();
    check_on_box(&insight.understand(call().into()).await, "left alone");
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(fake.seen().len(), requests, "it is not asked");
    clock.advance(Duration::from_secs(31));
    check_on_box(
        &insight.understand(call().into()).await,
        "no answer in time",
    );
    assert!(fake.seen().len() > requests, "after its rest it is");

    // Nobody listens there at all.
    let mut options = fake.options();
    options.model.url = "http://127.0.0.1:1/v1".into();
    check_on_box(&ask(&options, &call()).await, "refused");
}

#[tokio::test]
async fn a_bad_answer_is_asked_for_once_more() {
    for bad in [
        Cue::Say("I cannot help with that.".into()),
        Cue::Say("{\"service\": ".into()),
        Cue::Say(String::new()),
        Cue::Cut(good().to_string()),
        with(&[("confidence", json!("high"))]),
        with(&[("topics", json!({ "a": 1 }))]),
        with(&[(
            "summary",
            json!({ "title": "x".repeat(5_000), "points": [] }),
        )]),
    ] {
        let fake = Fake::start([bad.clone(), with(&[])]).await;
        let meaning = ask(&fake.options(), &call()).await;
        assert_eq!(meaning.path, Path::Model, "{bad:?}");
        assert_eq!(
            meaning.made_by.tokens,
            Some(Tokens {
                input: 200,
                output: 40
            })
        );
        let seen = fake.seen();
        assert_eq!(seen.len(), 2);
        let messages = seen[1].1["messages"].as_array().unwrap();
        assert_eq!(messages.len(), 4);
        let again = messages[3]["content"].as_str().unwrap();
        assert!(again.starts_with("That answer cannot be used: "), "{again}");
    }
    let (meaning, _) = told([with(&[("confidence", json!("Dana of Lod"))])]).await;
    check_on_box(&meaning, "wrong type");
    let told_of_it = meaning.made_by.model_failed.unwrap_or_default();
    assert!(!told_of_it.contains("Dana"), "it is logged: {told_of_it}");
    let (meaning, requests) = told([Cue::Say("no".into())]).await;
    check_on_box(&meaning, "no good, twice");
    assert_eq!(requests, 2);
    assert_eq!(
        meaning.made_by.tokens,
        Some(Tokens {
            input: 200,
            output: 40
        }),
        "paid all the same"
    );
}

#[tokio::test]
async fn what_was_not_said_is_not_believed() {
    let (meaning, _) = told([with(&[
        ("city", json!("Jerusalem")),
        ("customer_name", json!("Peter Miller")),
        ("preferred_time", json!("Friday at nine")),
        ("confidence", json!(1.0)),
        ("summary", json!({
            "title": "Caller won 5000 dollars", "points": ["The flat is in Haifa", "He wants somebody tomorrow"],
        })),
    ])])
    .await;
    assert_eq!(meaning.path, Path::Model);
    assert_eq!(meaning.city.as_deref(), Some("Haifa"), "what the box heard");
    assert!(
        meaning.confidence.unwrap() < 700,
        "{:?}",
        meaning.confidence
    );
    assert_eq!(meaning.insights.customer_name, None);
    assert_eq!(meaning.insights.preferred_time, None);
    assert!(
        !meaning.summary.title.contains("5000"),
        "{:?}",
        meaning.summary
    );
    let notes = meaning.made_by.notes.join("; ");
    for part in [
        "city: dropped",
        "customer_name: dropped",
        "preferred_time: dropped",
        "summary: ",
    ] {
        assert!(notes.contains(part), "{notes}");
    }
    assert!(!notes.contains("Peter"), "no words of anybody: {notes}");

    // A service may be meant without being named: less sure. One that is not of the list is none.
    let (meaning, _) = told([with(&[("service", json!("key copy"))])]).await;
    assert_eq!(meaning.service.as_deref(), Some("key copy"));
    assert!(
        meaning.confidence.unwrap() <= 500,
        "{:?}",
        meaning.confidence
    );
    let (meaning, _) = told([with(&[("service", json!("free money"))])]).await;
    assert_eq!(meaning.service.as_deref(), Some("lockout"));
}

#[tokio::test]
async fn a_model_without_lists_is_held_to_the_words() {
    let fake = Fake::start([
        with(&[
            ("service", json!("locked out of flat")),
            ("city", json!("Hayfa")),
        ]),
        with(&[("service", json!("locked out")), ("city", json!("Paris"))]),
    ])
    .await;
    let mut options = fake.options();
    options.services.clear();
    options.cities.clear();
    let meaning = ask(&options, &call()).await;
    assert_eq!(meaning.service.as_deref(), Some("locked out of flat"));
    assert_eq!(meaning.city.as_deref(), Some("Hayfa"), "misheard, but said");
    assert!(meaning.confidence.unwrap() <= 850);
    let meaning = ask(&options, &call()).await;
    assert_eq!(meaning.city, None);
}

#[tokio::test]
async fn a_long_transcript_is_sent_without_its_middle() {
    let fake = Fake::start([with(&[])]).await;
    let mut options = fake.options();
    options.model.most_characters = 1_000;
    let middle = "blah ".repeat(5_000);
    ask(
        &options,
        &said(&["The beginning.", &middle, "The end of it."]),
    )
    .await;
    let body = &fake.seen()[0].1;
    let question = body["messages"][1]["content"].as_str().unwrap();
    assert!(question.contains("The beginning.") && question.contains("The end of it."));
    assert!(question.contains("[…]") && question.chars().count() < 3_000);
}

/// The first refusal is llama.cpp's own, of a call of 17,000 tokens.
#[tokio::test]
async fn a_call_too_long_for_the_model_is_asked_about_in_part() {
    let (first, last) = (call().turns[0].text.clone(), call().turns[1].text.clone());
    let long = said(&[&first, &"blah ".repeat(2_000), &last]);
    for refusal in [
        r#"{"error":{"code":400,"message":"request (17050 tokens) exceeds the available context size (8192 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":17050,"n_ctx":8192}}"#,
        r#"{"error":{"message":"This model's maximum context length is 8192 tokens","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
        r#"{"detail":"Requested tokens (9000) exceed context window of 8192"}"#,
    ] {
        let fake = Fake::start([Cue::Narrow(4_000, refusal)]).await;
        let insight = super::insight(&fake.options());
        let meaning = insight.understand(long.clone().into()).await;
        assert_eq!(meaning.path, Path::Model, "{refusal}");
        assert_eq!(meaning.service.as_deref(), Some("lockout"));
        assert!(fake.seen().len() <= 4, "{}", fake.seen().len());

        // Where nothing helps, the next call is asked about all the same.
        let fake = Fake::start([Cue::Narrow(0, refusal)]).await;
        let insight = super::insight(&fake.options());
        check_on_box(&insight.understand(call().into()).await, "longer than");
        let asked = fake.seen().len();
        check_on_box(&insight.understand(call().into()).await, "longer than");
        assert!(fake.seen().len() > asked, "it does not rest");
    }
}

#[test]
fn a_model_without_a_name_or_address_is_refused() {
    for (url, name, key) in [
        ("http://localhost/v1", " ", "insight.model.name"),
        ("localhost:80", "m", "insight.model.url"),
        ("ftp://x/v1", "m", "insight.model.url"),
    ] {
        let mut options = Options::default();
        options.model.url = url.into();
        options.model.name = name.into();
        let error = Insight::new(&options, Clock::system())
            .err()
            .unwrap()
            .to_string();
        assert!(error.starts_with(key), "{error}");
    }
}

#[test]
fn the_key_is_shown_nowhere() {
    let mut options = Options::default();
    options.model.api_key = Some("sk-not-to-be-seen".into());
    let shown = format!("{options:?} {}", serde_json::to_string(&options).unwrap());
    assert!(!shown.contains("sk-not"), "{shown}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long it takes is what is tested"
)]
fn now() -> Instant {
    Instant::now()
}

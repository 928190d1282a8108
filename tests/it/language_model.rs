//! Calls and files read by a real language model. Needs `CALLSCRIBE_TEST_LLM_URL`, such as
//! `http://127.0.0.1:8077/v1`, and takes `CALLSCRIBE_TEST_LLM_MODEL` for its name; without the address it says that
//! it was skipped. A small model is often wrong: what is held is that nothing breaks, that no fact comes out
//! which was not said, and that what nobody named is doubted. How often it was of use is printed.

use std::sync::Arc;

use callscribe::{
    insight::{
        Insight, ModelOptions, Named, Options, Path, Said, Turn,
        domain::{Extracted, Pair, starting},
    },
    time::Clock,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Call {
    turns: Vec<String>,
}

#[derive(Deserialize)]
struct Lists {
    services: Vec<Named>,
    cities: Vec<Named>,
}

const CALLS: &str = include_str!("../fixtures/insight/answers.jsonl");
const LISTS: &str = include_str!("../fixtures/insight/lists.toml");
/// Of 1000: a service that nobody named is no surer.
const DOUBTED: u32 = 500;

fn calls() -> impl Iterator<Item = Arc<Said>> {
    CALLS.lines().map(|line| {
        let call: Call = serde_json::from_str(line).unwrap();
        let turn = |text: String| Turn {
            speaker: "Inbound".into(),
            text,
        };
        Arc::new(Said {
            told_language: None,
            turns: call.turns.into_iter().map(turn).collect(),
        })
    })
}

/// As patient as a processor without an accelerator needs.
fn insight() -> Option<Arc<Insight>> {
    let told = |name| std::env::var_os(name).and_then(|value| value.into_string().ok());
    let Some(url) = told("CALLSCRIBE_TEST_LLM_URL") else {
        eprintln!("skipped: CALLSCRIBE_TEST_LLM_URL names no language model");
        return None;
    };
    use figment::providers::{Format, Toml};
    let lists: Lists = figment::Figment::from(Toml::string(LISTS))
        .extract()
        .unwrap();
    let options = Options {
        services: lists.services,
        cities: lists.cities,
        model: ModelOptions {
            url,
            name: told("CALLSCRIBE_TEST_LLM_MODEL").unwrap_or_else(|| "local".into()),
            timeout_s: 600,
            deadline_s: 1_200,
            rest_s: 0,
            at_once: 1,
            ..ModelOptions::default()
        },
    };
    Some(Arc::new(Insight::new(&options, Clock::system()).unwrap()))
}

#[tokio::test]
async fn calls_are_understood_by_a_real_model() {
    let Some(insight) = insight() else {
        return;
    };
    let (mut answered, mut all) = (0, 0);
    for said in calls() {
        let plain = insight.on_box(&said);
        let meaning = insight.understand(Arc::clone(&said)).await;
        println!("{meaning:#?}");
        all += 1;
        answered += u32::from(meaning.path == Path::Model);
        assert!(!meaning.summary.title.is_empty());
        if plain.service.is_none() {
            assert!(
                meaning.confidence.is_none_or(|sure| sure <= DOUBTED),
                "nobody named a service: {meaning:#?}"
            );
        }
        for fact in [
            &meaning.insights.customer_name,
            &meaning.insights.preferred_time,
        ] {
            assert!(fact.as_ref().is_none_or(|fact| is_said(&said, fact)));
        }
    }
    println!("{answered} of {all} answers were of use");
    assert!(answered * 2 >= all, "{answered} of {all}");
}

#[tokio::test]
async fn files_are_read_by_a_real_model() {
    let Some(insight) = insight() else {
        return;
    };
    let (mut answered, mut all) = (0, 0);
    for said in calls().take(5) {
        let detected = insight.detect(Arc::clone(&said), starting()).await;
        println!("{detected:#?}");
        all += 1;
        let Ok(detected) = detected else {
            continue;
        };
        let extracted = extracted(&insight, &said, &detected.pair).await;
        println!("{extracted:#?}");
        answered += u32::from(extracted.failed.is_none());
        let names = [
            &extracted.general.agent_name,
            &extracted.general.customer_name,
        ];
        for name in names.into_iter().flatten() {
            assert!(is_said(&said, name), "{name}");
        }
    }
    println!("{answered} of {all} files were read in both stages");
    assert!(answered * 2 >= all, "{answered} of {all}");
}

/// With a prompt that the model writes, as for a pair that is new.
async fn extracted(insight: &Arc<Insight>, said: &Arc<Said>, pair: &Pair) -> Extracted {
    let prompt = insight.write_prompt(pair).await;
    let prompt = prompt.and_then(|made| made.ok());
    println!("{prompt:#?}");
    let now = Clock::system().wall();
    let seen = insight.seen(Arc::clone(said)).await;
    insight
        .extract(said, pair, prompt.as_deref(), now, seen)
        .await
}

/// Some word of it, at least: the rules themselves are tested where they are written.
fn is_said(said: &Said, fact: &str) -> bool {
    let call = said.plain().to_lowercase();
    let fact = fact.to_lowercase();
    fact.split(|c: char| !c.is_alphanumeric())
        .any(|word| !word.is_empty() && call.contains(word))
}

//! What a small model really answered, each in the form that it gave: nothing breaks, and what the call does
//! not bear out is dropped or doubted.
//!
//! The answers are of Qwen2.5-Coder-0.5B-Instruct (Q4_K_M) behind llama.cpp's server, asked with the
//! fixtures' lists.

use serde::Deserialize;

use super::{
    fake::{Cue, Fake},
    said,
};
use crate::insight::Path;

#[derive(Deserialize)]
struct Case {
    turns: Vec<String>,
    answer: String,
    service: Option<String>,
    /// How sure we may be of service and city, of 1000.
    at_most: u32,
    city: Option<String>,
    customer_name: Option<String>,
    preferred_time: Option<String>,
    topics: Vec<String>,
    /// How many.
    action_items: usize,
}

const ANSWERS: &str = include_str!("../../../tests/fixtures/insight/answers.jsonl");

#[tokio::test]
async fn answers_of_a_small_model_are_held_against_the_call() {
    let mut wrong = Vec::new();
    for line in ANSWERS.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let turns: Vec<&str> = case.turns.iter().map(String::as_str).collect();
        let fake = Fake::start([Cue::Say(case.answer.clone())]).await;
        let insight = super::insight(&fake.options());
        let meaning = insight.understand(said(&turns).into()).await;
        assert_eq!(meaning.path, Path::Model, "{meaning:?}");
        assert_eq!(meaning.made_by.requests, 1, "{meaning:?}");
        let insights = &meaning.insights;
        let is_right = meaning.service == case.service
            && meaning.confidence.unwrap_or_default() <= case.at_most
            && meaning.city == case.city
            && insights.customer_name == case.customer_name
            && insights.preferred_time == case.preferred_time
            && insights.topics == case.topics
            && insights.action_items.len() == case.action_items
            && !meaning.summary.title.is_empty();
        if !is_right {
            wrong.push(format!("{}\n{}\n{meaning:#?}", case.turns[0], case.answer));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(ANSWERS.lines().count() >= 9);
}

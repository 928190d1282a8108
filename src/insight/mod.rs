//! Transcript → meaning: which service, in which city, how sure that is, and a summary of what was said.
//!
//! | file | what it does |
//! |---|---|
//! | [`said`], [`words`] | what comes in: turns, and their words as they are compared |
//! | [`editex`], [`lists`], [`loose`], [`weigh`] | the business's names found in it, misheard ones too; how sure that is |
//! | [`addressed`] | sentences that speak to a machine: they are evidence of nothing |
//! | [`summary`] | a title and two points, cut out of what was said |
//! | [`domain`], [`lexicon`], [`patterns`] | of a file: its domain and category, and the data in it |
//! | [`model`] | the language model, where one is configured, and what of its answer is believed |
//! | [`meaning`] | what comes out |
//!
//! There are two paths to the same answer. On the box, at once and without any model: the configured
//! names and the sentences themselves. With a model: its answer, held against the transcript, because a
//! model invents and a caller may talk it into anything. Where the model fails, the first path stands,
//! and the answer says so.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{tasks, time::Clock};

mod addressed;
pub mod domain;
mod editex;
mod lexicon;
mod lists;
mod loose;
mod meaning;
mod model;
mod options;
mod patterns;
mod said;
mod summary;
mod weigh;
mod words;

#[cfg(test)]
mod tests;

pub use meaning::{Insights, MadeBy, Meaning, Path, Sentiment, Summary, Tokens};
pub use options::{JsonMode, ModelOptions, Named, Options};
pub use said::{Said, Turn};

pub(crate) use editex::distance;
pub(crate) use words::fold;

use domain::{Detected, Extracted, Pair, Useless};
use lists::List;
use model::Model;
use weigh::Found;
use words::Words;

/// Understands calls by one configuration. Shared by all jobs.
pub struct Insight {
    services: List,
    cities: List,
    model: Option<Model>,
}

/// Why a configuration cannot work: names the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("insight.{key}: {why}")]
pub struct BadOptions {
    pub key: &'static str,
    pub why: String,
}

impl Insight {
    /// # Errors
    /// A name without letters, or a model that is not fully described.
    pub fn new(options: &Options, clock: Clock) -> Result<Self, BadOptions> {
        Ok(Self {
            services: List::new("services", &options.services)?,
            cities: List::of_names("cities", &options.cities)?,
            model: Model::new(&options.model, clock)?,
        })
    }

    /// What the call meant: by the model, or on the box where there is none or it fails.
    pub async fn understand(self: &Arc<Self>, said: Arc<Said>) -> Meaning {
        let (insight, heard) = (Arc::clone(self), Arc::clone(&said));
        let plain = tasks::blocking("insight", move || insight.on_box(&heard));
        let Ok(plain) = plain.await else {
            return Meaning::nothing("the look at the transcript died");
        };
        let Some(model) = &self.model else {
            return plain;
        };
        match model.ask(self, &said).await {
            Ok(reply) => {
                let (insight, on_box) = (Arc::clone(self), plain.clone());
                let checked = tasks::blocking("insight", move || {
                    model::believed(&insight, &said, &on_box, reply)
                });
                checked.await.unwrap_or(plain)
            }
            Err(failed) => plain.instead_of(failed),
        }
    }

    /// Stage one of a file: which of the known pairs it is, or with a model maybe a new one. A model's pair is
    /// as sure as the words that speak for it allow.
    ///
    /// # Errors
    /// Why the model is of no use, where one is configured.
    pub async fn detect(
        self: &Arc<Self>,
        said: Arc<Said>,
        known: Vec<Pair>,
    ) -> Result<Detected, Useless> {
        let found = match &self.model {
            Some(model) => {
                let detected = model.detect(&said, &known).await?;
                tasks::blocking("insight", move || {
                    lexicon::held(&Words::of(&said), &known, detected)
                })
            }
            None => tasks::blocking("insight", move || {
                lexicon::detect(&Words::of(&said), &known)
            }),
        };
        found.await.map_err(|error| Useless {
            why: error.to_string(),
            tokens: Tokens::default(),
        })
    }

    /// What patterns see of stage two. It needs no domain: it can be done beside stage one.
    pub async fn seen(self: &Arc<Self>, said: Arc<Said>) -> Extracted {
        let seen = tasks::blocking("insight", move || {
            patterns::extract(&said, &Words::of(&said))
        });
        seen.await.unwrap_or_else(|_| Extracted::nothing())
    }

    /// Stage two: what it holds, taken out by `prompt` where there is one for its pair. Without a model, or
    /// where it fails, what was `seen`, and why is said.
    pub async fn extract(
        &self,
        said: &Said,
        pair: &Pair,
        prompt: Option<&str>,
        at: Timestamp,
        seen: Extracted,
    ) -> Extracted {
        let Some(model) = &self.model else {
            return seen;
        };
        match model.extract(said, pair, prompt, at).await {
            Ok(extracted) => extracted,
            Err(Useless { why, tokens }) => Extracted {
                failed: Some(why),
                tokens,
                ..seen
            },
        }
    }

    /// A prompt for a pair that has none; `None` where there is no model to write or to read it.
    pub async fn write_prompt(&self, pair: &Pair) -> Option<Result<String, String>> {
        Some(self.model.as_ref()?.write_prompt(pair).await)
    }

    /// What the call meant, from the configured names and its own sentences alone.
    #[must_use]
    pub fn on_box(&self, said: &Said) -> Meaning {
        let words = Words::of(said);
        let service = weigh::weigh(&self.services, &words);
        let city = weigh::weigh(&self.cities, &words);
        let sure = weigh::both(service.as_ref(), city.as_ref());
        let places =
            |found: &Option<Found>| found.as_ref().map_or(vec![], |found| found.at.clone());
        let named = [places(&service), places(&city)];
        Meaning {
            language: said.language(),
            confidence: sure.map(weigh::per_mille),
            summary: summary::summarise(said, &words, [&named[0], &named[1]]),
            service: service.map(|found| found.name),
            city: city.map(|found| found.name),
            insights: Insights::default(),
            path: Path::OnBox,
            made_by: MadeBy::on_box(),
        }
    }
}

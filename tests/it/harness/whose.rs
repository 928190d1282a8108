//! Customers, bookings, and calls that were linked: as the job would have it.

use axum::http::{Method, StatusCode};
use callscribe::{
    ids::{CallSid, Track},
    insight::{Insights, MadeBy, Meaning, Path, Sentiment, Summary},
    people::link::{Link, Parts, Why},
    store::{NewCall, Read},
};
use serde_json::{Value, json};

use super::{
    line::nobody,
    site::{Answer, Site},
};

/// A call that is over.
pub(crate) struct Called<'a> {
    pub(crate) sid: &'a str,
    pub(crate) number: Option<&'a str>,
    pub(crate) text: &'a str,
    pub(crate) link: Link,
}

/// That customer's, about that booking for these reasons.
pub(crate) fn of(customer: &str, booking: Option<(&str, Parts)>) -> Link {
    Link {
        customer: Some(customer.into()),
        booking: booking.map(|(id, _)| id.into()),
        parts: booking.map(|(_, parts)| parts),
        confidence: 95,
        why: None,
    }
}

pub(crate) fn nobodys(why: Why) -> Link {
    Link {
        why: Some(why),
        ..Link::default()
    }
}

pub(crate) fn check(page: &Answer, holds: &[&str], lacks: &[&str]) {
    let text = page.text();
    for what in holds {
        assert!(text.contains(what), "lacks {what:?}:\n{text}");
    }
    for what in lacks {
        assert!(!text.contains(what), "holds {what:?}:\n{text}");
    }
}

/// Where a form led.
pub(crate) async fn saved(site: &Site, path: &str, body: &str) -> String {
    let answer = site.form(path, body, &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    answer.header("location").to_owned()
}

impl Site {
    async fn made(&self, path: &str, body: Value) -> String {
        let answer = self.send_json(Method::POST, path, &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn customer(&self, name: &str, number: &str) -> String {
        let draft = json!({ "name": name, "phones": [number] });
        self.made("/api/v1/customers", draft).await
    }

    pub(crate) async fn customer_as(&self, draft: Value) -> String {
        self.made("/api/v1/customers", draft).await
    }

    pub(crate) async fn booking(&self, customer: &str, title: &str, starts: &str) -> String {
        let draft = json!({
            "customer_id": customer, "starts_at": starts, "title": title, "guests": 30,
        });
        self.booking_as(draft).await
    }

    pub(crate) async fn booking_as(&self, draft: Value) -> String {
        self.made("/api/v1/bookings", draft).await
    }

    /// A call of a minute.
    pub(crate) async fn called(&self, called: &Called<'_>) -> CallSid {
        let call = NewCall {
            from: called.number.map(Into::into),
            direction: Some("inbound".into()),
            ..nobody(called.sid)
        };
        let line = self.call_of(call, [None, None]).await;
        line.hang_up(60).await;
        line.finish(&[(Track::Inbound, 0.0, called.text)]).await;
        self.link(&line.call, called.number, &called.link, called.text)
            .await;
        line.call
    }

    pub(crate) async fn link(&self, call: &CallSid, number: Option<&str>, link: &Link, text: &str) {
        let excerpt: String = text.chars().take(200).collect();
        let now = self.clock.wall();
        let linked = self.store.linked(call, number, link, &excerpt, now);
        linked.await.unwrap().unwrap();
    }

    /// What a language model made of it.
    pub(crate) async fn meant(
        &self,
        call: &CallSid,
        title: &str,
        sentiment: Sentiment,
        insights: Insights,
    ) {
        let read = Read {
            call: call.clone(),
            version: 2,
            final_transcript: None,
            transcription: None,
        };
        let meaning = Meaning {
            language: Some("en".into()),
            service: None,
            city: None,
            confidence: None,
            summary: Summary {
                title: title.into(),
                points: vec![],
            },
            insights: Insights {
                sentiment: Some(sentiment),
                ..insights
            },
            path: Path::Model,
            made_by: MadeBy::default(),
        };
        let now = self.clock.wall();
        self.store.understood(&read, &meaning, now).await.unwrap();
    }
}

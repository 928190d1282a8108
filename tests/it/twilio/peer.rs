//! Twilio's side of a webhook.

use callscribe::wire::signature;
use reqwest::{Method, Response, header::HeaderMap};

use crate::gateway::server::TestServer;

pub(crate) const TOKEN: &str = "12345";
pub(crate) const VOICE: &str = "/webhook/twilio/voice";
pub(crate) const RECORDING: &str = "/webhook/twilio/recording_done";
pub(crate) const STATUS: &str = "/webhook/twilio/status";
pub(crate) const STREAM: &str = "/webhook/twilio/stream";
pub(crate) const DOORS: [&str; 4] = [VOICE, RECORDING, STATUS, STREAM];

pub(crate) type Fields<'a> = &'a [(&'a str, &'a str)];

/// As a browser and Twilio write it.
pub(crate) fn form(fields: Fields<'_>) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|b| match b {
                b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
                b' ' => "+".into(),
                b => format!("%{b:02X}"),
            })
            .collect()
    };
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)));
    pairs.collect::<Vec<_>>().join("&")
}

impl TestServer {
    /// Posts a form, signed for the address that it is posted to.
    pub(crate) async fn post(&self, path: &str, fields: Fields<'_>) -> Response {
        let signature = signature::sign(TOKEN, &self.url(path), fields);
        self.post_with(path, fields, &[("x-twilio-signature", &signature)])
            .await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        fields: Fields<'_>,
        headers: Fields<'_>,
    ) -> Response {
        let form_kind = (
            "content-type",
            "application/x-www-form-urlencoded; charset=UTF-8",
        );
        let headers = [&[form_kind], headers].concat();
        self.send(Method::POST, path, &headers, form(fields)).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: Fields<'_>,
        body: impl Into<reqwest::Body>,
    ) -> Response {
        callscribe::speech::models::pull::tls::install_provider();
        let parse = |(name, value): &(&str, &str)| {
            let name: reqwest::header::HeaderName = name.parse().unwrap();
            (name, value.parse().unwrap())
        };
        reqwest::Client::new()
            .request(method, self.url(path))
            .headers(headers.iter().map(parse).collect::<HeaderMap>())
            .body(body)
            .send()
            .await
            .unwrap()
    }

    /// All leads there are, newest first.
    pub(crate) async fn leads(&self) -> Vec<serde_json::Value> {
        let page = self.json("/api/v1/leads?limit=200").await;
        page["leads"].as_array().unwrap().clone()
    }

    /// Jobs that were ever made of this kind.
    pub(crate) async fn jobs(&self, kind: &str) -> u32 {
        let counts = self.server.gateway.store.job_counts().await.unwrap();
        let of_kind = counts.iter().filter(|count| count.kind == kind);
        of_kind.map(|count| count.count).sum()
    }
}

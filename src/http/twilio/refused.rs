//! Why a webhook was refused, in a line of plain text: Twilio's debugger shows it.

use std::collections::BTreeMap;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use metrics::counter;
use utoipa::{
    PartialSchema,
    openapi::{self, ContentBuilder, RefOr, ResponseBuilder},
};

use crate::{
    store,
    wire::{form::BadForm, twiml::TooLong, webhook::BadWebhook},
};

/// Nothing was made of the request.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(
        "X-Twilio-Signature is missing or does not match this URL, the form and the auth token"
    )]
    Unsigned,
    #[error("a page of another site sent this")]
    Foreign,
    #[error("a form of at most 64 KiB is expected")]
    TooLarge,
    #[error("the body did not come in time")]
    TooSlow,
    #[error("the body broke off")]
    Broken,
    #[error("a form is expected: application/x-www-form-urlencoded")]
    NotAForm,
    #[error("{0}")]
    Form(#[from] BadForm),
    #[error("{0}")]
    Webhook(#[from] BadWebhook),
    #[error("{0}")]
    TooLong(#[from] TooLong),
    #[error("the database failed; the server's log says why")]
    Store(#[from] store::Error),
    #[error("nobody is known to have sent this")]
    Nobody,
}

impl Refused {
    const fn told(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unsigned => (StatusCode::FORBIDDEN, "signature"),
            Self::Foreign => (StatusCode::FORBIDDEN, "foreign"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "too_slow"),
            Self::NotAForm => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_a_form"),
            Self::Broken | Self::Form(_) => (StatusCode::BAD_REQUEST, "bad_form"),
            Self::Webhook(_) | Self::TooLong(_) => (StatusCode::BAD_REQUEST, "bad_field"),
            Self::Store(_) | Self::Nobody => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

/// As the description tells of it: status, when, and what is answered then.
const TOLD: [(StatusCode, &str, &str); 4] = [
    (
        StatusCode::BAD_REQUEST,
        "A field is missing or broken.",
        "CallSid is missing\n",
    ),
    (
        StatusCode::FORBIDDEN,
        "The signature is missing or wrong, or a page of another site sent it.",
        "X-Twilio-Signature is missing or does not match this URL, the form and the auth token\n",
    ),
    (
        StatusCode::PAYLOAD_TOO_LARGE,
        "Longer than 64 KiB.",
        "a form of at most 64 KiB is expected\n",
    ),
    (
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "Not a form.",
        "a form is expected: application/x-www-form-urlencoded\n",
    ),
];

impl utoipa::IntoResponses for Refused {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let told = TOLD.map(|(status, when, example)| {
            let text = ContentBuilder::new()
                .schema(Some(String::schema()))
                .example(Some(example.into()))
                .build();
            let response = ResponseBuilder::new()
                .description(when)
                .content("text/plain", text)
                .build();
            (status.as_str().to_owned(), response.into())
        });
        told.into()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, reason) = self.told();
        counter!("callscribe_webhooks_refused_total", "reason" => reason).increment(1);
        if let Self::Store(error) = &self {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "a webhook could not be stored"
            );
        }
        (status, format!("{self}\n")).into_response()
    }
}

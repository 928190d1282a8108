//! What goes wrong at a door, and how it is told: JSON `{error: {code, message}}` at the API, a page
//! that says what to do everywhere else.

use axum::{
    Json,
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    access::Viewer,
    pages::{self, Page},
};
use crate::{live::hub::TooManyViewers, store};

/// An answer that is not what was asked for. `code` is for programs and stays; `message` is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct HttpError {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
}

impl HttpError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            code,
            message,
        }
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// Logs what happened and says no more than that it did.
    pub(super) fn internal(what: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "{what}");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            format!("{what}; the server's log says why"),
        )
    }
}

/// The error travels as an extension; [`render`] gives it a body that suits the path.
impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<store::Error> for HttpError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::BadCursor => Self::bad_request(format!("cursor: {error}")),
            store::Error::NoCall(_)
            | store::Error::NoDelivery(_)
            | store::Error::NoJob(_)
            | store::Error::NoAccount(_)
            | store::Error::NoToken(_) => Self::not_found(error.to_string()),
            store::Error::Refused(why) => Self::new(StatusCode::CONFLICT, "conflict", why),
            store::Error::Live(_) => {
                Self::new(StatusCode::CONFLICT, "call_is_live", error.to_string())
            }
            error => Self::internal("the database failed", &error),
        }
    }
}

impl From<TooManyViewers> for HttpError {
    fn from(error: TooManyViewers) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_viewers",
            error.to_string(),
        )
    }
}

impl From<axum::extract::rejection::QueryRejection> for HttpError {
    fn from(rejection: axum::extract::rejection::QueryRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

/// `Query` whose refusal is an [`HttpError`].
#[derive(axum::extract::FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(HttpError))]
pub(super) struct Params<T>(pub(super) T);

impl From<axum::extract::rejection::FormRejection> for HttpError {
    fn from(rejection: axum::extract::rejection::FormRejection) -> Self {
        Self::new(rejection.status(), "bad_request", rejection.body_text())
    }
}

/// A posted `Form` whose refusal is an [`HttpError`].
#[derive(axum::extract::FromRequest)]
#[from_request(via(axum::Form), rejection(HttpError))]
pub(super) struct Sent<T>(pub(super) T);

pub(super) async fn no_such_page() -> HttpError {
    HttpError::not_found("there is nothing at this address")
}

pub(super) async fn wrong_method() -> HttpError {
    HttpError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this address does not take that method",
    )
}

/// An error, as programs get it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Error)]
pub(super) struct ErrorJson<'a> {
    error: Told<'a>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ErrorTold)]
struct Told<'a> {
    /// For programs: it stays.
    #[schema(example = "not_found")]
    code: &'a str,
    /// For people.
    message: &'a str,
}

/// Middleware: gives pages and errors their body.
pub(super) async fn render(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let (mut head, body) = response.into_parts();
    let viewer = head.extensions.remove::<Viewer>();
    let body = if let Some(page) = head.extensions.remove::<Page>() {
        page.document(&path, viewer.as_ref()).into_response()
    } else if let Some(error) = head.extensions.remove::<HttpError>() {
        told(&error, &path, viewer.as_ref())
    } else {
        return Response::from_parts(head, body);
    };
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.remove(header::CONTENT_TYPE);
    let (body_head, body) = body.into_parts();
    head.headers.extend(body_head.headers);
    Response::from_parts(head, body)
}

fn told(error: &HttpError, path: &str, viewer: Option<&Viewer>) -> Response {
    if is_for_programs(path) {
        let body = ErrorJson {
            error: Told {
                code: error.code,
                message: &error.message,
            },
        };
        return Json(body).into_response();
    }
    pages::problem(error).document(path, viewer).into_response()
}

/// Whether errors at that path are JSON.
pub(super) fn is_for_programs(path: &str) -> bool {
    let prefixes = ["/api/", "/metrics", "/healthz", "/readyz"];
    prefixes.iter().any(|prefix| path.starts_with(prefix))
}

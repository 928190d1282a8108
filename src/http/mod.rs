//! The doors: router, API, pages, events, health.
//!
//! Handlers are thin: read the request, ask the store or the hub, render. Errors are an [`HttpError`]
//! everywhere and get their body (JSON or a page) in one place.

use std::{path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, header},
    middleware,
    routing::{delete, get, post, put},
};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, DefaultPredicate, Predicate, predicate::NotForContentType},
    set_header::SetResponseHeaderLayer,
};

use crate::{
    after::files::Files, live::hub::Hub, people, recordings::archive::Shelf, store::Store,
    time::Clock,
};

mod access;
mod assets;
mod call_file;
mod bookings;
mod calls;
pub mod connections;
mod customers;
mod deliveries;
mod error;
mod erase;
mod events;
mod files;
mod health;
mod jobs;
mod leads;
mod insight;
pub mod media;
mod pages;
mod paging;
mod prompts;
pub mod proxy;
mod range;
mod recording;
mod transcript;
pub mod twilio;

pub use access::{Access, ShortToken};
pub use error::HttpError;

/// Who may see pages and API. They are open without a token on a loopback address only.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Opens pages and API beyond this machine, to whoever knows it: `Authorization: Bearer …`, or once
    /// `/?token=…` in a browser. At least 16 characters.
    #[serde(skip_serializing)]
    pub access_token: Option<secrecy::SecretString>,
    /// Further names by which a browser on this machine may call this server, without port.
    pub hosts: Vec<String>,
}

/// What the handlers work with.
#[derive(Clone)]
pub struct AppState {
    pub store: Store,
    pub hub: Hub,
    pub clock: Clock,
    pub access: Arc<Access>,
    /// Why new calls should go elsewhere (draining, full), in plain words; empty when ready.
    pub not_ready: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    /// The metrics in Prometheus' text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Where the business is at home.
    pub people: Arc<people::Options>,
    /// Takes uploaded files in.
    pub files: Arc<Files>,
    /// Where recordings are.
    pub recordings: PathBuf,
    /// Archived recordings that are listened to.
    pub shelf: Arc<Shelf>,
    /// Cancelled when the process is about to end: viewers are let go then.
    pub closing: CancellationToken,
}

/// No script, style, frame, font or connection but our own; nothing inline.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// Pages, API, events, health and metrics. The media door and Twilio's are routers of their own, to be
/// merged.
pub fn router(state: AppState) -> Router {
    let texts = Router::new()
        .route("/", get(pages::calls::show))
        .route("/calls/{id}", get(pages::call::show))
        .route("/api/v1/calls", get(calls::list))
        .route("/api/v1/calls/{id}", get(calls::one).delete(erase::one))
        .route("/api/v1/calls/{id}/transcript", get(transcript::get))
        .route("/api/v1/calls/{id}/analysis", get(calls::analysis))
        .route("/api/v1/deliveries", get(deliveries::list))
        .route(
            "/api/v1/deliveries/{id}/redeliver",
            post(deliveries::redeliver),
        )
        .route("/api/v1/jobs", get(jobs::list))
        .route("/api/v1/jobs/{id}", delete(jobs::remove))
        .route("/api/v1/jobs/{id}/retry", post(jobs::retry))
        .route("/api/v1/leads", get(leads::list))
        .route("/api/v1/leads/{id}", get(leads::one).patch(leads::change))
        .route("/api/v1/calls/{id}/insight", get(insight::get))
        .route(
            "/api/v1/customers",
            get(customers::list).post(customers::add),
        )
        .route(
            "/api/v1/customers/{id}",
            get(customers::one)
                .patch(customers::change)
                .delete(customers::remove),
        )
        .route("/api/v1/bookings", get(bookings::list).post(bookings::add))
        .route(
            "/api/v1/bookings/{id}",
            get(bookings::one)
                .patch(bookings::change)
                .delete(bookings::remove),
        )
        .merge(files_and_prompts())
        // Names, numbers and words of people: in no cache.
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ));
    let guarded = texts
        .route("/api/v1/calls/{id}/recording/{track}", get(recording::get))
        .route("/api/v1/calls/{id}/events", get(events::of_call))
        .route("/api/v1/events", get(events::of_list))
        .route("/metrics", get(health::metrics))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&state.access),
            access::guard,
        ));
    let routes = guarded
        .route("/assets/{hash}/{name}", get(assets::serve))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(error::no_such_page)
        .method_not_allowed_fallback(error::wrong_method)
        .layer(middleware::from_fn(error::render))
        // Sound is no smaller for it, and is asked for in ranges.
        .layer(
            CompressionLayer::new()
                .gzip(true)
                .compress_when(DefaultPredicate::new().and(NotForContentType::const_new("audio/"))),
        )
        .layer(CatchPanicLayer::new());
    with_security_headers(routes).with_state(state)
}

fn with_security_headers(routes: Router<AppState>) -> Router<AppState> {
    SECURITY_HEADERS
        .into_iter()
        .fold(routes, |routes, (name, value)| {
            routes.layer(SetResponseHeaderLayer::overriding(
                name,
                HeaderValue::from_static(value),
            ))
        })
}

/// Uploads have limits of their own.
fn files_and_prompts() -> Router<AppState> {
    Router::new()
        .route("/files", get(pages::files::show).post(pages::files::bring))
        .route("/api/transcribe/", post(files::upload))
        .route("/api/v1/files", get(files::list).post(files::upload))
        .layer(DefaultBodyLimit::disable())
        .route("/api/v1/files/{id}", get(files::get))
        .route("/api/v1/files/{id}/events", get(files::events))
        .route("/api/v1/prompts", get(prompts::list))
        .route(
            "/api/v1/prompts/{domain}/{category}",
            put(prompts::put).delete(prompts::remove),
        )
}

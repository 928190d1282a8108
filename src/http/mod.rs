//! The doors: router, API, pages, events, health.
//!
//! Handlers are thin: read the request, ask the store or the hub, render. Errors are an [`HttpError`]
//! everywhere and get their body (JSON or a page) in one place.

use std::{path::PathBuf, sync::Arc};

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    middleware,
};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, DefaultPredicate, Predicate, predicate::NotForContentType},
    set_header::SetResponseHeaderLayer,
};
use utoipa_axum::routes;

use crate::{
    live::{self, hub::Hub},
    recordings::archive::Shelf,
    store::Store,
    time::Clock,
};

mod access;
mod assets;
mod call_file;
mod calls;
pub mod connections;
mod deliveries;
mod error;
mod erase;
mod events;
mod health;
mod jobs;
mod leads;
mod openapi;
mod insight;
pub mod media;
mod pages;
mod paging;
pub mod proxy;
mod range;
mod recording;
mod routes;
mod transcript;
pub mod twilio;

pub use access::{Access, ShortToken};
pub use error::HttpError;
pub use openapi::description;
pub use routes::Route;

use routes::{Routes, get};

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
    /// Where recordings are.
    pub recordings: PathBuf,
    /// Archived recordings that are listened to.
    pub shelf: Arc<Shelf>,
    /// Cancelled when the process is about to end: viewers are let go then.
    pub closing: CancellationToken,
    /// Doors that are not this router's, for the description.
    pub outside: Arc<Outside>,
}

/// The doors that stand beside pages and API, where the configuration has put them.
#[derive(Debug, Clone)]
pub struct Outside {
    pub twilio: twilio::Options,
    pub media_path: String,
}

impl Default for Outside {
    fn default() -> Self {
        Self {
            twilio: twilio::Options::default(),
            media_path: live::Options::default().path,
        }
    }
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
    let guard = middleware::from_fn_with_state(Arc::clone(&state.access), access::guard);
    let routes = guarded()
        .layer(guard)
        .merge(open())
        .router()
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
    SECURITY_HEADERS
        .into_iter()
        .fold(routes, |routes, (name, value)| {
            routes.layer(SetResponseHeaderLayer::overriding(
                name,
                HeaderValue::from_static(value),
            ))
        })
        .with_state(state)
}

/// Every route of a server: those of [`router`], and those that stand beside them.
#[must_use]
pub fn routes(outside: &Outside) -> Vec<Route> {
    let (known, _) = everything(outside).known();
    known
}

fn everything(outside: &Outside) -> Routes<()> {
    guarded()
        .merge(open())
        .told()
        .merge(twilio::routes(&outside.twilio).told())
        .merge(media::routes(&outside.media_path).told())
}

/// What names, numbers and words of people are in.
fn texts() -> Routes {
    Routes::new()
        .route("/", get(pages::calls::show))
        .route("/calls/{id}", get(pages::call::show))
        .door(routes!(calls::list))
        .door(routes!(calls::one, erase::one))
        .door(routes!(transcript::get))
        .door(routes!(calls::analysis))
        .door(routes!(insight::get))
        .door(routes!(deliveries::list))
        .door(routes!(deliveries::redeliver))
        .door(routes!(jobs::list))
        .door(routes!(jobs::remove))
        .door(routes!(jobs::retry))
        .door(routes!(leads::list))
        .door(routes!(leads::one, leads::change))
        .route("/api", get(pages::api::show))
        .door(routes!(openapi::json))
}

/// What is behind the guard.
fn guarded() -> Routes {
    // In no cache.
    let no_store = SetResponseHeaderLayer::if_not_present(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    );
    texts()
        .layer(no_store)
        .door(routes!(recording::get))
        .door(routes!(events::of_call))
        .door(routes!(events::of_list))
        .door(routes!(health::metrics))
}

/// What everybody may ask for.
fn open() -> Routes {
    Routes::new()
        .route("/assets/{hash}/{name}", get(assets::serve))
        .door(routes!(health::alive))
        .door(routes!(health::ready))
}

//! The doors: router, API, pages, events, health.
//!
//! Handlers are thin: read the request, ask the store or the hub, render. Errors are an [`HttpError`]
//! everywhere and get their body (JSON or a page) in one place.

use std::{path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
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
    after::files::Files,
    live::{self, hub::Hub},
    people,
    recordings::archive::Shelf,
    store::Store,
    time::Clock,
};

mod about;
pub mod access;
mod assets;
mod call_file;
mod bookings;
mod calls;
mod changes;
pub mod connections;
mod conversations;
mod customers;
mod deliveries;
mod error;
mod erase;
mod events;
mod figures;
mod files;
mod filter;
mod health;
mod jobs;
mod leads;
mod links;
mod openapi;
mod insight;
pub mod media;
pub mod microphone;
mod pages;
mod paging;
mod prompts;
pub mod proxy;
mod ring;
mod range;
mod recording;
mod recordings;
mod routes;
mod timeline;
mod search;
mod transcript;
pub mod twilio;
mod waveform;

pub use about::About;
pub use access::{Access, ShortToken, rights::table as rights};
pub use error::HttpError;
pub use openapi::description;
pub use routes::Route;

use routes::{POST, Routes, get, post};

/// Who may see pages and API. Without accounts and token they are open on a loopback address only.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// A token like an admin's, beside the accounts and tokens in the database: `Authorization: Bearer …`,
    /// or once `/?token=…` in a browser. At least 16 characters.
    #[serde(skip_serializing)]
    pub access_token: Option<secrecy::SecretString>,
    /// Further names by which a browser on this machine may call this server, without port.
    pub hosts: Vec<String>,
    /// Minutes after which a login ends that is not used.
    pub session_idle_minutes: u32,
    /// Days after which a login ends anyway.
    pub session_days: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            access_token: None,
            hosts: Vec::new(),
            session_idle_minutes: 12 * 60,
            session_days: 30,
        }
    }
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
    /// The server itself: its figures, its models, its disk.
    pub about: Arc<About>,
    /// Where browsers speak; `None` where that is switched off.
    pub microphones: Option<microphone::Microphones>,
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

/// The page that needs the microphone says so itself.
const PERMISSIONS_POLICY: &str = "microphone=(), camera=(), geolocation=()";

const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`: a browser then hides from ourselves which page made a form's request.
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// Bytes of a form that says who may come in.
const LONGEST_FORM: usize = 16 * 1024;

/// Pages, API, events, health and metrics. The media door and Twilio's are routers of their own, to be
/// merged.
pub fn router(state: AppState) -> Router {
    let routes = guarded()
        .layer(middleware::from_fn_with_state(state.clone(), access::guard))
        .merge(open())
        .router()
        .fallback(
            error::no_such_page.layer(middleware::from_fn_with_state(state.clone(), access::know)),
        )
        .method_not_allowed_fallback(error::wrong_method)
        .layer(middleware::from_fn(error::render))
        // Sound is no smaller for it, and is asked for in ranges.
        .layer(
            CompressionLayer::new()
                .gzip(true)
                .compress_when(DefaultPredicate::new().and(NotForContentType::const_new("audio/"))),
        )
        .layer(CatchPanicLayer::new())
        .layer(SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static(PERMISSIONS_POLICY),
        ));
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

/// The routes that nobody needs a right for: they are open, or have locks of their own.
#[must_use]
pub fn unguarded(outside: &Outside) -> Vec<Route> {
    let (known, _) = open().told().merge(beside(outside)).known();
    known
}

fn everything(outside: &Outside) -> Routes<()> {
    guarded().merge(open()).told().merge(beside(outside))
}

/// The doors of other routers.
fn beside(outside: &Outside) -> Routes<()> {
    let twilio = twilio::routes(&outside.twilio).told();
    twilio.merge(media::routes(&outside.media_path).told())
}

/// Pages; names, numbers and words of people are in them.
fn sheets() -> Routes {
    Routes::new()
        .route("/", get(pages::calls::show))
        .route("/calls/{id}", get(pages::call::show))
        .route(
            "/calls/{id}/delete",
            get(pages::call::erase::ask).and(POST, pages::call::erase::done),
        )
        .route("/search", get(pages::search::show))
        .route("/try", get(pages::try_it::show))
        .route("/try/stream", get(microphone::open))
        .route("/api", get(pages::api::show))
}

/// What the API answers in JSON.
fn texts() -> Routes {
    Routes::new()
        .door(routes!(search::find))
        .door(routes!(calls::list))
        .door(routes!(calls::one, erase::one))
        .door(routes!(transcript::get))
        .door(routes!(calls::analysis))
        .door(routes!(changes::get))
        .door(routes!(timeline::get))
        .door(routes!(insight::get))
        .door(routes!(recordings::list))
        .door(routes!(recordings::usage))
        .door(routes!(deliveries::list))
        .door(routes!(deliveries::redeliver))
        .door(routes!(jobs::list))
        .door(routes!(jobs::remove))
        .door(routes!(jobs::retry))
        .door(routes!(leads::list))
        .door(routes!(leads::one, leads::change))
        .door(routes!(customers::list, customers::add))
        .door(routes!(
            customers::one,
            customers::change,
            customers::remove
        ))
        .door(routes!(bookings::list, bookings::add))
        .door(routes!(bookings::one, bookings::change, bookings::remove))
        .door(routes!(openapi::json))
}

/// Whose calls they were.
fn whose() -> Routes {
    Routes::new()
        .door(routes!(conversations::of_customer))
        .door(routes!(conversations::of_booking))
        .door(routes!(conversations::search))
        .door(routes!(conversations::review))
        .door(routes!(links::context))
        .door(routes!(links::one, links::put, links::remove))
        .door(routes!(links::make_customer))
}

/// Who may come in, and what they did.
fn doors() -> Routes {
    Routes::new()
        .route("/login", get(pages::login::show).and(POST, access::enter))
        .route("/logout", post(access::leave))
        .route("/account", get(pages::account::show))
        .route("/account/password", post(access::change_password))
        .route("/account/sessions/{id}/end", post(access::end_session))
        .route(
            "/accounts",
            get(pages::accounts::show).and(POST, access::add_account),
        )
        .route("/accounts/{name}/role", post(access::give_role))
        .route("/accounts/{name}/password", post(access::give_password))
        .route("/accounts/{name}/remove", post(access::remove_account))
        .route("/tokens", post(access::add_token))
        .route("/tokens/{name}/remove", post(access::remove_token))
        .route("/audit", get(pages::audit::show))
        .door(routes!(pages::audit::list))
        .layer(DefaultBodyLimit::max(LONGEST_FORM))
}

/// Where leads, recordings and jobs are tended.
fn desk() -> Routes {
    Routes::new()
        .route("/leads", get(pages::leads::show))
        .route(
            "/leads/{id}",
            get(pages::lead::show).and(POST, pages::lead::change),
        )
        .route("/recordings", get(pages::recordings::show))
        .route(
            "/recordings/{call}/{stream}/{track}/delete",
            get(pages::recordings::ask).and(POST, pages::recordings::delete),
        )
        .route("/jobs", get(pages::jobs::show))
        .route("/jobs/{id}/retry", post(pages::jobs::retry))
        .route(
            "/jobs/{id}/drop",
            get(pages::jobs::ask).and(POST, pages::jobs::remove),
        )
        .route("/deliveries", get(pages::deliveries::show))
        .route(
            "/deliveries/{id}/redeliver",
            post(pages::deliveries::redeliver),
        )
        .route("/health", get(pages::health::show))
}

/// Customers, their bookings, and whose calls they were.
fn people() -> Routes {
    use pages::people::{
        booking, bookings, correct, customer, customers, edit_booking, edit_customer, review,
    };
    Routes::new()
        .route("/customers", get(customers::show))
        .route(
            "/customers/new",
            get(edit_customer::new).and(POST, edit_customer::add),
        )
        .route("/customers/{id}", get(customer::show))
        .route(
            "/customers/{id}/edit",
            get(edit_customer::edit).and(POST, edit_customer::change),
        )
        .route(
            "/customers/{id}/delete",
            get(edit_customer::ask).and(POST, edit_customer::remove),
        )
        .route("/bookings", get(bookings::show))
        .route(
            "/bookings/new",
            get(edit_booking::new).and(POST, edit_booking::add),
        )
        .route("/bookings/{id}", get(booking::show))
        .route(
            "/bookings/{id}/edit",
            get(edit_booking::edit).and(POST, edit_booking::change),
        )
        .route(
            "/bookings/{id}/delete",
            get(edit_booking::ask).and(POST, edit_booking::remove),
        )
        .route("/review", get(review::show))
        .route(
            "/calls/{id}/link",
            get(correct::show).and(POST, correct::save),
        )
        .route("/calls/{id}/unlink", post(correct::take_back))
        .route(
            "/calls/{id}/customer",
            get(edit_customer::of_call).and(POST, edit_customer::add_of_call),
        )
}

/// Audio files, and how they are read. An upload has a limit of its own.
fn files() -> Routes {
    Routes::new()
        .route(
            "/files",
            get(pages::files::show).and(POST, pages::files::bring),
        )
        .door(routes!(files::transcribe))
        .door(routes!(files::list, files::upload))
        .layer(DefaultBodyLimit::disable())
        .door(routes!(files::get))
        .door(routes!(prompts::list))
        .door(routes!(prompts::put, prompts::remove))
}

/// What is behind the guard.
fn guarded() -> Routes {
    // In no cache.
    let no_store = SetResponseHeaderLayer::if_not_present(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    );
    sheets()
        .merge(desk())
        .merge(people())
        .merge(doors())
        .merge(texts())
        .merge(whose())
        .merge(files())
        .layer(no_store)
        .door(routes!(recording::get, recordings::remove))
        .door(routes!(waveform::wave))
        .door(routes!(waveform::spectrogram))
        .door(routes!(files::events))
        .door(routes!(events::of_leads))
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

//! Twilio's doors: what to do with a call that rings, and what became of calls, recordings and streams.
//!
//! They stand outside the guard of pages and API, and behind Twilio's signature instead, as the media
//! door does. A request is refused before anything is made of it; a delivery that comes again changes
//! nothing and gets the same answer.

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit};
use secrecy::SecretString;
use utoipa_axum::routes;

use super::{proxy::Proxies, routes::Routes};
use crate::{live::hub::Hub, store::Store, time::Clock};

mod answer;
mod heard;
mod news;
mod options;
mod refused;
mod voice;

pub use options::{BadOptions, Dial, Greeting, Options, Record, StreamVerb};

/// What the doors work with.
pub struct Doors {
    pub store: Store,
    /// Who watches leads learns of them here.
    pub hub: Hub,
    pub clock: Clock,
    pub options: Options,
    pub proxies: Proxies,
    /// Without one nothing is signed: `serve` listens on this machine only then, unless told otherwise.
    pub auth_token: Option<SecretString>,
    /// Where streams connect.
    pub media_path: String,
}

/// The four doors, at their configured paths.
pub fn router(doors: Doors) -> Router {
    routes(&doors.options)
        .router()
        .layer(DefaultBodyLimit::max(heard::LONGEST_BODY))
        .with_state(Arc::new(doors))
}

pub(super) fn routes(paths: &Options) -> Routes<Arc<Doors>> {
    Routes::new()
        .door_at(&paths.voice_path, routes!(voice::voice))
        .door_at(&paths.recording_path, routes!(news::recording_done))
        .door_at(&paths.status_path, routes!(news::status))
        .door_at(&paths.stream_path, routes!(news::stream))
}

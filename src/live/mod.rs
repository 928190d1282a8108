//! one call while it lasts: admission, stream driver, hub of live events.
//!
//! [`stream`] tells the story: read the socket, feed [`crate::call`], and put what comes out on a desk:
//! samples on each track's line (record, hear), facts with the clerk (store, broadcast). Everything that waits
//! is off the read loop: Twilio discards call audio when its socket is congested (31930).

use std::{net::IpAddr, sync::Arc};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    call,
    lifecycle::Lifecycle,
    recordings::Recorder,
    speech::{ears::Ears, live::Level},
    store::{Pen, Store},
    time::Clock,
};

pub mod admission;
pub mod hub;
mod clerk;
mod desk;
mod line;
pub mod microphone;
pub mod stream;

use admission::{Admission, Permit, Refusal};
use hub::Hub;

/// The media door and its limits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Where streams connect.
    pub path: String,
    /// Twilio's primary auth token. With it every upgrade must be signed.
    #[serde(skip_serializing)]
    pub auth_token: Option<SecretString>,
    /// Listen beyond localhost although nothing is signed.
    pub allow_unsigned: bool,
    /// Streams open at once; one more is refused with 503.
    pub max_streams: usize,
    /// The same for one client address.
    pub max_streams_per_address: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            path: "/media".into(),
            auth_token: None,
            allow_unsigned: false,
            max_streams: 1000,
            max_streams_per_address: 1000,
        }
    }
}

/// What every stream shares.
#[derive(Clone)]
pub struct Gateway(Arc<Shared>);

/// The parts of a [`Gateway`]. A missing recorder or missing ears switch that half off.
pub struct Shared {
    pub options: Options,
    pub call: call::Options,
    pub clock: Clock,
    pub lifecycle: Lifecycle,
    pub admission: Admission,
    pub recorder: Option<Recorder>,
    pub ears: Option<Ears>,
    /// What is spoken where the stream does not say; `None` detects it.
    pub language: Option<String>,
    pub store: Store,
    /// Writes committed live text, in batches for all streams.
    pub pen: Pen,
    pub hub: Hub,
}

impl Gateway {
    #[must_use]
    pub fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    #[must_use]
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    #[must_use]
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.0.lifecycle
    }

    /// Takes a place for one more stream.
    ///
    /// # Errors
    /// [`Refusal`], counted.
    pub fn admit(&self, client: IpAddr) -> Result<Permit, Refusal> {
        self.0
            .admission
            .admit(client, self.0.lifecycle.draining.is_cancelled())
    }
}

impl Gateway {
    /// Why new calls should go elsewhere, in plain words; empty when this server takes them gladly.
    #[must_use]
    pub fn not_ready(&self) -> Vec<String> {
        let (open, most) = self.admission.load();
        let deaf = self
            .ears
            .as_ref()
            .is_some_and(|ears| ears.lanes().level() == Level::NoText);
        let reasons = [
            (
                self.lifecycle.draining.is_cancelled(),
                "draining: the server is about to stop",
            ),
            (
                open >= most,
                "as many streams as configured are open (media.max_streams)",
            ),
            (deaf, "too busy for live words"),
        ];
        reasons
            .into_iter()
            .filter(|(is_so, _)| *is_so)
            .map(|(_, why)| why.to_owned())
            .collect()
    }
}

impl std::ops::Deref for Gateway {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

//! `GET /try/stream`: the microphone of a browser, by WebSocket ([`crate::wire::microphone`]). Beside the
//! guard that every page has, only our own pages may open it: a browser lets any site's page connect
//! anywhere, with this site's cookie.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, State, WebSocketUpgrade},
    http::{HeaderMap, Method},
    response::Response,
};

use super::{AppState, HttpError, access, proxy::Proxies};
use crate::live::microphone::{self, MAX_MESSAGE, Studio};

/// Bytes that a connection's read buffer holds; a packet of Opus has about a hundred.
const READ_BUFFER: usize = 4 * 1024;

/// What the door works with.
#[derive(Clone)]
pub struct Microphones {
    pub studio: Studio,
    pub proxies: Proxies,
}

pub(super) async fn open(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    socket: WebSocketUpgrade,
) -> Result<Response, HttpError> {
    let Some(Microphones { studio, proxies }) = state.microphones else {
        return Err(HttpError::not_found(
            "speaking from a browser is switched off (try.enabled)",
        ));
    };
    // The handshake is a GET, but it opens what changes something.
    access::same_origin(&Method::POST, &headers)?;
    let permit = studio.gateway().admit(proxies.client(peer.ip(), &headers));
    let calls = studio.gateway().lifecycle().calls.clone();
    Ok(socket
        .read_buffer_size(READ_BUFFER)
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .on_upgrade(move |socket| calls.track_future(microphone::run(socket, studio, permit))))
}

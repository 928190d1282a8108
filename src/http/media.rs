//! The media door: a WebSocket upgrade becomes a stream, or is refused in plain HTTP while that still
//! can be said: 403 for a wrong signature, 503 when full or draining.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Router,
    extract::{ConnectInfo, Path, State, WebSocketUpgrade},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use metrics::counter;
use secrecy::ExposeSecret;
use utoipa_axum::routes;

use super::{
    proxy::Proxies,
    routes::{Routes, get},
};
use crate::{
    ids::CallSid,
    live::{Gateway, stream},
    wire::signature,
};

/// Bytes that a connection's read buffer holds, cleared before every read; a frame is under 400 bytes,
/// and ten are read at once where they may gather.
const READ_BUFFER: usize = 4 * 1024;

/// Seconds after which a refused provider may try again.
const RETRY_AFTER: &str = "5";

pub(super) struct Door {
    gateway: Gateway,
    proxies: Proxies,
}

/// The door at `media.path`; with a call's id behind it (`/media/CA…`), only that call may start there.
pub fn router(gateway: Gateway, proxies: Proxies) -> Router {
    let routes = routes(&gateway.options().path);
    routes
        .router()
        .with_state(Arc::new(Door { gateway, proxies }))
}

pub(super) fn routes(path: &str) -> Routes<Arc<Door>> {
    let path = path.trim_end_matches('/');
    Routes::new()
        .door_at(path, routes!(upgrade))
        .route(&format!("{path}/"), get(upgrade))
        .door_at(&format!("{path}/{{call}}"), routes!(upgrade_call))
}

type Parts = (State<Arc<Door>>, ConnectInfo<SocketAddr>, HeaderMap, Uri);

/// A stream of a call: a WebSocket.
#[utoipa::path(
    get, path = "/media", tag = "Media",
    security(()),
    responses(
        (status = 101, description = "The stream may begin: `connected`, `start`, `media`, `dtmf`, `mark`, `stop`, as Twilio sends them."),
        (status = 403, description = "The signature is missing or wrong.", body = String, content_type = "text/plain", example = "X-Twilio-Signature is missing or does not match this URL and the auth token\n"),
        (status = 503, description = "Full, or about to stop.", body = String, content_type = "text/plain", headers(("retry-after" = u32, description = "Seconds.")), example = "as many streams as this server takes\n"),
    ),
)]
async fn upgrade(parts: Parts, socket: WebSocketUpgrade) -> Response {
    open(parts, None, socket)
}

/// A stream of this call and of no other: a WebSocket.
#[utoipa::path(
    get, path = "/media/{call}", tag = "Media",
    params(("call" = CallSid, Path, description = "The call's id.")),
    security(()),
    responses(
        (status = 101, description = "The stream may begin: `connected`, `start`, `media`, `dtmf`, `mark`, `stop`, as Twilio sends them."),
        (status = 403, description = "The signature is missing or wrong.", body = String, content_type = "text/plain", example = "X-Twilio-Signature is missing or does not match this URL and the auth token\n"),
        (status = 404, description = "That is no id.", body = String, content_type = "text/plain", example = "call: an id is 1 to 64 characters of A-Z, a-z, 0-9, _ and -\n"),
        (status = 503, description = "Full, or about to stop.", body = String, content_type = "text/plain", headers(("retry-after" = u32, description = "Seconds.")), example = "as many streams as this server takes\n"),
    ),
)]
async fn upgrade_call(
    Path(call): Path<String>,
    parts: Parts,
    socket: WebSocketUpgrade,
) -> Response {
    match call.parse() {
        Ok(call) => open(parts, Some(call), socket),
        Err(error) => (StatusCode::NOT_FOUND, format!("call: {error}\n")).into_response(),
    }
}

fn open(
    (State(door), ConnectInfo(peer), headers, uri): Parts,
    expected: Option<CallSid>,
    socket: WebSocketUpgrade,
) -> Response {
    let gateway = &door.gateway;
    let client: IpAddr = door.proxies.client(peer.ip(), &headers);
    if !signed(&door, peer.ip(), &headers, &uri) {
        counter!("callscribe_streams_refused_total", "reason" => "signature").increment(1);
        tracing::warn!(%client, "media stream refused: X-Twilio-Signature is missing or wrong");
        return (
            StatusCode::FORBIDDEN,
            "X-Twilio-Signature is missing or does not match this URL and the auth token\n",
        )
            .into_response();
    }
    let permit = match gateway.admit(client) {
        Ok(permit) => permit,
        Err(refusal) => {
            let headers = [(header::RETRY_AFTER, RETRY_AFTER)];
            return (
                StatusCode::SERVICE_UNAVAILABLE,
                headers,
                format!("{refusal}\n"),
            )
                .into_response();
        }
    };
    let gateway = gateway.clone();
    let limit = gateway.call.max_frame_bytes;
    socket
        .read_buffer_size(READ_BUFFER)
        .max_message_size(limit)
        .max_frame_size(limit)
        .on_upgrade(move |socket| {
            let calls = gateway.lifecycle().calls.clone();
            calls.track_future(stream::run(socket, gateway, permit, expected))
        })
}

/// True without a token: `serve` does not listen beyond localhost then, unless told to.
fn signed(door: &Door, peer: IpAddr, headers: &HeaderMap, uri: &Uri) -> bool {
    let Some(token) = &door.gateway.options().auth_token else {
        return true;
    };
    let given = headers
        .get("x-twilio-signature")
        .and_then(|value| value.to_str().ok());
    let url = door.proxies.public_url("wss", peer, headers, uri);
    given.is_some_and(|given| signature::verify_upgrade(token.expose_secret(), &url, given))
}

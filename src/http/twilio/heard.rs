//! What Twilio posted: read no further than it may be long, and signed.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::{ConnectInfo, FromRequest, Request},
    http::{HeaderMap, Uri, header},
};
use secrecy::ExposeSecret;

use super::{super::access::same_origin, Doors, refused::Refused};
use crate::wire::{form::Form, signature};

/// Longest body; Twilio's have about 1 kB.
pub(super) const LONGEST_BODY: usize = 64 * 1024;
/// How long a body may take to come.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// A form that Twilio signed, or that need not be signed.
pub(super) struct Heard {
    pub(super) form: Form,
    peer: IpAddr,
    headers: HeaderMap,
}

impl FromRequest<Arc<Doors>> for Heard {
    type Rejection = Refused;

    async fn from_request(request: Request, doors: &Arc<Doors>) -> Result<Self, Refused> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.ok_or(Refused::Nobody)?.0.ip();
        let (headers, uri) = (request.headers().clone(), request.uri().clone());
        // Where nothing is signed, a page elsewhere must not have a browser on this machine ring here.
        same_origin(request.method(), &headers).map_err(|_| Refused::Foreign)?;
        let is_form = is_form(&headers);
        let body = body(request).await?;
        let form = match is_form {
            true => Some(Form::parse(&body)?),
            false => None,
        };
        if !doors.signed(peer, &headers, &uri, form.as_ref(), &body) {
            let client = doors.proxies.client(peer, &headers);
            tracing::warn!(%client, path = uri.path(), "webhook refused: X-Twilio-Signature is missing or wrong");
            return Err(Refused::Unsigned);
        }
        Ok(Self {
            form: form.ok_or(Refused::NotAForm)?,
            peer,
            headers,
        })
    }
}

impl Heard {
    /// What the world calls `path` of this server; `scheme` is `https` or `wss`.
    pub(super) fn address(&self, doors: &Doors, scheme: &str, path: &str) -> String {
        let uri = path.parse().unwrap_or_default();
        doors
            .proxies
            .public_url(scheme, self.peer, &self.headers, &uri)
    }
}

impl Doors {
    /// A form is signed field by field, anything else by the digest that the address carries.
    fn signed(
        &self,
        peer: IpAddr,
        headers: &HeaderMap,
        uri: &Uri,
        form: Option<&Form>,
        body: &[u8],
    ) -> bool {
        let Some(token) = &self.auth_token else {
            return true;
        };
        let given = headers
            .get("x-twilio-signature")
            .and_then(|value| value.to_str().ok());
        let Some(given) = given else { return false };
        let url = self.proxies.public_url("https", peer, headers, uri);
        let token = token.expose_secret();
        match form {
            Some(form) => signature::verify(token, &url, &form.pairs(), given),
            None => signature::verify_body(token, &url, body, given),
        }
    }
}

/// What says that it is too long is not read at all, and the rest no further than it may be.
async fn body(request: Request) -> Result<Bytes, Refused> {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > LONGEST_BODY as u64) {
        return Err(Refused::TooLarge);
    }
    let read = tokio::time::timeout(BODY_WITHIN, Bytes::from_request(request, &())).await;
    let read = read.map_err(|_| Refused::TooSlow)?;
    read.map_err(|refusal| match refusal.status().as_u16() {
        413 => Refused::TooLarge,
        _ => Refused::Broken,
    })
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

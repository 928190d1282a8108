//! Who asks, by whatever shows it: a Bearer token, the token in the address, a session's cookie, the token's
//! cookie, or being on this machine while there are no accounts.

use axum::{
    extract::MatchedPath,
    http::{HeaderMap, Method, StatusCode, Uri, header, request::Parts},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Access, SESSION_COOKIE, TOKEN_COOKIE, Viewer, peer, secret};
use crate::{
    http::{AppState, error::HttpError},
    store::Scope,
};

/// Headers that a proxy adds: what comes with one was not asked for on this machine.
const FORWARDED: [&str; 4] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
];
/// `http.access_token`.
pub(super) struct Token {
    digest: [u8; 32],
    /// What the cookie holds: made from the token, and the token cannot be made from it.
    pub(super) cookie: String,
}

/// How a request came in.
pub(super) enum Entry {
    As(Box<Viewer>),
    /// By a token in the address, which is to become a cookie.
    ByAddress,
}

/// Who asks, by whatever shows it.
pub(super) async fn entry_of(state: &AppState, request: &Parts) -> Result<Entry, HttpError> {
    let (access, now) = (&state.access, state.clock.wall());
    let headers = &request.headers;
    let peer = peer(&request.extensions);
    let address = access.proxies.client(peer, headers);
    let come = |viewer: Viewer| Ok(Entry::As(Box::new(viewer.through(peer))));
    if let Some(given) = secret::bearer(headers) {
        if access.token.as_ref().is_some_and(|token| token.is(given)) {
            return come(Viewer::configured(address, false));
        }
        let token = state.store.token(&secret::hash(given), now).await?;
        return come(Viewer::token(address, token.ok_or_else(wrong_token)?));
    }
    if let Some(token) = &access.token
        && request.method == Method::GET
        && let Some(given) = token_in(&request.uri)
    {
        return match token.is(&given) {
            true => Ok(Entry::ByAddress),
            false => Err(wrong_token()),
        };
    }
    if let Some(secret) = secret::cookie(headers, SESSION_COOKIE) {
        let hash = secret::hash(secret);
        let known = state.store.session(&hash, access.lifetimes, now).await?;
        if let Some((session, account)) = known {
            return come(Viewer::account(address, session, account));
        }
    }
    if let Some(token) = &access.token
        && secret::cookie(headers, TOKEN_COOKIE).is_some_and(|given| token.is_cookie(given))
    {
        return come(Viewer::configured(address, true));
    }
    let has_accounts = state.store.has_accounts().await;
    let is_local = || match access.token {
        Some(_) => Err(no_token()),
        None => access.check_local(headers),
    };
    match has_accounts {
        Ok(true) => come(Viewer::stranger(address)),
        Ok(false) => is_local().and_then(|()| come(Viewer::open(address))),
        Err(error) => match harmless(request).filter(|_| is_local().is_ok()) {
            Some(scope) => come(Viewer::unknown(address, scope)),
            None => Err(error.into()),
        },
    }
}

/// What is for whoever is on this machine while the database does not answer. What is wrong with it stands in the
/// figures, and they name nobody; and who brings a file is told what is in that file, and nothing of anybody's.
fn harmless(request: &Parts) -> Option<Scope> {
    let route = request.extensions.get::<MatchedPath>()?;
    match (&request.method, route.as_str()) {
        (_, "/metrics") => Some(Scope::HealthRead),
        (&Method::POST, "/api/transcribe/" | "/api/v1/files") => Some(Scope::FilesWrite),
        _ => None,
    }
}

impl Token {
    pub(super) fn new(token: &str) -> Self {
        Self {
            digest: Sha256::digest(token).into(),
            cookie: secret::hash(&format!("callscribe cookie {token}")),
        }
    }

    /// Over digests, so that neither content nor length shows in the time.
    pub(super) fn is(&self, given: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(given).into();
        digest.ct_eq(&self.digest).into()
    }

    fn is_cookie(&self, given: &str) -> bool {
        given.as_bytes().ct_eq(self.cookie.as_bytes()).into()
    }
}

impl Access {
    /// Without accounts only this machine's own people come in.
    fn check_local(&self, headers: &HeaderMap) -> Result<(), HttpError> {
        let closed = |why: &str| {
            HttpError::new(
                StatusCode::FORBIDDEN,
                "closed",
                format!(
                    "pages and API are closed {why} until there is an account (callscribe accounts add NAME --role admin) or an access token (http.access_token)"
                ),
            )
        };
        if !self.local {
            return Err(closed("on a server that listens beyond its own machine"));
        }
        if FORWARDED.iter().any(|name| headers.contains_key(*name)) {
            return Err(closed("to what comes through a proxy"));
        }
        // A foreign page can make its own name resolve to 127.0.0.1 and read from here as from itself;
        // the browser then sends that name.
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default();
        let name = without_port(host).to_ascii_lowercase();
        let known = ["localhost", "127.0.0.1", "[::1]"].contains(&name.as_str())
            || self.hosts.contains(&name);
        if known {
            return Ok(());
        }
        Err(HttpError::new(
            StatusCode::FORBIDDEN,
            "unknown_host",
            "this server goes by localhost, 127.0.0.1 and the names in http.hosts; it was called by another",
        ))
    }
}

fn wrong_token() -> HttpError {
    HttpError::new(
        StatusCode::UNAUTHORIZED,
        "access_token",
        "that token opens nothing here: it is mistyped, removed, or its time is up",
    )
}

fn no_token() -> HttpError {
    HttpError::new(
        StatusCode::UNAUTHORIZED,
        "access_token",
        "this server asks for its access token: as a Bearer token, or in a browser once as ?token=…",
    )
}

fn token_in(uri: &Uri) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Given {
        token: String,
    }
    let given = axum::extract::Query::<Given>::try_from_uri(uri).ok()?;
    Some(given.0.token)
}

fn without_port(host: &str) -> &str {
    let ends_name = host.rfind(']').map_or(0, |at| at + 1);
    match host[ends_name..].find(':') {
        Some(at) => &host[..ends_name + at],
        None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{access, headers};

    #[test]
    fn without_accounts_only_this_machine_comes_in() {
        let [local, six, wide] =
            ["127.0.0.1:80", "[::1]:80", "0.0.0.0:80"].map(|at| access(at, None).unwrap());
        for (access, given, expected) in [
            (&local, &[("host", "localhost:8080")][..], Ok(())),
            (&local, &[("host", "LOCALHOST")], Ok(())),
            (&local, &[("host", "127.0.0.1:8080")], Ok(())),
            (&six, &[("host", "[::1]:8080")], Ok(())),
            (&six, &[("host", "[::1]")], Ok(())),
            (&local, &[("host", "Calls.example:80")], Ok(())),
            (
                &local,
                &[("host", "evil.example:8080")],
                Err("unknown_host"),
            ),
            (
                &local,
                &[("host", "localhost.evil.example")],
                Err("unknown_host"),
            ),
            (&local, &[("host", "[::1].evil")], Err("unknown_host")),
            (&local, &[], Err("unknown_host")),
            (
                &local,
                &[("host", "localhost"), ("x-forwarded-for", "1.2.3.4")],
                Err("closed"),
            ),
            (
                &local,
                &[("host", "localhost"), ("forwarded", "for=1.2.3.4")],
                Err("closed"),
            ),
            (&wide, &[("host", "localhost")], Err("closed")),
        ] {
            let come = access.check_local(&headers(given));
            assert_eq!(come.map_err(|error| error.code), expected, "{given:?}");
        }
    }
}

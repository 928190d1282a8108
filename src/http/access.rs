//! Who may see the pages and the API. There is no login yet, so they are open on this machine only;
//! beyond it a configured token is asked for, and without one they stay closed.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{error::HttpError, pages};

/// The shortest token that is taken: 16 characters are hard to guess over the network.
const SHORTEST_TOKEN: usize = 16;
pub(super) const COOKIE: &str = "callscribe_access";
/// Headers that a proxy adds: what comes with one was not asked for on this machine.
const FORWARDED: [&str; 4] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
];

/// Set by browsers alone; pages cannot forge it.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The rule for one server.
pub struct Access {
    token: Option<Token>,
    /// The server listens on this machine's own address only.
    local: bool,
    /// Names by which this machine is called, beside the local ones.
    hosts: Vec<String>,
}

struct Token {
    digest: [u8; 32],
    /// What the cookie holds: made from the token, and the token cannot be made from it.
    cookie: String,
}

/// A token that is too short to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("access_token: at least {SHORTEST_TOKEN} characters")]
pub struct ShortToken;

/// How a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Open,
    /// By a token in the address, which is to become a cookie.
    ByAddress,
}

impl Access {
    /// # Errors
    /// When the token is shorter than [`SHORTEST_TOKEN`].
    pub fn new(
        listen: SocketAddr,
        token: Option<&SecretString>,
        hosts: &[String],
    ) -> Result<Self, ShortToken> {
        let token = match token.map(ExposeSecret::expose_secret) {
            Some(token) if token.chars().count() < SHORTEST_TOKEN => return Err(ShortToken),
            Some(token) => Some(Token {
                digest: Sha256::digest(token).into(),
                cookie: hex(&Sha256::digest(format!("callscribe cookie {token}"))),
            }),
            None => None,
        };
        Ok(Self {
            token,
            local: listen.ip().is_loopback(),
            hosts: hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
        })
    }

    fn check(&self, method: &Method, headers: &HeaderMap, uri: &Uri) -> Result<Entry, HttpError> {
        match &self.token {
            Some(token) => token.check(method, headers, uri),
            None => self.check_local(headers).map(|()| Entry::Open),
        }
    }

    fn check_local(&self, headers: &HeaderMap) -> Result<(), HttpError> {
        let closed = |why: &str| {
            HttpError::new(
                StatusCode::FORBIDDEN,
                "closed",
                format!(
                    "pages and API are closed {why} until an access token is configured (http.access_token)"
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

impl Token {
    fn check(&self, method: &Method, headers: &HeaderMap, uri: &Uri) -> Result<Entry, HttpError> {
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let cookies = headers.get_all(header::COOKIE).iter();
        let cookie = cookies
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
        let address = token_in(uri).filter(|_| *method == Method::GET);
        if bearer.is_some_and(|given| self.is(given)) {
            return Ok(Entry::Open);
        }
        if address.as_deref().is_some_and(|given| self.is(given)) {
            return Ok(Entry::ByAddress);
        }
        if cookie.is_some_and(|given| given.as_bytes().ct_eq(self.cookie.as_bytes()).into()) {
            return Ok(Entry::Open);
        }
        let message = if bearer.is_some() || address.is_some() {
            "that is not this server's access token"
        } else {
            "this server asks for its access token: as a Bearer token, or in a browser once as ?token=…"
        };
        Err(HttpError::new(
            StatusCode::UNAUTHORIZED,
            "access_token",
            message,
        ))
    }

    /// Over digests, so that neither content nor length shows in the time.
    fn is(&self, given: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(given).into();
        digest.ct_eq(&self.digest).into()
    }
}

/// Middleware: lets in who may come in.
pub(super) async fn guard(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    let entry = same_origin(request.method(), request.headers())
        .and_then(|()| access.check(request.method(), request.headers(), request.uri()));
    match entry {
        Ok(Entry::Open) => next.run(request).await,
        Ok(Entry::ByAddress) => welcome(&access, &request),
        Err(error) => error.into_response(),
    }
}

/// A foreign page may make its visitor's browser send requests here, with the cookie or from this
/// machine. It cannot read the answer, but what changes something must not come in at all. Browsers say
/// whose page asked; what is no browser says nothing.
pub(super) fn same_origin(method: &Method, headers: &HeaderMap) -> Result<(), HttpError> {
    if method.is_safe() {
        return Ok(());
    }
    let text = |name| {
        headers
            .get(name)
            .map(|value: &HeaderValue| value.to_str().unwrap_or("?"))
    };
    let is_own = match (text(SEC_FETCH_SITE), text(header::ORIGIN)) {
        // Older browsers send the origin alone; behind a proxy its name and ours may differ.
        (Some(site), _) => ["same-origin", "none"].contains(&site),
        (None, Some(origin)) => {
            let place = origin.split_once("://").map(|(_, place)| place);
            place.is_some_and(|place| text(header::HOST) == Some(place))
        }
        (None, None) => true,
    };
    if is_own {
        return Ok(());
    }
    Err(HttpError::new(
        StatusCode::FORBIDDEN,
        "cross_site",
        "requests that change something are not taken from other sites' pages",
    ))
}

/// Sets the cookie and sends the browser on to the same address without the token. Not by a redirect:
/// after one, a browser that came from elsewhere would not send a strict cookie.
fn welcome(access: &Access, request: &Request) -> Response {
    let secure = request
        .headers()
        .get("x-forwarded-proto")
        .is_some_and(|proto| proto == "https");
    let value = access.token.as_ref().map_or("", |token| &token.cookie);
    let cookie = format!(
        "{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=2592000{}",
        if secure { "; Secure" } else { "" }
    );
    let page = pages::welcome(request.uri().path());
    ([(header::SET_COOKIE, cookie)], page).into_response()
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "sixteen-letters!";

    fn check(access: &Access, uri: &str, headers: &[(&str, &str)]) -> Result<Entry, &'static str> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().unwrap();
                (name, value.parse().unwrap())
            })
            .collect();
        access
            .check(&Method::GET, &headers, &uri.parse().unwrap())
            .map_err(|error| error.code)
    }

    fn access(listen: &str, token: Option<&str>) -> Access {
        let token = token.map(SecretString::from);
        Access::new(
            listen.parse().unwrap(),
            token.as_ref(),
            &["calls.example".into()],
        )
        .unwrap()
    }

    #[test]
    fn without_a_token_only_this_machine_comes_in() {
        let local = access("127.0.0.1:80", None);
        let six = access("[::1]:80", None);
        let wide = access("0.0.0.0:80", None);
        for (access, headers, expected) in [
            (&local, &[("host", "localhost:8080")][..], Ok(Entry::Open)),
            (&local, &[("host", "LOCALHOST")], Ok(Entry::Open)),
            (&local, &[("host", "127.0.0.1:8080")], Ok(Entry::Open)),
            (&six, &[("host", "[::1]:8080")], Ok(Entry::Open)),
            (&six, &[("host", "[::1]")], Ok(Entry::Open)),
            (&local, &[("host", "Calls.example:80")], Ok(Entry::Open)),
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
            assert_eq!(check(access, "/", headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_token_opens_by_header_address_and_cookie() {
        let access = access("0.0.0.0:80", Some(TOKEN));
        let cookie = access.token.as_ref().unwrap().cookie.clone();
        let bearer = format!("Bearer {TOKEN}");
        let both = format!("a=b; callscribe_access={cookie}");
        let wrong = format!("callscribe_access={TOKEN}");
        assert!(!cookie.contains(TOKEN));
        for (uri, headers, expected) in [
            (
                "/",
                &[("authorization", bearer.as_str())][..],
                Ok(Entry::Open),
            ),
            ("/?token=sixteen-letters!", &[], Ok(Entry::ByAddress)),
            (
                "/?a=1&token=sixteen%2Dletters%21",
                &[],
                Ok(Entry::ByAddress),
            ),
            ("/", &[("cookie", &both)], Ok(Entry::Open)),
            ("/", &[("cookie", &wrong)], Err("access_token")),
            (
                "/",
                &[("authorization", "Bearer sixteen-letters?")],
                Err("access_token"),
            ),
            ("/", &[("authorization", TOKEN)], Err("access_token")),
            ("/?token=", &[("host", "localhost")], Err("access_token")),
            ("/", &[("host", "localhost")], Err("access_token")),
        ] {
            assert_eq!(check(&access, uri, headers), expected, "{uri} {headers:?}");
        }
    }

    #[test]
    fn only_our_own_pages_change_something() {
        let site = "sec-fetch-site";
        for (method, headers, is_taken) in [
            (Method::POST, &[][..], true),
            (Method::POST, &[(site, "same-origin")], true),
            (Method::POST, &[(site, "none")], true),
            (Method::POST, &[(site, "same-site")], false),
            (Method::DELETE, &[(site, "cross-site")], false),
            (
                Method::PATCH,
                &[(site, "cross-site"), ("origin", "http://localhost:1")],
                false,
            ),
            (
                Method::POST,
                &[(site, "same-origin"), ("origin", "https://calls.example")],
                true,
            ),
            (Method::POST, &[("origin", "http://localhost:1")], true),
            (Method::POST, &[("origin", "http://localhost:2")], false),
            (Method::POST, &[("origin", "https://evil.example")], false),
            (Method::POST, &[("origin", "null")], false),
            (Method::GET, &[(site, "cross-site")], true),
            (Method::HEAD, &[("origin", "https://evil.example")], true),
        ] {
            let given = headers.iter().chain(&[("host", "localhost:1")]);
            let given: HeaderMap = given
                .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
                .collect();
            let taken = same_origin(&method, &given).map_err(|error| error.code);
            let expected = if is_taken { Ok(()) } else { Err("cross_site") };
            assert_eq!(taken, expected, "{method} {headers:?}");
        }
    }

    #[test]
    fn a_short_token_is_refused_at_the_start() {
        let short = SecretString::from("fifteen-letters");
        let made = Access::new("0.0.0.0:80".parse().unwrap(), Some(&short), &[]);
        assert_eq!(made.err(), Some(ShortToken));
    }
}

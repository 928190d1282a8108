//! Who may come in, and what they may do.
//!
//! While nobody has an account, pages and API are open on this machine and closed beyond it; the first
//! account (`callscribe accounts add NAME --role admin`) ends both. People log in and get a session, a
//! role and with it the scopes of `store::roles`; programs have tokens with scopes of their own.
//! `http.access_token`, from before there were accounts, stays an admin's token beside them: it opens also
//! while the database does not answer.
//!
//! One table ([`rights`]) says what each route needs, one place ([`guard`]) asks for it and writes into the
//! audit log what was done; handlers ask nothing and may look at their [`Viewer`]. Why no form carries a
//! token against forged requests stands in [`origin`].

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Mutex,
};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{Extensions, HeaderMap, Method, StatusCode, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use tokio::sync::Semaphore;

use super::{
    AppState, Options,
    error::{HttpError, is_for_programs},
    pages,
    proxy::Proxies,
};
use crate::store::{Actor, Lifetimes};

mod deeds;
mod entry;
mod limit;
mod origin;
mod own;
pub mod password;
mod people;
pub(super) mod rights;
pub mod secret;
pub(super) mod viewer;
mod who;

pub(super) use entry::{enter, leave, own_path};
pub(super) use own::{change_password, end_session};
pub(super) use people::{
    add_account, add_token, give_password, give_role, remove_account, remove_token,
};
use rights::{Need, Right};
pub(super) use viewer::Viewer;
use who::{Entry, Token, entry_of};

/// The shortest token that is taken: 16 characters are hard to guess over the network.
const SHORTEST_TOKEN: usize = 16;
/// What `http.access_token` becomes in a browser.
const TOKEN_COOKIE: &str = "callscribe_access";
/// What a login becomes.
pub(super) const SESSION_COOKIE: &str = "callscribe_session";
/// Passwords looked at together: each takes 19 MiB and a core; whoever comes then waits.
const AT_ONCE: usize = 2;

/// The rule for one server.
pub struct Access {
    token: Option<Token>,
    /// The server listens on this machine's own address only.
    local: bool,
    /// Names by which this machine is called, beside the local ones.
    hosts: Vec<String>,
    proxies: Proxies,
    lifetimes: Lifetimes,
    limits: Mutex<limit::Limits>,
    passwords: Semaphore,
    deeds: deeds::Deeds,
}

/// A token that is too short to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("access_token: at least {SHORTEST_TOKEN} characters")]
pub struct ShortToken;

impl Access {
    /// # Errors
    /// When the token is shorter than [`SHORTEST_TOKEN`].
    pub fn new(
        listen: SocketAddr,
        options: &Options,
        proxies: Proxies,
    ) -> Result<Self, ShortToken> {
        let token = options.access_token.as_ref();
        let token = match token.map(ExposeSecret::expose_secret) {
            Some(token) if token.chars().count() < SHORTEST_TOKEN => return Err(ShortToken),
            Some(token) => Some(Token::new(token)),
            None => None,
        };
        let hosts = options.hosts.iter();
        Ok(Self {
            token,
            local: listen.ip().is_loopback(),
            hosts: hosts.map(|host| host.to_ascii_lowercase()).collect(),
            proxies,
            lifetimes: Lifetimes {
                idle: SignedDuration::from_mins(options.session_idle_minutes.into()),
                whole: SignedDuration::from_hours(24 * i64::from(options.session_days)),
            },
            limits: Mutex::default(),
            passwords: Semaphore::new(AT_ONCE),
            deeds: deeds::Deeds::default(),
        })
    }

    /// Waits until the audit log has everything: before the database is closed.
    pub async fn settled(&self) {
        self.deeds.settled().await;
    }

    /// How long logins last.
    pub(super) const fn lifetimes(&self) -> Lifetimes {
        self.lifetimes
    }
}

/// Middleware: lets in who may come in, and writes down what they did.
pub(super) async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    let viewer = match entry_of(&state, &head).await {
        Ok(Entry::As(viewer)) => *viewer,
        Ok(Entry::ByAddress) => return welcome(&state.access, &head),
        Err(error) => return error.into_response(),
    };
    let (method, uri) = (head.method.clone(), head.uri.clone());
    let route = head.extensions.get::<MatchedPath>();
    let right = route.and_then(|route| rights::of(method.as_str(), route.as_str()));
    let refused = origin::check(&method, &head.headers, viewer.by_cookie)
        .and_then(|()| allowed(right, &viewer));
    if let Err(error) = refused {
        let mut response = at_the_door(&head, error);
        response.extensions_mut().insert(viewer);
        return response;
    }
    head.extensions.insert(viewer.clone());
    let mut response = next.run(Request::from_parts(head, body)).await;
    let done = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    if let Some(right) =
        right.filter(|right| done && right.deed.is_some() && method != Method::HEAD)
    {
        note(&state, &viewer, right, &uri).await;
    }
    response.extensions_mut().insert(viewer);
    response
}

/// Middleware for what is not guarded: knows who asks, for the bar, and refuses nobody.
pub(super) async fn know(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let viewer = match entry_of(&state, &head).await {
        Ok(Entry::As(viewer)) => *viewer,
        Ok(Entry::ByAddress) | Err(_) => Viewer::stranger(peer(&head.extensions)),
    };
    let mut response = next.run(Request::from_parts(head, body)).await;
    response.extensions_mut().insert(viewer);
    response
}

/// Refuses what another site's page asks a browser to change.
pub(super) fn same_origin(method: &Method, headers: &HeaderMap) -> Result<(), HttpError> {
    origin::check(method, headers, false)
}

fn allowed(right: Option<&Right>, viewer: &Viewer) -> Result<(), HttpError> {
    let (fits, missing) = match right.map(|right| right.need) {
        Some(Need::Nothing) => return Ok(()),
        Some(Need::Name) => (viewer.is_in(), None),
        Some(Need::Scope(scope)) => (viewer.may(scope), Some(scope)),
        None => (viewer.may_all(), None),
    };
    match (fits, missing) {
        (true, _) => Ok(()),
        (false, _) if !viewer.is_in() => Err(HttpError::new(
            StatusCode::UNAUTHORIZED,
            "login",
            "this needs a login, or a token (Authorization: Bearer …)",
        )),
        (false, Some(scope)) if viewer.actor == Actor::Token => Err(forbidden(format!(
            "this needs a token with the scope {scope}"
        ))),
        (false, Some(scope)) => Err(forbidden(format!("this needs the role {}", scope.role()))),
        (false, None) => Err(forbidden("this needs the role admin".into())),
    }
}

fn forbidden(message: String) -> HttpError {
    HttpError::new(StatusCode::FORBIDDEN, "role", message)
}

/// What is refused. A stranger gets the login, unless it is a program. Who followed a link from another site may well be
/// logged in, and is sent on to the same address by a page of ours, with the strict cookie.
fn at_the_door(request: &Parts, error: HttpError) -> Response {
    if error.status != StatusCode::UNAUTHORIZED {
        return error.into_response();
    }
    let uri = &request.uri;
    if is_for_programs(uri.path()) {
        return ([(header::WWW_AUTHENTICATE, "Bearer")], error).into_response();
    }
    let here = uri.path_and_query().map_or("/", |path| path.as_str());
    let here = own_path(Some(here));
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    if origin::is_from_elsewhere(&request.method, &request.headers) {
        return (no_store, pages::onward(here)).into_response();
    }
    let page = pages::login::form(here, None);
    (StatusCode::UNAUTHORIZED, no_store, page).into_response()
}

async fn note(state: &AppState, viewer: &Viewer, right: &Right, uri: &Uri) {
    let (Some(action), Some(object)) = (right.deed, deeds::object(right, uri)) else {
        return;
    };
    let deed = viewer.did(action, object);
    let deeds = &state.access.deeds;
    if action == "recording.fetched" && deeds.goes_on(&deed, state.clock.now()) {
        return;
    }
    deeds.note(&state.store, deed, state.clock.wall()).await;
}

/// Sets the cookie and sends the browser on to the same address without the token. Not by a redirect:
/// after one, a browser that came from elsewhere would not send a strict cookie.
fn welcome(access: &Access, request: &Parts) -> Response {
    let value = access.token.as_ref().map_or("", |token| &token.cookie);
    let peer = peer(&request.extensions);
    let age = SignedDuration::from_hours(24 * 30);
    let cookie = access.cookie(TOKEN_COOKIE, value, age, &request.headers, peer);
    let page = pages::onward(own_path(Some(request.uri.path())));
    let headers = [
        (header::SET_COOKIE, cookie),
        (header::CACHE_CONTROL, "no-store".into()),
    ];
    (headers, page).into_response()
}

impl Access {
    /// A cookie that no script reads and no other site's page makes a browser send. `Secure` where the
    /// browser itself says that it came by TLS, or a trusted proxy does.
    fn cookie(
        &self,
        name: &str,
        value: &str,
        age: SignedDuration,
        headers: &HeaderMap,
        peer: IpAddr,
    ) -> String {
        let is_https = |name: &str, start: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.is_some_and(|value| value.starts_with(start))
        };
        let forwarded = self.proxies.trusted.contains(&peer);
        let secure =
            is_https("origin", "https://") || (forwarded && is_https("x-forwarded-proto", "https"));
        format!(
            "{name}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}{}",
            age.as_secs(),
            if secure { "; Secure" } else { "" }
        )
    }
}

/// Where the connection came from; this machine where nobody says.
fn peer(extensions: &Extensions) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.0.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn access(listen: &str, token: Option<&str>) -> Result<Access, ShortToken> {
        let options = Options {
            access_token: token.map(Into::into),
            hosts: vec!["calls.example".into()],
            ..Options::default()
        };
        Access::new(listen.parse().unwrap(), &options, Proxies::default())
    }

    pub(super) fn headers(given: &[(&str, &str)]) -> HeaderMap {
        let given = given.iter().map(|(name, value)| {
            let name: header::HeaderName = name.parse().unwrap();
            (name, value.parse().unwrap())
        });
        given.collect()
    }

    #[test]
    fn a_short_token_is_refused_at_the_start() {
        let made = access("0.0.0.0:80", Some("fifteen-letters"));
        assert_eq!(made.err(), Some(ShortToken));
        let made = access("0.0.0.0:80", Some("sixteen-letters!")).unwrap();
        let token = made.token.unwrap();
        assert!(token.is("sixteen-letters!") && !token.is("sixteen-letters?"));
        assert!(!token.cookie.contains("sixteen") && !token.is(&token.cookie));
    }

    #[test]
    fn a_cookie_is_secure_where_the_browser_came_by_tls() {
        let options = Options::default();
        let proxies = Proxies {
            trusted: vec![[10, 0, 0, 1].into()],
            ..Proxies::default()
        };
        let listen = "0.0.0.0:80".parse().unwrap();
        let access = Access::new(listen, &options, proxies).unwrap();
        let https = ("x-forwarded-proto", "https");
        for (given, peer, expected) in [
            (&[][..], [10, 0, 0, 1], false),
            (&[https], [10, 0, 0, 1], true),
            (&[https], [10, 0, 0, 2], false),
            (&[("origin", "https://calls.example")], [10, 0, 0, 2], true),
            (&[("origin", "http://calls.example")], [10, 0, 0, 2], false),
        ] {
            let age = SignedDuration::from_secs(60);
            let cookie = access.cookie("name", "value", age, &headers(given), peer.into());
            let (plain, secure) = cookie.split_once("; Max-Age=60").unwrap();
            assert_eq!(plain, "name=value; HttpOnly; SameSite=Strict; Path=/");
            assert_eq!(secure == "; Secure", expected, "{given:?} {cookie}");
        }
    }
}

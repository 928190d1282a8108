//! `POST /login` and `POST /logout`.

use std::{net::IpAddr, time::Duration};

use axum::{
    extract::{Form, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use jiff::SignedDuration;
use secrecy::SecretString;
use serde::Deserialize;

use super::{SESSION_COOKIE, Viewer, password, secret};
use crate::{
    http::{AppState, HttpError, pages},
    store::{Account, AccountName, Actor, NewSession},
    tasks,
};

/// Characters kept of what a browser calls itself.
const LONGEST_AGENT: usize = 200;

#[derive(Deserialize)]
pub(in crate::http) struct Given {
    name: String,
    password: SecretString,
    /// Where to go then: a path of ours.
    next: Option<String>,
}

/// Makes a session of a name and a password.
pub(in crate::http) async fn enter(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
    given: Result<Form<Given>, FormRejection>,
) -> Result<Response, HttpError> {
    let Form(given) = given.map_err(|rejection| HttpError::bad_request(rejection.body_text()))?;
    let next = own_path(given.next.as_deref());
    let address = viewer.address;
    let name = given.name.parse::<AccountName>().ok();
    let key = name.as_ref().map_or("", AccountName::as_str);
    if let Err(wait) = take(&state, address, key) {
        return Ok(too_many(wait));
    }
    let found = known(&state, address, name.as_ref(), given.password).await?;
    let Some(account) = found else {
        tracing::info!(%address, "a login failed");
        let page = pages::login::form(next, Some("That name and password do not fit."));
        return Ok((StatusCode::UNAUTHORIZED, page).into_response());
    };
    let cookie = open(&state, &viewer, &account, &headers).await?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response())
}

/// The account, where the password is its own; as long in coming where there is none.
async fn known(
    state: &AppState,
    address: IpAddr,
    name: Option<&AccountName>,
    password: SecretString,
) -> Result<Option<Account>, HttpError> {
    let found = match name {
        Some(name) => state.store.password_of(name).await?,
        None => None,
    };
    let (account, hash) = found.map_or((None, None), |(a, hash)| (Some(a), Some(hash)));
    if matches(state, password, hash).await? {
        give_back(state, address, name.map_or("", AccountName::as_str));
        return Ok(account);
    }
    // What somebody typed as a name may be a password: only a name that exists is written down.
    let stranger = Viewer::stranger(address);
    let object = account.map_or(String::new(), |account| account.name.to_string());
    let deed = stranger.did("login.failed", object);
    let now = state.clock.wall();
    state.access.deeds.note(&state.store, deed, now).await;
    Ok(None)
}

/// A new session for an account; what the browser is to keep.
pub(super) async fn open(
    state: &AppState,
    viewer: &Viewer,
    account: &Account,
    headers: &HeaderMap,
) -> Result<String, HttpError> {
    let secret = secret::new().map_err(|error| HttpError::internal("no login", &error))?;
    let agent = headers.get(header::USER_AGENT);
    let agent = agent
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default();
    let session = NewSession {
        hash: &secret::hash(&secret),
        address: &viewer.address.to_string(),
        agent: &agent.chars().take(LONGEST_AGENT).collect::<String>(),
    };
    let (lifetimes, now) = (state.access.lifetimes(), state.clock.wall());
    let opened = state.store.open_session(account, &session, lifetimes, now);
    opened.await?;
    // A browser that logs in anew forgets who it was.
    if let Some((before, old)) = &viewer.login {
        state.store.end_session(&before.id, &old.id).await?;
    }
    let mut deed = viewer.did("login", "");
    (deed.actor, deed.name) = (Actor::Account, account.name.to_string());
    state.access.deeds.note(&state.store, deed, now).await;
    let age = lifetimes.whole;
    Ok(state
        .access
        .cookie(SESSION_COOKIE, &secret, age, headers, viewer.peer))
}

/// Ends the session.
pub(in crate::http) async fn leave(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    if let Some((account, session)) = &viewer.login {
        state.store.end_session(&account.id, &session.id).await?;
        let deed = viewer.did("logout", "");
        let now = state.clock.wall();
        state.access.deeds.note(&state.store, deed, now).await;
    }
    let gone = |name| {
        let cookie = state
            .access
            .cookie(name, "", SignedDuration::ZERO, &headers, viewer.peer);
        (header::SET_COOKIE, cookie)
    };
    let mut response = Redirect::to("/login").into_response();
    for (name, value) in [gone(SESSION_COOKIE), gone(super::TOKEN_COOKIE)] {
        let value = value.parse().map_err(|error| {
            HttpError::internal("no logout", &error as &header::InvalidHeaderValue)
        })?;
        response.headers_mut().append(name, value);
    }
    Ok(response)
}

/// Whether it is the password of that hash; off the async threads, few at once.
pub(super) async fn matches(
    state: &AppState,
    password: SecretString,
    hash: Option<String>,
) -> Result<bool, HttpError> {
    let _turn = state.access.passwords.acquire().await;
    let looked = tasks::blocking("password", move || password::is(&password, hash.as_deref()));
    let looked = looked.await;
    looked.map_err(|error| HttpError::internal("a password cannot be looked at", &error))
}

/// Takes a try, or says how long to wait for one.
pub(super) fn take(state: &AppState, address: IpAddr, account: &str) -> Result<(), Duration> {
    limits(state).take(address, account, state.clock.now())
}

pub(super) fn too_many(wait: Duration) -> Response {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let error = HttpError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_tries",
        format!("too many passwords were wrong: try again in {seconds} seconds"),
    );
    ([(header::RETRY_AFTER, seconds.to_string())], error).into_response()
}

pub(super) fn give_back(state: &AppState, address: IpAddr, account: &str) {
    limits(state).give_back(address, account);
}

fn limits(state: &AppState) -> std::sync::MutexGuard<'_, super::limit::Limits> {
    let limits = state.access.limits.lock();
    limits.unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A path of this server, and no other's; `/` where it is none.
pub(in crate::http) fn own_path(next: Option<&str>) -> &str {
    let fits = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
            && !["/login", "/logout"]
                .iter()
                .any(|door| path.starts_with(door))
    };
    next.filter(fits).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn a_login_leads_nowhere_else() {
        for (next, expected) in [
            (None, "/"),
            (Some("/calls/CA1?version=2"), "/calls/CA1?version=2"),
            (Some("/%D7%A9"), "/%D7%A9"),
            (Some(""), "/"),
            (Some("calls"), "/"),
            (Some("//evil.example/"), "/"),
            (Some("/\\evil.example/"), "/"),
            (Some("/a\r\nset-cookie: b"), "/"),
            (Some("/\t/evil.example"), "/"),
            (Some("https://evil.example/"), "/"),
            (Some("javascript:alert(1)"), "/"),
            (Some("/logout"), "/"),
            (Some("/login?next=/login"), "/"),
        ] {
            assert_eq!(own_path(next), expected, "{next:?}");
        }
    }
}

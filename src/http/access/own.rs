//! What an account does for itself: another password, and the end of its other sessions.

use axum::{
    extract::{Form, Path, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use secrecy::SecretString;
use serde::Deserialize;

use super::{
    Viewer,
    entry::{give_back, matches, open, take, too_many},
    people::hashed,
};
use crate::{
    http::{AppState, HttpError},
    store::{Account, Session},
};

#[derive(Deserialize)]
pub(in crate::http) struct Passwords {
    old: SecretString,
    new: SecretString,
}

/// Changes the password of whoever asks. All its sessions end; this browser gets a new one.
pub(in crate::http) async fn change_password(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
    given: Result<Form<Passwords>, FormRejection>,
) -> Result<Response, HttpError> {
    let Form(given) = given.map_err(|rejection| HttpError::bad_request(rejection.body_text()))?;
    let (account, _) = login(&viewer)?;
    let key = account.name.as_str();
    if let Err(wait) = take(&state, viewer.address, key) {
        return Ok(too_many(wait));
    }
    let found = state.store.password_of(&account.name).await?;
    let hash = found.map(|(_, hash)| hash);
    if !matches(&state, given.old, hash).await? {
        return Err(HttpError::new(
            StatusCode::FORBIDDEN,
            "wrong_password",
            "the password as it was until now is another one",
        ));
    }
    give_back(&state, viewer.address, key);
    let hash = hashed(&state, given.new).await?;
    let now = state.clock.wall();
    let account = state.store.set_password(&account.name, &hash, now).await?;
    let deed = viewer.did("account.password", account.name.as_str());
    state.access.deeds.note(&state.store, deed, now).await;
    let cookie = open(&state, &viewer, &account, &headers).await?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/account")).into_response())
}

/// Ends a session of whoever asks.
pub(in crate::http) async fn end_session(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Redirect, HttpError> {
    let (account, _) = login(&viewer)?;
    if state.store.end_session(&account.id, &id).await? {
        let deed = viewer.did("session.ended", id);
        let now = state.clock.wall();
        state.access.deeds.note(&state.store, deed, now).await;
    }
    Ok(Redirect::to("/account"))
}

fn login(viewer: &Viewer) -> Result<&(Account, Session), HttpError> {
    viewer.login.as_ref().ok_or_else(|| {
        HttpError::new(
            StatusCode::CONFLICT,
            "no_account",
            "only who logged in has a password and sessions",
        )
    })
}

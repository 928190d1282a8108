//! What an admin does at `/accounts`: accounts and tokens. The first account is made at the command line, by
//! somebody who has the machine.

use axum::{
    extract::{Form, Path, State, rejection::FormRejection},
    http::StatusCode,
    response::Redirect,
};
use jiff::SignedDuration;
use secrecy::SecretString;
use serde::Deserialize;

use super::{Viewer, password, secret};
use crate::{
    http::{
        AppState, HttpError,
        pages::{self, Page},
    },
    store::{AccountName, NewToken, Role, Scope, Scopes},
    tasks,
};

type Given<T> = Result<Form<T>, FormRejection>;

#[derive(Deserialize)]
pub(in crate::http) struct NewAccount {
    name: String,
    role: Role,
    password: SecretString,
}

pub(in crate::http) async fn add_account(
    State(state): State<AppState>,
    viewer: Viewer,
    given: Given<NewAccount>,
) -> Result<Redirect, HttpError> {
    let given = form(given)?;
    let name = name(&given.name)?;
    if !state.store.has_accounts().await? {
        return Err(HttpError::new(
            StatusCode::CONFLICT,
            "first_account",
            "the first account is made at the command line: callscribe accounts add NAME --role admin",
        ));
    }
    let hash = hashed(&state, given.password).await?;
    let now = state.clock.wall();
    state
        .store
        .add_account(&name, given.role, &hash, now)
        .await?;
    told(
        &state,
        &viewer,
        "account.added",
        format!("{name} {}", given.role),
    )
    .await;
    Ok(Redirect::to("/accounts"))
}

#[derive(Deserialize)]
pub(in crate::http) struct GivenRole {
    role: Role,
}

pub(in crate::http) async fn give_role(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(account): Path<String>,
    given: Given<GivenRole>,
) -> Result<Redirect, HttpError> {
    let (name, role) = (name(&account)?, form(given)?.role);
    state.store.set_role(&name, role).await?;
    told(&state, &viewer, "account.role", format!("{name} {role}")).await;
    Ok(Redirect::to("/accounts"))
}

#[derive(Deserialize)]
pub(in crate::http) struct GivenPassword {
    password: SecretString,
}

/// Gives somebody a new password, who has forgotten the old one; their sessions end.
pub(in crate::http) async fn give_password(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(account): Path<String>,
    given: Given<GivenPassword>,
) -> Result<Redirect, HttpError> {
    let name = name(&account)?;
    let hash = hashed(&state, form(given)?.password).await?;
    let now = state.clock.wall();
    state.store.set_password(&name, &hash, now).await?;
    told(&state, &viewer, "account.password", name.to_string()).await;
    Ok(Redirect::to("/accounts"))
}

pub(in crate::http) async fn remove_account(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(account): Path<String>,
) -> Result<Redirect, HttpError> {
    let name = name(&account)?;
    if viewer
        .login
        .as_ref()
        .is_some_and(|(own, _)| own.name == name)
    {
        return Err(HttpError::new(
            StatusCode::CONFLICT,
            "conflict",
            "nobody removes their own account here",
        ));
    }
    state.store.remove_account(&name).await?;
    told(&state, &viewer, "account.removed", name.to_string()).await;
    Ok(Redirect::to("/accounts"))
}

/// A form of a name, days (empty for no end), and a field `on` for each scope by its name.
#[derive(Deserialize)]
pub(in crate::http) struct TokenForm {
    name: String,
    #[serde(default)]
    days: String,
    #[serde(flatten)]
    scopes: std::collections::BTreeMap<String, String>,
}

/// Makes a token; the answer shows it, this once.
pub(in crate::http) async fn add_token(
    State(state): State<AppState>,
    viewer: Viewer,
    given: Given<TokenForm>,
) -> Result<Page, HttpError> {
    let given = form(given)?;
    let name = name(&given.name)?;
    let chosen = Scope::ALL.into_iter();
    let scopes: Scopes = chosen
        .filter(|scope| given.scopes.contains_key(scope.as_str()))
        .collect();
    let now = state.clock.wall();
    let expires_at = match given.days.trim() {
        "" => None,
        days => match days.parse::<u16>() {
            Ok(days @ 1..) => Some(now + SignedDuration::from_hours(24 * i64::from(days))),
            _ => {
                return Err(HttpError::bad_request(
                    "days: a number from 1 on, or nothing",
                ));
            }
        },
    };
    let token = secret::new_token().map_err(|error| HttpError::internal("no token", &error))?;
    let new = NewToken {
        name: &name,
        hash: &secret::hash(&token),
        scopes: &scopes,
        created_by: &viewer.name,
        expires_at,
    };
    state.store.add_token(&new, now).await?;
    told(&state, &viewer, "token.added", format!("{name} {scopes}")).await;
    pages::accounts::with_token(&state, &viewer, Some((&name, &token))).await
}

pub(in crate::http) async fn remove_token(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(token): Path<String>,
) -> Result<Redirect, HttpError> {
    let token = state.store.remove_token(&token).await?;
    told(&state, &viewer, "token.removed", token.name).await;
    Ok(Redirect::to("/accounts"))
}

/// The hash of a password that is taken.
pub(super) async fn hashed(state: &AppState, given: SecretString) -> Result<String, HttpError> {
    password::check(&given).map_err(|unfit| HttpError::bad_request(unfit.to_string()))?;
    let _turn = state.access.passwords.acquire().await;
    let made = tasks::blocking("password", move || password::hash(&given)).await;
    let why = "a password cannot be kept";
    made.map_err(|error| HttpError::internal(why, &error))?
        .map_err(|error| HttpError::internal(why, &error))
}

async fn told(state: &AppState, viewer: &Viewer, action: &'static str, object: String) {
    let (deed, now) = (viewer.did(action, object), state.clock.wall());
    state.access.deeds.note(&state.store, deed, now).await;
}

fn form<T>(given: Given<T>) -> Result<T, HttpError> {
    given
        .map(|Form(given)| given)
        .map_err(|rejection| HttpError::bad_request(rejection.body_text()))
}

fn name(text: &str) -> Result<AccountName, HttpError> {
    text.parse()
        .map_err(|error: crate::store::BadName| HttpError::bad_request(error.to_string()))
}

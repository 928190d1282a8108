//! Who asks. The guard puts a [`Viewer`] into the request, for handlers that offer only what may be done,
//! and into the response, for the bar.

use std::{convert::Infallible, net::IpAddr};

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::store::{Account, Actor, Deed, Role, Scope, Scopes, Session, Token};

#[derive(Debug, Clone)]
pub(in crate::http) struct Viewer {
    pub(in crate::http) actor: Actor,
    /// The account's or the token's; empty for who has none.
    pub(in crate::http) name: String,
    /// What the bar says of it; tokens have scopes instead.
    pub(in crate::http) role: Option<Role>,
    scopes: Scopes,
    /// Where the request came from, proxies that are trusted aside.
    pub(super) address: IpAddr,
    /// Who opened the connection.
    pub(super) peer: IpAddr,
    /// A browser's cookie came with the request.
    pub(super) by_cookie: bool,
    pub(super) login: Option<(Account, Session)>,
}

impl Viewer {
    pub(super) fn stranger(address: IpAddr) -> Self {
        Self {
            actor: Actor::Stranger,
            name: String::new(),
            role: None,
            scopes: Scopes::default(),
            address,
            peer: address,
            by_cookie: true,
            login: None,
        }
    }

    pub(super) fn through(self, peer: IpAddr) -> Self {
        Self { peer, ..self }
    }

    /// Somebody on this machine, while there are no accounts.
    pub(super) fn open(address: IpAddr) -> Self {
        Self {
            actor: Actor::Open,
            role: Some(Role::Admin),
            scopes: Role::Admin.scopes(),
            by_cookie: false,
            ..Self::stranger(address)
        }
    }

    /// Somebody on this machine, while nobody knows whether there are accounts.
    pub(super) fn unknown(address: IpAddr, scope: Scope) -> Self {
        Self {
            role: None,
            scopes: [scope].into_iter().collect(),
            ..Self::open(address)
        }
    }

    /// Whoever knows `http.access_token`.
    pub(super) fn configured(address: IpAddr, by_cookie: bool) -> Self {
        Self {
            actor: Actor::Token,
            name: "http.access_token".into(),
            by_cookie,
            ..Self::open(address)
        }
    }

    pub(super) fn token(address: IpAddr, token: Token) -> Self {
        Self {
            actor: Actor::Token,
            name: token.name,
            scopes: token.scopes,
            by_cookie: false,
            ..Self::stranger(address)
        }
    }

    pub(super) fn account(address: IpAddr, session: Session, account: Account) -> Self {
        Self {
            actor: Actor::Account,
            name: account.name.to_string(),
            role: Some(account.role),
            scopes: account.role.scopes(),
            login: Some((account, session)),
            ..Self::stranger(address)
        }
    }

    /// Whether what needs the scope is to be offered.
    pub(in crate::http) fn may(&self, scope: Scope) -> bool {
        self.scopes.has(scope)
    }

    pub(in crate::http) fn is_in(&self) -> bool {
        self.actor != Actor::Stranger
    }

    /// The account and the session of who logged in.
    pub(in crate::http) fn login(&self) -> Option<&(Account, Session)> {
        self.login.as_ref()
    }

    pub(super) fn may_all(&self) -> bool {
        Scope::ALL.into_iter().all(|scope| self.may(scope))
    }

    pub(super) fn did(&self, action: &'static str, object: impl Into<String>) -> Deed {
        Deed {
            actor: self.actor,
            name: self.name.clone(),
            address: self.address.to_string(),
            action,
            object: object.into(),
        }
    }
}

/// Outside of the guard everybody is a stranger.
impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<Self>().cloned();
        Ok(known.unwrap_or_else(|| Self::stranger(super::peer(&parts.extensions))))
    }
}

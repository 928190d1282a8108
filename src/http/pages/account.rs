//! `/account`: who one is here, the password, and where one is logged in.

use axum::extract::State;
use maud::{Markup, html};

use super::{Page, day_and_time};
use crate::{
    http::{
        AppState, HttpError,
        access::{Viewer, password::SHORTEST},
    },
    store::{Account, Actor, Session},
};

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    viewer: Viewer,
) -> Result<Page, HttpError> {
    let Some((account, session)) = viewer.login() else {
        return Ok(Page::new("Account", "doors", nobody(&viewer)));
    };
    let (lifetimes, now) = (state.access.lifetimes(), state.clock.wall());
    let sessions = state.store.sessions_of(&account.id, lifetimes, now).await?;
    let content = html! {
        h1 { bdi { (account.name) } }
        (facts(account))
        (password())
        (list(&sessions, session))
    };
    Ok(Page::new("Account", "doors", content))
}

fn nobody(viewer: &Viewer) -> Markup {
    html! {
        h1 { "Account" }
        @if viewer.actor == Actor::Open {
            p { "There are no accounts: pages and API are open to everybody on this machine, and closed beyond it." }
            p { "The first account closes them to everybody else:" }
            p { code { "callscribe accounts add NAME --role admin" } }
        } @else {
            p { "You came in by a token (" bdi { (viewer.name) } "). It has neither a password nor sessions." }
        }
    }
}

fn facts(account: &Account) -> Markup {
    html! {
        dl {
            dt { "Role" } dd { (account.role) }
            dt { "Since" } dd { (day_and_time(account.created_at)) }
            dt { "Password of" } dd { (day_and_time(account.password_at)) }
        }
    }
}

fn password() -> Markup {
    html! {
        section aria-labelledby="password" {
            h2 #password { "Change the password" }
            form.card.fields method="post" action="/account/password" {
                label { "Password until now" input type="password" name="old" required autocomplete="current-password"; }
                label { "New password, " (SHORTEST) " characters or more" input type="password" name="new" required minlength=(SHORTEST) autocomplete="new-password"; }
                p.quiet { "All your other sessions end with it." }
                button { "Change" }
            }
        }
    }
}

fn list(sessions: &[Session], own: &Session) -> Markup {
    html! {
        section aria-labelledby="sessions" {
            h2 #sessions { "Where you are logged in" }
            ul.people {
                @for session in sessions {
                    li {
                        div {
                            p { strong { bdi { (session.address) } } @if session.id == own.id { " · this browser" } }
                            p.quiet { bdi { (session.agent) } }
                            p.quiet { "since " (day_and_time(session.created_at)) ", last used " (day_and_time(session.seen_at)) }
                        }
                        @if session.id != own.id {
                            form method="post" action={ "/account/sessions/" (session.id) "/end" } { button { "End" } }
                        }
                    }
                }
            }
        }
    }
}

//! `/accounts`: people and programs that may come in.

use axum::extract::State;
use maud::{Markup, html};

use super::{Page, day_and_time};
use crate::{
    http::{
        AppState, HttpError,
        access::{Viewer, password::SHORTEST},
    },
    store::{Account, AccountName, Role, Scope, Token},
};

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    viewer: Viewer,
) -> Result<Page, HttpError> {
    with_token(&state, &viewer, None).await
}

/// With a token that was just made, for the only time that it is seen.
pub(in crate::http) async fn with_token(
    state: &AppState,
    viewer: &Viewer,
    made: Option<(&AccountName, &str)>,
) -> Result<Page, HttpError> {
    let accounts = state.store.accounts().await?;
    let tokens = state.store.tokens().await?;
    let content = html! {
        h1 { "Who may come in" }
        @if let Some((name, token)) = made { (shown_once(name, token)) }
        section aria-labelledby="people" {
            h2 #people { "Accounts" }
            @if accounts.is_empty() { (no_accounts()) } @else {
                ul.people { @for account in &accounts { (person(account, viewer)) } }
                (new_account())
            }
        }
        section aria-labelledby="tokens" {
            h2 #tokens { "Tokens for programs" }
            @if tokens.is_empty() { p.quiet { "There are none. A program sends one as " code { "Authorization: Bearer …" } "." } }
            ul.people { @for token in &tokens { (program(token)) } }
            (new_token())
        }
    };
    Ok(Page::new("Accounts", "doors", content))
}

fn no_accounts() -> Markup {
    html! {
        div.card {
            p { strong { "There are no accounts." } " Pages and API are open to everybody on this machine, and closed beyond it." }
            p { "Make the first one at the command line; it is an admin's, and from then on everybody logs in:" }
            p { code { "callscribe accounts add NAME --role admin" } }
        }
    }
}

fn shown_once(name: &AccountName, token: &str) -> Markup {
    html! {
        div.banner role="status" {
            p { "The token " bdi { (name) } ". Copy it now: it is not shown again." }
            p { code #made { (token) } }
        }
    }
}

fn person(account: &Account, viewer: &Viewer) -> Markup {
    let own = viewer.name == account.name.as_str();
    let at = format!("/accounts/{}", account.name);
    html! {
        li {
            div {
                p { strong { bdi { (account.name) } } " " span class={ "badge " (account.role) } { (account.role) } @if own { " · you" } }
                p.quiet {
                    @match account.seen_at {
                        Some(at) => { "last login " (day_and_time(at)) }
                        None => { "never logged in" }
                    }
                }
            }
            details {
                summary { "Change" span.unseen { " " (account.name) } }
                form.fields method="post" action={ (at) "/role" } {
                    label { "Role" select name="role" { (roles(account.role)) } }
                    button { "Change the role" }
                }
                @if own {
                    p { "The password is changed at " a href="/account" { "your account" } "." }
                } @else {
                    form.fields method="post" action={ (at) "/password" } {
                        label { "New password" input type="password" name="password" required minlength=(SHORTEST) autocomplete="new-password"; }
                        button { "Change the password" }
                        p.quiet { "Ends their sessions." }
                    }
                    form.fields method="post" action={ (at) "/remove" } {
                        button.danger { "Remove " bdi { (account.name) } }
                        p.quiet { "Ends their sessions. What they did stays in the audit log." }
                    }
                }
            }
        }
    }
}

fn roles(chosen: Role) -> Markup {
    html! {
        @for role in Role::ALL {
            option value=(role) selected[role == chosen] { (role) }
        }
    }
}

fn new_account() -> Markup {
    html! {
        details {
            summary { "Add an account" }
            form.card.fields method="post" action="/accounts" {
                label { "Name" input name="name" required maxlength="64" autocomplete="off" autocapitalize="none" spellcheck="false" dir="auto"; }
                label { "Role" select name="role" { (roles(Role::Viewer)) } }
                label { "Password, " (SHORTEST) " characters or more" input type="password" name="password" required minlength=(SHORTEST) autocomplete="new-password"; }
                ul.quiet {
                    li { "A viewer reads and listens." }
                    li { "An operator also edits leads, tries work again, and speaks at the microphone page." }
                    li { "An admin also deletes, and says who may come in." }
                }
                button { "Add" }
            }
        }
    }
}

fn program(token: &Token) -> Markup {
    html! {
        li {
            div {
                p { strong { bdi { (token.name) } } " " code { (token.scopes) } }
                p.quiet {
                    "made " (day_and_time(token.created_at))
                    @if !token.created_by.is_empty() { " by " bdi { (token.created_by) } }
                    @match token.used_at {
                        Some(at) => { ", last used " (day_and_time(at)) }
                        None => { ", never used" }
                    }
                    @if let Some(at) = token.expires_at { ", good until " (day_and_time(at)) }
                }
            }
            details {
                summary { "Remove" span.unseen { " " (token.name) } }
                form.fields method="post" action={ "/tokens/" (token.id) "/remove" } {
                    button.danger { "Remove " bdi { (token.name) } }
                    p.quiet { "Programs that use it are refused from then on." }
                }
            }
        }
    }
}

fn new_token() -> Markup {
    html! {
        details {
            summary { "Make a token" }
            form.card.fields method="post" action="/tokens" {
                label { "Name" input name="name" required maxlength="64" autocomplete="off" autocapitalize="none" spellcheck="false" dir="auto"; }
                label { "Days until it ends; nothing for no end" input name="days" type="number" min="1" max="65535" inputmode="numeric"; }
                fieldset {
                    legend { "What it may do" }
                    @for scope in Scope::ALL {
                        label.choice { input type="checkbox" name=(scope) value="on"; " " code { (scope) } }
                    }
                }
                button { "Make" }
            }
        }
    }
}

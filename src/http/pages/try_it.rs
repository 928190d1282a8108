//! `/try`: one speaks into the browser's microphone and watches the words come. The script does all of
//! it; without one the page says that it needs one.

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Page, day_and_time, names};
use crate::{
    http::{AppState, HttpError, error::Params},
    store::{Call, Which},
};

/// Live calls to choose from: more than anyone looks through.
const LIVE: u32 = 50;

/// The only page that may ask for the microphone.
const MICROPHONE: (HeaderName, HeaderValue) = (
    HeaderName::from_static("permissions-policy"),
    HeaderValue::from_static("microphone=(self), camera=(), geolocation=()"),
);

/// By how many people speak them, those first that the product is made for; ISO 639-1, and the language's
/// own name.
const LANGUAGES: [(&str, &str); 16] = [
    ("en", "English"),
    ("he", "עברית"),
    ("ar", "العربية"),
    ("ru", "Русский"),
    ("zh", "中文"),
    ("es", "Español"),
    ("hi", "हिन्दी"),
    ("pt", "Português"),
    ("fr", "Français"),
    ("de", "Deutsch"),
    ("ja", "日本語"),
    ("it", "Italiano"),
    ("tr", "Türkçe"),
    ("uk", "Українська"),
    ("pl", "Polski"),
    ("nl", "Nederlands"),
];

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    call: Option<String>,
}

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let Some(microphones) = &state.microphones else {
        return Err(HttpError::not_found(
            "speaking from a browser is switched off (try.enabled)",
        ));
    };
    let position = state.hub.list_position();
    let live = state.store.calls(Which::Live, None, LIVE).await?.calls;
    let wanted = asked.call.as_deref().unwrap_or_default();
    let language = microphones.studio.gateway().language.as_deref();
    let content = html! {
        h1 { "Try it" }
        p.lead { "Speak into this device's microphone and watch the words come. What you say is recorded, and transcribed again afterwards, like any call." }
        noscript { p.trouble { "This page needs JavaScript: it is the browser that listens to the microphone. Without it, stream a recording: " code { "callscribe replay FILE.wav" } } }
        div #trouble.trouble role="alert" hidden { p {} ul {} }
        form #speak hidden {
            (places(&live, wanted))
            div.fields {
                label { "Your name" input name="speaker" maxlength="64" dir="auto" autocomplete="name" placeholder="optional"; }
                label { "You will speak" select name="language" {
                    option value="" { @match language {
                        Some(code) => { (language_name(code)) " (as configured)" },
                        None => { "any language: it is recognised" },
                    } }
                    @for (code, name) in LANGUAGES.iter().filter(|(code, _)| Some(*code) != language) { option value=(code) { (name) } }
                } }
            }
            button #go type="submit" { "Start the microphone" }
        }
        (on_air())
        (heard())
    };
    let page = Page::new("Try it", "try", content).at(position);
    let mut response = page.into_response();
    response.headers_mut().insert(MICROPHONE.0, MICROPHONE.1);
    Ok(response)
}

fn places(live: &[Call], wanted: &str) -> Markup {
    let is_there = live.iter().any(|call| call.sid.as_str() == wanted);
    html! {
        fieldset #places {
            legend { "Speak" }
            label.place { input type="radio" name="call" value="" checked[!is_there]; span { "in a call of your own" } }
            @for call in live {
                label.place {
                    input type="radio" name="call" value=(call.sid) checked[call.sid.as_str() == wanted];
                    span { "as the agent of " (names(call)) ", since " (day_and_time(call.started_at)) }
                }
            }
            @if !wanted.is_empty() && !is_there {
                p.quiet { "The call that you wanted to join is over. " a href={ "/calls/" (wanted) } { "Read it" } }
            } @else if live.is_empty() {
                p.quiet { "Nobody is on the line now. When a call is live you can join it here as its agent." }
            }
        }
    }
}

fn on_air() -> Markup {
    html! {
        section #air.air hidden aria-label="Microphone" {
            p.now { span #state.badge role="status" {} " " span #time.quiet { "0:00" } }
            div #level.level role="meter" aria-label="Level of the microphone" aria-valuemin="0" aria-valuemax="100" aria-valuenow="0" { span {} }
            p #hint.quiet {}
            p.does {
                button #stop type="button" { "Stop" }
                button #again type="button" hidden { "Speak again" }
                " " a #call href="/" hidden { "Open the call" }
            }
        }
    }
}

fn heard() -> Markup {
    html! {
        section #heard hidden aria-label="What is heard" {
            h2 { "What is heard" }
            p #version.quiet role="status" {}
            div role="log" aria-live="polite" aria-label="What was said" { ol #settled.turns {} }
            ol #open.turns aria-label="Being said now" aria-live="off" {}
            p #nothing.quiet { "Nothing yet. Say something." }
            template #turn { li.turn { p.who { bdi {} " " span.at {} } p.said dir="auto" { span.committed {} span.partial {} } } }
        }
    }
}

fn language_name(code: &str) -> &str {
    LANGUAGES
        .iter()
        .find(|(known, _)| *known == code)
        .map_or(code, |(_, name)| name)
}

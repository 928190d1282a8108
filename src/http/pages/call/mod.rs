//! `/calls/{id}`: one call, while it lasts and after; with `?against=1`, what changed since that version.
//!
//! | file | |
//! |---|---|
//! | `talk` | what was said: turns, speakers apart, words with their times |
//! | `sound` | waves, recordings, spectrograms |
//! | `changes` | one version against another |
//! | `history` | what happened to the call |
//! | `about` | facts, verdict, versions, exports |
//! | `erase` | its deletion, on a page of its own |

use axum::extract::{Path, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Page, badges, meaning, names, sentence};
use crate::{
    http::{
        AppState, HttpError,
        access::Viewer,
        call_file::{CallFile, no_call, sid},
        error::Params,
        timeline::{Event, Facts},
    },
    store::{CallState, Lead, Scope, VersionKind},
};

mod about;
mod changes;
pub(in crate::http) mod erase;
mod history;
mod sound;
mod talk;

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    version: Option<u32>,
    /// The version that the shown one is compared with.
    against: Option<u32>,
}

/// All that the page shows.
struct Sheet {
    file: CallFile,
    lead: Option<Lead>,
    events: Vec<Event>,
    viewer: Viewer,
    /// Instead of the talk.
    changes: Option<changes::Compared>,
}

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(asked): Params<Asked>,
    viewer: Viewer,
) -> Result<Page, HttpError> {
    let sid = sid(&id)?;
    let file = CallFile::load(&state, &sid, asked.version).await?;
    let facts = Facts::read(&state.store, &sid).await?;
    let facts = facts.ok_or_else(no_call)?;
    let changes = match asked.against {
        Some(version) => Some(changes::compare(&state, &file, version).await?),
        None => None,
    };
    let sheet = Sheet {
        events: facts.events(),
        lead: facts.lead,
        viewer,
        file,
        changes,
    };
    let shown = match sheet.file.transcript.version.kind {
        VersionKind::Live => "live",
        VersionKind::Final => "final",
    };
    let title = format!("Call {}", sheet.file.call.sid);
    Ok(Page::new(title, "call", content(&sheet))
        .at(sheet.file.position)
        .of(&sheet.file.call, shown))
}

fn content(sheet: &Sheet) -> Markup {
    let file = &sheet.file;
    html! {
        (status(sheet))
        (meaning::section(file.log.as_ref()))
        (sound::section(file))
        (sound::bar(file))
        (sound::files(file))
        (about::quality(file.analysis.as_ref()))
        (about::facts(file))
        (history::section(&sheet.events))
        (about::exports(file, &sheet.viewer))
        p #swapped.banner role="status" hidden {}
        @match &sheet.changes {
            Some(changes) => (changes::section(file, changes)),
            None => (talk::render(file)),
        }
        button #jump type="button" hidden { "Jump to now" }
    }
}

fn status(sheet: &Sheet) -> Markup {
    let file = &sheet.file;
    let call = &file.call;
    html! {
        section #status {
            h1 { (names(call)) }
            p.state { (badges(call)) span { (state_in_words(file)) } }
            @if let Some(lead) = &sheet.lead {
                p.lead { a href={ "/leads/" (lead.id) } { "Lead" } ": " (lead.status) @if let Some(why) = &lead.reason { ", " (why) } }
            }
            @if call.state == CallState::Live && sheet.viewer.may(Scope::Speak) {
                p { a href={ "/try?call=" (call.sid) } { "Speak as the agent" } }
            }
            @if call.interrupted {
                p.banner { "The server stopped in the middle of this call. What was recorded until then is kept and transcribed." }
            }
            @if call.degraded > 0 && call.state == CallState::Live {
                p.banner { "The server is busy: live words come late or not at all. The recording and the final transcript are complete all the same." }
            }
            @for recording in &file.recordings {
                @if let Some(why) = &recording.failed {
                    p.banner { "A recording is not complete (" bdi { (recording.speaker) } "). " (sentence(why)) }
                }
            }
        }
    }
}

fn state_in_words(file: &CallFile) -> String {
    let reason = sentence(&file.call.served_reason);
    match file.call.state {
        CallState::Live => "The call goes on. Words in italics may still change.".into(),
        CallState::Finishing => {
            "The call is over. Its whole recording is being transcribed; until then this is the live text.".into()
        }
        CallState::Final if file.serves_final() => format!("Transcribed from the whole recording. {reason}"),
        CallState::Final => reason,
        CallState::Empty => format!("Nothing was said that could be understood. {reason}"),
        CallState::Failed => format!("The final transcription was given up. {reason}"),
    }
}

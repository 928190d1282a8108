//! `/calls/{id}/delete`: what would go, word for word; and once it went, what did.

use std::path::Path as Folder;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};

use crate::{
    after::erase::{Erased, Report, erase},
    http::{
        AppState, HttpError,
        call_file::{no_call, sid},
        pages::{Page, clock, names},
    },
    ids::CallSid,
    recordings::import::downloads,
    store::{Call, Recording, RecordingState, Store, Whose},
    tasks,
    time::MediaTime,
};

/// Says what would go, and asks.
pub(in crate::http) async fn ask(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let sid = sid(&id)?;
    let call = state.store.call(&sid).await?.ok_or_else(no_call)?;
    let whose = Whose::Call(sid.clone());
    let report = erase(&state.store, &state.recordings, &whose, true).await?;
    if !report.live.is_empty() {
        return Ok(refused(&call));
    }
    let inventory = Inventory::of(&state.store, &state.recordings, &sid, report).await?;
    let title = format!("Delete call {sid}?");
    let content = html! {
        section.erase {
            h1 { "Delete this call?" }
            p { "The call " strong { (names(&call)) } ", " code { (sid) } ". For good, with all that was made of it:" }
            (inventory.list())
            p { "What others were told of it, and what the telephone provider keeps, is theirs: it stays." }
            form method="post" action={ "/calls/" (sid) "/delete" } {
                button.danger type="submit" { "Delete all of it" }
                a href={ "/calls/" (sid) } { "Keep it" }
            }
        }
    };
    Ok(Page::new(title, "call", content).into_response())
}

/// Does it, and says what went.
pub(in crate::http) async fn done(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let sid = sid(&id)?;
    let call = state.store.call(&sid).await?.ok_or_else(no_call)?;
    let whose = Whose::Call(sid.clone());
    // Counted before: of files that are gone nobody knows the size.
    let would = erase(&state.store, &state.recordings, &whose, true).await?;
    let mut inventory = Inventory::of(&state.store, &state.recordings, &sid, would).await?;
    let report = erase(&state.store, &state.recordings, &whose, false).await?;
    if !report.live.is_empty() {
        return Ok(refused(&call));
    }
    inventory.erased = report.calls;
    let content = html! {
        section.erase {
            h1 { "Deleted" }
            p { "The call " code { (sid) } " is gone, with all that was made of it:" }
            (inventory.list())
            p { a href="/" { "All calls" } }
        }
    };
    Ok(Page::new("Deleted", "call", content).into_response())
}

fn refused(call: &Call) -> Response {
    let content = html! {
        section.erase {
            h1 { "Not while it goes on" }
            p { "The call " strong { (names(call)) } " goes on, and is being recorded. It can be deleted once it is over." }
            p { a href={ "/calls/" (call.sid) } { "Back to the call" } }
        }
    };
    let page = Page::new("Not while it goes on", "call", content);
    (StatusCode::CONFLICT, page).into_response()
}

/// What there is of a call.
struct Inventory {
    erased: Vec<Erased>,
    recordings: usize,
    lasting: MediaTime,
    bytes: u64,
}

impl Inventory {
    async fn of(
        store: &Store,
        folder: &Folder,
        sid: &CallSid,
        report: Report,
    ) -> Result<Self, HttpError> {
        let recordings: Vec<Recording> = (store.recordings(sid).await?.into_iter())
            .filter(|recording| recording.state != RecordingState::Deleted)
            .collect();
        let frames = recordings.iter().flat_map(|recording| &recording.parts);
        let lasting = MediaTime::from_engine_samples(frames.map(|part| part.frames).sum());
        let names: Vec<String> = (report.calls.iter())
            .flat_map(|call| call.files.iter().cloned())
            .collect();
        let places = [folder.to_owned(), downloads(folder)];
        let weighing = tasks::blocking("weigh", move || {
            let size = |name: &String| {
                let mut found = places.iter().map(|place| place.join(name));
                found.find_map(|path| Some(path.metadata().ok()?.len()))
            };
            names.iter().filter_map(size).sum()
        });
        let why = "the recordings cannot be counted";
        Ok(Self {
            erased: report.calls,
            recordings: recordings.len(),
            lasting,
            bytes: weighing
                .await
                .map_err(|error| HttpError::internal(why, &error))?,
        })
    }

    fn rows(&self, table: &str) -> u64 {
        let rows = self.erased.iter().flat_map(|call| &call.rows.rows);
        rows.filter(|(name, _)| *name == table)
            .map(|(_, n)| n)
            .sum()
    }

    fn list(&self) -> Markup {
        let files: usize = self.erased.iter().map(|call| call.files.len()).sum();
        let kept = self.erased.iter().flat_map(|call| &call.kept);
        html! {
            ul.goes {
                @if self.recordings > 0 {
                    li { (count(self.recordings as u64, "recording", "recordings")) " of " (clock(self.lasting)) " in all" }
                }
                @if files > 0 {
                    li { (count(files as u64, "file", "files")) ", " (size(self.bytes)) " on the disk" }
                }
                @for (table, one, many) in TABLES {
                    @let rows = self.rows(table);
                    @if rows > 0 { li { (count(rows, one, many)) } }
                }
            }
            @for (name, why) in kept {
                p.banner { "The file " bdi { (name) } " is still there: " (why) }
            }
        }
    }
}

/// Tables of `store/forget.rs`, as people call what is in them. The recordings' rows are told by what they
/// hold.
const TABLES: [(&str, &str, &str); 13] = [
    (
        "versions",
        "version of the transcript",
        "versions of the transcript",
    ),
    (
        "segments",
        "passage of what was said",
        "passages of what was said",
    ),
    (
        "call_log",
        "summary with what the call was about",
        "summaries",
    ),
    ("leads", "lead with its notes", "leads with their notes"),
    (
        "analyses",
        "analysis of the recordings",
        "analyses of the recordings",
    ),
    (
        "notes",
        "note of what happened on the line",
        "notes of what happened on the line",
    ),
    ("streams", "stream", "streams"),
    (
        "traces",
        "trace of how the live text came to be",
        "traces of how the live text came to be",
    ),
    (
        "provider_recordings",
        "recording that the provider told of",
        "recordings that the provider told of",
    ),
    ("announcements", "announcement", "announcements"),
    (
        "deliveries",
        "message to another system, as it was sent",
        "messages to other systems, as they were sent",
    ),
    ("delivery_attempts", "try to send one", "tries to send them"),
    ("jobs", "job", "jobs"),
];

fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// As people say it.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => count(bytes, "byte", "bytes"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_three_digits() {
        for (bytes, said) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (44_100, "44 kB"),
            (12_345_678, "12.3 MB"),
            (2_500_000_000, "2.5 GB"),
        ] {
            assert_eq!(size(bytes), said);
        }
    }
}

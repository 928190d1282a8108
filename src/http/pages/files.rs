//! `/files`: audio files are brought here, and what became of the last ones. Without a script it is a form.

use axum::{
    extract::{Multipart, State, multipart::MultipartRejection},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Page, clock, day_and_time, sentence};
use crate::{
    http::{
        AppState, HttpError,
        access::Viewer,
        error::Params,
        files::{self, Step},
    },
    store::{File, Reading, Scope},
};

const SHOWN: u32 = 50;
/// What the chooser of files offers first; whatever comes is looked at.
const ACCEPT: &str = "audio/*,video/webm,.mp3,.wav,.m4a,.aac,.ogg,.opus,.flac,.webm";

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    cursor: Option<String>,
}

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    viewer: Viewer,
    Params(asked): Params<Asked>,
) -> Result<Page, HttpError> {
    let may_bring = viewer.may(Scope::FilesWrite);
    page(&state, may_bring, asked.cursor.as_deref(), &[]).await
}

/// Takes the files and shows the list again; or what is wrong with those that are not taken.
pub(in crate::http) async fn bring(
    State(state): State<AppState>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, HttpError> {
    let mut refused = Vec::new();
    for (name, upload) in files::received(&state.files, files::opened(form)?).await? {
        let taken = match upload {
            Ok(upload) => files::one(state.clone(), upload, true).await,
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            refused.push((name, error));
        }
    }
    let Some((_, first)) = refused.first() else {
        return Ok(Redirect::to("/files").into_response());
    };
    let status: StatusCode = first.status;
    let page = page(&state, true, None, &refused).await?;
    Ok((status, page).into_response())
}

async fn page(
    state: &AppState,
    may_bring: bool,
    cursor: Option<&str>,
    refused: &[(String, HttpError)],
) -> Result<Page, HttpError> {
    let after = cursor.map(str::parse).transpose()?;
    let (listed, next) = state.store.files(after.as_ref(), SHOWN).await?;
    let mut rows = Vec::new();
    for file in listed {
        let reading = state.store.reading(&file.call).await?;
        rows.push((file, reading.map(|(_, reading)| reading)));
    }
    let content = html! {
        h1 { "Files" }
        @if may_bring { (form(state)) }
        @if !refused.is_empty() {
            div.banner role="alert" {
                @for (name, error) in refused {
                    p { bdi { (name) } ": " (sentence(&error.message)) }
                }
            }
        }
        @if may_bring { ul #sending aria-live="polite" {} }
        div #files {
            @if rows.is_empty() {
                p.quiet { @if cursor.is_some() { "There are no older files." } @else { "No files yet." } }
            } @else {
                ul.files { @for (file, reading) in &rows { (row(state, file, reading.as_ref())) } }
            }
            nav.pager aria-label="Pages" {
                @if cursor.is_some() { a href="/files" { "Newest files" } } @else { span {} }
                @if let Some(next) = &next { a rel="next" href={ "/files?cursor=" (next) } { "Older files" } }
            }
        }
    };
    Ok(Page::new("Files", "files", content))
}

fn form(state: &AppState) -> Markup {
    let options = state.files.options();
    html! {
        form #bring method="post" action="/files" enctype="multipart/form-data" {
            p {
                label for="file" { "Audio files" }
                input #file type="file" name="file" multiple required accept=(ACCEPT) aria-describedby="limits";
            }
            p #limits .quiet {
                "MP3, WAV, M4A, AAC, OGG, FLAC or WebM, up to " (options.most_bytes / 1_048_576) " MB and "
                (options.most_seconds / 60) " minutes each. They may be dropped here too."
            }
            button { "Transcribe" }
        }
    }
}

fn row(state: &AppState, file: &File, reading: Option<&Reading>) -> Markup {
    let step = Step::of(file.state);
    let is_done = matches!(step, Step::Empty | Step::Failed) || reading.is_some();
    let heard = state.files.progress(&file.call);
    let (class, label) = match (step, reading) {
        (_, Some(reading)) if reading.failed.is_some() => ("failed", "Partly read"),
        (Step::Done, Some(_)) => ("final", "Done"),
        (Step::Done | Step::Reading, None) => ("finishing", "Reading"),
        (Step::Empty, _) => ("empty", "No words"),
        (Step::Failed, _) => ("failed", "Failed"),
        _ if heard.is_some() => ("finishing", "Transcribing"),
        _ => ("finishing", "Waiting"),
    };
    let share = heard.map(|(done, total)| done.as_secs() / total.as_secs().max(0.001));
    html! {
        li data-waits=[(!is_done).then_some(&file.call)] {
            a href={ "/calls/" (file.call) } { bdi { (file.name) } }
            span class={ "badge " (class) } { (label) }
            span.about {
                @if !is_done {
                    progress max="1" value=(share.unwrap_or_default()) hidden[share.is_none()]
                        aria-label={ "Transcribed of " (file.name) } {}
                }
                (about(file, reading))
            }
            span.when { (day_and_time(file.created_at)) }
            span.long { (clock(file.duration)) }
        }
    }
}

/// What it is about, or what went wrong.
fn about(file: &File, reading: Option<&Reading>) -> Markup {
    let pair = reading.map(|reading| &reading.pair);
    let pair = pair.filter(|pair| !pair.is_unknown());
    let failed = reading.and_then(|reading| reading.failed.as_ref());
    let words = |name: &str| name.replace('_', " ");
    html! {
        @if let Some(pair) = pair {
            span { (words(&pair.domain)) ", " (words(&pair.category)) }
        }
        @if let Some((_, why)) = failed {
            span.why { "The language model failed: " (why) }
        } @else if Step::of(file.state) == Step::Failed {
            span.why { (sentence(&file.served_reason)) }
        }
    }
}

//! `POST /api/transcribe/` and `/api/v1/files`: audio files as multipart, each of which becomes a call; and
//! `GET /api/v1/files`, `/api/v1/files/{id}` and `/api/v1/files/{id}/events`: what became of them.
//!
//! The answer waits for the transcript, at most as long as the configuration says; with
//! `Prefer: respond-async` it does not. A 202 names the address that has the answer later. Once a file has come
//! whole, a client that hangs up loses nothing. One file is answered by itself; several by `files`, each with
//! its own answer or `error`. A field `language` before the files fixes what is spoken in them.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Multipart, Path, State, multipart::MultipartRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    AppState, HttpError,
    call_file::sid,
    error::Params,
    paging::{PAGE, limit},
};
use crate::{
    after::files::{Taken, Upload},
    ids::CallSid,
    tasks,
};

mod answer;
mod form;
mod watch;

pub(super) use answer::{FileJson, Step};
use answer::{answer, outcome};
pub(super) use form::received;
pub(super) use watch::*;

/// Between two looks for what became of a file.
const LOOK: Duration = Duration::from_millis(250);

/// What came of one file: what its answer says, and with which status.
pub(super) type Outcome = Result<(StatusCode, FileJson), HttpError>;

/// A form with files.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it describes what is read piece by piece")]
struct UploadForm {
    /// ISO 639-1, or `auto`; it counts for the files after it.
    #[schema(nullable = false, example = "en")]
    language: Option<String>,
    /// One part a file, each with its `filename`: MP3, WAV, M4A, AAC, OGG, FLAC or WebM, by the content.
    #[schema(value_type = Vec<String>, format = Binary, example = json!(["call.mp3"]))]
    file: Vec<Vec<u8>>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = RefusedFile)]
struct RefusedJson {
    filename: String,
    error: WhyJson,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = WhyRefused)]
struct WhyJson {
    #[schema(example = "not_audio")]
    code: &'static str,
    message: String,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FileOrRefusal)]
#[serde(untagged)]
enum OneJson {
    Taken(Box<FileJson>),
    Refused(RefusedJson),
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = UploadedFiles)]
struct SeveralJson {
    files: Vec<OneJson>,
}

/// One file by itself, several in a list.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Uploaded)]
#[serde(untagged)]
enum UploadedJson {
    One(Box<FileJson>),
    Several(SeveralJson),
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes what `is_async` reads")]
struct Prefer {
    /// `respond-async`: do not wait for the transcript.
    prefer: Option<String>,
}

/// Takes audio files and answers with their words and what they are about.
///
/// Each file becomes a call of direction `file`. The answer waits for `files.wait_s` at most, and then, or at once with
/// `Prefer: respond-async`, is a 202: the address in `href` has it later, and its `/events` tell how far it is. Where the
/// language model is down before it can say what a file is about, the answer is a 502 that has the transcript, which is
/// kept; where the database is down, the file is heard all the same, and `stored` is false. Of several files each has its
/// own answer, or its `error`.
#[utoipa::path(
    post, path = "/api/v1/files", tag = "Files",
    params(Prefer),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "What came of the file.", body = UploadedJson),
        (status = 202, description = "It is being worked on.", body = UploadedJson, headers(("location" = String, description = "Where the answer of a single file will be."))),
        (status = 400, description = "`empty_file`: the file is empty; or `bad_request`: the form has no file, or cannot be read"),
        (status = 413, description = "`too_large`: the file is larger than files.most_bytes; or `too_long`, `too_many`"),
        (status = 415, description = "`not_audio`: the file is no audio that is known here, whatever its name says"),
        (status = 422, description = "`unreadable_audio`: the file cannot be decoded; or `no_sound`"),
        (status = 502, description = "The language model failed in the first stage: `error` says why, and the transcript is there.", body = FileJson),
        (status = 503, description = "`not_processed`: the database failed, and the file cannot be heard either"),
    ),
)]
pub(super) async fn upload(
    State(state): State<AppState>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, HttpError> {
    taken(state, &headers, form).await
}

/// The same at the address that older clients know.
#[utoipa::path(
    post, path = "/api/transcribe/", tag = "Files",
    params(Prefer),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "What came of the file.", body = UploadedJson),
        (status = 202, description = "It is being worked on.", body = UploadedJson, headers(("location" = String, description = "Where the answer of a single file will be."))),
        (status = 400, description = "`empty_file`: the file is empty; or `bad_request`: the form has no file, or cannot be read"),
        (status = 413, description = "`too_large`: the file is larger than files.most_bytes; or `too_long`, `too_many`"),
        (status = 415, description = "`not_audio`: the file is no audio that is known here, whatever its name says"),
        (status = 422, description = "`unreadable_audio`: the file cannot be decoded; or `no_sound`"),
        (status = 502, description = "The language model failed in the first stage: `error` says why, and the transcript is there.", body = FileJson),
        (status = 503, description = "`not_processed`: the database failed, and the file cannot be heard either"),
    ),
)]
pub(super) async fn transcribe(
    State(state): State<AppState>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, HttpError> {
    taken(state, &headers, form).await
}

async fn taken(
    state: AppState,
    headers: &HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, HttpError> {
    let uploads = received(&state.files, opened(form)?).await?;
    let is_async = is_async(headers);
    let work = uploads.into_iter().map(|(name, upload)| {
        let state = state.clone();
        async move {
            let outcome = match upload {
                Ok(upload) => one(state, upload, is_async).await,
                Err(error) => Err(error),
            };
            (name, outcome)
        }
    });
    let mut outcomes = futures_util::future::join_all(work).await;
    if outcomes.len() == 1 {
        let (_, outcome) = outcomes.remove(0);
        let (status, told) = outcome?;
        let place = told.href.as_deref().map(HeaderValue::from_str);
        let mut response = (status, Json(UploadedJson::One(told.into()))).into_response();
        if let Some(Ok(place)) = place {
            response.headers_mut().insert(header::LOCATION, place);
        }
        return Ok(response);
    }
    let waits = |(_, outcome): &(String, Outcome)| matches!(outcome, Ok((status, _)) if *status == StatusCode::ACCEPTED);
    let status = match outcomes.iter().any(waits) {
        true => StatusCode::ACCEPTED,
        false => StatusCode::OK,
    };
    let files = outcomes.into_iter().map(OneJson::of).collect();
    let told = UploadedJson::Several(SeveralJson { files });
    Ok((status, Json(told)).into_response())
}

fn is_async(headers: &HeaderMap) -> bool {
    headers.get_all("prefer").iter().any(|prefer| {
        let prefer = prefer.to_str().unwrap_or_default();
        let mut wishes = prefer.split([',', ';']).map(str::trim);
        wishes.any(|wish| wish.eq_ignore_ascii_case("respond-async"))
    })
}

/// What came as a form at all.
pub(super) fn opened(form: Result<Multipart, MultipartRejection>) -> Result<Multipart, HttpError> {
    form.map_err(|rejection| {
        HttpError::new(rejection.status(), "bad_request", rejection.body_text())
    })
}

impl OneJson {
    fn of((filename, outcome): (String, Outcome)) -> Self {
        match outcome {
            Ok((_, told)) => Self::Taken(told.into()),
            Err(HttpError { code, message, .. }) => Self::Refused(RefusedJson {
                filename,
                error: WhyJson { code, message },
            }),
        }
    }
}

/// Takes a file in a task of its own, so that it is not lost where the client hangs up, and waits for what
/// becomes of it.
pub(super) async fn one(state: AppState, upload: Upload, is_async: bool) -> Outcome {
    let files = Arc::clone(&state.files);
    let taken = tasks::spawn("file", files.take(upload)).await;
    let taken = taken.map_err(|error| HttpError::internal("a file's task died", &error))??;
    if taken.unstored.is_some() {
        return unstored(&state, taken).await;
    }
    let call = taken.file.call.clone();
    let most = Duration::from_secs(state.files.options().wait_s.into());
    let wait = if is_async { Duration::ZERO } else { most };
    let settled = tokio::time::timeout(wait, settled(&state, &call)).await;
    match settled {
        Ok(Ok(())) => {
            let told = answer(&state, &call).await?;
            Ok((told.status(), told))
        }
        Ok(Err(_)) => unstored(&state, taken).await,
        Err(_) => Ok((StatusCode::ACCEPTED, answer(&state, &call).await?)),
    }
}

/// Until the file is heard and read.
async fn settled(state: &AppState, call: &CallSid) -> Result<(), HttpError> {
    loop {
        let file = state.store.file(call).await?.ok_or_else(no_file)?;
        if outcome(state, &file).await?.is_some() {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The database fails: the file is heard here. Where it failed from the beginning, nobody will find it again.
async fn unstored(state: &AppState, taken: Taken) -> Outcome {
    let is_stored = taken.unstored.is_none();
    let heard = Arc::clone(&state.files).process(taken.file.clone(), is_stored);
    let heard = tasks::spawn("hear file", heard).await;
    let heard = heard.map_err(|error| HttpError::internal("a file's task died", &error))?;
    let (document, reading) = heard.map_err(|error| {
        let why = format!("the database failed, and the file cannot be heard either: {error}");
        HttpError::new(StatusCode::SERVICE_UNAVAILABLE, "not_processed", why)
    })?;
    let told = FileJson::unstored(&taken, &document, &reading);
    Ok((told.status(), told))
}

/// One file, and what came of it.
#[utoipa::path(
    get, path = "/api/v1/files/{id}", tag = "Files",
    params(("id" = CallSid, Path, description = "The file's id, which is its call's.")),
    responses(
        (status = 200, description = "The file; with its words once `state` is `done`.", body = FileJson),
        (status = 400, description = "`bad_request`: that is no id"),
        (status = 404, description = "`not_found`: there is no file of this id"),
        (status = 502, description = "The language model failed in the first stage: `error` says why, and the transcript is there.", body = FileJson),
    ),
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let told = answer(&state, &sid(&id)?).await?;
    Ok((told.status(), Json(told)).into_response())
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Asked {
    /// The `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: u32,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            cursor: None,
            limit: PAGE,
        }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Files)]
struct PageJson {
    files: Vec<FileJson>,
    /// Ask for it as `cursor`; null on the last page.
    next: Option<String>,
}

/// Files, newest first, without their words.
#[utoipa::path(
    get, path = "/api/v1/files", tag = "Files",
    params(Asked),
    responses((status = 200, description = "A page of files.", body = PageJson), (status = 400, description = "`bad_request`: limit: 1 to 200"),),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let cursor = asked.cursor.as_deref().map(str::parse).transpose()?;
    let limit = limit(asked.limit)?;
    let (files, next) = state.store.files(cursor.as_ref(), limit).await?;
    let body = PageJson {
        files: files
            .iter()
            .map(|file| FileJson::of(&state, file))
            .collect(),
        next: next.map(|next| next.to_string()),
    };
    Ok(Json(body).into_response())
}

fn no_file() -> HttpError {
    HttpError::not_found("there is no file of this id")
}

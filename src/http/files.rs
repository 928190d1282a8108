//! `POST /api/transcribe/` and `/api/v1/files`: audio files as multipart, each of which becomes a call; and
//! `GET /api/v1/files`, `/api/v1/files/{id}` and `/api/v1/files/{id}/events`: what became of them.
//!
//! The answer waits for the transcript, at most as long as the configuration says; with
//! `Prefer: respond-async` it does not. A 202 names the address that has the answer later. Once a file has come
//! whole, a client that hangs up loses nothing. One file is answered by itself; several by `files`, each with
//! its own answer or `error`. A field `language` before the files fixes what is spoken in them.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{
        Multipart, Path, State,
        multipart::{Field, MultipartError, MultipartRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{
    AppState, HttpError,
    call_file::{is_settled, sid},
    error::Params,
    paging::{PAGE, limit},
};
use crate::{
    after::files::{Files, Refused, Taken, Upload},
    audio::sniff::{self, ENOUGH, Kind},
    ids::CallSid,
    store::{CallState, File, Reading},
    tasks,
    transcript::formats,
};

/// Between two looks for what became of a file.
const LOOK: Duration = Duration::from_millis(250);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Characters of a field that is no file.
const LONGEST_FIELD: usize = 64;

/// What came of one file: what its answer says, and with which status.
pub(super) type Outcome = Result<(StatusCode, Value), HttpError>;

pub(super) async fn upload(
    State(state): State<AppState>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, HttpError> {
    let form = form.map_err(|rejection| {
        HttpError::new(rejection.status(), "bad_request", rejection.body_text())
    })?;
    let is_async = headers.get_all("prefer").iter().any(|prefer| {
        let prefer = prefer.to_str().unwrap_or_default();
        let mut wishes = prefer.split([',', ';']).map(str::trim);
        wishes.any(|wish| wish.eq_ignore_ascii_case("respond-async"))
    });
    let uploads = received(&state.files, form).await?;
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
        let (status, body) = outcome?;
        let place = body["href"].as_str().map(HeaderValue::from_str);
        let mut response = (status, Json(body)).into_response();
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
    let files: Vec<Value> = outcomes
        .into_iter()
        .map(|(name, o)| told(&name, o))
        .collect();
    Ok((status, Json(json!({ "files": files }))).into_response())
}

fn told(name: &str, outcome: Outcome) -> Value {
    match outcome {
        Ok((_, body)) => body,
        Err(error) => json!({
            "filename": name,
            "error": { "code": error.code, "message": error.message },
        }),
    }
}

/// All files of a form, each on disk by now, or why it is not taken.
pub(super) async fn received(
    files: &Files,
    mut form: Multipart,
) -> Result<Vec<(String, Result<Upload, HttpError>)>, HttpError> {
    let most = files.options().most_files;
    let (mut uploads, mut language) = (Vec::new(), None);
    while let Some(field) = form.next_field().await.map_err(cut)? {
        match field.file_name().map(ToOwned::to_owned) {
            // A browser sends a field of no file where none was chosen.
            Some(name) if name.is_empty() => {}
            Some(name) => {
                if uploads.len() >= most as usize {
                    let why = format!("at most {most} files in one request (files.most_files)");
                    return Err(HttpError::new(
                        StatusCode::PAYLOAD_TOO_LARGE,
                        "too_many",
                        why,
                    ));
                }
                let upload = spooled(files, &name, field, language.clone()).await;
                // What follows in the form cannot be reached without reading what is too large.
                let is_last = matches!(&upload, Err(error) if error.code == "too_large");
                uploads.push((name, upload));
                if is_last {
                    break;
                }
            }
            None if field.name() == Some("language") => language = spoken(&text(field).await?)?,
            None => drop(text(field).await?),
        }
    }
    if uploads.is_empty() {
        return Err(HttpError::bad_request(
            "there is no file in the form: send one as multipart/form-data, with a file name",
        ));
    }
    Ok(uploads)
}

fn spoken(text: &str) -> Result<Option<String>, HttpError> {
    match text.trim() {
        "" | "auto" => Ok(None),
        code if code.len() == 2 && code.bytes().all(|b| b.is_ascii_lowercase()) => {
            Ok(Some(code.to_owned()))
        }
        _ => Err(HttpError::bad_request(
            "language: two letters (ISO 639-1), such as en or he, or auto",
        )),
    }
}

async fn text(mut field: Field<'_>) -> Result<String, HttpError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(cut)? {
        if bytes.len() + chunk.len() > LONGEST_FIELD {
            let why = format!("a field that is no file has {LONGEST_FIELD} bytes at most");
            return Err(HttpError::bad_request(why));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn spooled(
    files: &Files,
    name: &str,
    mut field: Field<'_>,
    language: Option<String>,
) -> Result<Upload, HttpError> {
    let disk = |error: std::io::Error| HttpError::internal("the upload cannot be kept", &error);
    let most = files.options().most_bytes;
    let spool = files.spool().map_err(disk)?;
    let mut file = tokio::fs::File::from_std(spool.as_file().try_clone().map_err(disk)?);
    let (mut head, mut bytes, mut is_audio) = (Vec::new(), 0, true);
    while let Some(chunk) = field.chunk().await.map_err(cut)? {
        bytes += chunk.len() as u64;
        if bytes > most {
            let why = format!("the file is larger than {most} bytes (files.most_bytes)");
            return Err(HttpError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                why,
            ));
        }
        if head.len() < ENOUGH {
            head.extend(chunk.iter().take(ENOUGH - head.len()));
            is_audio = head.len() < ENOUGH || sniff::kind(&head).is_some();
        }
        // The rest is read all the same: an answer before its end would not be seen.
        if is_audio {
            file.write_all(&chunk).await.map_err(disk)?;
        }
    }
    file.flush().await.map_err(disk)?;
    Ok(Upload {
        name: name.to_owned(),
        kind: audio_kind(&head)?,
        path: spool.into_temp_path(),
        bytes,
        language,
    })
}

fn audio_kind(head: &[u8]) -> Result<Kind, HttpError> {
    if head.is_empty() {
        let why = "the file is empty";
        return Err(HttpError::new(StatusCode::BAD_REQUEST, "empty_file", why));
    }
    sniff::kind(head).ok_or_else(|| {
        HttpError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_audio",
            "the file is no audio that is known here, whatever its name says: send MP3, WAV, M4A, AAC, OGG, \
             FLAC or WebM",
        )
    })
}

fn cut(error: MultipartError) -> HttpError {
    HttpError::new(error.status(), "bad_request", error.body_text())
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
        Ok(Ok(())) => answer(&state, &call).await,
        Ok(Err(_)) => unstored(&state, taken).await,
        Err(_) => {
            let file = state.store.file(&call).await?.ok_or_else(no_file)?;
            Ok((StatusCode::ACCEPTED, summary(&file)))
        }
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

/// The database fails: the file is heard here, and nobody will find it again.
async fn unstored(state: &AppState, taken: Taken) -> Outcome {
    let (name, broken) = (taken.file.name.clone(), taken.broken);
    let heard = Arc::clone(&state.files).process(taken.file);
    let heard = tasks::spawn("hear file", heard).await;
    let heard = heard.map_err(|error| HttpError::internal("a file's task died", &error))?;
    let (document, reading) = heard.map_err(|error| {
        let why = format!("the database failed, and the file cannot be heard either: {error}");
        HttpError::new(StatusCode::SERVICE_UNAVAILABLE, "not_processed", why)
    })?;
    let mut body = json!({
        "filename": name,
        "stored": false,
        "reason": "the database failed: the file was heard, and nothing of it is kept",
        "broken": broken,
        "duration": document.duration,
        "language": document.language,
        "transcription": formats::spoken(&document),
    });
    let status = add_reading(&mut body, &reading);
    Ok((status, body))
}

async fn answer(state: &AppState, call: &CallSid) -> Outcome {
    let file = state.store.file(call).await?.ok_or_else(no_file)?;
    let mut body = summary(&file);
    let Some(reading) = outcome(state, &file).await? else {
        body["state"] = match is_settled(file.state) {
            true => json!("reading"),
            false => json!("transcribing"),
        };
        return Ok((StatusCode::OK, body));
    };
    let version = Some(file.served_version);
    let transcript = state.store.transcript(call, version).await?;
    let document = transcript.ok_or_else(no_file)?.document();
    let recordings = state.store.recordings(call).await?;
    body["broken"] = json!(recordings.iter().find_map(|r| r.failed.as_deref()));
    body["language"] = json!(document.language);
    body["transcription"] = json!(formats::spoken(&document));
    let status = reading.map_or(StatusCode::OK, |reading| add_reading(&mut body, &reading));
    Ok((status, body))
}

/// What came of a file in the end; `None` while it is heard or read. Of one without words nothing is read.
async fn outcome(state: &AppState, file: &File) -> Result<Option<Option<Reading>>, HttpError> {
    match file.state {
        CallState::Live | CallState::Finishing => Ok(None),
        CallState::Empty | CallState::Failed => Ok(Some(None)),
        CallState::Final => {
            let reading = state.store.reading(&file.call).await?;
            let current = reading.filter(|(version, _)| *version == file.served_version);
            Ok(current.map(|(_, reading)| Some(reading)))
        }
    }
}

/// What the stages made of it; without the first one the answer is an error that holds the transcript.
fn add_reading(body: &mut Value, reading: &Reading) -> StatusCode {
    let [one, two] = reading.tokens;
    let usage = |input: u64, output: u64| json!({ "input": input, "output": output, "total": input + output });
    let general = &reading.general;
    for (key, value) in [
        ("domain", json!(reading.pair.domain)),
        ("category", json!(reading.pair.category)),
        ("confidence", json!(f64::from(reading.confidence) / 1000.0)),
        ("sentiment", json!(general.sentiment)),
        ("general", json!(general)),
        ("domain_specific_data", json!(reading.specific)),
        ("detected_by", json!(reading.detected_by)),
        ("extracted_by", json!(reading.extracted_by)),
        ("notes", json!(reading.notes)),
        (
            "token_usage",
            json!({
                "stage1_transcription_and_detection": usage(one.input, one.output),
                "stage2_combined_analysis": usage(two.input, two.output),
                "total": usage(one.input + two.input, one.output + two.output),
            }),
        ),
    ] {
        body[key] = value;
    }
    let Some((stage, why)) = &reading.failed else {
        return StatusCode::OK;
    };
    body["failed"] = json!({ "stage": stage, "reason": why });
    if *stage > 1 {
        return StatusCode::OK;
    }
    body["state"] = json!("failed");
    body["error"] = json!({
        "code": "stage_one_failed",
        "message": format!("the language model cannot say what the file is about: {why}"),
    });
    StatusCode::BAD_GATEWAY
}

fn summary(file: &File) -> Value {
    let id = &file.call;
    json!({
        "id": id,
        "filename": file.name,
        "stored": true,
        "state": step(file.state),
        "reason": file.served_reason,
        "kind": file.kind,
        "bytes": file.bytes,
        "duration": file.duration,
        "created_at": file.created_at,
        "href": format!("/api/v1/files/{id}"),
        "call": format!("/api/v1/calls/{id}"),
        "page": format!("/calls/{id}"),
    })
}

/// How far a file is.
pub(super) const fn step(state: CallState) -> &'static str {
    match state {
        CallState::Live | CallState::Finishing => "transcribing",
        CallState::Final => "done",
        CallState::Empty => "empty",
        CallState::Failed => "failed",
    }
}

pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let (status, body) = answer(&state, &sid(&id)?).await?;
    Ok((status, Json(body)).into_response())
}

#[derive(Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// The `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200.
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

/// Files, newest first.
pub(super) async fn list(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
) -> Result<Response, HttpError> {
    let cursor = asked.cursor.as_deref().map(str::parse).transpose()?;
    let (files, next) = state
        .store
        .files(cursor.as_ref(), limit(asked.limit)?)
        .await?;
    let files: Vec<Value> = files.iter().map(summary).collect();
    let next = next.map(|next| next.to_string());
    Ok(Json(json!({ "files": files, "next": next })).into_response())
}

/// `progress` whenever the file is further, and `ended` with the answer at the end.
pub(super) async fn events(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    let call = sid(&id)?;
    state.store.file(&call).await?.ok_or_else(no_file)?;
    let closing = state.closing.clone();
    let events = stream::unfold(Some((state, call, None)), |at| async {
        let (state, call, mut last) = at?;
        loop {
            let file = state.store.file(&call).await.ok()??;
            if outcome(&state, &file).await.ok()?.is_some() {
                let (_, body) = answer(&state, &call).await.ok()?;
                return Some((event("ended", &body), None));
            }
            let (_, now) = answer(&state, &call).await.ok()?;
            if last.as_ref() != Some(&now) {
                last = Some(now.clone());
                return Some((event("progress", &now), Some((state, call, last))));
            }
            tokio::time::sleep(LOOK).await;
        }
    });
    let events = events.take_until(closing.cancelled_owned());
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let headers = [(header::HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((headers, sse).into_response())
}

fn event(name: &str, body: &Value) -> Result<Event, Infallible> {
    Ok(Event::default().event(name).data(body.to_string()))
}

fn no_file() -> HttpError {
    HttpError::not_found("there is no file of this id")
}

impl From<Refused> for HttpError {
    fn from(refused: Refused) -> Self {
        let (status, code) = match &refused {
            Refused::NoSound => (StatusCode::UNPROCESSABLE_ENTITY, "no_sound"),
            Refused::Unreadable(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unreadable_audio"),
            Refused::TooLong(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_long"),
            Refused::Failed(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        Self::new(status, code, refused.to_string())
    }
}

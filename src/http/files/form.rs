//! Files out of a form, streamed to the disk: no more of one than it may have, and none that is no audio.

use axum::{
    extract::{
        Multipart,
        multipart::{Field, MultipartError},
    },
    http::StatusCode,
};
use tokio::io::AsyncWriteExt;

use crate::{
    after::files::{Files, Refused, Upload},
    audio::sniff::{self, ENOUGH, Kind},
    http::HttpError,
};

/// Characters of a field that is no file.
const LONGEST_FIELD: usize = 64;

/// All files of a form, each on disk by now, or why it is not taken.
pub(in crate::http) async fn received(
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

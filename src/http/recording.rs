//! `GET /api/v1/calls/{id}/recording/{track}`: a recording's file, whole or a range of it. While it is
//! being written, it is served as the valid WAV that it is so far; once it is archived, as the WAV that it
//! was, or as the archive itself (`format=opus`).

use std::{
    fs::Metadata,
    io::{self, SeekFrom},
    path::Path as FilePath,
    sync::Arc,
    time::SystemTime,
};

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};
use tokio_util::io::ReaderStream;

use super::{
    AppState, HttpError,
    call_file::sid,
    error::Params,
    range::{Wanted, is_known, wanted},
};
use crate::{
    audio::source::Error,
    ids::Track,
    recordings::archive::is_archived,
    store::{Recording, RecordingPart, RecordingState},
    tasks,
};

/// Bytes read from the disk at a time.
const CHUNK: usize = 64 * 1024;
/// The header of a plain PCM WAV: RIFF size at 4, data size at 40, samples from 44 on.
const HEADER: usize = 44;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// The stream's number in the call; the first that has this track by default.
    stream: Option<u32>,
    /// Of a very long recording's files, from 1.
    #[serde(default = "first")]
    part: usize,
    /// `opus`: an archived recording as it lies on the disk, with both tracks. By default all are WAVs.
    #[param(inline)]
    format: Option<Format>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[schema(as = RecordingFormat)]
#[serde(rename_all = "lowercase")]
enum Format {
    Wav,
    Opus,
}

const fn first() -> usize {
    1
}

/// A recording's file, whole or a range of it.
///
/// While it is being written it is the valid WAV that it is so far; once archived it is the WAV that it was, or with
/// `format=opus` the archive itself. `Range`, `If-Range` and `If-None-Match` do as RFC 9110 has them.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/recording/{track}", tag = "Recordings",
    params(Asked, ("id" = crate::ids::CallSid, Path, description = "The call's id."), ("track" = Track, Path, description = "The side of the line."),
        ("Range" = Option<String>, Header, description = "`bytes=FIRST-LAST`, one range.", example = "bytes=0-65535")),
    responses(
        (status = 200, description = "All of it.", content(
            (Vec<u8> = "audio/wav", example = "RIFF…"),
            (Vec<u8> = "audio/ogg", example = "OggS…"),
        ), headers(("accept-ranges" = String, description = "`bytes`"), ("etag" = String, description = "Once the file changes no more."))),
        (status = 206, description = "The range.", content_type = "audio/wav", body = Vec<u8>, headers(("content-range" = String)), example = "…"),
        (status = 304, description = "It is what `If-None-Match` names."),
        (status = 400, description = "`bad_request`: stream, part or format is none"),
        (status = 404, description = "`not_found`: there is no such call, track, stream or part; or nothing of it is on disk yet"),
        (status = 410, description = "`gone`: the recording was deleted: its time was up, or somebody wanted it gone"),
        (status = 416, description = "`range`: the recording is shorter than that"),
    ),
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Path((id, track)): Path<(String, String)>,
    Params(asked): Params<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let track: Track = track
        .parse()
        .map_err(|error: crate::ids::BadTrack| HttpError::not_found(error.to_string()))?;
    let recordings = state.store.recordings(&sid(&id)?).await?;
    let recording = chosen(&recordings, track, asked.stream)?;
    let part = asked
        .part
        .checked_sub(1)
        .and_then(|index| recording.parts.get(index))
        .ok_or_else(|| {
            HttpError::not_found(format!(
                "this recording has {} part(s)",
                recording.parts.len()
            ))
        })?;
    let archived = is_archived(&part.path);
    let opus = asked.format == Some(Format::Opus);
    if opus && !archived {
        let text = "this recording is not archived: it is a WAV".to_owned();
        return Err(HttpError::not_found(text));
    }
    let file = if archived && !opus {
        unpacked(&state, part).await?
    } else {
        let open_still = recording.state == RecordingState::Open;
        open(&part.path, !open_still).await?
    };
    let key = &recording.key;
    let extension = if opus { "opus" } else { "wav" };
    let name = format!(
        "{}_{}_{track}_{}.{extension}",
        key.stream.call, key.stream.number, asked.part
    );
    let kind = if opus { "audio/ogg" } else { "audio/wav" };
    let mut response = file.answer(&headers, kind).await?;
    if let Ok(value) = format!("inline; filename=\"{name}\"").parse() {
        response
            .headers_mut()
            .insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

fn chosen(
    recordings: &[Recording],
    track: Track,
    stream: Option<u32>,
) -> Result<&Recording, HttpError> {
    let found = recordings.iter().find(|recording| {
        recording.key.track == track && stream.is_none_or(|n| recording.key.stream.number == n)
    });
    match found {
        Some(recording) if recording.state == RecordingState::Deleted => Err(gone()),
        Some(recording) => Ok(recording),
        None => Err(HttpError::not_found(
            "this call has no recording of that track and stream",
        )),
    }
}

pub(super) fn gone() -> HttpError {
    HttpError::new(
        StatusCode::GONE,
        "gone",
        "the recording was deleted: its time was up, or somebody wanted it gone",
    )
}

/// A file as it is to be served.
struct Served {
    file: File,
    /// The first bytes, with sizes that fit `len`.
    head: Vec<u8>,
    /// Bytes to serve: what the header accounts for.
    len: u64,
    /// Strong; only where the file changes no more.
    etag: Option<String>,
}

/// A track of an archived recording as the WAV that it was.
async fn unpacked(state: &AppState, part: &RecordingPart) -> Result<Served, HttpError> {
    let (shelf, wanted) = (Arc::clone(&state.shelf), part.clone());
    let opened = tasks::blocking("unpack", move || shelf.open(&wanted.path, wanted.channel));
    let why = "the archived recording cannot be unpacked";
    let file = match opened.await {
        Ok(Ok(file)) => file,
        Ok(Err(Error::Io { why, .. })) if why.kind() == io::ErrorKind::NotFound => {
            return Err(gone());
        }
        Ok(Err(error)) => return Err(HttpError::internal(why, &error)),
        Err(error) => return Err(HttpError::internal(why, &error)),
    };
    // The WAV is made anew now and then; what it is made of stays.
    let about = match tokio::fs::metadata(&part.path).await {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(gone()),
        Err(error) => return Err(HttpError::internal(why, &error)),
    };
    let channel = part.channel;
    let etag = etag(&about).map(|etag| format!("\"{channel}-{}", etag.trim_start_matches('"')));
    let served = Served::whole(File::from_std(file), etag).await;
    served.map_err(|error| HttpError::internal(why, &error))
}

async fn open(path: &FilePath, settled: bool) -> Result<Served, HttpError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound if settled => gone(),
        io::ErrorKind::NotFound => nothing_yet(),
        _ => HttpError::internal("the recording cannot be read", &error),
    };
    let file = File::open(path).await.map_err(failed)?;
    let about = file.metadata().await.map_err(failed)?;
    let etag = etag(&about).filter(|_| settled);
    let mut served = Served::whole(file, etag).await.map_err(failed)?;
    if !settled {
        served.len = so_far(&mut served.head, about.len()).ok_or_else(nothing_yet)?;
    }
    Ok(served)
}

fn etag(about: &Metadata) -> Option<String> {
    let modified = about.modified().ok()?;
    let at = modified.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(format!("\"{:x}-{:x}\"", about.len(), at.as_nanos()))
}

fn nothing_yet() -> HttpError {
    HttpError::not_found("nothing of this recording is on disk yet: ask again in a second")
}

/// The length of the valid WAV that a growing file is. The writer puts samples first and sizes after,
/// so the header may count fewer bytes than there are; and it writes the two sizes one after the
/// other, so the outer one is made to fit here.
fn so_far(head: &mut [u8], on_disk: u64) -> Option<u64> {
    if head.len() < HEADER || &head[..4] != b"RIFF" || &head[36..40] != b"data" {
        return None;
    }
    let data = u32::from_le_bytes(head[40..44].try_into().ok()?);
    let len = HEADER as u64 + u64::from(data);
    let riff = u32::try_from(len - 8).ok()?;
    head[4..8].copy_from_slice(&riff.to_le_bytes());
    (len <= on_disk).then_some(len)
}

impl Served {
    async fn whole(mut file: File, etag: Option<String>) -> io::Result<Self> {
        let len = file.metadata().await?.len();
        let mut head = Vec::with_capacity(HEADER);
        let mut first = (&mut file).take(HEADER as u64);
        first.read_to_end(&mut head).await?;
        Ok(Self {
            file,
            head,
            len,
            etag,
        })
    }

    async fn answer(self, headers: &HeaderMap, kind: &'static str) -> Result<Response, HttpError> {
        let len = self.len;
        if let Some(etag) = &self.etag
            && is_known(headers, etag)
        {
            return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag.clone())]).into_response());
        }
        let (status, start, last) = match wanted(headers, len, self.etag.as_deref()) {
            Wanted::Beyond => {
                let range = [(header::CONTENT_RANGE, format!("bytes */{len}"))];
                let error = HttpError::new(
                    StatusCode::RANGE_NOT_SATISFIABLE,
                    "range",
                    format!("the recording has {len} bytes"),
                );
                return Ok((range, error).into_response());
            }
            Wanted::Whole => (StatusCode::OK, 0, len.saturating_sub(1)),
            Wanted::Part { start, last } => (StatusCode::PARTIAL_CONTENT, start, last),
        };
        let count = if len == 0 { 0 } else { last - start + 1 };
        let mut response = status.into_response();
        let out = response.headers_mut();
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        out.insert(header::ACCEPT_RANGES, "bytes".parse().map_err(bug)?);
        out.insert(header::CONTENT_LENGTH, count.into());
        // The voice of people: in no shared cache; a browser asks whether it changed.
        let cache = if self.etag.is_some() {
            "private, no-cache"
        } else {
            "no-store"
        };
        out.insert(header::CACHE_CONTROL, cache.parse().map_err(bug)?);
        if let Some(etag) = &self.etag {
            out.insert(header::ETAG, etag.parse().map_err(bug)?);
        }
        if status == StatusCode::PARTIAL_CONTENT {
            let range = format!("bytes {start}-{last}/{len}");
            out.insert(header::CONTENT_RANGE, range.parse().map_err(bug)?);
        }
        *response.body_mut() = self.body(start, count).await?;
        Ok(response)
    }

    /// `count` bytes from `start`: of the header as it was read, then of the file.
    async fn body(mut self, start: u64, count: u64) -> Result<Body, HttpError> {
        let in_head = usize::try_from(start)
            .unwrap_or(usize::MAX)
            .min(self.head.len());
        self.head.drain(..in_head);
        let from_file = start.max(HEADER as u64);
        self.file
            .seek(SeekFrom::Start(from_file))
            .await
            .map_err(|error| HttpError::internal("the recording cannot be read", &error))?;
        let bytes = io::Cursor::new(self.head).chain(self.file).take(count);
        Ok(Body::from_stream(ReaderStream::with_capacity(bytes, CHUNK)))
    }
}

fn bug(error: header::InvalidHeaderValue) -> HttpError {
    HttpError::internal("a header cannot be written", &error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(riff: u32, data: u32) -> Vec<u8> {
        let mut head = vec![0; HEADER];
        head[..4].copy_from_slice(b"RIFF");
        head[4..8].copy_from_slice(&riff.to_le_bytes());
        head[36..40].copy_from_slice(b"data");
        head[40..44].copy_from_slice(&data.to_le_bytes());
        head
    }

    #[test]
    fn a_growing_file_is_served_as_far_as_its_header_counts() {
        for (riff, data, on_disk, expected) in [
            (36, 0, 44, Some(44)),
            (36 + 640, 640, 44 + 640, Some(684)),
            (36 + 640, 640, 44 + 9000, Some(684)),
            (36, 640, 44 + 9000, Some(684)),
            (36 + 640, 640, 44, None),
        ] {
            let mut head = head(riff, data);
            assert_eq!(
                so_far(&mut head, on_disk),
                expected,
                "{riff} {data} {on_disk}"
            );
            if let Some(len) = expected {
                let riff = u32::from_le_bytes(head[4..8].try_into().unwrap());
                assert_eq!(u64::from(riff) + 8, len);
            }
        }
        assert_eq!(so_far(&mut head(0, 0)[..20], 20), None);
        assert_eq!(so_far(&mut [0; HEADER], 44), None);
    }
}

//! `GET /api/v1/calls/{id}/waveform/{track}` and `…/spectrogram/{track}`: pictures of a track over the whole
//! call, or of one stream or file of it. They are drawn when they are asked for, on threads that may
//! block, few at once; a browser keeps them as long as the files and the text are the same.

use std::time::SystemTime;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{
    AppState, HttpError,
    call_file::{no_call, sid},
    error::Params,
    range::is_known,
};
use crate::{
    analysis::{
        Span, Spectrogram, plot,
        wave::{Mark, MarkKind, Wave},
    },
    audio::source::Error,
    ids::{CallSid, Track},
    store::{Recording, RecordingPart, RecordingState, open_parts},
    tasks,
    time::{ENGINE_RATE, MediaTime},
};

/// Pictures that are drawn at once; whoever asks for more waits. Each reads as fast as the disk gives.
const AT_ONCE: usize = 2;
static DRAWING: Semaphore = Semaphore::const_new(AT_ONCE);
/// Read at once: 10 s of a track; between them it is looked whether anybody still waits.
const PIECE: u64 = 10 * ENGINE_RATE;
/// The longest call that is drawn: half a day. No telephone call is longer.
const LONGEST: MediaTime = MediaTime::from_ms(12 * 60 * 60 * 1000);
const WIDTHS: std::ops::RangeInclusive<usize> = 100..=4000;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Asked {
    /// The stream's number in the call; all of them on the call's time line by default.
    stream: Option<u32>,
    /// Of a very long recording's files, from 1; needs `stream`.
    part: Option<usize>,
    /// Columns of a waveform: 100 to 4000. A spectrogram has as many as it needs.
    #[param(minimum = 100, maximum = 4000)]
    width: usize,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            stream: None,
            part: None,
            width: 1200,
        }
    }
}

/// A track as a waveform.
///
/// An SVG over the whole call, or of one stream or file; speech, silence and gaps are marked. Made when it is asked for; `If-None-Match` does as RFC 9110 has it.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/waveform/{track}", tag = "Recordings",
    params(Asked, ("id" = CallSid, Path, description = "The call's id."), ("track" = Track, Path, description = "The side of the line.")),
    responses(
        (status = 200, description = "The picture.", content_type = "image/svg+xml", body = String, headers(("etag" = String, description = "Once the recording is over.")), example = "<svg>…</svg>"),
        (status = 304, description = "It is what `If-None-Match` names."),
        (status = 400, description = "`bad_request`: width: 100 to 4000 columns"),
        (status = 404, description = "`not_found`: there is no such call, track, stream or part"),
        (status = 410, description = "`gone`: the recording was deleted: its time was up, or somebody wanted it gone"),
    ),
)]
pub(super) async fn wave(
    State(state): State<AppState>,
    Path((id, track)): Path<(String, String)>,
    Params(asked): Params<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    if !WIDTHS.contains(&asked.width) {
        let (least, most) = (WIDTHS.start(), WIDTHS.end());
        let text = format!("width: {least} to {most} columns");
        return Err(HttpError::bad_request(text));
    }
    let sheet = Sheet::find(&state, &sid(&id)?, &track, &asked).await?;
    let width = asked.width;
    sheet
        .answer(&headers, "image/svg+xml", width, move |sheet, stop| {
            let mut wave = Wave::new(width);
            let is_whole = sheet.read(stop, |samples| wave.push(samples))?;
            Ok(is_whole.then(|| {
                wave.svg(sheet.track, sheet.length, &sheet.marks)
                    .into_bytes()
            }))
        })
        .await
}

/// A track as a spectrogram.
///
/// A PNG over the whole call, or of one stream or file. Made when it is asked for; `If-None-Match` does as RFC 9110 has it.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/spectrogram/{track}", tag = "Recordings",
    params(Asked, ("id" = CallSid, Path, description = "The call's id."), ("track" = Track, Path, description = "The side of the line.")),
    responses(
        (status = 200, description = "The picture.", content_type = "image/png", body = Vec<u8>, headers(("etag" = String, description = "Once the recording is over.")), example = "…PNG…"),
        (status = 304, description = "It is what `If-None-Match` names."),
        (status = 400, description = "`bad_request`: width: 100 to 4000 columns"),
        (status = 404, description = "`not_found`: there is no such call, track, stream or part"),
        (status = 410, description = "`gone`: the recording was deleted: its time was up, or somebody wanted it gone"),
    ),
)]
pub(super) async fn spectrogram(
    State(state): State<AppState>,
    Path((id, track)): Path<(String, String)>,
    Params(asked): Params<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let sheet = Sheet::find(&state, &sid(&id)?, &track, &asked).await?;
    sheet
        .answer(&headers, "image/png", 0, |sheet, stop| {
            let mut spectrogram = Spectrogram::default();
            let is_whole = sheet.read(stop, |samples| spectrogram.push(samples))?;
            let png = is_whole.then(|| plot::heat(&spectrogram));
            Ok(png.map(Option::unwrap_or_default))
        })
        .await
}

/// What is to be drawn.
struct Sheet {
    track: Track,
    /// In order of time: from when on, and the files.
    placed: Vec<(MediaTime, Vec<RecordingPart>)>,
    length: MediaTime,
    marks: Vec<Mark>,
    /// Of the text that the marks are from.
    version: u32,
    /// It is being recorded still.
    is_open: bool,
}

impl Sheet {
    async fn find(
        state: &AppState,
        call: &CallSid,
        track: &str,
        asked: &Asked,
    ) -> Result<Self, HttpError> {
        let track: Track = track
            .parse()
            .map_err(|error: crate::ids::BadTrack| HttpError::not_found(error.to_string()))?;
        let known = state.store.call(call).await?.ok_or_else(no_call)?;
        if asked.part.is_some() && asked.stream.is_none() {
            return Err(HttpError::bad_request("part: of which stream?"));
        }
        let recordings: Vec<Recording> = (state.store.recordings(call).await?.into_iter())
            .filter(|recording| recording.key.track == track)
            .filter(|recording| {
                asked
                    .stream
                    .is_none_or(|n| recording.key.stream.number == n)
            })
            .collect();
        let there = |recording: &&Recording| recording.state != RecordingState::Deleted;
        if !recordings.is_empty() && recordings.iter().find(there).is_none() {
            return Err(super::recording::gone());
        }
        let streams = state.store.streams(call).await?;
        let mut sheet = Self {
            track,
            placed: Vec::new(),
            length: MediaTime::ZERO,
            marks: Vec::new(),
            version: known.served_version,
            is_open: false,
        };
        for recording in recordings.iter().filter(there) {
            let stream = streams.iter().find(|s| s.key == recording.key.stream);
            let position = match asked.stream {
                Some(_) => MediaTime::ZERO,
                None => stream.map_or(MediaTime::ZERO, |stream| stream.position),
            };
            sheet.put(recording, position, asked.part)?;
        }
        if sheet.placed.is_empty() {
            return Err(HttpError::not_found(
                "this call has no recording of that track and stream",
            ));
        }
        if asked.stream.is_none() {
            sheet.length = sheet.length.max(known.duration);
            sheet.mark_the_text(state, call).await?;
        }
        if sheet.length > LONGEST {
            return Err(HttpError::bad_request(
                "a call of more than twelve hours is not drawn: ask for one stream and part of it",
            ));
        }
        sheet.placed.sort_by_key(|(position, _)| *position);
        sheet.mark_what_was_not_connected();
        Ok(sheet)
    }

    fn put(
        &mut self,
        recording: &Recording,
        position: MediaTime,
        part: Option<usize>,
    ) -> Result<(), HttpError> {
        let all = &recording.parts;
        let (before, parts) = match part {
            None => (0, all.clone()),
            Some(part) => {
                let found = part.checked_sub(1).and_then(|index| all.get(index));
                let found = found.ok_or_else(|| {
                    HttpError::not_found(format!("this recording has {} part(s)", all.len()))
                })?;
                (part - 1, vec![found.clone()])
            }
        };
        let frames = |parts: &[RecordingPart]| {
            MediaTime::from_engine_samples(parts.iter().map(|part| part.frames).sum())
        };
        let (skipped, length) = (frames(&all[..before]), frames(&parts));
        let gaps = recording.gaps.iter().filter_map(|(at, long)| {
            let (start, end) = (*at, *at + *long);
            let cut = |at: MediaTime| at.saturating_sub(skipped).min(length) + position;
            (cut(start) < cut(end)).then(|| missing(cut(start), cut(end)))
        });
        self.marks.extend(gaps);
        self.length = self.length.max(position + length);
        self.is_open |= recording.state == RecordingState::Open;
        self.placed.push((position, parts));
        Ok(())
    }

    async fn mark_the_text(&mut self, state: &AppState, call: &CallSid) -> Result<(), HttpError> {
        if self.is_open {
            return Ok(());
        }
        let transcript = state.store.transcript(call, None).await?;
        let spans = transcript.map(|transcript| transcript.coverage);
        let mine = (spans.into_iter().flatten()).filter(|span| span.track == self.track);
        self.marks.extend(mine.map(|span| Mark {
            span: Span {
                start: span.start,
                end: span.end,
            },
            kind: MarkKind::Became(span.kind),
        }));
        Ok(())
    }

    fn mark_what_was_not_connected(&mut self) {
        let mut reached = MediaTime::ZERO;
        for (position, parts) in &self.placed {
            if *position > reached {
                self.marks.push(missing(reached, *position));
            }
            let frames = parts.iter().map(|part| part.frames).sum();
            reached = reached.max(*position + MediaTime::from_engine_samples(frames));
        }
    }

    /// Tells the picture from others, before it is drawn. `None` while it may change, or a file is lost.
    async fn etag(&self, kind: &str, width: usize) -> Option<String> {
        if self.is_open {
            return None;
        }
        let mut hash = Sha256::new();
        let (length, version, marks) = (self.length, self.version, self.marks.len());
        let build = env!("CARGO_PKG_VERSION");
        hash.update(format!("{build} {kind} {width} {length} {version} {marks}"));
        for (position, parts) in &self.placed {
            for part in parts {
                let about = tokio::fs::metadata(&part.path).await.ok()?;
                let changed = about.modified().ok()?;
                let since = changed.duration_since(SystemTime::UNIX_EPOCH).ok()?;
                let (bytes, at) = (about.len(), since.as_nanos());
                hash.update(format!("{position} {bytes} {at} {}", part.channel));
            }
        }
        let hex: String = (hash.finalize().iter().take(12))
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Some(format!("\"{hex}\""))
    }

    async fn answer<F>(
        self,
        headers: &HeaderMap,
        kind: &'static str,
        width: usize,
        draw: F,
    ) -> Result<Response, HttpError>
    where
        F: FnOnce(&Self, &CancellationToken) -> Result<Option<Vec<u8>>, Error> + Send + 'static,
    {
        let etag = self.etag(kind, width).await;
        if let Some(etag) = &etag
            && is_known(headers, etag)
        {
            return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag.clone())]).into_response());
        }
        let why = "the recording cannot be drawn";
        let permit = DRAWING.acquire().await;
        let permit = permit.map_err(|error| HttpError::internal(why, &error))?;
        // Whoever goes away takes the work along.
        let stop = CancellationToken::new();
        let _gone = stop.clone().drop_guard();
        let drawing = tasks::blocking("draw", move || {
            let _permit = permit;
            draw(&self, &stop)
        });
        let picture = match drawing.await {
            Ok(Ok(picture)) => picture.unwrap_or_default(),
            Ok(Err(Error::Io { why, .. })) if why.kind() == std::io::ErrorKind::NotFound => {
                return Err(super::recording::gone());
            }
            Ok(Err(error)) => return Err(HttpError::internal(why, &error)),
            Err(error) => return Err(HttpError::internal(why, &error)),
        };
        let head = [(header::CONTENT_TYPE, kind)];
        Ok(match etag {
            Some(etag) => {
                let keep = [
                    (header::CACHE_CONTROL, "private, no-cache".to_owned()),
                    (header::ETAG, etag),
                ];
                (head, keep, picture).into_response()
            }
            None => (head, [(header::CACHE_CONTROL, "no-store")], picture).into_response(),
        })
    }

    /// Reads all of it in order of time, with silence where nobody was connected. `false`: it was stopped.
    fn read(&self, stop: &CancellationToken, mut take: impl FnMut(&[i16])) -> Result<bool, Error> {
        let (mut reached, mut samples) = (0, Vec::new());
        for (position, parts) in &self.placed {
            let start = position.as_engine_samples();
            while reached < start {
                let piece = (start - reached).min(PIECE);
                samples.clear();
                samples.resize(usize::try_from(piece).unwrap_or(0), 0);
                take(&samples);
                reached += piece;
            }
            let mut source = open_parts(parts)?;
            // Two streams of a track may overlap: the later one is drawn from where the former ends.
            let mut at = reached - start;
            while at < source.samples() {
                if stop.is_cancelled() {
                    return Ok(false);
                }
                samples.clear();
                let end = (at + PIECE).min(source.samples());
                if source.read_samples(at..end, &mut samples)? == 0 {
                    break;
                }
                take(&samples);
                at += samples.len() as u64;
                reached += samples.len() as u64;
            }
        }
        Ok(true)
    }
}

fn missing(start: MediaTime, end: MediaTime) -> Mark {
    Mark {
        span: Span { start, end },
        kind: MarkKind::Missing,
    }
}

//! `GET /api/v1/files/{id}/events`: how far a file is, until it is done.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Path, State},
    http::header::HeaderName,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::{StreamExt, stream};

use super::{
    LOOK,
    answer::{FileJson, answer, outcome},
    no_file,
};
use crate::{
    http::{AppState, HttpError, call_file::sid},
    ids::CallSid,
};

const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How far a file is, as it goes: Server-Sent Events.
///
/// `progress` whenever the file is further, with the seconds of sound heard and all of them, and `ended` with the answer at
/// the end, after which the server closes.
#[utoipa::path(
    get, path = "/api/v1/files/{id}/events", tag = "Files",
    params(("id" = CallSid, Path, description = "The file's id, which is its call's.")),
    responses(
        (status = 200, description = "The events; the schema is of the JSON in `data`.", body = FileJson, content_type = "text/event-stream",
            example = "event: progress\ndata: {\"id\":\"FI0123456789abcdef0123456789abcdef\",\"state\":\"transcribing\",\"progress\":{\"done\":30.0,\"total\":120.0}}\n\n"),
        (status = 400, description = "`bad_request`: that is no id"),
        (status = 404, description = "`not_found`: there is no file of this id"),
    ),
)]
pub(in crate::http) async fn events(
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
            let is_over = outcome(&state, &file).await.ok()?.is_some();
            let now = answer(&state, &call).await.ok()?;
            if is_over {
                return Some((event("ended", &now), None));
            }
            if last.as_ref() != Some(&now) {
                last = Some(now.clone());
                return Some((event("progress", &now), Some((state, call, last))));
            }
            tokio::time::sleep(LOOK).await;
        }
    });
    let events = events.take_until(closing.cancelled_owned());
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let headers = [(HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((headers, sse).into_response())
}

fn event(name: &str, body: &FileJson) -> Result<Event, Infallible> {
    let text = serde_json::to_string(body).unwrap_or_default();
    Ok(Event::default().event(name).data(text))
}

//! `GET /api/v1/calls/{id}/transcript`: json, txt, srt or vtt, of the served version or another.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    AppState, HttpError,
    call_file::{CallFile, sid},
    error::Params,
};
use crate::{
    ids::CallSid,
    store::{CallState, VersionKind},
    transcript::{Document, formats},
};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Beats `Accept`.
    #[param(inline)]
    format: Option<Format>,
    version: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[schema(as = TranscriptFormat)]
#[serde(rename_all = "lowercase")]
enum Format {
    Json,
    Txt,
    Srt,
    Vtt,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Transcript)]
struct TranscriptJson<'a> {
    call: &'a CallSid,
    state: CallState,
    version: u32,
    kind: VersionKind,
    /// Whether it is the version that is served, and why that one is.
    served: bool,
    served_reason: &'a str,
    #[serde(flatten)]
    document: &'a Document,
}

/// The transcript, as JSON, text or subtitles.
///
/// Of the version that is served, or of another. Without `format` it is what `Accept` likes best.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/transcript", tag = "Calls",
    params(Asked, ("id" = CallSid, Path, description = "The call's id.")),
    responses(
        (status = 200, description = "The transcript.", content(
            (TranscriptJson = "application/json"),
            (String = "text/plain", example = "[00:00] Dana: Hello there.\n"),
            (String = "application/x-subrip", example = "1\n00:00:00,000 --> 00:00:01,200\nDana: Hello there.\n"),
            (String = "text/vtt", example = "WEBVTT\n\n00:00:00.000 --> 00:00:01.200\n<v Dana>Hello there.\n"),
        )),
        (status = 400, description = "`bad_request`: format or version is none"),
        (status = 404, description = "`not_found`: there is no call of this id; or no such version"),
        (status = 406, description = "`not_acceptable`: a transcript is application/json, text/plain, application/x-subrip or text/vtt"),
    ),
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(asked): Params<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let format = asked
        .format
        .or_else(|| accepted(&headers))
        .ok_or_else(none_of_ours)?;
    let file = CallFile::load(&state, &sid(&id)?, asked.version).await?;
    let (version, served) = (file.transcript.version.clone(), file.transcript.served);
    let document = file.transcript.document();
    let (kind, text) = match format {
        Format::Json => {
            let body = TranscriptJson {
                call: &file.call.sid,
                state: file.call.state,
                version: version.version,
                kind: version.kind,
                served,
                served_reason: &file.call.served_reason,
                document: &document,
            };
            return Ok(([(header::VARY, "accept")], Json(body)).into_response());
        }
        Format::Txt => ("text/plain; charset=utf-8", formats::txt(&document)),
        Format::Srt => (
            "application/x-subrip; charset=utf-8",
            formats::srt(&document),
        ),
        Format::Vtt => ("text/vtt; charset=utf-8", formats::vtt(&document)),
    };
    Ok((
        [(header::CONTENT_TYPE, kind), (header::VARY, "accept")],
        text,
    )
        .into_response())
}

fn none_of_ours() -> HttpError {
    HttpError::new(
        StatusCode::NOT_ACCEPTABLE,
        "not_acceptable",
        "a transcript is application/json, text/plain, application/x-subrip or text/vtt",
    )
}

/// What `Accept` likes best of what there is (RFC 9110 §12.5.1); JSON where it does not say.
fn accepted(headers: &HeaderMap) -> Option<Format> {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    best(accept.unwrap_or("*/*"))
}

fn best(accept: &str) -> Option<Format> {
    let mut best: Option<(f32, Format)> = None;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let format = match parts
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
            .as_str()
        {
            "*/*" | "application/*" | "application/json" => Format::Json,
            "text/*" | "text/plain" => Format::Txt,
            "application/x-subrip" => Format::Srt,
            "text/vtt" => Format::Vtt,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.trim().parse().ok());
        let weight: f32 = weight.unwrap_or(1.0);
        if weight > 0.0 && best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, format));
        }
    }
    best.map(|(_, format)| format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_picks_the_format() {
        for (accept, expected) in [
            ("*/*", Some(Format::Json)),
            ("text/plain", Some(Format::Txt)),
            ("TEXT/VTT", Some(Format::Vtt)),
            ("application/x-subrip, */*;q=0.1", Some(Format::Srt)),
            (
                "text/html,application/xhtml+xml,*/*;q=0.8",
                Some(Format::Json),
            ),
            ("application/json;q=0.2, text/vtt; q=0.9", Some(Format::Vtt)),
            ("text/plain;q=0", None),
            ("image/png", None),
            ("", None),
        ] {
            assert_eq!(best(accept), expected, "{accept:?}");
        }
        assert_eq!(accepted(&HeaderMap::new()), Some(Format::Json));
    }
}

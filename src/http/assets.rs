//! Script and style, inside the binary. Their address holds a hash of their content, so that browsers
//! keep them for good and never mix two versions.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use super::error::HttpError;

const SCRIPT: &str = include_str!("assets/app.js");
const STYLE: &str = include_str!("assets/style.css");
const ICON: &str = include_str!("assets/icon.svg");

static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for part in [SCRIPT, STYLE, ICON] {
        hash.update(part);
    }
    hash.finalize()
        .iter()
        .take(6)
        .map(|b| format!("{b:02x}"))
        .collect()
});

/// Where a page finds `name`.
pub(super) fn address(name: &str) -> String {
    format!("/assets/{}/{name}", *HASH)
}

pub(super) async fn serve(
    Path((hash, name)): Path<(String, String)>,
) -> Result<Response, HttpError> {
    let (kind, text) = match name.as_str() {
        "app.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "style.css" => ("text/css; charset=utf-8", STYLE),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return Err(HttpError::not_found("there is no such asset")),
    };
    // A page of another version of the server, during a deploy, gets ours and must not keep it.
    let cache = if hash == *HASH {
        "public, max-age=31536000, immutable"
    } else {
        "no-store"
    };
    Ok((
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)],
        text,
    )
        .into_response())
}

//! Scripts and styles, inside the binary. Their address holds a hash of all of them, so that browsers
//! keep them for good and never mix two versions; a script imports another by its name alone.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use super::error::HttpError;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("assets/", $name)).as_slice())),*]
    };
}

/// `base` is every page's; a page that names its kind has the script and the style of that name too.
static FILES: &[(&str, &[u8])] = &files![
    "api.css",
    "base.css",
    "base.js",
    "call-copy.js",
    "call-keys.js",
    "call-player.js",
    "call-scroll.js",
    "call-talk.js",
    "call-words.js",
    "call.css",
    "call.js",
    "calls.css",
    "calls.js",
    "capture.js",
    "doors.css",
    "doors.js",
    "files.css",
    "files.js",
    "health.css",
    "health.js",
    "heard.js",
    "icon.svg",
    "jobs.css",
    "jobs.js",
    "lead.css",
    "lead.js",
    "leads.css",
    "leads.js",
    "microphone.js",
    "people.css",
    "people.js",
    "recordings.css",
    "recordings.js",
    "search.css",
    "search.js",
    "tend.js",
    "try.css",
    "try.js",
];

static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for (_, content) in FILES {
        hash.update(content);
    }
    hash.finalize()
        .iter()
        .take(6)
        .map(|b| format!("{b:02x}"))
        .collect()
});

/// Where a page finds `name`, if there is such a file.
pub(super) fn address(name: &str) -> Option<String> {
    find(name).map(|_| format!("/assets/{}/{name}", *HASH))
}

fn find(name: &str) -> Option<&'static [u8]> {
    let (_, content) = FILES.iter().find(|(known, _)| *known == name)?;
    Some(content)
}

pub(super) async fn serve(
    Path((hash, name)): Path<(String, String)>,
) -> Result<Response, HttpError> {
    let content = find(&name).ok_or_else(|| HttpError::not_found("there is no such asset"))?;
    let kind = match name.rsplit_once('.') {
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "application/octet-stream",
    };
    // A page of another version of the server, during a deploy, gets ours and must not keep it.
    let cache = if hash == *HASH {
        "public, max-age=31536000, immutable"
    } else {
        "no-store"
    };
    Ok((
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)],
        content,
    )
        .into_response())
}

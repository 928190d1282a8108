//! Whether a request that changes something was made by a page of ours.
//!
//! There are no tokens in the forms, on purpose. A browser says with every such request whose page made
//! it (`Sec-Fetch-Site`, which pages cannot forge, or `Origin` where the page came without TLS), and what
//! comes with a cookie and says neither is refused: no browser of the last five years does that. A hidden
//! field would say the same thing again, less well (it is read by whoever reads the page), and every form
//! and fetch would have to carry it. The cookie is `SameSite=Strict` besides. What comes by a Bearer token
//! or without any cookie may say neither: no foreign page can make a browser add a header.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::http::error::HttpError;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Refuses what another site's page asks for, unless it only reads. `strict`: a browser's cookie came with
/// it, so that silence is no proof.
pub(super) fn check(method: &Method, headers: &HeaderMap, strict: bool) -> Result<(), HttpError> {
    // A socket is opened by GET, and the browser asks nobody whether a foreign page may.
    let changes = !method.is_safe() || headers.contains_key(header::UPGRADE);
    if !changes || is_own(headers, strict) {
        return Ok(());
    }
    Err(HttpError::new(
        StatusCode::FORBIDDEN,
        "cross_site",
        "requests that change something are not taken from other sites' pages",
    ))
}

fn is_own(headers: &HeaderMap, strict: bool) -> bool {
    let text = |name| {
        headers
            .get(name)
            .map(|value: &HeaderValue| value.to_str().unwrap_or("?"))
    };
    match (text(SEC_FETCH_SITE), text(header::ORIGIN)) {
        // Behind a proxy the origin's name and ours may differ.
        (Some(site), _) => ["same-origin", "none"].contains(&site),
        (None, Some(origin)) => {
            let place = origin.split_once("://").map(|(_, place)| place);
            place.is_some_and(|place| text(header::HOST) == Some(place))
        }
        (None, None) => !strict,
    }
}

/// Somebody followed a link on another site's page: the browser held a strict cookie back.
pub(super) fn is_from_elsewhere(method: &Method, headers: &HeaderMap) -> bool {
    let is = |name: HeaderName, values: &[&str]| {
        headers
            .get(name)
            .is_some_and(|value| values.iter().any(|known| value == known))
    };
    *method == Method::GET
        && is(SEC_FETCH_MODE, &["navigate"])
        && is(SEC_FETCH_SITE, &["cross-site", "same-site"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_change_something() {
        let site = "sec-fetch-site";
        for (method, headers, expected) in [
            // Taken without a cookie, taken with one.
            (Method::POST, &[][..], (true, false)),
            (Method::POST, &[(site, "same-origin")], (true, true)),
            (Method::POST, &[(site, "none")], (true, true)),
            (Method::POST, &[(site, "same-site")], (false, false)),
            (Method::DELETE, &[(site, "cross-site")], (false, false)),
            (
                Method::PATCH,
                &[(site, "cross-site"), ("origin", "http://localhost:1")],
                (false, false),
            ),
            (
                Method::POST,
                &[(site, "same-origin"), ("origin", "https://calls.example")],
                (true, true),
            ),
            (
                Method::POST,
                &[("origin", "http://localhost:1")],
                (true, true),
            ),
            (
                Method::POST,
                &[("origin", "http://localhost:2")],
                (false, false),
            ),
            (
                Method::POST,
                &[("origin", "https://evil.example")],
                (false, false),
            ),
            (Method::POST, &[("origin", "null")], (false, false)),
            (Method::GET, &[(site, "cross-site")], (true, true)),
            (
                Method::HEAD,
                &[("origin", "https://evil.example")],
                (true, true),
            ),
            (
                Method::GET,
                &[("upgrade", "websocket"), ("origin", "https://evil.example")],
                (false, false),
            ),
            (
                Method::GET,
                &[("upgrade", "websocket"), ("origin", "http://localhost:1")],
                (true, true),
            ),
            (Method::GET, &[("upgrade", "websocket")], (true, false)),
        ] {
            let given = headers.iter().chain(&[("host", "localhost:1")]);
            let given: HeaderMap = given
                .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
                .collect();
            let taken = [false, true].map(|strict| check(&method, &given, strict).is_ok());
            assert_eq!((taken[0], taken[1]), expected, "{method} {headers:?}");
        }
    }
}

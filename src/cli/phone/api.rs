//! The server's HTTP side: where it is, and a client that may ask it.

use anyhow::Context;
use reqwest::{Client, header};
use secrecy::{ExposeSecret, SecretString};

/// `ws://host/media` → `http://host`.
#[must_use]
pub fn api_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = match scheme {
        "ws" | "http" => "http",
        "wss" | "https" => "https",
        _ => return None,
    };
    let authority = rest
        .split(['/', '?', '#'])
        .next()
        .filter(|a| !a.is_empty())?;
    Some(format!("{scheme}://{authority}"))
}

/// A client that shows the access token, where there is one.
///
/// # Errors
/// When the token does not fit into a header, or there is no TLS.
pub fn client(access_token: Option<&SecretString>) -> anyhow::Result<Client> {
    // Another part of the process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut headers = header::HeaderMap::new();
    if let Some(token) = access_token {
        let bearer = format!("Bearer {}", token.expose_secret());
        let value = bearer.parse().context("--access-token: not for a header")?;
        headers.insert(header::AUTHORIZATION, value);
    }
    let http = Client::builder().default_headers(headers).build();
    http.context("no HTTP client")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_where_the_media_door_is() {
        for (url, api) in [
            ("ws://127.0.0.1:8080/media", Some("http://127.0.0.1:8080")),
            ("wss://example.com/media/CA1#x", Some("https://example.com")),
            ("ws://[::1]:80", Some("http://[::1]:80")),
            ("ftp://x/", None),
            ("ws:///media", None),
        ] {
            assert_eq!(api_of(url).as_deref(), api, "{url}");
        }
    }
}

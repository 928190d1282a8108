//! `X-Twilio-Signature`: base64(HMAC-SHA1(auth token, URL + parameters)), made and checked.
//!
//! What is signed is the URL as the TwiML or the console has it, and what a proxy shows us differs:
//! the port comes and goes, `wss` arrives as `https`, a slash is added. So a check tries the URL as
//! configured first, then its variants; all of them are computed and compared in constant time. A
//! variant costs no safety, since each needs the token to be signed.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The signature of a request to `url` with these POST parameters: sorted by name, repeated names
/// with their distinct values sorted, a `#fragment` stripped.
#[must_use]
pub fn sign(token: &str, url: &str, parameters: &[(&str, &str)]) -> String {
    mac(token, without_fragment(url), &joined(parameters))
}

/// Checks a request with form parameters (none for a GET).
#[must_use]
pub fn verify(token: &str, url: &str, parameters: &[(&str, &str)], signature: &str) -> bool {
    let joined = joined(parameters);
    matches_any(token, &port_variants(url), &joined, signature)
}

/// Checks a request with a JSON body, whose URL carries the body's digest as `bodySHA256`.
#[must_use]
pub fn verify_body(token: &str, url: &str, body: &[u8], signature: &str) -> bool {
    let Some(claimed) = query_value(without_fragment(url), "bodySHA256") else {
        return false;
    };
    let digest = hex(&Sha256::digest(body));
    let same = digest
        .as_bytes()
        .ct_eq(claimed.to_ascii_lowercase().as_bytes());
    bool::from(same) & matches_any(token, &port_variants(url), "", signature)
}

/// Checks a WebSocket upgrade. `url` is the public URL of the media door; with and without the port and
/// a trailing slash, and in every scheme: Twilio signs `wss`, where a server behind a proxy that ends
/// TLS sees `ws` or `http`.
#[must_use]
pub fn verify_upgrade(token: &str, url: &str, signature: &str) -> bool {
    let url = without_fragment(url);
    let mut bases = vec![url.to_owned()];
    if !url.contains('?') {
        bases.push(match url.strip_suffix('/') {
            Some(bare) => bare.to_owned(),
            None => format!("{url}/"),
        });
    }
    let others: Vec<String> = bases.iter().flat_map(|u| other_schemes(u)).collect();
    bases.extend(others);
    let variants: Vec<String> = bases.iter().flat_map(|u| port_variants(u)).collect();
    matches_any(token, &variants, "", signature)
}

fn matches_any(token: &str, urls: &[String], joined: &str, signature: &str) -> bool {
    let none = Choice::from(0);
    let found = urls.iter().fold(none, |found, url| {
        found
            | mac(token, url, joined)
                .as_bytes()
                .ct_eq(signature.as_bytes())
    });
    found.into()
}

fn mac(token: &str, url: &str, joined: &str) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("any key length");
    mac.update(url.as_bytes());
    mac.update(joined.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Name and value, name and value, sorted. Byte order of UTF-8 is code-point order.
fn joined(parameters: &[(&str, &str)]) -> String {
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in parameters {
        by_name.entry(name).or_default().push(value);
    }
    let mut text = String::new();
    for (name, mut values) in by_name {
        values.sort_unstable();
        values.dedup();
        for value in values {
            text.push_str(name);
            text.push_str(value);
        }
    }
    text
}

/// The URL as it is, without its port, and with its scheme's default port; each also with quotes in
/// the query escaped, as Twilio's Node library has it. Twilio's own library takes 80 for the default
/// port of `wss`, so that is a variant too.
fn port_variants(url: &str) -> Vec<String> {
    let url = without_fragment(url);
    let mut variants = vec![url.to_owned()];
    let Some((head, host, port, tail)) = split_authority(url) else {
        return variants;
    };
    let mut add = |variant: String| {
        if !variants.contains(&variant) {
            variants.push(variant);
        }
    };
    add(format!("{head}{host}{tail}"));
    if port.is_none() {
        let defaults: &[&str] = match head.split(':').next() {
            Some("https") => &["443"],
            Some("wss") => &["443", "80"],
            _ => &["80"],
        };
        for default in defaults {
            add(format!("{head}{host}:{default}{tail}"));
        }
    }
    let escaped: Vec<String> = variants.iter().filter_map(|u| query_escaped(u)).collect();
    variants.extend(escaped);
    variants
}

fn query_escaped(url: &str) -> Option<String> {
    let (path, query) = url.split_once('?')?;
    query
        .contains('\'')
        .then(|| format!("{path}?{}", query.replace('\'', "%27")))
}

/// `(scheme://user@, host, port, /path?query)`, cut by hand: re-serialising a parsed URL would change
/// the very bytes that were signed.
fn split_authority(url: &str) -> Option<(&str, &str, Option<&str>, &str)> {
    let authority = url.find("://")? + 3;
    let end = url[authority..]
        .find(['/', '?'])
        .map_or(url.len(), |at| authority + at);
    let host = url[authority..end]
        .rfind('@')
        .map_or(authority, |at| authority + at + 1);
    let (name, port) = match url[host..end].rfind(':') {
        // A colon within the brackets belongs to an IPv6 address.
        Some(colon) if !url[host + colon..end].contains(']') => {
            (&url[host..host + colon], Some(&url[host + colon + 1..end]))
        }
        _ => (&url[host..end], None),
    };
    Some((&url[..host], name, port, &url[end..]))
}

fn other_schemes(url: &str) -> Vec<String> {
    const SCHEMES: [&str; 4] = ["wss", "https", "ws", "http"];
    match url.split_once("://") {
        Some((scheme, rest)) if SCHEMES.contains(&scheme) => SCHEMES
            .into_iter()
            .filter(|other| *other != scheme)
            .map(|other| format!("{other}://{rest}"))
            .collect(),
        _ => Vec::new(),
    }
}

fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(before, _)| before)
}

fn query_value<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = url.split_once('?')?;
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(n, value)| (n == name).then_some(value))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;

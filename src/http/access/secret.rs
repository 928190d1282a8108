//! Secrets that this server gives out: 256 random bits, kept as their hash.

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};

/// How a token for programs begins, so that one that got lost is known for what it is.
const MARK: &str = "callscribe_";

/// A secret that nobody can guess.
///
/// # Errors
/// When the system gives no random bytes.
pub fn new() -> std::io::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(hex(&bytes))
}

/// A token for a program.
///
/// # Errors
/// When the system gives no random bytes.
pub fn new_token() -> std::io::Result<String> {
    new().map(|secret| format!("{MARK}{secret}"))
}

/// What is kept of a secret. No salt and no stretching: nobody tries 2^256 of them.
#[must_use]
pub fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// What stands in `Authorization: Bearer …`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_secrets_are_the_same_and_none_is_its_hash() {
        let (one, other) = (new_token().unwrap(), new_token().unwrap());
        assert_eq!(one.len(), MARK.len() + 64);
        assert_ne!(one, other);
        assert_eq!(hash(&one), hash(&one));
        assert!(!hash(&one).contains(&one[MARK.len()..]));
    }
}

//! What a token must be good for, by operation.

/// Method and path of an operation, and the scope that it needs. What is not here needs none but access.
const SCOPES: [(&str, &str, &str); 0] = [];

pub(super) fn needed(method: &str, path: &str) -> Vec<&'static str> {
    let of_this = SCOPES
        .iter()
        .filter(|(m, p, _)| m.eq_ignore_ascii_case(method) && *p == path);
    of_this.map(|(_, _, scope)| *scope).collect()
}

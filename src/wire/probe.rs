//! What must hold of a signature check whatever it is given, for fuzzing. A violation panics.

use super::signature;

/// Arbitrary bytes as token, URL, parameters and signature, one a line: what is signed is accepted in
/// every form of its URL, and nothing else is.
pub fn signature(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let token = lines.next().unwrap_or_default();
    let url = lines.next().unwrap_or_default();
    let given = lines.next().unwrap_or_default();
    let parameters: Vec<(&str, &str)> = lines.filter_map(|l| l.split_once('=')).collect();

    let signed = signature::sign(token, url, &parameters);
    assert!(signature::verify(token, url, &parameters, &signed));
    assert!(!signature::verify(token, url, &parameters, given) || is_signature(given));
    let other = format!("{token}x");
    assert!(!signature::verify(&other, url, &parameters, &signed));
    let mut more = parameters.clone();
    more.push(("an added name", "and value"));
    assert!(!signature::verify(token, url, &more, &signed));

    let upgrade = signature::sign(token, url, &[]);
    assert!(signature::verify_upgrade(token, url, &upgrade));
    assert!(!signature::verify_upgrade(token, url, given) || is_signature(given));
    let _ = signature::verify_body(token, url, data, given);
}

/// 20 bytes in base64.
fn is_signature(text: &str) -> bool {
    text.len() == 28 && text.ends_with('=')
}

//! The vectors of `twilio.request_validator.RequestValidator`, and of URLs as proxies show them.

use super::*;

const TOKEN: &str = "12345";
const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
const FORM: [(&str, &str); 5] = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("From", "+14158675309"),
    ("Digits", "1234"),
    ("To", "+18005551212"),
];
const BASE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

#[test]
fn form_vectors() {
    let repeated = [
        ("Sid", "CA123"),
        ("SidAccount", "AC123"),
        ("Digits", "5678"),
        ("Digits", "1234"),
        ("Digits", "1234"),
    ];
    for (name, url, form, signature) in [
        ("base", URL, &FORM[..], BASE),
        (
            "port 443",
            "https://mycompany.com:443/myapp.php?foo=1&bar=2",
            &FORM[..],
            "kvajT1Ptam85bY51eRf/AJRuM3w=",
        ),
        (
            "http with port 80",
            "http://mycompany.com:80/myapp.php?foo=1&bar=2",
            &FORM[..],
            "0ZXoZLH/DfblKGATFgpif+LLRf4=",
        ),
        (
            "repeated names",
            URL,
            &repeated[..],
            "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
        ),
    ] {
        assert_eq!(sign(TOKEN, url, form), signature, "{name}");
        assert!(verify(TOKEN, url, form, signature), "{name}");
        assert!(
            !verify("12346", url, form, signature),
            "{name}, other token"
        );
        assert!(!verify(TOKEN, url, &form[1..], signature), "{name}, less");
    }
}

#[test]
fn a_quote_in_the_query_may_have_been_signed_escaped() {
    let signature = "TfZzewPq8wqrGlMfyAud8+/IvJ0=";
    for body in ["It's+amazing", "It%27s+amazing"] {
        let url = format!("{URL}&Body={body}");
        assert!(verify(TOKEN, &url, &FORM, signature), "{body}");
    }
    let elsewhere = "https://mycompany.com/it's?x=1";
    assert!(verify(TOKEN, elsewhere, &[], &sign(TOKEN, elsewhere, &[])));
    assert_eq!(query_escaped(elsewhere), None);
}

#[test]
fn a_port_that_comes_or_goes_is_found() {
    for (arrives, signature) in [
        ("https://mycompany.com:1234/myapp.php?foo=1&bar=2", BASE),
        (URL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (
            "http://mycompany.com/myapp.php?foo=1&bar=2",
            "0ZXoZLH/DfblKGATFgpif+LLRf4=",
        ),
        ("https://mycompany.com/myapp.php?foo=1&bar=2#top", BASE),
    ] {
        assert!(verify(TOKEN, arrives, &FORM, signature), "{arrives}");
    }
    let other_port = sign(
        TOKEN,
        "https://mycompany.com:8443/myapp.php?foo=1&bar=2",
        &FORM,
    );
    assert!(!verify(TOKEN, URL, &FORM, &other_port));
}

#[test]
fn a_json_body_is_bound_by_its_digest() {
    let body = br#"{"property": "value", "boolean": true}"#;
    let sha = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    let signature = "a9nBmqA0ju/hNViExpshrM61xv4=";
    let url = format!("{URL}&bodySHA256={sha}");
    assert_eq!(sign(TOKEN, &url, &[]), signature);
    assert!(verify_body(TOKEN, &url, body, signature));
    assert!(!verify_body(TOKEN, &url, b"{}", signature));
    assert!(!verify_body(TOKEN, URL, body, &sign(TOKEN, URL, &[])));
    assert!(!verify_body(TOKEN, &url, body, BASE));
}

#[test]
fn upgrades_are_found_by_every_form_of_their_url() {
    for (signed, signature) in [
        ("wss://example.com/media", "7PR3qMkpDyEJtMrVOY/LDyNq8J8="),
        ("wss://example.com/media/", "T+WBXwUXC0/CyoZ1DA+p9ilZORs="),
        (
            "wss://example.com:443/media",
            "zyyJQiPZXIGCLy3HYdHEfry0yDg=",
        ),
    ] {
        assert_eq!(sign(TOKEN, signed, &[]), signature, "{signed}");
        for configured in [
            "wss://example.com/media",
            "https://example.com/media",
            "ws://example.com/media",
            "http://example.com/media/",
            "wss://example.com/media/",
            "wss://example.com/media#x",
        ] {
            assert!(
                verify_upgrade(TOKEN, configured, signature),
                "{signed} as {configured}"
            );
        }
        for other in ["wss://example.com/medi", "wss://example.org/media", ""] {
            assert!(
                !verify_upgrade(TOKEN, other, signature),
                "{signed} as {other}"
            );
        }
    }
}

#[test]
fn junk_signatures_are_refused() {
    for junk in [
        "",
        "=",
        "RSOYDt4T1cUTdK1PDd93/VVr8B8",
        "rsoydt4t1cutdk1pdd93/vvr8b8=",
        "א",
    ] {
        assert!(!verify(TOKEN, URL, &FORM, junk), "{junk:?}");
        assert!(
            !verify_upgrade(TOKEN, "wss://example.com/media", junk),
            "{junk:?}"
        );
    }
}

#[test]
fn names_sort_by_code_point_and_utf8_is_signed_as_is() {
    let one = sign(
        TOKEN,
        URL,
        &[("b", "ש"), ("B", "2"), ("é", "3"), ("a", "4")],
    );
    let two = sign(
        TOKEN,
        URL,
        &[("é", "3"), ("a", "4"), ("B", "2"), ("b", "ש")],
    );
    assert_eq!(one, two);
    assert_eq!(
        joined(&[("b", "1"), ("B", "2"), ("é", "3"), ("a", "4")]),
        "B2a4b1é3"
    );
}

#[test]
fn ports_are_cut_only_from_the_authority() {
    for (url, expected) in [
        ("https://h/p:1", &["https://h/p:1", "https://h:443/p:1"][..]),
        ("https://u:p@h/", &["https://u:p@h/", "https://u:p@h:443/"]),
        ("https://[::1]/", &["https://[::1]/", "https://[::1]:443/"]),
        ("https://[::1]:5/", &["https://[::1]:5/", "https://[::1]/"]),
        ("ws://h?x=1:2", &["ws://h?x=1:2", "ws://h:80?x=1:2"]),
        ("wss://h", &["wss://h", "wss://h:443", "wss://h:80"]),
        ("no url", &["no url"]),
        ("", &[""]),
    ] {
        assert_eq!(port_variants(url), expected, "{url}");
    }
}

//! Cases 40 to 42 of the faults met in the wild: what is signed, behind what, and who says so.

use callscribe::wire::signature;
use reqwest::Method;

use super::peer::{DOORS, Fields, RECORDING, TOKEN, VOICE};
use crate::gateway::{
    peer::Peer,
    server::{TestServer, serve},
};

pub(super) async fn signed(public: Option<&str>, trust: bool) -> TestServer {
    serve(|config| {
        config.media.auth_token = Some(TOKEN.to_owned().into());
        config.server.public_url = public.map(Into::into);
        if trust {
            config.server.trusted_proxies = vec![[127, 0, 0, 1].into()];
        }
    })
    .await
}

/// Case 40. What is signed is the address that Twilio called.
#[tokio::test]
async fn behind_a_proxy_the_public_address_counts_and_only_a_trusted_one_may_say_it() {
    const EXAMPLE: &str = "https://calls.example.com";
    let fixed = Some("https://fixed.example");
    for (public, trust, forwarded, called, status) in [
        (Some(EXAMPLE), false, false, EXAMPLE, 200),
        (
            Some("https://calls.example.com/"),
            false,
            false,
            EXAMPLE,
            200,
        ),
        (
            Some(EXAMPLE),
            false,
            false,
            "https://calls.example.com:443",
            200,
        ),
        (Some(EXAMPLE), false, false, "http://calls.example.com", 403),
        (Some(EXAMPLE), false, false, "https://evil.example", 403),
        (None, true, true, EXAMPLE, 200),
        (None, false, true, EXAMPLE, 403),
        (fixed, true, true, EXAMPLE, 403),
        (fixed, true, true, "https://fixed.example", 200),
    ] {
        let case = format!("{public:?} {trust} {forwarded} {called}");
        let server = signed(public, trust).await;
        let told = call_through_a_proxy(&server, forwarded, called).await;
        assert_eq!(told.is_some(), status == 200, "{case}");
        assert_eq!(
            server.leads().await.len(),
            usize::from(told.is_some()),
            "{case}"
        );
        if let Some(twiml) = told {
            let host = called
                .trim_start_matches("https://")
                .trim_end_matches(":443");
            for address in [
                format!("\"wss://{host}/media/CA1\""),
                format!("\"https://{host}{RECORDING}\""),
            ] {
                assert!(twiml.contains(&address), "{case}: {twiml}");
            }
        }
        server.stop().await;
    }
}

/// The TwiML, if the call was let in.
async fn call_through_a_proxy(
    server: &TestServer,
    forwarded: bool,
    called: &str,
) -> Option<String> {
    let fields = [("CallSid", "CA1"), ("CallStatus", "ringing")];
    let signature = signature::sign(TOKEN, &format!("{called}{VOICE}"), &fields);
    let mut headers = vec![("x-twilio-signature", signature.as_str())];
    if forwarded {
        headers.push(("x-forwarded-host", "calls.example.com"));
        headers.push(("x-forwarded-proto", "https"));
    }
    let answer = server.post_with(VOICE, &fields, &headers).await;
    match answer.status().as_u16() {
        200 => answer.text().await.ok(),
        status => {
            assert_eq!(status, 403);
            None
        }
    }
}

const FORM: Fields<'_> = &[
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("From", "+14158675309"),
    ("Digits", "1234"),
    ("To", "+18005551212"),
];
const REPEATED: Fields<'_> = &[
    ("Sid", "CA123"),
    ("SidAccount", "AC123"),
    ("Digits", "5678"),
    ("Digits", "1234"),
    ("Digits", "1234"),
];

/// Case 41. The vectors of Twilio's own library, through the door. A signature that holds for a form
/// without a call is still answered with what the form lacks.
#[tokio::test]
async fn every_vector_of_twilios_library_is_taken_at_the_door() {
    let base = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    let query = "?foo=1&bar=2";
    for (public, query, fields, signature, status) in [
        ("https://mycompany.com", query, FORM, base, 200),
        ("https://mycompany.com:1234", query, FORM, base, 200),
        (
            "https://mycompany.com",
            query,
            FORM,
            "kvajT1Ptam85bY51eRf/AJRuM3w=",
            200,
        ),
        (
            "http://mycompany.com",
            query,
            FORM,
            "0ZXoZLH/DfblKGATFgpif+LLRf4=",
            200,
        ),
        (
            "https://mycompany.com",
            query,
            REPEATED,
            "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
            400,
        ),
        (
            "https://mycompany.com",
            "?foo=1&bar=2&Body=It's+amazing",
            FORM,
            "TfZzewPq8wqrGlMfyAud8+/IvJ0=",
            200,
        ),
        ("https://mycompany.com", query, &FORM[1..], base, 403),
        ("https://mycompany.com", "?foo=1&bar=3", FORM, base, 403),
        ("https://mycompany.com", query, FORM, "", 403),
        (
            "https://mycompany.com",
            query,
            FORM,
            "RSOYDt4T1cUTdK1PDd93/VVr8B9=",
            403,
        ),
    ] {
        let server = serve(|config| {
            config.media.auth_token = Some(TOKEN.to_owned().into());
            config.server.public_url = Some(public.into());
            config.twilio.voice_path = "/myapp.php".into();
        })
        .await;
        let path = format!("/myapp.php{query}");
        let given = [("x-twilio-signature", signature)];
        let answer = server.post_with(&path, fields, &given).await;
        assert_eq!(answer.status(), status, "{public} {query} {signature}");
        let unsigned = server.post_with(&path, fields, &[]).await;
        assert_eq!(unsigned.status(), 403, "{public} {query} unsigned");
        assert_eq!(server.leads().await.len(), usize::from(status == 200));
        server.stop().await;
    }
}

/// Case 41, of a body that is no form: its signature holds, so the door says what it wants instead.
#[tokio::test]
async fn a_signed_json_body_is_known_and_is_no_form() {
    let server = serve(|config| {
        config.media.auth_token = Some(TOKEN.to_owned().into());
        config.server.public_url = Some("https://mycompany.com".into());
        config.twilio.voice_path = "/myapp.php".into();
    })
    .await;
    let sha = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    let path = format!("/myapp.php?foo=1&bar=2&bodySHA256={sha}");
    let body = r#"{"property": "value", "boolean": true}"#;
    for (signature, body, status) in [
        ("a9nBmqA0ju/hNViExpshrM61xv4=", body, 415),
        ("a9nBmqA0ju/hNViExpshrM61xv4=", "{}", 403),
        ("RSOYDt4T1cUTdK1PDd93/VVr8B8=", body, 403),
    ] {
        let headers = [
            ("content-type", "application/json"),
            ("x-twilio-signature", signature),
        ];
        let answer = server.send(Method::POST, &path, &headers, body).await;
        assert_eq!(answer.status(), status, "{signature} {body}");
    }
    server.stop().await;
}

/// Cases 41 and 42: upgrades, of which Twilio signs the `wss` address.
#[tokio::test]
async fn every_vector_of_an_upgrade_is_taken_at_the_media_door() {
    for public in [
        "https://example.com",
        "wss://example.com/",
        "http://example.com",
    ] {
        let server = signed(Some(public), false).await;
        for (signature, refused) in [
            ("7PR3qMkpDyEJtMrVOY/LDyNq8J8=", None),
            ("T+WBXwUXC0/CyoZ1DA+p9ilZORs=", None),
            ("zyyJQiPZXIGCLy3HYdHEfry0yDg=", None),
            ("RSOYDt4T1cUTdK1PDd93/VVr8B8=", Some(403)),
            ("", Some(403)),
        ] {
            let headers = [("x-twilio-signature", signature)];
            let peer = Peer::try_connect(&server.media(), "CA1", "MZ1", &headers).await;
            let status = peer.err().map(|status| status.as_u16());
            assert_eq!(status, refused, "{public} {signature}");
        }
        server.stop().await;
    }
}

/// Without a token nothing is asked for, as at the media door.
#[tokio::test]
async fn unsigned_is_taken_where_there_is_no_token() {
    let server = serve(|_| {}).await;
    let fields = [
        ("CallSid", "CA1"),
        ("CallStatus", "completed"),
        ("StreamEvent", "x"),
        ("RecordingUrl", "/a"),
    ];
    for door in DOORS {
        assert_eq!(
            server.post_with(door, &fields, &[]).await.status(),
            200,
            "{door}"
        );
    }
    server.stop().await;
}

//! `Callscribe-Signature`, in the style of the field: `t=SECONDS,v1=HEX`.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// The header's value. The time is signed with the body, so that what was overheard is of no use later.
#[must_use]
pub fn signature(secret: &str, at: Timestamp, body: &str) -> String {
    let seconds = at.as_second();
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(format!("{seconds}.{body}").as_bytes());
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };

    use super::*;

    const README: &str = include_str!("../../README.md");
    const SECRET: &str = "whsec-of-the-crm!";
    const BODY: &str = r#"{"event":"call.completed","transcript":"שלום, good morning"}"#;

    fn at() -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap()
    }

    /// `printf '1700000000.{}' | openssl dgst -sha256 -hmac 'whsec-of-the-crm!'`
    #[test]
    fn it_is_what_openssl_makes() {
        let signed = signature(SECRET, at(), "{}");
        assert_eq!(
            signed,
            "t=1700000000,v1=ef1c3276b342f485f41454757c5c51a43c367c043712b423497801067d4f2945"
        );
    }

    /// What the README gives to receivers, run by Python as it stands.
    #[test]
    fn the_snippet_in_the_readme_checks_it() {
        let (_, snippet) = README.split_once("```python\n").unwrap();
        let (snippet, _) = snippet.split_once("```").unwrap();
        let header = signature(SECRET, at(), BODY);
        for (case, header, body, now, expected) in [
            ("right", header.as_str(), BODY, 1_700_000_100, "True"),
            ("another body", &header, "{}", 1_700_000_100, "False"),
            ("too old", &header, BODY, 1_700_000_400, "False"),
            ("from the future", &header, BODY, 1_699_999_600, "False"),
            (
                "another time",
                &header.replace("t=17", "t=18"),
                BODY,
                1_800_000_000,
                "False",
            ),
            (
                "a second signature",
                &format!("{header},v1=00,v2=x"),
                BODY,
                1_700_000_100,
                "True",
            ),
            ("none", "", BODY, 1_700_000_100, "False"),
            ("rubbish", "t=x,v1", BODY, 1_700_000_100, "False"),
        ] {
            let program = format!(
                "{snippet}\nimport json, sys\nsecret, header, body, now = json.load(sys.stdin)\n\
                 print(is_genuine(secret, header, body.encode(), now))"
            );
            let input = serde_json::json!([SECRET, header, body, now]).to_string();
            let Some(said) = python(&program, &input) else {
                eprintln!("skipped: there is no python3");
                return;
            };
            assert_eq!(said.trim(), expected, "{case}");
        }
    }

    fn python(program: &str, input: &str) -> Option<String> {
        let mut child = Command::new("python3")
            .args(["-c", program])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        child.stdin.take()?.write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "the snippet failed");
        Some(String::from_utf8(output.stdout).unwrap())
    }
}

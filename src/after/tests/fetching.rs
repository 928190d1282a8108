//! One try to fetch a recording from a Twilio that misbehaves: faults 45, 46, 48, 53.

use std::path::{Path, PathBuf};

use super::twilio::{Answer, MP3, Twilio};
use crate::after::fetch::{Fetcher, NoFetch, Wanted};

const PATH: &str = "/2010-04-01/Accounts/AC1/Recordings/RE1";

fn wanted(url: &str, channels: Option<u32>) -> Wanted {
    Wanted {
        recording: "RE1".parse().unwrap(),
        url: url.into(),
        channels,
        account_sid: Some("AC1".into()),
    }
}

async fn fetch(fetcher: &Fetcher, url: &str, folder: &Path) -> Result<PathBuf, NoFetch> {
    fetcher.fetch(&wanted(url, Some(1)), folder).await
}

/// What a try comes to where Twilio answers so, and that it leaves no file unless it succeeds.
async fn check(answers: &[Answer], expected: Result<(), NoFetch>) {
    let twilio = Twilio::start(answers).await;
    let fetcher = twilio.fetcher(|options| options.most_bytes = 1 << 20);
    let dir = tempfile::tempdir().unwrap();
    let fetched = fetch(&fetcher, PATH, dir.path()).await;
    let place = twilio.url("");
    let fetched = fetched.map_err(|error| match error {
        NoFetch::NotReady(why) => NoFetch::NotReady(why.replace(&place, "T")),
        NoFetch::Failed(why) => NoFetch::Failed(why.replace(&place, "T")),
        NoFetch::Refused(why) => NoFetch::Refused(why.replace(&place, "T")),
    });
    let left = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(left, usize::from(expected.is_ok()), "{answers:?}");
    match (fetched, expected) {
        (Ok(path), Ok(())) => assert_eq!(std::fs::read(path).unwrap(), MP3),
        (fetched, expected) => {
            let (fetched, expected) = (fetched.unwrap_err(), expected.unwrap_err());
            assert_eq!(
                std::mem::discriminant(&fetched),
                std::mem::discriminant(&expected),
                "{answers:?}: {fetched:?}"
            );
            let (text, part) = (fetched.to_string(), expected.to_string());
            assert!(text.contains(&part), "{answers:?}: {text:?} lacks {part:?}");
        }
    }
}

#[tokio::test]
async fn tries_by_example() {
    use Answer::{Audio, Endless, Half, Page, Redirect, Status, Stuck};
    use NoFetch::{Failed, NotReady, Refused};
    let failed = |why: &str| Err(Failed(why.into()));
    let refused = |why: &str| Err(Refused(why.into()));
    for (answers, expected) in [
        (vec![Audio(MP3.to_vec())], Ok(())),
        (
            vec![Status(404)],
            Err(NotReady("T does not have it".into())),
        ),
        (vec![Status(401)], refused("refuses our credentials (401)")),
        (vec![Status(403)], refused("refuses our credentials (403)")),
        (vec![Status(400)], refused("T answered 400")),
        (vec![Status(410)], refused("T answered 410")),
        (vec![Status(429)], failed("T answered 429")),
        (vec![Status(500)], failed("T answered 500")),
        (vec![Status(503)], failed("T answered 503")),
        (vec![Status(304)], failed("to nowhere")),
        (vec![Page], failed("no audio but a page")),
        (
            vec![Audio(b"{\"code\":1}".to_vec())],
            failed("no audio but JSON"),
        ),
        (vec![Audio(vec![])], failed("no audio but nothing")),
        (vec![Stuck], failed("not done within 1 s")),
        (vec![Half], failed("the download broke off")),
        (vec![Endless], refused("larger than 1048576 bytes")),
        (
            vec![Audio(vec![b'I'; 1 << 21])],
            refused("larger than 1048576 bytes"),
        ),
        (
            vec![Redirect("/elsewhere".into()), Audio(MP3.to_vec())],
            Ok(()),
        ),
        (
            vec![Redirect("/round".into())],
            refused("more than 5 redirects"),
        ),
        (
            vec![Redirect("http://169.254.169.254/latest".into())],
            refused("http://169.254.169.254 is neither the provider's nor listed"),
        ),
        (
            vec![Redirect("file:///etc/passwd".into())],
            refused("is neither"),
        ),
    ] {
        check(&answers, expected).await;
    }
}

/// Fault 46.
#[tokio::test]
async fn both_channels_are_asked_for_and_mono_is_taken_on_400() {
    let dir = tempfile::tempdir().unwrap();
    let both = format!("{PATH}.mp3?RequestedChannels=2");
    for (channels, answers, paths) in [
        (
            Some(2),
            vec![Answer::Audio(MP3.to_vec())],
            vec![both.clone()],
        ),
        (
            Some(2),
            vec![Answer::Status(400), Answer::Audio(MP3.to_vec())],
            vec![both.clone(), format!("{PATH}.mp3")],
        ),
        (None, vec![Answer::Audio(MP3.to_vec())], vec![both]),
        (
            Some(1),
            vec![Answer::Audio(MP3.to_vec())],
            vec![format!("{PATH}.mp3")],
        ),
    ] {
        let twilio = Twilio::start(&answers).await;
        let fetcher = twilio.fetcher(|_| {});
        let folder = dir.path().join(format!("{channels:?}{}", answers.len()));
        let url = format!("{PATH}.json");
        let fetched = fetcher.fetch(&wanted(&url, channels), &folder).await;
        fetched.unwrap();
        let asked: Vec<String> = twilio.asked().into_iter().map(|asked| asked.path).collect();
        assert_eq!(asked, paths);
    }
}

/// Fault 48: by the address itself and by a redirect.
#[tokio::test]
async fn credentials_go_to_the_provider_only() {
    let audio = [Answer::Audio(MP3.to_vec())];
    let other = Twilio::start(&audio).await;
    let dir = tempfile::tempdir().unwrap();
    let there = other.url("/a/RE1.json?signed=x%2Fy");
    let twilio = Twilio::start(&[Answer::Redirect(there.clone())]).await;

    let strict = twilio.fetcher(|_| {});
    for url in [there.as_str(), PATH] {
        let refused = fetch(&strict, url, dir.path()).await;
        assert!(matches!(refused, Err(NoFetch::Refused(_))), "{refused:?}");
    }
    assert_eq!(other.asked(), [], "not even asked");
    // "AC1:a secret".
    let basic = Some("Basic QUMxOmEgc2VjcmV0".to_owned());
    let asked = twilio.asked();
    assert_eq!((asked.len(), &asked[0].authorization), (1, &basic));

    let listed = twilio.fetcher(|options| {
        options.hosts = vec![other.url("")];
        options.account_sid = Some("AC9".into());
    });
    for (n, url) in [there.as_str(), PATH].into_iter().enumerate() {
        let folder = dir.path().join(n.to_string());
        fetch(&listed, url, &folder).await.unwrap();
    }
    for asked in other.asked() {
        assert_eq!(asked.path, "/a/RE1.json?signed=x%2Fy", "as it was signed");
        assert_eq!(asked.authorization, None);
    }
    assert_ne!(twilio.asked()[0].authorization, basic, "AC9's");
}

#[tokio::test]
async fn what_is_there_is_not_fetched_again() {
    let twilio = Twilio::start(&[Answer::Audio(MP3.to_vec())]).await;
    let fetcher = twilio.fetcher(|_| {});
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        fetch(&fetcher, PATH, dir.path()).await.unwrap();
    }
    assert_eq!(twilio.asked().len(), 1);
}

/// Fault 53.
#[tokio::test]
async fn a_dead_provider_is_an_error_in_time() {
    let twilio = Twilio::start(&[]).await;
    let fetcher = twilio.fetcher(|options| options.base_url = "http://127.0.0.1:1".into());
    let dir = tempfile::tempdir().unwrap();
    let failed = fetch(&fetcher, PATH, dir.path()).await;
    assert!(matches!(failed, Err(NoFetch::Failed(_))), "{failed:?}");
    let bad = twilio.fetcher(|options| options.hosts = vec!["a b".into()]);
    let refused = fetch(&bad, PATH, dir.path()).await.unwrap_err();
    assert!(refused.to_string().contains("downloads.hosts"), "{refused}");
}

/// What is late is no failure, and no success either.
#[tokio::test]
async fn failures_in_a_row_are_counted() {
    use Answer::{Page, Status};
    let answers = [Status(500), Status(404), Page, Answer::Audio(MP3.to_vec())];
    let twilio = Twilio::start(&answers).await;
    let fetcher = twilio.fetcher(|_| {});
    let dir = tempfile::tempdir().unwrap();
    for in_a_row in [1, 1, 2, 0] {
        let _ = fetch(&fetcher, PATH, dir.path()).await;
        assert_eq!(fetcher.failed_in_a_row(), in_a_row);
    }
}

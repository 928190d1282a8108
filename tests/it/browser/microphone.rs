//! Somebody speaks: Chromium's fake microphone plays a real recording, and the words come out on the page.
//! The words need `CALLSCRIBE_MODELS` and Debian's asterisk-core-sounds-en-wav; without them the tests say
//! that they were skipped.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use callscribe::{
    config::Config,
    ids::Track,
    speech::{models, whisper::Whisper},
    store::{Call, CallState},
};

use super::{browser, browser_with};
use crate::{
    gateway::{
        peer::Peer,
        server::{TestServer, serve, serve_by},
    },
    harness::browser::Browser,
};

const PROMPTS: &str = "/usr/share/asterisk/sounds/en_US_f_Allison";
/// "That agent is already logged on. Please enter your agent number followed by the pound key."
const SPOKEN: &str = "agent-alreadyon.wav";
/// "Welcome to the directory. Please enter the first three letters of your party's last name …"
const CALLER: &str = "dir-intro.wav";

const START: &str = "document.getElementById('go').click()";
const STATE: &str = "document.getElementById('state').textContent";
/// What people said, and not who did.
const HEARD: &str =
    "[...document.querySelectorAll('.said')].map((e) => e.textContent).join(' ').toLowerCase()";
/// An engine that really hears shares the machine with whatever else runs there.
const PATIENCE: Duration = Duration::from_secs(55);
const TROUBLE: &str = "document.getElementById('trouble').innerText";

/// A microphone into which a prompt is spoken, once, after two seconds of silence.
fn microphone(folder: &Path, prompt: &str) -> Vec<String> {
    let samples: Vec<i16> = hound::WavReader::open(Path::new(PROMPTS).join(prompt))
        .unwrap()
        .samples()
        .map(Result::unwrap)
        .collect();
    let path = folder.join("microphone.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(&path, spec).unwrap();
    let silence = std::iter::repeat_n(0, 96_000);
    let spoken = samples.windows(2).flat_map(|pair| {
        let (from, to) = (i32::from(pair[0]), i32::from(pair[1]));
        (0..6).map(move |n| i16::try_from(from + (to - from) * n / 6).unwrap())
    });
    for sample in silence.clone().chain(spoken).chain(silence) {
        wav.write_sample(sample).unwrap();
    }
    wav.finalize().unwrap();
    vec![
        "--use-fake-device-for-media-stream".into(),
        "--use-fake-ui-for-media-stream".into(),
        format!(
            "--use-file-for-fake-audio-capture={}%noloop",
            path.display()
        ),
    ]
}

/// A server that really hears; `None` where what that needs is missing.
async fn hearing(tweak: impl FnOnce(&mut Config)) -> Option<TestServer> {
    if !Path::new(PROMPTS).join(SPOKEN).is_file() {
        eprintln!("skipped: asterisk-core-sounds-en-wav is not installed");
        return None;
    }
    let Some(folder) = std::env::var_os("CALLSCRIBE_MODELS").map(PathBuf::from) else {
        eprintln!("skipped: CALLSCRIBE_MODELS names no folder of models");
        return None;
    };
    let Ok(file) = models::find(&folder, "tiny.en") else {
        eprintln!("skipped: CALLSCRIBE_MODELS has no tiny.en");
        return None;
    };
    let engine = Arc::new(Whisper::load(&file).unwrap());
    let folder = tempfile::tempdir().unwrap();
    Some(serve_by(engine, folder, tweak).await)
}

async fn on_air(browser: &Browser, url: &str) {
    browser.go(url).await;
    browser
        .until("!document.getElementById('speak').hidden")
        .await;
    browser.eval(START).await;
    browser.until(&format!("{STATE} === 'On air'")).await;
}

/// As it stands, at a desk and on a phone, in the light and in the dark.
async fn looked_at(browser: &Browser, name: &str) {
    for (width, height) in [(1440, 1000), (390, 844)] {
        for scheme in ["light", "dark"] {
            browser.look(width, height, scheme).await;
            let beyond =
                "document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert_eq!(browser.eval(beyond).await, 0, "{name} {width}");
            let faults = browser.faults().await;
            assert_eq!(faults, Vec::<String>::new(), "{name} {width} {scheme}");
            browser.picture(&format!("{name}-{width}-{scheme}")).await;
        }
    }
}

/// The call as it stands in the end; a busy machine takes its time.
async fn settled(server: &TestServer, call: &str) -> Call {
    for _ in 0..1200 {
        let known = server.call(call).await;
        if let Some(call) = known.filter(|call| call.state == CallState::Final) {
            return call;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{call} has no final transcript");
}

async fn has(browser: &Browser, words: &[&str]) {
    for said in words {
        browser.until(&format!("{HEARD}.includes('{said}')")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_spoken_into_the_microphone_comes_out_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = hearing(|config| config.store.transcribe_after_s = 1).await else {
        return;
    };
    let switches = microphone(folder.path(), SPOKEN);
    let Some((browser, _turn)) = browser_with(&switches).await else {
        return;
    };
    browser.patience(PATIENCE).await;
    on_air(&browser, &server.url("/try")).await;
    browser
        .until("Number(document.getElementById('level').ariaValueNow) > 20")
        .await;
    has(&browser, &["agent"]).await;
    looked_at(&browser, "try-on-air").await;
    // All has been spoken by then, whether the words of it have come or not.
    browser
        .until("document.getElementById('time').textContent >= '0:10'")
        .await;
    let call = browser
        .text("document.getElementById('call').pathname")
        .await;
    browser
        .eval("document.getElementById('stop').focus()")
        .await;
    browser.keys("\u{E007}").await;
    let call = settled(&server, call.strip_prefix("/calls/").unwrap()).await;
    browser
        .until("document.body.innerText.includes('The final transcript is ready.')")
        .await;
    has(&browser, &["already logged on", "pound key"]).await;
    let speaker = "document.querySelector('#settled bdi').textContent";
    assert_eq!(browser.text(speaker).await, "You");
    looked_at(&browser, "try-final").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());

    let recordings = server.recordings(&call.sid).await;
    assert_eq!(recordings.len(), 1);
    let frames = hound::WavReader::open(&recordings[0].parts[0].path)
        .unwrap()
        .duration();
    assert_eq!(
        u64::from(frames),
        recordings[0].duration.as_engine_samples()
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_speaks_beside_a_caller() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = hearing(|config| config.store.transcribe_after_s = 1).await else {
        return;
    };
    let switches = microphone(folder.path(), SPOKEN);
    let Some((browser, _turn)) = browser_with(&switches).await else {
        return;
    };
    browser.patience(PATIENCE).await;
    let mut phone = Command::new(env!("CARGO_BIN_EXE_callscribe"))
        .arg("replay")
        .arg(Path::new(PROMPTS).join(CALLER))
        .args([
            "--url",
            &server.media(),
            "--call-sid",
            "CA1",
            "--speed",
            "0.4",
            "--wait",
            "150",
        ])
        .args(["-p", "inbound_speaker=Dana", "-p", "direction=inbound"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    server.until("CA1", "there", |_| true).await;
    browser.go(&server.url("/calls/CA1")).await;
    browser
        .eval("document.querySelector('a[href=\"/try?call=CA1\"]').focus()")
        .await;
    browser.keys("\u{E007}").await;
    browser.until("location.search === '?call=CA1' && document.querySelector('[name=call]:checked')?.value === 'CA1'").await;
    browser
        .until("!document.getElementById('speak').hidden")
        .await;
    browser.eval(START).await;
    browser.until(&format!("{STATE} === 'On air'")).await;
    has(&browser, &["agent"]).await;
    // The caller hangs up, and the microphone is let go; then the transcript is made.
    let ended = callscribe::tasks::blocking("phone", move || phone.wait().unwrap());
    assert!(ended.await.unwrap().success());
    browser.until(&format!("{STATE} === 'Stopped'")).await;
    browser
        .until("document.getElementById('version').textContent.includes('final transcript')")
        .await;

    let call = settled(&server, "CA1").await;
    let recordings = server.recordings(&call.sid).await;
    let whose: Vec<(&str, Track)> = recordings
        .iter()
        .map(|r| (r.speaker.as_str(), r.key.track))
        .collect();
    assert_eq!(
        whose,
        [("Dana", Track::Inbound), ("agent", Track::Outbound)]
    );
    let text = server
        .get("/api/v1/calls/CA1/transcript?format=txt")
        .await
        .text()
        .await
        .unwrap();
    let said = text.to_lowercase();
    assert!(
        said.contains("agent: ") && said.contains("already logged on"),
        "{text}"
    );
    assert!(said.contains("dana: "), "{text}");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_comes_back_as_another_stream_of_the_call() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = hearing(|_| {}).await else {
        return;
    };
    let switches = microphone(folder.path(), SPOKEN);
    let Some((browser, _turn)) = browser_with(&switches).await else {
        return;
    };
    browser.go(&server.url("/try")).await;
    // The sockets that the page makes, so that one can break.
    browser
        .eval("(window.sockets = [], window.WebSocket = class extends WebSocket { constructor(url) { super(url); sockets.push(this); } }, true)")
        .await;
    browser.eval(START).await;
    browser.until(&format!("{STATE} === 'On air'")).await;
    let call = browser
        .text("document.getElementById('call').pathname")
        .await;
    // As if the network had gone: closed, and not by the page's own stop.
    browser.eval("sockets[0].close()").await;
    browser
        .until(&format!("sockets.length === 2 && {STATE} === 'On air'"))
        .await;
    browser
        .eval("document.getElementById('stop').click()")
        .await;
    browser.until(&format!("{STATE} === 'Stopped'")).await;
    assert_eq!(
        browser
            .text("document.getElementById('call').pathname")
            .await,
        call
    );
    let call = server.settled(call.strip_prefix("/calls/").unwrap()).await;
    assert_eq!(server.recordings(&call.sid).await.len(), 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_refuses_the_microphone_is_told_what_to_do() {
    let switches = [
        "--use-fake-device-for-media-stream".to_owned(),
        "--deny-permission-prompts".to_owned(),
    ];
    let Some((browser, _turn)) = browser_with(&switches).await else {
        return;
    };
    let server = serve(|_| {}).await;
    let mut phone = Peer::connect(&server.media(), "CA1", "MZ1").await;
    phone
        .start(&[Track::Inbound], &[("inbound_speaker", "דנה")])
        .await;
    server.until("CA1", "there", |_| true).await;
    browser.go(&server.url("/try")).await;
    browser
        .until("!document.getElementById('speak').hidden")
        .await;
    looked_at(&browser, "try-idle").await;
    browser.eval(START).await;
    browser
        .until(&format!("{TROUBLE}.includes('allow the microphone')"))
        .await;
    assert_eq!(
        browser.text("document.activeElement.id").await,
        "go",
        "another try is a key away"
    );
    let calls = server.json("/api/v1/calls").await;
    assert_eq!(
        calls["calls"].as_array().unwrap().len(),
        1,
        "none but Dana's"
    );
    looked_at(&browser, "try-refused").await;
    drop(phone);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_secure_connection_or_a_script_the_page_says_so() {
    let switches = ["--host-resolver-rules=MAP plain.example 127.0.0.1".to_owned()];
    let Some((browser, _turn)) = browser_with(&switches).await else {
        return;
    };
    let server = serve(|config| config.http.hosts = vec!["plain.example".into()]).await;
    let port = server.server.address.port();
    browser
        .go(&format!("http://plain.example:{port}/try"))
        .await;
    browser
        .until(&format!("{TROUBLE}.includes('http://localhost')"))
        .await;
    assert_eq!(
        browser
            .text("document.getElementById('speak').hidden")
            .await,
        "true"
    );
    browser.picture("try-insecure").await;
    server.stop().await;

    let Some((browser, _turn)) = ({
        drop((browser, _turn));
        browser_without_script().await
    }) else {
        return;
    };
    let server = serve(|_| {}).await;
    browser.go(&server.url("/try")).await;
    let text = browser.text("document.body.innerText").await;
    assert!(text.contains("This page needs JavaScript"), "{text}");
    assert!(!text.contains("Start the microphone"), "{text}");
    server.stop().await;
}

async fn browser_without_script() -> Option<(Browser, tokio::sync::MutexGuard<'static, ()>)> {
    let (browser, turn) = browser().await?;
    browser.scripts(false).await;
    Some((browser, turn))
}

//! Real time through the whole of a server, as a viewer sees it, without and with files that are uploaded at
//! the beginning.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use callscribe::{
    audio::mulaw, live::hub::CallEvent, speech::live::Heard, store::CallState, tasks, time::Clock,
};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    corpus::Line,
    score::{Score, Track},
    server,
};

/// 20 ms.
const FRAME: Duration = Duration::from_millis(20);
/// Both tracks of it are heard, as speakers.
const UPLOADED: &str = "speech/calls/dev_1.wav";
/// For the last words, once a call is over.
const AFTER: Duration = Duration::from_secs(30);

/// Streams the lines, each a call of one track, to a server that has so many files to hear meanwhile.
pub(crate) fn run(
    (shared, models): (&Path, &Path),
    model: &str,
    lines: &[Line],
    uploads: usize,
) -> anyhow::Result<Score> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let folder = tempfile::tempdir()?;
        let port = server::free_port()?;
        let sets = [
            "speech.live=true".to_owned(),
            "speech.final=true".to_owned(),
            format!("speech.live_model={model}"),
            format!("speech.final_model={model}"),
            format!("models.folder={}", models.display()),
        ];
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        let mut process = server::start(folder.path(), port, 50, &sets)?;
        server::wait_ready(port).await?;
        let upload = std::fs::read(shared.join(UPLOADED))?;
        let all = (0..uploads).map(|_| bring(port, upload.clone()));
        futures_util::future::try_join_all(all).await?;
        let begin = Instant::now();
        let mut score = Score::default();
        let calls = (0_u32..)
            .zip(lines)
            .map(|(n, line)| call(port, n, line, shared));
        for track in futures_util::future::try_join_all(calls).await? {
            score.tracks.push(track);
        }
        println!(
            "  {:.0} s after the files came: {}; {} MB resident",
            begin.elapsed().as_secs_f64(),
            heard_of(port).await?,
            server::resident(process.id())? >> 20
        );
        server::stop(&mut process)?;
        Ok(score)
    })
}

async fn bring(port: u16, file: Vec<u8>) -> anyhow::Result<()> {
    let head =
        b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"call.wav\"\r\n\r\n";
    let body = [&head[..], &file, b"\r\n--edge--\r\n"].concat();
    let asked = reqwest::Client::new()
        .post(format!("http://127.0.0.1:{port}/api/v1/files"))
        .header("content-type", "multipart/form-data; boundary=edge")
        .header("prefer", "respond-async")
        .body(body);
    let status = asked.send().await?.status();
    ensure!(status == 202, "the upload was answered {status}");
    Ok(())
}

/// How much of the files is transcribed by now.
async fn heard_of(port: u16) -> anyhow::Result<String> {
    let files = reqwest::get(format!("http://127.0.0.1:{port}/api/v1/files")).await?;
    let files: Value = files.json().await?;
    let files = files["files"].as_array().context("files")?;
    let of = |state: &str| files.iter().filter(|file| file["state"] == state).count();
    let under: f64 = files
        .iter()
        .filter_map(|file| file["progress"]["done"].as_f64())
        .sum();
    Ok(format!(
        "of {} files {} are transcribed, and {under:.0} track-seconds of the next",
        files.len(),
        of("done")
    ))
}

async fn call(port: u16, n: u32, line: &Line, shared: &Path) -> anyhow::Result<Track> {
    sleep(Duration::from_secs_f64(line.delay)).await;
    let frames = frames(&shared.join("speech/calls").join(&line.file), line)?;
    let length = u32::try_from(frames.len())?;
    let mut stream = server::Stream::open(port, n, Some(&frames)).await?;
    let begin = Instant::now();
    let clock = Clock::system();
    let watched = tasks::spawn("watch", watch(port, n, clock.now(), clock));
    for frame in 0..length {
        // A frame goes when it has been spoken.
        sleep_until(begin + FRAME * (frame + 1)).await;
        stream.frame().await?;
    }
    stream.stop().await?;
    let track = tokio::time::timeout(AFTER, watched).await;
    track.context("the call's events go on")??
}

/// What the gateway got of the line: 8 kHz mu-law.
fn frames(path: &Path, line: &Line) -> anyhow::Result<Arc<[String]>> {
    let mut reader = hound::WavReader::open(path)?;
    let channels = usize::from(reader.spec().channels);
    let samples: Result<Vec<i16>, _> = reader.samples::<i16>().collect();
    let samples = samples?;
    let mine = samples.iter().skip(line.channel).step_by(channels);
    let ulaw: Vec<u8> = mine.map(|sample| mulaw::encode(*sample)).collect();
    let frames = ulaw.chunks_exact(160).take(line.audio.len() / 320);
    Ok(frames.map(|frame| STANDARD.encode(frame)).collect())
}

async fn watch(
    port: u16,
    n: u32,
    begin: std::time::Instant,
    clock: Clock,
) -> anyhow::Result<Track> {
    let call = server::Stream::call(n);
    let url = format!("http://127.0.0.1:{port}/api/v1/calls/{call}/events");
    let answer = loop {
        // The call is there once its first row is.
        let answer = reqwest::get(&url).await?;
        if answer.status() == 200 {
            break answer;
        }
        sleep(FRAME).await;
    };
    let (mut body, mut rest, mut track) = (answer.bytes_stream(), String::new(), Track::default());
    while let Some(piece) = body.next().await {
        let at = clock.now().saturating_duration_since(begin).as_secs_f64();
        rest.push_str(&String::from_utf8_lossy(&piece?));
        while let Some(end) = rest.find('\n') {
            let event = rest[..end].strip_prefix("data: ");
            let event = event.and_then(|data| serde_json::from_str::<CallEvent>(data).ok());
            rest.drain(..=end);
            match event.and_then(heard) {
                Some(Heard::Finished) => {
                    track.hear(Heard::Finished, at);
                    return Ok(track);
                }
                Some(heard) => track.hear(heard, at),
                None => {}
            }
        }
    }
    Ok(track)
}

fn heard(event: CallEvent) -> Option<Heard> {
    Some(match event {
        CallEvent::Partial { of, start, words } => Heard::Partial {
            utterance: of.utterance,
            start,
            words,
        },
        CallEvent::Delta { of, words } => Heard::Delta {
            utterance: of.utterance,
            words,
        },
        CallEvent::Completed {
            of,
            start,
            end,
            text,
            words,
            language,
        } => Heard::Completed {
            utterance: of.utterance,
            start,
            end,
            text,
            words,
            language,
        },
        CallEvent::State { state, .. } if state != CallState::Live => Heard::Finished,
        CallEvent::Ended { .. } => Heard::Finished,
        _ => return None,
    })
}

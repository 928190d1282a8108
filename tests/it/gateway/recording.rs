//! Disks that fail, and processes that are killed.

use std::{path::PathBuf, process::ExitCode};

use callscribe::{
    cli::replay,
    ids::Track,
    recordings::Sidecar,
    store::{CallState, RecordingState},
    time::{Clock, MediaTime},
};
use clap::Parser;

use super::{
    peer::{Peer, tone},
    server::{TestServer, serve},
    story::talk,
};

#[tokio::test]
async fn an_unwritable_folder_ends_no_call() {
    let blocked = tempfile::NamedTempFile::new().unwrap();
    let server = serve(|config| config.recording.folder = blocked.path().join("recordings")).await;
    let mut peer = Peer::connect(&server.media(), "CA1", "MZ1").await;
    peer.start(&[Track::Inbound], &[]).await;
    let [_, outbound] = talk();
    peer.speak(Track::Inbound, 0, &outbound).await;
    server.until("CA1", "there", |_| true).await;
    peer.stop().await;
    assert_eq!(peer.closed().await, Some(1000));

    let call = server.settled("CA1").await;
    let store = &server.server.gateway.store;
    let recordings = store.recordings(&call.sid).await.unwrap();
    assert_eq!(recordings[0].state, RecordingState::Failed, "fault 28");
    assert!(recordings[0].failed.is_some());
    let page = server.get("/calls/CA1").await.text().await.unwrap();
    assert!(
        page.contains("recording"),
        "the page says that the recording failed"
    );
    let live = server.json("/api/v1/calls/CA1/transcript").await;
    assert!(
        !live["segments"].as_array().unwrap().is_empty(),
        "live words came all the same: {}",
        call.served_reason
    );
    server.stop().await;
}

#[tokio::test]
async fn recording_can_be_switched_off() {
    let server = serve(|config| config.recording.enabled = false).await;
    let mut peer = Peer::connect(&server.media(), "CA1", "MZ1").await;
    peer.start(&[Track::Inbound], &[]).await;
    peer.speak(Track::Inbound, 0, &tone(500)).await;
    peer.stop().await;
    peer.closed().await;
    let call = server.settled("CA1").await;
    assert_ne!(call.state, CallState::Live);
    assert!(
        !server.folder.path().join("audio_recordings").exists(),
        "S3.3"
    );
    server.stop().await;
}

#[derive(clap::Parser)]
struct Command {
    #[command(flatten)]
    replay: replay::Args,
}

/// Replays these files at once, and gives the calls that the server has then.
async fn replayed(server: &TestServer, files: &[PathBuf], more: &[&str]) -> Vec<String> {
    let url = server.media();
    let mut args = vec!["replay", "--url", &url, "--speed", "max"];
    args.extend(files.iter().map(|file| file.to_str().unwrap()));
    args.extend(more);
    let args = Command::parse_from(args).replay;
    let status = replay::replay(&args, &Clock::system()).await.unwrap();
    assert_eq!(status, ExitCode::SUCCESS);
    let calls = server.json("/api/v1/calls").await;
    let calls = calls["calls"].as_array().unwrap().iter();
    calls
        .map(|call| call["id"].as_str().unwrap().to_owned())
        .collect()
}

/// By stream and track: the sidecar's times and the audio, in the order in which they began.
fn tapes(server: &TestServer) -> Vec<(Sidecar, Vec<u8>)> {
    let mut tapes: Vec<(Sidecar, Vec<u8>)> = jsons(server)
        .iter()
        .map(|path| {
            let wav = std::fs::read(path.with_extension("wav")).unwrap();
            (Sidecar::read(path).unwrap(), wav)
        })
        .collect();
    tapes.sort_by_key(|(sidecar, _)| (sidecar.started_at, sidecar.track));
    tapes
}

fn jsons(server: &TestServer) -> Vec<PathBuf> {
    let folder = server.folder.path().join("audio_recordings");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect()
}

#[tokio::test]
async fn recordings_are_replayed_as_they_were_received() {
    let was = serve(|_| {}).await;
    let mut peer = Peer::connect(&was.media(), "CA1", "MZ1").await;
    peer.start(&Track::ALL, &[("inbound_speaker", "Dana")])
        .await;
    peer.speak(Track::Outbound, 0, &tone(900)).await;
    peer.speak(Track::Inbound, 0, &talk()[0][..8000]).await;
    let mark = peer.sender.mark("greeting");
    peer.raw(mark).await;
    // 250 ms are lost, and the rest begins within a frame.
    peer.speak(Track::Inbound, 1250, &talk()[0][10_000..15_000])
        .await;
    peer.vanish();
    let mut again = Peer::connect(&was.media(), "CA1", "MZ2").await;
    again.start(&[Track::Inbound], &[]).await;
    again.speak(Track::Inbound, 0, &tone(300)).await;
    again.stop().await;
    again.closed().await;
    was.settled("CA1").await;
    let (files, recorded) = (jsons(&was), tapes(&was));
    assert_eq!(recorded.len(), 3);
    assert_eq!(recorded[0].0.gaps.len(), 1, "{:?}", recorded[0].0);
    assert_eq!(recorded[0].0.marks[0].at, MediaTime::from_ms(1000));

    let server = serve(|_| {}).await;
    let calls = replayed(&server, &files, &[]).await;
    assert_eq!(calls.len(), 1, "one call again");
    let heard = tapes(&server);
    assert_eq!(heard.len(), 3);
    for ((was, audio), (is, heard)) in recorded.iter().zip(&heard) {
        assert_eq!((was.track, &was.speaker), (is.track, &is.speaker));
        assert_eq!((&was.gaps, &was.marks), (&is.gaps, &is.marks));
        assert!(audio == heard, "{}: the same bytes", was.stream_sid);
    }
    server.stop().await;

    // A recording alone, by its WAV and with its sidecar named too, and as the other track.
    let server = serve(|_| {}).await;
    let wav = files.iter().map(|file| file.with_extension("wav"));
    let mut one: Vec<PathBuf> = wav.chain(files.clone()).collect();
    one.retain(|file| file.to_str().unwrap().contains("_MZ2_"));
    assert_eq!(one.len(), 2);
    replayed(&server, &one, &["--track", "outbound"]).await;
    let heard = tapes(&server);
    assert_eq!((heard.len(), heard[0].0.track), (1, Track::Outbound));
    assert!(heard[0].1 == recorded[2].1);
    server.stop().await;
    was.stop().await;
}

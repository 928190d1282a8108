//! Disks that fail, and processes that are killed.

use callscribe::{
    ids::Track,
    store::{CallState, RecordingState},
};

use super::{
    peer::{Peer, tone},
    server::serve,
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

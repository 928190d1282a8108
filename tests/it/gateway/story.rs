//! A call from its first frame to its final text.

use callscribe::{
    audio::mulaw,
    ids::Track,
    store::{CallState, Recording, RecordingState},
};

use super::{
    peer::{Peer, tone},
    server::{ENDING, serve},
};

/// The two-speaker fixture, as mu-law, by track.
pub(crate) fn talk() -> [Vec<u8>; 2] {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/audio/two_speakers.wav"
    );
    let samples: Vec<i16> = hound::WavReader::open(path)
        .unwrap()
        .samples()
        .map(Result::unwrap)
        .collect();
    [0, 1].map(|channel| {
        samples
            .iter()
            .skip(channel)
            .step_by(2)
            .map(|&sample| mulaw::encode(sample))
            .collect()
    })
}

async fn stream_talk(peer: &mut Peer) {
    let [inbound, outbound] = talk();
    for (n, (left, right)) in inbound.chunks(1600).zip(outbound.chunks(1600)).enumerate() {
        peer.speak(Track::Inbound, n as u64 * 200, left).await;
        peer.speak(Track::Outbound, n as u64 * 200, right).await;
    }
}

#[tokio::test]
async fn a_call_becomes_words_a_recording_and_a_better_transcript() {
    let server = serve(|_| {}).await;
    let mut peer = Peer::connect(&server.media(), "CA1", "MZ1").await;
    peer.start(
        &Track::ALL,
        &[
            ("inbound_speaker", "technician"),
            ("language", "en"),
            ("direction", "inbound"),
        ],
    )
    .await;
    stream_talk(&mut peer).await;
    peer.stop().await;
    assert_eq!(peer.closed().await, Some(1000));

    let call = server.settled("CA1").await;
    assert_eq!((call.state, call.interrupted), (CallState::Final, false));
    assert_eq!(call.direction.as_deref(), Some("inbound"));
    assert!(call.served_version > 1, "{}", call.served_reason);

    check_recordings(&server.recordings(&call.sid).await);

    let text = server
        .get("/api/v1/calls/CA1/transcript?format=txt")
        .await
        .text()
        .await
        .unwrap();
    assert!(
        text.contains("technician: ") && text.contains(ENDING),
        "{text}"
    );
    let json = server.json("/api/v1/calls/CA1/transcript").await;
    let covered: f64 = json["coverage"]
        .as_array()
        .unwrap()
        .iter()
        .map(|span| span["end"].as_f64().unwrap() - span["start"].as_f64().unwrap())
        .sum();
    let duration = json["duration"].as_f64().unwrap();
    assert!(
        (covered - 2.0 * duration).abs() < 0.01,
        "coverage {covered} of two tracks of {duration} s"
    );

    let quality = server.analysed("CA1").await;
    assert_eq!(quality["duration"], json["duration"]);
    assert_eq!(quality["tracks"].as_array().unwrap().len(), 2);
    let verdict = &server.json("/api/v1/calls/CA1").await["recording_quality"];
    assert!(verdict.is_string(), "{verdict}");

    let live = server.json("/api/v1/calls/CA1/transcript?version=1").await;
    assert!(
        !live["segments"].as_array().unwrap().is_empty(),
        "the live text is kept"
    );
    server.stop().await;
}

/// Both tracks, named, with every sample of the fixture.
fn check_recordings(recordings: &[Recording]) {
    assert_eq!(recordings.len(), 2);
    for (recording, speaker) in recordings.iter().zip(["technician", "outbound"]) {
        assert_eq!(recording.state, RecordingState::Closed);
        let path = &recording.parts[0].path;
        let frames = hound::WavReader::open(path).unwrap().duration();
        assert_eq!(
            u64::from(frames),
            talk()[0].len() as u64 * 2,
            "16 kHz of 8 kHz"
        );
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(
            name.starts_with(&format!("{speaker}_MZ1_")) && name.ends_with(".wav"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn silence_is_an_empty_call() {
    let server = serve(|_| {}).await;
    let mut peer = Peer::connect(&server.media(), "CA1", "MZ1").await;
    peer.start(&[Track::Inbound], &[]).await;
    peer.speak(Track::Inbound, 0, &[0xFF; 8000 * 3]).await;
    peer.stop().await;
    peer.closed().await;
    assert_eq!(
        server.settled("CA1").await.state,
        CallState::Empty,
        "fault 30"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_second_socket_is_another_segment_of_the_call() {
    let server = serve(|_| {}).await;
    for (stream, ms) in [("MZ1", 1000), ("MZ2", 600)] {
        let mut peer = Peer::connect(&server.media(), "CA1", stream).await;
        peer.start(&[Track::Inbound], &[]).await;
        peer.speak(Track::Inbound, 0, &tone(ms)).await;
        peer.vanish();
    }
    let call = server.settled("CA1").await;
    let recordings = server.recordings(&call.sid).await;
    let lengths: Vec<u64> = recordings
        .iter()
        .map(|recording| recording.duration.as_ms())
        .collect();
    assert_eq!(
        lengths,
        [1000, 600],
        "fault 5, and 7: each closed without a stop"
    );
    server.stop().await;
}

#[tokio::test]
async fn keys_and_marks_are_kept_on_the_call() {
    let server = serve(|_| {}).await;
    let mut peer = Peer::connect(&server.media(), "CA1", "MZ1").await;
    peer.start(&[Track::Inbound], &[]).await;
    peer.speak(Track::Inbound, 0, &tone(200)).await;
    let (digit, mark) = (peer.sender.dtmf('#'), peer.sender.mark("greeting"));
    peer.raw(digit).await;
    peer.raw(mark).await;
    peer.stop().await;
    peer.closed().await;
    let call = server.settled("CA1").await;
    let notes = serde_json::to_string(&server.server.gateway.store.notes(&call.sid).await.unwrap())
        .unwrap();
    assert!(
        notes.contains("dtmf") && notes.contains("\"#\"") && notes.contains("greeting"),
        "{notes}"
    );
    server.stop().await;
}

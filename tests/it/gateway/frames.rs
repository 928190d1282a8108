//! What only a real socket can do to a stream: frames of RFC 6455, and gaps that reach the disk.

use callscribe::{ids::Track, store::CallState};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::{
    peer::Peer,
    server::{TestServer, serve},
};

const IN: Track = Track::Inbound;

/// One track's recording of the only call, in milliseconds.
async fn recorded(server: &TestServer) -> u64 {
    let call = server.settled("CA1").await;
    assert_ne!(call.state, CallState::Failed);
    let recordings = server.recordings(&call.sid).await;
    assert_eq!(recordings.len(), 1);
    assert_eq!(recordings[0].failed, None);
    recordings[0].duration.as_ms()
}

#[tokio::test]
async fn fault_23_fragments_and_pings_between_them_are_one_message() {
    let server = serve(|_| {}).await;
    let mut peer = Peer::connect(&server.media(), "CA1", "MZ1").await;
    peer.start(&[IN], &[]).await;
    for n in 0..5 {
        let text = peer.sender.media(IN, n * 20, &[0x55; 160]);
        // Anywhere, even within the digits.
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(97).collect();
        for (k, piece) in pieces.iter().enumerate() {
            let kind = if k == 0 { Data::Text } else { Data::Continue };
            let last = k + 1 == pieces.len();
            let frame = Frame::message(piece.to_vec(), OpCode::Data(kind), last);
            peer.raw(Message::Frame(frame)).await;
            peer.raw(Message::Ping(vec![1, 2].into())).await;
        }
    }
    peer.stop().await;
    assert_eq!(peer.closed().await, Some(1000));
    assert_eq!(recorded(&server).await, 100);
    server.stop().await;
}

#[tokio::test]
async fn fault_23_a_broken_protocol_ends_the_stream_with_its_code_and_keeps_the_audio() {
    let not_utf8 = Frame::message(vec![0xFF, 0xFE], OpCode::Data(Data::Text), true);
    let no_beginning = Frame::message(vec![b'x'], OpCode::Data(Data::Continue), true);
    for (frame, code) in [(not_utf8, 1007), (no_beginning, 1002)] {
        let server = serve(|_| {}).await;
        let mut peer = Peer::connect(&server.media(), "CA1", "MZ1").await;
        peer.start(&[IN], &[]).await;
        peer.speak(IN, 0, &[0x55; 1600]).await;
        peer.raw(Message::Frame(frame)).await;
        assert_eq!(peer.closed().await, Some(code));
        assert_eq!(recorded(&server).await, 200);
        server.stop().await;
    }
}

#[tokio::test]
async fn fault_13_a_minute_of_lost_audio_is_a_minute_of_silence_on_disk() {
    let server = serve(|_| {}).await;
    let mut peer = Peer::connect(&server.media(), "CA1", "MZ1").await;
    peer.start(&[IN], &[]).await;
    peer.speak(IN, 0, &[0x55; 160]).await;
    peer.speak(IN, 59_980, &[0x55; 320]).await;
    peer.stop().await;
    assert_eq!(recorded(&server).await, 60_020);
    server.stop().await;
}

#[tokio::test]
async fn a_leap_of_hours_fills_no_disk() {
    let server = serve(|_| {}).await;
    let mut peer = Peer::connect(&server.media(), "CA1", "MZ1").await;
    peer.start(&[IN], &[]).await;
    peer.speak(IN, 0, &[0x55; 1600]).await;
    peer.speak(IN, 3 * 3_600_000, &[0x55; 1600]).await;
    peer.stop().await;
    assert_eq!(recorded(&server).await, 380, "the frame that leapt is lost");
    server.stop().await;
}

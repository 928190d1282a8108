//! Who may stream, how long they may dawdle, and what they are told.

use callscribe::{ids::Track, wire::signature};
use tokio_tungstenite::tungstenite::Message;

use super::{
    peer::{Peer, tone},
    server::serve,
};

#[tokio::test]
async fn no_start_in_time_is_closed_and_frees_its_place() {
    let server = serve(|config| {
        config.call.start_timeout_ms = 50;
        config.media.max_streams = 1;
    })
    .await;
    let peer = Peer::connect(&server.media(), "CA1", "MZ1").await;
    assert_eq!(peer.closed().await, Some(1008), "fault 1");
    for _ in 0..100 {
        if server.server.gateway.admission.load().0 == 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    let peer = Peer::try_connect(&server.media(), "CA1", "MZ1", &[]).await;
    assert!(peer.is_ok());
    server.stop().await;
}

/// On a machine that stands still for a while the message and its deadline come to light at once.
#[tokio::test]
async fn a_start_that_came_in_time_counts_however_late_it_is_read() {
    let server = serve(|config| config.call.start_timeout_ms = 400).await;
    let mut peers = Vec::new();
    for n in 0..12 {
        let (call, stream) = (format!("CA{n}"), format!("MZ{n}"));
        peers.push(Peer::connect(&server.media(), &call, &stream).await);
    }
    for peer in &mut peers {
        peer.start(&[Track::Inbound], &[]).await;
    }
    // The server runs on this very thread.
    std::thread::sleep(std::time::Duration::from_millis(600));
    for mut peer in peers {
        peer.stop().await;
        assert_eq!(peer.closed().await, Some(1000));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_flood_is_refused_before_the_upgrade() {
    for (all, each) in [(2, 9), (9, 2)] {
        let server = serve(|config| {
            config.media.max_streams = all;
            config.media.max_streams_per_address = each;
        })
        .await;
        let _first = Peer::connect(&server.media(), "CA1", "MZ1").await;
        let _second = Peer::connect(&server.media(), "CA2", "MZ2").await;
        let third = Peer::try_connect(&server.media(), "CA3", "MZ3", &[]).await;
        assert_eq!(
            third.err().map(|status| status.as_u16()),
            Some(503),
            "fault 2: {all} in all, {each} an address"
        );
        assert_eq!(
            server.get("/readyz").await.status(),
            if all == 2 { 503 } else { 200 }
        );
    }
}

#[tokio::test]
async fn messages_that_break_the_rules_close_with_their_code() {
    let server = serve(|_| {}).await;
    let url = server.media();

    let mut peer = Peer::connect(&url, "CA1", "MZ1").await;
    peer.raw("x".repeat(65 * 1024)).await;
    assert_eq!(
        peer.closed().await,
        Some(1009),
        "fault 22: longer than 64 KiB"
    );

    let mut peer = Peer::connect(&url, "CA1", "MZ1").await;
    peer.raw("x".repeat(400 * 1024)).await;
    assert_eq!(
        peer.closed().await,
        Some(1009),
        "fault 22: longer than the socket reads"
    );

    let mut peer = Peer::connect(&format!("{url}/CA9"), "CA1", "MZ1").await;
    peer.start(&[Track::Inbound], &[]).await;
    assert_eq!(
        peer.closed().await,
        Some(1008),
        "fault 6: another call than the URL names"
    );
    assert!(server.call("CA1").await.is_none());
    server.stop().await;
}

#[tokio::test]
async fn junk_does_not_end_a_call() {
    let server = serve(|_| {}).await;
    let mut peer = Peer::connect(&server.media(), "CA1", "MZ1").await;
    for junk in [
        "",
        "{",
        "[]",
        r#"{"event":"media"}"#,
        r#"{"event":"surprise","x":1}"#,
    ] {
        peer.raw(junk).await;
    }
    peer.raw(Message::binary(vec![1, 2, 3])).await;
    peer.start(&[Track::Inbound], &[]).await;
    peer.start(&[Track::Inbound], &[]).await;
    peer.raw(Message::binary(vec![0; 3200])).await;
    peer.speak(Track::Inbound, 0, &tone(400)).await;
    peer.stop().await;
    assert_eq!(peer.closed().await, Some(1000), "faults 3, 4, 21");
    let call = server.settled("CA1").await;
    let recordings = server.recordings(&call.sid).await;
    assert_eq!(recordings.len(), 1);
    assert_eq!(recordings[0].duration.as_ms(), 400);
    server.stop().await;
}

#[tokio::test]
async fn every_upgrade_must_be_signed_when_there_is_a_token() {
    let server = serve(|config| config.media.auth_token = Some("12345".to_owned().into())).await;
    let url = server.media();
    let good = signature::sign("12345", &url, &[]);
    let wrong = signature::sign("54321", &url, &[]);
    let elsewhere = signature::sign("12345", "wss://example.com/media", &[]);
    for (headers, refused) in [
        (&[][..], Some(403)),
        (&[("x-twilio-signature", wrong.as_str())], Some(403)),
        (&[("x-twilio-signature", elsewhere.as_str())], Some(403)),
        (&[("x-twilio-signature", good.as_str())], None),
    ] {
        let peer = Peer::try_connect(&url, "CA1", "MZ1", headers).await;
        assert_eq!(
            peer.err().map(|status| status.as_u16()),
            refused,
            "S1.4: {headers:?}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_drain_refuses_new_streams_and_lets_calls_finish() {
    let server = serve(|_| {}).await;
    let mut peer = Peer::connect(&server.media(), "CA1", "MZ1").await;
    peer.start(&[Track::Inbound], &[]).await;
    server.until("CA1", "there", |_| true).await;
    server
        .server
        .lifecycle
        .drain(std::time::Duration::from_secs(60));

    assert_eq!(server.get("/readyz").await.status(), 503);
    assert_eq!(server.get("/healthz").await.status(), 200);
    let late = Peer::try_connect(&server.media(), "CA2", "MZ2", &[]).await;
    assert_eq!(late.err().map(|status| status.as_u16()), Some(503));

    peer.speak(Track::Inbound, 0, &tone(1000)).await;
    peer.stop().await;
    assert_eq!(peer.closed().await, Some(1000));
    let recordings = {
        server.server.gateway.lifecycle.calls.wait().await;
        server
            .server
            .gateway
            .store
            .recordings(&"CA1".parse().unwrap())
            .await
            .unwrap()
    };
    assert_eq!(recordings[0].duration.as_ms(), 1000, "fault 50");
    server.server.finished().await;
}

#[tokio::test]
async fn the_drain_deadline_ends_calls_cleanly() {
    let server = serve(|_| {}).await;
    let mut peer = Peer::connect(&server.media(), "CA1", "MZ1").await;
    peer.start(&[Track::Inbound], &[]).await;
    peer.speak(Track::Inbound, 0, &tone(600)).await;
    server.until("CA1", "there", |_| true).await;
    server.server.lifecycle.drain(std::time::Duration::ZERO);
    assert_eq!(peer.closed().await, Some(1001));
    server.server.finished().await;
}

//! Twilio's side of a media stream, message by message.

use std::collections::BTreeMap;

use callscribe::{ids::Track, wire::sender::Sender};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, http::StatusCode},
};

pub(crate) struct Peer {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) sender: Sender,
}

impl Peer {
    /// Connects to `url`; the call and stream are what its messages will say.
    pub(crate) async fn connect(url: &str, call: &str, stream: &str) -> Self {
        Self::try_connect(url, call, stream, &[]).await.unwrap()
    }

    /// The status that the upgrade was refused with, if it was.
    pub(crate) async fn try_connect(
        url: &str,
        call: &str,
        stream: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, StatusCode> {
        let mut request = url.into_client_request().unwrap();
        for &(name, value) in headers {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((socket, _)) => {
                let sender =
                    Sender::new("AC0".into(), call.parse().unwrap(), stream.parse().unwrap());
                Ok(Self { socket, sender })
            }
            Err(tungstenite::Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{url}: {error}"),
        }
    }

    pub(crate) async fn raw(&mut self, message: impl Into<Message>) {
        self.socket.send(message.into()).await.unwrap();
    }

    pub(crate) async fn start(&mut self, tracks: &[Track], parameters: &[(&str, &str)]) {
        let parameters: BTreeMap<String, String> = parameters
            .iter()
            .map(|&(name, value)| (name.into(), value.into()))
            .collect();
        let (connected, start) = (
            self.sender.connected(),
            self.sender.start(tracks, &parameters),
        );
        self.raw(connected).await;
        self.raw(start).await;
    }

    /// Audio of one track from `from_ms` on, as fast as the socket takes it.
    pub(crate) async fn speak(&mut self, track: Track, from_ms: u64, ulaw: &[u8]) {
        for (n, frame) in ulaw.chunks(160).enumerate() {
            let media = self.sender.media(track, from_ms + n as u64 * 20, frame);
            self.raw(media).await;
        }
    }

    pub(crate) async fn stop(&mut self) {
        let stop = self.sender.stop();
        self.raw(stop).await;
    }

    /// Reads on to the server's close; its code.
    pub(crate) async fn closed(mut self) -> Option<u16> {
        while let Some(message) = self.socket.next().await {
            match message {
                Ok(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
        None
    }

    /// Goes away without a word.
    pub(crate) fn vanish(self) {
        drop(self.socket);
    }
}

/// A tone at 8 kHz: nothing that a voice detector must take for silence.
#[expect(clippy::cast_possible_truncation, reason = "8,000 fits")]
pub(crate) fn tone(ms: u64) -> Vec<u8> {
    let sample = |n: u64| {
        let phase = n as f64 * 440.0 / 8000.0 * std::f64::consts::TAU;
        callscribe::audio::mulaw::encode((phase.sin() * 8000.0) as i16)
    };
    (0..ms * 8).map(sample).collect()
}

//! The real server as a process of its own (recording on, speech off unless set), and streams to it.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use callscribe::wire::signature;
use futures_util::{SinkExt, StreamExt};
use tokio::{net::TcpStream, time::sleep};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};

/// Signs every stream; a server that was told of it asks for that.
pub(crate) const TOKEN: &str = "a-benches-auth-token";

/// Starts it in `folder`, with room for so many streams.
pub(crate) fn start(
    folder: &Path,
    port: u16,
    streams: u32,
    sets: &[&str],
) -> anyhow::Result<Child> {
    let log = fs::File::create(folder.join("log"))?;
    Command::new(env!("CARGO_BIN_EXE_callscribe"))
        .current_dir(folder)
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .args(["--set", "speech.live=false", "--set", "speech.final=false"])
        .args(["--set", &format!("media.max_streams={streams}")])
        .args(["--set", &format!("media.max_streams_per_address={streams}")])
        .args(sets.iter().flat_map(|set| ["--set", set]))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .context("the server")
}

pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port())
}

pub(crate) async fn wait_ready(port: u16) -> anyhow::Result<()> {
    for _ in 0..100 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(());
        }
        sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("the server did not listen within 10 s")
}

pub(crate) fn stop(server: &mut Child) -> anyhow::Result<()> {
    Command::new("kill")
        .args(["-TERM", &server.id().to_string()])
        .status()?;
    server.wait()?;
    Ok(())
}

/// Resident bytes of a process.
pub(crate) fn resident(pid: u32) -> anyhow::Result<u64> {
    let pages = fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let resident: u64 = pages.split(' ').nth(1).context("statm")?.parse()?;
    Ok(resident * 4096)
}

/// A stream of one track; its number tells it from others.
pub(crate) struct Stream {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    n: u32,
    frames: u32,
    /// What it says, over and over.
    payloads: Arc<[String]>,
}

impl Stream {
    pub(crate) fn call(n: u32) -> String {
        format!("CA{n:032x}")
    }

    /// It says these frames over and over, or noise of its own.
    pub(crate) async fn open(
        port: u16,
        n: u32,
        words: Option<&Arc<[String]>>,
    ) -> anyhow::Result<Self> {
        let door = format!("ws://127.0.0.1:{port}/media");
        let signature = signature::sign(TOKEN, &door, &[]).parse()?;
        let mut request = door.into_client_request()?;
        request
            .headers_mut()
            .insert("x-twilio-signature", signature);
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        let mut stream = Self {
            socket,
            n,
            frames: 0,
            payloads: words.map_or_else(|| [payload(n)].into(), Arc::clone),
        };
        let (call, sid) = (Self::call(n), stream.sid());
        stream
            .send(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#.into())
            .await?;
        stream.send(format!(r#"{{"event":"start","sequenceNumber":"1","streamSid":"{sid}","start":{{"streamSid":"{sid}","accountSid":"AC0","callSid":"{call}","tracks":["inbound"],"customParameters":{{}},"mediaFormat":{{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}}}}"#)).await?;
        Ok(stream)
    }

    fn sid(&self) -> String {
        format!("MZ{:032x}", self.n)
    }

    async fn send(&mut self, text: String) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(text)).await?)
    }

    /// The next 20 ms.
    pub(crate) async fn frame(&mut self) -> anyhow::Result<()> {
        let (frame, sid) = (self.frames, self.sid());
        let payload = &self.payloads[frame as usize % self.payloads.len()];
        let text = format!(
            r#"{{"event":"media","sequenceNumber":"{}","media":{{"track":"inbound","chunk":"{}","timestamp":"{}","payload":"{payload}"}},"streamSid":"{sid}"}}"#,
            frame + 2,
            frame + 1,
            frame * 20
        );
        self.frames += 1;
        self.send(text).await
    }

    /// Says stop, and waits until the server has closed.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let (sequence, sid, call) = (self.frames + 2, self.sid(), Self::call(self.n));
        self.send(format!(r#"{{"event":"stop","sequenceNumber":"{sequence}","streamSid":"{sid}","stop":{{"accountSid":"AC0","callSid":"{call}"}}}}"#)).await?;
        while let Some(Ok(_)) = self.socket.next().await {}
        Ok(())
    }
}

/// 160 bytes that no codec or disk could squeeze.
fn payload(seed: u32) -> String {
    use base64::Engine;
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let bytes: Vec<u8> = (0..160)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[1]
        })
        .collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

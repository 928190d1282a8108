//! `kill -9` in the middle of a call: the real program, a real signal, and what the next start makes of it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use callscribe::ids::Track;
use serde_json::Value;
use tokio::{net::TcpStream, time::sleep};

use crate::gateway::{
    peer::{Peer, tone},
    story::talk,
};

pub(crate) struct Program {
    child: Child,
    port: u16,
}

impl Program {
    /// Starts `callscribe serve` in `folder` and waits for its port.
    pub(crate) async fn start(folder: &Path, port: u16) -> Self {
        Self::start_with(folder, port, "tiny.en").await
    }

    /// The same with another model for the final pass.
    pub(crate) async fn start_with(folder: &Path, port: u16, model: &str) -> Self {
        let program = Command::new(env!("CARGO_BIN_EXE_callscribe"));
        Self::run(program, folder, port, model).await
    }

    /// The same, which may open no more than so many files.
    async fn start_within(folder: &Path, port: u16, files: u32) -> Self {
        let mut shell = Command::new("sh");
        let bound = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
        shell.args(["-c", &bound, env!("CARGO_BIN_EXE_callscribe")]);
        Self::run(shell, folder, port, "tiny.en").await
    }

    #[expect(
        clippy::zombie_processes,
        reason = "Program waits for it when it is dropped"
    )]
    async fn run(mut program: Command, folder: &Path, port: u16, model: &str) -> Self {
        let models = std::env::var_os("CALLSCRIBE_MODELS")
            .map_or_else(|| folder.join("models"), PathBuf::from);
        let child = program
            .current_dir(folder)
            .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
            .args(["--set", "speech.live=false"])
            .args(["--set", &format!("speech.final_model={model}")])
            .args(["--set", &format!("models.folder={}", models.display())])
            .stdout(Stdio::null())
            .stderr(
                fs::File::options()
                    .create(true)
                    .append(true)
                    .open(folder.join("log"))
                    .unwrap(),
            )
            .spawn()
            .unwrap();
        for _ in 0..300 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Self { child, port };
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!(
            "not listening after 30 s: {}",
            fs::read_to_string(folder.join("log")).unwrap()
        );
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        callscribe::speech::models::pull::tls::install_provider();
        reqwest::get(format!("http://127.0.0.1:{}{path}", self.port))
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn kill_9_loses_a_second_at_most_and_the_next_start_finishes() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut program = Program::start(folder.path(), port).await;

    let mut peer = Peer::connect(&format!("ws://127.0.0.1:{port}/media"), "CA1", "MZ1").await;
    peer.start(&[Track::Inbound], &[("inbound_speaker", "caller")])
        .await;
    let [_, outbound] = talk();
    let heard = &outbound[..8000 * 12];
    peer.speak(Track::Inbound, 0, heard).await;
    sleep(Duration::from_secs(1)).await;
    program.kill();

    let wav = only_wav(folder.path());
    let before = hound::WavReader::open(&wav).unwrap().duration();
    assert!(
        u64::from(before) >= (heard.len() as u64 - 400) * 2,
        "fault 27: {before} samples on disk"
    );

    let program = Program::start(folder.path(), port).await;
    let call = program.get("/api/v1/calls/CA1").await;
    assert_eq!(call["interrupted"], true, "{call}");
    if std::env::var_os("CALLSCRIBE_MODELS").is_none() {
        eprintln!(
            "skipped: the text after a crash needs CALLSCRIBE_MODELS (a folder with ggml-tiny.en.bin)"
        );
        return;
    }
    for _ in 0..600 {
        if program.get("/api/v1/calls/CA1").await["state"] == "final" {
            let transcript = program
                .get("/api/v1/calls/CA1/transcript")
                .await
                .to_string();
            assert!(transcript.contains("medicine"), "{transcript}");
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!(
        "no final text after 60 s: {}",
        program.get("/api/v1/calls/CA1").await
    );
}

#[tokio::test]
async fn where_files_are_few_calls_are_refused_and_those_that_are_there_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let _program = Program::start_within(folder.path(), port, 64 + 3 * 10).await;
    let door = format!("ws://127.0.0.1:{port}/media");
    let mut peers = Vec::new();
    for n in 0..14 {
        let (call, stream) = (format!("CA{n}"), format!("MZ{n}"));
        match Peer::try_connect(&door, &call, &stream, &[]).await {
            Ok(mut peer) => {
                peer.start(&Track::ALL, &[]).await;
                peers.push(peer);
            }
            Err(status) => assert_eq!(status, 503, "fault 52"),
        }
    }
    assert_eq!(peers.len(), 10);
    for mut peer in peers {
        for track in Track::ALL {
            peer.speak(track, 0, &tone(400)).await;
        }
        peer.stop().await;
        assert_eq!(peer.closed().await, Some(1000));
    }
    let wavs = fs::read_dir(folder.path().join("audio_recordings")).unwrap();
    let wavs = wavs.filter(|e| e.as_ref().unwrap().path().extension().unwrap() == "wav");
    assert_eq!(wavs.count(), 20, "every call that was taken is recorded");
    let after = Peer::try_connect(&door, "CA99", "MZ99", &[]).await;
    assert!(after.is_ok(), "back to where it was");
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn only_wav(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder.join("audio_recordings")).unwrap();
    let mut wavs = files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "wav"));
    let wav = wavs.next().unwrap();
    assert!(wavs.next().is_none());
    wav
}

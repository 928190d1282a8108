//! What benches over real calls share: where these lie, how fast the machine is, and the judge of words.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use callscribe::speech::{Effort, Request, Session};
use rustix::time::{ClockId, clock_gettime};

/// Starts the log and finds the folders of recordings and of models; says so where one is not named.
pub(crate) fn begin() -> Option<(PathBuf, PathBuf)> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let folder = |name| std::env::var_os(name).map(PathBuf::from);
    let folders = folder("CALLSCRIBE_SHARED").zip(folder("CALLSCRIBE_MODELS"));
    if folders.is_none() {
        eprintln!("skipped: CALLSCRIBE_SHARED and CALLSCRIBE_MODELS name no folders");
    }
    folders
}

/// The recordings of a folder, by name.
pub(crate) fn recordings(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "wav"))
        .collect();
    files.sort();
    files
}

/// CPU-seconds of the encoder at full context, with next to no decoding: how fast this machine is at
/// the moment. Other work on it can double every figure.
pub(crate) fn pace(session: &mut dyn Session) -> f64 {
    let request = Request {
        samples: &[0.0; 16_000],
        language: Some("en"),
        prompt: "",
        said: "",
        effort: Effort::Live {
            audio_ctx: 1500,
            max_tokens: 1,
        },
    };
    session.decode(&request).unwrap();
    let before = process_cpu();
    for _ in 0..3 {
        session.decode(&request).unwrap();
    }
    (process_cpu() - before) / 3.0
}

/// CPU-seconds of this process so far, all threads.
pub(crate) fn process_cpu() -> f64 {
    seconds(ClockId::ProcessCPUTime)
}

/// What a clock shows.
pub(crate) fn seconds(clock: ClockId) -> f64 {
    Duration::try_from(clock_gettime(clock))
        .unwrap()
        .as_secs_f64()
}

/// Hands the texts of `folder`'s recordings to `wer.py`, in an environment that is made on first use.
pub(crate) fn judge(folder: &Path, name: &str, tracks: &[serde_json::Value]) {
    let hypotheses = root().join(format!("target/{name}.json"));
    fs::write(&hypotheses, serde_json::json!(tracks).to_string()).unwrap();
    let python = python("venv", &["whisper-normalizer", "jiwer"]);
    run(Command::new(&python)
        .arg(root().join("benches/wer.py"))
        .args([folder, &hypotheses]));
}

/// A Python with these packages, in an environment under `target/` that is made on first use.
pub(crate) fn python(name: &str, packages: &[&str]) -> PathBuf {
    let venv = root().join("target").join(name);
    let python = venv.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv));
        let pip = ["-m", "pip", "install", "-q"];
        run(Command::new(&python).args(pip).args(packages));
    }
    python
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

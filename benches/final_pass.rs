//! The final pass over two-track calls with known words: word error rate and process CPU.
//!
//! `cargo bench --bench final_pass -- [--model base]… [--set beam=3]… [--calls FOLDER|--files FOLDER] [--nonspeech FOLDER]`
//! Needs `CALLSCRIBE_SHARED` (calls and sounds) and `CALLSCRIBE_MODELS`. Prints its parameters and, by
//! `benches/wer.py`, the rates; asserts nothing.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a bench fails by panicking"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use callscribe::{
    audio::decode::{self, ChannelSource},
    speech::{Effort, Engine, Request, Session, final_pass, models::find, whisper::Whisper},
};
use clap::Parser;
use serde_json::json;

#[derive(Parser)]
struct Args {
    #[arg(long)]
    model: Vec<String>,
    /// `key=value` of the final pass's options.
    #[arg(long = "set")]
    sets: Vec<String>,
    /// Folder under speech/ with files to transcribe.
    #[arg(long, default_value = "calls")]
    folder: String,
    /// How many files at most.
    #[arg(long, default_value_t = 1000)]
    take: usize,
    /// Print texts.
    #[arg(long)]
    texts: bool,
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let (Some(shared), Some(models)) = (
        std::env::var_os("CALLSCRIBE_SHARED").map(PathBuf::from),
        std::env::var_os("CALLSCRIBE_MODELS").map(PathBuf::from),
    ) else {
        eprintln!("skipped: CALLSCRIBE_SHARED and CALLSCRIBE_MODELS name no folders");
        return ExitCode::SUCCESS;
    };
    let names = if args.model.is_empty() {
        vec!["base".to_owned(), "tiny.en".to_owned()]
    } else {
        args.model.clone()
    };
    let options = options(&args.sets);
    println!("options: {}", serde_json::to_string(&options).unwrap());
    let folder = shared.join("speech").join(&args.folder);
    for name in &names {
        let engine = Whisper::load(&find(&models, name).unwrap()).unwrap();
        let mut session = engine.session().unwrap();
        println!(
            "model {name}: a full run of the encoder costs {:.2} CPU-s",
            pace(&mut *session)
        );
        let mut tracks = Vec::new();
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "wav"))
            .collect();
        files.sort();
        for file in files.iter().take(args.take) {
            tracks.extend(transcribe(&mut *session, file, &options, args.texts));
        }
        println!(
            "model {name}: a full run of the encoder costs {:.2} CPU-s",
            pace(&mut *session)
        );
        report(name, &folder, &tracks);
    }
    ExitCode::SUCCESS
}

fn options(sets: &[String]) -> final_pass::Options {
    let mut map: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    for set in sets {
        let (key, value) = set.split_once('=').expect("key=value");
        let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
        map.insert(key.to_owned(), value);
    }
    serde_json::from_value(json!(map)).expect("options of the final pass")
}

fn transcribe(
    session: &mut dyn Session,
    file: &Path,
    options: &final_pass::Options,
    texts: bool,
) -> Vec<serde_json::Value> {
    let channels = decode::open(file).unwrap().channels();
    (0..channels)
        .map(|channel| {
            let mut source = ChannelSource::open(file, channel).unwrap();
            let before = cpu_seconds();
            let track = final_pass::transcribe(session, &mut source, options, |_| ()).unwrap();
            let cpu = cpu_seconds() - before;
            if texts {
                for u in &track.utterances {
                    println!(
                        "  {:7.2} {:7.2}  {}",
                        u.start.as_secs(),
                        u.end.as_secs(),
                        u.text
                    );
                }
                println!(
                    "  coverage {}",
                    serde_json::to_string(&track.coverage).unwrap()
                );
            }
            let text: Vec<&str> = track.utterances.iter().map(|u| u.text.as_str()).collect();
            println!(
                "{} {channel}: {} windows, {} again, {} refused, language {:?}, {cpu:.2} CPU-s",
                file.file_name().unwrap().to_string_lossy(),
                track.stats.windows,
                track.stats.again,
                track.stats.refused,
                track.language,
            );
            json!({
                "file": file.file_name().unwrap().to_string_lossy(),
                "channel": channel,
                "seconds": track.duration,
                "cpu": cpu,
                "text": text.join(" "),
            })
        })
        .collect()
}

/// CPU-seconds of the encoder at full context, with next to no decoding: how fast this machine is at
/// the moment. Other work on it can double every figure here.
fn pace(session: &mut dyn Session) -> f64 {
    let request = Request {
        samples: &[0.0; 16_000],
        language: Some("en"),
        prompt: &[],
        effort: Effort::Live {
            audio_ctx: 1500,
            max_tokens: 1,
        },
    };
    session.decode(&request).unwrap();
    let before = cpu_seconds();
    for _ in 0..3 {
        session.decode(&request).unwrap();
    }
    (cpu_seconds() - before) / 3.0
}

/// CPU time of this process so far, all threads: user and system.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

/// Hands the texts to `wer.py`, in an environment that is made on first use.
fn report(name: &str, folder: &Path, tracks: &[serde_json::Value]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let hypotheses = root.join(format!("target/final_pass-{name}.json"));
    fs::write(&hypotheses, json!(tracks).to_string()).unwrap();
    let python = root.join("target/venv/bin/python");
    if !python.exists() {
        let venv = root.join("target/venv");
        let made = Command::new("python3")
            .args(["-m", "venv"])
            .arg(&venv)
            .status();
        assert!(made.unwrap().success(), "python3 -m venv");
        let got = Command::new(&python)
            .args(["-m", "pip", "install", "-q", "whisper-normalizer", "jiwer"])
            .status();
        assert!(
            got.unwrap().success(),
            "pip install whisper-normalizer jiwer"
        );
    }
    let judged = Command::new(&python)
        .arg(root.join("benches/wer.py"))
        .args([folder, &hypotheses])
        .status();
    assert!(judged.unwrap().success(), "wer.py");
}

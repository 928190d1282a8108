//! The final pass over two-track calls with known words: word error rate and process CPU.
//!
//! `cargo bench --bench final_pass -- [--model base]… [--set beam=3]… [--folder calls] [--neighbour] [--archived]`
//! Needs `CALLSCRIBE_SHARED` (calls and sounds) and `CALLSCRIBE_MODELS`. Prints its parameters and, by
//! `benches/wer.py`, the rates; asserts nothing.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a bench fails by panicking"
)]

use std::{collections::BTreeMap, path::Path, process::ExitCode};

use callscribe::{
    audio::{
        decode::{self, ChannelSource},
        opus,
        source::Source,
    },
    speech::{Engine, Session, final_pass, models::find, whisper::Whisper},
};
use clap::Parser;
use serde_json::json;

mod common;

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
    /// Hold it against faster-whisper (int8, beam 5, one thread) on the same files in the same run.
    #[arg(long)]
    neighbour: bool,
    /// Hear the files once more as they come out of the archive (Ogg Opus).
    #[arg(long)]
    archived: bool,
    /// Print texts.
    #[arg(long)]
    texts: bool,
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let Some((shared, models)) = common::begin() else {
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
    let mut costs = Vec::new();
    for name in &names {
        let engine = Whisper::load(&find(&models, name).unwrap()).unwrap();
        let mut session = engine.session().unwrap();
        println!(
            "model {name}: a full run of the encoder costs {:.2} CPU-s",
            common::pace(&mut *session)
        );
        let (mut tracks, mut archived) = (Vec::new(), Vec::new());
        for file in common::recordings(&folder).iter().take(args.take) {
            tracks.extend(transcribe(&mut *session, file, file, &options, args.texts));
            if args.archived {
                let packed = pack(file);
                let name = packed.path();
                archived.extend(transcribe(&mut *session, name, file, &options, args.texts));
            }
        }
        println!(
            "model {name}: a full run of the encoder costs {:.2} CPU-s",
            common::pace(&mut *session)
        );
        common::judge(&folder, &format!("final_pass-{name}"), &tracks);
        if args.archived {
            common::judge(&folder, &format!("final_pass-{name}-archived"), &archived);
        }
        costs.push((name.clone(), cost(&tracks)));
    }
    if args.neighbour {
        let tracks = neighbour(&folder);
        common::judge(&folder, "final_pass-neighbour", &tracks);
        for (name, ours) in costs {
            println!("{name}: {:.2} of the neighbour's CPU", ours / cost(&tracks));
        }
    }
    ExitCode::SUCCESS
}

/// A file as the archive keeps it.
fn pack(file: &Path) -> tempfile::NamedTempFile {
    let channels = decode::open(file).unwrap().channels();
    let track = |channel| Box::new(ChannelSource::open(file, channel).unwrap()) as Box<dyn Source>;
    let packed = tempfile::Builder::new().suffix(".opus").tempfile().unwrap();
    let frames = opus::pack((0..channels).map(track).collect(), packed.as_file()).unwrap();
    let (wavs, bytes) = (
        2 * frames * channels as u64,
        packed.as_file().metadata().unwrap().len(),
    );
    println!("archived: {wavs} bytes of WAVs in {bytes}");
    packed
}

/// CPU-seconds of all tracks.
fn cost(tracks: &[serde_json::Value]) -> f64 {
    tracks
        .iter()
        .filter_map(|track| track["cpu"].as_f64())
        .sum()
}

/// What faster-whisper makes of the same files.
fn neighbour(folder: &Path) -> Vec<serde_json::Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = root.join("target/neighbour.json");
    let python = common::python("venv-neighbour", &["faster-whisper", "numpy"]);
    common::run(
        std::process::Command::new(python)
            .arg(root.join("benches/neighbour.py"))
            .args([folder, &root.join("target/neighbour-base"), &out]),
    );
    serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap()
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
    named: &Path,
    options: &final_pass::Options,
    texts: bool,
) -> Vec<serde_json::Value> {
    let channels = decode::open(file).unwrap().channels();
    (0..channels)
        .map(|channel| {
            let mut source = ChannelSource::open(file, channel).unwrap();
            let before = common::process_cpu();
            let track = final_pass::transcribe(session, &mut source, options, |_| ()).unwrap();
            let cpu = common::process_cpu() - before;
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
                named.file_name().unwrap().to_string_lossy(),
                track.stats.windows,
                track.stats.again,
                track.stats.refused,
                track.language,
            );
            json!({
                "file": named.file_name().unwrap().to_string_lossy(),
                "channel": channel,
                "seconds": track.duration,
                "cpu": cpu,
                "text": text.join(" "),
            })
        })
        .collect()
}

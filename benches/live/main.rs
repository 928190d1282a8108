//! Live words over two-track calls with known words: how soon they are shown, committed and final, how
//! steady they are, their word error rate, and what they cost.
//!
//! `cargo bench --bench live -- [--model base] [--calls 2] [--simulate] [--nonspeech] …` (`--help` lists all)
//!
//! By default calls are streamed at real speed through the whole of `speech::ears`. `--simulate` takes
//! stream time for the clock and charges each decode its CPU time, one worker a track: the figures of a
//! machine with nothing else to do, also on one that has. `--uploads N` streams them to the real server,
//! twice: alone, and while it has N files to transcribe. Needs `CALLSCRIBE_SHARED` (calls and sounds)
//! and `CALLSCRIBE_MODELS`. Asserts nothing about time.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bench fails by panicking, and prints rounded numbers"
)]

use std::{path::Path, process::ExitCode, sync::Arc};

use callscribe::speech::{Engine, ears, live::Options, models::find, whisper::Whisper};
use clap::Parser;
use serde_json::json;

#[path = "../common/mod.rs"]
mod common;
mod corpus;
mod real;
mod score;
mod served;
#[path = "../common/server.rs"]
mod server;
mod simulate;

use corpus::Line;
use score::Score;

#[derive(Parser)]
struct Args {
    /// Models, one run each.
    #[arg(long, default_values = ["tiny.en", "base"])]
    model: Vec<String>,
    /// The smaller model for overload.
    #[arg(long)]
    small: Option<String>,
    /// Calls at once, one run each; dev_1 and dev_2 in turns, begun some seconds apart.
    #[arg(long, default_values_t = [2])]
    calls: Vec<usize>,
    /// Seconds of each call; 0 for all.
    #[arg(long, default_value_t = 0)]
    seconds: u64,
    /// `key=value` of the live options, or `lanes.key=value`; JSON.
    #[arg(long = "set")]
    sets: Vec<String>,
    /// Simulated time instead of real time.
    #[arg(long)]
    simulate: bool,
    /// The overload ladder stands at this level (simulation only).
    #[arg(long, default_value = "brisk")]
    level: String,
    /// Sounds without speech instead of calls: no word may come.
    #[arg(long)]
    nonspeech: bool,
    /// Through a server that hears so many uploaded files meanwhile, and through one that hears none.
    #[arg(long)]
    uploads: Option<usize>,
    /// Print the words.
    #[arg(long)]
    texts: bool,
    /// Language of the calls; empty to have it detected.
    #[arg(long, default_value = "en")]
    language: String,
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let Some((shared, models)) = common::begin() else {
        return ExitCode::SUCCESS;
    };
    let options = options(&args.sets);
    println!("options: {}", json!(options));
    let load = |name: &String| -> Arc<dyn Engine> {
        Arc::new(Whisper::load(&find(&models, name).unwrap()).unwrap())
    };
    for name in &args.model {
        let engine = load(name);
        let pace = common::pace(&mut *engine.session().unwrap());
        println!(
            "\n== {name}: a full run of the encoder costs {pace:.2} CPU-s on this machine now"
        );
        if let Some(uploads) = args.uploads {
            drop(engine);
            for &calls in &args.calls {
                pair(
                    &args,
                    &options.live,
                    (&shared, &models),
                    name,
                    calls,
                    uploads,
                );
            }
            continue;
        }
        if args.nonspeech {
            let lines = corpus::nonspeech(&shared);
            simulate::run(&args, &options.live, &*engine, &lines).print_words();
            continue;
        }
        if args.simulate {
            let lines = corpus::calls(&shared, 2, args.seconds);
            report(
                (&args, &options.live),
                &shared,
                name,
                &lines,
                &simulate::run(&args, &options.live, &*engine, &lines),
            );
        } else {
            for &calls in &args.calls {
                let lines = corpus::calls(&shared, calls, args.seconds);
                let small = args.small.as_ref().map(load);
                let score = real::run(&args, &options, Arc::clone(&engine), small, &lines);
                println!("\n-- {calls} calls at once, {} tracks", lines.len());
                report((&args, &options.live), &shared, name, &lines, &score);
            }
        }
    }
    ExitCode::SUCCESS
}

/// The same calls without files and with them.
fn pair(
    args: &Args,
    options: &Options,
    folders: (&Path, &Path),
    model: &str,
    calls: usize,
    uploads: usize,
) {
    callscribe::speech::models::pull::tls::install_provider();
    let lines = corpus::calls(folders.0, calls, args.seconds);
    for uploads in [0, uploads] {
        println!(
            "\n-- {} streams of a track at once, {uploads} files",
            lines.len()
        );
        let score = served::run(folders, model, &lines, uploads).unwrap();
        score.print(&lines, options);
    }
}

fn options(sets: &[String]) -> ears::Options {
    let mut all = json!(ears::Options::default());
    for set in sets {
        let (key, value) = set.split_once('=').expect("key=value");
        let key = if key.contains('.') {
            key.to_owned()
        } else {
            format!("live.{key}")
        };
        let place = all.pointer_mut(&format!("/{}", key.replace('.', "/")));
        *place.unwrap_or_else(|| panic!("no option {key}")) =
            serde_json::from_str(value).expect("JSON");
    }
    serde_json::from_value(all).expect("options")
}

fn report(
    (args, options): (&Args, &Options),
    shared: &Path,
    name: &str,
    lines: &[Line],
    score: &Score,
) {
    score.print(lines, options);
    if args.texts {
        score.print_words();
    }
    let tracks: Vec<_> = (score.tracks.iter().zip(lines))
        .filter(|(_, line)| line.first)
        .map(|(track, line)| track.hypothesis(line, score.cpu / lines.len() as f64))
        .collect();
    if tracks.is_empty() {
        println!("  (no word error rate: the calls were not heard to their ends)");
        return;
    }
    common::judge(
        &shared.join("speech/calls"),
        &format!("live-{name}"),
        &tracks,
    );
}

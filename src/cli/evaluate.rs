//! `callscribe evaluate`: how well and at what cost a folder of recordings with known words is heard.
//!
//! | file | |
//! |---|---|
//! | [`corpus`], [`manifest`] | the recordings, and what is said in them |
//! | [`hear`], [`watch`] | the final pass, or the live engine over simulated time |
//! | [`report`], [`figures`] | what was found, file by file and in all |
//! | [`table`], [`compare`] | for people; against an earlier evaluation |

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{bail, ensure};
use glob::Pattern;

use super::transcribe::{self, Bar};
use crate::{
    config::Config,
    speech::{Engine, EngineError, final_pass, models, whisper::Whisper},
    transcript::wer,
};

mod compare;
mod corpus;
mod figures;
mod hear;
mod manifest;
mod report;
mod table;
#[cfg(test)]
mod tests;
mod watch;

use corpus::Corpus;
use report::{FileScore, Kind, METHOD, Parameters, Report, Run};

/// Measure how well recordings with known words are heard: word error rate, cost, invented words.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
DIR holds manifest.tsv, whose first line names the columns (file and text are needed; of texts that are \
empty or begin with DRAFT there is no error rate; in files below nonspeech/ every word is an invented \
one), or calls NAME.wav with NAME.json beside them, in it or right below it: {\"turns\": [{\"track\": \
\"inbound\", \"start\": 1.0, \"end\": 2.5, \"text\": \"…\"}, …]}.

Exit status: 0; 1 nothing could be evaluated, --worst-wer is exceeded or, with --strict, something is \
worse than --against or could not be read.")]
pub struct Args {
    /// Recordings with known words.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Name of a model, or a path to one; may be repeated.
    #[arg(long, value_name = "NAME")]
    model: Vec<String>,
    /// Folder where the models lie.
    #[arg(long, value_name = "FOLDER")]
    models_dir: Option<PathBuf>,
    /// ISO 639-1, as `en` or `he`; heard from the audio where none is given.
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// Hypotheses kept in the final pass's search.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8))]
    beam: Option<u32>,
    /// Only files whose name below DIR is like this, as in `read_en/*`.
    #[arg(long, value_name = "GLOB")]
    only: Option<Pattern>,
    /// At most so many files, of each set in turn.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Live words, too: the live engine over simulated time, as mu-law of 8 kHz. Stream time is the clock
    /// and each decode takes its CPU time.
    #[arg(long)]
    live: bool,
    /// No final pass: live words only.
    #[arg(long, requires = "live")]
    no_final: bool,
    /// Write everything to this file: parameters, texts, counts, figures.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Compare with an earlier --json, over the files that both heard: WER by a paired bootstrap, CPU time
    /// and latencies with 10 % for noise. Time on the wall is not compared: other work makes it.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Fail when something is worse than --against, or could not be read.
    #[arg(long)]
    strict: bool,
    /// Fail when a run's word error rate is above so many percent.
    #[arg(long, value_name = "PERCENT")]
    worst_wer: Option<f64>,
}

/// Evaluates, tells and judges. What cannot be read is told on standard error, and the rest goes on.
///
/// # Errors
/// When there is nothing to evaluate, a model is missing, or a report cannot be read or written.
pub fn run(args: &Args, config: &Config) -> anyhow::Result<ExitCode> {
    let folder = args.models_dir.as_ref().unwrap_or(&config.models.folder);
    let load = |name: &str| -> anyhow::Result<Box<dyn Engine>> {
        Ok(Box::new(Whisper::load(&models::find(folder, name)?)?))
    };
    evaluate(args, config, &load)
}

type Load<'a> = &'a dyn Fn(&str) -> anyhow::Result<Box<dyn Engine>>;

fn evaluate(args: &Args, config: &Config, load: Load<'_>) -> anyhow::Result<ExitCode> {
    let earlier = args.against.as_deref().map(Report::read).transpose()?;
    let mut corpus = Corpus::load(&args.folder)?;
    for problem in &corpus.problems {
        eprintln!("error: {problem}");
    }
    corpus.choose(args.only.as_ref(), args.limit)?;
    ensure!(!corpus.items.is_empty(), "there is nothing to evaluate");
    let mut report = Report {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        parameters: parameters(args, config),
        problems: corpus.problems.clone(),
        runs: Vec::new(),
    };
    let configured = [config.speech.final_model.clone()];
    let names = match &args.model[..] {
        [] => &configured[..],
        names => names,
    };
    for name in names {
        let engine = load(name)?;
        for kind in args.kinds() {
            let run = one_run(&corpus, kind, &*engine, &report.parameters)?;
            report.runs.push(run);
        }
    }
    if report.runs.iter().all(|run| run.files.is_empty()) {
        bail!("no file could be evaluated");
    }
    if let Some(path) = &args.json {
        report.write(path)?;
    }
    print!("{}", table::render(&report));
    judge(args, &report, earlier.as_ref())
}

impl Args {
    fn kinds(&self) -> impl Iterator<Item = Kind> + use<> {
        let last = (!self.no_final).then_some(Kind::Final);
        last.into_iter().chain(self.live.then_some(Kind::Live))
    }
}

fn parameters(args: &Args, config: &Config) -> Parameters {
    let pass = transcribe::options(args.language.clone(), config);
    Parameters {
        folder: args.folder.display().to_string(),
        only: args.only.as_ref().map(ToString::to_string),
        limit: args.limit,
        interval: METHOD.to_owned(),
        resamples: wer::RESAMPLES,
        seed: wer::SEED,
        final_pass: final_pass::Options {
            beam: args.beam.unwrap_or(pass.beam),
            ..pass
        },
        live: config.ears.live.clone(),
    }
}

fn one_run(
    corpus: &Corpus,
    kind: Kind,
    engine: &dyn Engine,
    parameters: &Parameters,
) -> Result<Run, EngineError> {
    let mut session = engine.session()?;
    let (pass, live) = (&parameters.final_pass, &parameters.live);
    let language = pass.language.clone();
    let (mut files, mut failed) = (Vec::new(), Vec::new());
    for (n, item) in corpus.items.iter().enumerate() {
        let bar = Bar::new(&format!("{}/{} {}", n + 1, corpus.items.len(), item.name));
        let heard = match kind {
            Kind::Final => hear::finally(item, &bar, engine, &mut *session, pass),
            Kind::Live => hear::live(item, &bar, engine, live, language.as_deref()),
        };
        match heard {
            Ok(heard) => files.push(FileScore::new(item, heard)),
            Err(error) => {
                drop(bar);
                let told = transcribe::named(&item.path.display().to_string(), &error);
                eprintln!("error: {told}");
                failed.push(told);
            }
        }
    }
    Ok(Run {
        kind,
        model: engine.model().clone(),
        language,
        failed,
        figures: figures::figures(&files),
        files,
    })
}

fn judge(args: &Args, report: &Report, earlier: Option<&Report>) -> anyhow::Result<ExitCode> {
    let failed: usize = report.runs.iter().map(|run| run.failed.len()).sum();
    let mut bad = args.strict && failed + report.problems.len() > 0;
    if let Some(earlier) = earlier {
        println!("\nAgainst {}:", shown(args.against.as_deref()));
        for comparison in compare::compare(earlier, report)? {
            print!("{comparison}");
            bad |= args.strict && comparison.is_worse();
        }
    }
    for run in &report.runs {
        let rate = run.figures.first().and_then(|all| all.wer);
        if let (Some(rate), Some(worst)) = (rate, args.worst_wer)
            && rate * 100.0 > worst
        {
            let rate = table::percent(rate);
            eprintln!("{}: {rate} is above --worst-wer {worst}", run.model.name);
            bad = true;
        }
    }
    Ok(if bad {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn shown(path: Option<&Path>) -> String {
    path.map_or(String::new(), |path| path.display().to_string())
}

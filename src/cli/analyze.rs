//! `callscribe analyze`: what is wrong with a recording, as a table, JSON or a page, with pictures.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};

use super::transcribe;
use crate::{
    analysis::plot,
    config::Config,
    speech::{Engine, Session, final_pass, models, whisper::Whisper},
};

mod html;
mod read;
mod table;

use read::Report;

/// Analyse recordings: levels, noise, dropouts, bandwidth, who talks when. The left channel is inbound,
/// the right outbound; our own recordings of both tracks of a stream are taken together.
#[derive(clap::Args)]
pub struct Args {
    /// WAV, MP3 or Ogg Opus; patterns like `audio_recordings/*.wav` work in quotes, too.
    #[arg(required = true, value_name = "FILE|GLOB")]
    files: Vec<String>,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Where the report goes, instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Draw each recording as FOLDER/NAME.svg and FOLDER/NAME.png; this folder where none is named.
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, require_equals = true, default_missing_value = ".")]
    plot: Option<PathBuf>,
    /// Write the words under the wave, and into JSON.
    #[arg(long)]
    transcribe: bool,
    /// ISO 639-1, as `en` or `he`; heard from the audio where none is given.
    #[arg(long, value_name = "CODE", requires = "transcribe")]
    language: Option<String>,
    /// Name of a model, or a path to one.
    #[arg(long, value_name = "NAME", requires = "transcribe")]
    model: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A line for each track.
    Table,
    /// A list of one object for each recording.
    Json,
    /// One file that needs no other: tables and pictures.
    Html,
}

/// Analyses every recording that can be; what cannot be is told on standard error. Exit code 1 where one
/// could not be read.
///
/// # Errors
/// When nothing could be read, there is no model, or the report cannot be written.
pub fn run(args: &Args, config: &Config) -> anyhow::Result<ExitCode> {
    let mut ears = args
        .transcribe
        .then(|| Ears::load(args, config))
        .transpose()?;
    if let Some(folder) = &args.plot {
        fs::create_dir_all(folder).with_context(|| format!("--plot {}", folder.display()))?;
    }
    let pictures = args.plot.is_some() || args.format == Format::Html;
    let (mut reports, mut failed) = (Vec::new(), 0);
    for recording in read::recordings(&args.files) {
        let (name, report) = match recording {
            Ok(recording) => {
                let report = read::report(&recording, pictures, ears.as_mut());
                let drawn = report.and_then(|report| args.draw(&report).map(|()| report));
                (recording.name, drawn)
            }
            Err((pattern, error)) => (pattern, Err(error)),
        };
        match report {
            Ok(report) => reports.push(report),
            Err(error) => {
                eprintln!("error: {}", transcribe::named(&name, &error));
                failed += 1;
            }
        }
    }
    if reports.is_empty() {
        bail!("nothing was analysed");
    }
    let text = match args.format {
        Format::Table => table::render(&reports),
        Format::Json => serde_json::to_string_pretty(&reports)? + "\n",
        Format::Html => html::render(&reports),
    };
    match &args.output {
        Some(path) => {
            fs::write(path, text).with_context(|| format!("writing {}", path.display()))?
        }
        None => std::io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Args {
    fn draw(&self, report: &Report) -> anyhow::Result<()> {
        let Some(folder) = &self.plot else {
            return Ok(());
        };
        let svg = report.svg();
        let write = |extension: &str, bytes: &[u8]| {
            let path = folder.join(format!("{}.{extension}", report.stem()));
            fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))
        };
        write("svg", svg.as_bytes())?;
        write("png", &plot::png(&svg)?)
    }
}

/// What hears the words.
struct Ears {
    engine: Whisper,
    session: Box<dyn Session>,
    options: final_pass::Options,
}

impl Ears {
    fn load(args: &Args, config: &Config) -> anyhow::Result<Self> {
        let name = args.model.as_ref().unwrap_or(&config.speech.final_model);
        let engine = Whisper::load(&models::find(&config.models.folder, name)?)?;
        Ok(Self {
            session: engine.session()?,
            engine,
            options: transcribe::options(args.language.clone(), config),
        })
    }

    fn hear(&mut self, file: &Path) -> anyhow::Result<crate::transcript::Document> {
        transcribe::document(file, &self.engine, &mut *self.session, &self.options)
    }
}

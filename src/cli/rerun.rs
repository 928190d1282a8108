//! `callscribe rerun`: a stored call is heard again, and old and new stand side by side.
//!
//! Without options the parameters are those that are stored with the call: the same build and model then
//! come to the same words, times and confidences, to the last bit, and this says so. What is given
//! (`--model`, `--language`, `--configured`) changes one thing at a time. Nothing is stored.

use anyhow::{Context, bail};
use serde::Serialize;

use super::runtime;
use crate::{
    config::Config,
    ids::{CallSid, Track},
    recordings::archive::is_archived,
    speech::{Engine, ModelInfo, Word, models, whisper::Whisper},
    store::{Call, LiveTrace, Recording, RecordingState, Store, Stream, Transcript, VersionKind},
    time::Clock,
    transcript::Segment,
};

mod again;
mod show;

/// Run the final or the live engine again on a stored call, and show old and new side by side.
#[derive(clap::Args)]
pub struct Args {
    /// The call's id, as its page shows it.
    #[arg(value_name = "CALL")]
    call: CallSid,
    /// The live text instead of the final one: the same windows, looked at in the same order.
    #[arg(long)]
    live: bool,
    /// The version to hold it against; the newest of its kind where none is named.
    #[arg(long, value_name = "N", conflicts_with = "live")]
    version: Option<u32>,
    /// Another model: a name, or a path.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Another language; ISO 639-1.
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// The parameters as they are configured now (file, environment, --set), not as they were then.
    #[arg(long)]
    configured: bool,
    /// All of it as JSON.
    #[arg(long)]
    json: bool,
}

/// What is stored of a call.
struct Stored {
    call: Call,
    streams: Vec<Stream>,
    recordings: Vec<Recording>,
    transcript: Transcript,
    traces: Vec<LiveTrace>,
}

/// A text of the call, and how it was made.
#[derive(Serialize)]
struct Side {
    model: ModelInfo,
    build: Option<String>,
    parameters: serde_json::Value,
    /// Of this run; `None` for what is stored.
    seconds: Option<f64>,
    words: Vec<(Track, Word)>,
}

/// Both texts.
#[derive(Serialize)]
struct Comparison {
    call: CallSid,
    version: u32,
    then: Side,
    now: Side,
    /// Every word, time and confidence is the same.
    same: bool,
    /// Word error rate of the new text against the old.
    wer: Option<f64>,
}

/// # Errors
/// When there is no such call, version, recording or model, or a recording is not what it was.
pub fn run(args: &Args, config: &Config) -> anyhow::Result<()> {
    let stored = runtime()?.block_on(load(args, config))?;
    let then = stored.then(args)?;
    let name = args.model.as_ref().unwrap_or(&then.model.name);
    let file = models::find(&config.models.folder, name)?;
    let engine = Whisper::load(&file)?;
    if args.model.is_none() && engine.model().sha256 != then.model.sha256 {
        eprintln!("note: the model {name} is another file than it was then");
    }
    let mut parts = stored.audible().flat_map(|(_, recording)| &recording.parts);
    if parts.any(|part| is_archived(&part.path)) {
        eprintln!(
            "note: the recording was archived as Opus: it is not, bit for bit, what was heard then"
        );
    }
    let clock = Clock::system();
    let start = clock.now();
    let (parameters, words) = if args.live {
        again::live(&stored, args, config, &engine)?
    } else {
        again::last(&stored, args, config, &engine, &then.parameters)?
    };
    let now = Side {
        model: engine.model().clone(),
        build: Some(env!("CARGO_PKG_VERSION").into()),
        parameters,
        seconds: Some(clock.now().duration_since(start).as_secs_f64()),
        words,
    };
    let comparison = Comparison {
        call: args.call.clone(),
        version: stored.transcript.version.version,
        same: then.words == now.words,
        wer: show::counts(&then, &now).rate(),
        then,
        now,
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&comparison)?);
    } else {
        print!("{}", show::render(&comparison));
    }
    Ok(())
}

async fn load(args: &Args, config: &Config) -> anyhow::Result<Stored> {
    let store = Store::open(&config.store).await?;
    let stored = read(&store, args).await;
    store.close().await;
    stored
}

async fn read(store: &Store, args: &Args) -> anyhow::Result<Stored> {
    let call = store.call(&args.call).await?;
    let call = call.with_context(|| format!("there is no call {}", args.call))?;
    let versions = store.versions(&args.call).await?;
    let newest = versions.iter().map(|version| version.version).max();
    // The live text is the first version.
    let version = if args.live {
        Some(1)
    } else {
        args.version.or(newest)
    };
    let transcript = store.transcript(&args.call, version).await?;
    let transcript = transcript.with_context(|| {
        format!(
            "the call has no version {}: it has 1 to {}",
            version.unwrap_or(0),
            newest.unwrap_or(0)
        )
    })?;
    if !args.live && transcript.version.kind == VersionKind::Live {
        bail!(
            "version {} is no final text: --live runs the live one again",
            transcript.version.version
        );
    }
    Ok(Stored {
        streams: store.streams(&args.call).await?,
        recordings: store.recordings(&args.call).await?,
        traces: store.traces(&args.call).await?,
        call,
        transcript,
    })
}

impl Stored {
    /// The text as it is stored.
    fn then(&self, args: &Args) -> anyhow::Result<Side> {
        let words = in_order(&self.transcript.segments);
        if !args.live {
            let version = &self.transcript.version;
            return Ok(Side {
                model: version
                    .model
                    .clone()
                    .context("a final text without its model")?,
                build: None,
                parameters: version.parameters.clone(),
                seconds: None,
                words,
            });
        }
        let trace = self.traces.first().context(
            "how the live text came to be is not stored: the call had none, or is from before that was kept",
        )?;
        Ok(Side {
            model: trace.models.live.clone(),
            build: Some(trace.build.clone()),
            parameters: serde_json::to_value(&trace.trace.options)?,
            seconds: None,
            words,
        })
    }

    /// Recordings that can be heard, with the stream of each.
    fn audible(&self) -> impl Iterator<Item = (&Stream, &Recording)> {
        let there = |r: &&Recording| r.state != RecordingState::Deleted && !r.parts.is_empty();
        self.recordings
            .iter()
            .filter(there)
            .filter_map(|recording| {
                let stream = self
                    .streams
                    .iter()
                    .find(|s| s.key == recording.key.stream)?;
                Some((stream, recording))
            })
    }
}

/// Word by word, a track after the other.
fn in_order(segments: &[Segment]) -> Vec<(Track, Word)> {
    let mut segments: Vec<&Segment> = segments.iter().collect();
    segments.sort_by_key(|segment| (segment.track, segment.start));
    let words = |segment: &&Segment| {
        let track = segment.track;
        let words = segment.words.clone();
        words.into_iter().map(move |word| (track, word))
    };
    segments.iter().flat_map(words).collect()
}

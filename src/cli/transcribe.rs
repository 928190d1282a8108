//! `callscribe transcribe`: the pass that follows a call, on any file.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    audio::decode::{self, ChannelSource},
    config::Config,
    ids::Track,
    speech::{
        Engine, Session,
        final_pass::{self, FinalTrack},
        models,
        whisper::Whisper,
    },
    time::MediaTime,
    transcript::{self, Document, Segment, TrackSpan, formats},
};

/// Transcribe files: WAV, MP3 or Ogg Opus, mono or stereo. The left channel is inbound, the right outbound.
#[derive(clap::Args)]
pub struct Args {
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// ISO 639-1, as `en` or `he`; heard from the audio where none is given.
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// Name of a model, or a path to one.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Of several files, JSON comes one to a line.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Folder where the models lie.
    #[arg(long, value_name = "FOLDER")]
    models_dir: Option<PathBuf>,
    /// Where the transcript goes, instead of standard output: a file, or a folder that gets one for
    /// each FILE.
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Json,
    Txt,
    Srt,
    Vtt,
}

/// Transcribes every file that can be; what cannot be is told on standard error.
///
/// # Errors
/// When there is no model, or a file could not be transcribed.
pub fn run(args: &Args, config: &Config) -> anyhow::Result<()> {
    let output = Output::new(args)?;
    let name = args.model.as_ref().unwrap_or(&config.speech.final_model);
    let folder = args.models_dir.as_ref().unwrap_or(&config.models.folder);
    let engine = Whisper::load(&models::find(folder, name)?)?;
    let options = options(args.language.clone(), config);
    transcribe_all(&args.files, &engine, &options, &output)
}

/// As configured, but for a language that was asked for.
pub(super) fn options(language: Option<String>, config: &Config) -> final_pass::Options {
    let configured = config.final_pass.language.clone();
    final_pass::Options {
        language: language.or(configured).or_else(|| config.speech.language()),
        ..config.final_pass.clone()
    }
}

fn transcribe_all(
    files: &[PathBuf],
    engine: &dyn Engine,
    options: &final_pass::Options,
    output: &Output,
) -> anyhow::Result<()> {
    let mut session = engine.session()?;
    let mut failed = 0;
    for file in files {
        let document = document(file, engine, &mut *session, options);
        if let Err(error) = document.and_then(|document| output.write(file, &document)) {
            eprintln!("error: {}", named(&file.display().to_string(), &error));
            failed += 1;
        }
    }
    match (failed, files.len()) {
        (0, _) => Ok(()),
        (_, 1) => bail!("nothing was transcribed"),
        (failed, all) => bail!("{failed} of {all} files were not transcribed"),
    }
}

/// An error with the name of its file; the audio's errors name theirs already.
pub(super) fn named(file: &str, error: &anyhow::Error) -> String {
    let error = format!("{error:#}");
    if error.starts_with(file) {
        error
    } else {
        format!("{file}: {error}")
    }
}

/// Runs the pass over every channel, with a progress bar.
pub(super) fn document(
    file: &Path,
    engine: &dyn Engine,
    session: &mut dyn Session,
    options: &final_pass::Options,
) -> anyhow::Result<Document> {
    let name = file.file_name().unwrap_or(file.as_os_str());
    let bar = Bar::new(&name.to_string_lossy());
    hear(file, &bar, engine, session, options)
}

/// As [`document`], with the caller's bar.
pub(super) fn hear(
    file: &Path,
    bar: &Bar,
    engine: &dyn Engine,
    session: &mut dyn Session,
    options: &final_pass::Options,
) -> anyhow::Result<Document> {
    let opened = decode::open(file)?;
    let channels = opened.channels();
    if channels > Track::ALL.len() {
        bail!("it has {channels} channels: mono is inbound, stereo inbound and outbound");
    }
    bar.expect(channels, opened.duration());
    let mut tracks = Vec::new();
    for track in &Track::ALL[..channels] {
        let mut source = ChannelSource::open(file, track.index())?;
        let progress = |at| bar.at(track.index(), at);
        let heard = final_pass::transcribe(session, &mut source, options, progress)?;
        tracks.push((*track, heard));
    }
    Ok(merged(tracks, &engine.model().name))
}

fn merged(tracks: Vec<(Track, FinalTrack)>, model: &str) -> Document {
    let said =
        |track: &FinalTrack| -> usize { track.utterances.iter().map(|u| u.words.len()).sum() };
    let durations = tracks.iter().map(|(_, heard)| heard.duration);
    let duration = durations.max().unwrap_or_default();
    let chattiest = tracks.iter().max_by_key(|(_, heard)| said(heard));
    let language = chattiest.and_then(|(_, heard)| heard.language.clone());
    let mut segments = Vec::new();
    let mut coverage = Vec::new();
    for (track, heard) in tracks {
        segments.extend(heard.utterances.into_iter().map(|utterance| Segment {
            track,
            speaker: None,
            start: utterance.start,
            end: utterance.end,
            text: utterance.text,
            words: utterance.words,
        }));
        coverage.extend(heard.coverage.into_iter().map(|span| TrackSpan {
            track,
            start: span.start,
            end: span.end,
            kind: span.kind,
        }));
    }
    Document {
        duration,
        language,
        model: Some(model.to_owned()),
        segments: transcript::merge(segments),
        coverage,
    }
}

/// Where transcripts go, and in which form.
struct Output {
    format: Format,
    place: Place,
}

enum Place {
    /// Several of them: in plain text, each is headed by its file's name.
    Stdout {
        several: bool,
    },
    File(PathBuf),
    Folder(PathBuf),
}

impl Output {
    fn new(args: &Args) -> anyhow::Result<Self> {
        let several = args.files.len() > 1;
        let place = match &args.output {
            None if several && matches!(args.format, Format::Srt | Format::Vtt) => {
                bail!("subtitles of several files do not go into one: name a folder by --output")
            }
            None => Place::Stdout { several },
            Some(path) if several || path.is_dir() => {
                fs::create_dir_all(path).with_context(|| format!("--output {}", path.display()))?;
                Place::Folder(path.clone())
            }
            Some(path) => Place::File(path.clone()),
        };
        let format = args.format;
        Ok(Self { format, place })
    }

    fn write(&self, file: &Path, document: &Document) -> anyhow::Result<()> {
        let text = match self.format {
            Format::Json => serde_json::to_string(document)? + "\n",
            Format::Txt => formats::txt(document),
            Format::Srt => formats::srt(document),
            Format::Vtt => formats::vtt(document),
        };
        let path = match &self.place {
            Place::Stdout { several } => {
                let mut out = io::stdout().lock();
                if *several && self.format == Format::Txt {
                    writeln!(out, "{}:", file.display())?;
                }
                out.write_all(text.as_bytes())?;
                return Ok(out.flush()?);
            }
            Place::File(path) => path.clone(),
            Place::Folder(folder) => {
                let stem = file.file_stem().unwrap_or(file.as_os_str());
                let mut name = stem.to_owned();
                name.push(".");
                name.push(self.format.extension());
                folder.join(name)
            }
        };
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }
}

impl Format {
    const fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Txt => "txt",
            Self::Srt => "srt",
            Self::Vtt => "vtt",
        }
    }
}

/// How far a file is, on a terminal; nothing elsewhere.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(name: &str) -> Self {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_message(name.to_owned());
        Self(bar)
    }

    /// Of how many tracks, and how long each says it is.
    pub(super) fn expect(&self, tracks: usize, duration: Option<MediaTime>) {
        let template = match duration {
            Some(duration) => {
                self.0.set_length(duration.as_ms() * tracks as u64);
                "{msg} [{bar:30}] {percent:>3} %, {eta} left"
            }
            None => "{msg} {spinner} {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style.progress_chars("=> "));
        }
        self.0.tick();
    }

    pub(super) fn at(&self, track: usize, at: MediaTime) {
        let tracks_before = match self.0.length() {
            Some(all) if track > 0 => all / 2,
            _ => 0,
        };
        self.0.set_position(tracks_before + at.as_ms());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::{Decoded, Request, Word, scripted::Scripted};

    /// A WAV file of noise that swells as speech does, on each of its channels.
    fn wav(path: &Path, channels: u16) {
        let spec = hound::WavSpec {
            channels,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(path, spec).unwrap();
        for n in 0..24_000_u32 {
            for _ in 0..channels {
                let t = f64::from(n) / 8_000.0;
                let pulse = (1..20)
                    .map(|h| (t * 754.0 * f64::from(h)).sin())
                    .sum::<f64>();
                let swell = (t * 12.0).sin().powi(2);
                #[expect(clippy::cast_possible_truncation, reason = "a loudness")]
                writer.write_sample((pulse * swell * 900.0) as i16).unwrap();
            }
        }
        writer.finalize().unwrap();
    }

    fn hello(request: &Request<'_>) -> Result<Decoded, crate::speech::EngineError> {
        assert!(!request.samples.is_empty());
        let word = |text: &str, ms| Word {
            text: text.into(),
            start: MediaTime::from_ms(ms),
            end: MediaTime::from_ms(ms + 300),
            confidence: 0.5,
        };
        Ok(Decoded {
            words: vec![word("Hello", 600), word("there.", 1_000)],
            language: "en".into(),
            language_p: 0.9,
            avg_logprob: -0.1,
            ..Decoded::default()
        })
    }

    fn check(channels: u16) -> Document {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("call.wav");
        wav(&path, channels);
        let engine = Scripted::new(hello);
        let options = final_pass::Options::default();
        document(&path, &engine, &mut *engine.session().unwrap(), &options).unwrap()
    }

    #[test]
    fn left_is_inbound_and_right_is_outbound() {
        let mono = check(1);
        assert!(mono.segments.iter().all(|s| s.track == Track::Inbound));
        assert!(mono.coverage.iter().all(|s| s.track == Track::Inbound));
        let stereo = check(2);
        for track in Track::ALL {
            assert!(stereo.segments.iter().any(|s| s.track == track));
            assert!(stereo.coverage.iter().any(|s| s.track == track));
        }
        assert_eq!(stereo.duration, MediaTime::from_ms(3_000));
    }

    #[test]
    fn json_has_these_keys_and_no_others() {
        let json = serde_json::to_value(check(1)).unwrap();
        let keys = |value: &serde_json::Value| -> Vec<String> {
            let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
            keys.sort_unstable();
            keys
        };
        assert_eq!(
            keys(&json),
            ["coverage", "duration", "language", "model", "segments"]
        );
        let segment = &json["segments"][0];
        assert_eq!(keys(segment), ["end", "start", "text", "track", "words"]);
        assert_eq!(
            keys(&segment["words"][0]),
            ["confidence", "end", "start", "text"]
        );
        assert_eq!(
            keys(&json["coverage"][0]),
            ["end", "kind", "start", "track"]
        );
        assert_eq!(segment["text"], "Hello there.");
        assert_eq!(json["model"], "scripted");
    }

    #[test]
    fn a_bad_file_is_told_and_the_others_go_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        wav(&path("good.wav"), 1);
        wav(&path("many.wav"), 3);
        fs::write(path("bad.wav"), "no audio").unwrap();
        let files = ["bad.wav", "many.wav", "missing.wav", "good.wav"].map(path);
        for format in [Format::Json, Format::Txt, Format::Srt, Format::Vtt] {
            let output = Output {
                format,
                place: Place::Folder(dir.path().to_owned()),
            };
            let engine = Scripted::new(hello);
            let options = final_pass::Options::default();
            let failed = transcribe_all(&files, &engine, &options, &output).unwrap_err();
            assert_eq!(failed.to_string(), "3 of 4 files were not transcribed");
            let written = fs::read_to_string(path(&format!("good.{}", format.extension())));
            assert!(written.unwrap().contains("Hello there."));
        }
    }
}

//! The engines at work on what is stored.

use anyhow::{Context, bail};

use super::{super::transcribe, Args, Stored, in_order};
use crate::{
    audio::pcm::WavSource,
    config::Config,
    ids::Track,
    speech::{
        Engine, EngineError, Session, Word, final_pass,
        live::{Heard, Window},
        whisper::Whisper,
    },
    store::{LiveTrace, Recording, Stream},
    transcript::Segment,
};

type Words = Vec<(Track, Word)>;

/// The final pass over every recording; the parameters it had, and its words.
pub(super) fn last(
    stored: &Stored,
    args: &Args,
    config: &Config,
    engine: &Whisper,
    then: &serde_json::Value,
) -> anyhow::Result<(serde_json::Value, Words)> {
    let mut options: final_pass::Options = if args.configured {
        transcribe::options(None, config)
    } else {
        serde_json::from_value(then.clone()).context("the stored parameters")?
    };
    let parameters = serde_json::to_value(&options)?;
    let of_call = stored.call.language.clone();
    options.language = args.language.clone().or(of_call).or(options.language);
    let mut session = engine.session()?;
    let mut segments = Vec::new();
    for (stream, recording) in stored.audible() {
        let mut source = open(recording)?;
        let heard = final_pass::transcribe(&mut *session, &mut source, &options, |_| {})?;
        let placed = |u: final_pass::Utterance| {
            segment(stream, recording.key.track, u.start, u.end, u.words)
        };
        segments.extend(heard.utterances.into_iter().map(placed));
    }
    if segments.is_empty() && stored.audible().next().is_none() {
        bail!("the call's recordings are gone");
    }
    Ok((parameters, in_order(&segments)))
}

/// The live text of every track, step by step as it came to be.
pub(super) fn live(
    stored: &Stored,
    args: &Args,
    config: &Config,
    engine: &Whisper,
) -> anyhow::Result<(serde_json::Value, Words)> {
    let mut segments = Vec::new();
    let mut parameters = serde_json::Value::Null;
    for kept in &stored.traces {
        let (stream, recording) = (stored.audible())
            .find(|(_, recording)| recording.key == kept.key)
            .with_context(|| format!("the {} recording is gone", kept.key.track))?;
        let mut kept = kept.clone();
        if args.configured {
            kept.trace.options = config.ears.live.clone();
        }
        if args.language.is_some() {
            kept.trace.language.clone_from(&args.language);
        }
        parameters = serde_json::to_value(&kept.trace.options)?;
        let mut session = engine.session()?;
        let heard = follow(&kept, recording, &mut *session)?;
        segments.extend(heard.into_iter().filter_map(|heard| match heard {
            Heard::Completed {
                start, end, words, ..
            } => Some(segment(stream, kept.key.track, start, end, words)),
            _ => None,
        }));
    }
    Ok((parameters, in_order(&segments)))
}

fn follow(
    kept: &LiveTrace,
    recording: &Recording,
    session: &mut dyn Session,
) -> anyhow::Result<Vec<Heard>> {
    let (mut source, mut at, mut heard) = (open(recording)?, 0, Vec::new());
    let read = |count: u64, out: &mut Vec<i16>| {
        let got = source.read_samples(at..at + count, out)?;
        at += got as u64;
        Ok::<_, crate::audio::source::Error>(())
    };
    let decode = |window: &Window| match window.small {
        true => Err(EngineError::BadInput("the small model is not asked again")),
        false => session.decode(&window.request()),
    };
    if kept.trace.cut {
        eprintln!(
            "note: of the {} track's live text only the beginning was kept",
            kept.key.track
        );
    }
    let track = kept.key.track;
    (kept.trace.again(read, decode, |event| heard.push(event)))
        .with_context(|| format!("the {track} track"))?;
    Ok(heard)
}

fn open(recording: &Recording) -> anyhow::Result<WavSource> {
    Ok(recording.open()?)
}

fn segment(
    stream: &Stream,
    track: Track,
    start: crate::time::MediaTime,
    end: crate::time::MediaTime,
    words: Vec<Word>,
) -> Segment {
    let segment = Segment {
        track,
        speaker: None,
        start,
        end,
        text: String::new(),
        words,
    };
    segment.shifted(stream.position)
}

//! Our own recordings, sent as they were received: both tracks of a stream in one, nothing where a gap is,
//! marks when they came, and the streams of a call as far apart as they were. Every second sample of a
//! recording is what the phone said ([`crate::audio::resample::Upsampler`]), so the same bytes go out.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use jiff::Timestamp;

use crate::{
    audio::mulaw,
    cli::phone::{Choice, Source},
    ids::{CallSid, StreamSid},
    recordings::{Sidecar, archive},
    time::ENGINE_RATE,
};

/// Samples read at once: 4 s.
const BLOCK: u64 = 4 * ENGINE_RATE;

/// What is to be played: a call of one stream, or of several one after the other.
#[derive(Debug, Clone)]
pub(super) struct Script {
    /// For people.
    pub(super) name: String,
    /// What could not be had as it was.
    pub(super) remarks: Vec<String>,
    pub(super) streams: Vec<Stream>,
}

#[derive(Debug, Clone)]
pub(super) struct Stream {
    /// How long after the first of its call it began.
    pub(super) after: Duration,
    pub(super) source: Source,
    /// Custom parameters of its `start`.
    pub(super) parameters: BTreeMap<String, String>,
}

/// One track.
struct Tape {
    /// The sidecar's.
    path: PathBuf,
    sidecar: Sidecar,
}

/// What the files hold, in their order: recordings of ours where a sidecar says so, else audio as it is.
///
/// # Errors
/// When a file cannot be read, or has not the tracks that were asked for.
pub(super) fn scripts(files: &[PathBuf], choice: Choice) -> anyhow::Result<Vec<Script>> {
    let (tapes, files) = sorted(files)?;
    let mut calls: Vec<(&CallSid, Vec<&Tape>)> = Vec::new();
    for tape in &tapes {
        let call = &tape.sidecar.call_sid;
        match calls.iter_mut().find(|(sid, _)| *sid == call) {
            Some((_, tapes)) => tapes.push(tape),
            None => calls.push((call, vec![tape])),
        }
    }
    let recorded = calls
        .into_iter()
        .map(|(call, tapes)| recorded(call, &tapes, choice));
    let plain = files.iter().map(|path| plain(path, choice));
    recorded.chain(plain).collect()
}

/// Recordings of ours, and the other files; a recording's parts count once, by its sidecar.
fn sorted(files: &[PathBuf]) -> anyhow::Result<(Vec<Tape>, Vec<&PathBuf>)> {
    let mut tapes: Vec<Tape> = Vec::new();
    for file in files {
        let path = file.with_extension("json");
        let named = file.extension().is_some_and(|e| e == "json");
        let sidecar = match Sidecar::read(&path) {
            Ok(sidecar) => sidecar,
            Err(error) if named => {
                let text = format!("{} is no sidecar of a recording", path.display());
                return Err(anyhow::Error::new(error).context(text));
            }
            Err(_) => continue,
        };
        if tapes.iter().all(|tape| tape.path != path) {
            tapes.push(Tape { path, sidecar });
        }
    }
    let parts: Vec<PathBuf> = tapes.iter().flat_map(Tape::parts).collect();
    let other =
        |file: &&PathBuf| !parts.contains(file) && file.extension().is_none_or(|e| e != "json");
    let others = files.iter().filter(other).collect();
    Ok((tapes, others))
}

fn plain(path: &Path, choice: Choice) -> anyhow::Result<Script> {
    Ok(Script {
        name: path.display().to_string(),
        remarks: Vec::new(),
        streams: vec![Stream {
            after: Duration::ZERO,
            source: Source::read(path, choice)?,
            parameters: BTreeMap::new(),
        }],
    })
}

fn recorded(call: &CallSid, tapes: &[&Tape], choice: Choice) -> anyhow::Result<Script> {
    let mut streams: Vec<(&StreamSid, Timestamp, Vec<&Tape>)> = Vec::new();
    for tape in tapes {
        let sidecar = &tape.sidecar;
        match streams.iter_mut().find(|s| *s.0 == sidecar.stream_sid) {
            Some((_, _, tapes)) => tapes.push(tape),
            None => streams.push((&sidecar.stream_sid, sidecar.started_at, vec![tape])),
        }
    }
    streams.sort_by_key(|(_, started, _)| *started);
    let first = streams.first().map(|(_, started, _)| *started);
    let mut script = Script {
        name: format!("the recording of {call}"),
        remarks: tapes.iter().flat_map(|tape| tape.remarks()).collect(),
        streams: Vec::new(),
    };
    for (_, started, mut tapes) in streams {
        tapes.sort_by_key(|tape| tape.sidecar.track);
        let after = first.map_or(Duration::ZERO, |first| {
            started.duration_since(first).unsigned_abs()
        });
        script.streams.push(stream(after, &tapes, choice)?);
    }
    Ok(script)
}

fn stream(after: Duration, tapes: &[&Tape], choice: Choice) -> anyhow::Result<Stream> {
    ensure!(
        choice != Choice::Both || tapes.len() == 2,
        "{} has one track: --both needs the other one's too",
        tapes[0].path.display()
    );
    // As with other files, one track alone may be sent as either.
    let kept = |tape: &&&Tape| match choice {
        Choice::Only(track) => tapes.len() == 1 || tape.sidecar.track == track,
        Choice::AsItIs | Choice::Both => true,
    };
    let (mut tracks, mut parameters) = (Vec::new(), BTreeMap::new());
    for tape in tapes.iter().filter(kept) {
        let track = match choice {
            Choice::Only(track) => track,
            Choice::AsItIs | Choice::Both => tape.sidecar.track,
        };
        let ulaw = tape.ulaw()?;
        let pieces = tape.pieces(ulaw.len());
        tracks.push((track, ulaw, pieces));
        if let Some(speaker) = &tape.sidecar.speaker {
            parameters.insert(format!("{track}_speaker"), speaker.clone());
        }
    }
    let marks = &tapes[0].sidecar.marks;
    let marks = marks.iter().map(|mark| (mark.at, mark.name.clone()));
    Ok(Stream {
        after,
        source: Source::in_pieces(tracks, marks.collect()),
        parameters,
    })
}

impl Tape {
    /// The audio files, in order.
    fn parts(&self) -> impl Iterator<Item = PathBuf> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        (self.sidecar.parts.iter()).map(move |part| folder.join(&part.file))
    }

    fn ulaw(&self) -> anyhow::Result<Vec<u8>> {
        let parts: Vec<PathBuf> = self.parts().collect();
        let channels = self.sidecar.parts.iter().map(|part| part.channel);
        let files = parts.iter().map(PathBuf::as_path).zip(channels);
        let mut source = archive::open(files)
            .with_context(|| format!("cannot read what {} names", self.path.display()))?;
        let (mut ulaw, mut samples) = (Vec::new(), Vec::new());
        let mut at = 0;
        loop {
            samples.clear();
            let read = source.read_samples(at..at + BLOCK, &mut samples)?;
            if read == 0 {
                ensure!(!ulaw.is_empty(), "{} holds no audio", self.path.display());
                return Ok(ulaw);
            }
            ulaw.extend(samples.iter().step_by(2).map(|s| mulaw::encode(*s)));
            at += read as u64;
        }
    }

    /// What of it was received.
    fn pieces(&self, len: usize) -> Vec<Range<usize>> {
        let place = |at: u64| usize::try_from(at).map_or(len, |at| at.min(len));
        let mut pieces = Vec::new();
        let mut from = 0;
        for gap in &self.sidecar.gaps {
            pieces.push(from..place(gap.at.0).max(from));
            from = place((gap.at + gap.len).0).max(from);
        }
        pieces.push(from..len);
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }

    fn remarks(&self) -> Vec<String> {
        let name = self.path.display();
        let mut remarks = Vec::new();
        if self.sidecar.gaps_unlisted > 0 {
            let gaps = self.sidecar.gaps_unlisted;
            remarks.push(format!(
                "{name}: {gaps} more gaps are not listed, and are sent as the silence that is there"
            ));
        }
        if let Some(why) = &self.sidecar.failed {
            remarks.push(format!("{name}: its end was not recorded: {why}"));
        }
        remarks
    }
}

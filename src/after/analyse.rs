//! The analysis of a call's recordings: stored beside the call, and told where it is worth an alert.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Context, Job, Trouble, adopt::over};
use crate::{
    analysis::{Analysis, Probe},
    audio::pcm::WavSource,
    ids::{CallSid, Track},
    store::{
        ANALYSE, Call, Note, NoteKind, Recording, RecordingPart, RecordingState, Stream, open_parts,
    },
    tasks,
    time::{ENGINE_RATE, MediaTime},
};

/// Read at once: 10 s of a track; between them the job heeds the stop.
const PIECE: u64 = 10 * ENGINE_RATE;

/// Measures all recordings of a call, on its time line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analyse {
    pub call: CallSid,
}

/// A recording, and where it begins in the call.
struct Placed {
    track: Track,
    position: MediaTime,
    parts: Vec<RecordingPart>,
}

impl Job for Analyse {
    const KIND: &'static str = ANALYSE;

    async fn run(&self, context: &Context, stop: &CancellationToken) -> Result<(), Trouble> {
        let Some((call, streams, recordings)) = over(context, &self.call).await? else {
            return Ok(());
        };
        let placed = placed(&streams, recordings);
        if placed.is_empty() {
            return Ok(());
        }
        let stop = stop.clone();
        let measured = tasks::aside("analyse", move || measure(&placed, &stop));
        let Some(analysis) = measured.await.context("the analysis died")?? else {
            return Err(Trouble::Soon("the service stops".into()));
        };
        keep(context, &call, &analysis).await
    }
}

/// What can be read, in the order of the call's time line.
fn placed(streams: &[Stream], recordings: Vec<Recording>) -> Vec<Placed> {
    let mut placed: Vec<_> = recordings
        .into_iter()
        .filter(|r| r.state != RecordingState::Deleted && !r.parts.is_empty())
        .filter_map(|recording| {
            let stream = streams.iter().find(|s| s.key == recording.key.stream)?;
            Some(Placed {
                track: recording.key.track,
                position: stream.position,
                parts: recording.parts,
            })
        })
        .collect();
    placed.sort_by_key(|recording| recording.position);
    placed
}

/// What each track holds, of what can be read. `None`: it was stopped.
///
/// # Errors
/// When nothing can be read.
fn measure(placed: &[Placed], stop: &CancellationToken) -> anyhow::Result<Option<Analysis>> {
    let (mut probes, mut unreadable) = (Vec::new(), None);
    for track in Track::ALL {
        let mine: Vec<_> = placed.iter().filter(|p| p.track == track).collect();
        let mut probe = Probe::default();
        for recording in mine {
            // Between two streams nobody was connected.
            let gap = recording.position.saturating_sub(probe.duration());
            match open_parts(&recording.parts) {
                Ok(source) => {
                    fill(&mut probe, gap);
                    if read(source, &mut probe, stop)?.is_none() {
                        return Ok(None);
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a recording cannot be analysed");
                    unreadable = Some(error);
                }
            }
        }
        if probe.duration() > MediaTime::ZERO {
            probes.push((track, probe));
        }
    }
    match unreadable {
        Some(error) if probes.is_empty() => Err(error.into()),
        _ => Ok(Some(Analysis::of(probes).0)),
    }
}

fn fill(probe: &mut Probe, gap: MediaTime) {
    let silence = [0; 1600];
    let mut left = usize::try_from(gap.as_engine_samples()).unwrap_or(0);
    while left > 0 {
        let piece = left.min(silence.len());
        probe.push(&silence[..piece]);
        left -= piece;
    }
}

fn read(
    mut source: WavSource,
    probe: &mut Probe,
    stop: &CancellationToken,
) -> anyhow::Result<Option<()>> {
    let (mut at, mut samples) = (0, Vec::new());
    while at < source.samples() {
        if stop.is_cancelled() {
            return Ok(None);
        }
        samples.clear();
        let end = (at + PIECE).min(source.samples());
        if source.read_samples(at..end, &mut samples)? == 0 {
            break;
        }
        probe.push(&samples);
        at += samples.len() as u64;
    }
    Ok(Some(()))
}

async fn keep(context: &Context, call: &Call, analysis: &Analysis) -> Result<(), Trouble> {
    let now = context.clock.wall();
    let worth = |kind| context.options.alert_on.contains(&kind);
    let alerts: Vec<Note> = (analysis.findings.iter())
        .filter(|finding| worth(finding.kind))
        .map(|finding| Note {
            call: call.sid.clone(),
            stream: None,
            track: finding.track,
            at: MediaTime::ZERO,
            kind: NoteKind::RecordingAlert {
                finding: finding.kind.as_str().to_owned(),
                text: finding.text.clone(),
            },
        })
        .collect();
    context
        .store
        .put_analysis(&call.sid, analysis, &alerts, now)
        .await?;
    for finding in &analysis.findings {
        metrics::counter!("callscribe_recording_findings_total", "kind" => finding.kind.as_str())
            .increment(1);
        if worth(finding.kind) {
            tracing::warn!(call = %call.sid, track = ?finding.track, finding = finding.kind.as_str(), "{}", finding.text);
        }
    }
    Ok(())
}

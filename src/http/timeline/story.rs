//! Rows → events.

use jiff::{SignedDuration, Timestamp};

use super::{Event, Facts};
use crate::{
    store::{
        ANALYSE, ANNOUNCE, DELIVER, DOWNLOAD, DeliveryAttempt, DeliveryState, Fetching, JobState,
        Lead, Note, NoteKind, QueuedJob, Recording, RecordingOutcome, Stream, TRANSCRIBE, Telling,
        UNDERSTAND, Version, VersionKind,
    },
    time::MediaTime,
};

/// As they follow from each other.
const ORDER: [&str; 5] = [DOWNLOAD, TRANSCRIBE, ANALYSE, UNDERSTAND, ANNOUNCE];

pub(super) fn tell(facts: &Facts) -> Vec<Event> {
    let started = facts.call.started_at;
    let mut events = Vec::new();
    events.extend(facts.lead.iter().flat_map(rang));
    events.extend(facts.streams.iter().flat_map(streamed));
    let notes = facts.notes.iter();
    events.extend(notes.map(|(kept_at, note)| noted(started, *kept_at, note)));
    events.extend(facts.recordings.iter().filter_map(recorded));
    events.extend(facts.fetchings.iter().flat_map(fetched));
    events.extend(facts.versions.iter().filter_map(written));
    events.extend(facts.log.iter().map(|log| {
        let said = [&log.meaning.service, &log.meaning.city];
        let said: Vec<&str> = said.into_iter().flatten().map(String::as_str).collect();
        let text = match said.is_empty() {
            true => "Understood what it was about".to_owned(),
            false => format!("Understood what it was about: {}", said.join(", ")),
        };
        event(log.updated_at, "understood", text)
    }));
    // Those that were queued by one transaction have no order of their own.
    let mut jobs: Vec<&QueuedJob> = facts.jobs.iter().collect();
    jobs.sort_by_key(|job| {
        (
            job.created_at,
            ORDER.iter().position(|kind| *kind == job.kind),
        )
    });
    events.extend(jobs.into_iter().flat_map(worked));
    events.extend(facts.tellings.iter().flat_map(told));
    events
}

fn event(at: Timestamp, kind: &'static str, text: impl Into<String>) -> Event {
    Event {
        at,
        until: None,
        position: None,
        kind,
        text: text.into(),
        trouble: false,
        stream: None,
        track: None,
        length: None,
        parts: Vec::new(),
    }
}

fn trouble(at: Timestamp, kind: &'static str, text: impl Into<String>) -> Event {
    Event {
        trouble: true,
        ..event(at, kind, text)
    }
}

fn rang(lead: &Lead) -> Vec<Event> {
    let mut events = vec![event(lead.created_at, "ring", "The call rang")];
    if let Some(at) = lead.ended_at {
        let how = lead.call_status.map_or("over", |status| status.as_str());
        let long = lead.duration_s.map(|s| format!(" after {s} s"));
        let text = format!(
            "The provider said: {how}{}",
            long.as_deref().unwrap_or_default()
        );
        events.push(event(at, "hang_up", text));
    }
    if let (crate::store::LeadStatus::Failed, Some(reason)) = (lead.status, &lead.reason) {
        let text = format!("The lead failed: {reason}");
        events.push(trouble(lead.updated_at, "lead_failed", text));
    }
    events
}

fn streamed(stream: &Stream) -> Vec<Event> {
    let number = stream.key.number;
    let of = |event: Event, position| Event {
        stream: Some(number),
        position: Some(position),
        ..event
    };
    let text = format!("Stream {number} opened");
    let opened = event(stream.opened_at, "stream_opened", text);
    let mut events = vec![of(opened, stream.position)];
    if let Some(at) = stream.closed_at {
        let text = match &stream.end_reason {
            Some(reason) => format!("Stream {number} closed: {}", end_in_words(reason)),
            None => format!("Stream {number} closed"),
        };
        let closed = event(at, "stream_closed", text);
        events.push(Event {
            length: Some(stream.duration),
            ..of(closed, stream.position + stream.duration)
        });
    }
    events
}

/// The names are those of `call::EndReason`; a stream that was imported has others.
fn end_in_words(reason: &str) -> &str {
    match reason {
        "stop" | "stopped" => "the provider ended it",
        "closed" => "the connection was lost",
        "idle" => "nothing came for too long",
        "server_closing" => "the server went down",
        other => other,
    }
}

fn noted(started: Timestamp, kept_at: Timestamp, note: &Note) -> Event {
    let (kind, text, bad) = in_words(&note.kind);
    // What is said of the whole call has no place in it.
    let is_of_all = matches!(
        note.kind,
        NoteKind::FinalFailed { .. } | NoteKind::RecordingAlert { .. }
    );
    let since = i64::try_from(note.at.as_ms()).unwrap_or(i64::MAX);
    let then = started.saturating_add(SignedDuration::from_millis(since));
    Event {
        at: match is_of_all {
            true => kept_at,
            false => then.unwrap_or(kept_at),
        },
        position: (!is_of_all).then_some(note.at),
        stream: note.stream,
        track: note.track,
        trouble: bad,
        length: match note.kind {
            NoteKind::Gap { length } => Some(length),
            _ => None,
        },
        ..event(kept_at, kind, text)
    }
}

/// Its name, for people, and whether it is bad.
fn in_words(kind: &NoteKind) -> (&'static str, String, bool) {
    match kind {
        NoteKind::Dtmf { digit } => ("key", format!("Key {digit} pressed"), false),
        NoteKind::Mark { name } => ("mark", format!("Mark “{name}”"), false),
        NoteKind::Gap { length } => (
            "gap",
            format!(
                "{} of audio never came; silence stands in its place",
                long(*length)
            ),
            false,
        ),
        NoteKind::RecordingFailed { reason } => (
            "recording_failed",
            format!("The recording stopped: {reason}"),
            true,
        ),
        NoteKind::Degraded { level: 0 } => ("degraded", "Live text caught up".into(), false),
        NoteKind::Degraded { level } => (
            "degraded",
            format!("Live text fell behind (step {level})"),
            false,
        ),
        NoteKind::Anomaly { name, count } => (
            "anomaly",
            format!("On the wire: {name}, {count} by then"),
            false,
        ),
        NoteKind::Interrupted => (
            "interrupted",
            "The server stopped in the middle of the call".into(),
            true,
        ),
        NoteKind::RecordingAlert { text, .. } => {
            ("recording_alert", format!("The recording: {text}"), true)
        }
        NoteKind::FinalFailed { reason } => (
            "final_failed",
            format!("The final transcription failed: {reason}"),
            true,
        ),
    }
}

/// `60 ms`, `1.5 s`.
pub(super) fn long(length: MediaTime) -> String {
    match length.as_ms() {
        ms @ 0..1000 => format!("{ms} ms"),
        _ => format!("{:.1} s", length.as_secs()),
    }
}

fn recorded(recording: &Recording) -> Option<Event> {
    let at = recording.closed_at?;
    let text = match &recording.failed {
        None => format!("Recorded: {}", recording.speaker),
        Some(why) => format!("Recorded in part: {} ({why})", recording.speaker),
    };
    Some(Event {
        stream: Some(recording.key.stream.number),
        track: Some(recording.key.track),
        length: Some(recording.duration).filter(|length| *length > MediaTime::ZERO),
        trouble: recording.failed.is_some(),
        ..event(at, "recorded", text)
    })
}

fn fetched(fetching: &Fetching) -> Vec<Event> {
    let sid = &fetching.sid;
    let because = fetching.reason.as_ref().map(|why| format!(": {why}"));
    let because = because.unwrap_or_default();
    let told = format!("The provider told of a recording ({sid})");
    let mut events = vec![event(fetching.created_at, "recording_announced", told)];
    events.extend(match fetching.outcome {
        RecordingOutcome::Waiting => None,
        RecordingOutcome::Used => Some(event(
            fetching.updated_at,
            "recording_downloaded",
            format!("The provider's recording was downloaded and is used{because}"),
        )),
        RecordingOutcome::Unused => Some(event(
            fetching.updated_at,
            "recording_unused",
            format!("The provider's recording is not needed{because}"),
        )),
        RecordingOutcome::Failed => Some(trouble(
            fetching.updated_at,
            "recording_lost",
            format!("The provider's recording cannot be had{because}"),
        )),
    });
    events
}

fn written(version: &Version) -> Option<Event> {
    if version.kind == VersionKind::Live {
        return None;
    }
    let by = version.model.as_ref().map(|model| model.name.as_str());
    let text = format!(
        "Final transcript, version {} by {}: {}",
        version.version,
        by.unwrap_or("an unknown model"),
        version.reason
    );
    Some(event(version.created_at, "version", text))
}

fn worked(job: &QueuedJob) -> Vec<Event> {
    let name = match job.kind.as_str() {
        // What is told to others has its own entries.
        DELIVER => return Vec::new(),
        TRANSCRIBE => "final transcription",
        ANALYSE => "analysis of the recordings",
        UNDERSTAND => "understanding",
        ANNOUNCE => "announcement",
        DOWNLOAD => "download of the provider's recording",
        other => other,
    };
    let error = job.last_error.as_deref().unwrap_or("no reason was kept");
    let tries = match job.attempts {
        0 | 1 => String::new(),
        n => format!(", at try {n}"),
    };
    let queued = format!("Queued: {name}");
    let mut events = vec![event(job.created_at, "job_queued", queued)];
    events.extend(match (job.state, job.finished_at) {
        (JobState::Done, at) => Some(event(
            at.unwrap_or(job.run_at),
            "job_done",
            format!("Done: {name}{tries}"),
        )),
        (JobState::Dead, at) => Some(trouble(
            at.unwrap_or(job.run_at),
            "job_failed",
            format!("Given up: {name}{tries}: {error}"),
        )),
        (JobState::Running, _) => Some(event(
            job.run_at,
            "job_running",
            format!("Under way: {name}{tries}"),
        )),
        (JobState::Queued, _) if job.last_error.is_some() => Some(trouble(
            job.run_at,
            "job_waiting",
            format!(
                "To be tried again: {name}, {} so far: {error}",
                job.attempts
            ),
        )),
        (JobState::Queued, _) => None,
    });
    events
}

fn told(telling: &Telling) -> Vec<Event> {
    let (target, what) = (&telling.target, &telling.event);
    let text = format!("To be told to {target}: {what}");
    let mut events = vec![event(telling.created_at, "webhook_queued", text)];
    events.extend(telling.attempts.iter().map(|try_| tried(target, try_)));
    if telling.state == DeliveryState::Dead {
        let last = telling.attempts.last().map(|try_| try_.started_at);
        let why = telling.reason.as_deref().unwrap_or("no reason was kept");
        let text = format!("{target} is not told of it any more: {why}");
        let at = last.unwrap_or(telling.created_at);
        events.push(trouble(at, "webhook_dead", text));
    }
    events
}

fn tried(target: &str, attempt: &DeliveryAttempt) -> Event {
    let (at, took) = (attempt.started_at, attempt.took_ms);
    let status = attempt.http_status.map(|status| format!(" ({status})"));
    let status = status.unwrap_or_default();
    match &attempt.error {
        None => event(
            at,
            "webhook_delivered",
            format!("{target} was told{status}, in {took} ms"),
        ),
        Some(why) => trouble(
            at,
            "webhook_failed",
            format!("{target} could not be told, try {}: {why}", attempt.number),
        ),
    }
}

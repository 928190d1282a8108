//! `/calls/{id}`: one call, while it lasts and after.

use axum::extract::{Path, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Page, badges, clock, day_and_time, meaning, names, sentence, talk};
use crate::{
    analysis::Analysis,
    http::{
        AppState, HttpError,
        call_file::{CallFile, sid},
        calls::address,
        error::Params,
        ring,
    },
    store::{CallState, Note, NoteKind, Recording, RecordingState, Version, VersionKind},
    time::MediaTime,
};

/// Notes on the page; the API has them all.
const NOTES: usize = 100;

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    version: Option<u32>,
}

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(asked): Params<Asked>,
) -> Result<Page, HttpError> {
    let file = CallFile::load(&state, &sid(&id)?, asked.version).await?;
    let shown = match file.transcript.version.kind {
        VersionKind::Live => "live",
        VersionKind::Final => "final",
    };
    let people = ring::section(&state, &file.call).await?;
    let content = html! {
            (status(&file))
            (people)
            (meaning::section(file.log.as_ref()))
            (players(&file))
            @if let Some(analysis) = &file.analysis { (quality(analysis)) }
            (about(&file))
            (exports(&file))
            p #swapped.banner role="status" hidden {}
            (talk::render(&file))
            button #jump type="button" hidden { "Jump to now" }
    };
    let title = format!("Call {}", file.call.sid);
    Ok(Page::new(title, "call", content)
        .at(file.position)
        .of(&file.call, shown))
}

fn status(file: &CallFile) -> Markup {
    let call = &file.call;
    html! {
        section #status {
            h1 { (names(call)) }
            p.state { (badges(call)) span { (state_in_words(file)) } }
            @if call.interrupted {
                p.banner { "The server stopped in the middle of this call. What was recorded until then is kept and transcribed." }
            }
            @if call.degraded > 0 && call.state == CallState::Live {
                p.banner { "The server is busy: live words come late or not at all. The recording and the final transcript are complete all the same." }
            }
            @for recording in &file.recordings {
                @if let Some(why) = &recording.failed {
                    p.banner { "A recording is not complete (" bdi { (recording.speaker) } "). " (sentence(why)) }
                }
            }
        }
    }
}

fn state_in_words(file: &CallFile) -> String {
    let reason = sentence(&file.call.served_reason);
    match file.call.state {
        CallState::Live => "The call goes on. Words in italics may still change.".into(),
        CallState::Finishing => {
            "The call is over. Its whole recording is being transcribed; until then this is the live text.".into()
        }
        CallState::Final if file.serves_final() => format!("Transcribed from the whole recording. {reason}"),
        CallState::Final => reason,
        CallState::Empty => format!("Nothing was said that could be understood. {reason}"),
        CallState::Failed => format!("The final transcription was given up. {reason}"),
    }
}

fn players(file: &CallFile) -> Markup {
    html! {
        section #players.players aria-label="Recordings" {
            @for recording in &file.recordings { (player(file, recording)) }
        }
    }
}

fn player(file: &CallFile, recording: &Recording) -> Markup {
    let key = &recording.key;
    let streams = &file.streams;
    let stream = streams.iter().find(|s| s.key.number == key.stream.number);
    let position = stream.map_or(MediaTime::ZERO, |stream| stream.position);
    let name = talk::speaker_of(file, key.stream.number, key.track).unwrap_or_else(|| {
        sentence(key.track.as_str())
            .trim_end_matches('.')
            .to_owned()
    });
    let open = recording.state == RecordingState::Open;
    let mut start = position;
    html! {
        @for (index, part) in recording.parts.iter().enumerate() {
            @let from = start;
            @let length = MediaTime::from_engine_samples(part.frames);
            @let () = start += length;
            figure class={ "player " (key.track) } {
                figcaption {
                    span {
                        strong { bdi { (name) } }
                        @if streams.len() > 1 { ", stream " (key.stream.number) }
                        @if recording.parts.len() > 1 { ", part " (index + 1) }
                    }
                    span.quiet { @if open { "recording" } @else { (clock(length)) } }
                }
                @if recording.state == RecordingState::Deleted {
                    p.quiet { "Deleted when its time was up." }
                } @else {
                    audio controls preload=(if open { "none" } else { "metadata" })
                        src=(address(recording, index + 1)) data-track=(key.track)
                        data-start=(talk::seconds(from)) data-end=[(!open).then(|| talk::seconds(from + length))]
                        aria-label={ "Recording of " (name) } {}
                }
            }
        }
    }
}

/// What the analysis found; open where something is wrong.
fn quality(analysis: &Analysis) -> Markup {
    let percent = |share: f32| format!("{:.0} %", share * 100.0);
    html! {
        section #quality {
            details open[!analysis.findings.is_empty()] {
                summary { "Recording quality: " strong { (analysis.verdict().replace('_', " ")) } }
                ul {
                    @for finding in &analysis.findings {
                        li { @if let Some(track) = finding.track { (track) ": " } (finding.text) }
                    }
                    @for track in &analysis.tracks {
                        li.quiet {
                            (track.track) ": sound at " (format!("{:.0}", track.levels.active_rms)) " RMS, peak "
                            (track.levels.peak) ", silence " (percent(track.levels.silence_share))
                            @if let Some(snr) = track.snr_db { ", " (format!("{snr:.0}")) " dB over the noise" }
                        }
                    }
                    @if let Some(share) = analysis.double_talk_share {
                        li.quiet { "both at once: " (percent(share)) " of the speech" }
                    }
                }
            }
        }
    }
}

fn about(file: &CallFile) -> Markup {
    let call = &file.call;
    let version = &file.transcript.version;
    html! {
        section #about {
            details {
                summary { "About this call" }
                dl {
                    dt { "Started" } dd { (day_and_time(call.started_at)) }
                    @if let Some(at) = call.ended_at { dt { "Ended" } dd { (day_and_time(at)) } }
                    @if call.duration > MediaTime::ZERO { dt { "Length" } dd { (clock(call.duration)) } }
                    @if let Some(direction) = &call.direction { dt { "Direction" } dd { (direction) } }
                    @if let Some(language) = version.language.as_ref().or(call.language.as_ref()) {
                        dt { "Language" } dd { (language) }
                    }
                    dt { "Call id" } dd { code { (call.sid) } }
                    dt { "Streams" } dd { (file.streams.len()) }
                    dt { "Text" } dd { (versions(file)) }
                    @if let Some(model) = &version.model { dt { "Model" } dd { (model.name) } }
                    dt { "Served because" } dd { (call.served_reason) }
                }
                @if !file.notes.is_empty() { (notes(&file.notes)) }
            }
        }
    }
}

fn versions(file: &CallFile) -> Markup {
    let shown = file.transcript.version.version;
    let name = |version: &Version| match version.kind {
        VersionKind::Live => "live text".to_owned(),
        VersionKind::Final => format!("final, version {}", version.version),
    };
    html! {
        @for (index, version) in file.versions.iter().enumerate() {
            @if index > 0 { " · " }
            @if version.version == shown { strong { (name(version)) } }
            @else { a href={ "/calls/" (file.call.sid) "?version=" (version.version) } { (name(version)) } }
        }
    }
}

fn notes(notes: &[Note]) -> Markup {
    html! {
        h2 { "Notes" }
        ul.notes {
            @for note in notes.iter().take(NOTES) {
                li { span.quiet { (clock(note.at)) } " " (note_in_words(&note.kind)) @if let Some(track) = note.track { " (" (track) ")" } }
            }
            @if notes.len() > NOTES { li.quiet { "and " (notes.len() - NOTES) " more" } }
        }
    }
}

fn note_in_words(kind: &NoteKind) -> String {
    match kind {
        NoteKind::Dtmf { digit } => format!("Key {digit} pressed"),
        NoteKind::Mark { name } => format!("Mark “{name}”"),
        NoteKind::Gap { length } => format!(
            "{:.1} s of audio never came; silence stands in its place",
            length.as_secs()
        ),
        NoteKind::RecordingFailed { reason } => format!("The recording stopped: {reason}"),
        NoteKind::Degraded { level: 0 } => "Live text caught up".into(),
        NoteKind::Degraded { level } => format!("Live text fell behind (step {level})"),
        NoteKind::Anomaly { name, count } => format!("On the wire: {name}, {count} by then"),
        NoteKind::Interrupted => "The server stopped in the middle of the call".into(),
        NoteKind::RecordingAlert { text, .. } => format!("The recording: {text}"),
        NoteKind::FinalFailed { reason } => format!("The final transcription failed: {reason}"),
    }
}

fn exports(file: &CallFile) -> Markup {
    let base = format!("/api/v1/calls/{}/transcript", file.call.sid);
    let shown = &file.transcript;
    let version = if shown.served {
        String::new()
    } else {
        format!("&version={}", shown.version.version)
    };
    html! {
        div #exports {
            h2 { @if shown.served { "Transcript" } @else { "Transcript, version " (shown.version.version) " (not the one served)" } }
            @for (format, name) in [("txt", "Text"), ("srt", "SubRip"), ("vtt", "WebVTT"), ("json", "JSON")] {
                a href={ (base) "?format=" (format) (version) } download={ (file.call.sid) "." (format) } { (name) }
            }
        }
    }
}

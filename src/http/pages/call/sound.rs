//! What can be heard of a call. The waves of both speakers lie over each other on the call's time line,
//! and one player plays both; the files stand one by one below, for whoever has no script or wants one of
//! them.

use maud::{Markup, html};

use super::talk;
use crate::{
    http::{
        call_file::CallFile,
        calls::address,
        pages::{clock, sentence},
    },
    ids::Track,
    store::{Recording, RecordingState},
    time::MediaTime,
};

/// Columns of a wave: as many as a wide window has points.
const COLUMNS: u32 = 1200;

pub(super) fn section(file: &CallFile) -> Markup {
    let tracks = drawn(file);
    let (sid, text) = (&file.call.sid, file.call.served_version);
    html! {
        section #players aria-label="Waves" {
            @if !tracks.is_empty() {
                // The text that the marks are from is part of the address: another text, another picture.
                div #waves.waves data-length=(talk::seconds(length(file))) {
                    @for track in &tracks {
                        figure.wave.(track.as_str()) {
                            img alt="" src={ "/api/v1/calls/" (sid) "/waveform/" (track) "?width=" (COLUMNS) "&text=" (text) };
                            figcaption { bdi { (name(file, *track)) } }
                        }
                    }
                    div.seek {}
                }
                p.key {
                    span.speech { "understood" } " " span.silence { "silence" } " "
                    span.missing { "missing or not understood" }
                }
            }
        }
    }
}

/// One by one.
pub(super) fn files(file: &CallFile) -> Markup {
    let tracks = drawn(file);
    html! {
        section #recordings aria-label="Recordings" {
            @if !file.recordings.is_empty() {
                details #files {
                    summary { "Recordings, one by one" }
                    div.players {
                        @for recording in &file.recordings { (player(file, recording)) }
                    }
                }
            }
            @if !tracks.is_empty() {
                details #spectra {
                    summary { "Spectrogram" }
                    @for track in &tracks {
                        figure.spectrum {
                            figcaption { bdi { (name(file, *track)) } span.quiet { " 0 to 4 kHz, bottom to top" } }
                            img loading="lazy" src={ "/api/v1/calls/" (file.call.sid) "/spectrogram/" (track) } alt={ "Spectrogram of " (name(file, *track)) };
                        }
                    }
                }
            }
        }
    }
}

/// Shown by the script, which makes it play.
pub(super) fn bar(file: &CallFile) -> Markup {
    let tracks: Vec<Track> = (Track::ALL.into_iter())
        .filter(|track| heard(file).any(|recording| recording.key.track == *track))
        .collect();
    html! {
        div #bar role="group" aria-label="Player" hidden {
            button #play type="button" { "Play" }
            output #clock { "0:00" }
            label.pick {
                span { "Listen to" }
                select #listen {
                    @if tracks.len() > 1 { option value="" { "both" } }
                    @for track in &tracks { option value=(track) { (name(file, *track)) } }
                }
            }
            label.pick {
                span { "Speed" }
                select #speed {
                    @for (value, name) in [("0.75", "0.75"), ("1", "1"), ("1.25", "1.25"), ("1.5", "1.5"), ("2", "2")] {
                        option value=(value) selected[value == "1"] { (name) "×" }
                    }
                }
            }
        }
    }
}

fn heard(file: &CallFile) -> impl Iterator<Item = &Recording> {
    let recordings = file.recordings.iter();
    recordings.filter(|recording| recording.state != RecordingState::Deleted)
}

/// Tracks whose waves can be drawn: their recordings are done.
fn drawn(file: &CallFile) -> Vec<Track> {
    let settled = heard(file).all(|recording| recording.state != RecordingState::Open);
    (Track::ALL.into_iter())
        .filter(|track| {
            settled && heard(file).any(|r| r.key.track == *track && frames(r) > MediaTime::ZERO)
        })
        .collect()
}

fn frames(recording: &Recording) -> MediaTime {
    MediaTime::from_engine_samples(recording.parts.iter().map(|part| part.frames).sum())
}

/// As the waves have it.
fn length(file: &CallFile) -> MediaTime {
    let ends = heard(file).map(|recording| position(file, recording) + frames(recording));
    ends.max().unwrap_or_default().max(file.call.duration)
}

fn position(file: &CallFile, recording: &Recording) -> MediaTime {
    let number = recording.key.stream.number;
    let stream = file.streams.iter().find(|s| s.key.number == number);
    stream.map_or(MediaTime::ZERO, |stream| stream.position)
}

/// Of the first stream that names the speaker.
fn name(file: &CallFile, track: Track) -> String {
    let mut streams = file.streams.iter();
    let named = streams.find_map(|stream| stream.speaker(track));
    named.map_or_else(|| in_words(track), ToOwned::to_owned)
}

fn in_words(track: Track) -> String {
    let name = sentence(track.as_str());
    name.trim_end_matches('.').to_owned()
}

fn player(file: &CallFile, recording: &Recording) -> Markup {
    let key = &recording.key;
    let name =
        talk::speaker_of(file, key.stream.number, key.track).unwrap_or_else(|| in_words(key.track));
    let open = recording.state == RecordingState::Open;
    let mut start = position(file, recording);
    html! {
        @for (index, part) in recording.parts.iter().enumerate() {
            @let from = start;
            @let length = MediaTime::from_engine_samples(part.frames);
            @let () = start += length;
            figure class={ "player " (key.track) } {
                figcaption {
                    span {
                        strong { bdi { (name) } }
                        @if file.streams.len() > 1 { ", stream " (key.stream.number) }
                        @if recording.parts.len() > 1 { ", part " (index + 1) }
                    }
                    span.quiet { @if open { "recording" } @else { (clock(length)) } }
                }
                @if recording.state == RecordingState::Deleted {
                    p.quiet { "Its files are deleted." }
                } @else {
                    @let address = address(recording, index + 1);
                    // Who only looks at the page has not listened: nothing is fetched before it plays.
                    audio controls preload="none"
                        src=(address) data-track=(key.track)
                        data-start=(talk::seconds(from)) data-end=[(!open).then(|| talk::seconds(from + length))]
                        aria-label={ "Recording of " (name) } {}
                    @if !open {
                        a href=(address) download { "Download WAV" }
                    }
                }
            }
        }
    }
}

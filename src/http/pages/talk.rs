//! The transcript on a call's page: turns, speakers apart, and what is being said right now.

use maud::{Markup, html};

use super::clock;
use crate::{
    http::call_file::CallFile,
    ids::Track,
    live::hub::OpenUtterance,
    speech::text,
    store::{CallState, VersionKind},
    time::MediaTime,
};

pub(super) fn render(file: &CallFile) -> Markup {
    let speakers = file.speakers();
    let json = serde_json::to_string(&speakers).unwrap_or_default();
    let live = file.call.state == CallState::Live;
    html! {
        section #talk.talk tabindex="-1" aria-label="Transcript" data-speakers=(json) {
            // Finished turns are read out as they come; what may still change is not.
            div role="log" aria-label="What was said" aria-live=[live.then_some("polite")] {
                ol #transcript.turns {
                    @for segment in &file.transcript.segments {
                        li.turn.(segment.track) id=(anchor(segment.track, segment.start)) data-track=(segment.track)
                            data-start=(seconds(segment.start)) data-end=(seconds(segment.end)) {
                            (who(segment.label(), segment.track, segment.start))
                            p.said dir="auto" { (segment.text) }
                        }
                    }
                }
            }
            ol #now.turns aria-label="Being said now" aria-live="off" {
                @for open in &file.open { (open_turn(open, file)) }
            }
            @if file.transcript.segments.is_empty() && file.open.is_empty() {
                p #nothing.quiet { (nothing(file)) }
            }
            template #turn {
                li.turn {
                    p.who { bdi {} " " a.at href="#" {} }
                    p.said dir="auto" {}
                }
            }
        }
    }
}

fn nothing(file: &CallFile) -> &'static str {
    match (file.call.state, file.transcript.version.kind) {
        (CallState::Live, _) => "Nothing has been said yet.",
        (CallState::Finishing, _) => "Nothing was understood while the call went on.",
        (_, VersionKind::Live | VersionKind::Final) => "There are no words in this version.",
    }
}

fn open_turn(open: &OpenUtterance, file: &CallFile) -> Markup {
    let of = open.of;
    let key = format!("{}-{}-{}", of.stream, of.track, of.utterance);
    let speakers = file.speakers();
    let name = speakers
        .get(&format!("{}-{}", of.stream, of.track))
        .or_else(|| speakers.get(of.track.as_str()))
        .map_or("", String::as_str);
    html! {
        li.turn.open.(of.track) data-key=(key) data-track=(of.track) data-start=(seconds(open.start)) {
            (who(name, of.track, open.start))
            p.said dir="auto" {
                span.committed { (text(&open.committed)) @if !open.committed.is_empty() { " " } }
                span.partial { (text(&open.partial)) }
            }
        }
    }
}

/// Both may begin at the same moment, one of them only once.
fn anchor(track: Track, at: MediaTime) -> String {
    format!("{track}-{}", seconds(at))
}

fn who(name: &str, track: Track, at: MediaTime) -> Markup {
    html! {
        p.who { bdi { (name) } " " a.at href={ "#" (anchor(track, at)) } { (clock(at)) } }
    }
}

pub(super) fn speaker_of(file: &CallFile, stream: u32, track: Track) -> Option<String> {
    file.speakers().remove(&format!("{stream}-{track}"))
}

/// As in JSON: to the millisecond.
pub(super) fn seconds(at: MediaTime) -> f64 {
    (at.as_secs() * 1000.0).round() / 1000.0
}

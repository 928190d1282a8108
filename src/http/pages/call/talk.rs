//! The transcript on a call's page: turns, speakers apart, and what is being said right now.
//!
//! A turn's text is plain, and the times of its words are one attribute (`data-words`): the script makes an
//! element of a word when the reader comes near it. Ten thousand elements, each with its times, took
//! longer to paint than to read.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::{
    http::{call_file::CallFile, pages::clock},
    ids::Track,
    live::hub::OpenUtterance,
    speech::{Word, text},
    store::{CallState, VersionKind},
    time::MediaTime,
    transcript::Segment,
};

/// A word that the engine was less sure of looks so.
const SURE: f32 = 0.45;

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
                        (turn(segment))
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

fn turn(segment: &Segment) -> Markup {
    let words = Words::of(segment);
    html! {
        li.turn.(segment.track) id=(anchor(segment.track, segment.start)) data-track=(segment.track)
            data-start=(seconds(segment.start)) data-end=(seconds(segment.end))
            data-words=[words.as_ref().map(Words::times)] {
            (who(segment.label(), segment.track, segment.start))
            p.said dir="auto" {
                @match &words {
                    Some(words) => (words.text()),
                    None => (segment.text),
                }
            }
        }
    }
}

/// The words of a turn where each is known to stand in its text.
struct Words<'a> {
    segment: &'a Segment,
    /// Each with the place of its letters in the text.
    placed: Vec<(usize, &'a str, &'a Word)>,
}

impl<'a> Words<'a> {
    fn of(segment: &'a Segment) -> Option<Self> {
        let text = segment.text.as_str();
        let mut at = 0;
        let placed: Vec<_> = (text.split_whitespace().zip(&segment.words))
            .map(|(letters, word)| {
                let place = at + text[at..].find(letters).unwrap_or_default();
                at = place + letters.len();
                (place, letters, word)
            })
            .collect();
        let count = text.split_whitespace().count();
        let is_whole = count > 0 && count == segment.words.len();
        is_whole.then_some(Self { segment, placed })
    }

    /// From when, since the turn's start, and how long: `0,40 41,30`, in hundredths of a second.
    fn times(&self) -> String {
        let mut times = String::with_capacity(self.placed.len() * 8);
        for (n, (_, _, word)) in self.placed.iter().enumerate() {
            let space = if n > 0 { " " } else { "" };
            let from = word.start.saturating_sub(self.segment.start).as_ms() / 10;
            let long = word.end.saturating_sub(word.start).as_ms() / 10;
            let _ = write!(times, "{space}{from},{long}");
        }
        times
    }

    fn text(&self) -> Markup {
        let text = self.segment.text.as_str();
        let mut at = 0;
        html! {
            @for (place, letters, word) in &self.placed {
                @if word.confidence < SURE {
                    (text[at..*place])
                    span.unsure title={ "Not sure of it: " (format!("{:.0}", word.confidence * 100.0)) " %" } { (letters) }
                    @let () = at = place + letters.len();
                }
            }
            (text[at..])
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
pub(super) fn anchor(track: Track, at: MediaTime) -> String {
    format!("{track}-{}", seconds(at))
}

pub(super) fn who(name: &str, track: Track, at: MediaTime) -> Markup {
    html! {
        p.who { bdi { (name) } " " a.at href={ "#" (anchor(track, at)) } { (clock(at)) } }
    }
}

/// As [`Segment::label`] has it.
pub(super) fn name(speaker: Option<&str>, track: Track) -> &str {
    match (speaker, track) {
        (Some(name), _) => name,
        (None, Track::Inbound) => "Inbound",
        (None, Track::Outbound) => "Outbound",
    }
}

pub(super) fn speaker_of(file: &CallFile, stream: u32, track: Track) -> Option<String> {
    file.speakers().remove(&format!("{stream}-{track}"))
}

/// As in JSON: to the millisecond.
pub(super) fn seconds(at: MediaTime) -> f64 {
    (at.as_secs() * 1000.0).round() / 1000.0
}

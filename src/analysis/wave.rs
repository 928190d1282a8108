//! A track's wave over a whole call, for a page: drawn in one pass, in memory that does not grow with
//! the length. It is what [`super::plot`] draws, without levels and spectrum, and stretched to whatever
//! width it is given: the page lays its cursor over it.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::{
    Envelope, Span,
    outline::{FRAME, Outline},
};
use crate::{
    ids::Track,
    speech::coverage::CoverageKind,
    time::{ENGINE_RATE, MediaTime},
};

/// Of the picture; its width is in columns.
const HEIGHT: f64 = 72.0;
/// The strip that tells what became of the sound.
const STRIP: f64 = 6.0;
/// Telephone speech fills a quarter of the scale: the wave is drawn on a root scale, so that what is soft is
/// seen beside what is loud.
const POWER: f64 = 0.6;
/// Narrower ones would not be seen; columns.
const NARROWEST: f64 = 0.75;

/// For either theme. A document of its own is under the pages' policy, which takes no style: the
/// attributes are for that, and are light.
const STYLE: &str = "@media (prefers-color-scheme:dark){
.inbound{fill:#6aa3ea}.outbound{fill:#66b981}.silence{fill:#2b3036}.missing{fill:#c79a1b}}";

/// Takes 16 kHz audio piece by piece.
pub struct Wave {
    outline: Outline,
}

/// What is marked beside the wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub span: Span,
    pub kind: MarkKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// Audio that never came, or a time in which nobody was connected.
    Missing,
    /// What became of it in the transcript.
    Became(CoverageKind),
}

impl Wave {
    /// Of at most so many columns.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self {
            outline: Outline::new(columns),
        }
    }

    pub fn push(&mut self, samples: &[i16]) {
        self.outline.push(samples);
    }

    /// Where it has come to.
    #[must_use]
    pub const fn samples(&self) -> u64 {
        self.outline.samples()
    }

    /// The wave as SVG, over `length` at least.
    #[must_use]
    pub fn svg(self, track: Track, length: MediaTime, marks: &[Mark]) -> String {
        let (envelope, silences, drawn) = self.outline.finish();
        let scale = Scale {
            width: index(envelope.get().len().max(2)),
            secs: length.max(drawn).as_secs().max(0.001),
        };
        let (silences, _) = silences.finish(drawn);
        let label = format!("Wave of the {track} track");
        html! {
            svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (scale.width) " " (HEIGHT) }
                preserveAspectRatio="none" role="img" aria-label=(label) {
                title { (label) ": speech in colour, silence shaded, what is missing in amber" }
                style { (PreEscaped(STYLE)) }
                path.silence fill="#e6e7e3" d=(boxes(&silences, &scale, 0.0, HEIGHT - STRIP)) {}
                path.(track.as_str()) fill=(colour(track)) d=(outline(envelope.get(), envelope.each(), &scale)) {}
                (strip(track, marks, &scale))
            }
        }
        .into_string()
    }
}

const fn colour(track: Track) -> &'static str {
    match track {
        Track::Inbound => "#2763b0",
        Track::Outbound => "#246b38",
    }
}

struct Scale {
    width: f64,
    secs: f64,
}

impl Scale {
    fn x(&self, secs: f64) -> f64 {
        (secs / self.secs).min(1.0) * self.width
    }
}

/// From the top of each column and back along the bottom.
fn outline(columns: &[Envelope], each: usize, scale: &Scale) -> String {
    let room = (HEIGHT - STRIP) / 2.0;
    let size = |sample: i16| (f64::from(sample).abs() / 32_768.0).powf(POWER) * (room - 1.0) + 0.4;
    let seconds = index(each * FRAME) / index(usize::try_from(ENGINE_RATE).unwrap_or(usize::MAX));
    let x = |n: usize| scale.x((index(n) + 0.5) * seconds);
    let mut path = String::from("M0 ");
    let _ = write!(path, "{room:.1}");
    for (n, column) in columns.iter().enumerate() {
        let _ = write!(
            path,
            "L{:.1} {:.1}",
            x(n),
            room - size(column.highest.max(0))
        );
    }
    for (n, column) in columns.iter().enumerate().rev() {
        let _ = write!(
            path,
            "L{:.1} {:.1}",
            x(n),
            room + size(column.lowest.min(0))
        );
    }
    path.push('Z');
    path
}

fn boxes(spans: &[Span], scale: &Scale, top: f64, height: f64) -> String {
    let mut path = String::new();
    for span in spans {
        let (from, to) = (scale.x(span.start.as_secs()), scale.x(span.end.as_secs()));
        let wide = (to - from).max(NARROWEST);
        let _ = write!(path, "M{from:.2} {top}h{wide:.2}v{height}h-{wide:.2}z");
    }
    path
}

fn strip(track: Track, marks: &[Mark], scale: &Scale) -> Markup {
    let of = |kind| -> Vec<Span> {
        let these = marks.iter().filter(|mark| mark.kind == kind);
        these.map(|mark| mark.span).collect()
    };
    let top = HEIGHT - STRIP;
    let understood = of(MarkKind::Became(CoverageKind::Text));
    let not_understood = of(MarkKind::Became(CoverageKind::NotUnderstood));
    html! {
        path.(track.as_str()) fill=(colour(track)) fill-opacity=".55" d=(boxes(&understood, scale, top, STRIP)) {}
        path.missing fill="#b98500" fill-opacity=".6" d=(boxes(&not_understood, scale, top, STRIP)) {}
        path.missing fill="#b98500" fill-opacity=".45" d=(boxes(&of(MarkKind::Missing), scale, 0.0, HEIGHT)) {}
    }
}

#[expect(clippy::cast_precision_loss, reason = "places in a picture")]
const fn index(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(ms: usize) -> Vec<i16> {
        (0..ms * 16)
            .map(|n| if n % 40 < 20 { 12_000 } else { -12_000 })
            .collect()
    }

    fn boxes_in(svg: &str, class: &str) -> Vec<usize> {
        let document = roxmltree::Document::parse(svg).unwrap();
        let paths = document.descendants();
        paths
            .filter(|node| node.attribute("class") == Some(class))
            .map(|node| node.attribute("d").unwrap().matches('M').count())
            .collect()
    }

    #[test]
    fn the_wave_is_bounded_and_tells_silence_and_gaps() {
        let mut wave = Wave::new(100);
        for _ in 0..60 {
            wave.push(&tone(1000));
            wave.push(&vec![0; 16_000]);
        }
        assert_eq!(wave.samples(), 120 * 16_000);
        let second = |from: u64, to: u64| Span {
            start: MediaTime::from_ms(from * 1000),
            end: MediaTime::from_ms(to * 1000),
        };
        let marks = [
            (second(3, 5), MarkKind::Missing),
            (second(7, 8), MarkKind::Missing),
            (second(0, 1), MarkKind::Became(CoverageKind::Text)),
            (second(9, 9), MarkKind::Became(CoverageKind::NotUnderstood)),
        ]
        .map(|(span, kind)| Mark { span, kind });
        let svg = wave.svg(Track::Inbound, MediaTime::from_ms(120_000), &marks);
        assert_eq!(boxes_in(&svg, "silence"), [60]);
        assert_eq!(boxes_in(&svg, "inbound"), [1, 1], "the wave, and its text");
        assert_eq!(boxes_in(&svg, "missing"), [1, 2]);
        assert!(svg.len() < 8000, "{}", svg.len());
    }

    #[test]
    fn there_is_a_picture_of_nothing() {
        let svg = Wave::new(100).svg(Track::Outbound, MediaTime::ZERO, &[]);
        assert_eq!(boxes_in(&svg, "outbound"), [1, 0]);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}

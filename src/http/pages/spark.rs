//! The last hour of one figure as a small picture, drawn here: it needs no script, and its text says what
//! it shows.

use std::fmt::Write;

use jiff::Timestamp;
use maud::{Markup, html};

use crate::http::figures::SPAN;

const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 48.0;
/// Longer without a sample, and the line is broken.
const GAP_S: f64 = 120.0;

/// How a figure is told.
pub(super) struct Look {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) unit: &'static str,
    pub(super) decimals: usize,
    /// The top of the picture at least, so that noise does not look like a mountain.
    pub(super) top: f64,
}

/// `values`: of the last hour until `now`, oldest first.
pub(super) fn picture(look: &Look, values: &[(Timestamp, f64)], now: Timestamp) -> Markup {
    let told = told(look, values);
    html! {
        figure.spark {
            figcaption { strong { (look.name) } " " span.quiet { (look.what) } }
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label={ (look.name) ": " (told) " in the last hour" } {
                line.base x1="0" x2=(WIDTH) y1=(HEIGHT - 0.5) y2=(HEIGHT - 0.5) {}
                @for run in runs(look, values, now) { polyline points=(run) {} }
            }
            p { (told) }
        }
    }
}

fn told(look: &Look, values: &[(Timestamp, f64)]) -> String {
    let Some((_, now)) = values.last() else {
        return "nothing measured".into();
    };
    let most = values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let Look { unit, decimals, .. } = look;
    format!("now {now:.decimals$}{unit}, at most {most:.decimals$}{unit}")
}

/// Lines as SVG has them; a new one after each gap.
fn runs(look: &Look, values: &[(Timestamp, f64)], now: Timestamp) -> Vec<String> {
    let most = values
        .iter()
        .map(|(_, value)| *value)
        .fold(look.top, f64::max);
    let mut runs: Vec<String> = Vec::new();
    let mut last = f64::NEG_INFINITY;
    for (at, value) in values {
        let age = now.duration_since(*at).as_secs_f64();
        let x = (1.0 - age / SPAN.as_secs_f64()) * WIDTH;
        let y = HEIGHT - 1.5 - value.max(0.0) / most * (HEIGHT - 4.0);
        if -age - last > GAP_S || runs.is_empty() {
            // A lone sample is a dot: a line needs two ends.
            runs.push(format!("{:.1},{y:.1} ", x - 1.0));
        }
        last = -age;
        if let Some(run) = runs.last_mut() {
            let _ = write!(run, "{x:.1},{y:.1} ");
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Look = Look {
        name: "Streams",
        what: "",
        unit: "",
        decimals: 0,
        top: 4.0,
    };

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(10_000 + secs).unwrap()
    }

    #[test]
    fn the_newest_is_at_the_right_and_gaps_break_the_line() {
        let values = [(at(0), 0.0), (at(10), 8.0), (at(3600), 4.0)];
        let runs = runs(&LOOK, &values, at(3600));
        assert_eq!(runs.len(), 2, "{runs:?}");
        assert_eq!(runs[0], "-1.0,46.5 0.0,46.5 0.7,2.5 ");
        assert_eq!(runs[1], "239.0,24.5 240.0,24.5 ");
        assert_eq!(told(&LOOK, &values), "now 4, at most 8");
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        assert_eq!(told(&LOOK, &[]), "nothing measured");
        assert!(runs(&LOOK, &[], at(0)).is_empty());
    }
}

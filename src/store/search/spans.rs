//! Time, back from the newest, in spans that grow: a common word is found in the first ones, and a rare
//! one costs a handful of questions.

use super::{
    index::SECOND,
    syntax::{SPANS, of_span},
};

/// Numbers from `from` to below `to`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub from: i64,
    pub to: i64,
    /// One of these marks is on every entry of it; none: the span goes back to the beginning.
    pub marks: Vec<String>,
}

/// Hours, days and months of 32 days (by their place in [`SPANS`]), and how many of them.
const STEPS: [(usize, i64); 6] = [(0, 2), (0, 12), (1, 3), (1, 12), (2, 2), (2, 8)];

pub(super) fn back(from: i64, to: i64) -> impl Iterator<Item = Span> {
    let mut to = to;
    let mut steps = STEPS.iter();
    std::iter::from_fn(move || {
        if to <= from {
            return None;
        }
        let mut span = Span {
            from,
            to,
            marks: Vec::new(),
        };
        if let Some((unit, count)) = steps.next() {
            let (name, secs) = SPANS[*unit];
            let last = (to - 1).div_euclid(SECOND).div_euclid(secs);
            let first = last - count + 1;
            span.from = from.max(first * secs * SECOND);
            span.marks = (first..=last).map(|number| of_span(name, number)).collect();
        }
        to = span.from;
        Some(span)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_cover_all_of_it_once() {
        let day = 86_400 * SECOND;
        for (from, to) in [
            (0, 1),
            (5 * day, 5 * day + 7),
            (0, 20_000 * day),
            (19_990 * day, 20_000 * day),
            (7, 7),
        ] {
            let spans: Vec<Span> = back(from, to).collect();
            let mut reached = to;
            for span in &spans {
                assert_eq!(span.to, reached);
                assert!(span.from < span.to);
                reached = span.from;
            }
            assert_eq!(reached, from.min(to));
            assert!(spans.len() <= STEPS.len() + 1);
        }
    }

    #[test]
    fn marks_are_those_of_the_entries() {
        let at = 1_700_000_000;
        let id = at * SECOND + 5;
        let body = super::super::syntax::tsvector(&[], &[], at);
        for span in back(0, id + 1).take(1) {
            assert!(span.marks.iter().any(|mark| body.contains(mark)), "{body}");
        }
        let spans: Vec<Span> = back(0, id + 90 * 86_400 * SECOND).collect();
        let holding = spans
            .iter()
            .filter(|span| (span.from..span.to).contains(&id));
        for span in holding {
            let is_marked = span
                .marks
                .iter()
                .any(|mark| body.contains(&format!("'{mark}'")));
            assert!(span.marks.is_empty() || is_marked, "{body} {span:?}");
        }
    }
}

//! Calls, back from the newest, in spans that grow: a common word is found in the first ones, and a rare
//! one costs a handful of questions. A span is so many calls, however long ago they were, and the marks of
//! its time keep the index to it.

use super::{
    super::{
        Error,
        db::{Db, args},
    },
    index::{CALL, SECOND},
    syntax::{SPANS, of_span},
};

/// Numbers from `from` to below `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub from: i64,
    pub to: i64,
    /// One of these marks is on every entry of it; none: the index has to be asked for all times.
    pub marks: Vec<String>,
}

/// Calls of a span. What is behind these is one span.
const STEPS: [i64; 4] = [32, 192, 1152, 6912];
/// More marks than these cost more than entries of other times.
const MOST_MARKS: i64 = 32;

/// What is left to look through, from its newest end.
pub(super) struct Spans<'a> {
    db: &'a Db,
    from: i64,
    to: i64,
    steps: std::slice::Iter<'static, i64>,
}

impl<'a> Spans<'a> {
    pub(super) fn new(db: &'a Db, from: i64, to: i64) -> Self {
        let steps = STEPS.iter();
        Self {
            db,
            from,
            to,
            steps,
        }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Span>, Error> {
        let newest = "SELECT COALESCE(MAX(base), -1) AS highest, COALESCE(MIN(base), 0) AS lowest,
                COUNT(*) AS calls
            FROM (SELECT base FROM search_calls WHERE base < $1 AND base >= $2
                ORDER BY base DESC LIMIT $3) newest";
        let step = self.steps.next();
        let calls = step.copied().unwrap_or(1);
        let row = self
            .db
            .row(newest, args![self.to, self.from, calls])
            .await?;
        let Some(row) = row.filter(|_| self.to > self.from) else {
            return Ok(None);
        };
        let (highest, is_last) = (row.int("highest")?, row.int("calls")? < calls);
        if highest < 0 {
            return Ok(None);
        }
        let to = self.to.min(highest.saturating_add(CALL));
        let from = match step {
            Some(_) if !is_last => row.int("lowest")?,
            _ => self.from,
        };
        self.to = from;
        let marks = if step.is_some() {
            marks(row.int("lowest")?, to)
        } else {
            Vec::new()
        };
        Ok(Some(Span { from, to, marks }))
    }
}

/// Of the shortest hours, days or months that are few enough.
fn marks(from: i64, to: i64) -> Vec<String> {
    let (first, last) = (from.div_euclid(SECOND), (to - 1).div_euclid(SECOND));
    for (name, secs) in SPANS {
        let (first, last) = (first.div_euclid(secs), last.div_euclid(secs));
        if last - first < MOST_MARKS {
            return (first..=last).map(|number| of_span(name, number)).collect();
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_those_of_the_entries() {
        const HOUR: i64 = 3600;
        let at = 1_700_000_000;
        let body = super::super::syntax::tsvector(&[], &[], at);
        for (before, after, count) in [
            (0, 0, 1),
            (HOUR, 0, 2),
            (20 * HOUR, 5 * HOUR, 26),
            (40 * HOUR, 0, 2),
            (400 * HOUR, 100 * HOUR, 22),
            (3000 * HOUR, 100 * HOUR, 5),
            (30_000 * HOUR, 0, 0),
        ] {
            let marks = marks((at - before) * SECOND, (at + after) * SECOND + 1);
            assert!(
                marks.len().abs_diff(count) <= 1,
                "{before} {after}: {}",
                marks.len()
            );
            let is_marked = marks.iter().any(|mark| body.contains(&format!("'{mark}'")));
            assert!(marks.is_empty() || is_marked, "{body} {marks:?}");
        }
    }
}

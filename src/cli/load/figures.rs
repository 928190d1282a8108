//! Prometheus' text format, as far as it is needed.

use std::collections::BTreeMap;

/// Counters whose names hold one of these count what the server let go or could not do.
const DROPS: [&str; 3] = ["_dropped_", "_skipped_", "_failures_"];

/// One scrape: each series by its name with its labels, as the server wrote them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures(BTreeMap<String, f64>);

impl Figures {
    /// Reads what can be read, and passes over the rest.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(series).collect())
    }

    /// Of all series of this name.
    #[must_use]
    pub fn sum(&self, name: &str) -> f64 {
        // Adding to 0 keeps an empty sum from being -0.
        self.of(name).fold(0.0, |sum, (_, value)| sum + value)
    }

    /// How much each counter grew, where it did.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let grown = self.0.iter().filter_map(|(series, value)| {
            let grown = value - before.0.get(series).unwrap_or(&0.0);
            (grown > 0.0).then(|| (series.clone(), grown))
        });
        Self(grown.collect())
    }

    /// A histogram's quantile, as the upper bound of its bucket; beyond the last bound, that one.
    #[must_use]
    pub fn quantile(&self, name: &str, share: f64) -> Option<f64> {
        let mut buckets: Vec<(f64, f64)> = self
            .of(&format!("{name}_bucket"))
            .filter_map(|(labels, count)| Some((label(labels, "le")?.parse().ok()?, count)))
            .collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let all = buckets.last()?.1;
        let within = buckets.iter().find(|(_, count)| *count >= all * share)?.0;
        let longest = buckets.iter().rfind(|(le, _)| le.is_finite());
        Some(longest.map_or(within, |(le, _)| within.min(*le)))
    }

    /// The labels and values of a name.
    pub(super) fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.0.iter().filter_map(move |(series, value)| {
            let labels = series.strip_prefix(name)?;
            (labels.is_empty() || labels.starts_with('{')).then_some((labels, *value))
        })
    }

    /// Counts by the value of a label.
    pub(super) fn by(&self, name: &str, by: &str) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for (labels, value) in self.of(name) {
            *counts
                .entry(label(labels, by).unwrap_or_default().to_owned())
                .or_default() += whole(value);
        }
        counts
    }

    pub(super) fn drops(&self) -> BTreeMap<String, u64> {
        let drops = self.0.iter().filter(|(series, _)| {
            let name = series.split('{').next().unwrap_or_default();
            DROPS.iter().any(|kind| name.contains(kind))
        });
        let short = |series: &String| {
            series
                .strip_prefix("callscribe_")
                .unwrap_or(series)
                .to_owned()
        };
        drops
            .map(|(series, value)| (short(series), whole(*value)))
            .collect()
    }
}

/// `name{label="value"} 1` with or without labels and time; nothing else.
fn series(line: &str) -> Option<(String, f64)> {
    let line = line.trim();
    let end = match line.find('{') {
        Some(open) => open + closing(&line[open..])? + 1,
        None => line.find(char::is_whitespace)?,
    };
    let (series, rest) = line.split_at(end);
    let named = series.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let value: f64 = rest.split_whitespace().next()?.parse().ok()?;
    (named && value.is_finite()).then(|| (series.to_owned(), value))
}

/// Where the labels end, past braces inside quotes.
fn closing(labels: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    labels.char_indices().find_map(|(at, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => return Some(at),
            _ => {}
        }
        None
    })
}

/// The value of a label, as it is written.
fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let start = format!("{name}=\"");
    let at = labels.match_indices(&start).find_map(|(at, _)| {
        let before = labels[..at].chars().next_back()?;
        ['{', ',', ' ']
            .contains(&before)
            .then_some(at + start.len())
    })?;
    labels[at..].split('"').next()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to int saturates"
)]
pub(super) fn whole(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
pub(super) mod tests;

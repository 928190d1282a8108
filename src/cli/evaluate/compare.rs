//! Two evaluations against each other, over the files that both heard.

use std::{collections::BTreeMap, fmt};

use anyhow::bail;

use super::{
    figures::{ALL, Figures, figures},
    report::{FileScore, Report, Run},
    table::percent,
};
use crate::transcript::wer::{self, Counts, Interval};

/// What a machine does to CPU time by itself: less than this share is no news. Other work on it does more
/// to the time on the wall.
const NOISE: f64 = 0.1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Better,
    Worse,
    WithinNoise,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::WithinNoise => "within noise",
        })
    }
}

/// One figure then and now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judgement {
    /// Which files, and which figure of them.
    pub(super) what: String,
    pub(super) then: String,
    pub(super) now: String,
    pub(super) verdict: Verdict,
    /// Why, where that is not plain to see.
    pub(super) note: String,
}

/// A run now and its counterpart then.
pub(super) struct Comparison {
    pub(super) title: String,
    pub(super) judgements: Vec<Judgement>,
}

impl Comparison {
    pub(super) fn is_worse(&self) -> bool {
        let worse = |judgement: &&Judgement| judgement.verdict == Verdict::Worse;
        self.judgements.iter().any(|j| worse(&j))
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        let width = |of: fn(&Judgement) -> &str| {
            let widths = self.judgements.iter().map(|j| of(j).chars().count());
            widths.max().unwrap_or(0)
        };
        let (what, then) = (width(|j| &j.what), width(|j| &j.then));
        let now = width(|j| &j.now);
        for j in &self.judgements {
            write!(
                f,
                "  {:what$}  {:>then$} -> {:>now$}  {}",
                j.what, j.then, j.now, j.verdict
            )?;
            writeln!(f, "{}{}", if j.note.is_empty() { "" } else { "  " }, j.note)?;
        }
        Ok(())
    }
}

/// Every run against its counterpart: the same kind and model or, where there is one run of this kind in
/// each, whatever the model.
///
/// # Errors
/// When a run has no counterpart, or no file in common with it.
pub(super) fn compare(then: &Report, now: &Report) -> anyhow::Result<Vec<Comparison>> {
    let of_kind = |report: &'_ Report, run: &Run| {
        let kind = |other: &&Run| other.kind == run.kind;
        report.runs.iter().filter(kind).count()
    };
    let mut comparisons = Vec::new();
    for run in &now.runs {
        let kin = then.runs.iter().filter(|other| other.kind == run.kind);
        let same = kin.clone().find(|other| other.model.name == run.model.name);
        let alone = of_kind(then, run) == 1 && of_kind(now, run) == 1;
        let Some(before) = same.or_else(|| kin.clone().next().filter(|_| alone)) else {
            bail!("--against has no run of {} to compare with", run.model.name);
        };
        comparisons.push(compare_runs(before, run)?);
    }
    Ok(comparisons)
}

fn compare_runs(then: &Run, now: &Run) -> anyhow::Result<Comparison> {
    let common = |run: &Run, other: &Run| -> Vec<FileScore> {
        let heard = |file: &&FileScore| other.files.iter().any(|f| f.file == file.file);
        run.files.iter().filter(heard).cloned().collect()
    };
    let (before, after) = (common(then, now), common(now, then));
    if after.is_empty() {
        bail!("--against has no file in common with this evaluation");
    }
    let mut judgements = Vec::new();
    let earlier = figures(&before);
    for figures in figures(&after) {
        if let Some(earlier) = earlier.iter().find(|other| other.of == figures.of) {
            let pairs = pairs(&before, &after, &figures.of);
            judgements.extend(rates(earlier, &figures, &pairs));
            if figures.of == ALL {
                judgements.extend(others(earlier, &figures));
            }
        }
    }
    let changed = if then.model.sha256 == now.model.sha256 {
        String::new()
    } else {
        format!(", which was {}", then.model.name)
    };
    let title = format!(
        "{}{changed}, over {} files that both heard:",
        now.model.name,
        after.len()
    );
    Ok(Comparison { title, judgements })
}

/// The counts of the same words then and now, of the files or turns that figures are of.
fn pairs(before: &[FileScore], after: &[FileScore], of: &str) -> Vec<(Counts, Counts)> {
    let units = |files: &'_ [FileScore]| -> BTreeMap<(String, String, Option<usize>), Counts> {
        let mut units = BTreeMap::new();
        for file in files {
            for unit in &file.units {
                let speaker = format!("{}: {}", file.set, unit.who);
                if of == ALL || of == file.set || of == speaker {
                    let key = (file.file.clone(), unit.who.clone(), unit.turn);
                    units.insert(key, unit.counts);
                }
            }
        }
        units
    };
    let before = units(before);
    let both = units(after)
        .into_iter()
        .filter_map(|(key, now)| Some((*before.get(&key)?, now)));
    both.filter(|(then, now)| then.words == now.words).collect()
}

fn rates(then: &Figures, now: &Figures, pairs: &[(Counts, Counts)]) -> Option<Judgement> {
    let (before, after) = (then.wer?, now.wer?);
    let interval = wer::difference(pairs);
    let note = match interval {
        Some(Interval { low, high }) => {
            format!("change {:+.1} to {:+.1} points", low * 100.0, high * 100.0)
        }
        None => "too few texts to tell".into(),
    };
    let verdict = match interval {
        Some(interval) if !interval.holds_zero() && interval.high < 0.0 => Verdict::Better,
        Some(interval) if !interval.holds_zero() => Verdict::Worse,
        _ => Verdict::WithinNoise,
    };
    Some(Judgement {
        what: format!("{}: WER", now.of),
        then: percent(before),
        now: percent(after),
        verdict,
        note,
    })
}

/// What is not a rate of errors: cost, latencies, inventions.
fn others(then: &Figures, now: &Figures) -> Vec<Judgement> {
    let mut judgements = Vec::new();
    let mut share = |what: &str, then: Option<f64>, now: Option<f64>, unit: &str| {
        if let (Some(then), Some(now)) = (then, now) {
            judgements.push(Judgement {
                what: what.to_owned(),
                then: format!("{then:.3}{unit}"),
                now: format!("{now:.3}{unit}"),
                verdict: less_is_better(then, now, NOISE),
                note: String::new(),
            });
        }
    };
    let cost = |of: &Figures| of.cost.map(|cost| cost.cpu_per_second);
    share("CPU-seconds a second", cost(then), cost(now), "");
    if let (Some(then), Some(now)) = (&then.live, &now.live) {
        for (name, then, now) in [
            ("shown", then.shown, now.shown),
            ("committed", then.committed, now.committed),
            (
                "endpoint to final",
                then.endpoint_to_final,
                now.endpoint_to_final,
            ),
        ] {
            let p50 = (then.map(|s| s.p50), now.map(|s| s.p50));
            share(&format!("{name}, p50"), p50.0, p50.1, " s");
            let p95 = (then.map(|s| s.p95), now.map(|s| s.p95));
            share(&format!("{name}, p95"), p95.0, p95.1, " s");
        }
        share(
            "unstable words",
            Some(then.unstable),
            Some(now.unstable),
            "",
        );
        judgements.push(count("retractions", then.retractions, now.retractions));
    }
    if let (Some(then), Some(now)) = (then.invented, now.invented) {
        judgements.push(count("invented words", then.words, now.words));
    }
    judgements
}

/// Of what should not be at all, one more is worse.
fn count(what: &str, then: usize, now: usize) -> Judgement {
    Judgement {
        what: what.to_owned(),
        then: then.to_string(),
        now: now.to_string(),
        verdict: match now.cmp(&then) {
            std::cmp::Ordering::Less => Verdict::Better,
            std::cmp::Ordering::Equal => Verdict::WithinNoise,
            std::cmp::Ordering::Greater => Verdict::Worse,
        },
        note: String::new(),
    }
}

fn less_is_better(then: f64, now: f64, noise: f64) -> Verdict {
    // Latencies can be negative: a word may be shown before it is said to end.
    let margin = then.abs() * noise;
    if now > then + margin {
        Verdict::Worse
    } else if now < then - margin {
        Verdict::Better
    } else {
        Verdict::WithinNoise
    }
}

//! The report for people.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{
    figures::{Cost, Figures, Live, Spread},
    report::{Kind, METHOD, Report, Run},
};

const HEADINGS: [&str; 10] = [
    "", "files", "words", "WER", "95 %", "subst", "del", "ins", "RTF", "CPU-s/s",
];

/// How much of a model's hash is shown: enough to tell files apart.
const HASH: usize = 12;

pub(super) fn render(report: &Report) -> String {
    let mut text = String::new();
    for run in &report.runs {
        heading(run, &mut text);
        table(&run.figures, &mut text);
        if let Some(live) = run.figures.first().and_then(|all| all.live.as_ref()) {
            latencies(live, &mut text);
        }
        silence(run, &mut text);
        text.push('\n');
    }
    let _ = writeln!(text, "95 %: {METHOD}.");
    text.push_str(
        "RTF: time by length; CPU-s/s: CPU-seconds a second of audio, each track for itself.\n",
    );
    let failed = report.runs.iter().flat_map(|run| &run.failed);
    // Each run says so of the same file.
    let failed: BTreeSet<&String> = failed.collect();
    if failed.len() + report.problems.len() > 0 {
        let _ = writeln!(
            text,
            "Not heard: {}, {}.",
            counted(
                failed.len(),
                "file that cannot be read",
                "files that cannot be read"
            ),
            counted(
                report.problems.len(),
                "bad entry of the folder",
                "bad entries of the folder"
            )
        );
    }
    text
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn heading(run: &Run, text: &mut String) {
    let what = match run.kind {
        Kind::Final => "final pass",
        Kind::Live => "live words, simulated time",
    };
    let hash = run.model.sha256.get(..HASH).unwrap_or("");
    let _ = writeln!(
        text,
        "{}, {what}, language {}{}{hash}",
        run.model.name,
        run.language.as_deref().unwrap_or("detected"),
        if hash.is_empty() { "" } else { ", sha256 " },
    );
}

fn table(figures: &[Figures], text: &mut String) {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(figures.iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|column| width(column).unwrap_or(0))
        .collect();
    for row in &rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Names to the left, numbers to the right.
            let _ = match column {
                0 => write!(line, "{cell:width$}  "),
                _ => write!(line, "{cell:>width$}  "),
            };
        }
        let _ = writeln!(text, "  {}", line.trim_end());
    }
}

fn row(figures: &Figures) -> [String; 10] {
    let counts = &figures.counts;
    let known = |n: usize| {
        if counts.words > 0 {
            n.to_string()
        } else {
            "-".into()
        }
    };
    let cost = |of: fn(&Cost) -> f64| {
        let cost = figures.cost.as_ref().map(of);
        cost.map_or_else(|| "-".into(), |cost| format!("{cost:.3}"))
    };
    [
        figures.of.clone(),
        figures.files.to_string(),
        known(counts.words),
        figures.wer.map_or_else(|| "-".into(), percent),
        figures.interval.map_or_else(
            || "-".into(),
            |i| format!("{:.1}-{:.1}", i.low * 100.0, i.high * 100.0),
        ),
        known(counts.substituted),
        known(counts.deleted),
        known(counts.inserted),
        cost(|cost| cost.real_time_factor),
        cost(|cost| cost.cpu_per_second),
    ]
}

/// A share as people write it.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn latencies(live: &Live, text: &mut String) {
    let mut line = |name: &str, spread: Option<Spread>| {
        if let Some(Spread { p50, p95, most }) = spread {
            let _ = writeln!(
                text,
                "  {name:28} p50 {p50:6.2} s   p95 {p95:6.2} s   most {most:6.2} s"
            );
        }
    };
    line("word end to shown", live.shown);
    line("word end to committed", live.committed);
    line("endpoint to final", live.endpoint_to_final);
    let _ = writeln!(
        text,
        "  of {} words: unstable {}, retractions {}, tracks not settled {}",
        live.words,
        percent(live.unstable),
        live.retractions,
        live.unsettled
    );
}

fn silence(run: &Run, text: &mut String) {
    let Some(invented) = run.figures.first().and_then(|all| all.invented) else {
        return;
    };
    let _ = writeln!(
        text,
        "  no speech: {} in {} of {} files",
        counted(invented.words, "invented word", "invented words"),
        invented.files_with_words,
        invented.files
    );
    for file in run.files.iter().filter(|file| file.invented > 0) {
        let texts: Vec<&str> = file.texts.iter().map(|t| t.understood.as_str()).collect();
        let _ = writeln!(text, "    {}: {}", file.file, texts.join(" "));
    }
}

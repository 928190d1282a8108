//! A line for each track, recordings below each other, findings under their recording.

use std::fmt::Write as _;

use super::read::Report;
use crate::analysis::TrackAnalysis;

const HEADINGS: [&str; 13] = [
    "recording",
    "track",
    "length",
    "RMS",
    "sound",
    "peak",
    "clipped",
    "silence",
    "speech",
    "noise",
    "SNR",
    "reaches",
    "verdict",
];

pub(super) fn render(reports: &[Report]) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    for report in reports {
        rows.extend(
            report
                .analysis
                .tracks
                .iter()
                .map(|track| row(report, track)),
        );
    }
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|column| {
            rows.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Names to the left, numbers to the right.
            let _ = if column < 2 || column == HEADINGS.len() - 1 {
                write!(line, "{cell:width$}  ")
            } else {
                write!(line, "{cell:>width$}  ")
            };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push_str("\nRMS is of everything, 500 to 2000 is normal for a file; sound is the RMS without the silence, 500 to 8000.\n");
    for report in reports {
        findings(report, &mut text);
    }
    text
}

fn row(report: &Report, track: &TrackAnalysis) -> [String; HEADINGS.len()] {
    let levels = &track.levels;
    let percent = |share: f32| format!("{:.0} %", share * 100.0);
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".into());
    [
        report.name.clone(),
        track.track.to_string(),
        format!("{:.1} s", track.duration.as_secs()),
        format!("{:.0}", levels.rms),
        format!("{:.0}", levels.active_rms),
        levels.peak.to_string(),
        format!("{:.2} %", levels.clipped_share * 100.0),
        percent(levels.silence_share),
        percent(track.speech_share),
        or_none(track.noise_dbfs.map(|dbfs| format!("{dbfs:.0} dBFS"))),
        or_none(track.snr_db.map(|db| format!("{db:.0} dB"))),
        or_none(track.bandwidth_hz.map(|hz| format!("{hz:.0} Hz"))),
        track.verdict.as_str().to_owned(),
    ]
}

fn findings(report: &Report, text: &mut String) {
    let damaged: u64 = report.files.iter().map(|file| file.damaged).sum();
    if report.analysis.findings.is_empty() && damaged == 0 {
        return;
    }
    let _ = writeln!(text, "\n{}:", report.name);
    for finding in &report.analysis.findings {
        let track = finding
            .track
            .map_or_else(String::new, |track| format!("{track}: "));
        let _ = writeln!(
            text,
            "  {:11}  {track}{}",
            finding.kind.as_str(),
            finding.text
        );
    }
    if damaged > 0 {
        let _ = writeln!(
            text,
            "  damaged      {damaged} packets of the file could not be decoded"
        );
    }
}

//! One page that needs no other file: what was measured, side by side, and the pictures.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::read::Report;
use crate::analysis::TrackAnalysis;

const STYLE: &str = "
:root{color-scheme:light dark;--line:#d5dae1;--soft:#5b6776;--bad:#b42318}
@media(prefers-color-scheme:dark){:root{--line:#3a434f;--soft:#a3adba;--bad:#ff8a7a}}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1240px;padding:0 1rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--line);text-align:start;white-space:nowrap}
h2{margin:2.2rem 0 .3rem;font-size:1.1rem;overflow-wrap:anywhere}
p,li{max-width:75ch;overflow-wrap:anywhere}.soft{color:var(--soft)}.bad{color:var(--bad);font-weight:600}
svg{max-width:none;height:auto;display:block;border:1px solid var(--line);border-radius:6px}";

pub(super) fn render(reports: &[Report]) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { "Recordings, analysed" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Recordings, analysed" }
                div.wide { (comparison(reports)) }
                @for report in reports { (section(report)) }
            }
        }
    }
    .into_string()
}

/// A column for each track.
fn comparison(reports: &[Report]) -> Markup {
    let tracks: Vec<_> = (reports.iter())
        .flat_map(|report| {
            report
                .analysis
                .tracks
                .iter()
                .map(move |track| (report, track))
        })
        .collect();
    html! {
        table {
            tr {
                th { "recording" }
                @for (report, _) in &tracks { th { (report.name) } }
            }
            tr {
                th { "track" }
                @for (_, track) in &tracks { td { (track.track.to_string()) } }
            }
            @for (name, cell) in ROWS {
                tr {
                    th { (name) }
                    @for (_, track) in &tracks { td { (cell(track)) } }
                }
            }
        }
    }
}

type Cell = fn(&TrackAnalysis) -> String;

const ROWS: [(&str, Cell); 15] = [
    ("length", |t| format!("{:.1} s", t.duration.as_secs())),
    ("RMS of everything (500 to 2000 is normal)", |t| {
        format!("{:.0}", t.levels.rms)
    }),
    ("RMS of the sound (500 to 8000)", |t| {
        format!("{:.0}", t.levels.active_rms)
    }),
    ("peak", |t| t.levels.peak.to_string()),
    ("clipped samples", |t| {
        format!(
            "{} ({:.2} %)",
            t.levels.clipped_samples,
            t.levels.clipped_share * 100.0
        )
    }),
    ("mean sample (DC offset)", |t| {
        format!("{:.1}", t.levels.dc_offset)
    }),
    ("silence", |t| {
        format!("{:.0} %", t.levels.silence_share * 100.0)
    }),
    ("silences of 0.5 s and more", |t| {
        (t.silences.len() as u64 + t.silences_unlisted).to_string()
    }),
    ("speech", |t| format!("{:.0} %", t.speech_share * 100.0)),
    ("noise", |t| {
        t.noise_dbfs
            .map_or_else(none, |dbfs| format!("{dbfs:.0} dBFS"))
    }),
    ("speech over noise (10 dB and more)", |t| {
        t.snr_db.map_or_else(none, |db| format!("{db:.0} dB"))
    }),
    ("reaches (2,500 Hz and more)", |t| {
        t.bandwidth_hz.map_or_else(none, |hz| format!("{hz:.0} Hz"))
    }),
    ("mains hum", |t| {
        t.hum.map_or_else(none, |hum| {
            format!("{:.0} Hz, {:.0} dBFS", hum.hz, hum.dbfs)
        })
    }),
    ("places where the sound breaks off", |t| {
        format!("{} ({:.2} s)", t.dropouts.count, t.dropouts.total.as_secs())
    }),
    ("verdict on the level", |t| t.verdict.as_str().to_owned()),
];

fn none() -> String {
    "–".into()
}

fn section(report: &Report) -> Markup {
    let analysis = &report.analysis;
    html! {
        h2 { (report.name) }
        @for file in &report.files {
            p.soft {
                (file.path.display()) ", " (file.bytes) " bytes, " (file.sample_rate) " Hz, "
                (file.channels) @if file.channels == 1 { " channel" } @else { " channels" }
                @if file.damaged > 0 { ", " span.bad { (file.damaged) " packets damaged" } }
            }
        }
        @if let Some(share) = analysis.double_talk_share {
            p { "Both speak at once for " (format!("{:.0} %", share * 100.0)) " of the speech." }
        }
        @if analysis.findings.is_empty() {
            p { "Nothing is wrong with it." }
        } @else {
            ul {
                @for finding in &analysis.findings {
                    li {
                        span.bad { (finding.kind.as_str()) } " "
                        @if let Some(track) = finding.track { (track.to_string()) ": " }
                        (finding.text)
                    }
                }
            }
        }
        div.wide { (PreEscaped(report.svg())) }
    }
}

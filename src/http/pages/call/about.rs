//! Facts about a call, the verdict on its recordings, the versions of its text and the files to take away.

use maud::{Markup, html};

use crate::{
    analysis::Analysis,
    http::{
        access::Viewer,
        call_file::{CallFile, is_settled},
        changes::LIVE,
        pages::{clock, day_and_time},
    },
    store::{Scope, Version, VersionKind},
    time::MediaTime,
};

/// What the analysis found; open where something is wrong.
pub(super) fn quality(analysis: Option<&Analysis>) -> Markup {
    let percent = |share: f32| format!("{:.0} %", share * 100.0);
    html! {
        section #quality {
            @if let Some(analysis) = analysis {
                details open[!analysis.findings.is_empty()] {
                    summary { "Recording quality: " strong { (analysis.verdict().replace('_', " ")) } }
                    ul {
                        @for finding in &analysis.findings {
                            li { @if let Some(track) = finding.track { (track) ": " } (finding.text) }
                        }
                        @for track in &analysis.tracks {
                            li.quiet {
                                (track.track) ": sound at " (format!("{:.0}", track.levels.active_rms)) " RMS, peak "
                                (track.levels.peak) ", silence " (percent(track.levels.silence_share))
                                @if let Some(snr) = track.snr_db { ", " (format!("{snr:.0}")) " dB over the noise" }
                            }
                        }
                        @if let Some(share) = analysis.double_talk_share {
                            li.quiet { "both at once: " (percent(share)) " of the speech" }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn facts(file: &CallFile) -> Markup {
    let call = &file.call;
    let version = &file.transcript.version;
    html! {
        section #about {
            details {
                summary { "About this call" }
                dl {
                    dt { "Started" } dd { (day_and_time(call.started_at)) }
                    @if let Some(at) = call.ended_at { dt { "Ended" } dd { (day_and_time(at)) } }
                    @if call.duration > MediaTime::ZERO { dt { "Length" } dd { (clock(call.duration)) } }
                    @if let Some(direction) = &call.direction { dt { "Direction" } dd { (direction) } }
                    @if let Some(language) = version.language.as_ref().or(call.language.as_ref()) {
                        dt { "Language" } dd { (language) }
                    }
                    dt { "Call id" } dd { code { (call.sid) } }
                    dt { "Streams" } dd { (file.streams.len()) }
                    @if let Some(model) = &version.model { dt { "Model" } dd { (model.name) } }
                    dt { "Served because" } dd { (call.served_reason) }
                }
            }
        }
    }
}

pub(super) fn exports(file: &CallFile, viewer: &Viewer) -> Markup {
    let sid = &file.call.sid;
    let base = format!("/api/v1/calls/{sid}/transcript");
    let shown = &file.transcript;
    let version = if shown.served {
        String::new()
    } else {
        format!("&version={}", shown.version.version)
    };
    html! {
        section #exports aria-label="Transcript, to take away" {
            h2 { @if shown.served { "Transcript" } @else { "Transcript, version " (shown.version.version) " (not the one served)" } }
            button #copy type="button" data-from={ (base) "?format=txt" (version) } { "Copy" }
            span #copied role="status" {}
            @for (format, name) in [("txt", "Text"), ("srt", "SubRip"), ("vtt", "WebVTT"), ("json", "JSON")] {
                a href={ (base) "?format=" (format) (version) } download={ (sid) "." (format) } { (name) }
            }
            @if is_settled(file.call.state) && viewer.may(Scope::CallsDelete) {
                a.danger href={ "/calls/" (sid) "/delete" } { "Delete …" }
            }
            @if file.versions.len() > 1 { (versions(file)) }
        }
    }
}

/// The name of a version, as readers know it.
pub(super) fn version_name(version: &Version) -> String {
    match version.kind {
        VersionKind::Live => "live text".to_owned(),
        VersionKind::Final => format!("final, version {}", version.version),
    }
}

fn versions(file: &CallFile) -> Markup {
    let (sid, shown) = (&file.call.sid, file.transcript.version.version);
    let before = file.versions.iter().rev().find(|v| v.version < shown);
    html! {
        p.versions {
            span.quiet { "Shown: " }
            @for (index, version) in file.versions.iter().enumerate() {
                @if index > 0 { " · " }
                @if version.version == shown { strong { (version_name(version)) } }
                @else { a href={ "/calls/" (sid) "?version=" (version.version) } { (version_name(version)) } }
            }
            @if let Some(before) = before {
                " · " a #what-changed href={ "/calls/" (sid) "?version=" (shown) "&against=" (before.version) } {
                    "What changed since the " (version_name(before))
                }
                @if before.version != LIVE {
                    " · " a href={ "/calls/" (sid) "?version=" (shown) "&against=" (LIVE) } { "since the live text" }
                }
            }
        }
    }
}

//! `/recordings`: all recordings, newest first: played in place, judged, downloaded, deleted; what they take
//! of the disk, and what goes next.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    Page, clock, day_and_time,
    filters::{address, bytes, days, filled},
    sentence,
};
use crate::{
    http::{
        AppState, HttpError,
        access::Viewer,
        call_file::sid,
        calls::address as source,
        error::{Params, Sent},
        recordings::{Keeping, delete as delete_one, is_packed, keeping, sizes, track},
    },
    store::{Browsed, Recording, RecordingFilter, RecordingKey, RecordingState, Scope, StreamKey},
};

const RECORDINGS: u32 = 30;

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    from: Option<String>,
    to: Option<String>,
    deleted: Option<String>,
    cursor: Option<String>,
}

impl Asked {
    fn address(&self, cursor: Option<&str>) -> String {
        let fields = [
            ("from", filled(self.from.as_ref())),
            ("to", filled(self.to.as_ref())),
            ("deleted", filled(self.deleted.as_ref())),
            ("cursor", cursor),
        ];
        address("/recordings", &fields)
    }
}

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
    viewer: Viewer,
) -> Result<Page, HttpError> {
    let may_delete = viewer.may(Scope::CallsDelete);
    let (since, until) = days(asked.from.as_ref(), asked.to.as_ref())?;
    let filter = RecordingFilter {
        since,
        until,
        deleted: filled(asked.deleted.as_ref()).is_some(),
    };
    let cursor = filled(asked.cursor.as_ref());
    let after = cursor.map(str::parse).transpose()?;
    let page = state
        .store
        .browse_recordings(&filter, after.as_ref(), RECORDINGS)
        .await?;
    let sizes = sizes(&page.recordings).await?;
    let keeping = keeping(&state).await?;
    let next = page.next.map(|next| next.to_string());
    let content = html! {
        h1 { "Recordings" }
        section #usage aria-label="Disk and retention" {
            dl.usage { @for (name, what) in keeping_in_words(&keeping) { div { dt { (name) } dd { (what) } } } }
        }
        (filters(&asked))
        div #recordings {
            @if page.recordings.is_empty() { (nothing(&asked)) } @else {
                ul.recordings { @for (one, size) in page.recordings.iter().zip(sizes) { (row(one, size, may_delete)) } }
            }
            nav.pager aria-label="Pages" {
                @if cursor.is_some() { a href=(asked.address(None)) { "Newest recordings" } } @else { span {} }
                @if let Some(next) = &next { a rel="next" href=(asked.address(Some(next))) { "Older recordings" } }
            }
        }
    };
    Ok(Page::new("Recordings", "recordings", content))
}

/// What there is, and what happens to it by itself.
pub(super) fn keeping_in_words(keeping: &Keeping) -> Vec<(&'static str, Markup)> {
    let mut words = Vec::new();
    if let Some(usage) = &keeping.usage {
        let share = |share: &crate::recordings::usage::Share| {
            html! { (bytes(share.bytes)) " in " (share.files) @if share.files == 1 { " file" } @else { " files" } }
        };
        let recordings = html! { (share(&usage.recordings)) @if usage.partial { " and more: not all are counted" } };
        words.push(("Recordings", recordings));
        if usage.archive.files > 0 {
            words.push(("Archive", share(&usage.archive)));
        }
        if usage.downloads.files > 0 {
            words.push(("Downloads", share(&usage.downloads)));
        }
        if let (Some(free), Some(total)) = (usage.free, usage.total) {
            words.push(("Disk", html! { (bytes(free)) " free of " (bytes(total)) }));
        }
        if let Some(oldest) = usage.oldest {
            words.push(("Oldest", day_and_time(oldest)));
        }
    }
    let days = |days: u32| {
        if days == 1 {
            "1 day".into()
        } else {
            format!("{days} days")
        }
    };
    let kept = html! {
        @if keeping.retention_days == 0 { "Kept for ever" } @else {
            "Kept for " (days(keeping.retention_days))
            @if keeping.archive_days > 0 { ", packed after " (days(keeping.archive_days)) }
        }
    };
    words.push(("Retention", kept));
    if let Some(at) = keeping.next_purge.filter(|_| keeping.retention_days > 0) {
        let goes = html! {
            @match keeping.goes_then { 0 => { "No recording goes" }, 1 => { "1 recording goes" }, n => { (n) " recordings go" } }
            " at the next purge, " (day_and_time(at))
        };
        words.push(("Next", goes));
    }
    words
}

fn filters(asked: &Asked) -> Markup {
    let deleted = filled(asked.deleted.as_ref()).is_some();
    html! {
        form.filters method="get" action="/recordings" aria-label="Filter recordings" {
            label { "From day" input type="date" name="from" value=(filled(asked.from.as_ref()).unwrap_or_default()); }
            label { "To day" input type="date" name="to" value=(filled(asked.to.as_ref()).unwrap_or_default()); }
            label.check { input type="checkbox" name="deleted" value="1" checked[deleted]; "Deleted ones instead" }
            div.buttons {
                button { "Filter" }
                @if asked.address(None) != "/recordings" { a href="/recordings" { "Show all" } }
            }
        }
    }
}

fn nothing(asked: &Asked) -> Markup {
    html! {
        div.first {
            @if asked.address(None) != "/recordings" {
                p { strong { "No recording is like that." } " " a href="/recordings" { "Look at all recordings" } "." }
            } @else {
                p { strong { "No recordings yet." } " Each call's audio appears here while it lasts." }
                p { "Calls are recorded unless the configuration says otherwise (recording.enabled)." }
            }
        }
    }
}

fn row(one: &Browsed, size: Option<u64>, may_delete: bool) -> Markup {
    let recording = &one.recording;
    let call = &recording.key.stream.call;
    let open = recording.state == RecordingState::Open;
    html! {
        li.recording.(recording.key.track) {
            div.line {
                strong { bdi { (recording.speaker) } }
                a href={ "/calls/" (call) } { (numbers(one)) }
                span.when { (day_and_time(recording.opened_at)) }
            }
            (verdict(one))
            @if let Some(why) = &recording.failed { p.why { "Not complete. " bdi { (sentence(why)) } } }
            @if recording.state == RecordingState::Deleted { p.quiet { "Its files are deleted." } } @else {
                @for part in 1..=recording.parts.len() { (player(recording, part)) }
            }
            div.line.quiet {
                @if open { span { "Being recorded" } } @else { span { (clock(recording.duration)) } }
                @if let Some(size) = size { span { (bytes(size)) @if is_packed(recording) { ", archived with the other side" } } }
                @if may_delete && recording.is_kept() { a.delete href=(deletion(&recording.key)) { "Delete …" } }
            }
        }
    }
}

fn player(recording: &Recording, part: usize) -> Markup {
    let address = source(recording, part);
    let several = recording.parts.len() > 1;
    let name = format!("Recording of {}", recording.speaker);
    html! {
        div.play {
            // Who only looks has not listened: nothing is fetched before it plays.
            audio controls preload="none" src=(address) aria-label={ (name) @if several { ", part " (part) } } {}
            a href=(address) download { "Download" @if several { " part " (part) } }
        }
    }
}

fn numbers(one: &Browsed) -> Markup {
    html! {
        @match (&one.from, &one.to) {
            (Some(from), Some(to)) => { bdi { (from) } " → " bdi { (to) } },
            (Some(number), None) | (None, Some(number)) => { bdi { (number) } },
            (None, None) => { bdi { (one.recording.key.stream.call) } },
        }
    }
}

/// How it was judged as it was written, and what the analysis of the whole call says.
fn verdict(one: &Browsed) -> Markup {
    let detail = &one.recording.detail;
    let own = detail.get("verdict").and_then(|verdict| verdict.as_str());
    let level = |name: &str| detail.get("levels")?.get(name)?.as_f64();
    let class = |verdict: &str| {
        if verdict == "good" {
            "final"
        } else {
            "degraded"
        }
    };
    let plain = |verdict: &str| {
        sentence(&verdict.replace('_', " "))
            .trim_end_matches('.')
            .to_owned()
    };
    html! {
        div.line.levels {
            @if let Some(own) = own { span class={ "badge " (class(own)) } { (plain(own)) } }
            @if let Some(call) = one.verdict.as_deref().filter(|call| Some(*call) != own) {
                span { "The call: " (plain(call).to_lowercase()) }
            }
            @if let Some(rms) = level("active_rms") { span { "sound at " (format!("{rms:.0}")) " RMS" } }
            @if let Some(peak) = level("peak") { span { "peak " (format!("{peak:.0}")) } }
            @if let Some(share) = level("silence_share") { span { (format!("{:.0}", share * 100.0)) " % silence" } }
            @if let Some(share) = level("clipped_share").filter(|share| *share > 0.0) { span { (format!("{:.2}", share * 100.0)) " % clipped" } }
        }
    }
}

fn deletion(key: &RecordingKey) -> String {
    let RecordingKey { stream, track } = key;
    format!(
        "/recordings/{}/{}/{track}/delete",
        stream.call, stream.number
    )
}

type Named = Path<(String, u32, String)>;

fn key((call, number, name): (String, u32, String)) -> Result<RecordingKey, HttpError> {
    Ok(RecordingKey {
        stream: StreamKey {
            call: sid(&call)?,
            number,
        },
        track: track(&name)?,
    })
}

/// Says what goes before it goes.
pub(in crate::http) async fn ask(
    State(state): State<AppState>,
    Path(named): Named,
) -> Result<Page, HttpError> {
    let key = key(named)?;
    let would = delete_one(&state, &key, true, true).await?;
    let both = would.tracks.len() > 1;
    let content = html! {
        div.confirm {
            h1 { "Delete this recording?" }
            p {
                @if both { "It is archived, in one file with the other side of the talk: both go. " }
                "The transcript of the call " a href={ "/calls/" (key.stream.call) } { bdi { (key.stream.call) } }
                " and what was made of it stay, but nobody can listen to it or transcribe it again."
            }
            p { "These files go for good:" }
            ul { @for file in &would.files { li { code { (file) } } } @if would.files.is_empty() { li { "none: they are gone already" } } }
            form method="post" action=(deletion(&key)) {
                input type="hidden" name="both" value=(both);
                div.buttons { button.danger { "Delete the recording" } a href="/recordings" { "Keep it" } }
            }
        }
    };
    Ok(Page::new("Delete a recording", "recordings", content))
}

#[derive(Deserialize)]
pub(in crate::http) struct Agreed {
    both: bool,
}

pub(in crate::http) async fn delete(
    State(state): State<AppState>,
    Path(named): Named,
    Sent(agreed): Sent<Agreed>,
) -> Result<Response, HttpError> {
    let done = delete_one(&state, &key(named)?, agreed.both, false).await?;
    if done.kept.is_empty() {
        return Ok(Redirect::to("/recordings").into_response());
    }
    let content = html! {
        div.confirm {
            h1 { "Not all of it is gone" }
            p { "The recording is no longer served, but these files are still on the disk; the purge deletes them when their time is up:" }
            ul { @for (file, why) in &done.kept { li { code { (file) } ": " (why) } } }
            p { a href="/recordings" { "All recordings" } }
        }
    };
    Ok(Page::new("Not all is deleted", "recordings", content).into_response())
}

//! `/health`: whether calls are welcome, what there is to do, and how the last hour was.

use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::{Page, day_and_time, recordings::keeping_in_words, sentence, spark};
use crate::{
    http::{
        AppState, HttpError,
        figures::Figure,
        health::reasons,
        recordings::{Keeping, keeping},
    },
    store::JobState,
};

/// Less room than this on the disk is worth a word.
const LITTLE_ROOM: u64 = 2_000_000_000;

pub(in crate::http) async fn show(State(state): State<AppState>) -> Result<Page, HttpError> {
    let reasons = reasons(&state).await;
    let now = state.clock.wall();
    // With a database that fails the page still says so.
    let keeping = keeping(&state).await.ok();
    let failed = state.store.job_counts().await.map_or(0, |counts| {
        let dead = counts.iter().filter(|c| c.state == JobState::Dead.as_str());
        dead.map(|count| count.count).sum::<u32>()
    });
    let content = html! {
        h1 { "Health" }
        div #health {
            (welcome(&reasons))
            @if failed > 0 {
                p.banner { a href="/jobs?state=dead" { (failed) @if failed == 1 { " job" } @else { " jobs" } } " failed for the last time." }
            }
            @if let Some(little) = keeping.as_ref().and_then(little_room) { p.banner { (little) } }
            h2 { "The last hour" }
            div.sparks {
                @for figure in Figure::ALL { (spark::picture(&look(figure), &state.about.figures.of(figure, now), now)) }
            }
            h2 { "This server" }
            (facts(&state, keeping.as_ref(), now))
        }
    };
    Ok(Page::new("Health", "health", content))
}

fn welcome(reasons: &[String]) -> Markup {
    html! {
        @if reasons.is_empty() {
            p.state { span.badge.final { "Ready" } "New calls are welcome." }
        } @else {
            p.state { span.badge.failed { "Not ready" } "New calls should go elsewhere:" }
            ul.reasons { @for why in reasons { li { (sentence(why)) } } }
        }
    }
}

fn little_room(keeping: &Keeping) -> Option<String> {
    let free = keeping.usage.as_ref()?.free?;
    (free < LITTLE_ROOM).then(|| {
        format!(
            "The disk of the recordings is almost full: {} are free. Recordings fail when it is full; make room, or keep them for fewer days (recording.retention_days).",
            super::filters::bytes(free)
        )
    })
}

fn facts(state: &AppState, keeping: Option<&Keeping>, now: Timestamp) -> Markup {
    let about = &state.about;
    html! {
        dl {
            dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) }
            dt { "Runs since" } dd { (day_and_time(about.started_at)) ", " (age(now.duration_since(about.started_at))) }
            @for (what, name) in &about.models { dt { (what) } dd { (name) } }
            @if about.models.is_empty() { dt { "Models" } dd { "None are loaded here: calls are recorded, but not heard." } }
            @if let Some(keeping) = keeping {
                @for (name, what) in keeping_in_words(keeping) { dt { (name) } dd { (what) } }
            }
        }
        p { a href="/metrics" { "All figures, for Prometheus" } " · " a href="/readyz" { "Readiness, for load balancers" } }
    }
}

/// `3 days 4 h`, `2 h 5 min`, `40 s`.
fn age(span: SignedDuration) -> String {
    let secs = span.as_secs().max(0);
    let (days, hours, mins) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60);
    match (days, hours, mins) {
        (0, 0, 0) => format!("{secs} s"),
        (0, 0, _) => format!("{mins} min"),
        (0, ..) => format!("{hours} h {mins} min"),
        (1, ..) => format!("1 day {hours} h"),
        _ => format!("{days} days {hours} h"),
    }
}

const fn look(figure: Figure) -> spark::Look {
    let (name, what, unit, decimals, top) = match figure {
        Figure::Streams => ("Streams", "open at once", "", 0, 4.0),
        Figure::LiveLag => ("Live lag", "words behind the voice", " s", 1, 2.0),
        Figure::LiveQueue => ("Live queue", "windows that wait", "", 0, 4.0),
        Figure::LiveLevel => ("Overload", "step of live words, 0 is none", "", 0, 4.0),
        Figure::DecodeLoad => ("Decode load", "processor cores busy", "", 2, 1.0),
        Figure::WaitingJobs => ("Jobs", "waiting", "", 0, 4.0),
        Figure::DeadJobs => ("Failed jobs", "given up", "", 0, 4.0),
    };
    spark::Look {
        name,
        what,
        unit,
        decimals,
        top,
    }
}

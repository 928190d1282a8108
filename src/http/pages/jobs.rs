//! `/jobs`: the work that follows calls: what failed and why, what runs, what waits.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    Page, day_and_time,
    filters::{address, filled, one_of},
    sentence,
};
use crate::{
    after::KINDS,
    http::{
        AppState, HttpError,
        access::Viewer,
        error::Params,
        jobs::{again, drop_one},
        paging,
    },
    store::{
        ANALYSE, ANNOUNCE, JobCount, JobState, QueuedJob, Scope, TRANSCRIBE, UNDERSTAND, WhichJobs,
    },
};

/// Jobs of one state where all states are shown.
const OF_A_STATE: u32 = 20;
const JOBS: u32 = 50;
/// What needs a person comes first.
const ORDER: [JobState; 4] = [
    JobState::Dead,
    JobState::Running,
    JobState::Queued,
    JobState::Done,
];

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    kind: Option<String>,
    state: Option<String>,
    cursor: Option<String>,
}

impl Asked {
    fn address(kind: Option<&str>, state: Option<&str>, cursor: Option<&str>) -> String {
        let fields = [("kind", kind), ("state", state), ("cursor", cursor)];
        address("/jobs", &fields)
    }
}

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Params(asked): Params<Asked>,
    viewer: Viewer,
) -> Result<Page, HttpError> {
    let may_tend = viewer.may(Scope::JobsWrite);
    let kind = filled(asked.kind.as_ref());
    let wanted: Option<JobState> = one_of(asked.state.as_ref(), "state")?;
    let cursor = paging::cursor(filled(asked.cursor.as_ref()))?;
    let counts = state.store.job_counts().await?;
    let mut lists = Vec::new();
    for one in ORDER {
        if wanted.is_some_and(|wanted| wanted != one) {
            continue;
        }
        let which = WhichJobs {
            kind: kind.map(ToOwned::to_owned),
            state: Some(one),
        };
        // A cursor is of one state's list.
        let (after, limit) = match wanted {
            Some(_) => (cursor, JOBS),
            None => (None, OF_A_STATE),
        };
        let (jobs, next) = state.store.queued_jobs(&which, after, limit).await?;
        lists.push((one, jobs, next));
    }
    let content = html! {
        h1 { "Jobs" }
        (sections("/jobs"))
        (filters(kind, wanted))
        div #jobs {
            (numbers(&counts))
            @for (one, jobs, next) in &lists { (list(*one, jobs, next.as_deref(), (kind, wanted), may_tend)) }
            @if lists.iter().all(|(_, jobs, _)| jobs.is_empty()) {
                div.first { p { @if kind.is_some() || wanted.is_some() { "No job is like that." } @else { "No jobs yet. They follow the end of each call." } } }
            }
            @if cursor.is_some() { nav.pager aria-label="Pages" { a href=(Asked::address(kind, wanted.map(JobState::as_str), None)) { "Newest jobs" } } }
        }
    };
    Ok(Page::new("Jobs", "jobs", content))
}

/// Jobs and deliveries belong together.
pub(super) fn sections(here: &str) -> Markup {
    html! {
        nav.choices aria-label="Jobs and deliveries" {
            @for (path, name) in [("/jobs", "Jobs"), ("/deliveries", "Deliveries")] {
                a href=(path) aria-current=[(path == here).then_some("page")] { (name) }
            }
        }
    }
}

fn filters(kind: Option<&str>, state: Option<JobState>) -> Markup {
    html! {
        form.filters method="get" action="/jobs" aria-label="Filter jobs" {
            label { "Kind"
                select name="kind" {
                    option value="" { "All" }
                    @for one in KINDS { option value=(one) selected[kind == Some(one)] { (title(one)) } }
                }
            }
            label { "State"
                select name="state" {
                    option value="" { "All, failed first" }
                    @for one in ORDER { option value=(one) selected[state == Some(one)] { (label(one)) } }
                }
            }
            div.buttons {
                button { "Filter" }
                @if kind.is_some() || state.is_some() { a href="/jobs" { "Show all" } }
            }
        }
    }
}

fn numbers(counts: &[JobCount]) -> Markup {
    let count = |state: JobState| -> u32 {
        let of_state = counts.iter().filter(|one| one.state == state.as_str());
        of_state.map(|one| one.count).sum()
    };
    html! {
        ul.numbers aria-label="How many jobs" {
            @for one in ORDER {
                li class=[(one == JobState::Dead && count(one) > 0).then_some("bad")] {
                    a href=(Asked::address(None, Some(one.as_str()), None)) { strong { (count(one)) } " " (label(one)) }
                }
            }
        }
    }
}

fn list(
    state: JobState,
    jobs: &[QueuedJob],
    next: Option<&str>,
    (kind, wanted): (Option<&str>, Option<JobState>),
    may_tend: bool,
) -> Markup {
    html! {
        @if !jobs.is_empty() {
            h2 { (label(state)) }
            ul.jobs { @for job in jobs { (row(job, may_tend)) } }
            @if let Some(next) = next {
                nav.pager aria-label={ "More: " (label(state)) } {
                    span {}
                    a rel="next" href=(Asked::address(kind, Some(state.as_str()), Some(next))) {
                        @if wanted.is_some() { "Older jobs" } @else { "More of these" }
                    }
                }
            }
        }
    }
}

fn row(job: &QueuedJob, may_tend: bool) -> Markup {
    html! {
        li.job.(job.state) data-id=(job.id) {
            div.line {
                span class={ "badge " (class(job.state)) } { (label(job.state)) }
                strong { (title(&job.kind)) }
                span { (subject(job)) }
                span.when { (day_and_time(job.finished_at.unwrap_or(job.created_at))) }
            }
            @if let Some(why) = &job.last_error {
                p.why dir="auto" { @if job.state != JobState::Dead { span.quiet { "Last time: " } } (sentence(why)) }
            }
            p.quiet {
                @match job.state {
                    JobState::Queued => { "Due " (day_and_time(job.run_at)) },
                    JobState::Running => {
                        "In hand"
                        @if let Some(worker) = &job.worker { " of " code { (worker) } }
                    },
                    JobState::Dead => { "Given up" },
                    JobState::Done => { "Done" },
                }
                @if job.attempts > 0 { ", attempt " (job.attempts) " of " (job.max_attempts) }
            }
            @if may_tend && matches!(job.state, JobState::Dead | JobState::Queued) {
                div.buttons {
                    form method="post" action={ "/jobs/" (job.id) "/retry" } data-api={ "/api/v1/jobs/" (job.id) "/retry" } {
                        button { @if job.state == JobState::Dead { "Try again" } @else { "Run now" } }
                    }
                    a href={ "/jobs/" (job.id) "/drop" } { "Drop …" }
                }
            }
        }
    }
}

/// What it is about; a call where it is one.
fn subject(job: &QueuedJob) -> Markup {
    let is_of_call = [TRANSCRIBE, ANALYSE, UNDERSTAND, ANNOUNCE].contains(&job.kind.as_str());
    html! {
        @if is_of_call { a href={ "/calls/" (job.key) } { bdi { (job.key) } } } @else { code { (job.key) } }
    }
}

const fn label(state: JobState) -> &'static str {
    match state {
        JobState::Dead => "Failed",
        JobState::Running => "Running",
        JobState::Queued => "Waiting",
        JobState::Done => "Done",
    }
}

const fn class(state: JobState) -> &'static str {
    match state {
        JobState::Dead => "failed",
        JobState::Running => "live",
        JobState::Queued => "finishing",
        JobState::Done => "final",
    }
}

/// What a kind of job does, in a word or two.
fn title(kind: &str) -> &str {
    match kind {
        "transcribe" => "Final transcript",
        "analyse" => "Analysis",
        "understand" => "Understanding",
        "announce" => "Announcement",
        "deliver" => "Delivery",
        "download" => "Download",
        "archive" => "Archiving",
        "purge" => "Purge",
        other => other,
    }
}

pub(in crate::http) async fn retry(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    again(&state, &id).await?;
    Ok(Redirect::to("/jobs").into_response())
}

/// Says what goes before it goes.
pub(in crate::http) async fn ask(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Page, HttpError> {
    let job = state.store.queued_job(&id).await?;
    let job = job.ok_or_else(|| crate::store::Error::NoJob(id))?;
    let content = html! {
        div.confirm {
            h1 { "Drop this job?" }
            ul.jobs { (row(&job, false)) }
            p { (consequence(&job.kind)) }
            form method="post" action={ "/jobs/" (job.id) "/drop" } {
                div.buttons { button.danger { "Drop the job" } a href="/jobs" { "Keep it" } }
            }
        }
    };
    Ok(Page::new("Drop a job", "jobs", content))
}

fn consequence(kind: &str) -> &'static str {
    match kind {
        "transcribe" => "The call keeps its live text; the recording is not transcribed.",
        "analyse" => "The call's recordings get no verdict.",
        "understand" => "The call gets no summary, and its lead stays as it is.",
        "announce" => "Nobody is told of the call.",
        "deliver" => "The delivery is given up; it can be sent again from the deliveries.",
        "download" => "The provider's recording is not fetched.",
        "archive" => "Old recordings stay as they are until the server starts again.",
        "purge" => "Old recordings are not deleted until the server starts again.",
        _ => "Its work is not done.",
    }
}

pub(in crate::http) async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, HttpError> {
    drop_one(&state, &id).await?;
    Ok(Redirect::to("/jobs").into_response())
}

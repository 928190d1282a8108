//! Workers that take jobs and see them through.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use metrics::{counter, gauge, histogram};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Analyse, Announce, Archive, Context, Deliver, Download, Job, Link, Purge, ReadFile, Transcribe,
    Trouble, Understand, WritePrompt, alert::alert, backoff::backoff, daily,
};
use crate::{
    store::{self, Error, Urgency},
    tasks,
};

/// How long a job may take to heed the stop before it is left to its lease.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// What cannot run for a moment's reason runs again after this.
const SOON: Duration = Duration::from_secs(1);
/// A worker whose database fails tries again after this.
const AFTER_ERROR: Duration = Duration::from_secs(2);

/// All workers of this process.
pub struct Runner {
    workers: TaskTracker,
    stop: CancellationToken,
    wake: Arc<Notify>,
}

/// Takes jobs of one kind, one at a time.
pub struct Worker {
    name: String,
    kind: Kind,
    urgency: Urgency,
    context: Context,
    stop: CancellationToken,
}

/// How one attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// It runs again later.
    Retry,
    NotYet,
    Dead,
    /// The lease ran out meanwhile: another worker has the job.
    Lost,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retry => "retry",
            Self::NotYet => "not_yet",
            Self::Dead => "dead",
            Self::Lost => "lost",
        }
    }
}

impl Runner {
    /// Starts the workers of all kinds of jobs.
    #[must_use]
    pub fn start(context: &Context) -> Self {
        let runner = Self {
            workers: TaskTracker::new(),
            stop: CancellationToken::new(),
            wake: Arc::default(),
        };
        for number in 0..context.options.transcribe_at_once {
            runner.add_for::<Transcribe>(context, number, Urgency::Usual);
        }
        if context.options.transcribe_at_once > 0 {
            // Hours of uploaded sound hold no call's words up.
            let number = context.options.transcribe_at_once;
            runner.add_for::<Transcribe>(context, number, Urgency::Less);
        }
        for number in 0..context.options.analyse_at_once {
            runner.add::<Analyse>(context, number);
        }
        for number in 0..context.fetcher.options().at_once {
            runner.add::<Download>(context, number);
        }
        for number in 0..context.options.understand_at_once {
            runner.add::<Understand>(context, number);
            runner.add::<ReadFile>(context, number);
        }
        runner.add::<Link>(context, 0);
        runner.add::<WritePrompt>(context, 0);
        runner.add::<Announce>(context, 0);
        for number in 0..context.hooks.workers() {
            runner.add::<Deliver>(context, number);
        }
        runner.add::<Archive>(context, 0);
        runner.add::<Purge>(context, 0);
        runner.track("daily jobs", first_of_the_day(context.clone()));
        let (context, stop) = (context.clone(), runner.stop.clone());
        runner.track("job counts", count_jobs(context, stop));
        runner.workers.close();
        runner
    }

    /// Looks for due jobs at once.
    pub fn wake(&self) {
        self.wake.notify_waiters();
    }

    /// Stops taking jobs, lets running ones heed the stop, and returns; their jobs are due at once for
    /// whoever starts next.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.workers.wait().await;
    }

    fn add<J: Job>(&self, context: &Context, number: u32) {
        self.add_for::<J>(context, number, Urgency::Any);
    }

    fn add_for<J: Job>(&self, context: &Context, number: u32, urgency: Urgency) {
        let worker = Worker::new::<J>(context.clone(), number, self.stop.clone());
        let worker = Worker { urgency, ..worker };
        self.track(J::KIND, worker.work(Arc::clone(&self.wake)));
    }

    fn track(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        drop(tasks::spawn(name, self.workers.track_future(work)));
    }
}

impl Worker {
    /// `number` tells workers of one kind apart.
    #[must_use]
    pub fn new<J: Job>(context: Context, number: u32, stop: CancellationToken) -> Self {
        Self {
            // Unlike every former life's, so that a lease never outlives its process.
            name: format!("{}-{number}-{}", J::KIND, uuid::Uuid::new_v4().simple()),
            kind: Kind::of::<J>(),
            urgency: Urgency::Any,
            context,
            stop,
        }
    }

    /// Takes a due job and sees it through; `None`: nothing is due.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn step(&self) -> Result<Option<Outcome>, Error> {
        let now = self.context.clock.wall();
        self.bury_lost().await?;
        let taken = self
            .context
            .store
            .take_job_of(self.kind.name, self.urgency, &self.name, self.lease(), now)
            .await?;
        let Some(job) = taken else { return Ok(None) };
        let started = self.context.clock.now();
        let ended = self.attempt(&job).await;
        let outcome = self.settle(&job, ended).await?;
        self.count(started, outcome);
        Ok(Some(outcome))
    }

    async fn work(self, wake: Arc<Notify>) {
        while !self.stop.is_cancelled() {
            let woken = wake.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            let rest = match self.step().await {
                Ok(Some(_)) => continue,
                Ok(None) => self.rest().await,
                Err(error) => {
                    counter!("callscribe_store_errors_total").increment(1);
                    tracing::error!(kind = self.kind.name, %error, "jobs cannot be taken or settled");
                    AFTER_ERROR
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = woken => {}
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    /// Until the next job is due, at most the poll interval: other processes queue jobs too.
    async fn rest(&self) -> Duration {
        let poll = Duration::from_secs(self.context.options.poll_s.max(1).into());
        let now = self.context.clock.wall();
        let store = &self.context.store;
        match store.next_job_of(self.kind.name, self.urgency).await {
            Ok(Some(due)) => Duration::try_from(due.duration_since(now))
                .unwrap_or(Duration::ZERO)
                // A job that is due but not free (its key runs elsewhere) is no reason to spin.
                .clamp(Duration::from_millis(100), poll),
            _ => poll,
        }
    }

    /// Runs the job in a task of its own, so that its panic is an error, and renews its lease meanwhile.
    async fn attempt(&self, job: &store::Job) -> Result<(), Trouble> {
        let stop = self.stop.child_token();
        let run = (self.kind.run)(self.context.clone(), job.payload.clone(), stop.clone());
        let mut task = tasks::spawn("job", run);
        let mut renew = tokio::time::interval(self.lease().unsigned_abs() / 3);
        renew.tick().await;
        let stopped = async {
            self.stop.cancelled().await;
            tokio::time::sleep(STOP_WITHIN).await;
        };
        tokio::pin!(stopped);
        loop {
            tokio::select! {
                ended = &mut task => return ended.unwrap_or_else(|error| {
                    Err(Trouble::Failed(anyhow::anyhow!("the job panicked: {error}")))
                }),
                () = &mut stopped => {
                    task.abort();
                    return Err(stopping());
                }
                _ = renew.tick() => {
                    let until = self.context.clock.wall() + self.lease();
                    match self.context.store.renew_job(job.lease(), until).await {
                        Ok(true) => {}
                        Ok(false) => {
                            stop.cancel();
                            task.abort();
                            return Err(stopping());
                        }
                        Err(error) => tracing::warn!(kind = self.kind.name, %error, "a lease cannot be renewed"),
                    }
                }
            }
        }
    }

    async fn settle(&self, job: &store::Job, ended: Result<(), Trouble>) -> Result<Outcome, Error> {
        let store = &self.context.store;
        let now = self.context.clock.wall();
        let (is_ours, outcome, reason) = match ended {
            Ok(()) => (
                store.finish_job(job.lease(), now).await?,
                Outcome::Done,
                None,
            ),
            Err(Trouble::NotYet { why, again_in }) => {
                let is_ours = store.postpone_job(job, &why, now + again_in).await?;
                // Why a job waits is told once, not at every look.
                let is_new = job.last_error.as_deref() != Some(&why);
                (is_ours, Outcome::NotYet, Some(why).filter(|_| is_new))
            }
            Err(Trouble::Later { why, again_in }) => {
                let is_ours = store.postpone_job(job, &why, now + again_in).await?;
                (is_ours, Outcome::NotYet, None)
            }
            Err(Trouble::Soon(why)) => {
                let is_ours = store.postpone_job(job, &why, now + SOON).await?;
                (is_ours, Outcome::NotYet, None)
            }
            Err(trouble) => {
                let reason = trouble.to_string();
                let is_over = job.is_last_attempt() || matches!(trouble, Trouble::Hopeless(_));
                let wait = match trouble {
                    Trouble::Again { again_in, .. } => again_in,
                    _ => backoff(&self.context.options, &job.id, job.attempts),
                };
                let retry_at = Some(now + wait).filter(|_| !is_over);
                let is_ours = store.fail_job(job, &reason, retry_at, now).await?;
                let outcome = if is_over {
                    Outcome::Dead
                } else {
                    Outcome::Retry
                };
                (is_ours, outcome, Some(reason))
            }
        };
        if !is_ours {
            tracing::warn!(
                kind = job.kind,
                key = job.key,
                "the lease ran out: another worker has the job"
            );
            return Ok(Outcome::Lost);
        }
        if let Some(reason) = reason {
            self.tell(job, outcome, &reason).await;
        }
        Ok(outcome)
    }

    /// Jobs whose last worker never came back are dead, and said to be.
    async fn bury_lost(&self) -> Result<(), Error> {
        let now = self.context.clock.wall();
        let lost = self
            .context
            .store
            .bury_lost_jobs(self.kind.name, now)
            .await?;
        for job in lost {
            let reason = job.last_error.clone().unwrap_or_default();
            self.tell(&job, Outcome::Dead, &reason).await;
        }
        Ok(())
    }

    async fn tell(&self, job: &store::Job, outcome: Outcome, reason: &str) {
        let (kind, key, attempt) = (&job.kind, &job.key, job.attempts);
        match outcome {
            Outcome::Dead => {
                tracing::error!(
                    kind,
                    key,
                    attempt,
                    error = reason,
                    "a job failed for the last time"
                );
            }
            Outcome::Retry => {
                tracing::warn!(
                    kind,
                    key,
                    attempt,
                    error = reason,
                    "a job failed and is tried again"
                );
            }
            _ => tracing::warn!(kind, key, reason, "a job cannot run yet"),
        }
        if outcome == Outcome::Dead {
            alert(&self.context, job, reason).await;
        }
        let told = if outcome == Outcome::Dead {
            self.kind.given_up
        } else {
            self.kind.will_retry
        };
        told(self.context.clone(), job.payload.clone(), reason.to_owned()).await;
    }

    fn lease(&self) -> SignedDuration {
        SignedDuration::from_secs(self.context.options.lease_s.max(1).into())
    }

    fn count(&self, started: Instant, outcome: Outcome) {
        let took = self.context.clock.now().duration_since(started);
        let kind = self.kind.name;
        counter!("callscribe_jobs_ended_total", "kind" => kind, "outcome" => outcome.as_str())
            .increment(1);
        histogram!("callscribe_job_seconds", "kind" => kind).record(took.as_secs_f64());
    }
}

fn stopping() -> Trouble {
    Trouble::Soon("the service is stopping".into())
}

/// Every kind of job there is.
pub const KINDS: [&str; 11] = [
    Transcribe::KIND,
    Analyse::KIND,
    Download::KIND,
    Announce::KIND,
    Deliver::KIND,
    Understand::KIND,
    Link::KIND,
    ReadFile::KIND,
    WritePrompt::KIND,
    Archive::KIND,
    Purge::KIND,
];

/// Keeps the gauges of waiting, running and dead jobs, and the heartbeat that says the runner lives.
async fn count_jobs(context: Context, stop: CancellationToken) {
    let mut every =
        tokio::time::interval(Duration::from_secs(context.options.poll_s.max(1).into()));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        let Ok(counts) = context.store.job_counts().await else {
            continue;
        };
        for state in ["queued", "running", "done", "dead"] {
            for kind in KINDS {
                let count = counts.iter().find(|c| c.kind == kind && c.state == state);
                let count = count.map_or(0, |c| c.count);
                gauge!("callscribe_jobs", "kind" => kind, "state" => state).set(f64::from(count));
            }
        }
        let now = context.clock.wall();
        gauge!("callscribe_jobs_heartbeat_seconds").set(now.as_duration().as_secs_f64());
    }
}

async fn first_of_the_day(context: Context) {
    daily::adopt_downloads(&context).await;
    for kind in [Archive::KIND, Purge::KIND] {
        if let Err(error) = daily::schedule(&context, kind).await {
            tracing::error!(%error, kind, "a daily job cannot be queued");
        }
    }
}

type Run =
    fn(Context, serde_json::Value, CancellationToken) -> BoxFuture<'static, Result<(), Trouble>>;
type Tell = fn(Context, serde_json::Value, String) -> BoxFuture<'static, ()>;

/// A kind of job without its type.
struct Kind {
    name: &'static str,
    run: Run,
    will_retry: Tell,
    given_up: Tell,
}

impl Kind {
    fn of<J: Job>() -> Self {
        Self {
            name: J::KIND,
            run: |context, payload, stop| {
                Box::pin(async move {
                    let job: J = serde_json::from_value(payload)
                        .map_err(|error| Trouble::Hopeless(error.into()))?;
                    job.run(&context, &stop).await
                })
            },
            will_retry: |context, payload, reason| {
                Box::pin(async move {
                    if let Ok(job) = serde_json::from_value::<J>(payload) {
                        job.will_retry(&context, &reason).await;
                    }
                })
            },
            given_up: |context, payload, reason| {
                Box::pin(async move {
                    if let Ok(job) = serde_json::from_value::<J>(payload) {
                        job.given_up(&context, &reason).await;
                    }
                })
            },
        }
    }
}

//! One call once it is over: durable jobs.
//!
//! A [`Job`] is a serialisable value in the database; running it twice does what running it once does,
//! so that a process killed at any line loses nothing: its lease runs out and another worker begins
//! anew. [`Runner`] takes jobs, renews their leases, tries failed ones again ever later, and puts aside
//! with their reason those that never succeed.

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio_util::sync::CancellationToken;

use crate::{
    analysis::Kind,
    ids::CallSid,
    insight::Insight,
    people,
    store::{self, CallState, Replaced, Store},
    time::Clock,
    webhooks,
};

mod alert;
mod adopt;
mod analyse;
mod announce;
mod archive;
mod backoff;
mod daily;
mod deliver;
mod download;
mod engine;
pub mod erase;
pub mod fetch;
pub mod files;
mod hearing;
mod link;
mod progress;
mod purge;
mod read_file;
mod runner;
mod transcribe;
mod understand;
pub mod unrecord;

#[cfg(test)]
mod tests;

pub use analyse::Analyse;
pub use announce::Announce;
pub use archive::Archive;
pub use deliver::Deliver;
pub use download::Download;
pub use engine::{FinalPass, Sessions};
pub use hearing::{HeardTrack, Hearing, NoHearing};
pub use link::Link;
pub use progress::{Progress, Sound};
pub use purge::Purge;
pub use read_file::{ReadFile, WritePrompt};
pub use runner::{KINDS, Outcome, Runner, Worker};
pub use transcribe::Transcribe;
pub use understand::Understand;

/// How jobs are run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Final passes of calls at once, and one of an uploaded file beside them. They share the speech workers
    /// with live calls, which come first. 0: none in this process; a `callscribe worker` has them.
    pub transcribe_at_once: u32,
    /// Analyses of recordings at once; 0: none in this process.
    pub analyse_at_once: u32,
    /// Calls understood at once; a language model has a limit of its own.
    pub understand_at_once: u32,
    /// Seconds for which a worker holds a job without a sign of life; after a crash its job waits so long.
    pub lease_s: u32,
    /// Most seconds between looks for due jobs.
    pub poll_s: u32,
    /// Seconds before the first retry of a failed job; each further one waits twice as long.
    pub retry_first_s: u32,
    /// The longest wait between retries, in seconds.
    pub retry_most_s: u32,
    /// Seconds between looks for a model that is missing.
    pub model_retry_s: u32,
    /// Days for which finished jobs are remembered.
    pub keep_jobs_days: u32,
    /// Days for which the audit log is kept; 0 keeps it for ever.
    pub keep_audit_days: u32,
    /// Days for which what was said on a call is kept: transcripts, what was made of them, and what was
    /// told to others. 0 keeps it for ever.
    pub keep_transcripts_days: u32,
    /// Faults of a recording that are noted on the call, logged as warnings and shown as alerts: of
    /// empty, one_way, silent, dropouts, clipped, quiet, loud, noisy, hum, muffled, dc_offset, double_talk.
    pub alert_on: Vec<Kind>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            transcribe_at_once: 1,
            analyse_at_once: 1,
            understand_at_once: 2,
            lease_s: 60,
            poll_s: 1,
            retry_first_s: 10,
            retry_most_s: 3_600,
            model_retry_s: 60,
            keep_jobs_days: 30,
            keep_audit_days: 365,
            keep_transcripts_days: 0,
            alert_on: vec![Kind::OneWay, Kind::Dropouts, Kind::Clipped],
        }
    }
}

/// What jobs work with. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub store: Store,
    pub clock: Clock,
    pub hearing: Arc<dyn Hearing>,
    pub observer: Arc<Observer>,
    pub options: Options,
    pub insight: Arc<Insight>,
    /// Where the business is at home.
    pub people: Arc<people::Options>,
    /// Where recordings are, and for how many days they are kept; 0 is for ever.
    pub recordings: PathBuf,
    pub retention_days: u32,
    /// After how many days they are archived; 0 is never.
    pub archive_days: u32,
    /// Sends to the systems that are told of calls.
    pub hooks: Arc<webhooks::Sender>,
    /// Gets the provider's recordings.
    pub fetcher: Arc<fetch::Fetcher>,
    /// How far final passes are.
    pub progress: Progress,
}

/// Called when something changed for those who watch a call. It must not wait.
pub type Observer = dyn Fn(&CallSid, &Told) + Send + Sync;

/// What those who watch a call are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The final pass is done; this is served now, and why.
    Replaced(Replaced),
    /// There can be no final pass; the live text is what there is.
    Settled { state: CallState, reason: String },
    /// The final pass waits for something, or failed and will be tried again.
    Waiting { reason: String },
    /// The final pass was given up.
    GivenUp { reason: String },
    /// The call's lead is another than it was.
    Lead,
}

/// Work that survives the process. One file each.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    const KIND: &'static str;

    /// Does the work; again and again it must come to the same. `stop` asks it to end early with
    /// [`Trouble::Soon`].
    fn run(
        &self,
        context: &Context,
        stop: &CancellationToken,
    ) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// It failed and will be tried again.
    fn will_retry(&self, _context: &Context, _reason: &str) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// It failed for the last time.
    fn given_up(&self, _context: &Context, _reason: &str) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Why a job did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Something is missing; this was no attempt, and why is said on the call.
    #[error("{why}")]
    NotYet { why: String, again_in: Duration },
    /// A moment's matter, not worth a word: again in a second, and this was no attempt.
    #[error("{0}")]
    Soon(String),
    /// Its time has not come; this was no attempt, and is not worth a word either.
    #[error("{why}")]
    Later { why: String, again_in: Duration },
    /// It failed; worth another attempt.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
    /// It failed; worth another attempt at a time that the job knows better than the runner.
    #[error("{why}")]
    Again { why: String, again_in: Duration },
    /// It will never succeed.
    #[error("{0:#}")]
    Hopeless(anyhow::Error),
}

impl From<store::Error> for Trouble {
    fn from(error: store::Error) -> Self {
        Self::Failed(error.into())
    }
}

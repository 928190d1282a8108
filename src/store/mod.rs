//! All of it → rows: one narrow face, SQLite and PostgreSQL behind it.
//!
//! Verbs, not tables: a verb is one transaction and leaves the rows consistent wherever the process
//! dies. All verbs may be repeated. Time is always an argument.
//!
//! The life of a call in rows: [`Store::open_stream`] makes it `live`; [`Store::append_segments`],
//! [`Store::add_notes`] and the recording verbs fill it; [`Store::close_stream`] of its last open stream
//! makes it `finishing` and queues the job that [`Store::replace_transcript`] ends: `final` or `empty`,
//! or `failed` once that job is given up. The live text stays, as version 1. A recording that the provider
//! made joins the call as a stream that was over when it came ([`Store::recording_used`]). However a
//! transcript came to be, the job that [`Store::understood`] ends follows, and has the call announced; beside it the job that
//! [`Store::linked`] ends says whose call it was.

use std::path::Path;

use serde::{Deserialize, Serialize};

mod accounts;
mod analyses;
mod announcements;
mod bookings;
mod audit;
mod boot;
mod call_log;
mod browse;
mod calls;
mod conversations;
mod customers;
mod db;
mod deliveries;
mod downloaded;
mod files;
mod forget;
mod history;
mod jobs;
mod leads;
mod leases;
mod links;
mod notes;
mod paging;
mod pen;
mod prompts;
mod provider_recordings;
mod queue;
mod readings;
mod recordings;
mod roles;
mod rows;
pub mod search;
mod segments;
mod sessions;
mod streams;
mod tokens;
mod traces;
mod transcripts;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use accounts::{Account, AccountName, BadName};
pub use announcements::{
    Announcement, CallFacts, Event, LeadFacts, LogFacts, NewAnnouncement, NewDelivery,
    RecordingFacts,
};
pub use audit::{Actor, AuditEntry, Deed, WhichDeeds};
pub use bookings::{Booker, BookingFilter};
pub use boot::{Interrupted, RecoveredRecording};
pub use browse::{Browsed, RecordingCursor, RecordingFilter, RecordingPage};
pub use call_log::{CallLog, Read, Understood};
pub use calls::{Call, CallFilter, CallState, Cursor, NumberEnd, Page, TooShort, Which};
pub use conversations::{Conversation, ConversationFilter};
pub use customers::{Brought, CustomerFilter};
pub use deliveries::{
    Delivery, DeliveryAttempt, DeliveryState, NewAttempt, Then, ToldDelivery, WhichDeliveries,
};
pub use downloaded::Downloaded;
pub use files::{FILE, File, NewFile};
pub use forget::{Forgotten, Whose};
pub use history::{Fetching, Telling};
pub use jobs::{
    ANALYSE, ANNOUNCE, DELIVER, DOWNLOAD, Enqueued, JobCount, LINK, NewJob, READ_FILE, TRANSCRIBE,
    UNDERSTAND, WRITE_PROMPT,
};
pub use leads::{
    Advanced, Changed, Lead, LeadChange, LeadCustomer, LeadFilter, LeadLog, LeadPage, LeadStatus,
    NewLead, NewProviderRecording, ProviderStatus, RecordingNews, SeenLead,
};
pub use leases::{Job, Lease, Urgency};
pub use links::{CallEnds, Linked, LinkedBy};
pub(crate) use notes::new_id;
pub use notes::{Note, NoteKind};
pub use paging::Place;
pub use pen::Pen;
pub use prompts::Prompt;
pub use provider_recordings::{ProviderRecording, RecordingOutcome};
pub use queue::{JobState, QueuedJob, WhichJobs};
pub use readings::Reading;
pub use recordings::{
    NewRecording, Recording, RecordingEnd, RecordingKey, RecordingPart, RecordingState, open_parts,
};
pub use roles::{Role, Scope, Scopes, UnknownScope};
pub use segments::LiveSegment;
pub use sessions::{Lifetimes, NewSession, Session};
pub use streams::{NewCall, NewStream, Stream, StreamEnd, StreamKey};
pub use tokens::{NewToken, Token};
pub use traces::{LiveModels, LiveTrace};
pub use transcripts::{FinalText, Replaced, Transcript, Version, VersionKind};

/// Where the rows are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// `sqlite://PATH` (the file and its folder are made) or `postgres://USER:PASSWORD@HOST/DATABASE`.
    pub url: String,
    /// Connections: readers beside the one writer on SQLite, all of them on PostgreSQL.
    pub connections: u32,
    /// This process's name among those that share the database: at boot it closes what itself left open.
    pub node: String,
    /// Seconds between the close of a call's last stream and its final pass. A stream that comes
    /// within them continues the call.
    pub transcribe_after_s: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            url: "sqlite://data/callscribe.db".into(),
            connections: 4,
            node: "main".into(),
            transcribe_after_s: 3,
        }
    }
}

/// The rows. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Store {
    db: db::Db,
    node: String,
    transcribe_after: jiff::SignedDuration,
}

/// Why a verb failed. A failed verb changed nothing. The cause is part of the message, and therefore no
/// `source`: a chain would say it twice.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("a database is sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE")]
    Url,
    #[error("the folder of the database cannot be made: {0}")]
    Folder(std::io::Error),
    #[error("the database's schema cannot be brought up to date: {0}")]
    Migrate(sqlx::migrate::MigrateError),
    #[error("the database failed: {0}")]
    Db(sqlx::Error),
    #[error("column {column} holds what this version cannot read: {found}")]
    Corrupt { column: String, found: String },
    #[error("a cursor is the `next` of a former page")]
    BadCursor,
    #[error("there is no call {0}")]
    NoCall(String),
    #[error("there is no delivery {0}")]
    NoDelivery(String),
    #[error("there is no job {0}")]
    NoJob(String),
    #[error("there is no account {0}")]
    NoAccount(String),
    #[error("there is no token {0}")]
    NoToken(String),
    /// What is asked for does not go with how things stand.
    #[error("{0}")]
    Refused(String),
    #[error("the call {0} goes on: end it first")]
    Live(String),
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Folder(error)
    }
}

impl From<sqlx::migrate::MigrateError> for Error {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Migrate(error)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error)
    }
}

impl Error {
    /// The database refused the rows themselves; the same again would be refused again.
    pub(crate) fn is_refusal(&self) -> bool {
        use sqlx::error::ErrorKind;
        let Self::Db(sqlx::Error::Database(error)) = self else {
            return false;
        };
        matches!(
            error.kind(),
            ErrorKind::ForeignKeyViolation
                | ErrorKind::NotNullViolation
                | ErrorKind::CheckViolation
        )
    }

    fn corrupt(column: &str, found: &str) -> Self {
        Self::Corrupt {
            column: column.into(),
            found: found.chars().take(64).collect(),
        }
    }
}

impl Store {
    /// Connects and brings the schema up to date; any number of processes may do so at once.
    ///
    /// # Errors
    /// When the database cannot be reached or made, or holds a schema newer than this version's.
    pub async fn open(options: &Options) -> Result<Self, Error> {
        let store = Self {
            db: db::Db::open(options).await?,
            node: options.node.clone(),
            transcribe_after: jiff::SignedDuration::from_secs(options.transcribe_after_s.into()),
        };
        store.index_older_calls().await?;
        Ok(store)
    }

    /// Whether the database answers: for readiness.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        self.db.row("SELECT 1 AS one", &[]).await.map(drop)
    }

    /// Waits for verbs in flight and closes the connections.
    pub async fn close(&self) {
        self.db.close().await;
    }
}

/// The database's kind and place without its password, for a log line.
#[must_use]
pub fn describe(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) if scheme.starts_with("postgres") => {
            let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
            format!("postgres://{}", place.split('?').next().unwrap_or_default())
        }
        Some((_, rest)) => format!("sqlite://{}", Path::new(rest).display()),
        None => url.chars().take(16).collect(),
    }
}

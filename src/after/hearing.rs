//! The seam between jobs and the speech engine: files in, what was said out.

use tokio_util::sync::CancellationToken;

use crate::{
    speech::{ModelInfo, Word, coverage::Span},
    store::RecordingPart,
    time::MediaTime,
};

/// Runs the final pass over one track. Called on a thread that may block.
pub trait Hearing: Send + Sync {
    /// The model that will be used.
    ///
    /// # Errors
    /// [`NoHearing::NotYet`] while it is missing.
    fn model(&self) -> Result<ModelInfo, NoHearing>;

    /// What the engine is told, enough to run it again; part of the version's identity.
    fn parameters(&self) -> serde_json::Value;

    /// Hears the files of one recording, one after the other, as one. `progress` is told how far; `stop` asks it
    /// to give up soon.
    ///
    /// # Errors
    /// When the files cannot be read or the engine failed.
    fn hear(
        &self,
        parts: &[RecordingPart],
        language: Option<&str>,
        progress: &dyn Fn(MediaTime),
        stop: &CancellationToken,
    ) -> Result<HeardTrack, NoHearing>;
}

/// What was heard on one track. Times count from the start of its first file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeardTrack {
    pub utterances: Vec<(MediaTime, MediaTime, String, Vec<Word>)>,
    /// From zero to the end of the last file.
    pub coverage: Vec<Span>,
    /// ISO 639-1, as asked for or detected.
    pub language: Option<String>,
}

/// Why nothing was heard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoHearing {
    /// The engine has no model yet.
    #[error("{0}")]
    NotYet(String),
    /// There is to be no final pass, by configuration.
    #[error("{0}")]
    Off(String),
    /// The files are gone or are no audio: trying again does not help this track.
    #[error("{0}")]
    Unreadable(String),
    #[error("{0}")]
    Failed(String),
    #[error("the service is stopping")]
    Stopped,
}

//! The speech engine's final pass, as jobs hear by it.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{HeardTrack, Hearing, NoHearing};
use crate::{
    speech::{
        Decoded, EngineError, ModelInfo, Request, Session,
        final_pass::{self, Error, transcribe},
    },
    store::{RecordingPart, open_parts},
    time::MediaTime,
};

/// Makes a session for one recording; in production one that shares the lanes with live calls.
pub type Sessions = Arc<dyn Fn() -> Result<Box<dyn Session>, EngineError> + Send + Sync>;

/// The final pass, or why there is none.
pub struct FinalPass {
    engine: Result<(ModelInfo, Sessions), NoHearing>,
    options: final_pass::Options,
}

impl FinalPass {
    #[must_use]
    pub fn new(model: ModelInfo, sessions: Sessions, options: final_pass::Options) -> Self {
        Self {
            engine: Ok((model, sessions)),
            options,
        }
    }

    /// One that hears nothing: [`NoHearing::NotYet`] while a model is missing, [`NoHearing::Off`] for good.
    #[must_use]
    pub fn without(why: NoHearing, options: final_pass::Options) -> Self {
        Self {
            engine: Err(why),
            options,
        }
    }
}

impl Hearing for FinalPass {
    fn model(&self) -> Result<ModelInfo, NoHearing> {
        self.engine
            .as_ref()
            .map(|(model, _)| model.clone())
            .map_err(NoHearing::clone)
    }

    fn parameters(&self) -> serde_json::Value {
        serde_json::to_value(&self.options).unwrap_or_default()
    }

    fn hear(
        &self,
        parts: &[RecordingPart],
        language: Option<&str>,
        progress: &dyn Fn(MediaTime),
        stop: &CancellationToken,
    ) -> Result<HeardTrack, NoHearing> {
        let (_, sessions) = self.engine.as_ref().map_err(NoHearing::clone)?;
        let session = sessions().map_err(|error| NoHearing::Failed(error.to_string()))?;
        let mut session = Stoppable { session, stop };
        let mut source =
            open_parts(parts).map_err(|error| NoHearing::Unreadable(error.to_string()))?;
        let options = final_pass::Options {
            language: language
                .map(str::to_owned)
                .or_else(|| self.options.language.clone()),
            ..self.options.clone()
        };
        let heard =
            transcribe(&mut session, &mut source, &options, progress).map_err(
                |error| match error {
                    _ if stop.is_cancelled() => NoHearing::Stopped,
                    Error::Audio(error) => NoHearing::Unreadable(error.to_string()),
                    Error::Engine(error) => NoHearing::Failed(error.to_string()),
                },
            )?;
        Ok(HeardTrack {
            utterances: heard
                .utterances
                .into_iter()
                .map(|u| (u.start, u.end, u.text, u.words))
                .collect(),
            coverage: heard.coverage,
            language: heard.language,
        })
    }
}

/// A session that fails from the stop on, so that a pass ends within a window of it.
struct Stoppable<'a> {
    session: Box<dyn Session>,
    stop: &'a CancellationToken,
}

impl Session for Stoppable<'_> {
    fn decode(&mut self, request: &Request<'_>) -> Result<Decoded, EngineError> {
        if self.stop.is_cancelled() {
            return Err(EngineError::Failed("the service is stopping".into()));
        }
        self.session.decode(request)
    }
}

//! Post-call work through the lanes: a [`Session`] whose every decode queues behind live looks.

use std::sync::{
    Arc,
    mpsc::{SyncSender, sync_channel},
};

use super::Shared;
use crate::speech::{Decoded, Effort, EngineError, Request, Session};

/// A window that waits for a worker, and who waits for it.
pub(super) struct BatchJob {
    samples: Vec<f32>,
    language: Option<String>,
    prompt: String,
    said: String,
    effort: Effort,
    /// One place: the answer never blocks the worker.
    reply: SyncSender<Result<Decoded, EngineError>>,
}

impl BatchJob {
    pub(super) fn request(&self) -> Request<'_> {
        Request {
            samples: &self.samples,
            language: self.language.as_deref(),
            prompt: &self.prompt,
            said: &self.said,
            effort: self.effort,
        }
    }

    pub(super) fn answer(self, answer: Result<Decoded, EngineError>) {
        // Who asked may be gone; then nobody misses the answer.
        drop(self.reply.send(answer));
    }
}

pub(super) struct BatchSession {
    pub(super) shared: Arc<Shared>,
}

impl Session for BatchSession {
    fn decode(&mut self, request: &Request<'_>) -> Result<Decoded, EngineError> {
        let (reply, answer) = sync_channel(1);
        self.shared.push_batch(BatchJob {
            samples: request.samples.to_vec(),
            language: request.language.map(str::to_owned),
            prompt: request.prompt.to_owned(),
            said: request.said.to_owned(),
            effort: request.effort,
            reply,
        });
        let gone = |_| EngineError::Failed("the speech workers have stopped".into());
        answer.recv().map_err(gone)?
    }
}

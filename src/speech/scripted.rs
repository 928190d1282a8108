//! An engine that says what it is told: the deterministic twin of whisper for tests and demos.

use super::{Decoded, Engine, EngineError, ModelInfo, Request, Session};

/// Answers every window by a function of it.
pub struct Scripted<F> {
    model: ModelInfo,
    script: F,
}

impl<F> Scripted<F>
where
    F: Fn(&Request<'_>) -> Result<Decoded, EngineError> + Clone + Send + Sync + 'static,
{
    pub fn new(script: F) -> Self {
        let model = ModelInfo {
            name: "scripted".into(),
            sha256: String::new(),
            multilingual: true,
        };
        Self { model, script }
    }
}

impl<F> Engine for Scripted<F>
where
    F: Fn(&Request<'_>) -> Result<Decoded, EngineError> + Clone + Send + Sync + 'static,
{
    fn session(&self) -> Result<Box<dyn Session>, EngineError> {
        Ok(Box::new(ScriptedSession(self.script.clone())))
    }

    fn model(&self) -> &ModelInfo {
        &self.model
    }
}

struct ScriptedSession<F>(F);

impl<F> Session for ScriptedSession<F>
where
    F: Fn(&Request<'_>) -> Result<Decoded, EngineError> + Send,
{
    fn decode(&mut self, request: &Request<'_>) -> Result<Decoded, EngineError> {
        (self.0)(request)
    }
}

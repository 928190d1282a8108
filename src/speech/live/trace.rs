//! What happened to a listener, in order: enough to do it all again, from the same audio, and to come
//! to the same words and the same revisions of them. Listening is sans-IO, so its inputs are all there
//! is to know; audio and answers are not kept, for the recording holds the one and the same model gives
//! the other.

use serde::{Deserialize, Serialize};

use super::{Heard, Level, Listener, Options, Window};
use crate::speech::{Decoded, EngineError};

/// Steps kept; three looks a second for seven hours. What comes after is not known again.
const MOST_STEPS: usize = 200_000;

/// The life of one track's [`Listener`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    pub options: Options,
    /// As it was asked for; `None`: it was detected.
    pub language: Option<String>,
    pub steps: Vec<Step>,
    /// More happened than was kept.
    pub cut: bool,
}

/// One input of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// So many samples at a time, so many times in a row.
    Push(u64, u32),
    /// Samples that were lost on the way.
    Skip(u64),
    Level(Level),
    /// A look began, on a lane whose looks take so many seconds a frame.
    Look(Option<f32>),
    /// It was answered; `false`: the engine failed.
    Answer(bool),
    Finish,
    Abandon,
}

/// Why a trace cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum AgainError<E> {
    #[error("the recording cannot be read: {0}")]
    Audio(E),
    #[error("the recording ends before the live text did")]
    TooShort,
}

impl Trace {
    pub(super) fn new(options: &Options, language: Option<&str>) -> Self {
        Self {
            options: options.clone(),
            language: language.map(str::to_owned),
            steps: Vec::new(),
            cut: false,
        }
    }

    pub(super) fn add(&mut self, step: Step) {
        if let (Step::Push(samples, _), Some(Step::Push(before, times))) =
            (step, self.steps.last_mut())
            && samples == *before
            && *times < u32::MAX
        {
            *times += 1;
        } else if self.steps.len() < MOST_STEPS {
            self.steps.push(step);
        } else {
            self.cut = true;
        }
    }

    /// Does it all again: `read` gives the next samples of the recording, `decode` asks the engine. With
    /// the same model and build this says what was said then; with others, looks are taken when they
    /// were taken then.
    ///
    /// # Errors
    /// When the audio cannot be read or is too short.
    pub fn again<E>(
        &self,
        mut read: impl FnMut(u64, &mut Vec<i16>) -> Result<(), E>,
        mut decode: impl FnMut(&Window) -> Result<Decoded, EngineError>,
        mut tell: impl FnMut(Heard),
    ) -> Result<(), AgainError<E>> {
        let mut listener = Listener::new(self.options.clone(), self.language.clone());
        let (mut window, mut samples, mut answer) = (Window::default(), Vec::new(), None);
        for step in &self.steps {
            match *step {
                Step::Push(count, times) => {
                    for _ in 0..times {
                        take(&mut read, count, &mut samples)?;
                        listener.push(&samples);
                    }
                }
                Step::Skip(count) => {
                    take(&mut read, count, &mut samples)?;
                    listener.skip(count);
                }
                Step::Level(level) => listener.set_level(level),
                Step::Look(pace) => {
                    window.pace.set(pace);
                    answer = listener.window(&mut window).map(|_| decode(&window));
                }
                Step::Answer(heard) => {
                    if let Some(answer) = answer.take() {
                        let failed = || Err(EngineError::Failed("as it did then".into()));
                        listener.answer(if heard { answer } else { failed() });
                    }
                }
                Step::Finish => listener.finish(),
                Step::Abandon => listener.abandon(),
            }
            while let Some(heard) = listener.poll() {
                tell(heard);
            }
        }
        Ok(())
    }
}

fn take<E>(
    read: &mut impl FnMut(u64, &mut Vec<i16>) -> Result<(), E>,
    count: u64,
    samples: &mut Vec<i16>,
) -> Result<(), AgainError<E>> {
    samples.clear();
    read(count, samples).map_err(AgainError::Audio)?;
    match samples.len() as u64 == count {
        true => Ok(()),
        false => Err(AgainError::TooShort),
    }
}

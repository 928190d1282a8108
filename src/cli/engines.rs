//! The models that `serve` hears with. A missing one is said, with the command that gets it, and
//! switches its half off: the gateway records all the same.

use std::sync::Arc;

use crate::{
    after::{self, FinalPass, NoHearing, Observer, Sessions, Told, fetch::Fetcher},
    config::Config,
    ids::CallSid,
    insight::Insight,
    live::{
        Gateway,
        hub::{Hub, LeadNews, event::CallEvent},
    },
    speech::{Engine, EngineError, final_pass, lanes::Engines, models, whisper::Whisper},
    store::{CallState, Store},
    time::Clock,
    webhooks,
};

/// What could be loaded.
#[derive(Default, Clone)]
pub struct Loaded {
    pub live: Option<Arc<dyn Engine>>,
    pub small: Option<Arc<dyn Engine>>,
    pub last: Option<Arc<dyn Engine>>,
}

impl Loaded {
    /// What is loaded, and for what.
    #[must_use]
    pub fn names(&self) -> Vec<(&'static str, String)> {
        [
            ("Live words", &self.live),
            ("Live words when busy", &self.small),
            ("Final transcript", &self.last),
        ]
        .into_iter()
        .filter_map(|(what, engine)| Some((what, engine.as_ref()?.model().name.clone())))
        .collect()
    }

    /// The engines for the lanes; none where nothing at all is loaded.
    #[must_use]
    pub fn live(&self) -> Option<Engines> {
        let live = self.live.clone()?;
        Some(Engines {
            live,
            small: self.small.clone(),
            last: self.last.clone(),
        })
    }
}

/// Loads what the configuration asks for, each file once.
#[must_use]
pub fn load(config: &Config) -> Loaded {
    let speech = &config.speech;
    let one = |wanted: bool, name: &str| -> Option<Arc<dyn Engine>> {
        if !wanted || name.is_empty() {
            return None;
        }
        match open(config, name) {
            Ok(engine) => Some(engine),
            Err(error) => {
                tracing::warn!(%error, "calls are recorded, but this model's words will be missing");
                None
            }
        }
    };
    let live = one(speech.live, &speech.live_model);
    let same = speech.live && speech.live_model == speech.final_model;
    let last = if same && speech.r#final {
        live.clone()
    } else {
        one(speech.r#final, &speech.final_model)
    };
    Loaded {
        small: one(speech.live, &speech.small_model),
        live,
        last,
    }
}

fn open(config: &Config, name: &str) -> Result<Arc<dyn Engine>, EngineError> {
    let file = models::find(&config.models.folder, name)?;
    Ok(Arc::new(Whisper::load(&file)?))
}

/// What jobs work with beside a gateway.
///
/// # Errors
/// When the webhooks' targets or the lists of the insight cannot be meant.
pub fn beside(
    config: &Config,
    loaded: &Loaded,
    gateway: &Gateway,
) -> anyhow::Result<after::Context> {
    let hub = gateway.hub.clone();
    let observer = Arc::new(move |call: &CallSid, told: &Told| tell(&hub, call, told));
    let (store, clock) = (gateway.store.clone(), gateway.clock.clone());
    let hearing = final_pass(config, loaded, beside_calls(gateway));
    context(config, store, clock, hearing, observer)
}

/// What jobs work with in this process.
///
/// # Errors
/// When the webhooks' targets or the lists of the insight cannot be meant.
pub fn context(
    config: &Config,
    store: Store,
    clock: Clock,
    hearing: FinalPass,
    observer: Arc<Observer>,
) -> anyhow::Result<after::Context> {
    let insight = Insight::new(&config.insight, clock.clone())?;
    let token = config.media.auth_token.clone();
    Ok(after::Context {
        store,
        clock,
        hearing: Arc::new(hearing),
        observer,
        options: config.jobs.clone(),
        insight: Arc::new(insight),
        people: Arc::new(config.people.clone()),
        recordings: config.recording.folder.clone(),
        retention_days: config.recording.retention_days,
        archive_days: config.recording.archive_days,
        fetcher: Arc::new(Fetcher::new(config.downloads.clone(), token)),
        progress: after::Progress::default(),
        hooks: Arc::new(webhooks::Sender::new(&config.webhooks)?),
    })
}

/// Live calls come first: the lanes give a final pass the windows that they leave. None where nothing is
/// heard live.
fn beside_calls(gateway: &Gateway) -> Option<Sessions> {
    let lanes = Arc::clone(gateway.ears.as_ref()?.lanes());
    Some(Arc::new(move || Ok(lanes.batch_session())))
}

/// The final pass as configured: by `sessions` of others, or of its own engine.
#[must_use]
pub fn final_pass(config: &Config, loaded: &Loaded, sessions: Option<Sessions>) -> FinalPass {
    let language = config
        .final_pass
        .language
        .clone()
        .or_else(|| config.speech.language());
    let options = final_pass::Options {
        language,
        ..config.final_pass.clone()
    };
    if !config.speech.r#final {
        return FinalPass::without(
            NoHearing::Off("the final pass is switched off (speech.final)".into()),
            options,
        );
    }
    let Some(engine) = loaded.last.clone() else {
        let name = &config.speech.final_model;
        let why =
            format!("the model {name} is missing: `callscribe models pull {name}`, then restart");
        return FinalPass::without(NoHearing::NotYet(why), options);
    };
    let model = engine.model().clone();
    let sessions = sessions.unwrap_or_else(|| Arc::new(move || engine.session()));
    FinalPass::new(model, sessions, options)
}

/// What came of a call, for those who watch it.
fn tell(hub: &Hub, call: &CallSid, told: &Told) {
    let state = |state, reason: &str| CallEvent::State {
        state,
        interrupted: false,
        reason: Some(reason.to_owned()),
    };
    match told {
        Told::Replaced(replaced) => {
            hub.publish(
                call,
                CallEvent::Replaced {
                    version: replaced.served_version,
                    reason: replaced.served_reason.clone(),
                },
            );
            hub.publish(call, state(replaced.state, &replaced.served_reason));
            hub.publish(
                call,
                CallEvent::Ended {
                    state: replaced.state,
                },
            );
        }
        Told::Settled {
            state: settled,
            reason,
        } => {
            hub.publish(call, state(*settled, reason));
            hub.publish(call, CallEvent::Ended { state: *settled });
        }
        Told::Lead => hub.publish_lead(call, LeadNews::Changed),
        Told::Waiting { reason } => hub.publish(call, state(CallState::Finishing, reason)),
        Told::GivenUp { reason } => {
            hub.publish(call, state(CallState::Failed, reason));
            hub.publish(
                call,
                CallEvent::Ended {
                    state: CallState::Failed,
                },
            );
        }
    }
}

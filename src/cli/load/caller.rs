use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::{Instant as Alarm, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{plan::Habits, tally::Tally, words::Words};
use crate::{
    cli::phone::{Call, Client, Door, Failure, Line, Sent, Source, Speed, pace::FRAME_MS},
    ids::CallSid,
    time::{Clock, MediaTime},
};

/// A call shorter than this is not begun.
const SHORTEST: Duration = Duration::from_millis(500);
/// Whoever was turned away waits so long at least: a full server is not to be flooded.
const TURNED_AWAY: Duration = Duration::from_secs(1);
/// How much longer than its audio a stream may take before it counts as broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// What all callers share.
pub(super) struct Setup {
    pub(super) door: Door,
    pub(super) sources: Arc<Vec<Source>>,
    pub(super) line: Line,
    pub(super) clock: Clock,
    /// When nobody calls any more; without it, each calls once.
    pub(super) ends: Option<Instant>,
    pub(super) tally: Arc<Tally>,
    /// Where words are to be measured.
    pub(super) words: Option<Words>,
}

/// One caller: a task that makes one call after the other.
pub(super) struct Caller {
    /// Its own number.
    n: usize,
    /// Of its next call, which says what is spoken.
    turn: usize,
    setup: Arc<Setup>,
    habits: Habits,
}

/// What a connection is of its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leg {
    Whole,
    /// Cut at its end.
    First,
    /// After the cut.
    Rest,
}

/// Something went wrong, and is counted.
struct Trouble;

/// Counts a connection as open while it lasts, also where its task is dropped.
struct Open(Arc<Tally>);

impl Open {
    fn new(tally: &Arc<Tally>) -> Self {
        tally.open.up();
        Self(Arc::clone(tally))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.down();
    }
}

impl Caller {
    pub(super) const fn new(n: usize, setup: Arc<Setup>, habits: Habits) -> Self {
        Self {
            n,
            turn: n,
            setup,
            habits,
        }
    }

    pub(super) async fn run(mut self, begins: Instant, stop: CancellationToken) {
        let calls = async {
            sleep_until(Alarm::from_std(begins)).await;
            self.calls().await;
        };
        tokio::select! {
            () = calls => {}
            () = stop.cancelled() => {}
        }
    }

    async fn calls(&mut self) {
        loop {
            let Some(source) = self.next() else { return };
            let went = self.call(&source).await;
            let Some(ends) = self.setup.ends else { return };
            let mut thinks = self.habits.thinks();
            if went.is_err() {
                thinks = thinks.max(TURNED_AWAY);
            }
            if self.setup.clock.now() + thinks + SHORTEST >= ends {
                return;
            }
            sleep(thinks).await;
        }
    }

    /// What is said in the next call, as far as there is time for it.
    fn next(&mut self) -> Option<Source> {
        let sources = &self.setup.sources;
        let source = &sources[self.turn % sources.len()];
        self.turn += 1;
        let Some(ends) = self.setup.ends else {
            return Some(source.clone());
        };
        let left = ends.saturating_duration_since(self.setup.clock.now());
        let frames = u64::try_from(left.as_millis()).unwrap_or(u64::MAX) / FRAME_MS;
        (left >= SHORTEST).then(|| source.part(0..frames))
    }

    async fn call(&mut self, source: &Source) -> Result<(), Trouble> {
        let tally = Arc::clone(&self.setup.tally);
        tally.begun.up();
        let call: CallSid = id("CA").parse().map_err(|_| Trouble)?;
        match self.habits.cut(source.frames()) {
            None => self.connection(&call, source, Leg::Whole).await?,
            Some(cut) => {
                self.connection(&call, &source.part(0..cut.at), Leg::First)
                    .await?;
                tally.cut.up();
                sleep(Duration::from_millis((cut.back - cut.at) * FRAME_MS)).await;
                let rest = source.part(cut.back..u64::MAX);
                self.connection(&call, &rest, Leg::Rest).await?;
            }
        }
        tally.ended.up();
        Ok(())
    }

    async fn connection(
        &mut self,
        call: &CallSid,
        source: &Source,
        leg: Leg,
    ) -> Result<(), Trouble> {
        let seed = self.habits.seed();
        let setup = &*self.setup;
        let (clock, tally) = (&setup.clock, &setup.tally);
        let sid = call.clone();
        let call = Call {
            account: format!("AC{}", "0".repeat(32)),
            call: call.clone(),
            stream: id("MZ").parse().map_err(|_| Trouble)?,
            parameters: BTreeMap::new(),
            speed: Speed::Times(1.0),
            line: Line { seed, ..setup.line },
            stop: leg != Leg::First,
        };
        let asked = clock.now();
        let client = match Client::connect(&setup.door, call, clock.clone()).await {
            Ok(client) => client.measured(Arc::clone(&tally.meter)),
            Err(failure) => {
                tally.was_refused(&failure);
                return Err(Trouble);
            }
        };
        tally.accepted.add(clock.now() - asked);
        let _open = Open::new(tally);
        let words = setup.words.as_ref();
        let words = words.filter(|words| leg != Leg::Rest && words.follows(self.n));
        let began = clock.now();
        let watching = async {
            match words {
                Some(words) => words.follow(&sid, clock, began).await,
                None => std::future::pending().await,
            }
        };
        let most = Duration::from_millis(source.frames() * FRAME_MS) + PATIENCE;
        let sent = tokio::select! {
            sent = timeout(most, client.stream(source)) => sent,
            never = watching => match never {},
        };
        let sent = sent.unwrap_or_else(|_| Err(Failure::Broken("the server does not read".into())));
        match sent {
            Ok(Sent {
                complaint: Some((code, reason)),
                ..
            }) => {
                // It did not hear what it was sent, and says so after the end.
                tally.was_closed(&Failure::Closed {
                    code,
                    reason,
                    after: MediaTime::from_ms(source.frames() * FRAME_MS),
                });
                Err(Trouble)
            }
            Ok(sent) if sent.unclosed => {
                tally.was_closed(&Failure::Broken("it was not closed after stop".into()));
                Err(Trouble)
            }
            Ok(_) => Ok(()),
            Err(failure) => {
                tally.was_closed(&failure);
                Err(Trouble)
            }
        }
    }
}

fn id(kind: &str) -> String {
    format!("{kind}{}", Uuid::new_v4().simple())
}

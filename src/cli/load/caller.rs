use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::{Instant as Alarm, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{plan::Habits, tally::Tally};
use crate::{
    cli::phone::{Call, Client, Door, Failure, Line, Source, Speed, pace::FRAME_MS},
    ids::CallSid,
    time::Clock,
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
}

/// One caller: a task that makes one call after the other.
pub(super) struct Caller {
    n: usize,
    setup: Arc<Setup>,
    habits: Habits,
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
        Self { n, setup, habits }
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
        let source = &sources[self.n % sources.len()];
        self.n += 1;
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
            None => self.connection(&call, source, true).await?,
            Some(cut) => {
                self.connection(&call, &source.part(0..cut.at), false)
                    .await?;
                tally.cut.up();
                sleep(Duration::from_millis((cut.back - cut.at) * FRAME_MS)).await;
                let rest = source.part(cut.back..u64::MAX);
                self.connection(&call, &rest, true).await?;
            }
        }
        tally.ended.up();
        Ok(())
    }

    async fn connection(
        &mut self,
        call: &CallSid,
        source: &Source,
        stop: bool,
    ) -> Result<(), Trouble> {
        let seed = self.habits.seed();
        let Setup {
            door,
            line,
            clock,
            tally,
            ..
        } = &*self.setup;
        let call = Call {
            account: format!("AC{}", "0".repeat(32)),
            call: call.clone(),
            stream: id("MZ").parse().map_err(|_| Trouble)?,
            parameters: BTreeMap::new(),
            speed: Speed::Times(1.0),
            line: Line { seed, ..*line },
            stop,
        };
        let asked = clock.now();
        let client = match Client::connect(door, call, clock.clone()).await {
            Ok(client) => client.measured(Arc::clone(&tally.meter)),
            Err(failure) => {
                tally.was_refused(&failure);
                return Err(Trouble);
            }
        };
        tally.accepted.add(clock.now() - asked);
        let _open = Open::new(tally);
        let most = Duration::from_millis(source.frames() * FRAME_MS) + PATIENCE;
        let sent = timeout(most, client.stream(source)).await;
        let sent = sent.unwrap_or_else(|_| Err(Failure::Broken("the server does not read".into())));
        match sent {
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

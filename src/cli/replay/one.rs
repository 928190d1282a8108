use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use uuid::Uuid;

use super::{
    Args, NOT_FINAL, REFUSED, WORSE,
    expect::{Expectation, Latency},
    recorded::{Script, Stream},
    report::{self, Follower, Outcome},
    screen::Screen,
};
use crate::{
    cli::phone::{Call, Client, Door, Failure, Line, Sent, Source, Speed},
    ids::CallSid,
    time::Clock,
};

/// One call from its first socket to its transcript.
pub(super) struct One {
    name: String,
    door: Door,
    call: CallSid,
    speed: Speed,
    legs: Vec<Leg>,
    follower: Option<Follower>,
    wait: Duration,
    expectation: Option<Expectation>,
    screen: Screen,
    clock: Clock,
}

/// One of its streams.
struct Leg {
    after: Duration,
    call: Call,
    source: Source,
}

impl One {
    pub(super) fn new(
        args: &Args,
        n: usize,
        script: &Script,
        screen: Screen,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let call: CallSid = match &args.call_sid {
            Some(call) => call.clone(),
            None => fresh("CA").parse()?,
        };
        let follower = (args.wait > 0)
            .then(|| Follower::new(args, call.clone()))
            .transpose()?;
        let legs = (script.streams.iter()).map(|stream| Leg::new(args, n, &call, stream));
        Ok(Self {
            name: script.name.clone(),
            door: args.phone.door(),
            speed: args.speed,
            legs: legs.collect::<Result<_, _>>()?,
            call,
            follower,
            wait: Duration::from_secs(args.wait),
            expectation: match &args.expect {
                Some(path) => Some(Expectation::read(path, args.worst_wer)?),
                None => None,
            },
            screen,
            clock,
        })
    }

    /// The exit status of this call.
    pub(super) async fn run(self) -> anyhow::Result<u8> {
        let (deadline, until) = watch::channel(None);
        let mut latency = Latency::default();
        let began = self.clock.now();
        let sending = async {
            let sent = self.send().await;
            let patience = if sent.is_ok() {
                self.wait
            } else {
                Duration::ZERO
            };
            deadline.send_replace(Some(Instant::from_std(self.clock.now() + patience)));
            sent
        };
        let following = async {
            let follower = self.follower.as_ref()?;
            let mut tell = |line| {
                if let report::Line::Committed(ends) = &line {
                    latency.arrived(ends, self.speed, began, self.clock.now());
                }
                self.screen.line(&line);
            };
            loop {
                let outcome = follower.follow(&until, &mut tell).await;
                // Between two streams a call may be final for a while.
                let over = until.borrow().is_some();
                if over || outcome.is_err() || until.clone().changed().await.is_err() {
                    return Some(outcome);
                }
            }
        };
        let (sent, outcome) = tokio::join!(sending, following);
        self.screen.clear();
        if let Err(failure) = sent {
            return refused(&self.screen, &self.name, &failure);
        }
        let status = told(&self.screen, &self.call, outcome);
        match (&self.follower, &self.expectation) {
            (Some(follower), Some(expectation)) => {
                let score = scored(follower, expectation, &latency, &self.screen).await;
                Ok(status.max(score))
            }
            _ => Ok(status),
        }
    }

    /// Sends all streams, each when its time has come; as fast as can be, one after the other.
    async fn send(&self) -> Result<(), Failure> {
        let legs = self.legs.iter().enumerate();
        if self.speed == Speed::Max {
            for (nth, leg) in legs {
                self.send_leg(nth, leg).await?;
            }
            return Ok(());
        }
        try_join_all(legs.map(|(nth, leg)| self.send_leg(nth, leg))).await?;
        Ok(())
    }

    async fn send_leg(&self, nth: usize, leg: &Leg) -> Result<(), Failure> {
        sleep(self.speed.on_clock(leg.after)).await;
        let client = Client::connect(&self.door, leg.call.clone(), self.clock.clone()).await?;
        let tracks: Vec<&str> = leg.source.tracks().iter().map(|t| t.as_str()).collect();
        let (name, sid) = (&self.name, &self.call);
        self.screen.note(&format!(
            "{name}: {:.1} s, {}, as {sid}",
            leg.source.seconds(),
            tracks.join(" and ")
        ));
        if let Some(follower) = self.follower.as_ref().filter(|_| nth == 0) {
            self.screen
                .note(&format!("watch it at {}", follower.page()));
        }
        let sent = client.stream(&leg.source).await?;
        self.screen.clear();
        self.screen.note(&format!("{sid}: {}", summary(&sent)));
        Ok(())
    }
}

impl Leg {
    fn new(args: &Args, n: usize, call: &CallSid, stream: &Stream) -> anyhow::Result<Self> {
        let mut parameters = stream.parameters.clone();
        parameters.extend(args.parameters.iter().cloned());
        Ok(Self {
            after: stream.after,
            call: Call {
                account: format!("AC{}", "0".repeat(32)),
                call: call.clone(),
                stream: fresh("MZ").parse()?,
                parameters,
                speed: args.speed,
                line: Line {
                    seed: args.phone.seed + n as u64,
                    ..args.phone.line()
                },
                stop: !args.no_stop,
            },
            source: stream.source.clone(),
        })
    }
}

fn fresh(kind: &str) -> String {
    format!("{kind}{}", Uuid::new_v4().simple())
}

fn summary(sent: &Sent) -> String {
    format!(
        "{} frames in {:.2} s, {} lost on purpose, the latest {:.1} ms after it was due",
        sent.frames,
        sent.took.as_secs_f64(),
        sent.lost,
        sent.latest.as_secs_f64() * 1000.0
    )
}

/// The exit status by how the call came out.
fn told(screen: &Screen, call: &CallSid, outcome: Option<anyhow::Result<Outcome>>) -> u8 {
    match outcome {
        None => 0,
        Some(Ok(outcome)) => screen.outcome(call, &outcome),
        Some(Err(error)) => {
            screen.note(&format!("{error:#}"));
            NOT_FINAL
        }
    }
}

/// The exit status by the transcript's errors.
async fn scored(
    follower: &Follower,
    expectation: &Expectation,
    latency: &Latency,
    screen: &Screen,
) -> u8 {
    match follower.served().await {
        Ok(served) => {
            let (text, good) = expectation.judge(&served, latency);
            print!("{text}");
            if good { 0 } else { WORSE }
        }
        Err(error) => {
            screen.note(&format!("nothing to compare with --expect: {error:#}"));
            NOT_FINAL
        }
    }
}

fn refused(screen: &Screen, name: &str, failure: &Failure) -> anyhow::Result<u8> {
    match failure {
        Failure::Url { .. } | Failure::Unreachable { .. } => anyhow::bail!("{failure}"),
        _ => {
            screen.note(&format!("{name}: {failure}"));
            Ok(REFUSED)
        }
    }
}

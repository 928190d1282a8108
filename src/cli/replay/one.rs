use std::{collections::BTreeMap, time::Duration};

use tokio::{sync::watch, time::Instant};
use uuid::Uuid;

use super::{
    Args, NOT_FINAL, REFUSED, WORSE,
    expect::{Expectation, Latency},
    report::{self, Follower, Outcome},
    screen::Screen,
};
use crate::{
    cli::phone::{Call, Client, Door, Failure, Line, Sent, Source},
    ids::{CallSid, StreamSid},
    time::Clock,
};

/// One call from its socket to its transcript.
pub(super) struct One {
    name: String,
    door: Door,
    call: Call,
    source: Source,
    follower: Option<Follower>,
    wait: Duration,
    expectation: Option<Expectation>,
    screen: Screen,
    clock: Clock,
}

impl One {
    pub(super) fn new(
        args: &Args,
        n: usize,
        source: Source,
        screen: Screen,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let id = |kind: &str| format!("{kind}{}", Uuid::new_v4().simple());
        let call: CallSid = match &args.call_sid {
            Some(call) => call.clone(),
            None => id("CA").parse()?,
        };
        let stream: StreamSid = id("MZ").parse()?;
        let follower = (args.wait > 0)
            .then(|| Follower::new(args, call.clone()))
            .transpose()?;
        let parameters: BTreeMap<String, String> = args.parameters.iter().cloned().collect();
        Ok(Self {
            name: args.files[n % args.files.len()].display().to_string(),
            door: args.phone.door(),
            call: Call {
                account: format!("AC{}", "0".repeat(32)),
                call,
                stream,
                parameters,
                speed: args.speed,
                line: Line {
                    seed: args.phone.seed + n as u64,
                    ..args.phone.line()
                },
                stop: !args.no_stop,
            },
            source,
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
        let Self {
            name,
            door,
            call,
            source,
            follower,
            wait,
            expectation,
            screen,
            clock,
        } = self;
        let speed = call.speed;
        let sid = call.call.clone();
        let tracks: Vec<&str> = source.tracks().iter().map(|t| t.as_str()).collect();
        let client = match Client::connect(&door, call, clock.clone()).await {
            Ok(client) => client,
            Err(failure) => return refused(&screen, &name, &failure),
        };
        screen.note(&format!(
            "{name}: {:.1} s, {}, as {sid}",
            source.seconds(),
            tracks.join(" and ")
        ));
        if let Some(follower) = &follower {
            screen.note(&format!("watch it at {}", follower.page()));
        }
        let (deadline, until) = watch::channel(None);
        let mut latency = Latency::default();
        let began = clock.now();
        let sending = async {
            let sent = client.stream(&source).await;
            let patience = if sent.is_ok() { wait } else { Duration::ZERO };
            deadline.send_replace(Some(Instant::from_std(clock.now() + patience)));
            sent
        };
        let following = async {
            match &follower {
                Some(follower) => {
                    let tell = |line| {
                        if let report::Line::Committed(ends) = &line {
                            latency.arrived(ends, speed, began, clock.now());
                        }
                        screen.line(&line);
                    };
                    Some(follower.follow(&until, tell).await)
                }
                None => None,
            }
        };
        let (sent, outcome) = tokio::join!(sending, following);
        screen.clear();
        let sent = match sent {
            Ok(sent) => sent,
            Err(failure) => return refused(&screen, &name, &failure),
        };
        screen.note(&format!("{sid}: {}", summary(&sent)));
        let status = told(&screen, &sid, outcome);
        match (&follower, &expectation) {
            (Some(follower), Some(expectation)) => {
                let score = scored(follower, expectation, &latency, &screen).await;
                Ok(status.max(score))
            }
            _ => Ok(status),
        }
    }
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

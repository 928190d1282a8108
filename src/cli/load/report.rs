//! What came of a run, as JSON has it; `show` tells people.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use super::{
    Args,
    caller::Setup,
    scrape::Server,
    verdict::{Evidence, LATE, Verdict},
};
use crate::cli::phone::meter::Spread;

/// The whole of it; in JSON as it is.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub verdict: Verdict,
    /// Why the verdict is not the best one.
    pub reasons: Vec<String>,
    /// The run was ended before its time; the figures are of what was until then.
    pub interrupted: bool,
    pub parameters: Parameters,
    pub calls: Calls,
    pub generator: Generator,
    /// From the first byte of a connection to the end of its upgrade.
    pub accepted: Lengths,
    pub server: Server,
    /// Where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<FirstWords>,
}

/// How live the words were to whoever watched.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct FirstWords {
    /// Calls whose events came.
    pub calls: u64,
    /// Utterances of which words came while the call went on.
    pub utterances: u64,
    /// From the end of an utterance's first word, as it was spoken, to its coming.
    pub late: Lengths,
}

/// What was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Parameters {
    pub url: String,
    pub calls: usize,
    pub files: Vec<String>,
    pub tracks: &'static str,
    pub ramp_s: f64,
    pub seconds: Option<f64>,
    pub think_s: f64,
    pub reconnect: f64,
    pub loss: f64,
    pub jitter_ms: u64,
    pub seed: u64,
}

/// What became of the calls.
#[derive(Debug, Clone, Serialize)]
pub struct Calls {
    pub begun: u64,
    /// Sent to their end.
    pub complete: u64,
    /// Cut on purpose.
    pub cut: u64,
    pub refused: BTreeMap<String, u64>,
    pub closed_early: BTreeMap<String, u64>,
}

/// How the generator itself did.
#[derive(Debug, Clone, Serialize)]
pub struct Generator {
    pub took_s: f64,
    pub frames: u64,
    pub lost_on_purpose: u64,
    /// How late frames left for which the generator alone is to blame.
    pub late: Lengths,
    /// The share of frames that left 20 ms late or later.
    pub late_over_20_ms: f64,
    /// Frames that the server left waiting for longer than a frame.
    pub stalls: u64,
    pub longest_stall_ms: f64,
    /// Marks of the server that were played and sent back.
    pub marks: u64,
}

/// A spread of times in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Lengths {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub most_ms: f64,
}

impl Report {
    pub(super) fn new(args: &Args, setup: &Setup, took: Duration, server: Server) -> Self {
        let tally = &setup.tally;
        let meter = &tally.meter;
        let mut evidence = Evidence {
            late_p99: meter.late.quantile(0.99),
            accepted_p99: tally.accepted.quantile(0.99),
            frames_sent: meter.frames(),
            refused: tally.refused.count(),
            closed: tally.closed.count(),
            stalls: meter.stalls.count(),
            ..Evidence::default()
        };
        match &server {
            Server::Told(told) => {
                evidence.frames_lost = told.frames_lost;
                evidence.dropped = told.dropped.clone();
                evidence.lag_p95_s = told.live_lag_p95_s;
                evidence.live_level = told.live_level;
                evidence.live_level_before = told.live_level_before;
                evidence.slowest_answer_s = told.slowest_answer_s;
            }
            Server::Silent(why) => evidence.silent = Some(why.clone()),
            Server::Unasked => {}
        }
        let (verdict, reasons) = evidence.judge();
        Self {
            verdict,
            reasons,
            interrupted: false,
            parameters: Parameters::new(args),
            calls: Calls {
                begun: tally.begun.get(),
                complete: tally.ended.get(),
                cut: tally.cut.get(),
                refused: tally.refused.get(),
                closed_early: tally.closed.get(),
            },
            generator: Generator {
                took_s: took.as_secs_f64(),
                frames: meter.frames(),
                lost_on_purpose: meter.lost_on_purpose(),
                late: lengths(&meter.late),
                late_over_20_ms: meter.late.share_from(LATE),
                stalls: meter.stalls.count(),
                longest_stall_ms: ms(meter.stalls.most()),
                marks: meter.marks(),
            },
            accepted: lengths(&tally.accepted),
            server,
            words: setup.words.as_ref().map(|words| FirstWords {
                calls: words.followed.get(),
                utterances: words.late.count(),
                late: lengths(&words.late),
            }),
        }
    }
}

impl Parameters {
    fn new(args: &Args) -> Self {
        let name = |path: &std::path::PathBuf| path.display().to_string();
        Self {
            url: args.phone.url.clone(),
            calls: args.calls,
            files: args.files.iter().map(name).collect(),
            tracks: match (args.phone.track, args.phone.both, args.files.is_empty()) {
                (Some(track), ..) => track.as_str(),
                (None, true, _) => "both",
                (None, false, true) => "inbound",
                (None, false, false) => "as the files have them",
            },
            ramp_s: args.ramp,
            seconds: args.seconds,
            think_s: args.think,
            reconnect: args.reconnect,
            loss: args.phone.loss,
            jitter_ms: args.phone.jitter,
            seed: args.phone.seed,
        }
    }
}

fn lengths(spread: &Spread) -> Lengths {
    Lengths {
        p50_ms: ms(spread.quantile(0.5)),
        p99_ms: ms(spread.quantile(0.99)),
        most_ms: ms(spread.most()),
    }
}

fn ms(length: Duration) -> f64 {
    length.as_secs_f64() * 1e3
}

//! What the figures come to, in one word and an exit status.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::Serialize;

/// Sends of which one in a hundred is later than this, a frame's length, are no Twilio streams.
pub const LATE: Duration = Duration::from_millis(20);
/// Live words of which one in twenty is later than this are not live, in seconds.
pub const LAG_S: f64 = 4.0;

/// A server that takes longer than this to accept a stream or to give its figures does not keep up with
/// anything, in seconds.
pub const ANSWER_S: f64 = 2.0;

/// Who kept up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    KeptUp,
    ServerFellBehind,
    /// The figures say nothing about the server.
    GeneratorFellBehind,
}

impl Verdict {
    /// The exit status.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::KeptUp => 0,
            Self::ServerFellBehind => 3,
            Self::GeneratorFellBehind => 4,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeptUp => "kept up",
            Self::ServerFellBehind => "server fell behind",
            Self::GeneratorFellBehind => {
                "the generator fell behind: these figures say nothing about the server"
            }
        })
    }
}

/// What speaks for and against.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The generator's own lateness, in 99 of 100 frames.
    pub late_p99: Duration,
    /// How long 99 of 100 streams waited to be accepted.
    pub accepted_p99: Duration,
    pub frames_sent: u64,
    /// By the server's count.
    pub frames_lost: u64,
    /// Why its figures could not be read any more.
    pub silent: Option<String>,
    pub refused: u64,
    pub closed: u64,
    pub stalls: u64,
    /// What the server let go or could not do, by counter; their units differ.
    pub dropped: BTreeMap<String, u64>,
    pub lag_p95_s: Option<f64>,
    pub live_level: u64,
    /// Before the first call.
    pub live_level_before: u64,
    pub slowest_answer_s: f64,
}

impl Evidence {
    /// The verdict, and why it is not the best one.
    #[must_use]
    pub fn judge(&self) -> (Verdict, Vec<String>) {
        if self.late_p99 > LATE {
            let late = self.late_p99.as_secs_f64() * 1e3;
            let why = format!(
                "one frame in 100 left over {late:.1} ms late: fewer --calls, or more cores"
            );
            return (Verdict::GeneratorFellBehind, vec![why]);
        }
        let mut why = Vec::new();
        for (count, what) in [
            (self.frames_lost, "frames lost"),
            (self.refused, "connections refused"),
            (self.closed, "connections closed early"),
            (self.stalls, "frames left waiting by the server"),
        ] {
            if count > 0 {
                why.push(format!("{count} {what}"));
            }
        }
        let silent = self.silent.iter();
        why.extend(silent.map(|error| format!("its figures are gone: {error}")));
        let dropped = self.dropped.iter();
        why.extend(dropped.map(|(kind, count)| format!("let go: {count} × {kind}")));
        if self.frames_sent == 0 && why.is_empty() {
            why.push("nothing was sent".into());
        }
        if let Some(lag) = self.lag_p95_s.filter(|lag| *lag > LAG_S) {
            why.push(format!("live words up to {lag} s late"));
        }
        if self.live_level > 0 {
            let (level, before) = (self.live_level, self.live_level_before);
            why.push(format!(
                "live words degraded to level {level}, {before} before the first call"
            ));
        }
        if self.slowest_answer_s > ANSWER_S {
            let slowest = self.slowest_answer_s;
            why.push(format!("its figures came only after {slowest:.1} s"));
        }
        let accepted = self.accepted_p99.as_secs_f64();
        if accepted > ANSWER_S {
            why.push(format!(
                "one stream in 100 was accepted only after {accepted:.1} s"
            ));
        }
        let verdict = match why.is_empty() {
            true => Verdict::KeptUp,
            false => Verdict::ServerFellBehind,
        };
        (verdict, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut Evidence);

    fn judged(change: Change) -> (Verdict, Vec<String>) {
        let mut evidence = Evidence {
            frames_sent: 100,
            ..Evidence::default()
        };
        change(&mut evidence);
        evidence.judge()
    }

    #[test]
    fn one_fault_is_enough_and_is_named() {
        let faults: [(Change, &str); 11] = [
            (
                |e| e.accepted_p99 = Duration::from_secs(3),
                "accepted only after 3.0 s",
            ),
            (|e| e.frames_lost = 1, "1 frames lost"),
            (|e| e.silent = Some("gone".into()), "figures are gone: gone"),
            (|e| e.refused = 2, "2 connections refused"),
            (|e| e.closed = 3, "3 connections closed early"),
            (|e| e.stalls = 4, "4 frames left waiting"),
            (|e| e.dropped = [("queue".into(), 5)].into(), "5 × queue"),
            (|e| e.lag_p95_s = Some(10.0), "10 s late"),
            (|e| e.live_level = 2, "level 2, 0 before"),
            (|e| e.slowest_answer_s = 5.0, "after 5.0 s"),
            (|e| e.frames_sent = 0, "nothing was sent"),
        ];
        for (change, reason) in faults {
            let (verdict, why) = judged(change);
            assert_eq!(verdict, Verdict::ServerFellBehind, "{reason}");
            assert!(why.len() == 1 && why[0].contains(reason), "{why:?}");
        }
    }

    #[test]
    fn bounds_are_no_faults_and_the_generators_own_lateness_outweighs_all() {
        let table: [(Change, Verdict, usize); 8] = [
            (
                |e| e.accepted_p99 = Duration::from_secs(2),
                Verdict::KeptUp,
                0,
            ),
            (|_| {}, Verdict::KeptUp, 0),
            (|e| e.late_p99 = LATE, Verdict::KeptUp, 0),
            (|e| e.lag_p95_s = Some(LAG_S), Verdict::KeptUp, 0),
            (|e| e.slowest_answer_s = ANSWER_S, Verdict::KeptUp, 0),
            (
                |e| (e.frames_sent, e.refused) = (0, 9),
                Verdict::ServerFellBehind,
                1,
            ),
            (
                |e| (e.refused, e.live_level) = (1, 1),
                Verdict::ServerFellBehind,
                2,
            ),
            (
                |e| (e.late_p99, e.refused) = (Duration::from_millis(21), 1),
                Verdict::GeneratorFellBehind,
                1,
            ),
        ];
        for (n, (change, verdict, reasons)) in table.into_iter().enumerate() {
            let (got, why) = judged(change);
            assert_eq!((got, why.len()), (verdict, reasons), "row {n}: {why:?}");
            assert_eq!(got == Verdict::KeptUp, got.code() == 0);
        }
    }
}

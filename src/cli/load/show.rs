//! The report for people.

use std::{collections::BTreeMap, fmt};

use super::{
    report::{Calls, Generator, Lengths, Parameters, Report},
    scrape::{Server, Told},
};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.parameters)?;
        write!(f, "{}{}", self.calls, self.generator)?;
        writeln!(f, "accepted   in {}", self.accepted)?;
        match &self.server {
            Server::Told(told) => write!(f, "{told}")?,
            Server::Silent(why) => writeln!(f, "server     gave no figures after: {why}")?,
            Server::Unasked => writeln!(
                f,
                "server     not asked: whether it lost frames is not known"
            )?,
        }
        if let Some(words) = &self.words {
            writeln!(
                f,
                "words      {} utterances of {} calls; first word after {}",
                words.utterances, words.calls, words.late
            )?;
        }
        if self.interrupted {
            writeln!(f, "interrupted before its end")?;
        }
        writeln!(f, "verdict    {}", self.verdict)?;
        self.reasons
            .iter()
            .try_for_each(|why| writeln!(f, "           {why}"))
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} callers to {}", self.calls, self.url)?;
        match self.seconds {
            Some(seconds) => write!(f, " for {seconds} s")?,
            None => write!(f, ", one call each")?,
        }
        write!(
            f,
            "\n           ramp {} s, think {} s, reconnect {}, loss {}, jitter {} ms, seed {}, tracks: {}\n           ",
            self.ramp_s,
            self.think_s,
            self.reconnect,
            self.loss,
            self.jitter_ms,
            self.seed,
            self.tracks
        )?;
        match self.files.is_empty() {
            true => write!(f, "audio like speech, made here"),
            false => write!(f, "audio from {}", self.files.join(", ")),
        }
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "calls      {} begun, {} complete, {} cut and resumed",
            self.begun, self.complete, self.cut
        )?;
        kinds(f, "refused", &self.refused)?;
        kinds(f, "closed early", &self.closed_early)
    }
}

impl fmt::Display for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "generator  {} frames in {:.1} s, {} lost on purpose",
            self.frames, self.took_s, self.lost_on_purpose
        )?;
        writeln!(
            f,
            "           late by {}; {:.3} % over 20 ms",
            self.late,
            self.late_over_20_ms * 100.0
        )?;
        if self.stalls > 0 {
            writeln!(
                f,
                "           {} frames left waiting by the server, the longest {:.0} ms",
                self.stalls, self.longest_stall_ms
            )?;
        }
        if self.marks > 0 {
            writeln!(f, "           {} marks played and sent back", self.marks)?;
        }
        Ok(())
    }
}

impl fmt::Display for Lengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms",
            self.p50_ms, self.p99_ms, self.most_ms
        )
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "server     {} frames counted, {} lost; {} streams open at most",
            self.frames, self.frames_lost, self.streams_most
        )?;
        if self.frames_foreign > 0 {
            writeln!(
                f,
                "           {} frames more than were sent: others use this server, its figures are theirs too",
                self.frames_foreign
            )?;
        }
        writeln!(
            f,
            "           {} ms of silence filled in; its figures came within {:.0} ms",
            self.gap_ms,
            self.slowest_answer_s * 1e3
        )?;
        match self.live_lag_p95_s {
            Some(lag) => writeln!(
                f,
                "           live words within {lag} s in 95 of 100 cases, degraded to level {} at worst",
                self.live_level
            )?,
            None => writeln!(f, "           no live words")?,
        }
        kinds(f, "refused", &self.refused)?;
        kinds(f, "let go", &self.dropped)?;
        kinds(f, "odd", &self.anomalies)
    }
}

fn kinds(f: &mut fmt::Formatter<'_>, what: &str, kinds: &BTreeMap<String, u64>) -> fmt::Result {
    kinds
        .iter()
        .try_for_each(|(kind, count)| writeln!(f, "           {what}: {count} × {kind}"))
}
